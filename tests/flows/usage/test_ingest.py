"""Is one meter event taken, or refused in the right words?"""

from datetime import timedelta
from typing import Any

import pytest

EVENTS = "/v1/billing/meter_events"
DAY = 86400


def sent(customer: str, value: str = "5", **more: Any) -> dict[str, Any]:
    return {"event_name": "tokens", "payload[stripe_customer_id]": customer, "payload[value]": value, **more}


def seconds(at: Any) -> int:
    return int(at.timestamp())


def test_an_event_is_shown_as_it_was_sent_and_counted(
    api: Any, meter: Any, customer: str, total: Any
) -> None:
    tokens = meter()
    answer = api.post(EVENTS, sent(customer, "12.5", identifier="a", **{"payload[region]": "eu"}))
    assert answer.status == 200
    assert answer.pop("created") == answer.pop("timestamp")
    assert answer == {
        "object": "billing.meter_event",
        "event_name": "tokens",
        "identifier": "a",
        "livemode": False,
        "payload": {"stripe_customer_id": customer, "value": "12.5", "region": "eu"},
    }
    assert total(tokens) == 12.5


def test_the_official_client_can_send_and_sum_up(sdk: Any, meter: Any, customer: str, now: Any) -> None:
    tokens = meter()
    moment = seconds(now)
    event = sdk.v1.billing.meter_events.create(
        {
            "event_name": "tokens",
            "payload": {"stripe_customer_id": customer, "value": "3"},
            "timestamp": moment,
        }
    )
    assert event.identifier and event.timestamp == moment
    found = sdk.v1.billing.meters.event_summaries.list(
        tokens, {"customer": customer, "start_time": moment // 60 * 60, "end_time": moment // 60 * 60 + 60}
    )
    assert [summary.aggregated_value for summary in found.data] == [3]
    sdk.v1.billing.meter_event_adjustments.create(
        {"event_name": "tokens", "type": "cancel", "cancel": {"identifier": event.identifier}}
    )


def test_v2_speaks_json_and_iso_times(api: Any, meter: Any, customer: str, total: Any, now: Any) -> None:
    tokens = meter()
    body = {
        "event_name": "tokens",
        "payload": {"stripe_customer_id": customer, "value": "2"},
        "timestamp": now.isoformat().replace("+00:00", "Z"),
    }
    answer = api.ask("POST", "/v2/billing/meter_events", json=body)
    assert answer.status == 200
    assert answer["object"] == "v2.billing.meter_event"
    assert answer["timestamp"] == now.strftime("%Y-%m-%dT%H:%M:%S.000Z")
    assert total(tokens) == 2
    body["timestamp"] = "yesterday"
    assert api.ask("POST", "/v2/billing/meter_events", json=body)["error"]["param"] == "timestamp"


@pytest.mark.parametrize("value", ["8.3E-7", "83e-8", "0.00000083"])
def test_a_value_may_have_an_exponent_and_a_time_a_small_z(
    api: Any, meter: Any, customer: str, total: Any, now: Any, value: str
) -> None:
    tokens = meter()
    assert api.post(EVENTS, sent(customer, value)).status == 200
    payload = {"stripe_customer_id": customer, "value": value}
    at = now.isoformat().replace("+00:00", "z")
    body = {"event_name": "tokens", "payload": payload, "timestamp": at}
    assert api.ask("POST", "/v2/billing/meter_events", json=body)["timestamp"].endswith("Z")
    assert total(tokens) == 0.00000166


def test_a_repeated_identifier_is_refused_and_counted_once(
    api: Any, meter: Any, customer: str, total: Any
) -> None:
    tokens = meter()
    assert api.post(EVENTS, sent(customer, identifier="once")).status == 200
    again = api.post(EVENTS, sent(customer, "7", identifier="once"))
    assert again.status == 400
    assert again["error"]["message"] == "An event already exists with identifier once."
    assert again["error"]["param"] == "identifier"
    assert total(tokens) == 5


def test_the_same_idempotency_key_gives_the_same_event(
    api: Any, meter: Any, customer: str, total: Any
) -> None:
    tokens = meter()
    first = api.post(EVENTS, sent(customer), Idempotency_Key="k")
    assert api.post(EVENTS, sent(customer), Idempotency_Key="k") == first
    assert total(tokens) == 5


def test_an_event_with_an_idempotency_key_is_committed_together_with_its_answer(
    api: Any, meter: Any, customer: str, total: Any, ingestion: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not by another's transaction: a crash between the two would count its retry twice."""
    tokens = meter()

    def fail(*_: Any) -> None:
        raise RuntimeError("planted, after the event was recorded")

    monkeypatch.setattr(ingestion.meter_event, "shown", fail)
    assert api.post(EVENTS, sent(customer), Idempotency_Key="k").status == 500
    assert total(tokens) == 0
    monkeypatch.undo()
    assert api.post(EVENTS, sent(customer), Idempotency_Key="k").status == 200
    assert total(tokens) == 5


REFUSALS = [
    ({"event_name": "unknown"}, "event_name", "no_meter"),
    (
        {"payload[stripe_customer_id]": "cus_nobody"},
        "payload[stripe_customer_id]",
        "meter_event_customer_not_found",
    ),
    ({"payload[stripe_customer_id]": ""}, "payload[stripe_customer_id]", "meter_event_no_customer_defined"),
    ({"payload[stripe_customer_id]": None}, "payload[stripe_customer_id]", "meter_event_no_customer_defined"),
    ({"payload[value]": None}, "payload[value]", "meter_event_value_not_found"),
    *(
        ({"payload[value]": value}, "payload[value]", "meter_event_invalid_value")
        for value in (
            "x",
            "NaN",
            "Infinity",
            "1e999",
            "1e200",
            "0.1234567890123",
            "1" * 27,
            "٣",
            " 1",
            "1_0",
            ".",
        )
    ),
    ({"event_name": None}, "event_name", "parameter_missing"),
    ({"timestamp": "soon"}, "timestamp", None),
    ({"colour": "red"}, "colour", "parameter_unknown"),
    ({"identifier": "x" * 501}, "identifier", None),
    ({f"payload[k{n}]": "v" for n in range(51)}, "payload", "meter_event_dimension_count_too_high"),
]


@pytest.mark.parametrize(("change", "param", "code"), REFUSALS)
def test_what_is_wrong_is_named(
    api: Any, meter: Any, customer: str, total: Any, change: Any, param: str, code: str | None
) -> None:
    tokens = meter()
    body = {name: value for name, value in {**sent(customer), **change}.items() if value is not None}
    answer = api.post(EVENTS, body)
    assert answer.status == 400
    assert (answer["error"].get("param"), answer["error"].get("code")) == (param, code)
    assert total(tokens) == 0


@pytest.mark.parametrize("value", ["-2", "0", "+1", ".5", "99999999999999999999999999.123456789012"])
def test_any_plain_decimal_is_a_value(api: Any, meter: Any, customer: str, total: Any, value: str) -> None:
    tokens = meter()
    assert api.post(EVENTS, sent(customer, value)).status == 200
    assert total(tokens) == float(value)


def test_an_inactive_meter_takes_nothing(api: Any, meter: Any, customer: str) -> None:
    api.post(f"/v1/billing/meters/{meter()}/deactivate")
    assert api.post(EVENTS, sent(customer))["error"]["code"] == "archived_meter"


def test_of_two_meters_of_one_name_the_active_one_counts(
    api: Any, meter: Any, customer: str, total: Any
) -> None:
    old = meter()
    api.post(f"/v1/billing/meters/{old}/deactivate")
    new = meter()
    assert api.post(EVENTS, sent(customer)).status == 200
    assert (total(old), total(new)) == (0, 5)


def test_a_deleted_customer_uses_nothing(api: Any, meter: Any, customer: str) -> None:
    meter()
    api.delete(f"/v1/customers/{customer}")
    assert api.post(EVENTS, sent(customer))["error"]["code"] == "meter_event_customer_not_found"


def test_another_account_has_neither_our_meters_nor_our_customers(
    api: Any, other: Any, meter: Any, customer: str
) -> None:
    meter()
    assert other.post(EVENTS, sent(customer))["error"]["code"] == "no_meter"


def test_a_meter_may_name_its_own_keys_and_a_count_needs_no_value(
    api: Any, meter: Any, customer: str, total: Any
) -> None:
    calls = meter(
        "calls",
        "count",
        **{"customer_mapping[type]": "by_id", "customer_mapping[event_payload_key]": "account"},
    )
    for extra in ({}, {"payload[value]": "100"}):
        answer = api.post(EVENTS, {"event_name": "calls", "payload[account]": customer, **extra})
        assert answer.status == 200, answer
    assert total(calls) == 2


@pytest.mark.parametrize(
    ("shift", "code"),
    [
        (timedelta(days=-35, seconds=60), None),
        (timedelta(days=-35, seconds=-60), "timestamp_too_far_in_past"),
        (timedelta(minutes=5, seconds=-10), None),
        (timedelta(minutes=5, seconds=10), "timestamp_in_future"),
    ],
)
def test_events_are_let_in_from_35_days_ago_to_5_minutes_ahead(
    api: Any, meter: Any, customer: str, now: Any, shift: timedelta, code: str | None
) -> None:
    meter()
    answer = api.post(EVENTS, sent(customer, timestamp=seconds(now + shift)))
    assert answer.get("error", {}).get("code") == code


def test_the_clock_of_a_customer_is_its_test_clock(api: Any, meter: Any) -> None:
    tokens = meter()
    frozen = 1893456000  # 2030: the wall would say that it is in the future
    clock = api.post("/v1/test_helpers/test_clocks", {"frozen_time": frozen})["id"]
    customer = api.post("/v1/customers", {"test_clock": clock})["id"]
    assert api.post(EVENTS, sent(customer))["timestamp"] == frozen
    assert api.post(EVENTS, sent(customer))["created"] == frozen
    late = api.post(EVENTS, sent(customer, timestamp=frozen + 301))
    assert late["error"]["code"] == "timestamp_in_future"
    early = api.post(EVENTS, sent(customer, timestamp=frozen - 35 * DAY - 1))
    assert early["error"]["code"] == "timestamp_too_far_in_past"
    found = api.get(
        f"/v1/billing/meters/{tokens}/event_summaries",
        {"customer": customer, "start_time": frozen - 60, "end_time": frozen + 60},
    )
    assert found["data"][0]["aggregated_value"] == 10
