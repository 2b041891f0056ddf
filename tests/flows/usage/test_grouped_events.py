"""Do single events that arrive together share one transaction, and do those that wait hold nothing?"""

import asyncio
import json
import tempfile
import time
import urllib.parse
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest

from billow import app as application
from billow import settings
from billow.api import grouping
from billow.api.front import Front
from billow.app import App
from billow.resources.meter_event import MeterEvent
from billow.store.tx import Tx
from billow.store.usage import Measured
from tests.api.test_front import FORM, Exchange

EVENTS = "/v1/billing/meter_events"


def sent(customer: str, value: str = "5", **more: Any) -> dict[str, Any]:
    return {"event_name": "tokens", "payload[stripe_customer_id]": customer, "payload[value]": value, **more}


def event(front: Front, api: Any, fields: dict[str, Any], **headers: str) -> Exchange:
    body = urllib.parse.urlencode(fields).encode()
    return Exchange(front, "POST", EVENTS, api.key, [body], content_length=str(len(body)), **FORM, **headers)


async def soon(condition: Callable[[], bool]) -> bool:
    """Whether it comes true within ten seconds."""
    for _ in range(1000):
        if condition():
            return True
        await asyncio.sleep(0.01)
    return False


def wait_until_others_wait(front: Front, api: Any, count: int) -> None:
    for _ in range(1000):
        if len(front.groups._waiting.get((api.tenant, EVENTS), ())) >= count:
            return
        time.sleep(0.01)
    raise AssertionError(f"{count} requests do not wait")


@pytest.fixture
def front(app: App) -> Front:
    return Front(app.server, 4, 0)


def test_events_that_arrive_together_are_each_answered_for_itself(
    api: Any,
    meter: Any,
    customer: str,
    total: Any,
    ingestion: Any,
    front: Front,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """While the first is written, the others wait; then all are written together. The bad one harms none."""
    tokens = meter()
    batches: list[int] = []
    real = ingestion.admitted

    def slow(tx: Any, events: Any) -> Any:
        batches.append(len(events))
        if len(batches) == 1:
            wait_until_others_wait(front, api, 8)
        return real(tx, events)

    monkeypatch.setattr(ingestion, "admitted", slow)
    bodies = [sent(customer, "1", identifier=f"e{n}") for n in range(7)] + [
        sent(customer, "x", identifier="bad"),
        sent(customer, "1", identifier="e0"),
    ]

    async def send() -> list[Exchange]:
        first = asyncio.create_task(event(front, api, bodies[0]).go())
        assert await soon(lambda: bool(batches))
        return await asyncio.gather(first, *(event(front, api, body).go() for body in bodies[1:]))

    answered = asyncio.run(send())
    answers = [json.loads(each.body) for each in answered]
    assert batches == [1, 8]
    assert [each.status for each in answered] == [200] * 7 + [400, 400]
    assert answers[7]["error"]["code"] == "meter_event_invalid_value"
    assert answers[8]["error"]["message"] == "An event already exists with identifier e0."
    assert answers[3]["identifier"] == "e3"
    assert len({each.headers[b"request-id"] for each in answered}) == 9
    assert total(tokens) == 7


def test_when_a_group_fails_each_event_is_written_alone(
    api: Any,
    meter: Any,
    customer: str,
    total: Any,
    ingestion: Any,
    front: Front,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tokens = meter()
    real = ingestion.admitted
    entered: list[bool] = []

    def failing(tx: Any, events: Any) -> Any:
        if len(events) > 1 or events[0].identifier == "f1":
            raise RuntimeError("planted")
        if not entered:
            entered.append(True)
            wait_until_others_wait(front, api, 3)
        return real(tx, events)

    monkeypatch.setattr(ingestion, "admitted", failing)

    async def send() -> list[int]:
        first = asyncio.create_task(event(front, api, sent(customer, "1", identifier="f0")).go())
        assert await soon(lambda: bool(entered))
        others = [event(front, api, sent(customer, "1", identifier=f"f{n}")).go() for n in (1, 2, 3)]
        return [each.status for each in await asyncio.gather(first, *others)]

    assert asyncio.run(send()) == [200, 500, 200, 200]
    assert total(tokens) == 3
    assert front.groups._waiting == {}


def test_a_request_that_cannot_be_read_is_refused_and_harms_none_of_its_group(
    api: Any,
    other: Any,
    meter: Any,
    customer: str,
    total: Any,
    ingestion: Any,
    front: Front,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tokens = meter()
    real = ingestion.admitted
    entered: list[bool] = []

    def slow(tx: Any, events: Any) -> Any:
        if not entered:
            entered.append(True)
            wait_until_others_wait(front, api, 2)
        return real(tx, events)

    monkeypatch.setattr(ingestion, "admitted", slow)

    async def send() -> list[Exchange]:
        first = asyncio.create_task(event(front, api, sent(customer, identifier="a")).go())
        assert await soon(lambda: bool(entered))
        return await asyncio.gather(
            first,
            event(front, api, sent(customer, identifier="b", nonsense="1")).go(),
            event(front, api, sent(customer, identifier="c"), stripe_account="acct_of_another").go(),
            event(front, api, {"event_name": "tokens"}).go(),
            event(front, api, sent(customer, identifier="d")).go(),
        )

    answered = asyncio.run(send())
    assert [each.status for each in answered] == [200, 400, 403, 400, 200]
    assert json.loads(answered[1].body)["error"]["code"] == "parameter_unknown"
    assert json.loads(answered[3].body)["error"]["param"] == "payload"
    assert total(tokens) == 10


def test_an_event_that_waits_too_long_for_its_group_is_refused_and_not_written(
    api: Any,
    meter: Any,
    customer: str,
    total: Any,
    ingestion: Any,
    front: Front,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tokens = meter()
    real = ingestion.admitted
    refused: list[bool] = []

    def slow(tx: Any, events: Any) -> Any:
        for _ in range(1000):
            if refused:
                break
            time.sleep(0.01)
        return real(tx, events)

    monkeypatch.setattr(ingestion, "admitted", slow)
    monkeypatch.setattr(grouping, "PATIENCE", 0.1)

    async def send() -> list[Exchange]:
        first = asyncio.create_task(event(front, api, sent(customer, "1")).go())
        await asyncio.sleep(0.05)
        late = await event(front, api, sent(customer, "1")).go()
        refused.append(True)
        return [await first, late]

    assert [each.status for each in asyncio.run(send())] == [200, 503]
    assert total(tokens) == 1


# ------------------------------------------------------------------------------------- a slow writer

CONNECTIONS = 3


@pytest.fixture
def small(server_url: str, app: App, monkeypatch: pytest.MonkeyPatch) -> Iterator[App]:
    """The same system with few connections; `app` has migrated its database."""
    monkeypatch.setattr(application, "pool_size", lambda settings: CONNECTIONS)
    with tempfile.TemporaryDirectory(prefix="billow-data-") as folder:
        given = {"BILLOW_DATA": folder, "BILLOW_RATE_LIMIT_TEST": "0"}
        built = application.build(settings.load(given), server_url)
        built.keys.pepper = app.keys.pepper
        yield built
        built.close()


@contextmanager
def locked(url: str, table: str) -> Iterator[None]:
    """Another session writes to the table, and nobody else can."""
    with psycopg.connect(url) as conn:
        conn.execute(f"lock table billow.{table} in exclusive mode")
        yield


def test_events_behind_a_slow_writer_hold_no_connection_and_nobody_else_waits(
    api: Any, meter: Any, customer: str, total: Any, small: App, server_url: str
) -> None:
    """More single events than there are connections, or threads, wait for one that a lock keeps waiting."""
    tokens = meter()
    front = Front(small.server, 4, 0)
    small.db.connections.patience = application.CALLERS_PATIENCE

    def held() -> int:
        stats = small.db.connections._pool.get_stats()
        return stats["pool_size"] - stats["pool_available"]

    async def send() -> tuple[list[int], list[int], float]:
        assert (await Exchange(front, "GET", "/v1/customers", api.key).go()).status == 200  # the key is known
        with locked(server_url, "meter_hours"):
            events = [
                asyncio.create_task(event(front, api, sent(customer, "1")).go())
                for _ in range(CONNECTIONS * 4)
            ]
            await asyncio.sleep(0.5)
            begun = time.monotonic()
            others = [await Exchange(front, "GET", "/v1/customers", api.key).go() for _ in range(3)]
            taken = time.monotonic() - begun
            assert not any(each.done() for each in events)
            assert held() == 1
        return [each.status for each in await asyncio.gather(*events)], [o.status for o in others], taken

    events, others, taken = asyncio.run(send())
    assert others == [200] * 3
    assert taken < 1
    assert events == [200] * CONNECTIONS * 4
    assert total(tokens) == CONNECTIONS * 4


def test_events_that_a_lock_keeps_from_being_written_are_refused_together(
    api: Any, meter: Any, customer: str, total: Any, front: Front, server_url: str
) -> None:
    """Nothing is tried once for each of them: they waited for the lock once, and hear the same."""
    tokens = meter()

    async def send() -> list[int]:
        with locked(server_url, "meter_hours"):
            events = [event(front, api, sent(customer, "1")).go() for _ in range(8)]
            return [each.status for each in await asyncio.gather(*events)]

    begun = time.monotonic()
    assert asyncio.run(send()) == [429] * 8
    assert time.monotonic() - begun < 10  # two waits of 2.1 s: the first event's, and that of the others
    assert total(tokens) == 0


@pytest.mark.parametrize("count", [1, 40])
def test_a_group_takes_two_statements_however_many_events_it_holds(
    api: Any, meter: Any, customer: str, ingestion: Any, app: App, monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    """One reads meters and customers, the other records."""
    meter()
    ran: list[str] = []
    real = Tx.tuples
    monkeypatch.setattr(Tx, "tuples", lambda tx, sql, **params: ran.append(sql) or real(tx, sql, **params))
    payload = {"stripe_customer_id": customer, "value": "1"}
    events = [MeterEvent(event_name="tokens", payload=payload, identifier=f"n{n}") for n in range(count)]
    with app.db.transaction(api.tenant) as tx:
        assert all(isinstance(each, Measured) for each in ingestion.admitted(tx, events))
    assert len(ran) == 2
