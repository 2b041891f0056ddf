"""Meters: how meter events are aggregated to usage."""

from datetime import datetime
from typing import Any

from billow.api import fields as f
from billow.api import rows
from billow.api.fields import CREATE, SHOWN, WRITE, seconds
from billow.api.params import Params
from billow.api.resource import Resource
from billow.core.errors import require
from billow.store.tx import Tx


class CustomerMapping(Params):
    event_payload_key: str = f.text(max=100, required=True)
    type: str = f.choice(CREATE, "by_id", required=True)


class DefaultAggregation(Params):
    formula: str = f.choice(CREATE, "count", "last", "sum", required=True)


class ValueSettings(Params):
    event_payload_key: str = f.text(max=100, required=True)


class Meter(
    Resource,
    object="billing.meter",
    path="/v1/billing/meters",
    prefix="mtr_",
    events=("created", "updated", "deactivated", "reactivated"),
):
    """Aggregates the meter events of one name, for each customer, with one formula."""

    steady = True

    customer_mapping: dict[str, str] = f.nested(
        CREATE, CustomerMapping, default={"event_payload_key": "stripe_customer_id", "type": "by_id"}
    )
    default_aggregation: dict[str, str] = f.nested(CREATE, DefaultAggregation, required=True)
    display_name: str = f.text(WRITE, max=250, required=True)
    event_name: str = f.text(CREATE, max=100, required=True)
    event_time_window: str | None = f.choice(CREATE, "day", "hour")
    status: str = f.choice(SHOWN, "active", "inactive", default="active", filter=True)
    status_transitions: dict[str, int | None] = f.nested(default={"deactivated_at": None})
    updated: datetime = f.timestamp(required=True)
    value_settings: dict[str, str] = f.nested(CREATE, ValueSettings, default={"event_payload_key": "value"})


def _check_event_name(tx: Tx, name: str) -> None:
    """Refuse an event name that another active meter has; the index `meters_event_name` prevents races."""
    taken = tx.one("select 1 from meters where event_name = %(name)s and status = 'active'", name=name)
    require(not taken, f"There is already an active meter for the event_name '{name}'.", param="event_name")


@Meter.create
def create(tx: Tx, meter: Meter) -> Meter:
    """Create a meter."""
    _check_event_name(tx, meter.event_name)
    return rows.insert(tx, meter.but(updated=tx.now))


@Meter.update
def update(tx: Tx, meter: Meter, changes: dict[str, Any]) -> Meter:
    """Update the display name of a meter; its event name and formula never change."""
    if all(getattr(meter, name) == value for name, value in changes.items()):
        return meter
    return rows.update(tx, meter, updated=tx.now, **changes)


@Meter.action("deactivate")
def deactivate(tx: Tx, meter: Meter) -> Meter:
    """Deactivate a meter: events of its name are refused from now on."""
    require(meter.status == "active", "This meter is already inactive.", code="status_transition_invalid")
    return rows.update(
        tx,
        meter,
        event="deactivated",
        status="inactive",
        updated=tx.now,
        status_transitions={"deactivated_at": seconds(tx.now)},
    )


@Meter.action("reactivate")
def reactivate(tx: Tx, meter: Meter) -> Meter:
    """Reactivate a meter, unless another active meter has its event name."""
    require(meter.status == "inactive", "This meter is already active.", code="status_transition_invalid")
    _check_event_name(tx, meter.event_name)
    return rows.update(
        tx,
        meter,
        event="reactivated",
        status="active",
        updated=tx.now,
        status_transitions={"deactivated_at": None},
    )
