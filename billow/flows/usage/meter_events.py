"""Record usage: one event or ten thousand, each checked and counted once."""

from collections.abc import Callable, Sequence
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
from billow.store.tx import Tx
from billow.store.usage import Measured, store

TOLD = 100
"""Errors that the refusal of a batch lists, at most."""


@route("POST", "/v1/billing/meter_events", CreateMeterEvent, grouped=True)
def create(tx: Tx, wanted: Sequence[CreateMeterEvent]) -> list[dict[str, Any] | Refused]:
    """Report one usage event. It is on disk, and counted, when this answers."""
    events = [
        MeterEvent(
            event_name=one.event_name,
            payload=one.payload,
            identifier=one.identifier or new_id("mevt_"),
            timestamp=int(one.timestamp.timestamp()) if one.timestamp else None,
        )
        for one in wanted
    ]
    return _shown(tx, events, meter_event.shown)


@route("POST", "/v2/billing/meter_events", CreateMeterEventV2, grouped=True)
def create_v2(tx: Tx, wanted: Sequence[CreateMeterEventV2]) -> list[dict[str, Any] | Refused]:
    """Report one usage event, as JSON."""
    events = [
        MeterEvent(
            event_name=one.event_name,
            payload=one.payload,
            identifier=one.identifier or new_id("mevt_"),
            timestamp=one.timestamp,
        )
        for one in wanted
    ]
    return _shown(tx, events, meter_event.shown_v2)


def _shown(
    tx: Tx, events: Sequence[MeterEvent], show: Callable[..., dict[str, Any]]
) -> list[dict[str, Any] | Refused]:
    """Record the events of requests that arrived together; show each, or say why it is refused."""
    return [
        kept if isinstance(kept, Refused) else show(event, kept.at, kept.created or tx.now, tx.livemode)
        for event, kept in zip(events, admitted(tx, events), strict=True)
    ]


def admitted(tx: Tx, events: Sequence[MeterEvent]) -> list[Measured | Refused]:
    """Check events and record the good ones; refuse the others, and those that were recorded before."""
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
    """Schedule the check of thresholds that the events may have reached, where there are any."""
    if counted and any(meter.watched for meter in known.meters.values()):
        threshold_checks.expect(tx, counted)


@route("POST", "/v1/billing/meter_events/bulk", raw=True)
def create_many(tx: Tx, raw: Raw) -> dict[str, Any]:
    """Report up to 10,000 usage events: a JSON array, NDJSON, or a batch of CloudEvents, gzipped or not.

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
