"""Answer requests: find the operation and the key, read the parameters, carry it out."""

import logging
import re
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from typing import Any

import flask

from billow.api import decoding, noted, received, rights
from billow.api.execution import Execution, failure, refusal
from billow.api.limits import Later, Limits, Share, too_many
from billow.api.operation import Answer, Call, verbs
from billow.api.received import Received, no_access
from billow.api.resource import Verb
from billow.api.routes import Routes
from billow.api.versions.known import NEWEST, checked
from billow.core.errors import Refused
from billow.store.ids import new_id
from billow.store.keys import Key, Keys
from billow.store.request_log import RequestLog
from billow.store.tx import Database, Tx

log = logging.getLogger("billow.api")
ADMITTED = "billow.key"
REQUEST = "billow.request"
"""Where the environ of a request whose key was judged before holds the key, and its id."""


@dataclass
class Server:
    """Answers requests: `app` is the WSGI application."""

    db: Database
    keys: Keys
    routes: Sequence[Verb]
    limits: Limits = field(default_factory=Limits)
    became: Callable[[Tx, Call, str], Any] = lambda tx, call, request: None
    """What the request with an id did before its process died: its result, a refusal, or None."""
    log: RequestLog | None = None
    """Where requests are noted; nowhere if there is none."""

    def __post_init__(self) -> None:
        self.app = flask.Flask("billow", static_folder=None)
        self.app.url_map.strict_slashes = False
        self.app.url_map.merge_slashes = False  # it answers with redirects, to whatever Host says
        every = verbs(self.routes)
        self.execution = Execution(self.db, rights.nouns(every), self.became)
        self.operations = Routes(every)
        for verb in every:
            rule = verb.path.replace("{", "<").replace("}", ">")
            self.app.add_url_rule(
                rule,
                f"{verb.method} {verb.path}",
                self._view(verb),
                methods=[verb.method],
                provide_automatic_options=False,
            )
        self.app.register_error_handler(404, self._unrouted)
        self.app.register_error_handler(405, self._unrouted)

    def admit(self, key: Key) -> None:
        """Count a request of the key's account; refused with 429 when there are too many of them."""
        if wait := self.limits.wait(key):
            raise too_many(wait)

    def may(self, key: Key, verb: Verb) -> None:
        """Refuse what the key may not do, whatever its parameters are."""
        rights.judge(key, verb, {"client_secret": "of whoever asks"}, {}, self.execution.nouns)

    def _view(self, verb: Verb) -> Callable[..., flask.Response]:
        names = re.findall(r"\{(\w+)\}", verb.path)

        def view(**ids: str) -> flask.Response:
            request = received.of_wsgi(flask.request)
            return _response(self.respond(verb, [ids[name] for name in names], request))

        return view

    def _unrouted(self, error: Exception) -> flask.Response:
        # The key is judged first: a caller without one learns nothing of what there is.
        request = flask.request
        id = str(request.environ.get(REQUEST) or new_id("req_"))
        try:
            if ADMITTED not in request.environ:
                self.keys.recognise(request.headers.get("Authorization"))
            raise unrouted(request.method, request.path)
        except Refused as refused:
            return _response(with_headers(refusal(refused), id, None))

    def respond(self, verb: Verb, ids: Sequence[str], request: Received) -> Answer:
        """Answer a request, with all headers; its key is judged here if it was not before."""
        version, began = NEWEST, time.monotonic()
        call = sent = None
        try:
            with decoding.MEMORY.share() as share:
                call = self._call(verb, ids, request)
                version = call.version
                self._prepare(call, request, share)
                sent = noted.parameters(call) if self.log else None
                answer = self.execution.carry_out(call)
        except Exception as error:
            answer = declined(error, request.id)
        self._note(call, request, sent, answer, began)
        return with_headers(answer, request.id, request.headers.get("idempotency-key"), version)

    def _note(self, call: Call | None, request: Received, sent: Any, answer: Answer, began: float) -> None:
        """Note a request that was answered; a failure to note it changes no answer."""
        if self.log and noted.is_wanted(call, answer):
            took = time.monotonic() - began
            try:
                self.log.add(*noted.entry(call, request, sent, answer, self.db.wall(), took))
            except Exception:
                log.exception("request %s is not in the request log", request.id)

    def respond_group(self, verb: Verb, requests: Sequence[Received]) -> list[Answer]:
        """Answer requests for a grouped verb that are carried out together (api/grouping.py)."""
        answers: dict[int, Answer] = {}
        calls: dict[int, Call] = {}
        began = time.monotonic()
        with ExitStack() as shares:
            for place, request in enumerate(requests):
                try:
                    share = shares.enter_context(decoding.MEMORY.share())
                    call = self._call(verb, (), request)
                    self._decode(call, request, share)
                    calls[place] = call
                except Exception as error:
                    answers[place] = declined(error, request.id)
            if calls:
                answers |= zip(calls, self.execution.carry_out_group([*calls.values()]), strict=True)
        for place, each in calls.items():
            if self.log and answers[place].status >= 400:
                self._note(each, requests[place], noted.parameters(each), answers[place], began)
        return [
            with_headers(answers[place], request.id, None, calls[place].version if place in calls else NEWEST)
            for place, request in enumerate(requests)
        ]

    def _call(self, verb: Verb, ids: Sequence[str], request: Received) -> Call:
        key = request.key
        if key is None:
            key = self.keys.recognise(request.headers.get("authorization"))
            self.admit(key)
        key = self._acting(key, request.named_account())
        if "\x00" in "".join(ids):
            raise Refused("Invalid id: it contains a NUL character.", status=404, code="resource_missing")
        version = version_of(request, key)
        if verb.until and version > verb.until:
            raise unrouted(request.method, request.path)
        into_closed = "billow-into-closed" in request.headers
        if into_closed:
            rights.require_right(key, "ledger_transfers", "write")
        made = Call(verb, tuple(ids), request.id, key, request.path, {}, version=version)
        made.into_closed = into_closed
        made.names_version = "stripe-version" in request.headers
        return made

    def _acting(self, key: Key, account: str | None) -> Key:
        """Return the key as it acts for the account that the request names: its own, or a connected one."""
        own, mode = key.tenant.split("/")
        if account is None or account == own:
            return key
        version = None if key.customer else self.keys.version_of_connected(key.tenant, account)
        if version is None:
            raise no_access(account)
        platform = None if key.kind == "publishable" else key.tenant
        return replace(key, tenant=f"{account}/{mode}", version=version, platform=platform)

    def _prepare(self, call: Call, request: Received, share: Share) -> None:
        """Read the idempotency key and the parameters of a request."""
        verb = call.verb
        repeatable = ("POST", "DELETE") if verb.path.startswith("/v2/") else ("POST",)
        call.idempotency_key = request.idempotency_key() if verb.method in repeatable else None
        self._decode(call, request, share)

    @staticmethod
    def _decode(call: Call, request: Received, share: Share) -> None:
        verb = call.verb
        if verb.raw:
            call.raw = decoding.raw(request, share)
        else:
            call.sent = decoding.sent(verb, request, share)


def version_of(request: Received, key: Key) -> str:
    """Return the version of the API that a request asks for, or else its account's; refuse an unknown one."""
    given = request.headers.get("stripe-version")
    return checked(given) if given else key.version or NEWEST


def unrouted(method: str, path: str) -> Refused:
    return Refused(f"Unrecognized request URL ({method}: {path}). Please see /openapi.json.", status=404)


def declined(error: Exception, request: str) -> Answer:
    """Turn an exception into an answer, which says when to retry if that is known."""
    answer = failure(error, request)
    if isinstance(error, Later):
        return Answer(answer.status, answer.body, {**answer.headers, **error.headers})
    return answer


def with_headers(answer: Answer, request: str, key: str | None, version: str = NEWEST) -> Answer:
    """Add the headers that every answer of the API has."""
    headers = {
        "Content-Type": "application/json",
        "Request-Id": request,
        "Stripe-Version": version,
        **answer.headers,
    }
    if key:
        headers["Idempotency-Key"] = key
    return Answer(answer.status, answer.body, headers)


def _response(answer: Answer) -> flask.Response:
    return flask.Response(answer.body, status=answer.status, headers=answer.headers)
