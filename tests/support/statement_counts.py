"""Count the statements that a piece of code sends to the database."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg

from billow.store.session import Statements
from billow.store.tx import Tx

UPKEEP = "deallocate"
"""What a connection sends when it has prepared its share of statements: no part of the work at hand."""


class Count:
    """The statements sent so far, in order."""

    def __init__(self) -> None:
        self.sent: list[str] = []

    def __len__(self) -> int:
        return len(self.sent)


@contextmanager
def counted() -> Iterator[Count]:
    """Every statement of this process within the block, on whatever connection."""
    count = Count()

    def noting(original: Any) -> Any:
        def send(where: Any, statement: Any, *args: Any, **kwargs: Any) -> Any:
            if not str(statement).startswith(UPKEEP):
                count.sent.append(str(statement))
            return original(where, statement, *args, **kwargs)

        return send

    ways = [(psycopg.Cursor, "execute"), (psycopg.Cursor, "copy"), (Statements, "run"), (Statements, "send")]
    originals = [getattr(where, name) for where, name in ways]
    for (where, name), original in zip(ways, originals, strict=True):
        setattr(where, name, noting(original))
    try:
        yield count
    finally:
        for (where, name), original in zip(ways, originals, strict=True):
            setattr(where, name, original)


@contextmanager
def counted_in_transactions() -> Iterator[Count]:
    """The statements of transactions within the block, prepared before or not."""
    count = Count()
    originals = {name: getattr(Tx, name) for name in ("all", "one", "tuples", "run")}

    def noting(original: Any) -> Any:
        def ask(tx: Tx, sql: str, **params: Any) -> Any:
            count.sent.append(sql)
            return original(tx, sql, **params)

        return ask

    for name, original in originals.items():
        setattr(Tx, name, noting(original))
    try:
        yield count
    finally:
        for name, original in originals.items():
            setattr(Tx, name, original)
