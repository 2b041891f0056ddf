"""Calculate what of the receivables is expected never to be paid, by how long they have been overdue."""

from collections.abc import Sequence
from decimal import Decimal

from billow.core.errors import Refused, require
from billow.core.money import EXACT, proportional, round_half_away

BUCKETS = ("not_due", "days_1_to_30", "days_31_to_60", "days_61_to_90", "days_91_to_120", "days_over_120")
"""As the report of ageing has them."""


def percentages(text: str) -> tuple[Decimal, ...]:
    """Read a percentage for each bucket, from what is not due yet to what is oldest: 0,1,5,20,50,100."""
    parts = text.split(",")
    require(len(parts) == len(BUCKETS), f"Give {len(BUCKETS)} percentages, as 0,1,5,20,50,100.")
    for part in parts:
        digits = part.strip().replace(".", "", 1)
        if not (digits.isascii() and digits.isdecimal()) or Decimal(part.strip()) > 100:
            raise Refused(f"{part.strip()} is no percentage from 0 to 100.")
    return tuple(Decimal(part.strip()) for part in parts)


def expected_loss(net: int, percentage: Decimal) -> int:
    """Return what of an amount without tax is expected to be lost: 5 % of 10.10 is 0.51."""
    return round_half_away(EXACT.divide(EXACT.multiply(Decimal(net), percentage), Decimal(100)))


def without_tax(amount: int, total: int, tax: int) -> int:
    """Return an open amount without its share of the tax: 62.50 of 125.00 with 25.00 is 50.00."""
    return amount - share(tax, amount, total)


def share(tax: int, part: int, whole: int) -> int:
    """Return the share of a tax that belongs to a part of an invoice, rounded half away from zero."""
    return proportional(tax, part, whole) if whole else 0


def shares(taxes: Sequence[int], part: int, whole: int) -> list[int]:
    return [share(tax, part, whole) for tax in taxes]
