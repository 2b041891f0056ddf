"""Search objects by a query, page by page: `GET /v1/things/search` (§1.7)."""

from dataclasses import dataclass
from typing import Any

from billow.api import fields as f
from billow.api import listing, render, rows
from billow.api.params import Params
from billow.api.resource import Resource, Verb, Where
from billow.store import search as store
from billow.store.tx import Tx

COUNTED = 10_000
"""The highest number that `total_count` counts to."""


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


def verb(cls: type[Resource]) -> Verb:
    """Return the search verb of a noun."""

    def run(tx: Tx, asked: SearchParams) -> Result:
        return found(tx, cls, asked)

    fields = ", ".join(cls.searched)
    run.__doc__ = f"Search {cls.table.replace('_', ' ')}.\n\nA query may name these fields: {fields}."
    return Verb("search", "GET", f"{cls.path}/search", run, cls, SearchParams)


def found(tx: Tx, cls: type[Resource], asked: SearchParams) -> Result:
    """Return one page of the results of a query, the newest first."""
    sql, values = store.condition(cls.table, cls.searched, asked.query)
    whole = where = Where(f"{cls.among} and ({sql})", **values)
    limit = listing.checked_limit(asked.limit)
    if asked.page is not None:
        created, id = store.decode_page(asked.page)
        where = where.also("(created, id) < (%(after)s, %(after_id)s)", after=created, after_id=id)
    tail = f"order by created desc, id desc limit {limit + 1}"
    entries = rows.select(tx, cls, where.sql, tail, **where.params)
    ends = [store.encode_page(row.created, row.id) for row in entries[limit - 1 : limit]]
    return Result(cls, whole, entries[:limit], ends[0] if len(entries) > limit else None)


def shown(tx: Tx, result: Result, tree: render.Tree, path: str) -> dict[str, Any]:
    """Return the search page; `total_count` is counted only if it is expanded."""
    inner = {name: below for name, below in tree.items() if name != "total_count"}
    page = listing.Page(result.rows, result.next_page is not None, path)
    body = listing.shown(page, result.cls, tx, inner)
    body |= {"object": "search_result", "next_page": result.next_page}
    if "total_count" in tree:
        among = f"select 1 from {result.cls.table} where {result.where.sql} limit {COUNTED}"
        counted = tx.one(f"select count(*) as n from ({among}) as t", **result.where.params)
        body["total_count"] = counted["n"] if counted else 0
    return body
