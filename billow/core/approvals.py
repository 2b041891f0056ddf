"""Decide whether an act with money needs a second person."""

from collections.abc import Mapping

from billow.core.exchange import Rate, converted


def is_needed(amount: int, currency: str, limit: int | None, home: str, rates: Mapping[str, Rate]) -> bool:
    """Tell whether an amount is above the limit, which is in minor units of the account's own currency.

    Without a limit nobody else is asked. An amount in a currency without a known rate always needs a second
    person, since nobody can say how much it is.

    >>> is_needed(5000, "usd", 5000, "usd", {}), is_needed(5001, "usd", 5000, "usd", {})
    (False, True)
    >>> is_needed(1, "sek", 5000, "usd", {}), is_needed(1, "sek", None, "usd", {})
    (True, False)
    """
    if limit is None:
        return False
    if currency == home:
        return amount > limit
    here = converted(amount, currency, home, rates)
    return here is None or here.amount > limit
