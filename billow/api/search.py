"""Search objects by a query, page by page: `GET /v1/things/search` (§1.7)."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg

from billow.api import fields as f
from billow.api import listing, render, rows
from billow.api.limits import too_many
from billow.api.params import Params
from billow.api.resource import Resource, Verb, Where
from billow.core.errors import Refused
from billow.core.search import read
from billow.store import search as store
from billow.store.tx import Tx

COUNTED = 10_000
"""The highest number that `total_count` counts to."""
READING_MS = 2_000
"""Milliseconds that a search inside words may read: enough for about four million objects."""
INSIDE = threading.BoundedSemaphore(2)
"""Searches inside words that a process carries out at the same time: each may need a processor for itself."""


class SearchParams(Params):
    query: str = f.text(required=True)
    limit: int = f.integer(default=10)
    page: str | None = f.text()


@dataclass(frozen=True, slots=True)
class Result:
    """A page of results; the condition is kept in case they are to be counted."""

    cls: type[Resource]
    where: Where
    rows: list[Any]
    next_page: str | None
    inside: bool


def verb(cls: type[Resource]) -> Verb:
    """Return the search verb of a noun."""

    def run(tx: Tx, asked: SearchParams) -> Result:
        return found(tx, cls, asked)

    fields = ", ".join(cls.searched)
    run.__doc__ = f"Search {cls.table.replace('_', ' ')}.\n\nA query may name these fields: {fields}."
    return Verb("search", "GET", f"{cls.path}/search", run, cls, SearchParams)


def found(tx: Tx, cls: type[Resource], asked: SearchParams) -> Result:
    """Return one page of the results of a query, the newest first."""
    query = read(asked.query)
    inside = any(clause.sign == "~" for clause in query.clauses)
    limit = listing.checked_limit(asked.limit)
    with bounded(tx, inside):
        sql, values = store.condition(tx, cls.table, cls.searched, query)
        whole = where = Where(f"{cls.among} and ({sql})", **values)
        if asked.page is not None:
            created, id = store.decode_page(asked.page)
            where = where.also("(created, id) < (%(after)s, %(after_id)s)", after=created, after_id=id)
        tail = f"order by created desc, id desc limit {limit + 1}"
        entries = rows.select(tx, cls, where.sql, tail, **where.params)
    ends = [store.encode_page(row.created, row.id) for row in entries[limit - 1 : limit]]
    return Result(cls, whole, entries[:limit], ends[0] if len(entries) > limit else None, inside)


@contextmanager
def bounded(tx: Tx, inside: bool) -> Iterator[None]:
    """Bound the time of a search inside words, and how many of them a process carries out at the same time.

    Refuses one that takes longer, and one for which there is no room now. Later statements of the
    transaction are bound to the same time.
    """
    if not inside:
        yield
        return
    if not INSIDE.acquire(blocking=False):
        raise too_many(1, "endpoint-concurrency")
    try:
        tx.run(f"set local statement_timeout = {READING_MS}")
        yield
    except psycopg.errors.QueryCanceled as canceled:
        raise Refused(
            f"This search was stopped after {READING_MS / 1000:g} seconds: it has to read too many objects."
            ' Add a clause that an index finds, such as email:"a@b.com" or metadata["key"]:"value".',
            param="query",
        ) from canceled
    finally:
        INSIDE.release()


def shown(tx: Tx, result: Result, tree: render.Tree, path: str) -> dict[str, Any]:
    """Return the search page; `total_count` is counted only if it is expanded."""
    inner = {name: below for name, below in tree.items() if name != "total_count"}
    page = listing.Page(result.rows, result.next_page is not None, path)
    body = listing.shown(page, result.cls, tx, inner)
    body |= {"object": "search_result", "next_page": result.next_page}
    if "total_count" in tree:
        among = f"select 1 from {result.cls.table} where {result.where.sql} limit {COUNTED}"
        with bounded(tx, result.inside):
            counted = tx.one(f"select count(*) as n from ({among}) as t", **result.where.params)
        body["total_count"] = counted["n"] if counted else 0
    return body
