"""Where may a webhook go: to public addresses over TLS, and to what the operator allows; nowhere else.

The name is resolved once, every address it has must be good, and the connection is made to the address that
was judged: a name that changes its mind between the two finds nobody listening.
"""

import ipaddress
import socket
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from billow.core import web_address
from billow.core.errors import Unavailable
from billow.providers.posting import Line, Post, Target

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

PORTS = (443, 8443)
NAT64 = ipaddress.ip_network("64:ff9b::/96")
UNICAST = ipaddress.ip_network("2000::/3")
"""All of IPv6 that is global unicast (RFC 4291 §2.4 and IANA's list); `fec0::/10`, for one, is outside."""
SPECIAL = [
    ipaddress.ip_network(text)
    for text in (
        "0.0.0.0/8",  # this network
        "10.0.0.0/8",  # private
        "100.64.0.0/10",  # shared by customers of a carrier
        "127.0.0.0/8",  # loopback
        "169.254.0.0/16",  # link-local, where clouds keep their metadata
        "172.16.0.0/12",  # private
        "192.0.0.0/24",  # IETF protocols
        "192.0.2.0/24",  # documentation
        "192.88.99.0/24",  # 6to4 relays, deprecated
        "192.168.0.0/16",  # private
        "198.18.0.0/15",  # benchmarks
        "198.51.100.0/24",  # documentation
        "203.0.113.0/24",  # documentation
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, and broadcast
        "2001::/23",  # IETF protocols: Teredo, benchmarks, ORCHID
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4; what it wraps is judged instead
        "3fff::/20",  # documentation
    )
]
"""What IANA's registries of special-purpose addresses call not globally reachable, and multicast.

Written down here, because what `ipaddress` calls global changes from one Python to the next. Some single
addresses inside are reachable (192.0.0.9, 2001:1::1); no receiver of webhooks is there.
"""


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

    def check(self, url: str) -> Target:
        """Where a connection may be made to; Blocked where none must be made."""
        try:
            parts = web_address.split(web_address.encoded(url))
        except ValueError as error:
            raise Blocked(f"{url} is no URL to send to: {error}") from error
        secure, host = parts.scheme == "https", parts.hostname or ""
        port = parts.port or (443 if secure else 80)
        addresses = self.resolve(host, port)
        private = bool(addresses) and all(self._is_allowed(judged(text)) for text in addresses)
        public = secure and port in PORTS and all(is_public(judged(text)) for text in addresses)
        if not addresses or not (private or public):
            raise Blocked(f"{host}:{port} is not a public address that answers over TLS")
        return Target(secure, host, port, addresses[0])

    def _is_allowed(self, address: Address) -> bool:
        return any(address.version == network.version and address in network for network in self.allowed)

    @asynccontextmanager
    async def posting(self) -> AsyncIterator[Post]:
        """What posts to a URL and tells the status, on connections that are kept until the end."""
        line = Line(self.check)
        try:
            yield line.post
        finally:
            line.close()


def judged(text: str) -> Address:
    """The address that is really meant: what IPv6 wraps of IPv4 is unwrapped first."""
    address = ipaddress.ip_address(text.split("%")[0])
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address in NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or address


def is_public(address: Address) -> bool:
    """Whether anybody may be there who is not one of us."""
    if isinstance(address, ipaddress.IPv6Address) and address not in UNICAST:
        return False
    return not any(address.version == network.version and address in network for network in SPECIAL)
