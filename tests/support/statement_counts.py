"""Count the statements that a piece of code sends to the database."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg


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
    execute, copy = psycopg.Cursor.execute, psycopg.Cursor.copy

    def noting_execute(cursor: Any, query: Any, *args: Any, **kwargs: Any) -> Any:
        count.sent.append(str(query))
        return execute(cursor, query, *args, **kwargs)

    def noting_copy(cursor: Any, statement: Any, *args: Any, **kwargs: Any) -> Any:
        count.sent.append(str(statement))
        return copy(cursor, statement, *args, **kwargs)

    psycopg.Cursor.execute, psycopg.Cursor.copy = noting_execute, noting_copy  # type: ignore[method-assign]
    try:
        yield count
    finally:
        psycopg.Cursor.execute, psycopg.Cursor.copy = execute, copy  # type: ignore[method-assign]
