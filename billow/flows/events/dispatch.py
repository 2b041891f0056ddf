"""Send deliveries concurrently, so that a slow endpoint or a busy account delays no other."""

import asyncio
import logging
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import groupby
from typing import Any, Self, TypeVar

import psycopg
import psycopg_pool

from billow.core.errors import Unavailable
from billow.flows.events import delivery
from billow.flows.events.delivery import Answer, Batch, Message, Turn
from billow.providers.posting import Post
from billow.store import webhook_queue, work
from billow.store.tx import Database

log = logging.getLogger("billow.dispatch")
T = TypeVar("T")
AT_ONCE = 8
"""The most messages on their way to one receiver, each about another object."""
QUICK_AT_ONCE = 64
"""The most messages on their way to all receivers that are not slow."""
SLOW_AT_ONCE = 256
"""The most messages on their way to slow receivers, which delay only each other."""
TURNS = 8
"""The most turns of one account at a time, those of slow receivers not counted."""
SLOW = 2.0
"""Seconds after which a message and its turn count as slow."""
BUDGET = 20.0
"""Seconds after which a turn begins no further message, so that it ends before its lease."""
POLL, LONGEST_POLL = 0.1, 5.0
"""Seconds between two queries for what is due: ten times as long as the query takes, within these bounds."""
AGAIN = 1.0
"""Seconds until a receiver is tried again whose turn failed, or which another worker has."""
GRACE = 1.0
"""Seconds that a stopping worker waits for answers; what has none then is sent again."""
THREADS = 3
"""Threads that use the database."""


class Slot:
    """A place among the quick messages or turns; released at the end, or once it counts as slow."""

    def __init__(self, places: asyncio.Semaphore) -> None:
        self.places, self.held = places, False

    async def __aenter__(self) -> Self:
        await self.places.acquire()
        self.held = True
        self.timer = asyncio.get_running_loop().call_later(SLOW, self.release)
        return self

    async def __aexit__(self, *_: object) -> None:
        self.timer.cancel()
        self.release()

    def release(self) -> None:
        if self.held:
            self.held = False
            self.places.release()


def seconds_until_next_query(took: float) -> float:
    """Return the pause after a query for what is due that took so many seconds.

    A process that was suspended meanwhile measures its sleep, too: hence the upper bound.
    """
    return min(max(POLL, 10 * took), LONGEST_POLL)


class Dispatcher:
    """Sends webhooks in a thread of each worker; workers share the receivers by leases."""

    def __init__(self, db: Database) -> None:
        self.db = db
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="deliver")
        self._thread = threading.Thread(target=self._work, name="dispatch")
        self._stop = threading.Event()
        self._wake: Callable[[], object] = lambda: None

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Ask the thread to stop; `join` waits for it."""
        self._stop.set()
        with suppress(RuntimeError):  # the loop has ended with an error meanwhile
            self._wake()

    def join(self, patience: float) -> None:
        self._thread.join(patience)

    def _work(self) -> None:
        while not self._stop.is_set():
            try:
                asyncio.run(self._dispatch())
            except Exception:
                log.exception("sending webhooks failed")
                self._stop.wait(AGAIN)
        self._threads.shutdown()

    async def _dispatch(self) -> None:
        """Start a task for every receiver to which something is due, until asked to stop."""
        loop, stop = asyncio.get_running_loop(), asyncio.Event()
        self._wake = lambda: loop.call_soon_threadsafe(stop.set)
        if self._stop.is_set():
            return
        async with self.db.outside.posting() as post:
            sender = Sender(self.db, self._threads, post, stop)
            tasks: dict[str, asyncio.Task[int]] = {}
            postponed: dict[str, float] = {}
            while not stop.is_set():
                began = time.monotonic()
                due = await sender.due()
                for receiver in [one for one, until in postponed.items() if until <= began]:
                    del postponed[receiver]
                for tenant, receiver in due:
                    if receiver not in tasks and receiver not in postponed:
                        tasks[receiver] = asyncio.create_task(sender.serve(tenant, receiver))
                await sender.pause(seconds_until_next_query(time.monotonic() - began))
                for receiver in [one for one, task in tasks.items() if task.done()]:
                    if not tasks.pop(receiver).result():
                        postponed[receiver] = time.monotonic() + AGAIN
            await asyncio.gather(*tasks.values())
        self._wake = lambda: None


class Sender:
    """Gives turns to receivers, as tasks of one event loop that share its limits."""

    def __init__(self, db: Database, threads: ThreadPoolExecutor, post: Post, stop: asyncio.Event) -> None:
        self.db, self.threads, self.post, self.stop = db, threads, post, stop
        self.quick, self.slow = asyncio.Semaphore(QUICK_AT_ONCE), asyncio.Semaphore(SLOW_AT_ONCE)
        self.turns: dict[str, asyncio.Semaphore] = defaultdict(lambda: asyncio.Semaphore(TURNS))

    async def do(self, call: Callable[..., T], *args: Any) -> T:
        """Call a function that uses the database, in one of the threads for it."""
        return await asyncio.get_running_loop().run_in_executor(self.threads, call, *args)

    async def pause(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self.stop.wait()
        except TimeoutError:
            pass  # the time is over, and nobody asked to stop

    async def due(self) -> list[tuple[str, str]]:
        try:
            return await self.do(webhook_queue.due, self.db, self.db.wall())
        except psycopg_pool.PoolTimeout:  # already logged
            await self.pause(AGAIN)
            return []
        except psycopg.OperationalError as error:
            log.warning(work.BROKEN, work.first_line(error))
            await self.pause(AGAIN)
            return []

    async def serve(self, tenant: str, receiver: str) -> int:
        """Send to a receiver until nothing is due to it; return how many turns it had."""
        done = 0
        turn = None
        try:
            turn = await self.do(delivery.take, self.db, tenant, receiver)
            while turn and not self.stop.is_set():
                after = await self._turn(turn)
                if after is None:
                    break
                turn, done = after, done + 1
        except psycopg_pool.PoolTimeout:
            pass  # already logged
        except psycopg.OperationalError as error:
            log.warning(work.BROKEN, work.first_line(error))
        except Exception:
            log.exception("the turn of %s failed", receiver)
            return 0
        finally:
            if turn:
                await self._release(turn)
        return done

    async def _release(self, turn: Turn) -> None:
        try:
            await self.do(delivery.release, self.db, turn)
        except (psycopg.Error, psycopg_pool.PoolTimeout) as error:
            log.warning("%s is held until %s: %s", turn.receiver, turn.until, error)

    async def _turn(self, turn: Turn) -> Turn | None:
        """Take one turn of a receiver; return its extended lease, or None if nothing was due."""
        if turn.slow:
            return await self._send_batch(turn)
        async with Slot(self.turns[turn.tenant.partition("/")[0]]):
            return await self._send_batch(turn)

    async def _send_batch(self, turn: Turn) -> Turn | None:
        batch = await self.do(delivery.read, self.db, turn)
        if batch is None:
            return None
        sending = BatchSending(self, turn, batch)
        await sending.run()
        return await self.do(delivery.settle, self.db, turn, sending.answers, sending.slow)


class BatchSending:
    """Sends the messages of one turn."""

    def __init__(self, sender: Sender, turn: Turn, batch: Batch) -> None:
        self.sender, self.turn, self.batch = sender, turn, batch
        self.answers = list(batch.unsendable)
        self.slow = False
        self.until = time.monotonic() + BUDGET
        self.gate = asyncio.Semaphore(1)
        self.wide = False

    async def run(self) -> None:
        """Send all messages, or as many as time allows; when stopping, wait only GRACE for answers."""
        about = sorted(self.batch.messages, key=lambda message: message.about)  # sorted() keeps their order
        chains = [list(chain) for _, chain in groupby(about, key=lambda message: message.about)]
        place = {message.delivery: number for number, message in enumerate(self.batch.messages)}
        chains.sort(key=lambda chain: place[chain[0].delivery])
        sending = asyncio.gather(*(self._chain(chain) for chain in chains))
        stopping = asyncio.create_task(self.sender.stop.wait())
        await asyncio.wait((sending, stopping), return_when=asyncio.FIRST_COMPLETED)
        if not sending.done():
            await asyncio.wait((sending,), timeout=GRACE)
        stopping.cancel()
        if sending.cancel():
            await asyncio.gather(sending, return_exceptions=True)
        else:
            await sending  # raises an error of our own code

    async def _chain(self, messages: Sequence[Message]) -> None:
        """Send the events of one object, one after the other."""
        for message in messages:
            async with self.gate:
                if self._should_stop():
                    return
                answer = await self._send(message)
                self.answers.append(answer)
                if not answer.good:
                    return

    def _should_stop(self) -> bool:
        """Check whether to begin no further message: a receiver that became slow continues in a slow turn."""
        gone = any(answer.status == delivery.GONE for answer in self.answers)
        late = time.monotonic() > self.until
        return late or gone or self.sender.stop.is_set() or (self.slow and not self.turn.slow)

    async def _send(self, message: Message) -> Answer:
        began = time.monotonic()
        async with self.sender.slow if self.turn.slow else Slot(self.sender.quick):
            answer = await self._answer(message)
        if not answer.good or time.monotonic() - began > SLOW:
            self.slow = True
        elif not self.turn.slow and not self.slow:
            self._widen()
        return answer

    def _widen(self) -> None:
        """Send several messages at once, since the receiver took the first one."""
        if not self.wide:
            self.wide = True
            for _ in range(AT_ONCE - 1):
                self.gate.release()

    async def _answer(self, message: Message) -> Answer:
        status, error = 0, None
        try:
            status = int(await self.sender.post(self.batch.url, message.headers, message.body))
        except Unavailable as refused:
            error = str(refused)
        except Exception as failure:  # any error is the outcome of this attempt alone
            log.exception("delivery %s cannot be sent", message.delivery)
            error = f"not sent: {failure!r}"
        return Answer(message.delivery, message.attempts, status, error)


def run_due(db: Database) -> int:
    """Send what is due until nothing is, without a worker; return the number of turns."""

    async def run() -> int:
        done = 0
        async with db.outside.posting() as post:
            sender = Sender(db, threads, post, asyncio.Event())
            while found := await sender.do(webhook_queue.due, db, db.wall()):
                turns = sum(await asyncio.gather(*(sender.serve(*one) for one in found)))
                if not turns:
                    break
                done += turns
        return done

    with ThreadPoolExecutor(THREADS, thread_name_prefix="deliver") as threads:
        return asyncio.run(run())


work.companion(Dispatcher)
