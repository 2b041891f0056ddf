"""Allow webhooks to public addresses over TLS and to networks that the operator allows; block all others.

The name is resolved once, each of its addresses must be allowed, and the connection is made to an address
that was checked: changing the name in between has no effect.
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
"""The global unicast addresses of IPv6 (RFC 4291 §2.4 and IANA's list); without `fec0::/10`, for one."""
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
        "2002::/16",  # 6to4; the IPv4 address in it is checked instead
        "3fff::/20",  # documentation
    )
]
"""The networks that IANA's special-purpose registries list as not globally reachable, and multicast.

They are listed here because `ipaddress` changes what it calls global from one Python to the next. A few
addresses in them are reachable (192.0.0.9, 2001:1::1), but no receiver of webhooks has one.
"""


class Blocked(Unavailable):
    """Raised for a delivery that is not allowed; callers treat it as one that did not arrive."""


def resolved(host: str, port: int) -> list[str]:
    """Resolve a name to all its addresses."""
    try:
        return [str(found[4][0]) for found in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
    except (OSError, UnicodeError) as error:
        raise Blocked(f"{host} has no address: {error}") from error


@dataclass(frozen=True, slots=True)
class Egress:
    """Posts to allowed URLs. In the networks `allowed`, http and any port are allowed too."""

    allowed: Sequence[Network] = ()
    resolve: Callable[[str, int], list[str]] = resolved

    def check(self, url: str) -> Target:
        """Return the target to connect to; raise Blocked if the URL is not allowed."""
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
        """Yield a function that posts to a URL and returns the status, over connections that are kept."""
        line = Line(self.check)
        try:
            yield line.post
        finally:
            line.close()


def judged(text: str) -> Address:
    """Parse an address, and unwrap an IPv4 address that is embedded in IPv6."""
    address = ipaddress.ip_address(text.split("%")[0])
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address in NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or address


def is_public(address: Address) -> bool:
    """Return whether an address is globally reachable, so that it is not in a private network."""
    if isinstance(address, ipaddress.IPv6Address) and address not in UNICAST:
        return False
    return not any(address.version == network.version and address in network for network in SPECIAL)
