"""Hold what of a request decides its answer, however it came in."""

import io
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import IO, Any

from werkzeug import Request
from werkzeug.http import parse_options_header

from billow.core.errors import Refused
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

    def idempotency_key(self) -> str | None:
        """Return the idempotency key; None without one. A header that is there and empty is refused.

        Carried out as a request without a key, a retry of it would be carried out twice.
        """
        given = self.headers.get("idempotency-key")
        if given is None:
            return None
        if not given.strip():
            raise Refused(
                "The Idempotency-Key header is empty. Send a key of 1 to 255 characters, or leave it out.",
                type="idempotency_error",
            )
        return readable(given)

    def named_account(self) -> str | None:
        """Return the account that the request is for, if it names one; refuse one that names two."""
        names = ("stripe-account", "stripe-context")
        given = {self.headers[name] for name in names if name in self.headers}
        if len(given) > 1:
            raise no_access(next(iter(sorted(given))))
        return next(iter(given), None)

    def media(self) -> tuple[str, Mapping[str, str]]:
        """Return the type of the body in lower case, and the parameters of the type."""
        given = self.headers.get("content-type", "")
        if given == FORM:
            return FORM, {}
        media, params = parse_options_header(given)
        return media.lower(), params


def no_access(account: str) -> Refused:
    """Return the error of a key that may not act for an account, whether there is that account or not."""
    return Refused(
        f"The provided key does not have access to account '{readable(account)}' (or that account"
        " does not exist).",
        status=403,
        code="account_invalid",
    )


def readable(value: str) -> str:
    """Return the value of a header in the encoding in which it was sent: UTF-8 if it is that, or Latin-1.

    HTTP defines none beyond ASCII (RFC 9110, 5.5), so that clients differ: `ä` comes as one byte or as two.
    """
    try:
        return value.encode("latin-1").decode()
    except UnicodeError:
        return value


def of_wsgi(request: Request) -> Received:
    """Return a request to the WSGI application, whose body is not read yet."""
    headers = {name.lower(): value for name, value in request.headers.items()}
    body: Any = request.stream
    return Received(request.method, request.path, request.query_string, headers, body, request.content_length)
