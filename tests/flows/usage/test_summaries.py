"""Do summaries and corrections tell what was used?"""

from datetime import timedelta
from typing import Any

import pytest

EVENTS, CANCEL = "/v1/billing/meter_events", "/v1/billing/meter_event_adjustments"
HOUR, DAY = 3600, 86400


@pytest.fixture
def use(api: Any, customer: str) -> Any:
    def send(at: int, value: str = "1", **more: Any) -> Any:
        body = {"event_name": "tokens", "payload[stripe_customer_id]": customer, "payload[value]": value}
        answer = api.post(EVENTS, {**body, "timestamp": at, **more})
        assert answer.status == 200, answer
        return answer

    return send


@pytest.fixture
def summaries(api: Any, customer: str) -> Any:
    def ask(meter: str, start: int, end: int, **more: Any) -> Any:
        path = f"/v1/billing/meters/{meter}/event_summaries"
        return api.get(path, {"customer": customer, "start_time": start, "end_time": end, **more})

    return ask


@pytest.fixture
def midnight(now: Any) -> int:
    """Of ten days ago."""
    return int((now - timedelta(days=10)).timestamp()) // DAY * DAY


def test_without_windows_there_is_one_summary_even_of_nothing(
    meter: Any, use: Any, summaries: Any, midnight: int, contract: Any
) -> None:
    tokens = meter()
    empty = summaries(tokens, midnight, midnight + 60)
    assert [one["aggregated_value"] for one in empty["data"]] == [0]
    use(midnight, "1.5")
    use(midnight + 59, "2")
    use(midnight + 60, "100")
    found = summaries(tokens, midnight, midnight + 60)
    one = found["data"][0]
    assert contract.problems(one) == []
    assert found["has_more"] is False and one["id"].startswith("mtrusg_")
    assert {**one, "id": ""} == {
        "id": "",
        "object": "billing.meter_event_summary",
        "aggregated_value": 3.5,
        "start_time": midnight,
        "end_time": midnight + 60,
        "livemode": False,
        "meter": tokens,
    }


@pytest.mark.parametrize(("formula", "expected"), [("sum", [4, 3]), ("count", [1, 2]), ("last", [4, 2])])
def test_windows_come_newest_first_without_empty_ones(
    meter: Any, use: Any, summaries: Any, midnight: int, formula: str, expected: list[int]
) -> None:
    tokens = meter("tokens", formula)
    use(midnight + 10, "2")
    use(midnight, "1")
    use(midnight + 2 * DAY, "4")
    for window, size in (("day", DAY), ("hour", HOUR)):
        found = summaries(tokens, midnight, midnight + 3 * DAY, value_grouping_window=window)["data"]
        assert [one["aggregated_value"] for one in found] == expected
        assert [one["start_time"] for one in found] == [midnight + 2 * DAY, midnight]
        assert [one["end_time"] - one["start_time"] for one in found] == [size, size]


def test_windows_are_paged_both_ways(meter: Any, use: Any, summaries: Any, midnight: int) -> None:
    tokens = meter()
    for hour in range(5):
        use(midnight + hour * HOUR, str(hour))

    def page(**more: Any) -> tuple[list[int], bool, list[str]]:
        found = summaries(tokens, midnight, midnight + DAY, value_grouping_window="hour", limit=2, **more)
        values = [one["aggregated_value"] for one in found["data"]]
        return values, found["has_more"], [one["id"] for one in found["data"]]

    first, second = page(), page(starting_after=page()[2][-1])
    assert first[:2] == ([4, 3], True) and second[:2] == ([2, 1], True)
    assert page(starting_after=second[2][-1])[:2] == ([0], False)
    assert page(ending_before=second[2][0])[:2] == ([4, 3], False)
    assert page(ending_before=second[2][1])[:2] == ([3, 2], True)


@pytest.mark.parametrize(
    ("change", "param"),
    [
        ({"start_time": 30}, "start_time"),
        ({"end_time": 61}, "end_time"),
        ({"start_time": 60, "value_grouping_window": "hour"}, "start_time"),
        ({"end_time": HOUR, "value_grouping_window": "day"}, "end_time"),
        ({"end_time": 0}, "end_time"),
        ({"value_grouping_window": "week"}, "value_grouping_window"),
        ({"customer": "cus_nobody"}, "customer"),
        ({"limit": 101}, "limit"),
        ({"starting_after": "mtrusg_x"}, "starting_after"),
    ],
)
def test_ranges_that_are_not_aligned_are_refused(
    meter: Any, summaries: Any, midnight: int, change: dict[str, Any], param: str
) -> None:
    wanted: dict[str, Any] = {"start_time": 0, "end_time": 60} | change
    start, end = midnight + wanted.pop("start_time"), midnight + wanted.pop("end_time")
    answer = summaries(meter(), start, end, **wanted)
    assert (answer.status, answer["error"]["param"]) == (400, param)


def test_a_summary_of_no_meter_is_not_found(summaries: Any, midnight: int) -> None:
    assert summaries("mtr_x", midnight, midnight + 60).status == 404


def test_a_canceled_event_is_taken_out_of_all_sums(
    api: Any, meter: Any, use: Any, summaries: Any, midnight: int
) -> None:
    tokens = meter()
    use(midnight, "5", identifier="wrong")
    use(midnight, "2", identifier="right")
    wanted = {"event_name": "tokens", "type": "cancel", "cancel[identifier]": "wrong"}
    for _ in range(2):  # a second time changes nothing more
        answer = api.post(CANCEL, wanted)
        assert answer == {
            "object": "billing.meter_event_adjustment",
            "cancel": {"identifier": "wrong"},
            "event_name": "tokens",
            "livemode": False,
            "status": "complete",
            "type": "cancel",
        }
        for end in (midnight + 60, midnight + HOUR):
            assert summaries(tokens, midnight, end)["data"][0]["aggregated_value"] == 2


def test_only_events_of_the_last_24_hours_can_be_canceled(api: Any, meter: Any, other: Any) -> None:
    meter()
    meter("others")
    frozen = 1893456000
    clock = api.post("/v1/test_helpers/test_clocks", {"frozen_time": frozen})["id"]
    customer = api.post("/v1/customers", {"test_clock": clock})["id"]
    body = {"event_name": "tokens", "payload[stripe_customer_id]": customer, "payload[value]": "1"}
    api.post(EVENTS, {**body, "identifier": "old"})
    with api.app.db.transaction(api.tenant) as tx:
        tx.run("update test_clocks set frozen_time = frozen_time + interval '24 hours 1 second'")
    wanted = {"event_name": "tokens", "type": "cancel", "cancel[identifier]": "old"}
    late = api.post(CANCEL, wanted)
    assert (late.status, late["error"]["param"]) == (400, "cancel[identifier]")
    assert api.post(CANCEL, {**wanted, "cancel[identifier]": "none"})["error"]["code"] == "resource_missing"
    assert api.post(CANCEL, {**wanted, "event_name": "others"})["error"]["code"] == "resource_missing"
    assert api.post(CANCEL, {**wanted, "event_name": "nothing"})["error"]["code"] == "no_meter"
    assert api.post(CANCEL, {**wanted, "type": "undo"})["error"]["param"] == "type"
