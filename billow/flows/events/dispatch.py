"""Run deliveries side by side, so that a slow endpoint or a busy account delays no other."""

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
from billow.flows.events.delivery import Answer, Message, Parcel, Turn
from billow.providers.posting import Post
from billow.store import webhook_queue, work
from billow.store.tx import Database

log = logging.getLogger("billow.dispatch")
T = TypeVar("T")
AT_ONCE = 8
"""Messages on their way to one receiver, of different objects."""
QUICK = 64
"""Messages on their way to all receivers that are not slow."""
SLOW_ONES = 256
"""Messages on their way to receivers that were slow or failed the last time: they delay only each other."""
TURNS = 8
"""Turns that the receivers of one account have at once, slow ones not counted."""
SLOW = 2.0
"""Seconds after which a message, and the turn that it is of, no longer counts among the quick ones."""
BUDGET = 20.0
"""Seconds after which a turn begins no further message; with the last one it ends before its lease."""
LOOK = 0.1
"""Seconds between two looks at what is due; ten times as long as a look takes, where that is more."""
AGAIN = 1.0
"""Seconds until a receiver that somebody else has, or whose turn failed, is looked at again."""
GRACE = 1.0
"""Seconds that messages may be on their way when we stop; what has no answer then is sent again."""
THREADS = 3


class Slot:
    """A place among those who are quick; given back at the end, or when it turns out to be slow."""

    def __init__(self, places: asyncio.Semaphore) -> None:
        self.places, self.held = places, False

    async def __aenter__(self) -> Self:
        await self.places.acquire()
        self.held = True
        self.timer = asyncio.get_running_loop().call_later(SLOW, self.give_back)
        return self

    async def __aexit__(self, *_: object) -> None:
        self.timer.cancel()
        self.give_back()

    def give_back(self) -> None:
        if self.held:
            self.held = False
            self.places.release()


class Dispatcher:
    """Start one in each worker; they share the receivers among them by leases."""

    def __init__(self, db: Database) -> None:
        self.db = db
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="deliver")
        self._thread = threading.Thread(target=self._work, name="dispatch")
        self._stop = threading.Event()
        self._wake: Callable[[], object] = lambda: None

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Begin to stop; `join` waits for it."""
        self._stop.set()
        with suppress(RuntimeError):  # the loop has ended meanwhile, with the error that it met
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
        """Give a turn to every receiver to whom something is due, until told to stop."""
        loop, stop = asyncio.get_running_loop(), asyncio.Event()
        self._wake = lambda: loop.call_soon_threadsafe(stop.set)
        if self._stop.is_set():
            return
        async with self.db.outside.posting() as post:
            room = Room(self.db, self._threads, post, stop)
            at_work: dict[str, asyncio.Task[int]] = {}
            resting: dict[str, float] = {}
            while not stop.is_set():
                began = time.monotonic()
                due = await room.due()
                for receiver in [one for one, until in resting.items() if until <= began]:
                    del resting[receiver]
                for tenant, receiver in due:
                    if receiver not in at_work and receiver not in resting:
                        at_work[receiver] = asyncio.create_task(room.serve(tenant, receiver))
                await room.pause(max(LOOK, 10 * (time.monotonic() - began)))
                for receiver in [one for one, task in at_work.items() if task.done()]:
                    if not at_work.pop(receiver).result():
                        resting[receiver] = time.monotonic() + AGAIN
            await asyncio.gather(*at_work.values())
        self._wake = lambda: None


class Room:
    """Where turns are taken, each a task of one event loop; the limits that they share."""

    def __init__(self, db: Database, threads: ThreadPoolExecutor, post: Post, stop: asyncio.Event) -> None:
        self.db, self.threads, self.post, self.stop = db, threads, post, stop
        self.quick, self.slow = asyncio.Semaphore(QUICK), asyncio.Semaphore(SLOW_ONES)
        self.turns: dict[str, asyncio.Semaphore] = defaultdict(lambda: asyncio.Semaphore(TURNS))

    async def do(self, call: Callable[..., T], *args: Any) -> T:
        """Call what uses the database, in one of the few threads for it."""
        return await asyncio.get_running_loop().run_in_executor(self.threads, call, *args)

    async def pause(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self.stop.wait()
        except TimeoutError:
            pass  # nobody wants us to stop

    async def due(self) -> list[tuple[str, str]]:
        try:
            return await self.do(webhook_queue.due, self.db, self.db.wall())
        except psycopg_pool.PoolTimeout:  # which is in the log by now
            await self.pause(AGAIN)
            return []
        except psycopg.OperationalError as error:
            log.warning(work.BROKEN, work.first_line(error))
            await self.pause(AGAIN)
            return []

    async def serve(self, tenant: str, receiver: str) -> int:
        """Send to a receiver until nothing is due to it; how many turns it had."""
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
            pass  # which is in the log by now
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
        """One turn of a receiver; how it is held afterwards, or None where nothing was due."""
        if turn.slow:
            return await self._sent(turn)
        async with Slot(self.turns[turn.tenant.partition("/")[0]]):
            return await self._sent(turn)

    async def _sent(self, turn: Turn) -> Turn | None:
        parcel = await self.do(delivery.read, self.db, turn)
        if parcel is None:
            return None
        sending = Sending(self, turn, parcel)
        await sending.run()
        return await self.do(delivery.settle, self.db, turn, sending.answers, sending.slow)


class Sending:
    """The messages of one turn on their way."""

    def __init__(self, room: Room, turn: Turn, parcel: Parcel) -> None:
        self.room, self.turn, self.parcel = room, turn, parcel
        self.answers = list(parcel.unsendable)
        self.slow = False
        self.until = time.monotonic() + BUDGET
        self.gate = asyncio.Semaphore(1)
        self.wide = False

    async def run(self) -> None:
        """Send all, or as many as time allows; when we are told to stop, wait only a moment for answers."""
        about = sorted(self.parcel.messages, key=lambda message: message.about)  # sorted() keeps their order
        chains = [list(chain) for _, chain in groupby(about, key=lambda message: message.about)]
        place = {message.delivery: number for number, message in enumerate(self.parcel.messages)}
        chains.sort(key=lambda chain: place[chain[0].delivery])
        sending = asyncio.gather(*(self._chain(chain) for chain in chains))
        stopping = asyncio.create_task(self.room.stop.wait())
        await asyncio.wait((sending, stopping), return_when=asyncio.FIRST_COMPLETED)
        if not sending.done():
            await asyncio.wait((sending,), timeout=GRACE)
        stopping.cancel()
        if sending.cancel():
            await asyncio.gather(sending, return_exceptions=True)
        else:
            await sending  # an error of ours comes out here

    async def _chain(self, messages: Sequence[Message]) -> None:
        """Send the events of one object, one after the other."""
        for message in messages:
            async with self.gate:
                if self._ends():
                    return
                answer = await self._send(message)
                self.answers.append(answer)
                if not answer.good:
                    return

    def _ends(self) -> bool:
        """Whether no further message is begun: a receiver that turns out slow goes on among the slow."""
        gone = any(answer.status == delivery.GONE for answer in self.answers)
        late = time.monotonic() > self.until
        return late or gone or self.room.stop.is_set() or (self.slow and not self.turn.slow)

    async def _send(self, message: Message) -> Answer:
        began = time.monotonic()
        async with self.room.slow if self.turn.slow else Slot(self.room.quick):
            answer = await self._answer(message)
        if not answer.good or time.monotonic() - began > SLOW:
            self.slow = True
        elif not self.turn.slow and not self.slow:
            self._widen()
        return answer

    def _widen(self) -> None:
        """It took the first message: it may have more of them at once."""
        if not self.wide:
            self.wide = True
            for _ in range(AT_ONCE - 1):
                self.gate.release()

    async def _answer(self, message: Message) -> Answer:
        status, error = 0, None
        try:
            status = int(await self.room.post(self.parcel.url, message.headers, message.body))
        except Unavailable as refused:
            error = str(refused)
        except Exception as failure:  # whatever it is, it is the outcome of this try alone
            log.exception("delivery %s cannot be sent", message.delivery)
            error = f"not sent: {failure!r}"
        return Answer(message.delivery, message.attempts, status, error)


def run_due(db: Database) -> int:
    """Send what is due now and what comes due meanwhile, without a worker; the number of turns."""

    async def run() -> int:
        done = 0
        async with db.outside.posting() as post:
            room = Room(db, threads, post, asyncio.Event())
            while found := await room.do(webhook_queue.due, db, db.wall()):
                turns = sum(await asyncio.gather(*(room.serve(*one) for one in found)))
                if not turns:
                    break
                done += turns
        return done

    with ThreadPoolExecutor(THREADS, thread_name_prefix="deliver") as threads:
        return asyncio.run(run())


work.companion(Dispatcher)
