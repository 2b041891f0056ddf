"""HTTP in, HTTP out: who asks, what for, one answer."""

import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from typing import Any

import flask
from werkzeug import Request
from werkzeug.exceptions import HTTPException

from billow.api import decoding, rights
from billow.api.execution import Execution, failure, refusal
from billow.api.limits import Later, Limits, Share, too_many
from billow.api.operation import Answer, Call, verbs
from billow.api.resource import Verb
from billow.core.errors import Refused
from billow.store.ids import new_id
from billow.store.keys import Key, Keys
from billow.store.outbox import API_VERSION
from billow.store.tx import Database, Tx

ADMITTED = "billow.key"
REQUEST = "billow.request"
"""Where the environ of a request that was judged before it came here holds its key and its id."""


@dataclass(frozen=True, slots=True)
class Arrived:
    """A request whose key was judged already, with the id that it was given."""

    request: Request
    key: Key
    id: str


@dataclass
class Server:
    """Answers requests: `app` is the WSGI application."""

    db: Database
    keys: Keys
    routes: Sequence[Verb]
    limits: Limits = field(default_factory=Limits)
    became: Callable[[Tx, Call, str], Any] = lambda tx, call, request: None
    """What became of a request that died (its id): its result, a refusal, or None where it did nothing."""

    def __post_init__(self) -> None:
        self.app = flask.Flask("billow", static_folder=None)
        self.app.url_map.strict_slashes = False
        self.app.url_map.merge_slashes = False  # it answers with redirects, to whatever Host says
        every = verbs(self.routes)
        self.execution = Execution(self.db, rights.nouns(every), self.became)
        self._verbs = {f"{verb.method} {verb.path}": verb for verb in every}
        self._names = {verb.path: re.findall(r"\{(\w+)\}", verb.path) for verb in every}
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

    def routed(self, method: str, path: str) -> tuple[Verb, Mapping[str, str]] | None:
        """The operation at a path and the ids in it; none where there is no such operation."""
        try:
            endpoint, ids = self.app.url_map.bind("").match(path, method)
        except HTTPException:
            return None
        verb = self._verbs.get(endpoint)
        return (verb, ids) if verb else None

    def may(self, key: Key, verb: Verb) -> None:
        """Refuse what the key may not do, whatever its parameters are."""
        rights.judge(key, verb, {"client_secret": "of whoever asks"}, {}, self.execution.nouns)

    def _view(self, verb: Verb) -> Callable[..., flask.Response]:
        def view(**ids: str) -> flask.Response:
            return _response(self.respond(verb, ids, flask.request, None, new_id("req_")))

        return view

    def _unrouted(self, error: Exception) -> flask.Response:
        # The key is judged first, so that who is not known learns nothing of what there is.
        request = flask.request
        id = str(request.environ.get(REQUEST) or new_id("req_"))
        try:
            if ADMITTED not in request.environ:
                self.keys.recognise(request.headers.get("Authorization"))
            asked = f"{request.method}: {request.path}"
            raise Refused(f"Unrecognized request URL ({asked}). Please see /openapi.json.", status=404)
        except Refused as refused:
            return _response(told(refusal(refused), id, None))

    def respond(
        self, verb: Verb, ids: Mapping[str, str], request: Request, key: Key | None, id: str
    ) -> Answer:
        """The answer to a request, with all its headers; its key is judged here where it was not before."""
        try:
            with decoding.MEMORY.share() as share:
                answer = self._answer(self._call(verb, ids, request, key, id), request, share)
        except Exception as error:
            answer = declined(error, id)
        return told(answer, id, request.headers.get("Idempotency-Key"))

    def respond_group(self, verb: Verb, arrived: Sequence[Arrived]) -> list[Answer]:
        """The answers to requests for a grouped verb that are carried out together (api/grouping.py)."""
        answers: dict[int, Answer] = {}
        calls: dict[int, Call] = {}
        with ExitStack() as shares:
            for place, one in enumerate(arrived):
                try:
                    share = shares.enter_context(decoding.MEMORY.share())
                    call = self._call(verb, {}, one.request, one.key, one.id)
                    self._decode(call, one.request, share)
                    calls[place] = call
                except Exception as error:
                    answers[place] = declined(error, one.id)
            if calls:
                answers |= zip(calls, self.execution.carry_out_group([*calls.values()]), strict=True)
        return [told(answers[place], one.id, None) for place, one in enumerate(arrived)]

    def _call(self, verb: Verb, ids: Mapping[str, str], request: Request, key: Key | None, id: str) -> Call:
        if key is None:
            key = self.keys.recognise(request.headers.get("Authorization"))
            self.admit(key)
        account = request.headers.get("Stripe-Account")
        if account and account != key.tenant.split("/")[0]:
            raise Refused(
                f"The provided key does not have access to account '{account}' (or that account does not"
                " exist).",
                status=403,
                code="account_invalid",
            )
        if "\x00" in "".join(ids.values()):
            raise Refused("Invalid id: it contains a NUL character.", status=404, code="resource_missing")
        return Call(verb, tuple(ids[name] for name in self._names[verb.path]), id, key, request.path, {})

    def _answer(self, call: Call, request: Request, share: Share) -> Answer:
        verb = call.verb
        self._decode(call, request, share)
        repeatable = ("POST", "DELETE") if verb.path.startswith("/v2/") else ("POST",)
        given = request.headers.get("Idempotency-Key")
        call.idempotency_key = given if verb.method in repeatable else None
        return self.execution.carry_out(call)

    @staticmethod
    def _decode(call: Call, request: Request, share: Share) -> None:
        verb = call.verb
        if verb.raw:
            call.raw = decoding.raw(request, share)
        else:
            call.sent = decoding.sent(verb, request, share)


def declined(error: Exception, request: str) -> Answer:
    """An exception as an answer, which says when to come again where that is known."""
    answer = failure(error, request)
    if isinstance(error, Later):
        return replace(answer, headers={**answer.headers, **error.headers})
    return answer


def told(answer: Answer, request: str, key: str | None) -> Answer:
    """The answer with the headers that every answer of the API has."""
    headers = {
        "Content-Type": "application/json",
        "Request-Id": request,
        "Stripe-Version": API_VERSION,
        **answer.headers,
    }
    return replace(answer, headers={**headers, "Idempotency-Key": key} if key else headers)


def _response(answer: Answer) -> flask.Response:
    return flask.Response(answer.body, status=answer.status, headers=answer.headers)
