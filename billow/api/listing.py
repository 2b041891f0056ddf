"""Select the rows of a page: filters, ranges and cursors (§1.5)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from typing import Any

from billow.api import fields as f
from billow.api import params, render, rows
from billow.api.fields import Field
from billow.api.params import Params
from billow.api.resource import REGISTRY, Resource, Where
from billow.core.errors import Refused, require
from billow.store.tx import Tx


class Paging(Params):
    """The params of every list; lists below an object use or extend them."""

    limit: int = f.integer(default=10)
    starting_after: str | None = f.text()
    ending_before: str | None = f.text()


PAGING = params.specs(Paging)


@dataclass(frozen=True, slots=True)
class Page:
    """The answer of a list verb that finds its entries without a `Where`."""

    rows: list[Any]
    has_more: bool
    url: str


@cache
def accepted(cls: type[Resource]) -> Mapping[str, Field]:
    """Return the params of `GET /v1/things`, besides those that the noun's own listing declares."""
    own = {
        name: replace(spec, kind="range" if spec.kind == "timestamp" else spec.kind, unset=False)
        for name, spec in cls.filters().items()
    }
    return {**PAGING, **own} if "created" in cls.lacks else {**PAGING, **own, "created": Field("range")}


def where_of(tx: Tx, cls: type[Resource], sent: Mapping[str, Any]) -> Where:
    """Return the condition of the filters that were sent. Instants may be ranges: `created[gte]=…`."""
    where = Where()
    for name, raw in sent.items():
        spec = accepted(cls)[name]
        if name in PAGING:
            continue
        if spec.kind == "computed":  # a field that billow does not use finds no object
            params.parse(Field("text"), raw, name)
            where = where.also("false")
            continue
        value = params.parse(spec, raw, name)
        if spec.kind == "range":
            where = between(where, name, name, value)
            continue
        if spec.kind == "ref":
            rows.find(tx, REGISTRY[spec.to], value, param=name, deleted=True)
        where = where.also(f'"{name}" = %({name})s', **{name: value})
    return where


def between(where: Where, sql: str, name: str, bounds: Sequence[tuple[str, datetime]]) -> Where:
    """Add the bounds of the filter `name` to a condition, for an instant in SQL."""
    for place, (operator, bound) in enumerate(bounds):
        where = where.also(f"{sql} {operator} %({name}_{place})s", **{f"{name}_{place}": bound})
    return where


def page(tx: Tx, cls: type[Resource], where: Where, sent: Mapping[str, Any]) -> tuple[list[Any], bool]:
    """Return one page in the resource's order, and whether there is more in the direction of paging."""
    wanted = {
        name: params.parse(spec, sent[name], name)
        for name, spec in PAGING.items()
        if sent.get(name) is not None
    }
    limit = checked_limit(wanted.get("limit", 10))
    after, before = wanted.get("starting_after"), wanted.get("ending_before")
    _refuse_both(after, before)
    keys = [part.strip().split()[0] for part in cls.order.split(",")]
    newest_first = "desc" in cls.order
    if after is not None or before is not None:
        name = "starting_after" if after is not None else "ending_before"
        where = _past(tx, cls, where, keys, wanted[name], name, newest_first == (after is not None))
    order = (
        cls.order
        if before is None
        else ", ".join(
            part.replace("desc", "asc") if "desc" in part else f"{part} desc" for part in cls.order.split(",")
        )
    )
    found = rows.select(tx, cls, where.sql, f"order by {order} limit {limit + 1}", **where.params)
    data = found[:limit]
    return (data if before is None else data[::-1]), len(found) > limit


def count(tx: Tx, cls: type[Resource], where: Where) -> int:
    """Count the rows of a list, on all of its pages."""
    return int(tx.tuples(f"select count(*) from {cls.table} where {where.sql}", **where.params)[0][0])


def empty(tx: Tx, noun: str, wanted: Paging, url: str) -> Page:
    """Return the page of a list that has no entries, after checking its params as those of any list."""
    for name, spec in params.specs(type(wanted)).items():
        if spec.kind == "ref" and (id := getattr(wanted, name)) is not None:
            rows.find(tx, REGISTRY[spec.to], id, param=name, deleted=True)
    checked_limit(wanted.limit)
    _refuse_both(wanted.starting_after, wanted.ending_before)
    for name in ("starting_after", "ending_before"):
        if (id := getattr(wanted, name)) is not None:
            raise _no_cursor(noun, id, name)
    return Page([], False, url)


def _refuse_both(after: str | None, before: str | None) -> None:
    require(
        after is None or before is None,
        "You cannot use both starting_after and ending_before.",
        param="ending_before",
        code="parameters_exclusive",
    )


def _no_cursor(noun: str, id: str, name: str) -> Refused:
    return Refused(f"No such {noun}: '{id}'", param=name, code="resource_missing")


def checked_limit(limit: int) -> int:
    """Return the limit of a page, after checking that it is from 1 to 100."""
    require(
        1 <= limit <= 100,
        "Invalid integer: limit must be between 1 and 100.",
        param="limit",
        code="parameter_invalid_integer",
    )
    return limit


def _past(
    tx: Tx, cls: type[Resource], where: Where, keys: list[str], id: str, name: str, down: bool
) -> Where:
    """Add to a condition that rows come after the cursor's row, in the order of the list."""
    cursor = tx.one(f"select {', '.join(keys)} from {cls.table} where id = %(id)s", id=id)
    if cursor is None:
        raise _no_cursor(cls.noun.replace("_", " "), id, name)
    marks = ", ".join(f"%(cursor_{key})s" for key in keys)
    return where.also(
        f"({', '.join(keys)}) {'<' if down else '>'} ({marks})",
        **{f"cursor_{key}": cursor[key] for key in keys},
    )


def below(tx: Tx, cls: type[Resource], where: Where, paging: Paging, url: str) -> Page:
    """Return a page of a list below another object, such as `GET /v1/customers/{id}/payment_methods`."""
    found, more = page(tx, cls, where, paging.sent())
    return Page(found, more, url)


def shown(page: Page, cls: type[Resource] | None, tx: Tx, tree: render.Tree) -> dict[str, Any]:
    """Return the list object of a page. Only the entries of `data` can be expanded."""
    for name in tree:
        require(
            name == "data",
            f"This property cannot be expanded ({name}). You may want to try expanding"
            f" 'data.{name}' instead.",
            param="expand",
        )
    if cls:
        render.refuse_unknown(tx, cls, tree.get("data", {}))
    return render.page(render.show(tx, page.rows, tree.get("data", {})), page.has_more, page.url)
