"""Parse params: from forms to nested values, checked against their declarations."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, TypeVar, dataclass_transform

from billow.api import fields as f
from billow.api.fields import Field
from billow.core.bounds import LARGEST, TooLarge
from billow.core.calendar import second
from billow.core.decimals import written_out
from billow.core.errors import Refused, require
from billow.core.mail_addresses import is_address, is_line
from billow.core.money import CURRENCIES, EXACT
from billow.core.web_address import is_web_address

P = TypeVar("P")
MAX_DEPTH = 8
#: Rows keep microseconds and the API counts whole seconds: later than 12:00:05 begins at 12:00:06.
RANGE = {"gt": (">=", 1), "gte": (">=", 0), "lt": ("<", 0), "lte": ("<", 1)}
_SEGMENT = re.compile(r"\[([^\[\]]*)\]")
_INDEX = re.compile(r"#?[0-9]{1,9}")
_DECIMAL = re.compile(r"[+-]?(?=\.?[0-9])[0-9]{0,18}(?:\.([0-9]{0,40}))?")


# ------------------------------------------------------------------------------------- forms


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that was sent as a part of a form."""

    name: str
    body: bytes = field(repr=False)


def nested(pairs: Iterable[tuple[str, str | Upload]]) -> dict[str, Any]:
    """Turn bracketed names into hashes and lists: `a[b]=1`, `a[]=1`, `a[0][b]=1` (§1.2).

    Indexes only order the elements; a `[]` followed by a name starts a new element when that name is taken.
    """
    tree: dict[str, Any] = {}
    for name, value in pairs:
        text = value.name if isinstance(value, Upload) else value
        require(
            "\x00" not in name + text,
            "Invalid string: it contains a NUL character.",
            param=name.split("\x00")[0],
        )
        path = _path(name)
        require(len(path) <= MAX_DEPTH, f"Too many levels of nesting: {name}", param=path[0])
        _put(tree, path, value, name)
    return {name: _settled(value) for name, value in tree.items()}


def _path(name: str) -> list[str]:
    head, bracket, _ = name.partition("[")
    if not bracket or not head:
        return [name]
    segments = _SEGMENT.findall(name[len(head) :])
    whole = head + "".join(f"[{segment}]" for segment in segments)
    require(whole == name, f"Invalid parameter name: {name}", param=head)
    return [head, *segments]


def _put(node: dict[str, Any], path: list[str], value: str | Upload, name: str) -> None:
    for place, segment in enumerate(path[:-1]):
        segment = _slot(node, segment, path[place + 1 :])
        node = node.setdefault(segment, {})
        require(isinstance(node, dict), f"Invalid parameter: {name} is given in two shapes.", param=path[0])
    last = _slot(node, path[-1], [])
    require(
        not isinstance(node.get(last), dict),
        f"Invalid parameter: {name} is given in two shapes.",
        param=path[0],
    )
    node[last] = value


def _slot(node: dict[str, Any], segment: str, rest: list[str]) -> str:
    """Return the key for one segment; an empty one appends to the list, or continues its last element."""
    if segment:
        return segment
    latest = next(reversed(node), "")
    goes_on = latest.startswith("#") and rest and rest[0] and isinstance(node[latest], dict)
    return latest if goes_on and not _has(node[latest], rest) else f"#{len(node)}"


def _has(node: Any, path: list[str]) -> bool:
    for segment in path:
        if not segment or not isinstance(node, dict) or segment not in node:
            return False
        node = node[segment]
    return True


def _settled(node: Any) -> Any:
    if not isinstance(node, dict):
        return node
    if node and all(_INDEX.fullmatch(key) for key in node):
        order = sorted(node, key=lambda key: (key.startswith("#"), int(key.lstrip("#"))))
        return [_settled(node[key]) for key in order]
    return {key: _settled(value) for key, value in node.items()}


# ------------------------------------------------------------------------------------- declared parameters


@dataclass_transform(kw_only_default=True, frozen_default=True)
class Params:
    """The params of a verb, or the shape of a hash. Absent ones have their default; see `given`."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        dataclass(frozen=True, kw_only=True)(cls)

    def given(self, name: str) -> bool:
        """Return whether the caller sent it, even to unset it."""
        return name in self.__dict__.get("_given", ())

    def sent(self) -> dict[str, Any]:
        """Return what the caller sent, by name."""
        return {name: getattr(self, name) for name in self.__dict__.get("_given", ())}

    def shown(self) -> dict[str, Any]:
        """Return the hash that is stored and shown: every field of the shape, in JSON values."""
        return {spec.name: json_value(spec, getattr(self, spec.name)) for spec in specs(type(self)).values()}


def specs(shape: type) -> dict[str, Field]:
    """Return the fields that a `Params` class declares, computed once."""
    if "_specs" not in shape.__dict__:
        shape._specs = f.declared(shape)  # type: ignore[attr-defined]
    return shape._specs  # type: ignore[attr-defined,no-any-return]


def json_value(spec: Field, value: Any) -> Any:
    """Return a parsed value as it is stored in a jsonb column and shown."""
    if isinstance(value, Params):
        return value.shown()
    if isinstance(value, list):
        return [json_value(spec.item or spec, item) for item in value]
    if spec.kind == "metadata" and value is not None:
        return merged({}, value)
    if isinstance(value, dict) and spec.kind == "map":
        return {key: json_value(spec, item) for key, item in value.items()}
    return Field.show(spec, value)


def read(shape: type, raw: Any, at: str = "") -> Any:
    """Make a `Params` object from nested values; refuse what is unknown, missing or mistyped (§1.10)."""
    accepted = {name: spec for name, spec in specs(shape).items() if spec.kind in PARSERS}
    values = check(accepted, raw, at)
    require_all(accepted, values, at)
    made = shape(**values)
    made.__dict__["_given"] = frozenset(values)
    return made


def made(shape: type[P], **values: Any) -> P:
    """Make a `Params` object as if these values had been sent, for a flow that calls another."""
    wanted = shape(**values)
    wanted.__dict__["_given"] = frozenset(values)
    return wanted


def require_all(accepted: Mapping[str, Field], values: Mapping[str, Any], at: str = "") -> None:
    """Refuse missing required params."""
    for name, spec in accepted.items():
        if spec.required and name not in values:
            raise missing(_name(at, name))


def check(accepted: Mapping[str, Field], raw: Any, at: str = "") -> dict[str, Any]:
    """Parse what was sent, by name. Absent params stay absent."""
    if not isinstance(raw, dict):
        raise Refused(f"Invalid object: {at} must be a hash.", param=at or None)
    unknown = [name for name in raw if name not in accepted]
    if unknown:
        names = [_name(at, name) for name in unknown]
        noun = "parameter" if len(names) == 1 else "parameters"
        raise Refused(
            f"Received unknown {noun}: {', '.join(names)}", param=names[0], code="parameter_unknown"
        )
    return {name: parse(accepted[name], value, _name(at, name)) for name, value in raw.items()}


def read_object(decoded: Any) -> dict[str, Any]:
    """Return the params of a JSON body (v2), which must be an object."""
    require(isinstance(decoded, dict), "Invalid JSON: an object is expected.")
    require(not is_deeper(decoded, MAX_DEPTH), "Invalid JSON: it has too many levels of nesting.")
    _refuse_nul(decoded)
    return dict(decoded)


def is_deeper(value: Any, levels: int) -> bool:
    """Return whether hashes and lists are nested in more levels than these, without recursion."""
    inner = [value] if isinstance(value, dict | list) else []
    for _ in range(levels):
        parts = (part for each in inner for part in (each.values() if isinstance(each, dict) else each))
        inner = [part for part in parts if isinstance(part, dict | list)]
    return bool(inner)


def _refuse_nul(value: Any) -> None:
    """Refuse NUL characters, which PostgreSQL cannot store."""
    if isinstance(value, str):
        require("\x00" not in value, "Invalid string: it contains a NUL character.")
    elif isinstance(value, dict | list):
        for part in [*value, *value.values()] if isinstance(value, dict) else value:
            _refuse_nul(part)


def missing(at: str) -> Refused:
    """Return the refusal of a missing param."""
    return Refused(f"Missing required param: {at}.", param=at, code="parameter_missing")


def _name(at: str, name: str) -> str:
    return f"{at}[{name}]" if at else name


# ------------------------------------------------------------------------------------- one value


def parse(spec: Field, raw: Any, at: str) -> Any:
    """Parse one value by its declaration; null clears it, and so does the empty string where allowed."""
    if raw is None:
        return None
    if raw == "" and spec.kind not in ("metadata", "map"):
        return _emptied(spec, at)
    return PARSERS[spec.kind](spec, raw, at)


def _emptied(spec: Field, at: str) -> Any:
    if spec.unset:
        return f.default_of(spec)
    message = (
        f"You passed an empty string for '{at}'. We assume empty values are an attempt to unset a"
        " parameter; "
        f"however '{at}' cannot be unset. You should remove '{at}' from your request or supply a"
        " non-empty "
        "value."
    )
    raise Refused(message, param=at, code="parameter_invalid_empty")


def _string(raw: Any, at: str) -> str:
    if isinstance(raw, bool):
        return "true" if raw else "false"
    if isinstance(raw, int | Decimal):
        return str(raw)
    require(isinstance(raw, str), f"Invalid string: {str(raw)[:80]}", param=at)
    return str(raw)


def _text(spec: Field, raw: Any, at: str) -> str:
    value = _string(raw, at)
    require(
        value.strip() != "",
        f"Invalid string: {at} is blank.",
        param=at,
        code="parameter_invalid_string_blank",
    )
    longest = spec.max or 5000
    require(
        len(value) <= longest,
        f"Invalid string: {value[:12]}...; must be at most {longest} characters",
        param=at,
    )
    if spec.format == "email":
        require(is_address(value), f"Invalid email address: {value[:80]!a}", param=at, code="email_invalid")
    if spec.format == "url":
        require(is_web_address(value), "Not a valid URL", param=at, code="url_invalid")
    if spec.format == "line":
        require(is_line(value), f"Invalid string: {at} must not contain control characters.", param=at)
    return value


def _ref(spec: Field, raw: Any, at: str) -> Any:
    """Parse an id, or a new object where Stripe accepts either (the product of a plan)."""
    return read(spec.shape, raw, at) if spec.shape and isinstance(raw, dict) else _text(spec, raw, at)


def _integer(spec: Field, raw: Any, at: str) -> int:
    value = _string(raw, at)
    if not re.fullmatch(r"[+-]?[0-9]{1,18}", value):
        raise Refused(f"Invalid integer: {value[:80]}", param=at, code="parameter_invalid_integer")
    if spec.max is None and abs(int(value)) > LARGEST:
        raise Refused(f"Invalid integer: {value}", param=at, code="parameter_invalid_integer")
    return int(_in_range(spec, int(value), at))


def _decimal(spec: Field, raw: Any, at: str) -> Decimal:
    value = _string(raw, at)
    plain = written_out(value)
    places = spec.places or 12
    written = _DECIMAL.fullmatch(plain)
    fits = written and len((written[1] or "").rstrip("0")) <= places
    require(
        fits, f"Invalid decimal: {value[:80]}; must contain at maximum {places} decimal places.", param=at
    )
    # Adding zero turns -0 into 0; the context keeps every digit.
    return Decimal(_in_range(spec, EXACT.add(Decimal(plain), Decimal(0)).normalize(EXACT), at))


def _in_range(spec: Field, value: Any, at: str) -> Any:
    if LARGEST == spec.max < abs(value):
        raise TooLarge(at)
    if spec.min is not None and value < spec.min:
        raise Refused(f"This value must be greater than or equal to {spec.min}.", param=at)
    if spec.above is not None and value <= spec.above:
        raise Refused(f"This value must be greater than {spec.above}.", param=at)
    if spec.max is not None and value > spec.max:
        raise Refused(f"This value must be less than or equal to {spec.max}.", param=at)
    return value


def _currency(spec: Field, raw: Any, at: str) -> str:
    value = _string(raw, at).lower()
    require(value in CURRENCIES, f"Invalid currency: {value[:12]}.", param=at)
    return value


def _choice(spec: Field, raw: Any, at: str) -> str:
    value = _string(raw, at)
    if value in spec.choices:
        return value
    *most, last = spec.choices
    allowed = f"{', '.join(most)}, or {last}" if len(most) > 1 else " or ".join(spec.choices)
    raise Refused(f"Invalid {at}: must be one of {allowed}", param=at)


def _boolean(spec: Field, raw: Any, at: str) -> bool:
    if isinstance(raw, bool):
        return raw
    # Python's str() writes True: so did the official library for Python before its version 12.
    require(raw in ("true", "false", "True", "False"), f"Invalid boolean: {str(raw)[:80]}", param=at)
    return bool(raw in ("true", "True"))


def _timestamp(spec: Field, raw: Any, at: str) -> datetime | str:
    value = _string(raw, at)
    if value in spec.choices:
        return value
    return _second(value, r"[0-9]{1,11}", at)


def _second(value: str, pattern: str, at: str) -> datetime:
    whole = re.fullmatch(pattern, value)
    require(
        whole, f"Invalid timestamp: {value[:80]}; must be an integer Unix timestamp in the range.", param=at
    )
    return second(int(value))


def _range(spec: Field, raw: Any, at: str) -> list[tuple[str, datetime]]:
    """Parse comparisons that must all hold; a bare instant means the second that it names.

    A negative instant is before 1970: all of ours are after it, as after any other.
    """
    bounds = raw if isinstance(raw, dict) else {"gte": raw, "lte": raw}
    found = []
    for sign, bound in bounds.items():
        name = f"{at}[{sign}]"
        require(sign in RANGE, f"Received unknown parameter: {name}", param=name, code="parameter_unknown")
        operator, later = RANGE[sign]
        if bound == "":
            _emptied(Field("timestamp"), name)
        moment = _second(_string(bound, name), r"-?[0-9]{1,11}", name)
        found.append((operator, moment + timedelta(seconds=later)))
    return found


def _file(spec: Field, raw: Any, at: str) -> Upload:
    require(isinstance(raw, Upload), "Invalid hash", param=at)  # Stripe's words for a file that is a text
    return raw  # type: ignore[no-any-return]


def _hash(spec: Field, raw: Any, at: str) -> Any:
    require(isinstance(raw, dict), "Invalid object", param=at)
    return read(spec.shape, raw, at) if spec.shape else raw


def _array(spec: Field, raw: Any, at: str) -> list[Any]:
    require(isinstance(raw, list), "Invalid array", param=at)
    longest = spec.max or 100
    require(len(raw) <= longest, f"Invalid array: {at} can contain at most {longest} elements.", param=at)
    if spec.shape is not None:
        return [read(spec.shape, item, f"{at}[{place}]") for place, item in enumerate(raw)]
    item = spec.item or Field("text")
    return [parse(item, value, f"{at}[{place}]") for place, value in enumerate(raw)]


def _map(spec: Field, raw: Any, at: str) -> dict[str, Any]:
    if raw == "":
        return {}
    require(isinstance(raw, dict), "Invalid object", param=at)
    return {
        key: read(spec.shape, value, f"{at}[{key}]") if spec.shape else _string(value, at)
        for key, value in raw.items()
    }


def _metadata(spec: Field, raw: Any, at: str) -> dict[str, str]:
    """Parse metadata: an empty value removes its key, an empty string for all of it removes all (§1.8)."""
    if raw == "":
        return {"": ""}
    require(isinstance(raw, dict), f"Invalid {at}: must be a hash.", param=at)
    for key, value in raw.items():
        require(
            0 < len(key) <= 40 and not set("[]") & set(key),
            f"Invalid {at} key: keys have 1 to 40 characters and no square brackets.",
            param=at,
        )
        require(
            not isinstance(value, dict | list), f"Invalid {at}: values must be strings.", param=f"{at}[{key}]"
        )
        require(
            len(_string(value, at)) <= 500,
            f"Metadata values can have up to 500 characters, but you passed in "
            f"a value that is {len(_string(value, at))} characters.",
            param=f"{at}[{key}]",
        )
    require(len(raw) <= 50, f"Invalid {at}: at most 50 keys.", param=at)
    return {key: _string(value, at) for key, value in raw.items()}


def merged(old: Mapping[str, str], sent: Mapping[str, str]) -> dict[str, str]:
    """Return metadata after an update: keys are merged, empty values remove keys, `{"": ""}` removes all."""
    kept = {} if "" in sent else {**old, **sent}
    kept = {key: value for key, value in kept.items() if value != ""}
    require(len(kept) <= 50, "You can have at most 50 keys in metadata.", param="metadata")
    return kept


PARSERS = {
    "text": _text, "ref": _ref, "integer": _integer, "decimal": _decimal, "number": _decimal,
    "currency": _currency, "choice": _choice, "boolean": _boolean, "timestamp": _timestamp,
    "range": _range, "hash": _hash, "file": _file,
    "array": _array, "map": _map, "metadata": _metadata,
}  # fmt: skip
