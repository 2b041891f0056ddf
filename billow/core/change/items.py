"""State an item of a subscription before and after a change."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from billow.core import introductory, pricing
from billow.core.anchors import Rhythm


@dataclass(frozen=True, slots=True)
class Offer:
    """A trial offer that prices an item for a time."""

    id: str
    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Recurrence:
    """How often a price is billed, and whether that costs anything."""

    rhythm: Rhythm
    metered: bool
    free: bool
    """Whatever the quantity."""


@dataclass(frozen=True, slots=True)
class Item:
    """What an item costs, and for what time it is billed."""

    id: str
    price: str
    name: str
    """That of its product, as prorations say it."""
    rhythm: Rhythm
    rate: pricing.Price
    metered: bool
    quantity: int | None
    start: datetime
    """Of its current period."""
    end: datetime
    billed_until: datetime | None = None
    """Until when it is billed in advance."""
    metered_from: datetime | None = None
    """Since when its usage is still to be billed, where that is not the start of its period."""
    counted_from: datetime | None = None
    billed_use: Decimal | None = None
    """How much of the usage since `counted_from` is billed (§4.5)."""
    offer: Offer | None = None
    trial_days: int | None = None
    """How long a trial its price offers."""

    @property
    def free(self) -> bool:
        return introductory.free(self.rate)

    @property
    def recurrence(self) -> Recurrence:
        return Recurrence(self.rhythm, self.metered, self.free)

    @property
    def full(self) -> int:
        """Return what a licensed item costs for a whole period, before discounts; usage has no such price."""
        return 0 if self.metered else pricing.amount(self.rate, Decimal(self.quantity or 0))

    @property
    def billed_through(self) -> datetime:
        """Until when it is billed: to the end of its period, or further."""
        return billed_through(self.end, self.billed_until)

    def anchor(self, anchor: datetime) -> datetime:
        """Return the instant that its periods count from: for an offer, its own start."""
        return self.offer.start if self.offer else anchor


def billed_through(end: datetime, billed_until: datetime | None) -> datetime:
    """Return until when an item whose period ends at `end` is billed: that end, or later."""
    return max(end, billed_until or end)


@dataclass(frozen=True, slots=True)
class Target:
    """An item before and after a change: `old` is None for an added one, `new` for a removed one."""

    old: Item | None
    new: Item | None
    clear_usage: bool = False
    reach: datetime | None = None
    """Until when billing schedules bill the item after the change."""

    @property
    def moved(self) -> bool:
        """Return whether what is billed changes: price, quantity, or that the item is there."""
        if self.old is None or self.new is None:
            return True
        return (self.old.price, self.old.quantity) != (self.new.price, self.new.quantity)

    @property
    def new_rhythm(self) -> bool:
        return bool(self.old and self.new and self.old.rhythm != self.new.rhythm)

    @property
    def introduced(self) -> bool:
        """Return whether a trial offer begins with the change."""
        before = self.old.offer if self.old else None
        return bool(self.new and self.new.offer and self.new.offer != before)

    @property
    def apart(self) -> bool:
        """Return whether a trial offer goes on, whose periods nothing else moves."""
        return bool(self.old and self.new and self.new.offer and not self.introduced)

    @property
    def leaves(self) -> bool:
        """Return whether the change takes the item out of its trial offer."""
        return bool(self.old and self.old.offer and not (self.new and self.new.offer))


def new_items(targets: Sequence[Target]) -> list[Item]:
    return [target.new for target in targets if target.new]


def old_items(targets: Sequence[Target]) -> list[Item]:
    return [target.old for target in targets if target.old]


def free_until(items: Sequence[Item]) -> datetime | None:
    """Until when the first of them is free, where all are free by their offers: that is a trial."""
    ends = [item.offer.end for item in items if item.offer and item.free]
    return min(ends) if ends and len(ends) == len(items) else None
