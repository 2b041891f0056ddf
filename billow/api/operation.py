"""Define operations (a verb at a path), the call of one, and what a verb is given and answers."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from billow.api import listing, params, rows, search
from billow.api.fields import Field
from billow.api.params import Params
from billow.api.resource import REGISTRY, Resource, Verb, Where
from billow.core.errors import Refused
from billow.store import clocks
from billow.store.keys import Key
from billow.store.outbox import API_VERSION
from billow.store.tx import Tx


@dataclass(frozen=True, slots=True)
class Raw:
    """A request's body as it came (decompressed), for the operations that read their own formats."""

    body: bytes
    media: str
    query: dict[str, str]


@dataclass(slots=True)
class Call:
    """One request while it is carried out; each step adds what it finds."""

    verb: Verb
    ids: tuple[str, ...]
    request: str
    key: Key
    path: str
    sent: dict[str, Any]
    raw: Raw | None = None
    idempotency_key: str | None = None
    version: str = API_VERSION
    """The version of the API that the request is written in, and answered in."""
    names_version: bool = False
    """The request names the version itself, by a header."""
    tree: dict[str, Any] = field(default_factory=dict)
    """What the request expands, as nested names."""
    renamed: dict[str, str] = field(default_factory=dict)
    """The params that have another name in the request's version, which errors say."""
    begun: bool = False
    committed: bool = False
    """A transaction of it was committed, so a later failure leaves something changed."""
    into_closed: bool = False
    """It may post into accounting periods that are softly closed."""
    asked: bool = False
    """The gateway was asked again for the outcome of what the request had begun there."""

    @property
    def name(self) -> str:
        """Return the operation as the changes between versions name it."""
        return f"{self.verb.method} {self.verb.path}"


class Unsettled(Exception):
    """The outcome of what a request began at a gateway is open; the verb `settle` asks and records it."""

    def __init__(self, settle: Callable[[Tx], Any]) -> None:
        super().__init__("What was begun at the gateway is not settled.")
        self.settle = settle


@dataclass(frozen=True, slots=True)
class Answer:
    """A status and a body, of JSON unless the headers say otherwise. A verb may give one itself."""

    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)


# ------------------------------------------------------------------------------------- routes


def verbs(routes: Sequence[Verb]) -> list[Verb]:
    """List every operation: what the nouns declare, retrieving and listing, and the routes of no noun."""
    found = [*routes]
    for cls in REGISTRY.values():
        found += cls.verbs
        if cls.path:
            have = {(verb.method, verb.path) for verb in found}
            usual = [
                Verb("retrieve", "GET", f"{cls.path}/{{id}}", _retrieved, cls),
                Verb("list", "GET", cls.path, _everything, cls),
            ]
            found += [verb for verb in usual if (verb.method, verb.path) not in have]
        found += [search.verb(cls)] if cls.searched else []
    return found


def _retrieved(tx: Tx, row: Resource) -> Resource:
    return row


def _everything(tx: Tx, wanted: Any) -> Where:
    return Where()


# ------------------------------------------------------------------------------------- what a verb is handed


def invoke(tx: Tx, call: Call) -> Any:
    """Call the verb with what it takes: locked rows, parsed parameters, drafts."""
    verb, cls, sent = call.verb, call.verb.resource, call.sent
    if call.raw is not None:
        return verb.run(tx, *call.ids, call.raw)
    if verb.grouped and verb.params:
        (result,) = verb.run(tx, [params.read(verb.params, sent)])
        if isinstance(result, Refused):
            raise result
        return result
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
    """Return the transaction at the row's time: its test clock's, or that of the customer it belongs to."""
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
    """Make a new row from what was sent, without writing it."""
    accepted = cls.accepted("create")
    values = params.check(accepted, sent)
    for name, spec in accepted.items():
        if spec.required and name not in values:
            raise params.missing(name)
    _check_refs(tx, accepted, values)
    if "metadata" in values:
        values["metadata"] = params.merged({}, values["metadata"])
    return cls(
        **{
            name: value if accepted[name].order else rows.plain_value(value)
            for name, value in values.items()
            if value is not None
        }
    )


def changes(tx: Tx, row: Resource, sent: dict[str, Any]) -> dict[str, Any]:
    """Return what an update changes: metadata and hashes are merged by key into what is there."""
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
