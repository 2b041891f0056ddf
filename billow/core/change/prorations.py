"""Calculate what a change credits and charges for a part of a period, and which billed time it ends."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from functools import partial
from typing import Any

from billow.core import calendar, discounts, proration, usage
from billow.core.change.items import Item
from billow.core.money import allocate, round_half_away


@dataclass(frozen=True, slots=True)
class Net:
    """What a licensed item costs for a full period after discounts, and what to say of them."""

    amount: int
    label: str | None = None
    off: Mapping[str, int] = field(default_factory=dict)
    """What each discount takes, where prorations show it apart; the amount is without it either way."""


@dataclass(frozen=True, slots=True)
class Billed:
    """A stretch of time that an item was billed for, with what is left of its amount and who billed it."""

    period: str
    """The id of its billing period."""
    price: str
    quantity: Decimal | None
    start: datetime
    end: datetime
    credited: int
    net: Net
    name: str
    """That of the product that was billed."""
    source: dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class Proration:
    """A credit ("Unused") or a charge ("Remaining") of an item for a stretch of time."""

    item: str
    rest: str
    price: str
    quantity: Decimal
    name: str
    net: Net
    start: datetime
    end: datetime
    source: dict[str, Any] | None = None
    """The debit that a credit reverses."""


@dataclass(frozen=True, slots=True)
class Ended:
    """A billed stretch that counts no longer than `until`; `credited` is how much of it is credited then."""

    item: str
    period: str
    until: datetime
    credited: int | None = None


@dataclass(frozen=True, slots=True)
class Closed:
    """Usage of an item until an instant, to be billed at the price of its time."""

    item: str
    start: datetime
    end: datetime
    counted_from: datetime | None
    billed_use: Decimal | None


Step = Proration | Ended | Closed


def give_back(
    item: Item, billed: Sequence[Billed], at: datetime, net: Net | None, anchor: datetime
) -> list[Step]:
    """Credit what was billed for the time from `at` on.

    Flexible: each original debit is reversed by itself. Classic, where `net` is given: the current price for
    what is left of the item's period, whatever was billed for it (§5.17, X41, X42).
    """
    open_ones = [one for one in billed if one.end > at]
    if net is not None:
        return give_back_at(item, open_ones, at, net, anchor)
    found: list[Step] = []
    for one in open_ones:
        since = max(at, one.start)
        credit = part_of(one.net, partial(proration.unused, at=at, start=one.start, end=one.end))
        found.append(Ended(item.id, one.period, since, one.credited - credit.amount))
        if one.quantity:
            found.append(
                Proration(
                    item.id, "Unused", one.price, one.quantity, one.name, credit, since, one.end, one.source
                )
            )
    return found


def give_back_at(
    item: Item, billed: Sequence[Billed], at: datetime, net: Net, anchor: datetime
) -> list[Step]:
    """Credit the rest of the item's period at its current price, and end what was billed for it."""
    quantity = Decimal(item.quantity or 0)
    whole = calendar.period_at(anchor, *item.rhythm, at)
    found: list[Step] = [*forfeit(item, billed, at)]
    if quantity:
        credit = part_of(net, lambda amount: -proration.share(amount, at, item.end, *whole))
        source = billed[-1].source if billed else None
        found.append(
            Proration(item.id, "Unused", item.price, quantity, item.name, credit, at, item.end, source)
        )
    return found


def forfeit(item: Item, billed: Sequence[Billed], at: datetime) -> list[Step]:
    """End what was billed at an instant, giving nothing back for it here: the time is billed anew."""
    return [Ended(item.id, one.period, max(at, one.start)) for one in billed if one.end > at]


def charge(item: Item, net: Net, since: datetime, until: datetime, anchor: datetime) -> list[Step]:
    """Charge an item for a part of its period; `net` is what the full one costs."""
    if since >= until:
        return []
    whole = calendar.period_at(item.anchor(anchor), *item.rhythm, since)
    debit = part_of(net, lambda amount: proration.share(amount, since, until, *whole))
    quantity = Decimal(item.quantity or 0)
    return [Proration(item.id, "Remaining", item.price, quantity, item.name, debit, since, until)]


def left_of(gross: int, off: Mapping[str, int], credited: int, label: str | None) -> Net:
    """What is left of an amount that was billed: after its discounts, less what was credited (§5.17, X45).

    What is left of a discount is in proportion to what is left of the amount. `label` says what is taken off
    where the amount is without its discounts.
    """
    net = gross - sum(off.values())
    left = net - credited
    rest = {
        id: round_half_away(Fraction(amount * left, net)) if net else amount for id, amount in off.items()
    }
    return Net(left, discounts.off(gross, net) or label, rest)


def part_of(net: Net, share: Callable[[int], int]) -> Net:
    """A part of a price in time, and of each discount in it; together they are the part of the whole."""
    gross = share(net.amount + sum(net.off.values()))
    amount = share(net.amount)
    parts = allocate(gross - amount, list(net.off.values())) if any(net.off.values()) else []
    return Net(amount, net.label, dict(zip(net.off, parts, strict=False)))


def close_usage(item: Item, at: datetime) -> Closed:
    """End the running stretch of a metered item: what it used until then is billed at the price of its time.

    `end` says from when on its usage is still to be billed; where that is the start, nothing was used.
    """
    since = item.metered_from or item.start
    until = usage.closes_at(at, since, item.billed_use)
    return Closed(item.id, since, until, item.counted_from, item.billed_use)
