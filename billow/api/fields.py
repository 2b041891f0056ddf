"""Declare fields: how each is parsed, stored, shown and documented."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum
from typing import Any

from billow.core.bounds import LARGEST
from billow.core.money import decimal_text
from billow.store.packed import unpack

#: A decimal as JSON has it: digits without exponent and trailing zeros.
plain = decimal_text


class Role(Enum):
    """Which requests accept a field of a resource. In a `Params` class every field is accepted."""

    SHOWN = "shown"
    CREATE = "create"
    WRITE = "write"
    UPDATE = "update"


SHOWN, CREATE, WRITE, UPDATE = Role.SHOWN, Role.CREATE, Role.WRITE, Role.UPDATE

#: The SQL type of each stored kind, as `information_schema` spells it; the schema test compares them.
SQL_TYPES = {
    "text": "text", "currency": "text", "choice": "text", "ref": "text", "integer": "bigint",
    "boolean": "boolean",
    "decimal": "numeric", "number": "numeric", "timestamp": "timestamp with time zone", "hash": "jsonb",
    "array": "jsonb", "metadata": "jsonb", "map": "jsonb", "document": "bytea",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Field:
    """One field. The class that declares it fills in `name`."""

    kind: str
    role: Role = SHOWN
    name: str = ""
    required: bool = False
    default: Any = None
    unset: bool = False
    """The empty string clears it."""
    min: int | Decimal | None = None
    max: int | Decimal | None = None
    above: int | Decimal | None = None
    places: int | None = None
    choices: tuple[str, ...] = ()
    to: str = ""
    """The `object` that a ref or a sublist points to."""
    by: str = ""
    """The field of the target that refers to us (sublists)."""
    url: str = ""
    """The URL of a sublist's pages, with {id} for ours."""
    shape: Any = None
    """The `Params` class of a hash, or of the elements of an array."""
    item: "Field | None" = None
    compute: Callable[[Any, datetime, dict[str, Any]], Any] | None = None
    constant: tuple[Any, ...] = ()
    """The value of a computed field that is the same for every row."""
    include: bool = False
    """Shown only when the caller expands it."""
    typed: bool = False
    """Shown only in an object whose `type` is the name of this field."""
    embed: bool = False
    """A ref that is always shown as the whole object."""
    hidden: bool = False
    """Stored for queries of our own, never shown."""
    order: bool = False
    """Accepted from requests but neither stored nor shown: it instructs the verb."""
    filter: bool = False
    """Lists accept it as a filter."""
    refs: Any = ""
    """The nouns whose ids the value holds, separated by spaces; of a hash the places of them, as a tree:
    `{"price_details": {"price": "price"}}`. Callers may expand them."""
    format: str = ""
    """The format of a text: `email` is one mail address, `line` has no line breaks or control characters,
    `url` is the address of a page."""

    @property
    def stored(self) -> bool:
        return self.kind in SQL_TYPES and not self.order

    @property
    def nullable(self) -> bool:
        return self.default is None and not self.required

    def show(self, value: Any) -> Any:
        """Return a stored value in JSON."""
        turn = TURNED.get(self.kind)
        return turn(value) if turn else value


def seconds(value: datetime | None) -> int | None:
    """Return an instant in JSON: whole seconds since 1970."""
    return None if value is None else int(value.timestamp())


def instant(value: int | None) -> datetime | None:
    """Return the instant of a number of seconds since 1970."""
    return None if value is None else datetime.fromtimestamp(value, UTC)


def _plain(value: Decimal | None) -> str | None:
    return None if value is None else plain(value)


def _number(value: Decimal | None) -> float | None:
    """Return a decimal as Stripe shows it, as a float even where it is whole: 50.0."""
    return None if value is None else float(value)


#: How values are shown whose kind JSON does not have.
TURNED: dict[str, Callable[[Any], Any]] = {
    "timestamp": seconds, "decimal": _plain, "number": _number, "document": unpack,
}  # fmt: skip


def _declare(kind: str, role: Role, **more: Any) -> Any:
    default = more.get("default")
    spec = Field(kind, role, **more)
    if isinstance(default, dict | list):
        return field(default_factory=lambda: type(default)(default), metadata={"field": spec})
    return field(default=default, metadata={"field": spec})


def text(role: Role = SHOWN, **more: Any) -> Any:
    return _declare("text", role, **{"max": 5000, **more})


def email(role: Role = SHOWN, **more: Any) -> Any:
    """Declare one mail address, which becomes a header of a mail and a command to a mail server."""
    return _declare("text", role, format="email", **{"max": 512, **more})


def line(role: Role = SHOWN, **more: Any) -> Any:
    """Declare a text of one line, such as a name, which is used in headers, on statements and in tables."""
    return _declare("text", role, format="line", **{"max": 5000, **more})


def url(role: Role = SHOWN, **more: Any) -> Any:
    """Declare the address of a page that a customer is sent to: http or https, and never a script."""
    return _declare("text", role, format="url", **{"max": 5000, **more})


def integer(role: Role = SHOWN, **more: Any) -> Any:
    return _declare("integer", role, **more)


def amount(role: Role = SHOWN, **more: Any) -> Any:
    """Declare an amount in minor units of the object's currency."""
    return _declare("integer", role, **{"min": -LARGEST, "max": LARGEST, **more})


def decimal(role: Role = SHOWN, *, places: int = 12, **more: Any) -> Any:
    """Declare an exact decimal, shown as a string."""
    return _declare("decimal", role, places=places, **more)


def number(role: Role = SHOWN, *, places: int = 4, **more: Any) -> Any:
    """Declare an exact decimal, shown as a JSON number (percentages)."""
    return _declare("number", role, places=places, **more)


def currency(role: Role = SHOWN, **more: Any) -> Any:
    return _declare("currency", role, **more)


def choice(role: Role, *choices: str, **more: Any) -> Any:
    return _declare("choice", role, choices=choices, **more)


def boolean(role: Role = SHOWN, **more: Any) -> Any:
    return _declare("boolean", role, **more)


def timestamp(role: Role = SHOWN, **more: Any) -> Any:
    return _declare("timestamp", role, **more)


def instants(role: Role = SHOWN, **more: Any) -> Any:
    """Declare a filter by an instant or a range: `created=…`, `created[gte]=…`."""
    return _declare("range", role, **more)


def nested(role: Role = SHOWN, shape: Any = None, **more: Any) -> Any:
    """Declare a hash; `shape` is the `Params` class of its fields."""
    return _declare("hash", role, shape=shape, **more)


def array(role: Role = SHOWN, item: Any = None, **more: Any) -> Any:
    """Declare a list of `item`: a `Params` class, or a field declared by one of these functions."""
    if item is None or isinstance(item, type):
        return _declare("array", role, shape=item, **more)
    return _declare("array", role, item=item.metadata["field"], **more)


def map_of(role: Role = SHOWN, shape: Any = None, **more: Any) -> Any:
    """Declare a hash whose keys the caller chooses (currencies), with values of one shape."""
    return _declare("map", role, shape=shape, **more)


def upload(role: Role = SHOWN, **more: Any) -> Any:
    """Declare a file, sent as a part of a multipart form; the verb receives an `Upload`."""
    return _declare("file", role, **more)


def document(role: Role = SHOWN, **more: Any) -> Any:
    """Declare JSON that is stored packed (store/packed.py), and shown as it was written."""
    return _declare("document", role, **more)


def metadata(role: Role = WRITE, **more: Any) -> Any:
    return _declare("metadata", role, **{"default": {}, "unset": True, **more})


def ref(to: str, role: Role = SHOWN, **more: Any) -> Any:
    """Declare the id of another object, which callers may expand."""
    return _declare("ref", role, to=to, **more)


def sublist(to: str, *, by: str, url: str, **more: Any) -> Any:
    """Declare the objects that refer to us in their field `by`, shown as a list of the first ten."""
    return _declare("sublist", SHOWN, to=to, by=by, url=url, **more)


def computed(compute: Callable[[Any, datetime, dict[str, Any]], Any], **more: Any) -> Any:
    """Declare a field that is not stored: a function of the row, the instant, and what is shown so far."""
    return _declare("computed", SHOWN, compute=compute, **more)


def absent(value: Any = None, **more: Any) -> Any:
    """Declare a field of Stripe's that billow does not use, always shown with this value."""
    return _declare("computed", SHOWN, constant=(value,), default=value, **more)


def declared(cls: type) -> dict[str, Field]:
    """Return the fields that a dataclass declares with these functions, by name."""
    return {f.name: replace(f.metadata["field"], name=f.name) for f in fields(cls) if "field" in f.metadata}


def default_of(spec: Field) -> Any:
    """Return a copy of a field's default."""
    return type(spec.default)(spec.default) if isinstance(spec.default, dict | list) else spec.default


def blank(shape: Any, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return a hash as stored and shown: every field of its shape, with the given values."""
    return {name: given.get(name, default_of(spec)) for name, spec in declared(shape).items()}
