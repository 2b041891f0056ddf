"""Are ten thousand events taken at once, in every format, all or nothing?"""

import gzip
import json
from typing import Any

import pytest

from billow.api import decoding
from billow.api.limits import Memory

BULK = "/v1/billing/meter_events/bulk"
JSON, LINES = "application/json", "application/x-ndjson"
CLOUD = "application/cloudevents-batch+json"


@pytest.fixture
def bulk(api: Any) -> Any:
    def send(events: Any, media: str = JSON, query: str = "", **headers: str) -> Any:
        body = events if isinstance(events, bytes) else json.dumps(events).encode()
        return api.ask("POST", BULK + query, data=body, content_type=media, headers=headers)

    return send


def event(customer: str, number: int, value: Any = "1", **more: Any) -> dict[str, Any]:
    payload = {"stripe_customer_id": customer, "value": value}
    return {"event_name": "tokens", "identifier": f"e{number}", "payload": payload, **more}


def counts(answer: Any) -> tuple[int, int, int]:
    assert answer.status == 200, answer
    assert answer["object"] == "billing.meter_event_batch"
    return answer["accepted"], answer["duplicates"], len(answer["errors"])


def test_a_batch_counts_each_event_once(bulk: Any, meter: Any, customer: str, total: Any) -> None:
    tokens = meter()
    events = [event(customer, n % 80) for n in range(100)]
    assert counts(bulk(events)) == (80, 20, 0)
    assert counts(bulk(events)) == (0, 100, 0)
    assert total(tokens) == 80


@pytest.mark.parametrize("zipped", [False, True])
@pytest.mark.parametrize("media", [JSON, LINES])
def test_arrays_and_lines_zipped_or_not(
    bulk: Any, meter: Any, customer: str, total: Any, media: str, zipped: bool
) -> None:
    tokens = meter()
    events = [event(customer, n, value) for n, value in enumerate([1, 0.1, "0.2", -3, "1.000000000001"])]
    body = json.dumps(events) if media == JSON else "\n".join(map(json.dumps, events)) + "\n\n"
    packed = gzip.compress(body.encode()) if zipped else body.encode()
    headers = {"Content_Encoding": "gzip"} if zipped else {}
    assert counts(bulk(packed, media, **headers)) == (5, 0, 0)
    assert total(tokens) == -0.699999999999


def test_json_numbers_may_have_an_exponent(bulk: Any, meter: Any, customer: str, total: Any) -> None:
    tokens = meter()
    body = b"[%s]" % b",".join(
        b'{"event_name":"tokens","payload":{"stripe_customer_id":"%s","value":%s}}'
        % (customer.encode(), value)
        for value in (b"8.3E-7", b"1e2", b"1E+0", b"-0e0")
    )
    assert counts(bulk(body)) == (4, 0, 0)
    assert total(tokens) == 101.00000083
    assert bulk(body.replace(b"1e2", b"1e999999999")).status == 400


def test_fractions_stay_exact(bulk: Any, meter: Any, customer: str, total: Any) -> None:
    tokens = meter()
    bulk(b"[" + b",".join(json.dumps(event(customer, n, 0.1)).encode() for n in range(1000)) + b"]")
    assert total(tokens) == 100


def test_times_may_be_seconds_or_iso(bulk: Any, api: Any, meter: Any, customer: str, now: Any) -> None:
    tokens = meter()
    second = int(now.timestamp()) // 60 * 60
    iso = now.replace(second=0).isoformat()
    times = [second, str(second), iso, iso.replace("+00:00", "Z"), iso.replace("T", " ")]
    assert counts(bulk([event(customer, n, timestamp=at) for n, at in enumerate(times)])) == (5, 0, 0)
    minute = {"customer": customer, "start_time": second, "end_time": second + 60}
    found = api.get(f"/v1/billing/meters/{tokens}/event_summaries", minute)
    assert found["data"][0]["aggregated_value"] == 5
    bad = [
        event(customer, n, timestamp=at) for n, at in enumerate([iso[:-6], "now", 10**18, "9" * 40, ""], 10)
    ]
    answer = bulk(bad, query="?skip_invalid=true")
    assert [error["param"] for error in answer["errors"]] == ["timestamp"] * 5


def test_one_bad_event_refuses_all_and_is_named(bulk: Any, meter: Any, customer: str, total: Any) -> None:
    tokens = meter()
    events = [event(customer, n) for n in range(5)]
    events[3]["payload"]["value"] = "NaN"
    events[4]["event_name"] = "unknown"
    answer = bulk(events)
    assert answer.status == 400
    error = answer["error"]
    assert error["message"].startswith("Event 3: Invalid value: NaN;")
    assert (error["param"], error["code"]) == ("payload[value]", "meter_event_invalid_value")
    assert [(told["index"], told["param"], told["code"]) for told in error["errors"]] == [
        (3, "payload[value]", "meter_event_invalid_value"),
        (4, "event_name", "no_meter"),
    ]
    assert total(tokens) == 0


def test_a_refusal_lists_at_most_a_hundred_errors(bulk: Any, meter: Any, customer: str) -> None:
    meter()
    answer = bulk([event("cus_nobody", n) for n in range(150)])
    assert len(answer["error"]["errors"]) == 100


MALFORMED = [
    ({"payload": {}}, "event_name", "parameter_missing"),
    ({"event_name": 5, "payload": {}}, "event_name", None),
    ({"event_name": "tokens", "payload": "x"}, "payload", None),
    ({"event_name": "tokens", "payload": {}, "timestmp": 1}, "timestmp", "parameter_unknown"),
    ({"event_name": "to\x00kens", "payload": {}}, "event_name", "no_meter"),
    ([], None, None),
]


@pytest.mark.parametrize(("bad", "param", "code"), MALFORMED)
@pytest.mark.parametrize("media", [JSON, LINES])
def test_malformed_events_are_skipped_only_when_asked(
    bulk: Any, meter: Any, customer: str, total: Any, media: str, bad: Any, param: Any, code: Any
) -> None:
    tokens = meter()
    events = [event(customer, 1), bad, event(customer, 2)]
    body = json.dumps(events) if media == JSON else "\n".join(map(json.dumps, events))
    refused = bulk(body.encode(), media)
    assert refused.status == 400 and refused["error"]["errors"][0]["index"] == 1
    assert total(tokens) == 0
    answer = bulk(body.encode(), media, "?skip_invalid=true")
    assert counts(answer) == (2, 0, 1)
    assert [(e["index"], e["param"], e["code"]) for e in answer["errors"]] == [(1, param, code)]
    assert total(tokens) == 2


@pytest.mark.parametrize(
    "payload",
    [
        {"note": "a\x00b"},
        {"note": ["a\x00b"]},
        {"\x00": "x"},
        {"value": True},
        {"value": [1]},
        {"value": 1e300},
    ],
)
def test_what_cannot_be_kept_is_refused_and_nothing_breaks(
    bulk: Any, meter: Any, customer: str, payload: dict[str, Any]
) -> None:
    meter()
    bad = event(customer, 1)
    bad["payload"] |= payload
    assert bulk([bad]).status == 400
    ids = [{**event(customer, 1), "identifier": text} for text in ("", " ", "a\x00", "x" * 501)]
    assert counts(bulk(ids, query="?skip_invalid=true")) == (0, 0, 4)
    odd = event(customer, 1)
    odd["payload"]["stripe_customer_id"] = ["x"]
    assert bulk([odd])["error"]["code"] == "meter_event_no_customer_defined"
    fine = event(customer, 2)
    fine["payload"]["note"] = 'a backslash \\u0000, "quotes" and {braces}'
    assert counts(bulk([fine])) == (1, 0, 0)


def test_bodies_that_are_no_batch_are_refused(bulk: Any, meter: Any, customer: str) -> None:
    meter()
    assert bulk(b"[{", JSON).status == 400
    assert bulk({"events": []}).status == 400
    assert bulk(b"[]", "text/plain").status == 415
    assert bulk(b"not zipped", JSON, Content_Encoding="gzip").status == 400
    assert bulk([], query="?skip=true")["error"]["code"] == "parameter_unknown"
    assert bulk([event(customer, n) for n in range(10_001)]).status == 413
    assert counts(bulk([])) == (0, 0, 0)
    assert counts(bulk(b"", LINES)) == (0, 0, 0)


def test_ten_thousand_at_once(bulk: Any, meter: Any, customer: str, total: Any) -> None:
    tokens = meter()
    assert counts(bulk([event(customer, n) for n in range(10_000)])) == (10_000, 0, 0)
    assert total(tokens) == 10_000


def test_an_idempotency_key_replays_the_answer(bulk: Any, meter: Any, customer: str) -> None:
    meter()
    first = bulk([event(customer, 1)], Idempotency_Key="b")
    assert counts(first) == (1, 0, 0)
    assert bulk([event(customer, 1)], Idempotency_Key="b") == first


def cloud(customer: str, number: int, **more: Any) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "id": f"evt-{number}",
        "source": "/cluster/eu-1",
        "type": "tokens",
        "subject": customer,
        "data": {"value": "3600", "region": "eu"},
        **more,
    }


def test_cloud_events_are_the_same_when_source_and_id_are(
    bulk: Any, meter: Any, customer: str, total: Any
) -> None:
    tokens = meter()
    events = [cloud(customer, 1), cloud(customer, 2), cloud(customer, 1), cloud(customer, 1, source="/eu-2")]
    assert counts(bulk(events, CLOUD)) == (3, 1, 0)
    assert counts(bulk(cloud(customer, 9, extension="kept out"), "application/cloudevents+json")) == (1, 0, 0)
    assert total(tokens) == 4 * 3600


@pytest.mark.parametrize(
    ("change", "param"),
    [
        ({"specversion": "0.3"}, "specversion"),
        ({"source": "a b"}, "source"),
        ({"id": ""}, "source"),
        ({"data_base64": "AA=="}, "data_base64"),
        ({"type": "unknown"}, "event_name"),
        ({"subject": None}, "payload[stripe_customer_id]"),
        ({"time": "noon"}, "timestamp"),
    ],
)
def test_a_cloud_event_that_is_wrong_is_named(
    bulk: Any, meter: Any, customer: str, change: Any, param: str
) -> None:
    meter()
    answer = bulk([cloud(customer, 1), cloud(customer, 2, **change)], CLOUD, "?skip_invalid=true")
    assert [(error["index"], error["param"]) for error in answer["errors"]] == [(1, param)]
    assert answer["accepted"] == 1


def test_the_shared_batch_has_its_expected_answer(
    bulk: Any, api: Any, meter: Any, customer: str, now: Any
) -> None:
    from tests.conftest import shared

    meter("compute.vcpu.seconds")
    expected = json.loads(shared("standards", "usage", "cloudevents-batch.expected.json").read_text())
    batch = json.loads(shared("standards", "usage", "cloudevents-batch.json").read_text())
    for one in batch:  # its customer and its January are not ours
        one |= {"subject": customer, "time": now.isoformat()}
    answer = bulk(batch, CLOUD)
    assert counts(answer) == (expected["accepted"], expected["duplicates"], 0)


# ------------------------------------------------------------------------------------- far too much

DEEP = {
    JSON: b'[{"event_name":"tokens","payload":{"a":%s}}]',
    LINES: b'{"event_name":"tokens","payload":{"a":%s}}',
    CLOUD: b'[{"specversion":"1.0","id":"1","source":"s","type":"tokens","data":{"a":%s}}]',
    "application/cloudevents+json": b'{"specversion":"1.0","id":"1","source":"s","type":"t","data":{"a":%s}}',
}


@pytest.mark.parametrize("depth", [8, 900, 100_000])
@pytest.mark.parametrize("media", DEEP)
def test_deep_json_is_refused_in_every_format(bulk: Any, meter: Any, media: str, depth: int) -> None:
    meter()
    for begin, end in ((b"[", b"]"), (b'{"a":', b"}")):
        answer = bulk(DEEP[media] % (begin * depth + b"1" + end * depth), media)
        assert answer.status == 400 and answer["error"]["type"] == "invalid_request_error"
    assert bulk(b"[" * depth + b"]" * depth, media).status == 400


def test_seven_levels_below_a_payload_are_no_depth(bulk: Any, meter: Any, customer: str) -> None:
    meter()
    note: Any = "x"
    for _ in range(7):
        note = [note]
    use = event(customer, 1)
    use["payload"]["note"] = note
    assert counts(bulk([use])) == (1, 0, 0)


@pytest.mark.parametrize(
    ("body", "media"),
    [
        (b"[" + b"{}," * 10_000 + b"{}]", JSON),
        (b"[" + b"1," * 10_000 + b"1]", JSON),
        (b"{}\n" * 10_001, LINES),
        (b'{"event_name":"tokens","payload":{}}\n' * 10_001, LINES),
        (b"[" + b"{}," * 10_000 + b"{}]", CLOUD),
        (b"[" + b"{}," * 600_000 + b"{}]", JSON),
        (b"\n" * 1_000_001, LINES),
    ],
)
def test_more_than_ten_thousand_are_counted_before_they_are_read(bulk: Any, body: bytes, media: str) -> None:
    assert bulk(body, media).status == 413


def test_what_is_decoded_at_once_has_room_in_memory(bulk: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoding, "MEMORY", Memory(1_000_000))
    answer = bulk(b"[" + b"{}," * 9_000 + b"{}]")
    assert (answer.status, answer.headers["Retry-After"]) == (503, "1")
    assert bulk(b"[]").status == 200
