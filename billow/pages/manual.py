"""Serve the API description as pages to read: `/docs`, and `/docs/<noun>` for each noun."""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import flask
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none';"
    " form-action 'self'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}
CODE = re.compile("`([^`]+)`")
PAGES = Environment(
    loader=PackageLoader("billow", "pages"),
    autoescape=True,
    trim_blocks=True,
    lstrip_blocks=True,
    undefined=StrictUndefined,
)


def marked(text: str) -> Markup:
    """Mark text between backticks as code."""
    return Markup(CODE.sub(r"<code>\1</code>", str(escape(text))))


PAGES.filters["marked"] = marked


class Row(NamedTuple):
    """A param or field, at any depth: `items[][price]`."""

    name: str
    kind: str
    required: bool
    about: str


class Operation(NamedTuple):
    method: str
    path: str
    anchor: str
    tag: str
    summary: str
    about: str
    takes: list[Row]
    call: str
    refusals: list[tuple[str, str]]


def add(app: flask.Flask, whole: Callable[[], dict[str, Any]], base_url: str) -> None:
    """Add the pages. They load nothing from other servers and have no script."""

    def overview() -> flask.Response:
        wanted = flask.request.args.get("q", "")[:100].strip()
        return _page(whole(), base_url, None, wanted)

    def noun(tag: str) -> flask.Response:
        known = {entry["name"] for entry in whole()["tags"]} | {one.tag for one in operations(whole())}
        if tag not in known:
            return flask.Response("There is no such page.", 404, HEADERS, mimetype="text/plain")
        return _page(whole(), base_url, tag, "")

    app.add_url_rule("/docs", "docs", overview)
    app.add_url_rule("/docs/<tag>", "docs of a noun", noun)


def _page(page: dict[str, Any], base_url: str, tag: str | None, wanted: str) -> flask.Response:
    every = operations(page, base_url)
    schema = page["components"]["schemas"].get(tag)
    words = wanted.lower().split()
    shown = [one for one in every if one.tag == tag or (tag is None and _says(one, words))]
    body = PAGES.get_template("manual.html").render(
        page=page,
        tag=tag,
        about=next((entry["description"] for entry in page["tags"] if entry["name"] == tag), ""),
        tags=sorted({one.tag for one in every}),
        operations=shown,
        many=len(every),
        fields=list(_rows(schema, "")) if schema else [],
        example=json.dumps(schema["example"], indent=2, ensure_ascii=False) if schema else "",
        wanted=wanted,
    )
    return flask.Response(body, mimetype="text/html", headers=HEADERS)


def _says(one: Operation, words: list[str]) -> bool:
    text = f"{one.method} {one.path} {one.summary} {' '.join(row.name for row in one.takes)}".lower()
    return all(word in text for word in words)


def operations(page: dict[str, Any], at: str = "") -> list[Operation]:
    """Return every operation; its example calls the server at `at`."""
    return [
        _operation(page, method, path, told, at)
        for path, methods in page["paths"].items()
        for method, told in methods.items()
    ]


def _operation(page: dict[str, Any], method: str, path: str, told: dict[str, Any], at: str) -> Operation:
    bodies = told.get("requestBody", {}).get("content", {})
    takes = [row for given in told["parameters"] for row in _parameter(given)]
    takes += [row for body in bodies.values() for row in _rows(body["schema"], "")]
    known = page["components"]["responses"]
    refusals = [(status, known[status]["description"]) for status in told["responses"] if status != "200"]
    return Operation(
        method.upper(),
        path,
        told["operationId"],
        told["tags"][0],
        told["summary"],
        told.get("description", ""),
        takes,
        _call(method.upper(), at + path, bodies),
        refusals,
    )


def _parameter(given: dict[str, Any]) -> Iterator[Row]:
    schema = given["schema"]
    yield Row(given["name"], _kind(schema), given.get("required", False), given.get("description", ""))
    yield from _rows(schema, given["name"])


def _rows(schema: dict[str, Any], at: str) -> Iterator[Row]:
    """Return the fields of a hash, at any depth, with the names by which they are sent."""
    inner = schema.get("items", schema)
    at = f"{at}[]" if inner is not schema and "properties" in inner else at
    if "const" in inner.get("properties", {}).get("object", {}) and at:
        return  # another object, which has its own page
    for name, below in inner.get("properties", {}).items():
        full = f"{at}[{name}]" if at else name
        required = name in inner.get("required", ())
        yield Row(full, _kind(below), required, below.get("description", ""))
        yield from _rows(below, full)


def _kind(schema: dict[str, Any]) -> str:
    """Describe a schema in a few words: `string, at most 5000`, `one of: day, week`."""
    if "enum" in schema:
        return "one of: " + ", ".join(str(value) for value in schema["enum"] if value is not None)
    if "$ref" in schema:
        return str(schema["$ref"]).rsplit("/", 1)[1].replace("_", " ")
    if "anyOf" in schema:
        kinds = [_kind(option) for option in schema["anyOf"]]
        return " or ".join(kind for kind in kinds if kind != "null")
    kind = schema.get("type", "any")
    names = [name for name in kind if name != "null"] if isinstance(kind, list) else [kind]
    nullable = ", or null" if isinstance(kind, list) else ""
    word = {"unix-time": "timestamp", "decimal": "decimal string"}.get(schema.get("format", ""), names[0])
    if word == "array":
        word = f"list of {_kind(schema.get('items', {}))}"
    word = "hash" if word == "object" else word
    longest = f", at most {schema['maxLength']} characters" if "maxLength" in schema else ""
    return (json.dumps(schema["const"]) if "const" in schema else word) + longest + nullable


def _call(method: str, path: str, bodies: dict[str, Any]) -> str:
    """Write an operation as a command, with its required params."""
    lines = [f"curl {path}", '-u "$KEY:"']
    if method == "DELETE":
        lines.insert(1, "-X DELETE")
    for body in bodies.values():
        sent = list(_pairs(body.get("example", {}), ""))
        lines += [f'-d "{name}={value}"' for name, value in sent] or (["-X POST"] if method == "POST" else [])
    return " \\\n  ".join(lines)


def _pairs(value: Any, at: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for name, below in value.items():
            yield from _pairs(below, f"{at}[{name}]" if at else name)
    elif isinstance(value, list):
        for place, below in enumerate(value):
            yield from _pairs(below, f"{at}[{place}]")
    else:
        yield at, str(value).lower() if isinstance(value, bool) else value
