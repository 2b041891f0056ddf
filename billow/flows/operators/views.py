"""Keep lists as people have narrowed them, under names of their own."""

from datetime import datetime
from typing import Any

import psycopg

from billow.core.errors import require
from billow.core.mail_addresses import is_line

MOST = 50
"""How many views somebody keeps of an account."""
LONGEST = 60


def save(
    conn: psycopg.Connection[Any], who: tuple[str, str], path: str, name: str, query: str, now: datetime
) -> None:
    """Keep a view of a list for an operator in an account, or replace the one of this name."""
    name = " ".join(name.split())
    require(name and is_line(name) and len(name) <= LONGEST, f"A name has 1 to {LONGEST} letters.")
    require(query, "Narrow the list first: without that a view shows nothing of its own.")
    [(count,)] = conn.execute(
        "select count(*) from operator_views where operator = %s and account = %s", who
    ).fetchall()
    require(count < MOST, f"You keep {MOST} views already: remove one first.")
    conn.execute(
        "insert into operator_views (operator, account, path, name, query, created)"
        " values (%s, %s, %s, %s, %s, %s) on conflict (operator, account, path, name)"
        " do update set query = excluded.query",
        (*who, path, name, query, now),
    )


def remove(conn: psycopg.Connection[Any], who: tuple[str, str], path: str, name: str) -> None:
    conn.execute(
        "delete from operator_views where operator = %s and account = %s and path = %s and name = %s",
        (*who, path, name),
    )


def of(conn: psycopg.Connection[Any], who: tuple[str, str], path: str) -> list[tuple[str, str]]:
    """Return the views that an operator keeps of a list, by name, each with its query."""
    return conn.execute(
        "select name, query from operator_views where operator = %s and account = %s and path = %s"
        " order by name",
        (*who, path),
    ).fetchall()
