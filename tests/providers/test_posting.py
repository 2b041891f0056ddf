"""Is a message posted correctly to an endpoint that is slow, drips, never ends or breaks off (F13)?"""

import asyncio
import ipaddress
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import pytest

from billow.core.errors import Unavailable
from billow.providers import posting
from billow.providers.egress import Egress

LOOPBACK = (ipaddress.ip_network("127.0.0.0/8"),)
GOOD = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
Answer = Callable[[socket.socket], None]


class Server:
    """Answers each connection as told; `opened` counts them, `heard` is each message's bytes."""

    def __init__(self, answer: Answer) -> None:
        self.answer, self.opened = answer, 0
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listening.getsockname()[1]}/hook"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self.listening.accept()
            except OSError:
                return
            self.opened += 1
            threading.Thread(target=self._answer, args=(connection,), daemon=True).start()

    def _answer(self, connection: socket.socket) -> None:
        with connection, suppress(OSError):  # whoever asked may have gone
            self.answer(connection)


@contextmanager
def serving(answer: Answer) -> Iterator[Server]:
    server = Server(answer)
    yield server
    server.listening.shutdown(socket.SHUT_RDWR)
    server.listening.close()


def post(url: str, count: int = 1, at_once: int = 1, egress: Egress | None = None) -> list[int | str]:
    """The statuses of some posts, or why there was none."""

    async def run() -> list[int | str]:
        gate = asyncio.Semaphore(at_once)

        async with (egress or Egress(LOOPBACK)).posting() as send:

            async def once() -> int | str:
                async with gate:
                    try:
                        return await send(url, {"X-A": "b"}, b"hello")
                    except Unavailable as error:
                        return str(error)

            return list(await asyncio.gather(*(once() for _ in range(count))))

    return asyncio.run(run())


def taken(connection: socket.socket) -> bytes:
    """One message, whole; nothing when the other side has closed."""
    data = b""
    while not data.endswith(b"hello"):
        block = connection.recv(65536)
        if not block:
            return b""
        data += block
    return data


def keeping(answer: bytes) -> Answer:
    def run(connection: socket.socket) -> None:
        while taken(connection):
            connection.sendall(answer)

    return run


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """A deadline of a second, as a test has not fifteen; the body has half of it."""
    monkeypatch.setattr(posting, "SECONDS", 1.0)
    monkeypatch.setattr(posting, "BODY_SECONDS", 0.5)


# ------------------------------------------------------------------------------------- what is sent


def test_a_message_is_posted_as_it_is_and_a_redirect_is_not_followed() -> None:
    heard: list[bytes] = []

    def answer(connection: socket.socket) -> None:
        heard.append(taken(connection))
        connection.sendall(
            b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n"
        )

    with serving(answer) as server:
        assert post(f"{server.url}?a=1") == [302]
    [message] = heard
    head, _, body = message.partition(b"\r\n\r\n")
    assert head.startswith(b"POST /hook?a=1 HTTP/1.1\r\nHost: 127.0.0.1:") and body == b"hello"
    assert b"X-A: b" in head and b"Content-Length: 5" in head and server.opened == 1


def test_letters_outside_ascii_are_encoded_on_the_way() -> None:
    heard: list[bytes] = []

    def answer(connection: socket.socket) -> None:
        heard.append(taken(connection))
        connection.sendall(GOOD)

    with serving(answer) as server:
        assert post(f"{server.url}/straße?größe=ü") == [200]
    assert heard[0].startswith(b"POST /hook/stra%C3%9Fe?gr%C3%B6%C3%9Fe=%C3%BC HTTP/1.1\r\n")


@pytest.mark.parametrize("url", ["https://", "https://a b/", "https://x.ch:99999/", "https://[::1/", "x", "https://a..b/",
                                 "https://x.ch/\r\nX: y", f"https://{'ü' * 70}.ch/"])  # fmt: skip
def test_what_is_no_url_is_unavailable_and_says_why(url: str) -> None:
    [reason] = post(url)
    assert isinstance(reason, str) and len(reason) > len(url)


def test_nobody_there_is_unavailable() -> None:
    [reason] = post("http://127.0.0.1:9/")
    assert "did not answer" in str(reason)


# ------------------------------------------------------------------------------------- connections


@pytest.mark.parametrize(
    "answer",
    [
        GOOD,
        b"HTTP/1.1 204 No Content\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n" + GOOD,
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;a=b\r\nok\r\n0\r\n\r\n",
        b"HTTP/1.1 500 Oops\r\ncontent-length: 0\r\n\r\n",
    ],
)
def test_a_connection_is_kept(answer: bytes) -> None:
    with serving(keeping(answer)) as server:
        statuses = post(server.url, count=20)
        assert len(set(statuses)) == 1 and statuses[0] in (200, 204, 500) and server.opened == 1


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok",
        b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n-1\r\n",
        b"HTTP/1.1 200 OK\r\n\r\nwhatever comes",
    ],
)
def test_a_connection_that_may_hold_more_is_not_used_again(answer: bytes) -> None:
    with serving(keeping(answer)) as server:
        assert post(server.url, count=3) == [200, 200, 200] and server.opened == 3


def test_a_connection_that_was_closed_meanwhile_is_opened_again() -> None:
    def once(connection: socket.socket) -> None:
        taken(connection)
        connection.sendall(GOOD)

    with serving(once) as server:
        assert post(server.url, count=5) == [200] * 5 and server.opened == 5


def test_an_address_is_judged_for_each_new_connection_and_once_for_those_of_a_moment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[str] = []

    def resolve(host: str, port: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else ["10.0.0.1"]

    egress = Egress(LOOPBACK, resolve=resolve)

    def slowly(connection: socket.socket) -> None:
        taken(connection)
        time.sleep(0.05)
        connection.sendall(GOOD.replace(b"OK\r\n", b"OK\r\nConnection: close\r\n"))

    with serving(slowly) as server:
        url = server.url.replace("127.0.0.1", "shop.example")
        assert post(url, count=8, at_once=8, egress=egress) == [200] * 8 and len(asked) == 1
        asked.clear()
        monkeypatch.setattr(posting, "JUDGED", 0.0)
        first, second = post(url, count=2, egress=egress)
        assert first == 200 and "not a public address" in str(second), "it moved to where it must not be"


def test_an_idle_connection_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(posting, "IDLE", 0.2)
    ended: list[float] = []

    def watch(connection: socket.socket) -> None:
        keeping(GOOD)(connection)
        ended.append(time.monotonic())

    async def run(url: str) -> None:
        line = posting.Line(Egress(LOOPBACK).check)
        await line.post(url, {}, b"hello")
        await asyncio.sleep(0.6)
        assert ended and line.places == {}, "closed and forgotten"
        with pytest.raises(Unavailable):
            await line.post("http://127.0.0.1:9/", {}, b"hello")
        assert line.places == {}
        line.close()

    with serving(watch) as server:
        asyncio.run(run(server.url))


# ------------------------------------------------------------------------------------- bad endpoints


def silent(connection: socket.socket) -> None:
    taken(connection)
    time.sleep(30)


def drip(head: bytes) -> Answer:
    def run(connection: socket.socket) -> None:
        taken(connection)
        connection.sendall(head)
        while True:
            connection.sendall(b"x")
            time.sleep(0.1)

    return run


def deaf(connection: socket.socket) -> None:
    time.sleep(30)


def continuing(connection: socket.socket) -> None:
    taken(connection)
    while True:
        connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")


def nonsense(connection: socket.socket) -> None:
    taken(connection)
    connection.sendall(b"SSH-2.0-OpenSSH_9.6\r\n\r\n")


def cut(connection: socket.socket) -> None:
    taken(connection)
    connection.sendall(b"HTTP/1.1 200")


@pytest.mark.parametrize(
    "answer",
    [
        silent,
        drip(b"HTTP/1.1 200 OK\r\nX-A: "),
        drip(b""),
        deaf,
        continuing,
        nonsense,
        cut,
        drip(b"HTTP/1.1 200 OK\r\nX-A: " + b"a" * 70_000),
    ],
)
def test_whatever_an_endpoint_does_it_has_failed_by_the_deadline(short: None, answer: Answer) -> None:
    with serving(answer) as server:
        began = time.monotonic()
        [reason] = post(server.url)
        assert "did not answer" in str(reason) and time.monotonic() - began < 2.5


def test_tls_that_drips_or_is_none_has_failed_by_the_deadline(short: None) -> None:
    for answer in (
        drip(b"\x16\x03\x03\x40\x00"),
        lambda connection: connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n"),
    ):
        with serving(lambda connection, answer=answer: (connection.recv(10), answer(connection))) as server:  # type: ignore[misc]
            began = time.monotonic()
            [reason] = post(server.url.replace("http:", "https:"))
            assert "did not answer" in str(reason) and time.monotonic() - began < 2.5


def test_a_body_that_drips_costs_the_connection_and_not_the_message(short: None) -> None:
    with serving(drip(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")) as server:
        began = time.monotonic()
        assert post(server.url) == [200] and time.monotonic() - began < 2


@pytest.mark.parametrize("coding", [b"", b"Content-Encoding: gzip\r\n", b"Transfer-Encoding: chunked\r\n"])
def test_a_gigabyte_is_not_taken_in(short: None, coding: bytes) -> None:
    sent = 0

    def flood(connection: socket.socket) -> None:
        nonlocal sent
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 16)
        taken(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\n" + coding + b"\r\n")
        while sent < 1 << 30:
            connection.sendall(b"3fff8\r\n" + b"x" * 0x3FFF8 + b"\r\n")
            sent += 1 << 18

    with serving(flood) as server:
        began = time.monotonic()
        assert post(server.url) == [200] and time.monotonic() - began < 2
    assert sent <= 2 << 20, "what the kernel holds for us besides"


def test_a_name_server_that_does_not_answer_delays_no_other(short: None) -> None:
    def resolve(host: str, port: int) -> list[str]:
        if host != "127.0.0.1":
            time.sleep(3)
        return ["127.0.0.1"]

    async def run(url: str) -> float:
        async with Egress(LOOPBACK, resolve=resolve).posting() as send:
            hanging = [
                asyncio.create_task(send(f"http://slow{n}.example/", {}, b""))
                for n in range(20)
                for _ in range(2)
            ]
            await asyncio.sleep(0.1)
            began = time.monotonic()
            assert await send(url, {}, b"hello") == 200
            spent = time.monotonic() - began
            for one in await asyncio.gather(*hanging, return_exceptions=True):
                assert isinstance(one, Unavailable)
            return spent

    with serving(keeping(GOOD)) as server:
        assert asyncio.run(run(server.url)) < 0.5
