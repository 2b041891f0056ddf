"""Run a verb: each `yield` commits, asks outside the database, and goes on in a new transaction."""

import random
import time
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import psycopg

from billow.store.turns import Contended
from billow.store.tx import Tx

TRIES = 5
CONFLICTS = (psycopg.errors.DeadlockDetected, psycopg.errors.SerializationFailure)
#: Two requests made the same thing at once: the second try sees the first one's row, and begins after it.
TWINS = (psycopg.errors.UniqueViolation, psycopg.errors.ExclusionViolation)

#: A verb that asks outside the database: it yields an `Ask`, is sent (transaction, answer), and returns its
#: result.
Steps = Generator["Ask", tuple[Tx, Any], Any]


@dataclass(frozen=True, slots=True)
class Ask:
    """A call of something outside the database, which is made while no transaction is open."""

    call: Callable[..., Any]
    args: tuple[Any, ...] = ()

    def fulfil(self) -> Any:
        return self.call(*self.args)


def ask(call: Callable[..., Any], *args: Any) -> Ask:
    return Ask(call, args)


def perform(
    begin: Callable[[], AbstractContextManager[Tx]],
    verb: Callable[..., Any],
    *args: Any,
    finish: Callable[[Tx, Any], Any] | None = None,
) -> Any:
    """Run `verb(tx, *args)`. Every `yield` commits, is answered outside, and resumes in a new transaction.

    `finish(tx, result)` runs in the last transaction, so an answer is rendered and stored where it became
    true. A first transaction that met a conflict is begun again, up to five times: nothing of it was kept.
    """
    for left in reversed(range(TRIES)):
        try:
            return _once(begin, verb, args, finish)
        except _Again as again:
            if not left:
                raise again.__cause__ or again from None
            time.sleep(random.uniform(0.005, 0.05))  # noqa: S311  (jitter, not a secret)


class _Again(Exception):
    """A conflict in the first transaction."""


class Interrupted(Exception):
    """A conflict after the first commit: not to be begun again; the job that the verb left settles it."""


def _once(
    begin: Callable[[], AbstractContextManager[Tx]],
    verb: Callable[..., Any],
    args: tuple[Any, ...],
    finish: Callable[[Tx, Any], Any] | None,
) -> Any:
    steps: Steps | None = None
    wish: Ask | None = None
    while True:
        first = steps is None
        answer = wish.fulfil() if wish else None  # outside any transaction
        try:
            with begin() as tx:
                try:
                    if steps is None:
                        result = verb(tx, *args)
                        if not isinstance(result, Generator):
                            return finish(tx, result) if finish else result
                        steps = result
                        wish = next(steps)
                    else:
                        wish = steps.send((tx, answer))
                except StopIteration as done:  # caught inside: leaving `with` on an exception would roll back
                    return finish(tx, done.value) if finish else done.value
        except (*CONFLICTS, *TWINS, Contended) as conflict:
            if first:
                raise _Again from conflict
            if isinstance(conflict, TWINS):
                raise
            raise Interrupted from conflict
