"""Endpoints that are slow, drip or are away delay no other, and an endpoint that is quick is served quickly.

BILLOW_EVENTS, BILLOW_ENDPOINTS and BILLOW_ROUNDS make it larger.
"""

import os
import socket
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from ipaddress import ip_network
from typing import Any

import pytest

from billow.api import rows
from billow.app import App
from billow.flows.events import delivery, dispatch
from billow.providers.egress import Egress
from billow.resources.customer import Customer
from billow.store import jobs, sequence, work
from billow.store.ids import secret
from tests.conftest import Api, new_caller
from tests.support.webhook_receivers import Receiver, eventually, listening

EVENTS = int(os.environ.get("BILLOW_EVENTS", "600"))
ENDPOINTS = int(os.environ.get("BILLOW_ENDPOINTS", "12"))
ROUNDS = int(os.environ.get("BILLOW_ROUNDS", "2"))

#: A process of its own, so that it takes nothing from ours: it answers in 5 ms, and prints how many it heard.
QUICK = """
import asyncio, sys

heard = 0

async def answer(reader, writer):
    global heard
    try:
        while True:
            head = (await reader.readuntil(b"\\r\\n\\r\\n")).lower()
            length = head.partition(b"content-length:")[2].partition(b"\\r\\n")[0]
            await reader.readexactly(int(length))
            await asyncio.sleep(0.005)
            heard += 1
            writer.write(b"HTTP/1.1 200 OK\\r\\nContent-Length: 0\\r\\n\\r\\n")
            if heard == int(sys.argv[1]):
                print("all", flush=True)
    except (OSError, asyncio.IncompleteReadError):
        writer.close()

async def main():
    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()

asyncio.run(main())
"""


@pytest.fixture
def here(app: App) -> Iterator[App]:
    """Webhooks may go to this machine; other tests' endpoints are not waited for."""
    outside = app.db.outside
    with app.db.connection() as conn:
        conn.execute("delete from webhook_queue")
    app.db.outside = replace(outside, posting=Egress([ip_network("127.0.0.0/8")]).posting)
    yield app
    app.db.outside = outside


@contextmanager
def working(app: App) -> Iterator[work.Worker]:
    worker = work.Worker(app.db)
    worker.start()
    try:
        yield worker
    finally:
        worker.stop()


def drip(connection: socket.socket, ended: threading.Event) -> None:
    """Send a byte of the answer's head now and then, and never end."""
    while not ended.wait(0.5):
        connection.sendall(b"H")


def flood(connection: socket.socket, ended: threading.Event) -> None:
    """Answer with a body that has no end."""
    connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while not ended.is_set():
        connection.sendall(b"10000\r\n" + bytes(1 << 16) + b"\r\n")


def keep_silent(connection: socket.socket, ended: threading.Event) -> None:
    ended.wait(30)


@contextmanager
def behaving(answer: Callable[[socket.socket, threading.Event], None]) -> Iterator[str]:
    """An endpoint that answers each connection as the function does."""
    server = socket.create_server(("127.0.0.1", 0), backlog=512)
    ended = threading.Event()

    def answered(connection: socket.socket) -> None:
        with connection, suppress(OSError):  # whoever asked had enough
            answer(connection, ended)

    def accept() -> None:
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            threading.Thread(target=answered, args=(connection,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    yield f"http://127.0.0.1:{server.getsockname()[1]}/hook"
    ended.set()
    server.shutdown(socket.SHUT_RDWR)
    server.close()


def endpoint(api: Api, url: str, events: str = "*") -> dict[str, Any]:
    return dict(api.post("/v1/webhook_endpoints", {"url": url, "enabled_events[]": events}))


def delays(api: Api, receiver: Receiver, count: int) -> list[float]:
    """Seconds from the request to the message, one event at a time."""
    found = []
    for _ in range(count):
        before, began = len(receiver.heard), time.monotonic()
        api.post("/v1/customers")
        eventually(lambda before=before: len(receiver.heard) > before, seconds=20)
        found.append(receiver.heard[-1].at - began)
    return found


def test_endpoints_that_drip_delay_nobody_and_do_not_hold_up_a_stop(here: App, api: Api, other: Api) -> None:
    """F13: of one's own account or of another, known as slow or not yet."""
    with behaving(drip) as bad, listening() as good:
        with working(here):
            endpoint(other, good.url)
            alone = statistics.median(delays(other, good, 6))
        for _ in range(ENDPOINTS):
            endpoint(api, bad)
        endpoint(other, bad)
        began = time.monotonic()
        with working(here):
            for _ in range(5):
                api.post("/v1/customers")
            beside = statistics.median(delays(other, good, 10))
            stopping = time.monotonic()
        assert time.monotonic() - stopping < 6, "a stop waits a moment for answers, and no longer"
        assert stopping - began < 12
        assert beside < 3 * alone + 0.5, (alone, beside)


@pytest.mark.parametrize("answer", [drip, flood, keep_silent])
def test_one_bad_endpoint_leaves_the_delays_of_others_as_they_are(
    here: App, api: Api, other: Api, answer: Callable[[socket.socket, threading.Event], None]
) -> None:
    """F13: with and without it by turns, so that what else the machine does is in both."""
    alone, beside = list[float](), list[float]()
    with behaving(answer) as bad, listening() as good, working(here):
        endpoint(other, good.url)
        delays(other, good, 3)
        for _ in range(ROUNDS):
            alone += delays(other, good, 8)
            made = endpoint(api, bad)
            for _ in range(5):
                api.post("/v1/customers")
            beside += delays(other, good, 8)
            api.delete(f"/v1/webhook_endpoints/{made['id']}")
    usual, found = (statistics.quantiles(values, n=20)[-1] for values in (alone, beside))
    print(f"{answer.__name__}: p95 {usual:.3f} s alone, {found:.3f} s beside ({found / usual - 1:+.0%})")
    assert found < 1.5 * usual + 0.2, (usual, found)


def test_many_events_reach_a_quick_endpoint_quickly(here: App, api: Api) -> None:
    """Of different objects several at once, on kept connections, settled together."""
    command = [sys.executable, "-c", QUICK, str(EVENTS)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            made = endpoint(api, f"http://127.0.0.1:{process.stdout.readline().strip()}/hook")
            with here.db.transaction(api.tenant) as tx:
                told = [Customer(name="Ann", invoice_prefix=secret("", 8).upper()) for _ in range(EVENTS)]
                rows.insert_many(tx, told)
            with here.db.transaction(api.tenant) as tx:
                sequence.number(tx)
            sender = dispatch.Dispatcher(here.db)
            began = time.monotonic()
            sender.start()
            assert process.stdout.readline() == "all\n"
            rate = EVENTS / (time.monotonic() - began)
            eventually(lambda: pending(api, made) == 0)
            sender.stop()
            sender.join(5)
            print(f"{rate:.0f} events/s")
            assert rate > 120, f"{rate:.0f} events/s; one at a time it was 30"
        finally:
            process.kill()


def pending(api: Api, made: dict[str, Any]) -> int:
    path = f"/v1/webhook_endpoints/{made['id']}/deliveries"
    return len(api.get(path, {"status": "pending", "limit": 100})["data"])


def test_nobody_who_writes_an_event_waits_for_who_delivers_or_numbers(here: App, api: Api) -> None:
    """While a receiver is held, a turn is settled and events are numbered, writers do not wait a moment."""
    made = endpoint(api, "http://127.0.0.1:9/hook")
    api.post("/v1/customers")
    with here.db.transaction(api.tenant) as tx:
        sequence.number(tx)
    turn = delivery.take(here.db, api.tenant, made["id"])
    assert turn
    with here.db.transaction(api.tenant) as delivering, here.db.transaction(api.tenant) as numbering:
        delivering.run("select 1 from webhook_receivers for update")
        delivering.run("select 1 from webhook_queue for update")
        delivering.run("select 1 from webhook_deliveries for update")
        numbering.run("select 1 from event_counters for update")
        began = time.monotonic()
        with here.db.transaction(api.tenant) as tx:
            tx.run("set local lock_timeout = '100ms'")
            rows.insert(tx, Customer(name="Ann", invoice_prefix=secret("", 8).upper()))
        assert time.monotonic() - began < 2
    with here.db.transaction(api.tenant) as delivering:
        delivering.run("select 1 from webhook_receivers for update")
        delivering.run("select 1 from webhook_queue for update")
        with here.db.transaction(api.tenant) as tx:
            tx.run("set local lock_timeout = '100ms'")
            assert sequence.number(tx) == 1
    until = here.db.wall()
    assert jobs.run_due(here.db, clock="wall", until=until, lane="events") >= 1


def test_an_account_with_many_endpoints_leaves_others_their_turn(here: App) -> None:
    """Sixteen endpoints with a backlog each, beside an account with one event."""
    busy, calm = new_caller(here), new_caller(here)
    with listening() as good, listening() as crowd:
        crowd.seconds = 0.02
        for _ in range(16):
            endpoint(busy, crowd.url)
        endpoint(calm, good.url)
        with here.db.transaction(busy.tenant) as tx:
            told = [Customer(name="Ann", invoice_prefix=secret("", 8).upper()) for _ in range(60)]
            rows.insert_many(tx, told)
        with working(here):
            eventually(lambda: len(crowd.heard) > 50, seconds=20)
            calm.post("/v1/customers")
            heard = len(crowd.heard)
            eventually(lambda: good.heard, seconds=20)
            assert len(crowd.heard) - heard < 16 * 60 * 0.8, "it did not wait for the whole backlog"
