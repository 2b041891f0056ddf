"""How are parameters read from a request: its query, its form, its JSON, the parts of its upload."""

import gzip
import io
import urllib.parse
from typing import Any

import flask
import msgspec
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.formparser import FormDataParser

from billow.api import params
from billow.api.resource import Verb
from billow.core.errors import Refused

MAX_BODY = 1 << 20
MAX_BULK = 32 << 20
FORM, PARTS = "application/x-www-form-urlencoded", "multipart/form-data"


def sent(verb: Verb) -> dict[str, Any]:
    """The parameters: of the query for GET and DELETE, of the form (or JSON under /v2) for POST."""
    request = flask.request
    if request.method != "POST":
        return params.nested(_pairs(request.query_string))
    files = verb.params and any(spec.kind == "file" for spec in params.specs(verb.params).values())
    body = body_of(MAX_BULK if files else MAX_BODY)
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


def body_of(most: int) -> bytes:
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
