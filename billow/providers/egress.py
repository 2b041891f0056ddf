"""Where may a webhook go: to public addresses over TLS, and to what the operator allows; nowhere else.

The name is resolved once, every address it has must be good, and the connection is made to the address that
was judged: a name that changes its mind between the two finds nobody listening (standards §10.3).
"""

import http.client
import ipaddress
import socket
import ssl
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from billow.core.errors import Unavailable

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

PORTS = (443, 8443)
SECONDS = 15.0
READ = 64 << 10
"""How much of an answer is read; its status is all that we want."""
NAT64 = ipaddress.ip_network("64:ff9b::/96")


class Blocked(Unavailable):
    """A delivery that must not be made; for the caller it is one that did not arrive."""


def resolved(host: str, port: int) -> list[str]:
    """Every address of a name."""
    try:
        return [str(found[4][0]) for found in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
    except (OSError, UnicodeError) as error:
        raise Blocked(f"{host} has no address: {error}") from error


@dataclass(frozen=True, slots=True)
class Egress:
    """Posts to URLs that pass. `allowed` are networks on which anything goes, http and odd ports included."""

    allowed: Sequence[Network] = ()
    resolve: Callable[[str, int], list[str]] = resolved

    def check(self, url: str) -> tuple[SplitResult, int, str]:
        """The parts of the URL, the port, and the address to connect to; Blocked where it must not be."""
        try:
            parts = urlsplit(url)
            port = parts.port or (80 if parts.scheme == "http" else 443)
        except ValueError as error:
            raise Blocked(f"{url} is no URL: {error}") from error
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.password:
            raise Blocked(f"{url} must be a plain http or https URL")
        addresses = self.resolve(parts.hostname, port)
        private = bool(addresses) and all(self._is_allowed(judged(text)) for text in addresses)
        public = (
            parts.scheme == "https" and port in PORTS and all(is_public(judged(text)) for text in addresses)
        )
        if not addresses or not (private or public):
            raise Blocked(f"{parts.hostname}:{port} is not a public address that answers over TLS")
        return parts, port, addresses[0]

    def _is_allowed(self, address: Address) -> bool:
        return any(address.version == network.version and address in network for network in self.allowed)

    def post(self, url: str, headers: dict[str, str], body: bytes) -> int:
        """The status of the answer. Redirects are not followed; all of it takes 15 seconds at the most."""
        parts, port, address = self.check(url)
        deadline = time.monotonic() + SECONDS
        connection = Pinned(parts, port, address)
        try:
            target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
            connection.request("POST", target, body, headers)
            answer = connection.getresponse()
            read = 0
            while read < READ and time.monotonic() < deadline and (block := answer.read1(8192)):
                read += len(block)
            return answer.status
        except (OSError, http.client.HTTPException) as error:
            raise Unavailable(f"{url} did not answer: {error}") from error
        finally:
            connection.close()


class Pinned(http.client.HTTPConnection):
    """A connection to an address that was judged, under the name that was asked for."""

    def __init__(self, parts: SplitResult, port: int, address: str) -> None:
        super().__init__(parts.hostname or "", port, timeout=SECONDS)
        self.address, self.secure = address, parts.scheme == "https"

    def connect(self) -> None:
        plain = socket.create_connection((self.address, self.port), SECONDS)
        context = ssl.create_default_context()
        self.sock = context.wrap_socket(plain, server_hostname=self.host) if self.secure else plain


def judged(text: str) -> Address:
    """The address that is really meant: what IPv6 wraps of IPv4 is unwrapped first."""
    address = ipaddress.ip_address(text.split("%")[0])
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address in NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    teredo = address.teredo
    return address.ipv4_mapped or address.sixtofour or (teredo[1] if teredo else address)


def is_public(address: Address) -> bool:
    return address.is_global and not address.is_multicast and not address.is_reserved
