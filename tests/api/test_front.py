"""Does the front accept valid requests, and never more than its limits? Each part is tested by itself."""

import asyncio
from typing import Any

import pytest

from billow.api import decoding, front, incoming, look_ups, threads
from billow.api.front import Front
from billow.api.limits import Addresses, Buckets, Later, Memory, network_of
from billow.api.threads import Threads
from billow.core.errors import Refused, Unavailable


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


class Exchange:
    """One request to the front, as a server hands it over, and what is answered."""

    def __init__(
        self, app: Any, method: str, path: str, key: str = "", body: list[Any] | None = None, **headers: str
    ) -> None:
        self.front = app if isinstance(app, Front) else Front(app.server, 2, 50)
        named = {**({"authorization": f"Bearer {key}"} if key else {}), **headers}
        raw = [(name.replace("_", "-").encode(), value.encode()) for name, value in named.items()]
        self.scope = {
            "type": "http",
            "http_version": "1.1",
            "scheme": "http",
            "method": method,
            "path": path,
            "raw_path": path.encode(),
            "query_string": b"",
            "headers": raw,
            "client": ("203.0.113.1", 1),
            "server": ("127.0.0.1", 80),
        }
        self.messages = body or []
        self.sent: list[Any] = []

    async def receive(self) -> Any:
        if not self.messages:
            await asyncio.sleep(3600)
        message = self.messages.pop(0)
        if isinstance(message, bytes):
            return {"type": "http.request", "body": message, "more_body": bool(self.messages)}
        return message

    async def send(self, message: Any) -> None:
        self.sent.append(message)

    async def go(self) -> "Exchange":
        await self.front(self.scope, self.receive, self.send)
        return self

    @property
    def status(self) -> int:
        return int(self.sent[0]["status"])

    @property
    def headers(self) -> dict[bytes, bytes]:
        return dict(self.sent[0]["headers"])

    @property
    def body(self) -> bytes:
        return bytes(self.sent[1]["body"])


FORM = {"content_type": "application/x-www-form-urlencoded"}
GONE = {"type": "http.disconnect"}


def test_a_body_in_pieces_is_carried_out_whole(app: Any, api: Any) -> None:
    made = Exchange(
        app, "POST", "/v1/customers", api.key, [b"na", b"me=", b"Ann"], content_length="8", **FORM
    )
    assert asyncio.run(made.go()).status == 200
    assert [customer["name"] for customer in api.get("/v1/customers")["data"]] == ["Ann"]
    assert made.headers[b"request-id"].startswith(b"req_") and made.headers[b"stripe-version"]


@pytest.mark.parametrize("body", [[b"name=An", GONE], [GONE], [b"name=An"]])
def test_who_leaves_before_the_end_has_said_nothing(app: Any, api: Any, body: list[Any]) -> None:
    cut = Exchange(app, "POST", "/v1/customers", api.key, body, content_length="8", **FORM)
    assert asyncio.run(cut.go()).sent == []
    assert api.get("/v1/customers")["data"] == []


def test_a_body_that_does_not_come_in_time_is_408(
    app: Any, api: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(incoming, "BODY_SECONDS", 0.1)
    more = {"type": "http.request", "body": b"name=An", "more_body": True}
    slow = Exchange(app, "POST", "/v1/customers", api.key, [more], content_length="8", **FORM)
    assert asyncio.run(slow.go()).status == 408
    assert slow.headers[b"connection"] == b"close"
    assert api.get("/v1/customers")["data"] == []


def test_chunks_are_counted_while_they_come(app: Any, api: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoding, "MAX_BODY", 100)
    large = Exchange(
        app, "POST", "/v1/customers", api.key, [b"x" * 60] * 10, transfer_encoding="chunked", **FORM
    )
    assert asyncio.run(large.go()).status == 413
    assert len(large.messages) == 8


def test_health_needs_neither_thread_nor_database(app: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*args: Any, **kwargs: Any) -> None:
        raise AssertionError("asked")

    monkeypatch.setattr(app.db, "connection", away)
    health = Exchange(app, "GET", "/healthz")
    monkeypatch.setattr(health.front.threads, "run", away)
    assert asyncio.run(health.go()).body == b'{"status":"ok"}\n'


def test_pages_come_through_and_take_tokens_of_the_address(app: Any) -> None:
    one = Front(app.server, 2, 2)
    one.addresses = Addresses(2, Clock())

    async def ask() -> list[int]:
        return [(await Exchange(one, "GET", "/openapi.json").go()).status for _ in range(4)]

    assert asyncio.run(ask()) == [200, 200, 429, 429]


def test_a_header_with_an_underscore_is_not_taken_for_one_with_a_hyphen(app: Any, api: Any) -> None:
    asked = Exchange(app, "GET", "/v1/customers", api.key)
    asked.scope["headers"].append((b"stripe_account", b"acct_another"))
    assert asyncio.run(asked.go()).status == 200


def test_an_account_has_so_many_requests_at_once(app: Any, api: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(front, "AT_ONCE", 3)
    one = Front(app.server, 2, 50)

    async def ask() -> tuple[list[Any], int]:
        hanging = [Exchange(one, "POST", "/v1/customers", api.key, [], content_length="8") for _ in range(3)]
        tasks = [asyncio.create_task(each.go()) for each in hanging]
        await asyncio.sleep(0.5)
        refused = await Exchange(one, "GET", "/v1/customers", api.key).go()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        return [refused.status, refused.headers[b"stripe-rate-limited-reason"]], (
            await Exchange(one, "GET", "/v1/customers", api.key).go()
        ).status

    assert asyncio.run(ask()) == ([429, b"global-concurrency"], 200)


def test_a_database_that_does_not_say_whose_a_key_is_makes_503(
    app: Any, api: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    import time

    monkeypatch.setattr(look_ups, "SECONDS", 0.2)
    monkeypatch.setattr(app.keys, "remembered", lambda mark: None)
    monkeypatch.setattr(app.keys, "look_up", lambda marks: time.sleep(1) or {})
    slow = Exchange(app, "GET", "/v1/customers", api.key)
    assert asyncio.run(slow.go()).status == 503


def test_keys_that_come_together_are_looked_up_together(app: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[list[str]] = []
    monkeypatch.setattr(app.keys, "look_up", lambda marks: asked.append([*marks]) or {})
    found = look_ups.LookUps(app.keys)

    async def ask() -> list[Any]:
        return await asyncio.gather(*(found.find(mark) for mark in "aabcc"))

    assert asyncio.run(ask()) == [None] * 5
    assert asked == [["a", "b", "c"]]


def test_a_failed_look_up_is_told_to_all_who_wait_and_the_next_is_made(
    app: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers: list[Any] = [Unavailable("gone"), {}]

    def look_up(marks: Any) -> Any:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(app.keys, "look_up", look_up)
    found = look_ups.LookUps(app.keys)

    async def ask() -> list[Any]:
        first = await asyncio.gather(found.find("a"), found.find("b"), return_exceptions=True)
        return [*map(type, first), await found.find("a")]

    assert asyncio.run(ask()) == [Unavailable, Unavailable, None]


# ------------------------------------------------------------------------------------- threads


def test_one_account_never_has_all_threads_and_the_others_take_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    import threading

    gate, order = threading.Event(), list[str]()

    def work(name: str) -> None:
        gate.wait(5)
        order.append(name)

    async def ask() -> None:
        pool = Threads(2)
        tasks = [asyncio.create_task(pool.run("a", lambda: work("a"))) for _ in range(6)]
        await asyncio.sleep(0.05)
        await pool.run("b", lambda: order.append("b"))
        assert order == ["b"]
        tasks += [asyncio.create_task(pool.run("c", lambda: work("c"))) for _ in range(2)]
        await asyncio.sleep(0.05)
        gate.set()
        await asyncio.gather(*tasks)
        assert pool._busy == pool._queued == 0 and not pool._running and not pool._waiting

    asyncio.run(ask())
    assert sorted(order) == [*"aaaaaabcc"]
    assert order.index("c") < 5


def test_too_many_that_wait_are_refused_at_once_and_each_account_may_have_some(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import threading

    monkeypatch.setattr(threads, "QUEUED", 5)
    monkeypatch.setattr(threads, "PATIENCE", 0.3)
    gate = threading.Event()

    async def ask() -> list[Any]:
        pool = Threads(1)  # and the spare one
        tasks = [asyncio.create_task(pool.run(owner, gate.wait)) for owner in "ab"]
        await asyncio.sleep(0.05)
        tasks += [asyncio.create_task(pool.run("a", gate.wait)) for _ in range(12)]
        tasks += [asyncio.create_task(pool.run("c", gate.wait)) for _ in range(1)]
        await asyncio.sleep(0.1)
        refused = [type(task.exception()) for task in tasks if task.done()]
        waiting = pool._queued
        await asyncio.sleep(0.5)
        late = [type(task.exception()) for task in tasks if task.done()]
        gate.set()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert pool._busy == pool._queued == 0 and not pool._running and not pool._waiting
        return [refused, waiting, late]

    refused, waiting, late = asyncio.run(ask())
    assert refused == [Later] * 2 and waiting == 11
    assert late == [Later] * 13


def test_what_fails_in_a_thread_fails_for_who_asked() -> None:
    async def ask() -> None:
        with pytest.raises(ZeroDivisionError):
            await Threads(1).run("a", lambda: 1 / 0)

    asyncio.run(ask())


# ------------------------------------------------------------------------------------- limits


def test_buckets_forget_the_one_used_longest_ago(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("billow.api.limits.KNOWN", 2)
    buckets = Buckets(Clock())
    assert [buckets.wait(name, 1) for name in "abab"] == [0, 0, 1, 1]
    assert [buckets.wait(name, 1) for name in "cb"] == [0, 1]
    assert buckets.wait("a", 1) == 0


def test_an_address_is_a_whole_customer() -> None:
    assert (
        network_of("2001:db8:1:2:3:4:5:6") == network_of("2001:db8:1:2::1") != network_of("2001:db8:1:3::1")
    )
    assert network_of("192.0.2.1") != network_of("192.0.2.2")
    assert network_of("") == ""


def test_a_token_taken_for_nothing_is_given_back() -> None:
    addresses = Addresses(1, Clock())
    assert addresses.wait("192.0.2.1") == 0 and addresses.wait("192.0.2.1") == 1
    addresses.give_back("192.0.2.1")
    assert addresses.wait("192.0.2.1") == 0
    assert [Addresses(0).wait("192.0.2.1") for _ in range(100)] == [0] * 100


def test_memory_is_shared_and_given_back() -> None:
    memory = Memory(10)
    with memory.share() as one, memory.share() as two:
        one.take(6)
        with pytest.raises(Later) as refused:
            two.take(5)
        assert refused.value.status == 503 and refused.value.headers["Retry-After"] == "1"
        two.take(4)
    with memory.share() as one, pytest.raises(Refused):
        one.take(11)
    with memory.share() as one:
        one.take(10)


def test_only_uploads_of_people_with_a_session_are_longer_than_a_form(app: Any) -> None:
    path, body = "/dashboard/acct_1/test/bank/statements", b"x" * (200 << 10)
    sent = {"content_type": "multipart/form-data; boundary=b", "content_length": str(len(body))}
    for address, more, status in (
        (path, {"cookie": "billow=1"}, 303),
        (path, {"cookie": "seen=1; __Host-billow=1"}, 303),
        (path, {"cookie": "seen=1; notbillow=1; billow="}, 413),
        (path, {}, 413),
        ("/dashboard/acct_1/test/bank", {"cookie": "billow=1"}, 413),
    ):
        done = asyncio.run(Exchange(app, "POST", address, "", [body], **sent, **more).go())
        assert done.status == status, (address, more)


def test_uploads_without_an_end_never_take_the_room_of_the_api(
    app: Any, api: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(front, "BODIES", 400 << 10)
    monkeypatch.setattr(front, "UPLOADED", 500 << 10)
    one = Front(app.server, 2, 50)
    path, part = "/dashboard/acct_1/test/bank/statements", b"x" * (200 << 10)
    begun = {"type": "http.request", "body": part, "more_body": True}

    def upload() -> Exchange:
        return Exchange(one, "POST", path, "", [begun], cookie="billow=1", transfer_encoding="chunked")

    async def ask() -> list[int]:
        tasks = [asyncio.create_task(upload().go()) for _ in range(2)]
        await asyncio.sleep(0.05)
        refused = await upload().go()
        named = [b"name=" + b"A" * 200]
        made = await Exchange(one, "POST", "/v1/customers", api.key, named, content_length="205", **FORM).go()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        return [refused.status, made.status, one.uploads._taken, one.bodies._taken]

    assert asyncio.run(ask()) == [503, 200, 0, 0]
