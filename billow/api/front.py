"""Judge a request before it gets a thread: its key, its limits, its whole body."""

import re
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from billow.api import decoding
from billow.api.grouping import Groups
from billow.api.incoming import Headers, Incoming, Left, Message, Receive, called, too_large
from billow.api.limits import Addresses, Memory, too_many
from billow.api.look_ups import LookUps
from billow.api.operation import Answer
from billow.api.received import Received
from billow.api.resource import Verb
from billow.api.server import ADMITTED, REQUEST, Server, declined, with_headers
from billow.api.threads import Threads
from billow.core.errors import require
from billow.store.ids import new_id
from billow.store.keys import Key, presented

BODIES = 128 << 20
"""Bytes of bodies that a process holds while they come in and while they wait for a thread."""
FORM = 64 << 10
"""The longest form that a page of ours sends."""
FILE = 10 << 20
"""The longest one with a file, by somebody who is signed in: a bank statement, a logo."""
COOKIE, TLS_COOKIE = "billow", "__Host-billow"
"""Names of the cookie that keeps a session of the dashboard, without TLS and by it."""
UPLOADS = re.compile(r"/dashboard/acct_[A-Za-z0-9]+/(test|live)/(bank/statements|settings/branding)")
"""Where forms with files are sent."""
UPLOADED = 32 << 20
"""Bytes of forms with files that a process holds; apart, so that they never take the room of the API."""
AT_ONCE = 100
"""Requests that an account may have in each process at the same time."""
ALONE = frozenset({"idempotency-key", "stripe-account", "stripe-context"})
"""Headers of requests that are carried out on their own, also where others are grouped."""
HEALTHY = b'{"status":"ok"}\n'

Send = Callable[[Message], Awaitable[None]]
Answered = tuple[int, Headers, bytes]


class Front:
    """The ASGI application of a server process.

    It judges a request by its head, and only then reads its body. No request has a thread before its body is
    whole, so a client that sends slowly, or nothing, takes none from others.
    """

    def __init__(self, server: Server, threads: int, strangers: int) -> None:
        """Make a front; an address may make `strangers` requests a second without a known key."""
        self.server, self.threads = server, Threads(threads)
        self.addresses, self.bodies, self.uploads = Addresses(strangers), Memory(BODIES), Memory(UPLOADED)
        self.look_ups = LookUps(server.keys)
        self.groups: Groups[Received, Answer] = Groups(self.threads)
        self._present: Counter[str] = Counter()
        """Requests that each account has here now."""

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
            given = incoming.headers.get("idempotency-key")
            status, headers, body = _parts(with_headers(declined(error, incoming.id), incoming.id, given))
        if status in (408, 417):  # the rest of the body may come or not
            headers.append(("Connection", "close"))
        await _answer(send, status, headers, body)

    async def _answered(self, incoming: Incoming) -> Answered:
        if not incoming.path.startswith(("/v1/", "/v2/")):
            if wait := self.addresses.wait(incoming.address):
                raise too_many(wait)
            return await self._page(incoming)
        key = await self._key(incoming)
        self.server.admit(key)
        tenant = key.tenant
        if self._present[tenant] >= AT_ONCE:
            raise too_many(1, "global-concurrency")
        self._present[tenant] += 1
        try:
            return await self._carried_out(incoming, key)
        finally:
            self._present[tenant] -= 1
            if not self._present[tenant]:
                del self._present[tenant]

    async def _carried_out(self, incoming: Incoming, key: Key) -> Answered:
        """What the operation at the request's path answers, once the body is whole."""
        found = self.server.operations.find(incoming.method, incoming.path)
        if found is None:
            return await self._shown(incoming, key.tenant, {ADMITTED: key})
        verb, ids = found
        with self.bodies.share() as share:
            most = self._most(incoming, key, verb)
            request = incoming.received(await incoming.body(most, share) if most else b"", key)
            if verb.grouped and not ALONE & incoming.headers.keys():
                answer = await self._grouped(verb, request, key.tenant)
            else:
                answer = await self.threads.run(key.tenant, lambda: self.server.respond(verb, ids, request))
        return _parts(answer)

    async def _grouped(self, verb: Verb, request: Received, owner: str) -> Answer:
        """Carry out a request together with those for the same verb and tenant that wait beside it.

        With an idempotency key it goes alone, because it must be committed together with its answer; so does
        one that names an account, since others of the key may be for another one.
        """
        return await self.groups.run(
            owner, verb.path, request, lambda group: self.server.respond_group(verb, group)
        )

    async def _page(self, incoming: Incoming) -> Answered:
        """What a page answers, which may have a form: its body is read first, and is short."""
        if incoming.method != "POST" or incoming.length == 0:
            return await self._shown(incoming, incoming.address)
        uploads = UPLOADS.fullmatch(incoming.path) and incoming.cookies() & {COOKIE, TLS_COOKIE}
        most, memory = (FILE, self.uploads) if uploads else (FORM, self.bodies)
        require(incoming.length is None or incoming.length <= most, too_large(most), status=413)
        with memory.share() as share:
            body = await incoming.body(most, share)
            return await self._shown(incoming, incoming.address, body=body)

    async def _shown(
        self, incoming: Incoming, owner: str, more: Mapping[str, Any] = {}, body: bytes = b""
    ) -> Answered:
        """What the WSGI application answers: a page, or that there is no such address."""
        application, environ = self.server.app.wsgi_app, incoming.environ(body)
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

    def _most(self, incoming: Incoming, key: Key, verb: Verb) -> int:
        """Return how many bytes of a body are read; refuse one whose stated length is larger."""
        length = incoming.length
        if length == 0:
            return 0
        if key.kind != "secret":
            self.server.may(key, verb)
        most = decoding.most_of(verb)
        require(length is None or length <= most, too_large(most), status=413)
        return most


def _parts(answer: Answer) -> Answered:
    return answer.status, [*answer.headers.items()], answer.body


async def _answer(send: Send, status: int, headers: Headers, body: bytes) -> None:
    named = {name.lower().encode("latin-1"): value.encode("latin-1") for name, value in headers}
    if b"content-length" not in named:
        named[b"content-length"] = b"%d" % len(body)
    await send({"type": "http.response.start", "status": status, "headers": [*named.items()]})
    await send({"type": "http.response.body", "body": body})
