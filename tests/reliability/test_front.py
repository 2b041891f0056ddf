"""Does a client that sends half, slowly, nothing or far too much harm nobody, and do nothing?"""

import gzip
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from billow.app import App
from tests.conftest import Api, new_caller
from tests.support.installation import free_port, new_database, running_installation
from tests.support.raw_client import Wire, form, head, send_request

KEYS = int(os.environ.get("BILLOW_STORM_KEYS", "1000"))
CUSTOMERS, BULK = "/v1/customers", "/v1/billing/meter_events/bulk"


@dataclass
class System:
    """A server in a process of its own, and somebody with an account there."""

    app: App
    url: str
    api: Api

    def names(self) -> list[str]:
        return [customer["name"] for customer in self.api.get(CUSTOMERS, {"limit": 100})["data"]]

    def customer(self, name: str) -> bytes:
        return b"".join(form(CUSTOMERS, self.api.key, {"name": name}))

    def other_is_answered(self, within: float = 1.0) -> list[float]:
        """How long health and a request of another account take; each must be answered in time."""
        other = new_caller(self.app)
        asks = [head("GET", "/healthz"), head("GET", CUSTOMERS, other.key), head("GET", CUSTOMERS, other.key)]
        found = [send_request(self.url, ask) for ask in asks]
        assert [answer[0] for answer in found] == [200] * 3
        assert max(answer[3] for answer in found) < within
        return [answer[3] for answer in found]


@contextmanager
def started(server_url: str, **more: str) -> Iterator[System]:
    folder = Path(tempfile.mkdtemp(prefix="billow-front-"))
    try:
        with running_installation(new_database(server_url), folder, **more) as (app, url):
            yield System(app, url, new_caller(app))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def one(server_url: str) -> Iterator[System]:
    with started(server_url) as system:
        yield system


@pytest.fixture(scope="module")
def pair(server_url: str) -> Iterator[System]:
    """Two server processes, and low limits."""
    limits = {"BILLOW_RATE_LIMIT_ADDRESS": "10", "BILLOW_RATE_LIMIT_LIVE": "1"}
    with started(server_url, BILLOW_WORKERS="2", **limits) as system:
        yield system


@pytest.fixture
def system(one: System) -> System:
    """The server of this file, with a fresh account."""
    return System(one.app, one.url, new_caller(one.app))


# ------------------------------------------------------------------------------------- half of a request


def cut_form(system: System) -> bytes:
    first, body = form(CUSTOMERS, system.api.key, {"name": "half"}, Idempotency_Key="cut", Content_Length=400)
    return first + body


def cut_chunks(system: System) -> bytes:
    first, body = form(CUSTOMERS, system.api.key, {"name": "half"}, Idempotency_Key="cut")
    first = first.replace(f"Content-Length: {len(body)}".encode(), b"Transfer-Encoding: chunked")
    return first + f"{len(body):x}\r\n".encode() + body + b"\r\n"


def cut_in_a_chunk(system: System) -> bytes:
    return cut_chunks(system)[:-4]


@pytest.mark.parametrize("ending", ["half closed", "closed"])
@pytest.mark.parametrize("cut", [cut_form, cut_chunks, cut_in_a_chunk])
def test_what_was_cut_off_is_not_done_and_the_whole_may_be_sent_again(
    system: System, cut: Callable[[System], bytes], ending: str
) -> None:
    with Wire(system.url) as wire:
        wire.send(cut(system))
        time.sleep(0.2)
        if ending == "half closed":
            assert wire.end_sending().answer()[0] in (0, 400)
    time.sleep(0.3)
    assert system.names() == []
    whole = b"".join(form(CUSTOMERS, system.api.key, {"name": "half and half"}, Idempotency_Key="cut"))
    status, headers, _, _ = send_request(system.url, whole)
    assert status == 200 and "idempotent-replayed" not in headers
    assert system.names() == ["half and half"]


def test_a_payment_that_was_cut_off_charges_nothing(system: System) -> None:
    customer = system.api.post(CUSTOMERS, {"payment_method": "pm_card_visa"})["id"]
    card = system.api.get(f"{CUSTOMERS}/{customer}/payment_methods")["data"][0]["id"]
    fields = {
        "currency": "usd",
        "customer": customer,
        "payment_method": card,
        "confirm": "true",
        "off_session": "true",
        "amount": 1234567,
    }
    first, body = form("/v1/payment_intents", system.api.key, fields, Idempotency_Key="pay")
    with Wire(system.url) as wire:
        wire.send(first + body[:-3]).end_sending().answer()
    assert system.api.get("/v1/charges")["data"] == []
    status, _, paid, _ = send_request(system.url, first + body)
    assert (status, paid.get("amount")) == (200, 1234567), paid


def test_chunks_that_end_are_a_whole_body(system: System) -> None:
    assert send_request(system.url, cut_chunks(system) + b"0\r\n\r\n")[0] == 200
    assert system.names() == ["half"]


def test_half_of_a_gzip_is_refused(system: System) -> None:
    packed = gzip.compress(json.dumps([{"event_name": "a", "payload": {}}] * 50).encode())[:-9]
    media = {"Content_Type": "application/json", "Content_Encoding": "gzip", "Content_Length": len(packed)}
    status, _, body, _ = send_request(system.url, head("POST", BULK, system.api.key, **media) + packed)
    assert status == 400 and "gzip" in body["error"]["message"]


def test_who_stops_sending_is_answered(system: System) -> None:
    with Wire(system.url) as wire:
        status, _, customer = wire.send(system.customer("last words")).end_sending().answer()
        assert (status, customer["name"]) == (200, "last words")
        assert wire.is_closed(within=5)


# ------------------------------------------------------------------------------------- nobody is shut out


def test_silent_connections_shut_nobody_out(system: System) -> None:
    with ExitStack() as open_:
        for _ in range(128):
            open_.enter_context(Wire(system.url))
        for _ in range(64):
            open_.enter_context(Wire(system.url)).send(b"GET /healthz HTTP/1.1\r\nHo")
        system.other_is_answered()


def test_clients_that_keep_their_connection_shut_nobody_out(system: System) -> None:
    with ExitStack() as open_:
        kept = [open_.enter_context(Wire(system.url)) for _ in range(160)]
        for wire in kept:
            assert wire.send(head("GET", CUSTOMERS, system.api.key)).answer()[0] == 200
        system.other_is_answered()
        assert kept[0].send(head("GET", CUSTOMERS, system.api.key)).answer()[0] == 200


def test_slow_bodies_take_no_thread(system: System) -> None:
    public = system.app.keys.create(system.api.tenant, "publishable", now=system.app.db.wall())
    with ExitStack() as open_:
        for key, path in ((public, "/v1/payment_methods"), (system.api.key, CUSTOMERS)):
            for _ in range(20):
                first, _ = form(path, key, {}, Content_Length=5000)
                open_.enter_context(Wire(system.url)).send(first + b"a")
        time.sleep(0.3)
        system.other_is_answered()


def test_key_and_rights_are_judged_before_the_body_comes(system: System) -> None:
    public = system.app.keys.create(system.api.tenant, "publishable", now=system.app.db.wall())
    judged = [
        ("", CUSTOMERS, 401),
        ("sk_test_nobodyknowsthisone", CUSTOMERS, 401),
        (public, CUSTOMERS, 401),
        (system.api.key, "/v1/nothing", 404),
    ]
    for key, path, status in judged:
        first, _ = form(path, key, {}, Content_Length=500_000)
        answer = send_request(system.url, first, timeout=5)
        assert (answer[0], answer[2]["error"]["type"]) == (status, "invalid_request_error")
    first, _ = form(CUSTOMERS, system.api.key, {}, Content_Length=2 << 20)
    assert send_request(system.url, first, timeout=5)[0] == 413


def test_unknown_keys_are_slowed_down_by_address_and_known_ones_are_not(pair: System) -> None:
    known = head("GET", CUSTOMERS, pair.api.key)
    with ExitStack() as open_:
        wires = [open_.enter_context(Wire(pair.url)) for _ in range(8)]
        assert {wire.send(known).answer()[0] for wire in wires} == {200}
        unknown = [head("GET", CUSTOMERS, f"sk_test_unknown{n:06}") for n in range(120)]
        statuses = [wires[n % 8].send(unknown[n]).answer()[0] for n in range(120)]
        assert set(statuses) == {401, 429} and statuses.count(429) > 40
        assert {wire.send(known).answer()[0] for wire in wires} == {200}
    elsewhere = head("GET", CUSTOMERS, "sk_test_unknown000000", X_Forwarded_For="203.0.113.9")
    assert send_request(pair.url, elsewhere)[0] == 401


def test_a_storm_of_a_thousand_keys_is_fair_and_health_is_not_disturbed(pair: System) -> None:
    """F38: ten accounts with a hundred keys each ask without pause; another is answered, and so is health."""
    owners, now = [new_caller(pair.app, "live") for _ in range(10)], pair.app.db.wall()
    keys = [pair.app.keys.create(owners[n % 10].tenant, now=now) for n in range(KEYS)]
    seen: list[tuple[int, dict[str, str]]] = []

    def storm(place: int) -> None:
        with Wire(pair.url) as wire:
            for key in keys[place::8]:
                came_from = f"203.0.113.{len(seen) % 250}"  # else the keys, all new, wait for their address
                seen.append(wire.send(head("GET", CUSTOMERS, key, X_Forwarded_For=came_from)).answer()[:2])

    with ThreadPoolExecutor(8) as pool:
        storming = [pool.submit(storm, place) for place in range(8)]
        for _ in range(4):
            calm = head("GET", CUSTOMERS, new_caller(pair.app, "live").key, X_Forwarded_For="203.0.113.251")
            assert send_request(pair.url, calm)[0] == 200
            status, _, _, seconds = send_request(pair.url, head("GET", "/healthz"))
            assert status == 200 and seconds < 1
        for each in storming:
            each.result(60)
    assert len(seen) == KEYS and {status for status, _ in seen} == {200, 429}
    refused = [headers for status, headers in seen if status == 429]
    assert all(int(headers["retry-after"]) >= 1 for headers in refused)
    assert {headers["stripe-rate-limited-reason"] for headers in refused} == {"global-rate"}


def test_a_deleted_key_ends_within_a_second_everywhere(pair: System) -> None:
    made = pair.api.post("/v1/api_keys")
    request = head("GET", "/v1/nothing", made["secret"])
    with ExitStack() as open_:
        wires = [open_.enter_context(Wire(pair.url)) for _ in range(12)]
        assert {wire.send(request).answer()[0] for wire in wires} <= {404, 429}
        assert pair.api.delete(f"/v1/api_keys/{made['id']}").status == 200
        gone = time.monotonic()
        while time.monotonic() < gone + 1:
            for wire in wires:
                wire.send(request).answer()
        statuses = {wire.send(request).answer()[0] for wire in wires}
        assert statuses <= {401, 429}  # a key that is not known is slowed down too


# ------------------------------------------------------------------------------------- far too much


def memory_of(url: str) -> int:
    """The most bytes that any of our server processes has ever used."""
    port = url.rpartition(":")[2]
    found = 0
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if f"BILLOW_PORT={port}\0" in (folder / "environ").read_text():
                peaks = [line for line in (folder / "status").read_text().splitlines() if "VmHWM" in line]
                found = max(found, int(peaks[0].split()[1]) << 10 if peaks else 0)
        except OSError:
            continue
    return found


BOMBS = {
    "empty events": (b"[" + b"{}," * (10 << 20) + b"{}]", "application/json"),
    "numbers": (b"[" + b"1," * (15 << 20) + b"1]", "application/json"),
    "lines": (b"\n" * (31 << 20), "application/x-ndjson"),
    "small lines": (b"{}\n" * (10 << 20), "application/x-ndjson"),
    "cloud events": (b"[" + b"{}," * (10 << 20) + b"{}]", "application/cloudevents-batch+json"),
    "deep": (b"[" * (31 << 20), "application/json"),
    "a number": (b"9" * (31 << 20), "application/json"),
}


@pytest.mark.parametrize("what", BOMBS)
def test_little_gzip_becomes_little_memory(system: System, what: str) -> None:
    """F34: 32 KB of it are 32 MB of JSON, which were 7.7 GB of objects."""
    before = memory_of(system.url)
    text, media = BOMBS[what]
    body = gzip.compress(text)
    named = {"Content_Type": media, "Content_Encoding": "gzip", "Content_Length": len(body)}
    request = head("POST", BULK, system.api.key, **named) + body
    with ThreadPoolExecutor(4) as pool:
        found = [*pool.map(lambda _: send_request(system.url, request, 60), range(4))]
    assert {status for status, *_ in found} <= {400, 413, 503}
    assert {status for status, *_ in found} & {400, 413}
    assert before and memory_of(system.url) - before < 600 << 20
    assert max(seconds for *_, seconds in found) < 10
    system.other_is_answered(5)


@pytest.mark.parametrize("fill", [b"\n", b"\r\n"])
def test_an_upload_of_line_ends_is_soon_refused(system: System, fill: bytes) -> None:
    body = fill * ((16 << 20) // len(fill)) + b"\r\n--x--\r\n"
    named = {"Content_Type": "multipart/form-data; boundary=x", "Content_Length": len(body)}
    status, _, _, seconds = send_request(
        system.url, head("POST", "/v1/files", system.api.key, **named) + body
    )
    assert status == 400 and seconds < 3


def test_a_head_without_end_is_refused(system: System) -> None:
    with Wire(system.url) as wire:
        try:
            wire.send(b"GET /healthz HTTP/1.1\r\n" + b"X: " + b"y" * (1 << 20))
        except ConnectionError:
            return
        assert wire.answer()[0] in (0, 431)


# ------------------------------------------------------------------------------------- the end


def test_who_is_being_answered_is_answered_when_the_server_stops(system: System) -> None:
    """F40: a request whose body is still coming when SIGTERM comes is answered, then the server is gone."""
    port = free_port()
    given = {"BILLOW_DATABASE_URL": system.app.db.url, "BILLOW_PORT": str(port)}
    with tempfile.TemporaryDirectory() as folder:
        pepper = Path(folder, "pepper")
        pepper.write_bytes(system.app.keys.pepper)
        environment = {**os.environ, **given, "BILLOW_DATA": folder}
        process = subprocess.Popen([sys.executable, "-m", "billow", "serve"], env=environment)
        try:
            there = System(system.app, f"http://127.0.0.1:{port}", system.api)
            wait_for(there.url)
            first, body = form(CUSTOMERS, system.api.key, {"name": "the last one"})
            with Wire(there.url) as wire, Wire(there.url) as idle:
                wire.send(first + body[:5])
                time.sleep(0.3)
                process.terminate()
                assert idle.is_closed(within=10)
                status, headers, customer = wire.send(body[5:]).answer()
            assert (status, customer["name"], headers["connection"]) == (200, "the last one", "close")
            assert process.wait(30) == 0
        finally:
            process.kill()
            process.wait()


def wait_for(url: str) -> None:
    """Wait for an answer: a connection is taken before the server is ready, and waits."""
    deadline = time.monotonic() + 60
    while True:
        try:
            with urllib.request.urlopen(f"{url}/healthz", timeout=60) as answer:
                assert answer.status == 200
            return
        except OSError:
            assert time.monotonic() < deadline
            time.sleep(0.1)
