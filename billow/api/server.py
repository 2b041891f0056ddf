"""HTTP in, HTTP out: who asks, what for, one answer."""

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import flask

from billow.api import decoding, rights
from billow.api.execution import Execution, failure, refusal
from billow.api.limits import Limits
from billow.api.operation import Answer, Call, Raw, verbs
from billow.api.resource import Verb
from billow.core.errors import Refused
from billow.store.ids import new_id
from billow.store.keys import Keys
from billow.store.outbox import API_VERSION
from billow.store.tx import Database, Tx


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
        for verb in every:
            rule = verb.path.replace("{", "<").replace("}", ">")
            self.app.add_url_rule(rule, f"{verb.method} {verb.path}", self._view(verb), methods=[verb.method],
                                  provide_automatic_options=False)  # fmt: skip
        self.app.register_error_handler(404, self._unrouted)
        self.app.register_error_handler(405, self._unrouted)

    def _view(self, verb: Verb) -> Callable[..., flask.Response]:
        names = re.findall(r"\{(\w+)\}", verb.path)

        def view(**ids: str) -> flask.Response:
            return self._answered(verb, tuple(ids[name] for name in names))

        return view

    def _unrouted(self, error: Exception) -> flask.Response:
        # The key is judged first, so that who is not known learns nothing of what there is.
        request = flask.request
        try:
            self.keys.recognise(request.headers.get("Authorization"))
            asked = f"{request.method}: {request.path}"
            raise Refused(f"Unrecognized request URL ({asked}). Please see /openapi.json.", status=404)
        except Refused as refused:
            return _response(refusal(refused), new_id("req_"), None)

    def _answered(self, verb: Verb, ids: tuple[str, ...]) -> flask.Response:
        request = new_id("req_")
        given = flask.request.headers.get("Idempotency-Key")
        try:
            answer = self._answer(verb, ids, request, given)
        except Exception as error:
            answer = failure(error, request)
        return _response(answer, request, given)

    def _answer(self, verb: Verb, ids: tuple[str, ...], request: str, given: str | None) -> Answer:
        key = self.keys.recognise(flask.request.headers.get("Authorization"))
        if wait := self.limits.wait(key):
            slow = Refused("Request rate limit exceeded. You can learn more about rate limits in"
                           " docs/reference/settings.md.", status=429, code="rate_limit")  # fmt: skip
            return refusal(slow, Retry_After=str(math.ceil(wait)), Stripe_Rate_Limited_Reason="global-rate")
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
            call.raw = Raw(
                decoding.body_of(decoding.MAX_BULK), flask.request.mimetype, dict(flask.request.args)
            )
        else:
            call.sent = decoding.sent(verb)
        repeatable = ("POST", "DELETE") if verb.path.startswith("/v2/") else ("POST",)
        call.idempotency_key = given if verb.method in repeatable else None
        return self.execution.carry_out(call)


def _response(answer: Answer, request: str, key: str | None) -> flask.Response:
    response = flask.Response(answer.body, status=answer.status, content_type="application/json")
    response.headers["Request-Id"] = request
    response.headers["Stripe-Version"] = API_VERSION
    response.headers.update({**answer.headers, **({"Idempotency-Key": key} if key else {})})
    return response
