"""Check the amount of a payment, and what its statement says."""

import re

from billow.core.errors import require
from billow.core.money import LARGEST_CHARGE, WHOLE_UNITS, minimum_charge, minor_digits, show


def check_amount(amount: int, currency: str, param: str = "amount") -> None:
    """Refuse an amount that is too small or too large to be charged."""
    least = minimum_charge(currency)
    require(
        amount >= least,
        f"Amount must be at least {show(least, currency)} {currency}",
        param=param,
        code="amount_too_small",
    )
    require(
        amount <= LARGEST_CHARGE,
        f"Amount must be no more than {show(LARGEST_CHARGE, currency)}",
        param=param,
        code="amount_too_large",
    )
    check_units(amount, currency, param)


def check_units(amount: int, currency: str, param: str = "amount") -> None:
    """Refuse an amount that the networks of cards would round."""
    require(
        currency not in WHOLE_UNITS or amount % 100 == 0,
        f"Invalid amount: {currency.upper()} has no decimals, so that the amount must be a multiple of 100.",
        param=param,
        code="invalid_charge_amount_no_decimal_compatible",
    )
    require(
        minor_digits(currency) < 3 or amount % 10 == 0,
        f"Invalid amount: the networks of cards round {currency.upper()} to two decimals, so that the amount"
        " must be a multiple of 10.",
        param=param,
        code="invalid_charge_amount",
    )


def check_descriptor(name: str, text: str | None) -> None:
    good = text is None or (not set(text) & set("<>\\'\"*") and re.search("[A-Za-z]", text))
    require(good, f"The {name} must contain at least one letter and none of < > \\ ' \" *.", param=name)
