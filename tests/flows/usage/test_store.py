"""Is every event counted exactly once, and does every span hold what was used in it?"""

import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, suppress
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from billow.core.usage import FORMULAS, Window, aggregate
from billow.store.ids import secret
from billow.store.tx import Tx
from billow.store.usage import Measured, Span, postgres, store

START = datetime(2026, 3, 1, tzinfo=UTC)
WHOLE = (START, START + timedelta(days=31))
Begin = Callable[[], AbstractContextManager[Tx]]

any_use = st.tuples(
    st.integers(0, 2),  # customer
    st.integers(0, 3 * 3600),  # seconds after START
    st.decimals(-1000, 1000, places=3, allow_nan=False),
)


@pytest.fixture
def begin(app: Any) -> Begin:
    tenant = f"{secret('acct_', 16)}/test"
    return lambda: app.db.transaction(tenant)


def fresh(app: Any) -> Begin:
    tenant = f"{secret('acct_', 16)}/test"
    return lambda: app.db.transaction(tenant)


def event(number: int, use: tuple[int, int, Decimal], meter: str = "mtr_1") -> Measured:
    customer, second, value = use
    return Measured(meter, f"cus_{customer}", f"event {number}", START + timedelta(seconds=second), value)


def window(tx: Tx, customer: int, span: tuple[datetime, datetime] = WHOLE) -> Window:
    return store(tx).windows(tx, [Span("x", "mtr_1", f"cus_{customer}", *span)])["x"]


def by_hand(events: list[Measured]) -> Window:
    """The plain definition of what a window holds, in order of arrival."""
    last = None
    for each in events:
        if last is None or each.at >= last.at:
            last = each
    total = sum((each.value for each in events), Decimal(0))
    return Window(total, len(events), last and last.value, last and last.at)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(uses=st.lists(any_use, min_size=1, max_size=30), data=st.data())
def test_repeated_shuffled_and_split_events_count_once(app: Any, uses: Any, data: Any) -> None:
    begin = fresh(app)
    copies = [number for number in range(len(uses)) for _ in range(data.draw(st.integers(1, 5)))]
    order = data.draw(st.permutations(copies))
    arrived: list[int] = []
    place = 0
    while place < len(order):
        batch = order[place : place + data.draw(st.integers(1, 12))]
        with begin() as tx:
            told = store(tx).record(tx, [event(number, uses[number]) for number in batch])
        model = [i for i, number in enumerate(batch) if number in arrived or number in batch[:i]]
        assert told == model
        arrived += [number for i, number in enumerate(batch) if i not in model]
        place += len(batch)
    with begin() as tx:
        for customer in range(3):
            mine = [event(number, uses[number]) for number in arrived if uses[number][0] == customer]
            assert window(tx, customer) == by_hand(mine)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    uses=st.lists(any_use, min_size=1, max_size=40),
    spans=st.lists(st.tuples(st.integers(0, 12000), st.integers(0, 12000)), min_size=1, max_size=8),
    canceled=st.sets(st.integers(0, 39)),
)
def test_any_ragged_span_equals_the_sum_of_its_events(app: Any, uses: Any, spans: Any, canceled: Any) -> None:
    begin = fresh(app)
    events = [event(number, use) for number, use in enumerate(uses)]
    with begin() as tx:
        store(tx).record(tx, events)
        for number in canceled:
            assert store(tx).cancel(tx, f"event {number}", tx.now) == (number < len(events))
    left = [each for number, each in enumerate(events) if number not in canceled]
    asked = [
        Span(
            (place, customer),
            "mtr_1",
            f"cus_{customer}",
            *(START + timedelta(seconds=s) for s in sorted(span)),
        )
        for place, span in enumerate(spans)
        for customer in range(3)
    ]
    with begin() as tx:
        found = store(tx).windows(tx, asked)
    for span in asked:
        inside = [e for e in left if e.customer == span.customer and span.start <= e.at < span.end]
        assert found[span.key] == by_hand(inside)


@pytest.mark.parametrize("formula", FORMULAS)
def test_every_formula_by_hand(begin: Begin, formula: str) -> None:
    with begin() as tx:
        store(tx).record(tx, [event(1, (0, 100, Decimal(4))), event(2, (0, 300, Decimal(9)))])
        store(tx).record(tx, [event(3, (0, 200, Decimal("20.5")))])
        expected = {"sum": Decimal("33.5"), "count": 3, "last": 9}
        assert aggregate(formula, window(tx, 0)) == expected[formula]


def test_of_two_values_at_one_instant_the_later_arrival_is_last(begin: Begin) -> None:
    """In the roll-up of the hour as in the ragged edge, within a batch as between batches."""
    edge = (START, START + timedelta(minutes=30))
    with begin() as tx:
        store(tx).record(tx, [event(n, (0, 60, Decimal(n))) for n in (1, 2, 3)])
        assert [window(tx, 0, span).last for span in (WHOLE, edge)] == [3, 3]
        store(tx).record(tx, [event(n, (0, 60, Decimal(n))) for n in (5, 4)])
        assert [window(tx, 0, span).last for span in (WHOLE, edge)] == [4, 4]
        store(tx).cancel(tx, "event 4", tx.now)
        assert [window(tx, 0, span).last for span in (WHOLE, edge)] == [5, 5]


def test_a_canceled_event_leaves_a_trace_and_is_not_let_in_again(begin: Begin) -> None:
    with begin() as tx:
        store(tx).record(tx, [event(1, (0, 1, Decimal(7)))])
        assert store(tx).cancel(tx, "event 1", tx.now)
        assert not store(tx).cancel(tx, "event 1", tx.now)
        assert window(tx, 0) == Window()
        assert store(tx).record(tx, [event(1, (0, 1, Decimal(7)))]) == [0]
        kept = store(tx).find(tx, "event 1")
        assert kept and kept.canceled
        assert store(tx).by_window(tx, Span(0, "mtr_1", "cus_0", *WHOLE), "day") == []


def test_eight_threads_with_the_same_events_count_them_once(begin: Begin) -> None:
    events = [event(n, (n % 3, n % 7200, Decimal(1))) for n in range(500)]
    accepted = []

    def send(seed: int) -> None:
        mine = random.Random(seed).sample(events, len(events))
        for place in range(0, len(mine), 50):
            batch = mine[place : place + 50]
            with begin() as tx:
                accepted.append(len(batch) - len(store(tx).record(tx, batch)))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(send, range(8)))
    assert sum(accepted) == 500
    with begin() as tx:
        assert sum(window(tx, customer).count for customer in range(3)) == 500
        assert sum(window(tx, customer).sum for customer in range(3)) == 500


def test_statements_do_not_grow_with_the_number_of_spans(
    begin: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran = []
    real = Tx.tuples
    monkeypatch.setattr(Tx, "tuples", lambda tx, sql, **params: ran.append(sql) or real(tx, sql, **params))
    counts = []
    for many in (1, 300):
        spans = [
            Span(n, "mtr_1", f"cus_{n}", START + timedelta(seconds=n), START + timedelta(days=n + 1))
            for n in range(many)
        ]
        ran.clear()
        with begin() as tx:
            assert len(store(tx).windows(tx, spans)) == many
        counts.append(len(ran))
    assert counts == [2, 2]


def test_the_same_identifier_of_another_tenant_is_another_event(app: Any) -> None:
    for begin in (fresh(app), fresh(app)):
        with begin() as tx:
            assert store(tx).record(tx, [event(1, (0, 1, Decimal(7)))]) == []
            assert window(tx, 0).sum == 7


def test_a_rolled_back_batch_was_never_there(begin: Begin) -> None:
    with suppress(RuntimeError), begin() as tx:
        assert store(tx).record(tx, [event(1, (0, 1, Decimal(7)))]) == []
        raise RuntimeError
    with begin() as tx:
        assert window(tx, 0) == Window()
        assert store(tx).record(tx, [event(1, (0, 1, Decimal(7)))]) == []


def test_awkward_texts_and_numbers_come_back_as_they_were(begin: Begin) -> None:
    identifiers = ['a"b', "a\\b", "{a,b}", "NULL", "", "ü,\n", " x "]
    values = [Decimal("1E-12"), Decimal("99999999999999999999999999.999999999999"), Decimal("-0.5")]
    with begin() as tx:
        events = [
            Measured(
                "mtr_1",
                'cus "0"',
                text,
                START + timedelta(microseconds=n),
                values[n % 3],
                START,
                '{"a":"\\"{"}',
            )
            for n, text in enumerate(identifiers)
        ]
        assert store(tx).record(tx, events) == []
        rows = tx.tuples("select identifier, value, at, created, payload from meter_events order by at")
        assert [row[0] for row in rows] == identifiers
        assert [row[1] for row in rows] == [values[n % 3] for n in range(len(identifiers))]
        assert all(row[3:] == (START, {"a": '"{'}) for row in rows)
        assert [row[2] for row in rows] == [e.at for e in events]


@pytest.mark.parametrize("sql", [postgres.HOURS, postgres.OVERWRITTEN])
def test_the_usage_of_one_customer_is_read_by_its_key_also_before_anything_is_known_of_the_table(
    app: Any, sql: str
) -> None:
    """A billing run asks for that of hundreds at once: by any other index each would read all customers'."""
    many = {"customers": ["cus_1"], "meters": ["mtr_1"], "starts": [WHOLE[0]], "ends": [WHOLE[1]]}
    with app.db.transaction(f"{secret('acct_', 16)}/test") as tx, tx.conn.transaction(force_rollback=True):
        [(role,)] = tx.tuples("select current_user")
        tx.run("reset role")
        tx.run("delete from pg_statistic where starelid = 'billow.meter_hours'::regclass")
        tx.run("update pg_class set reltuples = -1, relpages = 0 where oid = 'billow.meter_hours'::regclass")
        tx.run(f"set local role {role}")
        plan = [line for (line,) in tx.tuples(f"explain {sql}", **many)]
    assert any("meter_hours_pkey" in line for line in plan), plan
    assert not any("Filter" in line and "customer" in line for line in plan), plan
