"""Record usage: one event or ten thousand, each checked and counted once."""

from collections.abc import Sequence
from typing import Any

from billow.api import params
from billow.api.fields import Field
from billow.api.operation import Raw
from billow.api.resource import route
from billow.core.errors import Refused
from billow.flows.usage import threshold_checks, validation
from billow.flows.usage.validation import Known
from billow.resources import meter_event
from billow.resources.meter_event import CreateMeterEvent, CreateMeterEventV2, MeterEvent
from billow.store.ids import new_id
from billow.store.perform import WRITTEN_ELSEWHERE, Steps, ask
from billow.store.tx import Tx
from billow.store.usage import Measured, store
from billow.store.usage.gate import Gate

TOLD = 100
"""Errors that the refusal of a batch lists, at most; more would help nobody."""
GATE = Gate()


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
    there = validation.known(tx, events)
    answers = [validation.judged(there, event) for event in events]
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
        threshold_checks.expect(tx, counted)


def _answered(answer: Measured | Refused) -> Measured:
    if isinstance(answer, Refused):
        raise answer
    return answer


@route("POST", "/v1/billing/meter_events/bulk", raw=True)
def create_many(tx: Tx, raw: Raw) -> dict[str, Any]:
    """Report up to 10,000 measured uses: a JSON array, NDJSON, or a batch of CloudEvents, gzipped or not.

    All or nothing, unless `skip_invalid=true`: then the good ones are counted and the others named.
    """
    skip = params.check({"skip_invalid": Field("boolean")}, raw.query).get("skip_invalid", False)
    events = meter_event.decode(raw.body, raw.media)
    there = validation.known(tx, (event for event in events if isinstance(event, MeterEvent)))
    answers = [validation.judged(there, event) for event in events]
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
