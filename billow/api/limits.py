"""Limit how many requests an account, or an address without a known key, makes, and the memory of bodies."""

import math
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from ipaddress import IPv6Address, ip_address
from typing import Any, Self

from billow.core.errors import Refused
from billow.store.keys import Key

KNOWN = 10_000
"""Buckets that are kept; the one used longest ago is forgotten first, and counts as full."""


@dataclass
class Buckets:
    """A bucket of tokens for each name, which holds one second's worth and fills steadily."""

    clock: Callable[[], float] = time.monotonic
    _levels: dict[str, tuple[float, float]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def wait(self, name: str, rate: int) -> float:
        """Take a token: 0, or in how many seconds there will be one."""
        with self._lock:
            now = self.clock()
            left, then = self._levels.pop(name, (float(rate), now))
            left = min(float(rate), left + (now - then) * rate)
            self._levels[name] = (left - 1 if left >= 1 else left, now)
            if len(self._levels) > KNOWN:
                del self._levels[next(iter(self._levels))]
            return 0.0 if left >= 1 else (1 - left) / rate

    def give_back(self, name: str) -> None:
        """Put back a token that was taken for nothing."""
        with self._lock:
            left, then = self._levels.get(name, (0.0, self.clock()))
            self._levels[name] = (left + 1, then)


@dataclass
class Limits:
    """Requests a second of an account in each mode, whichever of its keys it uses; 0 is no limit."""

    live: int = 0
    test: int = 0
    clock: Callable[[], float] = time.monotonic

    def __post_init__(self) -> None:
        self._buckets = Buckets(self.clock)

    def wait(self, key: Key) -> float:
        """Take a token of the key's account: 0, or in how many seconds there will be one."""
        rate = self.live if key.tenant.endswith("/live") else self.test
        return self._buckets.wait(key.tenant, rate) if rate else 0.0


@dataclass
class Addresses:
    """Requests a second without a known key, for each address they come from; 0 is no limit."""

    rate: int
    clock: Callable[[], float] = time.monotonic

    def __post_init__(self) -> None:
        self._buckets = Buckets(self.clock)

    def wait(self, address: str) -> float:
        """Take a token: 0, or in how many seconds there will be one."""
        return self._buckets.wait(network_of(address), self.rate) if self.rate else 0.0

    def give_back(self, address: str) -> None:
        """Put back the token of a request whose key turned out to be known."""
        self._buckets.give_back(network_of(address))


def network_of(address: str) -> str:
    """Return what is counted together: an IPv4 address, or the /64 network that one IPv6 customer has."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped is None:
        return parsed.exploded[:19]
    return address


class Memory:
    """Bytes that all requests of this process may hold at once; one that needs more is refused for now."""

    def __init__(self, most: int) -> None:
        self.most, self._taken, self._lock = most, 0, threading.Lock()

    def share(self) -> "Share":
        """Return one request's share of it, which is given back at the end of a `with` block."""
        return Share(self)

    def take(self, count: int) -> None:
        with self._lock:
            if self._taken + count > self.most:
                raise busy()
            self._taken += count

    def give_back(self, count: int) -> None:
        with self._lock:
            self._taken -= count


class Share:
    """The bytes that one request holds."""

    def __init__(self, memory: Memory) -> None:
        self._memory, self.taken = memory, 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        if self.taken:
            self.give_back()

    def take(self, count: int) -> None:
        """Hold so many bytes more; refused with 503 when there is no room for them now."""
        self._memory.take(count)
        self.taken += count

    def give_back(self) -> None:
        self._memory.give_back(self.taken)
        self.taken = 0


class Later(Refused):
    """A refusal of a request that nothing was done for; its headers say when to send it again."""

    def __init__(self, message: str, seconds: float, status: int, headers: Mapping[str, str], **more: Any):
        super().__init__(message, status=status, **more)
        self.headers = {"Retry-After": str(math.ceil(seconds)), **headers}


def too_many(seconds: float, reason: str = "global-rate") -> Later:
    return Later(
        "Request rate limit exceeded. You can learn more about rate limits in docs/reference/settings.md.",
        seconds,
        429,
        {"Stripe-Rate-Limited-Reason": reason},
        code="rate_limit",
    )


def busy() -> Later:
    message = "The server is busy; nothing was changed. Please try again."
    return Later(message, 1, 503, {}, type="api_error", retry=True)
