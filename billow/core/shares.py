"""Calculate what a platform and a connected account have of an invoice, in percent of its total."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from billow.core.money import round_half_away

FEE, SHARE = "application_fee_percent", "amount_percent"
"""What a subscription agrees on: what the platform keeps, and what the connected account is paid."""


def percents(fee: Decimal | None, transfer: Mapping[str, Any] | None) -> dict[str, str] | None:
    """Return the percentages that are agreed on; None where there are none.

    >>> percents(Decimal("2.5"), {"amount_percent": 80, "destination": "acct_1"})
    {'application_fee_percent': '2.5', 'amount_percent': '80'}
    """
    share = (transfer or {}).get("amount_percent")
    agreed = {FEE: fee, SHARE: share}
    return {name: str(value) for name, value in agreed.items() if value is not None} or None


def of_total(agreed: Mapping[str, str], total: int, destination: str | None) -> dict[str, Any]:
    """Return the fee and the transfer of an invoice by the percentages that are agreed on.

    A share that rounds to nothing is not transferred, and a credit is not shared.

    >>> of_total({"application_fee_percent": "2.5", "amount_percent": "80"}, 1050, "acct_1")
    {'application_fee_amount': 26, 'transfer_data': {'amount': 840, 'destination': 'acct_1'}}
    """
    found: dict[str, Any] = {}
    if FEE in agreed:
        found["application_fee_amount"] = percent_of(total, Decimal(agreed[FEE])) or None
    if SHARE in agreed and destination:
        amount = percent_of(total, Decimal(agreed[SHARE]))
        found["transfer_data"] = {"amount": amount, "destination": destination} if amount else None
    return found


def percent_of(total: int, percent: Decimal) -> int:
    """Return a percentage of a total, rounded: 12.5 % of 1004 is 126 and of a credit nothing."""
    return round_half_away(max(total, 0) * percent / 100)
