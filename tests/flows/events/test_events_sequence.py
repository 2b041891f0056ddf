"""Does every event get its number, without gaps, and does a reader of the feed miss none?"""

import threading
import time
from datetime import timedelta
from typing import Any

import pytest

from billow.api import rows
from billow.flows.events import feed
from billow.flows.platform import retention
from billow.resources.customer import Customer
from billow.store import jobs, sequence
from billow.store.ids import secret

FEED = "/v1/events/feed"


SHOWN = {"expand[]": "data.sequence"}


def insert_customer(tx: Any, name: str) -> Customer:
    return rows.insert(tx, Customer(name=name, invoice_prefix=secret("", 8).upper()))


def numbers(answer: Any) -> list[int]:
    return [event["sequence"] for event in answer["data"]]


def test_the_feed_numbers_events_from_one(api: Any, other: Any) -> None:
    for name in ("Ann", "Bob", "Cid"):
        api.post("/v1/customers", {"name": name})
    other.post("/v1/customers")
    first = api.get(FEED, {"limit": 2})
    assert (numbers(first), first["has_more"], first["url"]) == ([1, 2], True, FEED)
    assert [event["data"]["object"]["name"] for event in first["data"]] == ["Ann", "Bob"]
    rest = api.get(FEED, {"after": 2})
    assert (numbers(rest), rest["has_more"]) == ([3], False)
    assert numbers(other.get(FEED)) == [1], "each account counts for itself"
    assert numbers(api.get(FEED, {"after": 3})) == []
    assert api.get("/v1/events", SHOWN)["data"][0]["sequence"] == 3
    assert api.get(f"/v1/events/{rest['data'][0]['id']}", {"expand[]": "sequence"})["sequence"] == 3
    assert "sequence" not in api.get("/v1/events")["data"][0], "unless asked for, Stripe's fields only"


def test_the_worker_numbers_events_too(app: Any, api: Any) -> None:
    made = api.post("/v1/customers")["id"]
    api.post(f"/v1/customers/{made}", {"name": "Ann"})
    assert [event["sequence"] for event in api.get("/v1/events", SHOWN)["data"]] == [None, None]
    jobs.run_due(app.db, clock="wall", until=app.db.wall(), lane="events")
    assert [event["sequence"] for event in api.get("/v1/events", SHOWN)["data"]] == [2, 1]
    with app.db.transaction(api.tenant) as tx:
        assert (
            tx.all("select 1 from jobs where tenant = %(t)s and kind = 'events.number'", t=api.tenant) == []
        )


def test_events_are_numbered_in_the_order_of_commits_not_of_writes(app: Any, api: Any) -> None:
    with app.db.transaction(api.tenant) as slow:
        insert_customer(slow, "slow")
        with app.db.transaction(api.tenant) as quick:
            insert_customer(quick, "quick")
        seen = api.get(FEED)["data"]
        assert [(event["sequence"], event["data"]["object"]["name"]) for event in seen] == [(1, "quick")]
    late = api.get(FEED, {"after": 1})["data"]
    assert [(event["sequence"], event["data"]["object"]["name"]) for event in late] == [(2, "slow")]


def test_a_rolled_back_event_leaves_no_gap(app: Any, api: Any) -> None:
    def fail() -> None:
        with app.db.transaction(api.tenant) as tx:
            insert_customer(tx, "never")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    with app.db.transaction(api.tenant) as tx:
        insert_customer(tx, "ever")
    assert numbers(api.get(FEED)) == [1]


def test_a_reader_misses_nothing_while_many_write_and_many_number(app: Any, api: Any) -> None:
    writers, each = 6, 15
    done = threading.Event()
    failed: list[BaseException] = []

    def guarded(run: Any) -> Any:
        def safely() -> None:
            try:
                run()
            except BaseException as error:
                failed.append(error)

        return safely

    def write() -> None:
        for number in range(each):
            with app.db.transaction(api.tenant) as tx:
                insert_customer(tx, str(number))
                time.sleep(0.002 * (number % 3))

    def number() -> None:
        while not done.is_set():
            with app.db.transaction(api.tenant) as tx:
                sequence.number(tx)

    seen: list[int] = []

    def read() -> None:
        while len(seen) < writers * each:
            with app.db.transaction(api.tenant) as tx:
                sql = "select sequence from events where sequence > %(n)s order by sequence limit 7"
                seen.extend(n for (n,) in tx.tuples(sql, n=seen[-1] if seen else 0))
            assert not failed

    threads = [threading.Thread(target=guarded(run)) for run in [write] * writers + [number] * 2]
    reader = threading.Thread(target=guarded(read))
    for thread in [*threads, reader]:
        thread.start()
    for thread in threads[:writers]:
        thread.join()
    reader.join(timeout=20)
    done.set()
    for thread in threads:
        thread.join()
    assert failed == [] and seen == list(range(1, writers * each + 1))


def test_a_large_backlog_is_numbered_in_steps(app: Any, api: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sequence, "MOST", 2)
    with app.db.transaction(api.tenant) as tx:
        for name in "abcde":
            insert_customer(tx, name)
    until = app.db.wall() + timedelta(minutes=1)
    jobs.run_due(app.db, clock="wall", until=until, lane="events")
    assert [event["sequence"] for event in api.get("/v1/events", SHOWN)["data"]] == [5, 4, 3, 2, 1]


def test_a_caller_that_waits_gets_the_next_event_at_once(app: Any, api: Any) -> None:
    def write() -> None:
        time.sleep(0.4)
        with app.db.transaction(api.tenant) as tx:
            insert_customer(tx, "Ann")

    thread = threading.Thread(target=write)
    thread.start()
    began = time.monotonic()
    answer = api.get(FEED, {"wait": 10})
    assert numbers(answer) == [1] and 0.3 < time.monotonic() - began < 5
    thread.join()
    began = time.monotonic()
    assert numbers(api.get(FEED, {"after": 1, "wait": 1})) == [] and time.monotonic() - began >= 0.9


def test_only_two_callers_may_wait_in_a_process(api: Any) -> None:
    assert feed.WAITING.acquire(blocking=False) and feed.WAITING.acquire(blocking=False)
    try:
        began = time.monotonic()
        assert numbers(api.get(FEED, {"wait": 20})) == [] and time.monotonic() - began < 2
    finally:
        feed.WAITING.release(2)
    assert numbers(api.get(FEED, {"wait": 1})) == []
    assert feed.WAITING.acquire(blocking=False) and feed.WAITING.acquire(blocking=False)
    feed.WAITING.release(2)


@pytest.mark.parametrize(
    "sent", [{"after": "-1"}, {"limit": "0"}, {"limit": "1001"}, {"wait": "31"}, {"from": "1"}]
)
def test_invalid_params_of_the_feed_are_refused(api: Any, sent: dict[str, str]) -> None:
    answer = api.get(FEED, sent)
    assert (answer.status, answer["error"]["param"]) == (400, next(iter(sent)))


def test_events_are_deleted_after_thirty_days_with_their_deliveries(app: Any, api: Any) -> None:
    api.post("/v1/webhook_endpoints", {"url": "https://x.ch/a", "enabled_events[]": "*"})
    clock = api.post("/v1/test_helpers/test_clocks", {"frozen_time": "1000000000"})["id"]
    for name in ("old", "new"):
        api.post("/v1/customers", {"name": name, "test_clock": clock})
    api.post("/v1/customers", {"name": "new"}, Idempotency_Key="old")
    api.post("/v1/customers", {"name": "new"}, Idempotency_Key="new")
    assert numbers(api.get(FEED)) == [1, 2, 3, 4, 5]
    with app.db.transaction(api.tenant) as tx:
        past = {"at": tx.wall - timedelta(days=31)}
        tx.run("update events set written_at = %(at)s where sequence <= 2", **past)
        tx.run("update idempotency_keys set created = %(at)s where key = 'old'", **past)
        retention.prune(tx, ["daily"])
    with app.db.transaction(api.tenant) as tx:
        # Events age by the wall clock, whatever a test clock says.
        assert tx.tuples("select sequence from events order by 1") == [(3,), (4,), (5,)]
        assert tx.tuples("select count(*) from webhook_deliveries") == [(3,)]
        assert tx.tuples("select key from idempotency_keys") == [("new",)]
        [timer] = tx.all("select * from jobs where kind = 'store.prune' and tenant = %(t)s", t=api.tenant)
        assert timedelta(hours=23) < timer["run_at"] - tx.wall <= timedelta(days=1)
        tx.run("update events set written_at = %(at)s", **past)
        retention.prune(tx, ["daily"])
    api.post("/v1/customers")
    assert numbers(api.get(FEED)) == [6], "numbers go on when all events are gone"


def test_every_tenant_that_has_a_key_is_pruned(app: Any, api: Any) -> None:
    with app.db.connection() as conn:
        retention.plan(conn, app.db.wall())
        retention.plan(conn, app.db.wall() + timedelta(days=1))
        found = conn.execute(
            "select run_at from jobs where kind = 'store.prune' and tenant = %s", (api.tenant,)
        ).fetchall()
    assert len(found) == 1 and found[0][0] - app.db.wall() <= timedelta(hours=1)
