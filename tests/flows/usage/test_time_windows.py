"""Does of the events in one hour or day only the one received last count, for a meter with a time window?"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import product
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg.types.json import Jsonb

from billow.core.usage import TIME_WINDOWS, Window, window_start
from billow.store import migrate
from billow.store.ids import secret
from billow.store.tx import Tx
from billow.store.usage import Measured, Span, store

EVENTS, CANCEL = "/v1/billing/meter_events", "/v1/billing/meter_event_adjustments"
HOUR, DAY = 3600, 86400
START = datetime(2026, 3, 1, tzinfo=UTC)
Begin = Callable[[], AbstractContextManager[Tx]]
SIZES = st.sampled_from([None, "hour", "day"])
any_use = st.tuples(
    st.integers(0, 1),  # customer
    st.integers(0, 2),  # meter, each with its own window
    st.integers(0, 60 * HOUR // 600).map(lambda n: n * 600),  # seconds after START
    st.decimals(-1000, 1000, places=3, allow_nan=False),
)


def fresh(app: Any) -> Begin:
    tenant = f"{secret('acct_', 16)}/test"
    return lambda: app.db.transaction(tenant)


def event(number: int, use: tuple[int, int, int, Decimal], sizes: Sequence[str | None]) -> Measured:
    customer, meter, second, value = use
    at = START + timedelta(seconds=second)
    return Measured(f"mtr_{meter}", f"cus_{customer}", f"event {number}", at, value, time_window=sizes[meter])


def by_hand(received: Sequence[Measured], start: datetime, end: datetime) -> Window:
    """The plain definition: each event overwrites what its window had; what is left in the span is added."""
    kept: dict[Any, Measured] = {}
    for place, each in enumerate(received):
        size = each.time_window
        kept[place if size is None else window_start(each.at, size)] = each
    inside = [each for each in received if each in kept.values() and start <= each.at < end]
    last = None
    for each in inside:
        if last is None or each.at >= last.at:
            last = each
    total = sum((each.value for each in inside), Decimal(0))
    return Window(total, len(inside), last and last.value, last and last.at)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    sizes=st.lists(SIZES, min_size=3, max_size=3),
    uses=st.lists(any_use, min_size=1, max_size=40),
    spans=st.lists(st.tuples(st.integers(0, 62 * HOUR), st.integers(0, 62 * HOUR)), min_size=1, max_size=5),
    data=st.data(),
)
def test_any_span_holds_what_is_not_overwritten(
    app: Any, sizes: Any, uses: Any, spans: Any, data: Any
) -> None:
    begin = fresh(app)
    events = [event(number, use, sizes) for number, use in enumerate(uses)]
    received: list[Measured] = []
    canceled: set[int] = set()
    place = 0
    while place < len(events):
        batch = events[place : place + data.draw(st.integers(1, 6))]
        again = data.draw(st.lists(st.sampled_from(events[: place + 1]), max_size=2)) if place else []
        sent = [*again, *batch]
        with begin() as tx:
            told = store(tx).record(tx, sent)
        assert told == [at for at, each in enumerate(sent) if each in received or each in sent[:at]]
        received += [each for at, each in enumerate(sent) if at not in told]
        place += len(batch)
        gone = data.draw(st.none() | st.integers(0, place - 1))
        if gone is not None:
            meter = uses[gone][1]
            with begin() as tx:
                assert store(tx).cancel(tx, f"event {gone}", tx.now, sizes[meter]) == (gone not in canceled)
            canceled.add(gone)
    left = [each for each in received if int(each.identifier.split()[1]) not in canceled]
    ends = [(START, START + timedelta(hours=72))]
    ends += [
        (START + timedelta(seconds=a), START + timedelta(seconds=b)) for a, b in map(sorted, spans) if a < b
    ]
    asked = [
        Span((customer, meter, ends_at), f"mtr_{meter}", f"cus_{customer}", *ends_at, sizes[meter])
        for customer in range(2)
        for meter in range(3)
        for ends_at in ends
    ]
    with begin() as tx:
        found = store(tx).windows(tx, asked)
        for span in asked:
            mine = [each for each in left if (each.customer, each.meter) == (span.customer, span.meter)]
            assert found[span.key] == by_hand(mine, span.start, span.end)
            if span.end - span.start == timedelta(hours=72):
                check_windows(tx, span, mine)


def check_windows(tx: Tx, span: Span, mine: Sequence[Measured]) -> None:
    """The span hour by hour and day by day adds up to the same."""
    for size, length in TIME_WINDOWS.items():
        parts = [(START + length * n, START + length * (n + 1)) for n in range(timedelta(hours=72) // length)]
        expected = [(part[0], by_hand(mine, *part)) for part in parts]
        assert store(tx).by_window(tx, span, size) == [each for each in expected if each[1].count]


def test_threads_that_overwrite_each_other_leave_one_event_in_each_window(app: Any) -> None:
    begin = fresh(app)
    events = [event(n, (n % 2, n % 3, n * 600 % DAY, Decimal(n)), ["hour", "day", None]) for n in range(300)]

    def send(first: int) -> None:
        for place in range(first, 300, 40):
            batch = events[place : place + 10]
            with begin() as tx:
                store(tx).record(tx, batch)
            with begin() as tx:
                store(tx).cancel(tx, batch[0].identifier, tx.now, batch[0].time_window)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(send, range(0, 40, 10)))
    with begin() as tx:
        rows = tx.tuples("select identifier from meter_events where canceled_at is null order by arrival")
        named = {each.identifier: each for each in events}
        received = [named[identifier] for (identifier,) in rows]
        assert len(received) == 270
        span = Span("all", "", "", START, START + timedelta(days=2))
        for customer, meter in {(each.customer, each.meter): None for each in events}:
            mine = [each for each in received if (each.customer, each.meter) == (customer, meter)]
            asked = replace(span, meter=meter, customer=customer, time_window=mine[0].time_window)
            assert store(tx).windows(tx, [asked])["all"] == by_hand(mine, span.start, span.end)


# ------------------------------------------------------------------------------------- through the API


@pytest.fixture
def midnight(now: Any) -> int:
    """Of ten days ago."""
    return int((now - timedelta(days=10)).timestamp()) // DAY * DAY


@pytest.fixture
def use(api: Any, customer: str) -> Any:
    def send(at: int, value: str, of: str = customer, **more: Any) -> Any:
        body = {"event_name": "tokens", "payload[stripe_customer_id]": of, "payload[value]": value}
        answer = api.post(EVENTS, {**body, "timestamp": at, **more})
        assert answer.status == 200, answer
        return answer

    return send


@pytest.fixture
def values(api: Any, customer: str) -> Any:
    def ask(meter: str, start: int, end: int, of: str = customer, **more: Any) -> list[Any]:
        path = f"/v1/billing/meters/{meter}/event_summaries"
        found = api.get(path, {"customer": of, "start_time": start, "end_time": end, **more})
        assert found.status == 200, found
        return [one["aggregated_value"] for one in found["data"]]

    return ask


@pytest.mark.parametrize(
    ("window", "formula", "expected"),
    [
        ("hour", "sum", 42),
        ("hour", "count", 3),
        ("hour", "last", 20),
        ("day", "sum", 27),
        ("day", "count", 2),
        ("day", "last", 20),
    ],
)
def test_each_formula_by_hand(
    meter: Any, use: Any, values: Any, midnight: int, window: str, formula: str, expected: int
) -> None:
    tokens = meter("tokens", formula, event_time_window=window)
    for at, value in [(60, "5"), (3599, "9"), (120, "15"), (HOUR, "7"), (DAY, "8"), (DAY + 1, "20")]:
        use(midnight + at, value)
    assert values(tokens, midnight, midnight + 2 * DAY) == [expected]


def test_running_totals_are_counted_once_in_summaries_and_windows(
    meter: Any, use: Any, values: Any, midnight: int
) -> None:
    tokens = meter(event_time_window="hour")
    for minute, total in ((0, 10), (15, 25), (30, 40), (59, 70), (60, 5), (61, 8)):
        use(midnight + minute * 60, str(total))
    assert values(tokens, midnight, midnight + DAY) == [78]
    assert values(tokens, midnight, midnight + DAY, value_grouping_window="hour") == [8, 70]
    assert values(tokens, midnight, midnight + DAY, value_grouping_window="day") == [78]
    assert values(tokens, midnight, midnight + 31 * 60) == [0]  # what was overwritten is nowhere
    assert values(tokens, midnight + 59 * 60, midnight + HOUR) == [70]


def test_customers_and_meters_do_not_overwrite_each_other(
    api: Any, meter: Any, use: Any, values: Any, customer: str, midnight: int
) -> None:
    windowed, plain = meter(event_time_window="day"), meter("plain")
    other = api.post("/v1/customers", {"name": "Bob"})["id"]
    use(midnight, "5")
    use(midnight, "6", of=other)
    for _ in range(2):
        use(midnight, "3", event_name="plain")
    assert values(windowed, midnight, midnight + DAY) == [5]
    assert values(windowed, midnight, midnight + DAY, of=other) == [6]
    assert values(plain, midnight, midnight + DAY) == [6]
    use(midnight + 1, "7", **{"payload[region]": "eu"})
    use(midnight + 2, "8", **{"payload[region]": "us"})
    assert values(windowed, midnight, midnight + DAY) == [8]


def test_a_backfilled_event_overwrites_a_later_one_that_came_before(
    meter: Any, use: Any, values: Any, midnight: int
) -> None:
    tokens = meter(event_time_window="day")
    use(midnight + 20 * HOUR, "9")
    use(midnight + 2 * HOUR, "4")
    assert values(tokens, midnight, midnight + DAY, value_grouping_window="hour") == [4]
    assert values(tokens, midnight + 20 * HOUR, midnight + DAY) == [0]


def test_an_event_that_is_sent_again_overwrites_nothing(
    api: Any, meter: Any, use: Any, values: Any, customer: str, midnight: int
) -> None:
    tokens = meter(event_time_window="hour")
    use(midnight, "5", identifier="a")
    use(midnight, "6", identifier="b")
    body = {"event_name": "tokens", "payload[stripe_customer_id]": customer, "payload[value]": "5"}
    again = api.post(EVENTS, {**body, "timestamp": midnight, "identifier": "a"})
    assert again["error"]["code"] == "resource_already_exists"
    assert values(tokens, midnight, midnight + HOUR) == [6]


@pytest.mark.parametrize("window", ["hour", "day"])
def test_when_an_event_is_canceled_the_one_before_it_counts_again(
    api: Any, meter: Any, use: Any, values: Any, midnight: int, window: str
) -> None:
    tokens = meter(event_time_window=window)

    def cancel(identifier: str) -> list[Any]:
        wanted = {"event_name": "tokens", "type": "cancel", "cancel[identifier]": identifier}
        assert api.post(CANCEL, wanted).status == 200
        return values(tokens, midnight, midnight + DAY)  # type: ignore[no-any-return]

    for place, value in enumerate("4567"):
        use(midnight + place * 900, value, identifier=value)
    assert cancel("5") == [7]
    assert cancel("7") == [6]
    assert cancel("7") == [6]
    assert cancel("6") == [4]
    assert cancel("4") == [0]
    use(midnight, "1")
    assert values(tokens, midnight, midnight + DAY) == [1]


def test_in_a_batch_the_later_one_overwrites(
    api: Any, meter: Any, values: Any, customer: str, midnight: int
) -> None:
    tokens = meter(event_time_window="hour")
    events = [
        {
            "event_name": "tokens",
            "identifier": f"e{place}",
            "timestamp": midnight + place * 600,
            "payload": {"stripe_customer_id": customer, "value": value},
        }
        for place, value in enumerate([1, 2, 3, 4, 5, 6, 7, 8])
    ]
    for _ in range(2):
        assert api.ask("POST", "/v1/billing/meter_events/bulk", json=events).status == 200
    assert values(tokens, midnight, midnight + DAY) == [6 + 8]


def test_the_migration_leaves_what_is_not_overwritten(app: Any, server_url: str) -> None:
    """Earlier versions added all events up."""
    begin, sizes = fresh(app), ["hour", "day", None]
    uses = [(n % 2, n % 3, n * 4000 % (2 * DAY), Decimal(n)) for n in range(120)]
    added = [event(number, use, [None] * 3) for number, use in enumerate(uses)]
    with begin() as tx:
        for number, size in enumerate(sizes):
            tx.run(
                "insert into meters (id, display_name, event_name, default_aggregation, customer_mapping,"
                " value_settings, status_transitions, status, event_time_window, created, updated) values"
                " (%(id)s, 'x', %(id)s, %(sum)s, '{}', '{}', '{}', 'active', %(size)s, %(now)s, %(now)s)",
                id=f"mtr_{number}",
                sum=Jsonb({"formula": "sum"}),
                size=size,
                now=tx.now,
            )
        store(tx).record(tx, added)
        store(tx).cancel(tx, "event 119", tx.now)
    with psycopg.connect(server_url) as conn:
        migrate.become_owner(conn)
        conn.execute("set search_path = billow")
        [migration] = [one for one in migrate.available() if one.name.endswith("overwritten_usage")]
        conn.execute(migration.text.encode())
    left = [event(number, use, sizes) for number, use in enumerate(uses) if number != 119]
    for customer, meter in product(("cus_0", "cus_1"), range(3)):
        mine = [each for each in left if (each.customer, each.meter) == (customer, f"mtr_{meter}")]
        span = Span("all", f"mtr_{meter}", customer, START, START + timedelta(days=2), sizes[meter])
        with begin() as tx:
            assert store(tx).windows(tx, [span])["all"] == by_hand(mine, span.start, span.end)
