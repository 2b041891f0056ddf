"""Serve the OpenAPI description at `/openapi.json`, derived from the declarations in the code."""

import ast
import inspect
import re
import textwrap
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import flask
import msgspec

from billow.api import listing
from billow.api.fields import Field
from billow.api.operation import Answer
from billow.api.params import PARSERS, specs
from billow.api.params import RANGE as RANGES
from billow.api.resource import REGISTRY, Resource, Verb
from billow.core.errors import Inconsistent, Refused
from billow.pages import manual
from billow.store.outbox import API_VERSION

Schema = dict[str, Any]
FORM, PARTS, BYTES = "application/x-www-form-urlencoded", "multipart/form-data", "application/octet-stream"
TEXT = {"type": "string"}
SIMPLE: dict[str, Schema] = {
    "integer": {"type": "integer"},
    "boolean": {"type": "boolean"},
    "number": {"type": "number"},
    "decimal": {"type": "string", "format": "decimal", "pattern": r"^[+-]?(\d+\.?\d*|\.\d+)$"},
    "currency": {"type": "string", "pattern": "^[A-Za-z]{3}$"},
    "timestamp": {"type": "integer", "format": "unix-time"},
    "metadata": {"type": "object", "additionalProperties": TEXT},
    "document": {"type": "object"},
    "file": {"type": "string", "contentMediaType": BYTES},
}
RANGE = {"type": "object", "properties": {sign: SIMPLE["integer"] for sign in RANGES}}
NESTED = ("hash", "array", "map", "metadata", "range")
#: How nested params are sent: `address[city]=Bern`, `items[0][price]=…`.
BRACKETS = {"style": "deepObject", "explode": True}
EXPAND: dict[str, Any] = {
    "name": "expand",
    "in": "query",
    "description": "What to show whole: `expand[]=customer`; in lists `expand[]=data.customer`.",
    "schema": {"type": "array", "items": TEXT},
    **BRACKETS,
}
ERROR: Schema = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["type", "message"],
            "properties": {
                name: TEXT for name in ("type", "code", "message", "param", "doc_url", "decline_code")
            },
        }
    },
}
#: Operations that decline a card without a gateway, and those that find nothing without an id in the path.
DECLINED, FOUND_NOTHING = {"/v1/tokens"}, {"/v1/invoices/create_preview"}
#: An example of each error, made by the code that the server uses, so that it looks as in production.
REFUSALS: dict[str, tuple[str, Refused]] = {
    "400": (
        "A parameter is unknown, missing or wrong.",
        Refused("Received unknown parameter: colour", param="colour", code="parameter_unknown"),
    ),
    "401": ("There is no API key, or it is unknown.", Refused("Invalid API Key provided: sk_test_****")),
    "402": (
        "The payment was declined.",
        Refused(
            "Your card was declined.", code="card_declined", type="card_error", decline_code="generic_decline"
        ),
    ),
    "403": (
        "The key has no right to this, or the account is another one.",
        Refused("The provided key does not have the required permissions.", type="invalid_request_error"),
    ),
    "404": (
        "There is no such object for this key.",
        Refused("No such object: 'none'", param="id", code="resource_missing"),
    ),
    "409": (
        "A request with the same idempotency key is in progress.",
        Refused("Please try again later.", code="idempotency_key_in_use", type="idempotency_error"),
    ),
    "413": ("The body is too large.", Refused("Invalid request: the body is larger than 1048576 bytes.")),
    "415": (
        "The body has a format that is not accepted here.",
        Refused("Invalid media type: text/html; must be one of application/json, application/x-ndjson."),
    ),
    "429": (
        "Another request holds the object; try again.",
        Refused("This object cannot be accessed right now.", code="lock_timeout"),
    ),
}


def add(app: flask.Flask, verbs: Sequence[Verb], base_url: str) -> None:
    """Add the pages of the description: the JSON document, and from it the pages to read."""

    @cache
    def whole() -> dict[str, Any]:
        return describe(verbs)

    def machine() -> flask.Response:
        return flask.Response(msgspec.json.encode(whole()), mimetype="application/json")

    app.add_url_rule("/openapi.json", "/openapi.json", machine)
    manual.add(app, whole, base_url)


def describe(verbs: Sequence[Verb]) -> dict[str, Any]:
    """Build the whole description. No part of it is written by hand for one operation."""
    paths: dict[str, dict[str, Any]] = {}
    for verb in sorted(verbs, key=lambda verb: (verb.path, verb.method)):
        paths.setdefault(verb.path, {})[verb.method.lower()] = _operation(verb)
    shown = {name: cls for name, cls in sorted(REGISTRY.items()) if cls.path or _reached(name)}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "billow",
            "version": API_VERSION,
            "description": "Cloud billing that speaks Stripe's API.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "tags": [
            {"name": name, "description": _about(cls)} for name, cls in shown.items() if cls.path or cls.verbs
        ],
        "paths": paths,
        "components": {
            "schemas": {"error": ERROR, **{name: _object(cls) for name, cls in shown.items()}},
            "responses": {status: _refusal(*told) for status, told in REFUSALS.items()},
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}},
        },
        "security": [{"key": []}],
    }


def _reached(name: str) -> bool:
    """Return whether another object lists it, as an invoice lists its lines."""
    return any(
        spec.kind == "sublist" and spec.to == name for cls in REGISTRY.values() for spec in cls.specs.values()
    )


def _refusal(sentence: str, example: Refused) -> Schema:
    body = msgspec.json.decode(msgspec.json.encode(example.body()))
    schema = {"$ref": "#/components/schemas/error"}
    return {"description": sentence, "content": {"application/json": {"schema": schema, "example": body}}}


# ------------------------------------------------------------------------------------- operations


def _operation(verb: Verb) -> dict[str, Any]:
    accepted = accepted_by(verb)
    told = (inspect.getdoc(verb.run) or "").split("\n", 1)
    named = re.findall(r"\{(\w+)\}", verb.path)
    found: dict[str, Any] = {
        "operationId": re.sub(r"\W+", "_", f"{verb.method.lower()}{verb.path}").strip("_"),
        "tags": [_noun(verb)],
        "summary": _sentence(verb),
        "parameters": [{"name": name, "in": "path", "required": True, "schema": TEXT} for name in named],
        "responses": _responses(verb, bool(named)),
    }
    if len(told) > 1 and told[1].strip():
        found["description"] = told[1].strip()
    if verb.method == "POST":
        found["requestBody"] = {"content": _bodies(verb, accepted)}
    else:
        found["parameters"] += [*(_in_query(name, spec) for name, spec in accepted.items()), EXPAND]
    return found


def _noun(verb: Verb) -> str:
    """Return the noun of an operation: its own, or the one whose path it is below."""
    if verb.resource:
        return verb.resource.object
    below = [cls for cls in REGISTRY.values() if cls.path and f"{verb.path}/".startswith(f"{cls.path}/")]
    return below[0].object if below else verb.path.split("/")[2]


def _bodies(verb: Verb, accepted: Mapping[str, Field]) -> dict[str, Any]:
    if verb.raw:
        return {"application/json": {"schema": {}}}
    schema = _explained(hash_of(accepted), _docs(verb.params or verb.resource))
    required = {
        name: example_of(spec) for name, spec in accepted.items() if spec.required and spec.kind in PARSERS
    }
    body = {"schema": schema} | ({"example": required} if required else {})
    if verb.path.startswith("/v2/"):
        return {"application/json": body}
    schema["properties"]["expand"] = EXPAND["schema"] | {
        "description": "What to show whole: `expand[]=customer`."
    }
    nested = [name for name, spec in accepted.items() if spec.kind in NESTED]
    media = PARTS if any(spec.kind == "file" for spec in accepted.values()) else FORM
    return {media: body | {"encoding": {name: BRACKETS for name in [*nested, "expand"]}}}


def _responses(verb: Verb, named: bool) -> dict[str, Any]:
    answer: dict[str, Any] = {"schema": _result(verb)}
    if verb.resource and verb.resource.path and verb.kind in ("create", "retrieve", "update"):
        answer["example"] = example(verb.resource)
    can = {
        "400": True,  # unknown parameters are refused everywhere
        "401": True,
        "403": True,
        "402": inspect.isgeneratorfunction(verb.run) or verb.path in DECLINED,
        "404": named or verb.path in FOUND_NOTHING,
        "409": verb.method == "POST",
        "413": verb.method == "POST",
        "415": verb.raw,
        "429": verb.method != "GET",
    }
    refusals = {
        status: {"$ref": f"#/components/responses/{status}"} for status, happens in can.items() if happens
    }
    shown = {"application/json": answer}
    if inspect.signature(verb.run).return_annotation is Answer:  # a file, not an object
        shown = {"*/*": {"schema": SIMPLE["file"]}}
    return {"200": {"description": "OK", "content": shown}, **refusals}


def _sentence(verb: Verb) -> str:
    """Return the summary of an operation: the first line of its verb's docstring."""
    nouns = verb.resource.table.replace("_", " ") if verb.resource else ""
    usual = {"retrieve": f"Retrieve one of the {nouns}, by its id.", "list": f"List {nouns}, page by page."}
    return (inspect.getdoc(verb.run) or usual.get(verb.kind, "")).split("\n")[0]


def accepted_by(verb: Verb) -> Mapping[str, Field]:
    """Return the params of an operation, without the ids in its path and `expand`."""
    own = (
        {name: spec for name, spec in specs(verb.params).items() if spec.kind in PARSERS}
        if verb.params
        else {}
    )
    if verb.resource and verb.kind == "list":
        return {**own, **listing.accepted(verb.resource)}
    if verb.resource and verb.kind in ("create", "update") and not verb.params:
        return verb.resource.accepted(verb.kind)
    return own


def _in_query(name: str, spec: Field) -> dict[str, Any]:
    schema = {"anyOf": [SIMPLE["integer"], RANGE]} if spec.kind == "range" else schema_of(spec)
    nested = BRACKETS if spec.kind in NESTED else {}
    return {"name": name, "in": "query", "required": spec.required, "schema": schema, **nested}


# ------------------------------------------------------------------------------------- fields


def schema_of(spec: Field) -> Schema:
    """Return a field as JSON Schema, with its bounds."""
    schema: Schema = dict(SIMPLE.get(spec.kind, TEXT))
    if spec.kind == "choice":
        schema["enum"] = list(spec.choices)
    elif spec.kind in ("text", "ref") and spec.max is not None:
        schema["maxLength"] = spec.max
    elif spec.kind == "integer":
        bounds = (("minimum", spec.min), ("maximum", spec.max))
        schema |= {name: bound for name, bound in bounds if bound is not None}
    elif spec.kind == "ref" and spec.shape:  # an id, or a new object itself
        schema = {"anyOf": [TEXT, hash_of(specs(spec.shape))]}
    elif spec.kind == "hash":
        schema = hash_of(specs(spec.shape)) if spec.shape else {"type": "object"}
    elif spec.kind == "map":
        inner = hash_of(specs(spec.shape)) if spec.shape else TEXT
        schema = {"type": "object", "additionalProperties": inner}
    elif spec.kind == "array":
        item = (
            hash_of(specs(spec.shape))
            if spec.shape
            else schema_of(spec.item)
            if spec.item
            else {"type": "object"}
        )
        schema = {"type": "array", "items": item}
    elif spec.kind == "sublist":
        schema = _list_of(spec.to)
    elif spec.kind == "computed" and not spec.filter:
        schema = {}
    return schema


def hash_of(accepted: Mapping[str, Field]) -> Schema:
    known = {name: spec for name, spec in accepted.items() if spec.kind in PARSERS}
    required = [name for name, spec in known.items() if spec.required]
    properties = {name: schema_of(spec) for name, spec in known.items()}
    schema: Schema = {"type": "object", "properties": properties, "additionalProperties": False}
    return schema | ({"required": required} if required else {})


def _explained(schema: Schema, docs: Mapping[str, str]) -> Schema:
    """Return a schema with the descriptions that the source has below its fields."""
    properties = {
        name: inner | ({"description": docs[name]} if name in docs else {})
        for name, inner in schema["properties"].items()
    }
    return {**schema, "properties": properties}


def _docs(declares: type | None) -> dict[str, str]:
    """Return the strings that stand below fields in the source, by field name."""
    if declares is None:
        return {}
    body = ast.parse(textwrap.dedent(inspect.getsource(declares))).body[0]
    if not isinstance(body, ast.ClassDef):
        raise Inconsistent(f"The source of {declares} is no class.")
    found = {}
    for field, after in zip(body.body, body.body[1:], strict=False):
        said = after.value if isinstance(after, ast.Expr) else None
        text = said.value if isinstance(said, ast.Constant) else None
        if isinstance(field, ast.AnnAssign) and isinstance(text, str):
            found[ast.unparse(field.target)] = inspect.cleandoc(text).replace("\n", " ")
    return found


# ------------------------------------------------------------------------------------- objects


def _about(cls: type[Resource]) -> str:
    """Return the description of a noun: the first paragraph of its docstring."""
    return " ".join((inspect.getdoc(cls) or "").split("\n\n")[0].split())


def _object(cls: type[Resource]) -> Schema:
    shown = {name: _shown(spec) for name, spec in cls.specs.items() if not spec.hidden and not spec.order}
    own = {
        "id": TEXT,
        "object": {"const": cls.object},
        "created": SIMPLE["timestamp"],
        "livemode": SIMPLE["boolean"],
    }
    properties = {name: schema for name, schema in {**own, **shown}.items() if name not in cls.lacks}
    whole = _explained({"type": "object", "properties": properties}, _docs(cls))
    return {**whole, "description": _about(cls), "example": example(cls)}


def _shown(spec: Field) -> Schema:
    """Return the schema of a shown field: a ref may be expanded, and a field without default may be null."""
    if spec.kind == "computed":
        return {"const": spec.constant[0]} if spec.constant else {}
    schema = schema_of(spec)
    if spec.kind in ("hash", "array", "map") and spec.shape:
        inner = {name: _shown(field) for name, field in specs(spec.shape).items()}
        whole = {"type": "object", "properties": inner}
        around = {
            "array": {"type": "array", "items": whole},
            "map": {"type": "object", "additionalProperties": whole},
        }
        schema = around.get(spec.kind, whole)
    elif spec.kind == "array" and spec.item:
        schema = {"type": "array", "items": _shown(spec.item)}
    to = spec.to if spec.kind == "ref" else spec.refs if spec.kind == "text" else ""
    if to in REGISTRY and (REGISTRY[to].path or _reached(to)):
        return {"anyOf": [TEXT, {"$ref": f"#/components/schemas/{to}"}, {"type": "null"}]}
    if spec.stored and spec.nullable and isinstance(schema.get("type"), str):
        schema["type"] = [schema["type"], "null"]
        if "enum" in schema:
            schema["enum"] = [*schema["enum"], None]
    return schema


def _list_of(name: str) -> Schema:
    return _list_with({"type": "array", "items": {"$ref": f"#/components/schemas/{name}"}})


def _list_with(data: Schema) -> Schema:
    return {
        "type": "object",
        "properties": {"object": {"const": "list"}, "data": data, "has_more": SIMPLE["boolean"], "url": TEXT},
    }


def _result(verb: Verb) -> Schema:
    if verb.resource is None and verb.kind == "list":  # of a noun that is not there
        return _list_with({"type": "array", "maxItems": 0})
    if verb.resource is None or not verb.resource.path:
        return {"type": "object"}
    if verb.kind == "list":
        return _list_of(verb.resource.object)
    if verb.kind == "search":
        found = _list_of(verb.resource.object)
        more = {"object": {"const": "search_result"}, "next_page": {"type": ["string", "null"]}}
        return {**found, "properties": {**found["properties"], **more, "total_count": SIMPLE["integer"]}}
    if verb.kind == "delete":
        stub = {"id": TEXT, "object": {"const": verb.resource.object}, "deleted": SIMPLE["boolean"]}
        return {"anyOf": [{"type": "object", "properties": stub}, _ref(verb.resource)]}
    return _ref(verb.resource) if verb.kind in ("create", "retrieve", "update") else {"type": "object"}


def _ref(cls: type[Resource]) -> Schema:
    return {"$ref": f"#/components/schemas/{cls.object}"}


# ------------------------------------------------------------------------------------- examples

INSTANT = 1798761600  # the first second of 2027
NAMED = {
    "email": "ann@example.com",
    "name": "Ann Example",
    "country": "CH",
    "url": "https://example.com/",
    "number": "EXAMPLE-0001",
    "phone": "+41 44 000 00 00",
}
KINDS: dict[str, Any] = {
    "integer": 1000,
    "boolean": True,
    "number": 12.5,
    "decimal": "12.5",
    "timestamp": INSTANT,
    "currency": "usd",
    "metadata": {"order": "6735"},
    "map": {},
    "document": {},
}


def example(cls: type[Resource]) -> dict[str, Any]:
    """Make an example of an object, with its required and default values, and null for the rest."""
    own = {"created": INSTANT, "livemode": False}
    shown = {
        name: _example_shown(spec)
        for name, spec in cls.specs.items()
        if not (spec.hidden or spec.order or spec.include)
    }
    fields = sorted({**own, **shown}.items())
    return {
        "id": _example_id(cls),
        "object": cls.object,
        **{name: value for name, value in fields if name not in (*cls.lacks, "id")},
    }


def _example_id(cls: type[Resource]) -> str:
    return f"{cls.prefix}0TsExample"


def _example_shown(spec: Field) -> Any:
    if spec.kind == "computed":
        return spec.constant[0] if spec.constant else spec.default
    if spec.kind == "sublist":
        return {"object": "list", "data": [], "has_more": False, "url": spec.url.format(id="…")}
    if spec.required or spec.kind in ("metadata", "currency") or spec.name in NAMED:
        return example_of(spec)
    return spec.show(spec.default) if not isinstance(spec.default, dict | list) else spec.default


def example_of(spec: Field) -> Any:
    """Return a value that the field accepts."""
    if spec.kind == "choice":
        return spec.choices[0]
    if spec.kind == "ref":
        return _example_id(REGISTRY[spec.to]) if spec.to in REGISTRY else "…"
    if spec.kind == "hash":
        return _example_hash(spec.shape) if spec.shape else {}
    if spec.kind == "array":
        inner = _example_hash(spec.shape) if spec.shape else example_of(spec.item) if spec.item else "…"
        return [inner]
    if spec.kind in KINDS:
        value = KINDS[spec.kind]
        return min(value, int(spec.max)) if spec.kind == "integer" and spec.max is not None else value
    return NAMED.get(spec.name, f"{spec.name.replace('_', ' ')}…"[: int(spec.max or 5000)])


def _example_hash(shape: type) -> dict[str, Any]:
    return {name: example_of(spec) for name, spec in specs(shape).items() if spec.required}
