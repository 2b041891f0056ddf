"""Measure the usage that an item is billed for in a period."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal

from billow.core import usage
from billow.flows.billing.lines import Period
from billow.flows.billing.priced_items import Part
from billow.resources.subscription_item import SubscriptionItem
from billow.store.tx import Tx
from billow.store.usage import Span, store


def unbilled_period(part: Part, until: datetime) -> Period:
    """Return the period of a metered item whose usage is not billed yet, until an instant."""
    item = part.item
    since = item.metered_from or item.current_period_start
    return Period(part, "metered", since, until, counted_from=item.counted_from, billed_use=item.billed_use)


def running_period(part: Part, now: datetime) -> Period:
    """Return the unbilled period of a metered item until now, whose count a later one continues."""
    period = unbilled_period(part, now)
    return replace(
        period, counted_from=counted_since(period), end=max(period.start, period.end), continued=True
    )


def closes_at(item: SubscriptionItem, at: datetime) -> datetime:
    """Return when the count of an item's usage can end (core/usage.py)."""
    return usage.closes_at(at, item.metered_from or item.current_period_start, item.billed_use)


def measure(
    tx: Tx, periods: Sequence[Period], customers: dict[str, str]
) -> dict[tuple[str, datetime], Decimal]:
    """Measure the billable usage of metered periods, by item and start of period.

    Where an earlier part of the usage is billed, the quantity includes it. `customers` has the customer of
    each subscription. The number of statements does not grow with that of the periods.
    """
    metered = [period for period in periods if period.kind == "metered" and period.part.meter]
    spans = [
        Span(
            (p.part.item.id, p.start),
            p.part.meter.id,
            customers[p.part.item.subscription],
            counted_since(p),
            p.end,
            p.part.meter.event_time_window,
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
    """Return from when the usage of a period is counted."""
    return period.counted_from or period.start
