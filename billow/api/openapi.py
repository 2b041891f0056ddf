"""What can this server do? The OpenAPI description, derived from the declarations."""

import inspect
import re
from collections.abc import Mapping, Sequence
from typing import Any

from billow.api import listing
from billow.api.fields import Field
from billow.api.params import PARSERS, specs
from billow.api.resource import REGISTRY, Resource, Verb
from billow.store.outbox import API_VERSION

Schema = dict[str, Any]
SIMPLE: dict[str, Schema] = {
    "integer": {"type": "integer"}, "boolean": {"type": "boolean"}, "number": {"type": "number"},
    "decimal": {"type": "string", "format": "decimal"}, "timestamp": {"type": "integer",
    "format": "unix-time"},
    "metadata": {"type": "object", "additionalProperties": {"type": "string"}},
    "document": {"type": "object"},
}  # fmt: skip
RANGE = {"type": "object", "properties": {sign: SIMPLE["integer"] for sign in listing.RANGE}}
EXPAND = {"name": "expand", "in": "query", "style": "deepObject", "explode": True,
          "schema": {"type": "array", "items": {"type": "string"}}}  # fmt: skip
ERROR = {"description": "Refused", "content": {"application/json": {"schema": {
    "type": "object", "properties": {"error": {"type": "object", "properties": {
        name: {"type": "string"} for name in ("type", "code", "message", "param", "doc_url",
        "decline_code")}}}}}}}  # fmt: skip


def describe(verbs: Sequence[Verb]) -> dict[str, Any]:
    paths: dict[str, dict[str, Any]] = {}
    for verb in sorted(verbs, key=lambda verb: (verb.path, verb.method)):
        paths.setdefault(verb.path, {})[verb.method.lower()] = _operation(verb)
    return {"openapi": "3.1.0", "info": {"title": "billow", "version": API_VERSION, "description":
            "Cloud billing that speaks Stripe's API."}, "paths": paths, "components": {"schemas": {name:
            _object(cls) for name, cls in sorted(REGISTRY.items()) if cls.path}, "securitySchemes": {"key":
            {"type": "http", "scheme": "bearer"}}}, "security": [{"key": []}]}  # fmt: skip


def _operation(verb: Verb) -> dict[str, Any]:
    accepted = _accepted(verb)
    in_path = [{"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
               for name in re.findall(r"\{(\w+)\}", verb.path)]  # fmt: skip
    found: dict[str, Any] = {
        "operationId": re.sub(r"\W+", "_", f"{verb.method.lower()}{verb.path}").strip("_"),
        "summary": _sentence(verb),
        "parameters": in_path,
        "responses": {"200": {"description": "OK",
        "content": {"application/json": {"schema": _result(verb)}}},
                      "4XX": ERROR},
    }  # fmt: skip
    if verb.method == "POST":
        media = ("application/json" if verb.path.startswith("/v2/") or verb.raw else
                 "application/x-www-form-urlencoded")  # fmt: skip
        found["requestBody"] = {"content": {media: {"schema": {} if verb.raw else hash_of(accepted)}}}
    else:
        found["parameters"] = [*in_path, *(_in_query(name, spec) for name, spec in accepted.items()), EXPAND]
    return found


def _sentence(verb: Verb) -> str:
    nouns = verb.resource.table.replace("_", " ") if verb.resource else ""
    usual = {"retrieve": f"One of the {nouns}, by its id.", "list": f"{nouns.capitalize()}, page by page."}
    return (inspect.getdoc(verb.run) or usual.get(verb.kind, "")).split("\n")[0]


def _accepted(verb: Verb) -> Mapping[str, Field]:
    own = ({name: spec for name, spec in specs(verb.params).items() if spec.kind in PARSERS} if verb.params
           else {})  # fmt: skip
    if verb.resource and verb.kind == "list":
        return {**own, **listing.accepted(verb.resource)}
    if verb.resource and verb.kind in ("create", "update") and not verb.params:
        return verb.resource.accepted(verb.kind)
    return own


def _in_query(name: str, spec: Field) -> dict[str, Any]:
    schema = {"anyOf": [SIMPLE["integer"], RANGE]} if spec.kind == "timestamp" else schema_of(spec)
    return {"name": name, "in": "query", "required": spec.required, "schema": schema} | (
        {"style": "deepObject", "explode": True} if spec.kind in ("hash", "array", "timestamp") else {}
    )


def schema_of(spec: Field) -> Schema:
    """A field as JSON Schema, with its bounds."""
    schema: Schema = dict(SIMPLE.get(spec.kind, {"type": "string"}))
    if spec.kind == "choice":
        schema["enum"] = list(spec.choices)
    elif spec.kind in ("text", "ref") and spec.max is not None:
        schema["maxLength"] = spec.max
    elif spec.kind == "integer":
        schema |= {
            name: bound for name, bound in (("minimum", spec.min), ("maximum", spec.max)) if bound is not None
        }
    elif spec.kind == "hash":
        schema = hash_of(specs(spec.shape)) if spec.shape else {"type": "object"}
    elif spec.kind == "map":
        inner = hash_of(specs(spec.shape)) if spec.shape else {"type": "string"}
        schema = {"type": "object", "additionalProperties": inner}
    elif spec.kind == "array":
        item = (hash_of(specs(spec.shape)) if spec.shape else schema_of(spec.item) if spec.item else {"type":
                "object"})  # fmt: skip
        schema = {"type": "array", "items": item}
    elif spec.kind == "sublist":
        schema = _list_of(spec.to)
    return schema | ({"description": spec.doc} if spec.doc else {})


def hash_of(accepted: Mapping[str, Field]) -> Schema:
    known = {name: spec for name, spec in accepted.items() if spec.kind in PARSERS}
    required = [name for name, spec in known.items() if spec.required]
    schema: Schema = {"type": "object", "properties": {name: schema_of(spec) for name, spec in known.items()}}
    return schema | ({"required": required} if required else {})


def _object(cls: type[Resource]) -> Schema:
    shown = {name: schema_of(spec) if spec.kind != "computed" else {} for name, spec in cls.specs.items()
             if not spec.hidden and not spec.order}  # fmt: skip
    own = {"id": {"type": "string"}, "object": {"const": cls.object}, "created": SIMPLE["integer"],
           "livemode": SIMPLE["boolean"]}  # fmt: skip
    properties = {name: schema for name, schema in {**own, **shown}.items() if name not in cls.lacks}
    return {"type": "object", "description": (cls.__doc__ or "").split("\n")[0], "properties": properties}


def _list_of(name: str) -> Schema:
    return {"type": "object", "properties": {
        "object": {"const": "list"}, "data": {"type": "array",
        "items": {"$ref": f"#/components/schemas/{name}"}},
        "has_more": SIMPLE["boolean"], "url": {"type": "string"}}}  # fmt: skip


def _result(verb: Verb) -> Schema:
    if verb.resource is None:
        return {"type": "object"}
    if verb.kind == "list":
        return _list_of(verb.resource.object)
    return (
        {"$ref": f"#/components/schemas/{verb.resource.object}"} if verb.resource.path else {"type": "object"}
    )
