"""HTTP in, HTTP out: who asks, what for, one answer."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import flask
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
        for verb in every:
            rule = verb.path.replace("{", "<").replace("}", ">")
            self.app.add_url_rule(rule, f"{verb.method} {verb.path}", self._view(verb), methods=[verb.method],
                                  provide_automatic_options=False)  # fmt: skip
        self.app.register_error_handler(404, self._unrouted)
        self.app.register_error_handler(405, self._unrouted)

    def admit(self, key: Key) -> None:
        """Count a request of the key's account; refused with 429 when there are too many of them."""
        if wait := self.limits.wait(key):
            raise too_many(wait)

    def verb_at(self, method: str, path: str) -> Verb | None:
        """The operation that is routed there."""
        try:
            endpoint, _ = self.app.url_map.bind("").match(path, method)
        except HTTPException:
            return None
        return self._verbs.get(endpoint)

    def may(self, key: Key, verb: Verb) -> None:
        """Refuse what the key may not do, whatever its parameters are."""
        rights.judge(key, verb, {"client_secret": "of whoever asks"}, {}, self.execution.nouns)

    def _view(self, verb: Verb) -> Callable[..., flask.Response]:
        names = re.findall(r"\{(\w+)\}", verb.path)

        def view(**ids: str) -> flask.Response:
            return self._answered(verb, tuple(ids[name] for name in names))

        return view

    def _unrouted(self, error: Exception) -> flask.Response:
        # The key is judged first, so that who is not known learns nothing of what there is.
        request = flask.request
        try:
            if ADMITTED not in request.environ:
                self.keys.recognise(request.headers.get("Authorization"))
            asked = f"{request.method}: {request.path}"
            raise Refused(f"Unrecognized request URL ({asked}). Please see /openapi.json.", status=404)
        except Refused as refused:
            return _response(refusal(refused), _request_id(), None)

    def _answered(self, verb: Verb, ids: tuple[str, ...]) -> flask.Response:
        request = _request_id()
        given = flask.request.headers.get("Idempotency-Key")
        try:
            with decoding.MEMORY.share() as share:
                answer = self._answer(verb, ids, request, share)
        except Exception as error:
            answer = declined(error, request)
        return _response(answer, request, given)

    def _answer(self, verb: Verb, ids: tuple[str, ...], request: str, share: Share) -> Answer:
        key = flask.request.environ.get(ADMITTED)
        if key is None:
            key = self.keys.recognise(flask.request.headers.get("Authorization"))
            self.admit(key)
        account = flask.request.headers.get("Stripe-Account")
        if account and account != key.tenant.split("/")[0]:
            raise Refused(
                f"The provided key does not have access to account '{account}' (or that account does not"
                " exist).",
                status=403,
                code="account_invalid",
            )
        if "\x00" in "".join(ids):
            raise Refused("Invalid id: it contains a NUL character.", status=404, code="resource_missing")
        call = Call(verb, ids, request, key, flask.request.path, {})
        if verb.raw:
            call.raw = decoding.raw(share)
        else:
            call.sent = decoding.sent(verb, share)
        repeatable = ("POST", "DELETE") if verb.path.startswith("/v2/") else ("POST",)
        given = flask.request.headers.get("Idempotency-Key")
        call.idempotency_key = given if verb.method in repeatable else None
        return self.execution.carry_out(call)


def declined(error: Exception, request: str) -> Answer:
    """An exception as an answer, which says when to come again where that is known."""
    answer = failure(error, request)
    if isinstance(error, Later):
        return replace(answer, headers={**answer.headers, **error.headers})
    return answer


def _request_id() -> str:
    return str(flask.request.environ.get(REQUEST) or new_id("req_"))


def headers_of(answer: Answer, request: str, key: str | None) -> dict[str, str]:
    """The headers of every answer of the API."""
    named = {"Request-Id": request, "Stripe-Version": API_VERSION, **answer.headers}
    return {**named, "Idempotency-Key": key} if key else named


def _response(answer: Answer, request: str, key: str | None) -> flask.Response:
    response = flask.Response(answer.body, status=answer.status, content_type="application/json")
    response.headers.update(headers_of(answer, request, key))
    return response
