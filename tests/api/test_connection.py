"""Are silent and flooding connections closed in time, so that new connections are always accepted?"""

import asyncio
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
import uvicorn

from billow.api import connection
from billow.api.connection import Connection
from billow.api.front import Front
from tests.support.installation import free_port
from tests.support.raw_client import Wire, form, head, send_request

HEALTH = head("GET", "/healthz")


@pytest.fixture
def url(app: Any) -> Iterator[str]:
    """The front behind real connections, in a thread of this process."""
    port = free_port()
    config = uvicorn.Config(
        Front(app.server, 2, 0),
        port=port,
        http=Connection,
        loop="uvloop",
        lifespan="off",
        ws="none",
        log_config=None,
        access_log=False,
        timeout_keep_alive=1,
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join(10)


def test_a_silent_connection_is_closed(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "HEAD_SECONDS", 0.3)
    with Wire(url) as silent, Wire(url) as slow:
        slow.send(HEALTH[:9])
        assert silent.is_closed(within=5) and slow.is_closed(within=5)


def test_one_that_has_been_answered_may_ask_again_for_some_time(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "HEAD_SECONDS", 0.3)
    with Wire(url) as wire:
        assert wire.send(HEALTH).answer()[0] == 200
        time.sleep(0.6)
        assert wire.send(HEALTH).answer()[0] == 200
        assert wire.is_closed(within=5)


def test_a_second_head_must_come_in_time_too(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "HEAD_SECONDS", 0.3)
    with Wire(url) as wire:
        assert wire.send(HEALTH + HEALTH[:9]).answer()[0] == 200
        assert wire.is_closed(within=0.9)


def test_requests_one_behind_the_other_are_answered_in_order(url: str, api: Any) -> None:
    with Wire(url) as wire:
        wire.send(head("GET", "/v1/nothing", api.key) + HEALTH + head("GET", "/v1/customers", api.key))
        assert [wire.answer()[0] for _ in range(3)] == [404, 200, 200]


def test_who_stops_sending_is_answered_and_then_let_go(url: str, api: Any) -> None:
    with Wire(url) as wire:
        wire.send(b"".join(form("/v1/customers", api.key, {"name": "Ann"}))).end_sending()
        assert wire.answer()[0] == 200
        assert wire.is_closed(within=0.9)
    with Wire(url) as wire:
        assert wire.end_sending().is_closed(within=0.9)


def test_what_is_no_http_is_refused_in_our_words(url: str) -> None:
    status, headers, body, _ = send_request(url, b"HELO example.com\r\n\r\n")
    assert (status, headers["connection"]) == (400, "close")
    assert body["error"]["type"] == "invalid_request_error"


def test_two_lengths_are_refused(url: str, api: Any) -> None:
    for more in ({"Transfer_Encoding": "chunked"}, {"content_length": 5}):
        first, body = form("/v1/customers", api.key, {"name": "Ann"}, **more)
        assert send_request(url, first + body)[0] == 400
    assert api.get("/v1/customers")["data"] == []


@pytest.mark.parametrize("where", ["head", "chunk", "trailer"])
def test_what_is_neither_head_nor_body_has_a_limit(url: str, api: Any, where: str) -> None:
    chunked = head(
        "POST",
        "/v1/customers",
        api.key,
        Transfer_Encoding="chunked",
        Content_Type="application/x-www-form-urlencoded",
    )
    begun = {"head": b"GET / HTTP/1.1\r\nA: ", "chunk": chunked + b"1;", "trailer": chunked + b"0\r\nA: "}[
        where
    ]
    with Wire(url) as wire:
        try:
            for _ in range(40):
                wire.send(begun + b"x" * (1 << 13))
                begun = b""
                time.sleep(0.005)
        except ConnectionError:
            return
        assert wire.answer()[0] in (0, 400, 431)


def test_a_trailer_is_no_header(url: str, api: Any) -> None:
    chunked = head("POST", "/v1/customers", api.key, Transfer_Encoding="chunked")
    status, headers, _, _ = send_request(url, chunked + b"0\r\nIdempotency-Key: late\r\n\r\n")
    assert status == 200 and "idempotency-key" not in headers


def test_for_one_connection_more_the_one_idle_longest_goes(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "CONNECTIONS", 3)
    with Wire(url) as first, Wire(url) as second, Wire(url) as third:
        time.sleep(0.1)
        assert second.send(HEALTH).answer()[0] == 200
        assert send_request(url, HEALTH)[0] == 200
        assert first.is_closed(within=5)
        assert third.send(HEALTH).answer()[0] == 200


def test_with_no_idle_one_the_new_connection_is_told_to_come_later(
    url: str, api: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "CONNECTIONS", 2)
    first, _ = form("/v1/customers", api.key, {}, Content_Length=5)
    with Wire(url) as one, Wire(url) as two:
        one.send(first)
        two.send(first)
        time.sleep(0.3)
        status, headers, body, _ = send_request(url, b"")
        assert (status, headers["retry-after"]) == (503, "1") and "error" in body


def test_a_large_body_that_nobody_reads_does_not_keep_its_refusal_back(url: str) -> None:
    first, _ = form("/v1/customers", "", {}, Content_Length=3 << 20)
    assert send_request(url, first + b"x" * (3 << 20))[0] == 401


def test_the_loop_is_free_while_threads_work(
    url: str, app: Any, api: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app.server, "respond", lambda *args: time.sleep(1) or asyncio.run(asyncio.sleep(0)))
    with Wire(url) as one, Wire(url) as two, Wire(url) as three:
        for wire in (one, two, three):
            wire.send(head("GET", "/v1/customers", api.key))
        assert send_request(url, HEALTH)[3] < 0.5


UPGRADE = (
    "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA\r\n"
)


def test_a_proposal_to_upgrade_is_passed_over(url: str) -> None:
    with Wire(url) as wire:
        assert wire.send(f"GET /healthz HTTP/1.1\r\nHost: x\r\n{UPGRADE}\r\n".encode()).answer()[0] == 200
        assert wire.is_closed(within=5), "nothing more could be read from it"


@pytest.mark.parametrize(
    "body",
    [
        "Transfer-Encoding: chunked\r\n\r\nb\r\namount=1000\r\n0\r\n\r\n",
        "Content-Length: 11\r\n\r\namount=1000",
    ],
)
def test_a_body_that_comes_with_a_proposal_to_upgrade_is_refused(url: str, api: Any, body: str) -> None:
    """The parser drops such a body, and what it asks for was done without its parameters."""
    made = api.post(
        "/v1/charges", {"amount": "5000", "currency": "usd", "source": "tok_visa", "capture": "false"}
    )
    head = f"POST /v1/charges/{made['id']}/capture HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {api.key}\r\n"
    with Wire(url) as wire:
        sent = f"{head}Content-Type: application/x-www-form-urlencoded\r\n{UPGRADE}{body}"
        assert wire.send(sent.encode()).answer()[0] == 400
    assert api.get(f"/v1/charges/{made['id']}")["captured"] is False


def test_a_transfer_coding_besides_chunked_is_refused(url: str, api: Any) -> None:
    sent = f"POST /v1/customers HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {api.key}\r\n"
    sent += "Transfer-Encoding: gzip, chunked\r\n\r\n8\r\nname=Ann\r\n0\r\n\r\n"
    with Wire(url) as wire:
        assert wire.send(sent.encode()).answer()[0] == 400
    assert api.get("/v1/customers")["data"] == []


@pytest.mark.parametrize("expectation", ["200-foo", "100-continue, 200-foo", "later", "100-continue=1"])
def test_an_expectation_that_nobody_can_meet_is_refused(url: str, api: Any, expectation: str) -> None:
    first, body = form("/v1/customers", api.key, {"name": "Ann"}, Expect=expectation)
    with Wire(url) as wire:
        status, headers, answer = wire.send(first + body).answer()
        assert (status, headers["connection"]) == (417, "close")
        assert answer["error"]["type"] == "invalid_request_error" and headers["request-id"][:4] == "req_"
        assert wire.is_closed(within=5)
    assert send_request(url, head("GET", "/v1/customers", api.key, Expect=expectation))[0] == 417
    assert api.get("/v1/customers")["data"] == []


@pytest.mark.parametrize("expectation", ["100-continue", "100-Continue", "100-continue,", ""])
def test_who_waits_for_a_word_to_go_on_is_given_it(url: str, api: Any, expectation: str) -> None:
    first, body = form("/v1/customers", api.key, {"name": "Ann"}, Expect=expectation)
    with Wire(url) as wire:
        wire.send(first)
        if expectation.lower() == "100-continue":
            assert wire.answer()[0] == 100
        assert wire.send(body).answer()[0] == 200


@pytest.mark.parametrize(
    "key", ["beställning-1".encode(), "beställning-1".encode("latin-1"), "заказ".encode()]
)
def test_a_key_outside_ascii_reaches_us_byte_for_byte(url: str, api: Any, key: bytes) -> None:
    head_of, body = form("/v1/customers", api.key, {"name": "Ann"}, Idempotency_Key="KEY")
    request = head_of.replace(b"KEY", key) + body
    first, again = (send_request(url, request) for _ in range(2))
    assert (first[0], first[2]) == (200, again[2]) and again[1]["idempotent-replayed"] == "true"
    assert again[1]["idempotency-key"].encode("latin-1") == key
    assert len(api.get("/v1/customers")["data"]) == 1


@pytest.mark.parametrize("name", ["Idempotency-Key", "Stripe-Account", "Stripe-Context"])
@pytest.mark.parametrize("path", ["/v1/customers", "/v1/billing/meter_events"])
def test_an_empty_header_that_decides_is_refused(url: str, api: Any, path: str, name: str) -> None:
    for spaces in ("", "  "):
        request = b"".join(form(path, api.key, {"name": "Ann"}, **{name.replace("-", "_"): spaces}))
        status, _, answer, _ = send_request(url, request)
        assert status in (400, 403) and "param" not in answer["error"]


def test_a_body_in_an_unknown_coding_is_refused(url: str, api: Any) -> None:
    for coding, status in [("br", 415), ("", 200), ("identity", 200), ("GZIP", 400)]:
        request = b"".join(form("/v1/customers", api.key, {"name": "Ann"}, Content_Encoding=coding))
        assert send_request(url, request)[0] == status
