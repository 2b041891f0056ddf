"""Hold what of a request decides its answer, however it came in."""

import io
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import IO, Any

from werkzeug import Request
from werkzeug.http import parse_options_header

from billow.store.ids import new_id
from billow.store.keys import Key

FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True)
class Received:
    """A request whose head is read; the names of its headers are in lower case."""

    method: str
    path: str
    query: bytes
    headers: Mapping[str, str]
    body: IO[bytes] = field(default_factory=io.BytesIO)
    length: int | None = None
    """How long the body is said to be; None where only its end tells."""
    key: Key | None = None
    """Whose request it is, where its key was judged already."""
    id: str = field(default_factory=lambda: new_id("req_"))

    def media(self) -> tuple[str, Mapping[str, str]]:
        """Return the type of the body in lower case, and the parameters of the type."""
        given = self.headers.get("content-type", "")
        if given == FORM:
            return FORM, {}
        media, params = parse_options_header(given)
        return media.lower(), params


def of_wsgi(request: Request) -> Received:
    """Return a request to the WSGI application, whose body is not read yet."""
    headers = {name.lower(): value for name, value in request.headers.items()}
    body: Any = request.stream
    return Received(request.method, request.path, request.query_string, headers, body, request.content_length)
