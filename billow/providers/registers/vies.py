"""Look up European VAT numbers in VIES, the register of the European Commission, over its REST interface."""

import http.client
import json
import socket
import ssl
from collections.abc import Callable
from typing import Any

from billow.core.errors import Unavailable
from billow.providers.posting import Target
from billow.providers.registers import Entry

URL = "https://ec.europa.eu/taxation_customs/vies/rest-api/check-vat-number"
SECONDS = 15.0
ANSWER = 64 << 10
"""The most bytes of an answer that are read."""
HIDDEN = "---"
"""What stands for a name or address that a member state does not show."""


class Vies:
    """Asks VIES about one number at a time; `check` allows and resolves the address, as for webhooks."""

    def __init__(self, check: Callable[[str], Target], url: str = URL) -> None:
        self._check, self._url = check, url

    def look_up(self, country: str, number: str) -> Entry:
        """Look up a number. A member state whose own register does not answer is asked again later."""
        sent = json.dumps({"countryCode": country, "vatNumber": number})
        try:
            status, body = self._posted(sent.encode())
        except (OSError, http.client.HTTPException) as error:
            raise Unavailable(f"VIES does not answer: {error}") from error
        return entry_of(status, body)

    def _posted(self, body: bytes) -> tuple[int, bytes]:
        target = self._check(self._url)
        path = self._url.split("/", 3)[3]
        with socket.create_connection((target.address, target.port), SECONDS) as plain:
            line = _secured(plain, target.host) if target.secure else plain
            connection = http.client.HTTPConnection(target.host, target.port, timeout=SECONDS)
            connection.sock = line
            try:
                headers = {"Content-Type": "application/json", "Accept": "application/json"}
                connection.request("POST", f"/{path}", body, headers)
                answer = connection.getresponse()
                return answer.status, answer.read(ANSWER)
            finally:
                connection.close()


def _secured(plain: socket.socket, host: str) -> ssl.SSLSocket:
    return ssl.create_default_context().wrap_socket(plain, server_hostname=host)


def entry_of(status: int, body: bytes) -> Entry:
    """Read an answer of VIES; raise Unavailable for one that says neither yes nor no.

    >>> entry_of(200, b'{"valid": true, "name": "ACME GMBH", "address": "---"}')
    Entry(registered=True, name='ACME GMBH', address=None)
    """
    try:
        said: Any = json.loads(body)
    except ValueError:
        said = None
    if status != 200 or not isinstance(said, dict) or not isinstance(said.get("valid"), bool):
        raise Unavailable(f"VIES answered {status} and not whether the number is registered: {reason(said)}")
    return Entry(said["valid"], _text(said.get("name")), _text(said.get("address")))


def reason(said: Any) -> str:
    """Return the error codes of an answer, such as MS_UNAVAILABLE."""
    wrapped = said.get("errorWrappers") if isinstance(said, dict) else None
    codes = [str(one.get("error")) for one in wrapped or [] if isinstance(one, dict)]
    return ", ".join(codes) or "no reason"


def _text(value: Any) -> str | None:
    text = str(value or "").strip()
    return None if text in ("", HIDDEN) else text[:1000]
