"""Check usage events before they are counted: customer, meter, time, value, dimensions."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec

from billow.core.calendar import read_instant
from billow.core.decimals import written_out
from billow.core.errors import Refused
from billow.resources.meter_event import IDENTIFIER, CustomerEvent, MeterEvent, Sent
from billow.store.ids import new_id
from billow.store.tx import Tx
from billow.store.usage import Measured

OLDEST = timedelta(days=35)
AHEAD = timedelta(minutes=5)
"""How far the clocks of those who measure may be ahead of ours."""
CANCELABLE = timedelta(hours=24)
DIMENSIONS = 50
"""Keys of a payload besides customer and value, at most."""
# Sums stay exact whatever is added up: 26 digits before the point and twelve behind it.
_NUMBER = re.compile(r"[+-]?(\d{1,26}(\.\d{0,12})?|\.\d{1,12})", re.ASCII)
_SECONDS = re.compile(r"\d{1,11}", re.ASCII)
_NUL = re.compile(r"(?<!\\)(\\\\)*\\u0000")
"""The one character of JSON that PostgreSQL cannot keep."""
ONE = Decimal(1)


@dataclass(frozen=True, slots=True)
class Counter:
    """A meter, as far as it decides how an event is read."""

    id: str
    active: bool
    customer_key: str
    value_key: str
    formula: str
    time_window: str | None = None
    watched: bool = False
    """Whether usage may reach a threshold of a subscription or wallet, or an alert."""


@dataclass(frozen=True, slots=True)
class Known:
    """The meters and customers that the events of a batch name.

    Meters by their event name; of each customer the time on its test clock, or None where it has none.
    """

    meters: dict[str, Counter]
    customers: dict[str, datetime | None]
    now: datetime
    oldest: datetime | None
    """Events before it are refused; None when usage of any age is accepted."""


FEW = 100
"""Events, at most, for which every text of a payload is looked up as a customer.

Which of them names the customer is only known with the meter, and a second query would take longer.
"""
METERS = """
    select distinct on (event_name) event_name, id, status = 'active',
        customer_mapping ->> 'event_payload_key', value_settings ->> 'event_payload_key',
        default_aggregation ->> 'formula', event_time_window,
        exists (select from subscriptions where watched and status in ('active', 'past_due'))
        or exists (select from wallets where watched) or exists (select from cost_alerts)
    from meters where event_name = any(%(names)s)
    order by event_name, status, created desc, id desc"""  # active before inactive
CUSTOMERS = """
    select c.id, t.frozen_time from customers c left join test_clocks t on t.id = c.test_clock
    where c.id = any(%(ids)s) and not c.deleted"""
BOTH = f"""
    select m.*, null::timestamptz as frozen_time from ({METERS}) as m
    union all select c.id, null, null, null, null, null, null, null, c.frozen_time from ({CUSTOMERS}) as c"""


def known(tx: Tx, events: Iterable[MeterEvent], *, older: bool = False) -> Known:
    """Read the meters and customers that events name: one query for a few events, two for any number."""
    events = list(events)
    names = [name for name in {event.event_name for event in events} if "\x00" not in name]
    if len(events) <= FEW:
        rows = tx.tuples(BOTH, names=names, ids=_readable({text for each in events for text in _texts(each)}))
        meters = {name: Counter(*rest) for name, *rest, _ in rows if rest[0] is not None}
        customers = {id: frozen for id, meter, *_, frozen in rows if meter is None}
    else:
        meters = {name: Counter(*rest) for name, *rest in tx.tuples(METERS, names=names)}
        ids = _readable(
            {_customer(each, meters[each.event_name]) for each in events if each.event_name in meters}
        )
        customers = dict(tx.tuples(CUSTOMERS, ids=ids)) if ids else {}
    return Known(meters, customers, tx.now, None if older else tx.now - OLDEST)


def _texts(event: MeterEvent) -> list[Any]:
    """Texts of which one is the id of the event's customer, whichever key its meter reads."""
    beside = [event.customer] if isinstance(event, CustomerEvent) else []
    return [value for value in event.payload.values() if isinstance(value, str)] + beside


def _readable(names: Iterable[Any]) -> list[str]:
    return [name for name in names if isinstance(name, str) and "\x00" not in name]


def _customer(event: MeterEvent, meter: Counter) -> Any:
    named = event.payload.get(meter.customer_key)
    if named is None and isinstance(event, CustomerEvent):
        return event.customer
    return None if isinstance(named, dict | list) else named


def judged(known: Known, event: Sent) -> Measured | Refused:
    """Return the event as it is counted, or why it is not."""
    if isinstance(event, Refused):
        return event
    try:
        return measured(known, event)
    except Refused as refused:
        return refused


def measured(known: Known, event: MeterEvent) -> Measured:
    meter = known.meters.get(event.event_name)
    if meter is None:
        raise no_meter(event.event_name)
    if not meter.active:
        raise Refused(
            f"The meter for event name '{event.event_name}' is inactive.",
            param="event_name",
            code="archived_meter",
        )
    customer = _customer(event, meter)
    if customer not in known.customers:
        raise _no_customer(meter, customer)
    clock = known.customers[customer]
    identifier = event.identifier
    if identifier is None:
        identifier = event.identifier = new_id("mevt_")
    elif not identifier.strip() or len(identifier) > IDENTIFIER or "\x00" in identifier:
        message = f"Invalid identifier: it must have 1 to {IDENTIFIER} characters and no NUL."
        raise Refused(message, param="identifier")
    at = _instant(event.timestamp, known.now if clock is None else clock)
    _check_time(known, clock, at)
    value = ONE if meter.formula == "count" else _value(meter, event.payload)
    rest = None
    if len(event.payload) > 2 or event.payload.keys() - {meter.customer_key, meter.value_key}:
        rest = _dimensions(meter, event.payload)
    return Measured(meter.id, customer, identifier, at, value, clock, rest, meter.time_window)


def no_meter(name: str) -> Refused:
    return Refused(f"No active meter found for event name '{name}'.", param="event_name", code="no_meter")


def _no_customer(meter: Counter, customer: Any) -> Refused:
    at = f"payload[{meter.customer_key}]"
    if customer is None or customer == "":
        return Refused(
            f"Missing required param: {at}, which names the customer.",
            param=at,
            code="meter_event_no_customer_defined",
        )
    return Refused(
        f"No such customer: '{str(customer)[:80]}'", param=at, code="meter_event_customer_not_found"
    )


def _check_time(known: Known, clock: datetime | None, at: datetime) -> None:
    """Check it by the customer's clock: the wall's, or a test clock's, where no old usage is accepted."""
    now, oldest = (known.now, known.oldest) if clock is None else (clock, clock - OLDEST)
    if at > now + AHEAD:
        raise Refused(
            "The timestamp is more than 5 minutes in the future.",
            param="timestamp",
            code="timestamp_in_future",
        )
    if oldest is not None and at < oldest:
        raise Refused(
            "The timestamp is more than 35 days in the past.",
            param="timestamp",
            code="timestamp_too_far_in_past",
        )


def _instant(sent: int | str | None, now: datetime) -> datetime:
    try:
        if isinstance(sent, int):
            return datetime.fromtimestamp(sent, UTC)
        if sent is None:
            return now
        if _SECONDS.fullmatch(sent):
            return datetime.fromtimestamp(int(sent), UTC)
        at = read_instant(sent)
        if at.tzinfo is not None:
            return at.astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        pass
    raise Refused(
        f"Invalid timestamp: {str(sent)[:80]}; must be Unix seconds, or ISO 8601 with a time zone.",
        param="timestamp",
    )


def _value(meter: Counter, payload: dict[str, Any]) -> Decimal:
    at = f"payload[{meter.value_key}]"
    sent = payload.get(meter.value_key)
    if sent is None or sent == "":
        raise Refused(
            f"Missing required param: {at}, which is the value.", param=at, code="meter_event_value_not_found"
        )
    text = str(sent) if type(sent) is int else sent
    if isinstance(text, str) and not _NUMBER.fullmatch(text):
        text = written_out(text)
    if not isinstance(text, str) or not _NUMBER.fullmatch(text):
        message = f"Invalid value: {str(sent)[:80]}; must be a decimal number with at most 26 digits before"
        raise Refused(f"{message} the point and 12 behind it.", param=at, code="meter_event_invalid_value")
    return Decimal(text)


def _dimensions(meter: Counter, payload: dict[str, Any]) -> str | None:
    """Return what is neither customer nor value, as JSON."""
    rest = {key: value for key, value in payload.items() if key not in (meter.customer_key, meter.value_key)}
    if len(rest) > DIMENSIONS:
        raise Refused(
            f"A payload can have at most {DIMENSIONS} keys besides customer and value.",
            param="payload",
            code="meter_event_dimension_count_too_high",
        )
    text = msgspec.json.encode(rest).decode()
    if _NUL.search(text):
        raise Refused("Invalid payload: it contains a NUL character.", param="payload")
    return text if rest else None
