"""Write output and logs of a serving process without ever waiting for their reader.

A pipe that is not read, a stopped terminal or a slow disk blocks every writer. So standard output and
standard error are replaced: entries wait in a bounded queue for a thread, which alone writes them. When the
queue is full, further entries are dropped and counted, and the number is written in their place.
"""

import atexit
import io
import logging
import os
import queue
import select
import sys
import threading
import time
from typing import TextIO

FORMAT = "%(asctime)s %(levelname)s %(name)s %(message)s"
"""The format of a line of the log."""
MOST = 2000
"""Entries that wait to be written; an entry is a line of the log with its traceback, if it has one."""
PATIENCE = 2.0
"""Seconds that the end of a process waits until its last entries are written."""
NAME, NOTE = "billow.log", "%s entries of the log were dropped: they could not be written"
_writers: dict[int, "Writer"] = {}


def detach() -> None:
    """Replace standard output and standard error, for as long as the process lives."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if has_descriptor(stream) and not isinstance(stream, Detached):
            setattr(sys, name, Detached(stream))
    atexit.register(_attach)


def has_descriptor(stream: TextIO | None) -> bool:
    """Return whether a stream has a file descriptor; one in memory never blocks, a closed one is None."""
    try:
        return stream is not None and stream.fileno() >= 0
    except io.UnsupportedOperation:
        return False


def dropped() -> int:
    """Return how many entries this process has dropped."""
    return sum(writer.dropped for writer in _writers.values())


def _attach() -> None:
    """Write queued entries, for a bounded time; restore the streams if that succeeds."""
    deadline = time.monotonic() + PATIENCE
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if isinstance(stream, Detached) and stream.written(deadline - time.monotonic()):
            setattr(sys, name, stream.original)


class Detached(io.TextIOBase):
    """Replaces a stream: takes whole lines, and returns at once."""

    def __init__(self, original: TextIO) -> None:
        self.original = original
        self._begun, self._lock = "", threading.Lock()
        descriptor = original.fileno()
        if descriptor not in _writers:
            _writers[descriptor] = Writer(descriptor)
        self._writer = _writers[descriptor]

    @property
    def encoding(self) -> str:  # type: ignore[override]  # rich and print read it
        return self.original.encoding

    def writable(self) -> bool:
        return True

    def isatty(self) -> bool:
        return self.original.isatty()

    def fileno(self) -> int:
        return self.original.fileno()

    def write(self, text: str) -> int:
        with self._lock:
            lines, end, begun = (self._begun + text).rpartition("\n")
            self._begun = begun
            if end:
                self._writer.put(lines + end)
        return len(text)

    def written(self, patience: float) -> bool:
        """Write an unfinished line too, and wait; return whether everything was written in time."""
        with self._lock:
            if self._begun:
                self._writer.put(self._begun)
            self._begun = ""
        return self._writer.drained(patience)


class Writer:
    """Writes entries to a file descriptor, in order, in a thread of its own."""

    def __init__(self, descriptor: int) -> None:
        self.dropped = 0
        self._descriptor = descriptor
        self._queue: queue.Queue[tuple[int, str]] = queue.Queue(MOST)
        self._lock = threading.Lock()
        self._refused = 0  # since the last entry that was queued
        self._missing = 0  # dropped, and not reported yet
        self._torn = False
        # A thread that waits in `write` must not keep the process from ending.
        threading.Thread(target=self._work, name=f"writer-{descriptor}", daemon=True).start()

    def put(self, text: str) -> None:
        """Queue an entry with the number of entries dropped before it, so that they are reported in order."""
        with self._lock:
            try:
                self._queue.put_nowait((self._refused, text))
                self._refused = 0
            except queue.Full:
                self._refused += 1
                self.dropped += 1

    def drained(self, patience: float) -> bool:
        """Wait for at most so many seconds until everything is written; return whether it is."""
        with self._queue.all_tasks_done:
            return self._queue.all_tasks_done.wait_for(
                lambda: not self._queue.unfinished_tasks, max(patience, 0)
            )

    def _work(self) -> None:
        while True:
            refused, text = self._queue.get()
            self._missing += refused
            if not (self._report_missing() and self._write(text)):
                with self._lock:
                    self._missing += 1
                    self.dropped += 1
            if self._queue.empty():
                with self._lock:
                    self._missing += self._refused
                    self._refused = 0
                self._report_missing()
            self._queue.task_done()

    def _report_missing(self) -> bool:
        """Write how many entries are missing here, if any; return False if it cannot be written."""
        if self._missing:
            words = {"name": NAME, "levelname": "WARNING", "msg": NOTE, "args": (self._missing,)}
            note = logging.Formatter(FORMAT).format(logging.makeLogRecord(words))
            if not self._write(note + "\n"):
                return False
            self._missing = 0
        return True

    def _write(self, text: str) -> bool:
        """Write the whole text, however long it takes; return False on an error, such as a full disk."""
        left = (("\n" if self._torn else "") + text).encode(errors="backslashreplace")
        try:
            while left:
                try:
                    left = left[os.write(self._descriptor, left) :]
                    self._torn = bool(left)
                except BlockingIOError:  # the parent process has made it non-blocking
                    poll = select.poll()
                    poll.register(self._descriptor, select.POLLOUT)
                    poll.poll()
        except OSError:  # the missing entries are reported when writing works again
            return False
        return True
