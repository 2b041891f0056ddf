"""How often may a key ask: a bucket of tokens per key in each process, which fills at so many a second."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from billow.store.keys import Key

KNOWN = 10_000
"""Keys that are remembered; a key that is forgotten begins with a full bucket."""


@dataclass
class Limits:
    """Requests a second for keys of each mode, and at most one second's worth at once; 0 is no limit."""

    live: int = 0
    test: int = 0
    clock: Callable[[], float] = time.monotonic
    _buckets: dict[str, tuple[float, float]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def wait(self, key: Key) -> float:
        """Take a token: 0, or in how many seconds there will be one."""
        rate = self.live if key.tenant.endswith("/live") else self.test
        if not rate:
            return 0.0
        with self._lock:
            now = self.clock()
            left, then = self._buckets.get(key.id, (float(rate), now))
            left = min(float(rate), left + (now - then) * rate)
            if len(self._buckets) >= KNOWN:
                self._buckets.clear()
            taken = left >= 1
            self._buckets[key.id] = (left - 1 if taken else left, now)
            return 0.0 if taken else (1 - left) / rate
