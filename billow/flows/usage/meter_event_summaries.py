"""Sum the usage of a customer over time."""

from typing import Any

from billow.api import rows
from billow.api.resource import route
from billow.core import usage
from billow.resources import meter_event_summary
from billow.resources.customer import Customer
from billow.resources.meter import Meter
from billow.resources.meter_event_summary import ListMeterEventSummaries
from billow.store.tx import Tx
from billow.store.usage import Span, store


@route(
    "GET",
    "/v1/billing/meters/{id}/event_summaries",
    ListMeterEventSummaries,
    of="billing_meter_event_summaries",
)
def event_summaries(tx: Tx, id: str, wanted: ListMeterEventSummaries) -> dict[str, Any]:
    """What a customer used: in the whole range, or per hour or day, newest first, without empty ones."""
    meter = rows.find(tx, Meter, id)
    rows.find(tx, Customer, wanted.customer, param="customer")
    meter_event_summary.check_range(wanted)
    span = Span("all", meter.id, wanted.customer, wanted.start_time, wanted.end_time, meter.event_time_window)
    size = wanted.value_grouping_window
    if size:
        found = [
            (start, start + usage.TIME_WINDOWS[size], window)
            for start, window in reversed(store(tx).by_window(tx, span, size))
        ]
    else:
        found = [(span.start, span.end, store(tx).windows(tx, [span])["all"])]
    formula = meter.default_aggregation["formula"]
    shown = [
        meter_event_summary.shown(meter.id, wanted, usage.aggregate(formula, window), start, end, tx.livemode)
        for start, end, window in found
    ]
    return meter_event_summary.paged(shown, wanted, f"/v1/billing/meters/{meter.id}/event_summaries")
