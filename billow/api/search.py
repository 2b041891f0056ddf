"""Which objects does a query find, and how are they paged: `GET /v1/things/search` (§1.7)."""

from dataclasses import dataclass
from typing import Any

from billow.api import fields as f
from billow.api import listing, render, rows
from billow.api.params import Params
from billow.api.resource import Resource, Verb, Where
from billow.store import search as store
from billow.store.tx import Tx

COUNTED = 10_000
"""The most that `total_count` counts."""


class Asked(Params):
    query: str = f.text(required=True)
    limit: int = f.integer(default=10)
    page: str | None = f.text()


@dataclass(frozen=True, slots=True)
class Result:
    """A page of what was found; the condition is kept for whoever wants it counted."""

    cls: type[Resource]
    where: Where
    rows: list[Any]
    next_page: str | None


def verb(cls: type[Resource]) -> Verb:
    def run(tx: Tx, asked: Asked) -> Result:
        return found(tx, cls, asked)

    fields = ", ".join(cls.searched)
    run.__doc__ = f"Search {cls.table.replace('_', ' ')}.\n\nWhat a query may name: {fields}."
    return Verb("search", "GET", f"{cls.path}/search", run, cls, Asked)


def found(tx: Tx, cls: type[Resource], asked: Asked) -> Result:
    """One page of what a query finds, the newest first."""
    sql, values = store.condition(cls.table, cls.searched, asked.query)
    whole = where = Where(f"{cls.among} and ({sql})", **values)
    limit = listing.checked_limit(asked.limit)
    if asked.page is not None:
        created, id = store.opened(asked.page)
        where = where.also("(created, id) < (%(after)s, %(after_id)s)", after=created, after_id=id)
    tail = f"order by created desc, id desc limit {limit + 1}"
    entries = rows.select(tx, cls, where.sql, tail, **where.params)
    ends = [store.sealed(row.created, row.id) for row in entries[limit - 1 : limit]]
    return Result(cls, whole, entries[:limit], ends[0] if len(entries) > limit else None)


def shown(tx: Tx, result: Result, tree: render.Tree, path: str) -> dict[str, Any]:
    """The search page; what was found in all is counted for those who expand it."""
    inner = {name: below for name, below in tree.items() if name != "total_count"}
    page = listing.Page(result.rows, result.next_page is not None, path)
    body = listing.shown(page, result.cls, tx, inner)
    body |= {"object": "search_result", "next_page": result.next_page}
    if "total_count" in tree:
        among = f"select 1 from {result.cls.table} where {result.where.sql} limit {COUNTED}"
        counted = tx.one(f"select count(*) as n from ({among}) as t", **result.where.params)
        body["total_count"] = counted["n"] if counted else 0
    return body
