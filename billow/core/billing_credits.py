"""Decide which billing credits pay for which lines of usage (§4.7)."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

PAID, PROMOTIONAL = "paid", "promotional"
NEVER = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Grant:
    """Credits of one grant. `prices` is None where they pay for all metered prices; `left` is 0 or more."""

    id: str
    currency: str
    category: str
    priority: int
    effective_at: datetime
    expires_at: datetime | None
    created: datetime
    prices: frozenset[str] | None
    left: int

    @property
    def rank(self) -> tuple[int, datetime, bool, datetime, datetime, str]:
        """Return what decides the order: priority, earlier end, promotional, earlier start, earlier made."""
        ends = self.expires_at or NEVER
        return self.priority, ends, self.category != PROMOTIONAL, self.effective_at, self.created, self.id


@dataclass(frozen=True, slots=True)
class Line:
    """A line: its metered price, or None where credits do not pay, and its amount after discounts."""

    price: str | None
    amount: int


def is_eligible(grant: Grant, currency: str, at: datetime) -> bool:
    """Return whether a grant pays for an invoice whose period ends at `at` (§4.7)."""
    begun = grant.effective_at <= at
    return grant.currency == currency and begun and at < (grant.expires_at or NEVER) and grant.left > 0


def draw(grants: Iterable[Grant], lines: Sequence[Line], currency: str, at: datetime) -> list[dict[str, int]]:
    """Return what each line takes of each grant, by the grant's id, in the order in which it is taken.

    Lines are served in their order. A line never takes more than its amount, a grant never gives more than
    it has left; what is no usage, and credit lines, take nothing.
    """
    eligible = sorted((one for one in grants if is_eligible(one, currency, at)), key=lambda one: one.rank)
    if not eligible:
        return [{} for _ in lines]
    left = {one.id: one.left for one in eligible}
    taken: list[dict[str, int]] = []
    for line in lines:
        open_amount, takes = max(line.amount, 0) if line.price else 0, dict[str, int]()
        for grant in eligible:
            pays = grant.prices is None or line.price in grant.prices
            amount = min(open_amount, left[grant.id]) if pays else 0
            if amount:
                takes[grant.id] = amount
                left[grant.id] -= amount
                open_amount -= amount
        taken.append(takes)
    return taken


def given_back(
    grants: Iterable[Grant], taken: Sequence[Mapping[str, Any]], known: Mapping[str, Grant]
) -> list[Grant]:
    """Return the grants with what was taken of them; one of which nothing was left is as it is `known`."""
    back = Counter[str]()
    for entry in taken:
        back[entry["grant"]] += entry["amount"]
    held = {one.id: one for one in grants}
    held |= {id: replace(known[id], left=0) for id in back if id not in held}
    return [replace(one, left=one.left + back[one.id]) for one in held.values()]


def without(grants: Iterable[Grant], taken: Sequence[Mapping[str, Any]]) -> list[Grant]:
    """Return the grants less what was taken of them: entries of `grant`, its id, and `amount`."""
    gone = Counter[str]()
    for entry in taken:
        gone[entry["grant"]] += entry["amount"]
    return [replace(one, left=one.left - gone[one.id]) for one in grants]
