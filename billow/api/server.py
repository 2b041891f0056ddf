"""HTTP in, HTTP out: who asks, what for, one transaction, one answer."""

import gzip
import inspect
import io
import logging
import math
import re
import urllib.parse
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import Any

import flask
import msgspec
import psycopg
import psycopg_pool
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.formparser import FormDataParser

from billow.api import listing, params, render, rights, rows, search
from billow.api.fields import Field
from billow.api.limits import Limits
from billow.api.params import Params
from billow.api.resource import REGISTRY, Resource, Verb, Where
from billow.core.errors import Refused, Unavailable
from billow.store import clocks, idempotency
from billow.store.ids import new_id
from billow.store.keys import Key, Keys
from billow.store.outbox import API_VERSION
from billow.store.perform import CONFLICTS, Interrupted, perform
from billow.store.tx import Cause, Database, Tx

log = logging.getLogger("billow.api")
MAX_BODY = 1 << 20
MAX_BULK = 32 << 20
EXPAND = Field("array", item=Field("text"))
FORM, PARTS = "application/x-www-form-urlencoded", "multipart/form-data"


@dataclass(frozen=True, slots=True)
class Raw:
    """A request's body as it came (decompressed), for the operations that read their own formats."""

    body: bytes
    media: str
    query: dict[str, str]


@dataclass(slots=True)
class Call:
    """One request on its way through: filled in room by room."""

    verb: Verb
    ids: tuple[str, ...]
    request: str
    key: Key
    sent: dict[str, Any]
    raw: Raw | None = None
    idempotency_key: str | None = None
    begun: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """A status and a body, of JSON unless the headers say otherwise. A verb may give one itself."""

    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)


# ------------------------------------------------------------------------------------- routes


def verbs(routes: Sequence[Verb]) -> list[Verb]:
    """Every operation: what the nouns declare, reading and listing which follow, and the free routes."""
    found = [*routes]
    for cls in REGISTRY.values():
        found += cls.verbs
        if cls.path:
            have = {(verb.method, verb.path) for verb in found}
            usual = [Verb("retrieve", "GET", f"{cls.path}/{{id}}", _retrieved, cls),
                     Verb("list", "GET", cls.path, _everything, cls)]  # fmt: skip
            found += [verb for verb in usual if (verb.method, verb.path) not in have]
        found += [search.verb(cls)] if cls.searched else []
    return found


def _retrieved(tx: Tx, row: Resource) -> Resource:
    return row


def _everything(tx: Tx, wanted: Any) -> Where:
    return Where()


# ------------------------------------------------------------------------------------- one request


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
        every = verbs(self.routes)
        self.nouns = rights.nouns(every)
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
            return _response(_refusal(refused), new_id("req_"), None)

    def _answered(self, verb: Verb, ids: tuple[str, ...]) -> flask.Response:
        request = new_id("req_")
        given = flask.request.headers.get("Idempotency-Key")
        try:
            answer = self._answer(verb, ids, request, given)
        except Exception as error:
            answer = _failure(error, request)
        return _response(answer, request, given)

    def _answer(self, verb: Verb, ids: tuple[str, ...], request: str, given: str | None) -> Answer:
        key = self.keys.recognise(flask.request.headers.get("Authorization"))
        if wait := self.limits.wait(key):
            slow = Refused("Request rate limit exceeded. You can learn more about rate limits in"
                           " docs/reference/settings.md.", status=429, code="rate_limit")  # fmt: skip
            return _refusal(slow, Retry_After=str(math.ceil(wait)), Stripe_Rate_Limited_Reason="global-rate")
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
        call = Call(verb, ids, request, key, {})
        if verb.raw:
            call.raw = Raw(_body(MAX_BULK), flask.request.mimetype, dict(flask.request.args))
        else:
            call.sent = _sent(verb)
        repeatable = ("POST", "DELETE") if verb.path.startswith("/v2/") else ("POST",)
        call.idempotency_key = given if verb.method in repeatable else None
        return self._performed(call)

    def _performed(self, call: Call) -> Answer:
        """Run the verb in a transaction, store its answer with its idempotency key, and answer."""
        print = ""
        if call.idempotency_key:
            body = call.raw.body.hex() if call.raw else call.sent
            client = [call.key.id] if call.key.kind == "publishable" else []
            print = idempotency.fingerprint(call.verb.method, flask.request.path, [body, *client])
        replay: list[idempotency.Answer] = []
        expand = params.parse(EXPAND, call.sent.pop("expand", []), "expand")
        tree = render.tree_of(expand)
        rights.judge(call.key, call.verb, call.sent, tree, self.nouns)

        def run(tx: Tx) -> Any:
            if call.idempotency_key:
                known = idempotency.begin(tx, call.idempotency_key, print, call.request)
                if isinstance(known, idempotency.Answer):
                    replay.append(known)
                    return None
                if known:
                    idempotency.take_over(tx, call.idempotency_key, known, call.request)
                    told = self.became(tx, call, known.request)
                    if told is not None:
                        return told
            call.begun = True
            tx.notes["expand"] = tree  # for a verb that shows what is gone when it answers
            return invoke(tx, call)

        def finish(tx: Tx, result: Any) -> Answer:
            if replay:
                return Answer(replay[0].status, replay[0].body, {"Idempotent-Replayed": "true",
                              "Original-Request": replay[0].request})  # fmt: skip
            answer = self._shown(tx, call, result, tree)
            if call.idempotency_key:
                kept = idempotency.Answer(answer.status, answer.body, call.request)
                idempotency.keep(tx, call.idempotency_key, kept)
            return answer

        try:
            return perform(self._begin(call), run, finish=finish)  # type: ignore[no-any-return]
        except Exception as error:
            # Whoever asked a gateway must not ask it again: a failure after the first commit is the answer.
            answer = _failure(error, call.request)
            if call.idempotency_key and inspect.isgeneratorfunction(call.verb.run):
                with self._begin(call)() as tx:
                    idempotency.give_up(
                        tx, call.idempotency_key, idempotency.Answer(answer.status, answer.body, call.request)
                    )
            return answer

    def _begin(self, call: Call) -> Callable[[], AbstractContextManager[Tx]]:
        cause = Cause(call.request, call.idempotency_key)

        @contextmanager
        def begin() -> Iterator[Tx]:
            with self.db.transaction(call.key.tenant, cause=cause) as tx:
                if call.begun and call.idempotency_key:
                    idempotency.hold(tx, call.idempotency_key, call.request)
                yield tx

        return begin

    def _shown(self, tx: Tx, call: Call, result: Any, tree: render.Tree) -> Answer:
        """A verb's result as an answer. A refusal that is returned, not raised, keeps what was done."""
        if isinstance(result, Refused):
            more = result.more.items()
            result.more = {name: rights.visible(call.key, call.verb, value) for name, value in more}
            return _refusal(result)
        if isinstance(result, Answer):
            return result
        cls = call.verb.resource if isinstance(result, Where) else None
        if cls:
            result = listing.Page(*listing.page(tx, cls, result, call.sent), flask.request.path)
        if isinstance(result, search.Result):
            result = search.shown(tx, result, tree)
        elif isinstance(result, listing.Page):
            result = listing.shown(result, cls, tx, tree)
        elif isinstance(result, Resource):
            result = render.one(tx, result, tree)
        return Answer(200, msgspec.json.encode(rights.visible(call.key, call.verb, result)))


def invoke(tx: Tx, call: Call) -> Any:
    """Hand the verb what it takes: rows locked, parameters read, drafts built."""
    verb, cls, sent = call.verb, call.verb.resource, call.sent
    if call.raw is not None:
        return verb.run(tx, *call.ids, call.raw)
    if cls is None or verb.kind == "search":
        return verb.run(tx, *call.ids, *([params.read(verb.params, sent)] if verb.params else _none(sent)))
    if verb.kind == "list":
        return _narrowed(tx, verb, cls, sent)
    if verb.kind == "create":
        wanted = params.read(verb.params, sent) if verb.params else draft(tx, cls, sent)
        return verb.run(tx, wanted)
    id, *further = call.ids
    if verb.method == "GET":
        row = rows.find(tx, cls, id, deleted=verb.kind == "retrieve")
    else:
        row = rows.lock(tx, cls, id)
    tx = of_row(tx, row)
    if verb.params:
        return verb.run(tx, row, *further, params.read(verb.params, sent))
    if verb.kind == "update":
        return verb.run(tx, row, changes(tx, row, sent))
    _none(sent)
    return verb.run(tx, row, *further)


def _none(sent: dict[str, Any]) -> list[Any]:
    params.check({}, sent)
    return []


def of_row(tx: Tx, row: Resource) -> Tx:
    """The transaction at the row's own time: its test clock's, or that of the customer it belongs to."""
    if type(row).clocked:
        return clocks.enter(tx, getattr(row, "test_clock", None))
    customer = getattr(row, "customer", None)
    return clocks.of_customer(tx, customer) if customer else tx


def _narrowed(tx: Tx, verb: Verb, cls: type[Resource], sent: dict[str, Any]) -> Any:
    accepted = listing.accepted(cls)
    own = {name: raw for name, raw in sent.items() if name not in accepted}
    where = listing.where_of(tx, cls, {name: raw for name, raw in sent.items() if name in accepted})
    extra = verb.run(tx, params.read(verb.params, own) if verb.params else params.check({}, own))
    return where.also(extra.sql, **extra.params) if isinstance(extra, Where) else extra


def draft(tx: Tx, cls: type[Resource], sent: dict[str, Any]) -> Resource:
    """A new row from what was sent, not yet written."""
    accepted = cls.accepted("create")
    values = params.check(accepted, sent)
    for name, spec in accepted.items():
        if spec.required and name not in values:
            raise params.missing(name)
    _check_refs(tx, accepted, values)
    if "metadata" in values:
        values["metadata"] = params.merged({}, values["metadata"])
    return cls(**{name: value if accepted[name].order else rows.plain_value(value)
                  for name, value in values.items() if value is not None})  # fmt: skip


def changes(tx: Tx, row: Resource, sent: dict[str, Any]) -> dict[str, Any]:
    """What an update changes: metadata and hashes are merged by key into what is there."""
    accepted = type(row).accepted("update")
    values = params.check(accepted, sent)
    _check_refs(tx, accepted, values)
    return {name: merged_value(row, name, value) for name, value in values.items()}


def merged_value(row: Resource, name: str, value: Any) -> Any:
    old = getattr(row, name)
    if type(row).specs[name].kind == "metadata":
        return params.merged(old, value)
    if isinstance(value, Params) and isinstance(old, dict):
        shape = params.specs(type(value))
        return {**old, **{key: params.json_value(shape[key], item) for key, item in value.sent().items()}}
    return value if type(row).specs[name].order else rows.plain_value(value)


def _check_refs(tx: Tx, accepted: dict[str, Field], values: dict[str, Any]) -> None:
    for name, value in values.items():
        if accepted[name].kind == "ref" and value is not None:
            rows.find(tx, REGISTRY[accepted[name].to], value, param=name)


# ------------------------------------------------------------------------------------- in and out


def _sent(verb: Verb) -> dict[str, Any]:
    """The parameters: of the query for GET and DELETE, of the form (or JSON under /v2) for POST."""
    request = flask.request
    if request.method != "POST":
        return params.nested(_pairs(request.query_string))
    files = verb.params and any(spec.kind == "file" for spec in params.specs(verb.params).values())
    body = _body(MAX_BULK if files else MAX_BODY)
    if request.path.startswith("/v2/"):
        try:
            decoded = msgspec.json.decode(body or b"{}")
        except msgspec.DecodeError as error:
            raise Refused(f"Invalid JSON: {error}") from None
        return params.read_object(decoded)
    if request.mimetype == PARTS and files:
        return params.nested(_parts(body))
    if body and request.mimetype not in (FORM, ""):
        raise Refused(f"Invalid request: the body must be {FORM}, not {request.mimetype}.")
    return params.nested(_pairs(request.query_string) + _pairs(body))


def _pairs(form: bytes) -> list[tuple[str, str]]:
    try:
        return urllib.parse.parse_qsl(form.decode(), keep_blank_values=True, errors="strict")
    except ValueError:
        raise Refused("Invalid request: the parameters are not a form in UTF-8.") from None


def _parts(body: bytes) -> list[tuple[str, str | params.Upload]]:
    """The parts of a multipart form; what has a file name is a file."""
    try:
        _, texts, files = FormDataParser(silent=False, max_form_parts=1000).parse(
            io.BytesIO(body), PARTS, len(body), flask.request.mimetype_params
        )
    except (ValueError, RequestEntityTooLarge):
        raise Refused("Invalid request: the body is not a multipart form.") from None
    uploads = [(name, params.Upload(one.filename or "", one.read())) for name, one in files.items(multi=True)]
    return [*texts.items(multi=True), *uploads]


def _body(most: int) -> bytes:
    """The body, decompressed, of at most so many bytes; more is refused before it fills the memory."""
    stream: Any = flask.request.stream
    if flask.request.headers.get("Content-Encoding", "").lower() == "gzip":
        stream = gzip.GzipFile(fileobj=stream)
    try:
        body: bytes = stream.read(most + 1)
    except (OSError, EOFError) as error:
        raise Refused(f"Invalid request: the body is not valid gzip ({error}).") from None
    if len(body) > most:
        raise Refused(f"Invalid request: the body is larger than {most} bytes.", status=413)
    return body


def _refusal(refused: Refused, **headers: str) -> Answer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    if refused.retry is not None:
        named["Stripe-Should-Retry"] = "true" if refused.retry else "false"
    return Answer(refused.status, msgspec.json.encode(refused.body()), named)


def _failure(error: Exception, request: str) -> Answer:
    """An exception as an answer. What nobody foresaw is a 500 and a traceback in the log."""
    if isinstance(error, Refused):
        return _refusal(error)
    if isinstance(error, (psycopg.errors.LockNotAvailable, *CONFLICTS, Interrupted)):
        locked = (
            "This object cannot be accessed right now because another API request is currently accessing it."
        )
        return _refusal(Refused(locked, status=429, code="lock_timeout"))
    if isinstance(error, psycopg_pool.PoolTimeout | psycopg.OperationalError | Unavailable):
        log.error("request %s: unavailable: %s", request, error)
        gone = Refused("The service is unavailable for the moment; nothing was changed. Please try again.",
                       status=503, type="api_error")  # fmt: skip
        return _refusal(gone, Retry_After="2")
    log.error("request %s failed", request, exc_info=error)
    return _refusal(Refused("An unexpected error occurred; it has been logged under this request's id.",
                    status=500, type="api_error"))  # fmt: skip


def _response(answer: Answer, request: str, key: str | None) -> flask.Response:
    response = flask.Response(answer.body, status=answer.status, content_type="application/json")
    response.headers["Request-Id"] = request
    response.headers["Stripe-Version"] = API_VERSION
    response.headers.update({**answer.headers, **({"Idempotency-Key": key} if key else {})})
    return response
