"""Measure the usage that an item is billed for in a period."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from billow.core import usage
from billow.flows.billing.lines import Period
from billow.flows.billing.priced_items import Part
from billow.resources.subscription_item import SubscriptionItem
from billow.store.tx import Tx
from billow.store.usage import Span, store


def unbilled_period(part: Part, until: datetime) -> Period:
    """The use of a metered item that is still to be billed."""
    item = part.item
    since = item.metered_from or item.current_period_start
    return Period(part, "metered", since, until, counted_from=item.counted_from, billed_use=item.billed_use)


def closes_at(item: SubscriptionItem, at: datetime) -> datetime:
    """When the count of an item can end (core/usage.py)."""
    return usage.closes_at(at, item.metered_from or item.current_period_start, item.billed_use)


def measure(
    tx: Tx, periods: Sequence[Period], customers: dict[str, str]
) -> dict[tuple[str, datetime], Decimal]:
    """Billable usage of metered periods, by item and start; statements do not grow with their number.

    Where an earlier part of it is billed, it is the total with that part.
    `customers` names the customer of each subscription.
    """
    metered = [period for period in periods if period.kind == "metered" and period.part.meter]
    spans = [
        Span(
            (p.part.item.id, p.start),
            p.part.meter.id,
            customers[p.part.item.subscription],
            counted_since(p),
            p.end,
        )
        for p in metered
        if p.part.meter
    ]
    windows = store(tx).windows(tx, spans) if spans else {}
    formulas = {
        (p.part.item.id, p.start): p.part.meter.default_aggregation["formula"]
        for p in metered
        if p.part.meter
    }
    return {
        key: usage.quantity(formula, windows.get(key, usage.Window())) for key, formula in formulas.items()
    }


def counted_since(period: Period) -> datetime:
    return period.counted_from or period.start
