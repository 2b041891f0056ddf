"""Cancel a usage event within a day."""

from typing import Any

from billow.api.resource import route
from billow.core.errors import Refused, require
from billow.flows.usage import validation
from billow.flows.usage.validation import CANCELABLE
from billow.resources import meter_event
from billow.resources.meter_event import CancelMeterEvent, MeterEvent
from billow.store.tx import Tx
from billow.store.usage import store


@route("POST", "/v1/billing/meter_event_adjustments", CancelMeterEvent)
def cancel(tx: Tx, wanted: CancelMeterEvent) -> dict[str, Any]:
    """Take back an event that was received within the last 24 hours. Once canceled, it stays so."""
    identifier = wanted.cancel.identifier
    kept = store(tx).find(tx, identifier)
    event = MeterEvent(event_name=wanted.event_name, payload={})
    meter = validation.known(tx, [event]).meters.get(wanted.event_name)
    if meter is None:
        raise validation.no_meter(wanted.event_name)
    if kept is None or kept.meter != meter.id:
        raise Refused(
            f"No such meter event: '{identifier}'", param="cancel[identifier]", code="resource_missing"
        )
    clock = tx.one(
        "select t.frozen_time from customers c join test_clocks t on t.id = c.test_clock where c.id = %(id)s",
        id=kept.customer,
    )
    now = clock["frozen_time"] if clock else tx.now
    require(
        kept.created >= now - CANCELABLE,
        "Only events that were received within the last 24 hours can be canceled.",
        param="cancel[identifier]",
    )
    store(tx).cancel(tx, identifier, now, meter.time_window)
    return meter_event.shown_adjustment(wanted, tx.livemode)
