"""Keep a reserve of free disk for the embedded PostgreSQL, which stops when its disk is full."""

import logging
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

from billow.core.errors import Refused

log = logging.getLogger("billow.disk")

LOOK_SECONDS = 1.0
"""How long an answer of the file system is believed."""
MB = 1 << 20


def free_bytes(folder: Path) -> int:
    """Return how many bytes users other than root can still write; PostgreSQL never runs as root."""
    found = os.statvfs(folder)
    return found.f_bavail * found.f_frsize


class Disk:
    """The file system of the database's folder; without a folder or a reserve it never runs low."""

    def __init__(
        self, folder: Path | None = None, reserve_mb: int = 0, free: Callable[[Path], int] = free_bytes
    ) -> None:
        self._folder, self._reserve, self._free = folder if reserve_mb else None, reserve_mb * MB, free
        self._lock = threading.Lock()
        self._looked_at = float("-inf")
        self._low: str | None = None

    def low(self) -> str | None:
        """Return why nothing may be written now, or None where there is enough space."""
        if self._folder is None:
            return None
        with self._lock:
            now = time.monotonic()
            if now - self._looked_at >= LOOK_SECONDS:
                self._looked_at = now
                self._look(self._folder)
            return self._low

    def require_space(self) -> None:
        """Refuse to write while the disk is low."""
        if reason := self.low():
            raise Refused(reason, status=503, type="api_error")

    def _look(self, folder: Path) -> None:
        try:
            free = self._free(folder)
        except OSError as error:
            log.error("the free space of %s cannot be read: %s", folder, error)
            return
        before = self._low
        self._low = None
        if free < self._reserve:
            self._low = (
                f"The database's disk has {free // MB} MB left, less than the reserve of"
                f" {self._reserve // MB} MB: writing is paused, reading goes on."
            )
        if self._low and not before:
            log.error("%s", self._low)
        elif before and not self._low:
            log.warning("the database's disk has %s MB left again: writing goes on", free // MB)
