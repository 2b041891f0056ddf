"""Give threads to requests in turns, and refuse those for which there are none."""

import asyncio
import queue
import threading
from collections import Counter, deque
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar

from billow.api.limits import busy

T = TypeVar("T")
PATIENCE = 10.0
"""Seconds that a request waits for a thread, at most."""
SPARE = 1
"""Threads beyond those that one account can have, so that another always gets one."""
QUEUED = 16
"""Requests that may wait for each thread."""
ALWAYS = 4
"""Requests of an account that may always wait, so that others cannot shut it out."""


class Threads:
    """The threads in which requests are carried out. Accounts take turns, and none has all threads at once.

    Everything but the work itself happens in the event loop, so nothing here needs a lock.
    """

    def __init__(self, count: int) -> None:
        self.share, self.count = count, count + SPARE
        self._work: queue.SimpleQueue[tuple[asyncio.Future[Any], Callable[[], Any]]] = queue.SimpleQueue()
        self._running: Counter[str] = Counter()
        self._busy = self._queued = 0
        self._waiting: dict[str, deque[asyncio.Future[None]]] = {}
        for number in range(self.count):
            threading.Thread(target=self._serve, name=f"request-{number}", daemon=True).start()

    async def run(self, owner: str, work: Callable[[], T]) -> T:
        """Return the result of the work, done in a thread of the owner; refused where too many wait."""
        await self._turn(owner)
        try:
            done: asyncio.Future[T] = asyncio.get_running_loop().create_future()
            self._work.put((done, work))
            return await done
        finally:
            self._leave(owner)

    async def _turn(self, owner: str) -> None:
        if self._busy < self.count and self._running[owner] < self.share:
            return self._enter(owner)
        if self._queued >= self.count * QUEUED and len(self._waiting.get(owner, ())) >= ALWAYS:
            raise busy()
        turn = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(owner, deque()).append(turn)
        self._queued += 1
        try:
            async with asyncio.timeout(PATIENCE):
                await turn
        except TimeoutError:
            self._give_up(owner, turn)
            raise busy() from None
        except asyncio.CancelledError:
            self._give_up(owner, turn)
            raise

    def _enter(self, owner: str) -> None:
        self._busy += 1
        self._running[owner] += 1

    def _leave(self, owner: str) -> None:
        self._busy -= 1
        self._running[owner] -= 1
        if not self._running[owner]:
            del self._running[owner]
        self._call_next()

    def _call_next(self) -> None:
        """Give the free thread to the account whose turn it is, and move it to the end of the queue."""
        for owner in list(self._waiting):
            while self._running[owner] < self.share and (turn := self._pop(owner)):
                if not turn.done():  # else its request was canceled this moment
                    self._enter(owner)
                    return turn.set_result(None)

    def _pop(self, owner: str) -> "asyncio.Future[None] | None":
        turns = self._waiting.pop(owner, None)
        if not turns:
            return None
        turn = turns.popleft()
        if turns:
            self._waiting[owner] = turns
        self._queued -= 1
        return turn

    def _give_up(self, owner: str, turn: "asyncio.Future[None]") -> None:
        """Leave the queue, or the thread if it was given at the same moment."""
        turns = self._waiting.get(owner, deque())
        if turn in turns:
            turns.remove(turn)
            self._queued -= 1
            if not turns:
                del self._waiting[owner]
        elif turn.done() and not turn.cancelled():
            self._leave(owner)

    def _serve(self) -> None:
        while True:
            done, work = self._work.get()
            result: Any = None
            error: BaseException | None = None
            try:
                result = work()
            except BaseException as raised:
                error = raised
            with suppress(RuntimeError):  # the loop is closed: the process ends
                done.get_loop().call_soon_threadsafe(_settle, done, result, error)


def _settle(done: "asyncio.Future[Any]", result: Any, error: BaseException | None) -> None:
    if done.cancelled():
        return
    if error is not None:
        done.set_exception(error)
    else:
        done.set_result(result)
