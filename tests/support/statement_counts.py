"""Count the statements that a piece of code sends to the database."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg

from billow.store.session import Statements


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
