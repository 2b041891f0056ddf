"""Say in which installments a card can pay: the plans that banks of Mexico offer for their credit cards."""

from typing import Any

MONTHS = (3, 6, 9, 12, 18, 24)
MONTHLY = 100_00
"""How much each month of a plan must come to at least, in centavos: six months take 600 pesos."""


def plan(count: int) -> dict[str, Any]:
    """Return a plan as the API shows it."""
    return {"count": count, "interval": "month", "type": "fixed_count"}


def plans(country: str | None, funding: str | None, currency: str, amount: int) -> list[dict[str, Any]]:
    """Return the plans for an amount in minor units, the shortest first; most cards have none."""
    if (country, currency) != ("MX", "mxn") or funding == "debit":
        return []
    return [plan(count) for count in MONTHS if amount >= count * MONTHLY]
