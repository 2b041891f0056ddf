"""Measured use comes in: one event or ten thousand, checked, counted once; and what it sums up to."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec

from billow.api import params, rows
from billow.api.fields import Field
from billow.api.operation import Raw
from billow.api.resource import route
from billow.core import usage
from billow.core.errors import Refused, require
from billow.flows import watched
from billow.resources import meter_event, meter_event_summary
from billow.resources.customer import Customer
from billow.resources.meter import Meter
from billow.resources.meter_event import (
    IDENTIFIER,
    CancelMeterEvent,
    CreateMeterEvent,
    CreateMeterEventV2,
    CustomerEvent,
    MeterEvent,
    Sent,
)
from billow.resources.meter_event_summary import ListMeterEventSummaries
from billow.store.ids import new_id
from billow.store.perform import WRITTEN_ELSEWHERE, Steps, ask
from billow.store.tx import Tx
from billow.store.usage import Measured, Span, store
from billow.store.usage.gate import Gate

OLDEST = timedelta(days=35)
AHEAD = timedelta(minutes=5)
"""How far the clocks of those who measure may be ahead of ours."""
CANCELABLE = timedelta(hours=24)
DIMENSIONS = 50
"""Keys of a payload besides customer and value, at most."""
TOLD = 100
"""Errors that the refusal of a batch lists, at most; more would help nobody."""

# Sums stay exact whatever is added up: 26 digits before the point and twelve behind it.
_NUMBER = re.compile(r"[+-]?(\d{1,26}(\.\d{0,12})?|\.\d{1,12})", re.ASCII)
_SECONDS = re.compile(r"\d{1,11}", re.ASCII)
_NUL = re.compile(r"(?<!\\)(\\\\)*\\u0000")
"""The one character of JSON that PostgreSQL cannot keep."""
ONE = Decimal(1)

GATE = Gate()


# ------------------------------------------------------------------------------------- one event


@dataclass(frozen=True, slots=True)
class Counter:
    """What of a meter decides how an event is read."""

    id: str
    active: bool
    customer_key: str
    value_key: str
    formula: str
    watched: bool = False
    """Whether anybody's use may reach a threshold; then it is looked for."""


@dataclass(frozen=True, slots=True)
class Known:
    """What there is of all that the events of a batch name.

    Meters by their event name; of each customer the time on its test clock, or None where there is none.
    """

    meters: dict[str, Counter]
    customers: dict[str, datetime | None]
    now: datetime
    oldest: datetime | None
    """Events before it are refused; None when use of any age is let in."""


def known(tx: Tx, events: Iterable[MeterEvent], *, older: bool = False) -> Known:
    """Two queries for any number of events."""
    events = list(events)
    found = tx.tuples(
        "select distinct on (event_name) event_name, id, status = 'active',"
        " customer_mapping ->> 'event_payload_key', value_settings ->> 'event_payload_key',"
        " default_aggregation ->> 'formula', exists (select from subscriptions"
        " where watched and status in ('active', 'past_due')) from meters where event_name = any(%(names)s)"
        " order by event_name, status, created desc, id desc",  # active before inactive
        names=[name for name in {event.event_name for event in events} if "\x00" not in name],
    )
    meters = {name: Counter(*rest) for name, *rest in found}
    named = {_customer(event, meters[event.event_name]) for event in events if event.event_name in meters}
    ids = [name for name in named if isinstance(name, str) and "\x00" not in name]
    customers = (
        tx.tuples(
            "select c.id, t.frozen_time from customers c left join test_clocks t on t.id = c.test_clock"
            " where c.id = any(%(ids)s) and not c.deleted",
            ids=ids,
        )
        if ids
        else []
    )
    return Known(meters, dict(customers), tx.now, None if older else tx.now - OLDEST)


def _customer(event: MeterEvent, meter: Counter) -> Any:
    named = event.payload.get(meter.customer_key)
    if named is None and isinstance(event, CustomerEvent):
        return event.customer
    return None if isinstance(named, dict | list) else named


def judged(known: Known, event: Sent) -> Measured | Refused:
    """The event as it is counted, or why it is not."""
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
    return Measured(meter.id, customer, identifier, at, value, clock, rest)


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
    """By the customer's clock: the wall's, or a test clock's, where what is too old is never let in."""
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
        at = datetime.fromisoformat(sent)
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
    if not isinstance(text, str) or not _NUMBER.fullmatch(text):
        message = (
            f"Invalid value: {str(sent)[:80]}; must be a plain decimal number with at most 26 digits before"
        )
        raise Refused(f"{message} the point and 12 behind it.", param=at, code="meter_event_invalid_value")
    return Decimal(text)


def _dimensions(meter: Counter, payload: dict[str, Any]) -> str | None:
    """What is neither customer nor value, as JSON."""
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


# ------------------------------------------------------------------------------------- single events


@route("POST", "/v1/billing/meter_events", CreateMeterEvent)
def create(tx: Tx, wanted: CreateMeterEvent) -> Steps:
    """Report one measured use. It is on disk, and counted, when this answers."""
    at = int(wanted.timestamp.timestamp()) if wanted.timestamp else None
    event = MeterEvent(
        event_name=wanted.event_name, payload=wanted.payload, identifier=wanted.identifier, timestamp=at
    )
    kept = yield from _kept(tx, event)
    return meter_event.shown(event, kept.at, kept.created or tx.now, tx.livemode)


@route("POST", "/v2/billing/meter_events", CreateMeterEventV2)
def create_v2(tx: Tx, wanted: CreateMeterEventV2) -> Steps:
    """Report one measured use, as JSON."""
    event = MeterEvent(
        event_name=wanted.event_name,
        payload=wanted.payload,
        identifier=wanted.identifier,
        timestamp=wanted.timestamp,
    )
    kept = yield from _kept(tx, event)
    return meter_event.shown_v2(event, kept.at, kept.created or tx.now, tx.livemode)


def _kept(tx: Tx, event: MeterEvent) -> Steps:
    """One event, recorded or refused. Of those that arrive together one writes all, in its transaction.

    With an idempotency key the event must be on disk together with its answer, so it goes alone.
    """
    event.identifier = event.identifier or new_id("mevt_")
    if tx.cause.idempotency_key:
        return _answered(admitted(tx, [event])[0])
    turn = GATE.enter(tx.tenant, event)
    if turn.leads:
        with turn:
            answers = admitted(tx, [each.brings for each in turn.batch])
            tx, _ = yield ask(turn.tell, answers)  # nobody hears of it before it is committed
    elif turn.answered:
        tx.notes[WRITTEN_ELSEWHERE] = True
    return _answered(turn.answer if turn.answered else admitted(tx, [event])[0])


def admitted(tx: Tx, events: Sequence[MeterEvent]) -> list[Measured | Refused]:
    """Judge events and record the good ones; one that is not good, or was there before, harms no other."""
    there = known(tx, events)
    answers = [judged(there, event) for event in events]
    good = [place for place, answer in enumerate(answers) if isinstance(answer, Measured)]
    fresh = [answer for answer in answers if isinstance(answer, Measured)]
    for place in store(tx).record(tx, fresh) if fresh else ():
        answers[good[place]] = Refused(
            f"An event already exists with identifier {fresh[place].identifier}.",
            param="identifier",
            code="resource_already_exists",
        )
    expect(tx, there, fresh)
    return answers


def expect(tx: Tx, known: Known, counted: Sequence[Measured]) -> None:
    """Thresholds that the events may have reached are looked at soon; without any, nothing is asked."""
    if counted and any(meter.watched for meter in known.meters.values()):
        watched.expect(tx, counted)


def _answered(answer: Measured | Refused) -> Measured:
    if isinstance(answer, Refused):
        raise answer
    return answer


# ------------------------------------------------------------------------------------- many at once


@route("POST", "/v1/billing/meter_events/bulk", raw=True)
def create_many(tx: Tx, raw: Raw) -> dict[str, Any]:
    """Report up to 10,000 measured uses: a JSON array, NDJSON, or a batch of CloudEvents, gzipped or not.

    All or nothing, unless `skip_invalid=true`: then the good ones are counted and the others named.
    """
    skip = params.check({"skip_invalid": Field("boolean")}, raw.query).get("skip_invalid", False)
    events = meter_event.decode(raw.body, raw.media)
    there = known(tx, (event for event in events if isinstance(event, MeterEvent)))
    answers = [judged(there, event) for event in events]
    wrong = [(place, answer) for place, answer in enumerate(answers) if isinstance(answer, Refused)]
    if wrong and not skip:
        place, first = wrong[0]
        raise Refused(
            f"Event {place}: {first.message}",
            param=first.param,
            code=first.code,
            errors=[_told(*error) for error in wrong[:TOLD]],
        )
    good = [answer for answer in answers if isinstance(answer, Measured)]
    duplicates = len(store(tx).record(tx, good)) if good else 0
    expect(tx, there, good)
    return {
        "object": "billing.meter_event_batch",
        "accepted": len(good) - duplicates,
        "duplicates": duplicates,
        "errors": [_told(*error) for error in wrong],
    }


def _told(place: int, refused: Refused) -> dict[str, Any]:
    return {"index": place, "param": refused.param, "code": refused.code, "message": refused.message}


# ------------------------------------------------------------------------------------- corrections and sums


@route("POST", "/v1/billing/meter_event_adjustments", CancelMeterEvent)
def cancel(tx: Tx, wanted: CancelMeterEvent) -> dict[str, Any]:
    """Take back an event that was received within the last 24 hours. Once canceled, it stays so."""
    identifier = wanted.cancel.identifier
    kept = store(tx).find(tx, identifier)
    event = MeterEvent(event_name=wanted.event_name, payload={})
    meter = known(tx, [event]).meters.get(wanted.event_name)
    if meter is None:
        raise no_meter(wanted.event_name)
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
    store(tx).cancel(tx, identifier, now)
    return meter_event.shown_adjustment(wanted, tx.livemode)


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
    span = Span("all", meter.id, wanted.customer, wanted.start_time, wanted.end_time)
    size = wanted.value_grouping_window
    if size:
        found = [
            (start, start + meter_event_summary.WINDOWS[size], window)
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
