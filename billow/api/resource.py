"""Define a resource: a frozen row that knows its fields, its table and its verbs."""

from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, replace
from dataclasses import Field as Declared
from datetime import UTC, datetime
from typing import Any, ClassVar, Self, TypeVar, dataclass_transform, overload

import msgspec

from billow.api.fields import CREATE, UPDATE, WRITE, Field
from billow.api.params import Params
from billow.core.errors import Inconsistent
from billow.store.search import Searched

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
OF_ALL = ("id", "created")
"""The columns that every noun has."""
Fn = TypeVar("Fn", bound=Callable[..., Any])

#: Every resource class by its `object`, filled as they are declared.
REGISTRY: dict[str, type["Resource"]] = {}


@dataclass(frozen=True, slots=True)
class Verb:
    """One operation: its route, its params, and the function that carries it out."""

    kind: str  # create, retrieve, update, delete, list, action, route
    method: str
    path: str
    run: Callable[..., Any]
    resource: type["Resource"] | None = None
    params: type[Params] | None = None
    raw: bool = False
    """The function receives the request body as it came, and authenticates as any other verb does."""
    noun: str = ""
    """The noun that a key needs a right to, if not that of the path (api/rights.py)."""
    grouped: bool = False
    """The function receives the params of many requests, and returns a result or a refusal for each."""
    until: str = ""
    """The last version of the API that has the operation, if the newest does not."""


class Where:
    """A condition that narrows a list: SQL with named params."""

    def __init__(self, sql: str = "true", **params: Any) -> None:
        self.sql, self.params = sql, params

    def also(self, sql: str, **params: Any) -> "Where":
        return Where(f"{self.sql} and {sql}", **self.params, **params)


# Field functions are not `field_specifiers` for the type checker: a field without a default may be computed,
# so it is not required. `required` says what a caller must send; the table says what a row must have.
@dataclass_transform(kw_only_default=True, frozen_default=True)
class Noun(msgspec.StructMeta):
    """Makes a class of rows from its declaration, as a frozen `msgspec.Struct`.

    A row has `id`, `created`, each column of its table and the fields that instruct a verb (`order=True`), in
    this order; computed fields take no space. A row never holds a reference to itself, so the garbage
    collector can ignore it.
    """

    specs: dict[str, Field]
    columns: tuple[str, ...]

    def __new__(
        meta, name: str, bases: tuple[type, ...], namespace: dict[str, Any], **keywords: Any
    ) -> "Noun":
        declared = {
            name: value
            for name, value in namespace.items()
            if isinstance(value, Declared) and "field" in value.metadata
        }
        specs = {name: replace(value.metadata["field"], name=name) for name, value in declared.items()}
        columns = [name for name, spec in specs.items() if spec.stored and name not in OF_ALL]
        held = [*columns, *(name for name, spec in specs.items() if spec.order)]
        kept = {name: value for name, value in namespace.items() if name not in declared}
        own = OF_ALL if bases == (msgspec.Struct,) else ()
        made = super().__new__(
            meta,
            name,
            bases,
            {
                **kept,
                **{name: _default(declared[name]) for name in held},
                "__annotations__": dict.fromkeys((*own, *held), Any),
            },
            frozen=True,
            gc=False,
        )
        made.specs = specs
        made.columns = (*OF_ALL, *columns)
        if keywords:
            made._register(**keywords)  # type: ignore[attr-defined]
        return made

    def __init__(cls, name: str, bases: tuple[type, ...], namespace: dict[str, Any], **_: Any) -> None:
        super().__init__(name, bases, namespace)


def _default(declared: "Declared[Any]") -> Any:
    if declared.default_factory is MISSING:
        return declared.default
    return msgspec.field(default_factory=declared.default_factory)


class Resource(msgspec.Struct, metaclass=Noun):
    """A row of one table, and the API object that it is shown as.

    Class keywords: `object` is the API name; `path` its collection (none: it is reached through other
    objects); `prefix` of its ids; `table` if it is not the plural of the object; `events` names the changes
    that are emitted and `event` their prefix if it is not the object. Declared in the body where it differs:
    `owner` is the ref whose row is locked before ours; `lacks` lists livemode or created if Stripe's object
    lacks them; `order` sorts lists; `steady` rows are read once in a transaction (api/held.py); `searched`
    has the fields of a query, and `among` the rows that are searched. What an error calls a noun that is not
    found, if not by its words, is `called`, with `elsewhere` after the id; it names the param `in_path` where
    the id is in the path.
    """

    id: str = ""
    created: datetime = EPOCH

    object: ClassVar[str]
    path: ClassVar[str | None]
    prefix: ClassVar[str]
    table: ClassVar[str]
    event_prefix: ClassVar[str]
    events: ClassVar[tuple[str, ...]]
    owner: ClassVar[str | None] = None
    lacks: ClassVar[tuple[str, ...]] = ()
    order: ClassVar[str] = "created desc, id desc"
    steady: ClassVar[bool] = False
    called: ClassVar[str] = ""
    elsewhere: ClassVar[str] = ""
    in_path: ClassVar[str] = "id"
    searched: ClassVar[Mapping[str, Searched]] = {}
    among: ClassVar[str] = "true"
    noun: ClassVar[str]
    selected: ClassVar[str]
    verbs: ClassVar[list[Verb]]
    clocked: ClassVar[bool]

    @classmethod
    def _register(
        cls,
        *,
        object: str,
        prefix: str,
        path: str | None = None,
        table: str | None = None,
        event: str | None = None,
        events: tuple[str, ...] = ("created", "updated", "deleted"),
    ) -> None:
        cls.object, cls.path, cls.prefix = object, path, prefix
        cls.noun = object.split(".")[-1]
        cls.table = table or f"{cls.noun}s"
        cls.event_prefix, cls.events = event or object, events
        cls.selected = ", ".join(f'"{name}"' for name in cls.columns)
        cls.clocked = "test_clock" in cls.specs
        cls.verbs = []
        REGISTRY[object] = cls

    def but(self, **changes: Any) -> Self:
        """Return the same row with other values."""
        return msgspec.structs.replace(self, **changes)

    @property
    def listed(self) -> bool:
        """Return whether lists below another object show it; what they do not comes last in their order."""
        return True

    # --------------------------------------------------------------------------------- verbs

    @overload
    @classmethod
    def create(cls, params: type[Params]) -> Callable[[Fn], Fn]: ...
    @overload
    @classmethod
    def create(cls, params: Fn) -> Fn: ...
    @classmethod
    def create(cls, params: Any) -> Any:
        """Declare a create verb: bare, the function receives a draft; with `Params`, these."""
        if isinstance(params, type):
            return cls._verb("create", "POST", cls.path, params)
        return cls._verb("create", "POST", cls.path, None)(params)

    @overload
    @classmethod
    def update(cls, params: type[Params]) -> Callable[[Fn], Fn]: ...
    @overload
    @classmethod
    def update(cls, params: Fn) -> Fn: ...
    @classmethod
    def update(cls, params: Any) -> Any:
        """Declare an update verb: bare it receives the row and the changes; with `Params`, row and params."""
        if isinstance(params, type):
            return cls._verb("update", "POST", f"{cls.path}/{{id}}", params)
        return cls._verb("update", "POST", f"{cls.path}/{{id}}", None)(params)

    @overload
    @classmethod
    def delete(cls, params: type[Params]) -> Callable[[Fn], Fn]: ...
    @overload
    @classmethod
    def delete(cls, params: Fn) -> Fn: ...
    @classmethod
    def delete(cls, params: Any) -> Any:
        """Declare a delete verb: bare it receives the row; with `Params`, row and params."""
        if isinstance(params, type):
            return cls._verb("delete", "DELETE", f"{cls.path}/{{id}}", params)
        return cls._verb("delete", "DELETE", f"{cls.path}/{{id}}", None)(params)

    @classmethod
    def retrieve(cls, params: type[Params]) -> Callable[[Fn], Fn]:
        """Declare a retrieve verb, for a noun whose retrieval takes params; others have one by default."""
        return cls._verb("retrieve", "GET", f"{cls.path}/{{id}}", params)

    @classmethod
    def action(cls, name: str, params: type[Params] | None = None) -> Callable[[Fn], Fn]:
        """Declare `POST /v1/things/{id}/name`: the function receives the row, locked, and the params."""
        return cls._verb("action", "POST", f"{cls.path}/{{id}}/{name}", params)

    @classmethod
    def listing(cls, params: type[Params]) -> Callable[[Fn], Fn]:
        """Declare a list verb: the function turns the list's own params into a `Where`; paging is added."""
        return cls._verb("list", "GET", cls.path, params)

    @classmethod
    def below(
        cls, method: str, tail: str, params: type[Params] | None = None, *, of: type["Resource"]
    ) -> Callable[[Fn], Fn]:
        """Declare `METHOD /v1/things/{id}/tail…`: the function receives the row, further ids, and the params.

        `of` is the noun that is read or written there, which a key needs a right to; parts of an object, such
        as its lines, belong to the object.
        """
        return cls._verb("action", method, f"{cls.path}/{{id}}/{tail}", params, of.right())

    @classmethod
    def right(cls) -> str:
        """Return the name of the right to this noun: `/v1/billing/meters` is `billing_meters`."""
        return "_".join(cls.path.strip("/").split("/")[1:]) if cls.path else cls.table

    @classmethod
    def _verb(
        cls, kind: str, method: str, path: str | None, params: type[Params] | None, noun: str = ""
    ) -> Callable[[Fn], Fn]:
        if path is None:
            raise Inconsistent(f"{cls.object} has no path.")

        def declare(run: Fn) -> Fn:
            cls.verbs.append(Verb(kind, method, path, run, cls, params, noun=noun))
            return run

        return declare

    # --------------------------------------------------------------------------------- what requests accept

    @classmethod
    def accepted(cls, kind: str) -> dict[str, Field]:
        roles = (CREATE, WRITE) if kind == "create" else (WRITE, UPDATE)
        return {name: spec for name, spec in cls.specs.items() if spec.role in roles}

    @classmethod
    def filters(cls) -> dict[str, Field]:
        return {name: spec for name, spec in cls.specs.items() if spec.filter}


#: Operations that belong to no resource, or not to its usual paths.
ROUTES: list[Verb] = []


def route(
    method: str,
    path: str,
    params: type[Params] | None = None,
    *,
    raw: bool = False,
    of: str = "",
    grouped: bool = False,
    until: str = "",
) -> Callable[[Fn], Fn]:
    """Declare an operation with a path of its own.

    The function receives the transaction, the ids of the path in order, and the params (or, `raw`, the
    request's body and headers). `of` is the right that a key needs, if not that of the path. `grouped`:
    requests that arrive together share one transaction, and the function receives the params of all of them
    (api/grouping.py). `until` is the last version of the API that has the operation.
    """

    def declare(run: Fn) -> Fn:
        ROUTES.append(Verb("route", method, path, run, None, params, raw, of, grouped, until))
        return run

    return declare
