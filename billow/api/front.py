"""What happens to a request before it gets a thread: its key, its limits, its whole body."""

from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from werkzeug import Request

from billow.api import decoding
from billow.api.grouping import Groups
from billow.api.incoming import Headers, Incoming, Left, Message, Receive, called, too_large
from billow.api.limits import Addresses, Memory, too_many
from billow.api.look_ups import LookUps
from billow.api.operation import Answer
from billow.api.resource import Verb
from billow.api.server import ADMITTED, REQUEST, Arrived, Server, declined, told
from billow.api.threads import Threads
from billow.core.errors import require
from billow.store.ids import new_id
from billow.store.keys import Key, presented

BODIES = 128 << 20
"""Bytes of bodies that a process holds while they come in and while they wait for a thread."""
AT_ONCE = 100
"""Requests that an account may have in each process at the same time."""
HEALTHY = b'{"status":"ok"}\n'

Send = Callable[[Message], Awaitable[None]]
Answered = tuple[int, Headers, bytes]


class Front:
    """The ASGI application of a server process. What it lets in is handed to the WSGI application whole.

    It judges a request by its head, and only then reads its body. Nothing here waits for a thread that
    carries out requests, so that who sends slowly, or nothing, takes none of them.
    """

    def __init__(self, server: Server, threads: int, strangers: int) -> None:
        """`strangers` are the requests a second that an address may make without a known key."""
        self.server, self.threads = server, Threads(threads)
        self.addresses, self.bodies = Addresses(strangers), Memory(BODIES)
        self.look_ups = LookUps(server.keys)
        self.groups: Groups[Arrived, Answer] = Groups(self.threads)
        self._present: Counter[str] = Counter()

    async def __call__(self, scope: Mapping[str, Any], receive: Receive, send: Send) -> None:
        if scope["path"] == "/healthz":
            return await _answer(send, 200, [("Content-Type", "application/json")], HEALTHY)
        incoming = Incoming(scope, receive, new_id("req_"))
        try:
            incoming.check_expectation()
            status, headers, body = await self._answered(incoming)
        except Left:
            return
        except Exception as error:
            answer = told(declined(error, incoming.id), incoming.id, incoming.headers.get("idempotency-key"))
            status, headers, body = answer.status, [*answer.headers.items()], answer.body
        if status in (408, 417):  # the rest of the body may come or not
            headers.append(("Connection", "close"))
        await _answer(send, status, headers, body)

    async def _answered(self, incoming: Incoming) -> Answered:
        if not incoming.path.startswith(("/v1/", "/v2/")):
            if wait := self.addresses.wait(incoming.address):
                raise too_many(wait)
            return await self._shown(incoming, incoming.address)
        key = await self._key(incoming)
        self.server.admit(key)
        with self._counted(key), self.bodies.share() as share:
            found = self.server.routed(incoming.method, incoming.path)
            if found is None:
                return await self._shown(incoming, key.tenant, {ADMITTED: key})
            verb, ids = found
            most = self._most(incoming, key, verb)
            body = await incoming.body(most, share) if most else b""

            request = Request(incoming.environ(body), populate_request=False)
            if verb.grouped and not incoming.headers.get("idempotency-key"):
                answer = await self._grouped(verb, Arrived(request, key, incoming.id))
            else:
                answer = await self.threads.run(
                    key.tenant, lambda: self.server.respond(verb, ids, request, key, incoming.id)
                )
            return answer.status, [*answer.headers.items()], answer.body

    async def _grouped(self, verb: Verb, arrived: Arrived) -> Answer:
        """Carry out a request together with those for the same verb and tenant that wait beside it.

        With an idempotency key it would go alone, because it must be committed together with its answer.
        """
        return await self.groups.run(
            arrived.key.tenant, verb.path, arrived, lambda group: self.server.respond_group(verb, group)
        )

    async def _shown(self, incoming: Incoming, owner: str, more: Mapping[str, Any] = {}) -> Answered:
        """What the WSGI application answers: a page, or that there is no such address."""
        application, environ = self.server.app.wsgi_app, incoming.environ(b"")
        environ |= {REQUEST: incoming.id, **more}
        return await self.threads.run(owner, lambda: called(application, environ))

    async def _key(self, incoming: Incoming) -> Key:
        """Whose request it is. Keys that were never seen here are looked up at each address's own pace."""
        keys = self.server.keys
        given = presented(incoming.headers.get("authorization"))
        mark = keys.digest(given)
        if found := keys.remembered(mark):
            return keys.usable(given, found)
        stranger = not keys.has_seen(mark)
        if stranger and (wait := self.addresses.wait(incoming.address)):
            raise too_many(wait)
        found = await self.look_ups.find(mark)
        if stranger and found:
            self.addresses.give_back(incoming.address)
        return keys.usable(given, found)

    @contextmanager
    def _counted(self, key: Key) -> Iterator[None]:
        if self._present[key.tenant] >= AT_ONCE:
            raise too_many(1, "global-concurrency")
        self._present[key.tenant] += 1
        try:
            yield
        finally:
            self._present[key.tenant] -= 1
            if not self._present[key.tenant]:
                del self._present[key.tenant]

    def _most(self, incoming: Incoming, key: Key, verb: Verb) -> int:
        """How many bytes of a body are read; refused where it is said to have more."""
        length = incoming.length
        if length == 0:
            return 0
        if key.kind != "secret":
            self.server.may(key, verb)
        most = decoding.most_of(verb)
        require(length is None or length <= most, too_large(most), status=413)
        return most


async def _answer(send: Send, status: int, headers: Headers, body: bytes) -> None:
    named = {name.lower().encode("latin-1"): value.encode("latin-1") for name, value in headers}
    named.setdefault(b"content-length", str(len(body)).encode())
    await send({"type": "http.response.start", "status": status, "headers": [*named.items()]})
    await send({"type": "http.response.body", "body": body})
