"""Read the parameters of a request: from its query, its form, its JSON, the parts of its upload."""

import gzip
import io
import urllib.parse
import zlib
from collections.abc import Mapping
from typing import Any

import msgspec
from werkzeug.exceptions import ClientDisconnected, RequestEntityTooLarge
from werkzeug.formparser import FormDataParser

from billow.api import params
from billow.api.limits import Memory, Share
from billow.api.operation import Raw
from billow.api.received import FORM, Received, readable
from billow.api.resource import Verb
from billow.core.errors import Refused, require

MAX_BODY = 1 << 20
MAX_BULK = 32 << 20
MAX_PARAMETERS = 10_000
MAX_VALUES = 1_000_000
"""Values that JSON in bulk may hold, at most: a hundred for each of ten thousand events."""
VALUE_BYTES = 200
"""What a decoded value takes in memory, at most, besides its text."""
PREAMBLE = 8192
"""Where the first part of an upload begins, at the latest."""
MEMORY = Memory(256 << 20)
"""What the bodies that this process is decoding may take together."""
PARTS = "multipart/form-data"
_STEP = 1 << 18


def sent(verb: Verb, request: Received, share: Share) -> dict[str, Any]:
    """Return the parameters: of the query for GET and DELETE, of the form (or JSON under /v2) for POST."""
    if request.method != "POST":
        return params.nested(_pairs(request.query)) if request.query else {}
    body = body_of(request, most_of(verb), share)
    if request.path.startswith("/v2/"):
        return params.read_object(_json(body or b"{}"))
    media, named = request.media()
    if media == PARTS and takes_files(verb):
        share.take(len(body))
        return params.nested(_parts(body, named))
    if body and media not in (FORM, ""):
        raise Refused(f"Invalid request: the body must be {FORM}, not {media}.")
    return params.nested(_pairs(request.query) + _pairs(body))


def raw(request: Received, share: Share) -> Raw:
    """Return the body as it came, for a verb that reads its own format; the number of values is limited."""
    body = body_of(request, MAX_BULK, share)
    values = body.count(b",") + body.count(b"[") + body.count(b"{") + body.count(b"\n") + body.count(b"\r")
    too_many = f"Invalid request: the body holds more than {MAX_VALUES} values."
    require(values <= MAX_VALUES, too_many, status=413)
    share.take(values * VALUE_BYTES)
    return Raw(body, request.media()[0], dict(reversed(_pairs(request.query))))


def takes_files(verb: Verb) -> bool:
    specs = params.specs(verb.params) if verb.params else {}
    return any(spec.kind == "file" for spec in specs.values())


def most_of(verb: Verb) -> int:
    """Return the largest number of bytes that the body of an operation may have."""
    return MAX_BULK if verb.raw or takes_files(verb) else MAX_BODY


def _json(body: bytes) -> Any:
    try:
        return msgspec.json.decode(body)
    except msgspec.DecodeError as error:
        raise Refused(f"Invalid JSON: {error}") from None
    except RecursionError:
        raise Refused("Invalid JSON: it is nested too deeply.") from None


def _pairs(form: bytes) -> list[tuple[str, str]]:
    if not form:
        return []
    most = f"Invalid request: at most {MAX_PARAMETERS} parameters can be sent."
    require(form.count(b"&") < MAX_PARAMETERS, most)
    try:
        return urllib.parse.parse_qsl(form.decode(), keep_blank_values=True, errors="strict")
    except ValueError:
        raise Refused("Invalid request: the parameters are not a form in UTF-8.") from None


def _parts(body: bytes, named: Mapping[str, str]) -> list[tuple[str, str | params.Upload]]:
    """Parse the parts of a multipart form; a part with a file name is a file.

    What stands before the first part is skipped here: the parser takes the square of its length.
    """
    first = body.find(b"--" + named.get("boundary", "").encode("latin-1", "replace"), 0, PREAMBLE)
    try:
        require(first >= 0, "Invalid request: the body is not a multipart form.")
        _, texts, files = FormDataParser(silent=False, max_form_parts=1000).parse(
            io.BytesIO(body[first:]), PARTS, len(body) - first, dict(named)
        )
    except (ValueError, RequestEntityTooLarge):
        raise Refused("Invalid request: the body is not a multipart form.") from None
    uploads = [(name, params.Upload(one.filename or "", one.read())) for name, one in files.items(multi=True)]
    return [*texts.items(multi=True), *uploads]


def body_of(request: Received, most: int, share: Share) -> bytes:
    """Decompress a body of at most so many bytes; a larger one is refused before it fills the memory.

    A body that ends before its Content-Length was cut off on its way, and nothing is done for it.
    """
    cut = "Invalid request: the body was cut off on its way; nothing was done."
    stream: Any = request.body
    coding = request.headers.get("content-encoding", "").lower()
    if coding == "gzip":
        stream = gzip.GzipFile(fileobj=stream)
    else:
        known = f"Invalid request: the Content-Encoding must be gzip, not {readable(coding)}."
        require(coding in ("", "identity"), known, status=415)
    parts: list[bytes] = []
    size = 0
    try:
        while piece := stream.read(min(_STEP, most + 1 - size)):
            share.take(len(piece))
            parts.append(piece)
            size += len(piece)
            require(size <= most, f"Invalid request: the body is larger than {most} bytes.", status=413)
    except ClientDisconnected:
        raise Refused(cut) from None
    except (OSError, EOFError, zlib.error) as error:
        raise Refused(f"Invalid request: the body is not valid gzip ({error}).") from None
    whole = stream is not request.body or request.length in (None, size)
    require(whole, cut)
    return b"".join(parts)
