"""Meter events: usage as it is sent, in each supported format, and as it is shown (without an id)."""

import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

from billow.api import fields as f
from billow.api import params
from billow.api.fields import CREATE, seconds
from billow.api.params import Params
from billow.core.errors import Refused, require

IDENTIFIER = 500
"""The most characters of an identifier."""
AT_ONCE = 10_000
"""The most events in one request."""
DEPTH = 8
"""The most levels of hashes and lists in a payload, including its own."""


class CreateMeterEvent(Params):
    event_name: str = f.text(max=100, required=True)
    payload: dict[str, str] = f.map_of(required=True)
    identifier: str | None = f.text(max=IDENTIFIER)
    timestamp: datetime | None = f.timestamp()


class CreateMeterEventV2(Params):
    event_name: str = f.text(max=100, required=True)
    payload: dict[str, str] = f.map_of(required=True)
    identifier: str | None = f.text(max=IDENTIFIER)
    timestamp: str | None = f.text(max=40)


class Cancel(Params):
    identifier: str = f.text(max=IDENTIFIER, required=True)


class CancelMeterEvent(Params):
    cancel: Cancel = f.nested(shape=Cancel, required=True)
    event_name: str = f.text(max=100, required=True)
    type: str = f.choice(CREATE, "cancel", required=True)


# ------------------------------------------------------------------------------------- decoding


class MeterEvent(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """An event as it was sent: typed, not yet checked.

    Fractions in a payload are text, so they stay exact.
    """

    event_name: str
    payload: dict[str, Any]
    identifier: str | None = None
    timestamp: int | str | None = None


class CustomerEvent(MeterEvent):
    """A meter event whose customer is outside its payload, like the subject of a CloudEvent."""

    customer: str | None = None


class CloudEvent(msgspec.Struct):
    """The attributes of a CloudEvent 1.0 that are read. Unknown attributes are allowed and ignored."""

    specversion: str
    id: str
    source: str
    type: str
    subject: str | None = None
    time: str | None = None
    data: dict[str, Any] | None = None
    data_base64: str | None = None


Sent = MeterEvent | Refused
_event = msgspec.json.Decoder(MeterEvent, float_hook=str)
_events = msgspec.json.Decoder(list[MeterEvent], float_hook=str)
_cloud = msgspec.json.Decoder(CloudEvent, float_hook=str)
_clouds = msgspec.json.Decoder(list[CloudEvent], float_hook=str)
_raws = msgspec.json.Decoder(list[msgspec.Raw])


def decode(body: bytes, media: str) -> list[Sent]:
    """Decode the events of a request, in order; a malformed event is replaced by the reason."""
    formats = ", ".join(FORMATS)
    require(media in FORMATS, f"Invalid media type: {media or 'none'}; must be one of {formats}.", status=415)
    try:
        return FORMATS[media](body)
    except msgspec.DecodeError as error:
        raise Refused(f"Invalid JSON: {error}.") from None
    except RecursionError:
        raise _deep() from None


def _json(body: bytes) -> list[Sent]:
    try:
        return [_shallow(event) for event in _counted(_events.decode(body))]
    except msgspec.ValidationError:
        return [_one(raw, _read) for raw in _elements(body)]


def _lines(body: bytes) -> list[Sent]:
    try:
        return [_shallow(event) for event in _counted(_event.decode_lines(body))]
    except (msgspec.DecodeError, RecursionError):
        return [_one(line, _read) for line in _counted([*filter(bytes.strip, body.splitlines())])]


def _read(raw: bytes) -> Sent:
    return _shallow(_event.decode(raw))


def _cloud_batch(body: bytes) -> list[Sent]:
    try:
        return [_use(event) for event in _counted(_clouds.decode(body))]
    except msgspec.ValidationError:
        return [_one(raw, lambda raw: _use(_cloud.decode(raw))) for raw in _elements(body)]


def _cloud_single(body: bytes) -> list[Sent]:
    return [_one(body, lambda raw: _use(_cloud.decode(raw)))]


FORMATS: dict[str, Callable[[bytes], list[Sent]]] = {
    "application/json": _json,
    "application/x-ndjson": _lines,
    "application/cloudevents-batch+json": _cloud_batch,
    "application/cloudevents+json": _cloud_single,
}


def _elements(body: bytes) -> Sequence[bytes]:
    try:
        return _counted(_raws.decode(body))
    except msgspec.ValidationError:
        raise Refused("Invalid JSON: an array of events is expected.") from None


def _counted(events: Sequence[Any]) -> Sequence[Any]:
    """Return the events, or refuse them if there are too many, before reading each of them."""
    count = len(events)
    require(count <= AT_ONCE, f"At most {AT_ONCE} events can be sent at once, not {count}.", status=413)
    return events


def _shallow(event: MeterEvent) -> Sent:
    """Return the event, or refuse it if its payload is nested too deeply."""
    nested = [value for value in event.payload.values() if isinstance(value, dict | list)]
    return _deep() if nested and params.is_deeper(nested, DEPTH) else event


def _deep() -> Refused:
    return Refused(f"Invalid payload: it is nested more than {DEPTH} levels deep.", param="payload")


def _one(raw: bytes, read: Callable[[bytes], Sent]) -> Sent:
    try:
        return read(raw)
    except msgspec.ValidationError as error:
        return _malformed(str(error))
    except msgspec.DecodeError as error:
        return Refused(f"Invalid JSON: {error}.")
    except RecursionError:
        return _deep()


def _malformed(said: str) -> Refused:
    """Translate an error of msgspec into an error of the API."""
    if missing := re.match(r"Object missing required field `(\w+)`", said):
        return params.missing(missing[1])
    if unknown := re.match(r"Object contains unknown field `(.+)`", said):
        return Refused(
            f"Received unknown parameter: {unknown[1]}", param=unknown[1], code="parameter_unknown"
        )
    at = re.search(r" - at `\$\.?(.+)`", said)
    return Refused(f"Invalid event: {said}", param=at[1] if at else None)


def _use(event: CloudEvent) -> Sent:
    """Convert a CloudEvent to a meter event, with an identifier made of its source and id.

    CloudEvents with the same source and id are the same event. A source is a URI and has no space, so that
    joining the two with a space is unambiguous.
    """
    if event.specversion != "1.0":
        return Refused(f"Invalid specversion: {event.specversion}; must be 1.0.", param="specversion")
    if not event.id or not event.source or any(map(str.isspace, event.source)):
        return Refused("Invalid source or id: both are needed, and a source has no spaces.", param="source")
    if event.data_base64 is not None:
        return Refused("Invalid data_base64: usage is read from data, as JSON.", param="data_base64")
    use = CustomerEvent(
        event_name=event.type,
        payload=event.data or {},
        identifier=f"{event.source} {event.id}",
        timestamp=event.time,
        customer=event.subject,
    )
    return _shallow(use)


# ------------------------------------------------------------------------------------- showing


def shown(event: MeterEvent, at: datetime, created: datetime, livemode: bool) -> dict[str, Any]:
    return {
        "object": "billing.meter_event",
        "created": seconds(created),
        "event_name": event.event_name,
        "identifier": event.identifier,
        "livemode": livemode,
        "payload": event.payload,
        "timestamp": seconds(at),
    }


def shown_v2(event: MeterEvent, at: datetime, created: datetime, livemode: bool) -> dict[str, Any]:
    return {
        **shown(event, at, created, livemode),
        "object": "v2.billing.meter_event",
        "created": iso(created),
        "timestamp": iso(at),
    }


def iso(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def shown_adjustment(wanted: CancelMeterEvent, livemode: bool) -> dict[str, Any]:
    return {
        "object": "billing.meter_event_adjustment",
        "cancel": {"identifier": wanted.cancel.identifier},
        "event_name": wanted.event_name,
        "livemode": livemode,
        "status": "complete",
        "type": wanted.type,
    }
