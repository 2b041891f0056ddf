"""How do single events that arrive together share one commit? Whoever comes first writes for all."""

from collections.abc import Sequence
from threading import Event, Lock
from types import TracebackType
from typing import Any

from billow.core.errors import OutcomeUnknown

PATIENCE = 60.0
"""Seconds that a caller waits for its leader; locks give up long before (tx.py)."""


class Turn:
    """One caller's place at the gate: what it brings, and the answer to it.

    A turn that `leads` writes what the turns of its `batch` bring, its own first. As a context it makes sure
    that nobody waits for ever: who has no answer when it ends (the transaction failed) is to go alone.
    """

    def __init__(self, gate: "Gate", tenant: str, brings: Any) -> None:
        self.gate, self.tenant, self.brings = gate, tenant, brings
        self.batch: list[Turn] = []
        self.answer: Any = None
        self.answered = False
        self._called = Event()

    @property
    def leads(self) -> bool:
        return bool(self.batch)

    def tell(self, answers: Sequence[Any]) -> None:
        """Give each of the batch its answer: to be called when what they brought is committed."""
        for turn, answer in zip(self.batch, answers, strict=True):
            turn.answer, turn.answered = answer, True

    def call(self) -> None:
        self._called.set()

    def wait(self) -> None:
        if not self._called.wait(PATIENCE):
            raise OutcomeUnknown("Whoever took this event along has not said in time whether it was written.")

    def __enter__(self) -> "Turn":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:  # fmt: skip
        self.gate.leave(self)


class Gate:
    """Lets one caller of each tenant through at a time; those who come meanwhile go with the next."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._waiting: dict[str, list[Turn]] = {}
        """Who waits, by tenant; a tenant that is here has a leader at work."""

    def enter(self, tenant: str, brings: Any) -> Turn:
        """Come with something to write. Returns when it is written, or ours to lead, or to write alone."""
        turn = Turn(self, tenant, brings)
        with self._lock:
            if tenant not in self._waiting:
                self._waiting[tenant] = []
                turn.batch = [turn]
                return turn
            self._waiting[tenant].append(turn)
        turn.wait()
        return turn

    def leave(self, leader: Turn) -> None:
        """The leader is done: its batch may go, and the first of those who wait leads all of them."""
        with self._lock:
            waiting = self._waiting[leader.tenant]
            if waiting:
                waiting[0].batch = waiting
                self._waiting[leader.tenant] = []
            else:
                del self._waiting[leader.tenant]
        for turn in [*leader.batch[1:], *waiting[:1]]:
            turn.call()
