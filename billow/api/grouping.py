"""Carry out requests that arrive together in one transaction, while those that wait hold nothing."""

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from typing import Generic, TypeVar

from billow.api.limits import busy
from billow.api.threads import Threads

Request = TypeVar("Request")
Answer = TypeVar("Answer")

PATIENCE = 10.0
"""Seconds that a request waits for the group before its own to end, at most."""


class Groups(Generic[Request, Answer]):
    """Groups of requests of one kind and one owner; each group is carried out in one thread.

    While a group is carried out, requests that arrive wait in the event loop, with neither a thread nor a
    connection, and form the next group. So a slow database costs each owner one thread, however many events
    it sends. Everything but the work itself happens in the event loop, so nothing here needs a lock.
    """

    def __init__(self, threads: Threads) -> None:
        self._threads = threads
        self._waiting: dict[tuple[str, str], list[tuple[Request, asyncio.Future[Answer]]]] = {}
        """What waits, by owner and kind; a pair that is here has a group at work."""
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(
        self, owner: str, kind: str, request: Request, work: Callable[[Sequence[Request]], Sequence[Answer]]
    ) -> Answer:
        """Return what `work` answers to the request, together with those that wait with it.

        Refuses with 503 a request that waits too long for its group to begin: nothing was done for it.
        """
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        waiting = self._waiting.get((owner, kind))
        if waiting is None:
            self._waiting[owner, kind] = [(request, answer)]
            self._start(owner, kind, work)
            return await answer
        waiting.append((request, answer))
        await asyncio.wait([answer], timeout=PATIENCE)
        if not answer.done() and any(one is answer for _, one in self._waiting.get((owner, kind), ())):
            answer.cancel()
            raise busy()
        return await answer

    def _start(self, owner: str, kind: str, work: Callable[[Sequence[Request]], Sequence[Answer]]) -> None:
        task = asyncio.create_task(self._carry_out(owner, kind, work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _carry_out(
        self, owner: str, kind: str, work: Callable[[Sequence[Request]], Sequence[Answer]]
    ) -> None:
        """Carry out one group after another, until nobody waits."""
        while group := [one for one in self._waiting[owner, kind] if not one[1].done()]:
            self._waiting[owner, kind] = []
            requests = [request for request, _ in group]
            try:
                answers = await self._threads.run(owner, partial(work, requests))
            except Exception as error:
                for _, answer in group:
                    if not answer.done():
                        answer.set_exception(error)
            else:
                for (_, answer), found in zip(group, answers, strict=True):
                    if not answer.done():
                        answer.set_result(found)
        del self._waiting[owner, kind]
