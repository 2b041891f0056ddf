"""Which rows are on a page: filters, ranges and cursors (§1.5)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from billow.api import fields as f
from billow.api import params, render, rows
from billow.api.fields import Field
from billow.api.params import Params
from billow.api.resource import REGISTRY, Resource, Where
from billow.core.errors import Refused, require
from billow.store.tx import Tx

#: Rows keep microseconds and the API counts whole seconds: later than 12:00:05 begins at 12:00:06.
RANGE = {"gt": (">=", 1), "gte": (">=", 0), "lt": ("<", 0), "lte": ("<", 1)}


class Paging(Params):
    """What every list takes; lists below an object take it as their parameters, or add to it."""

    limit: int = f.integer(default=10)
    starting_after: str | None = f.text()
    ending_before: str | None = f.text()


PAGING = params.specs(Paging)


@dataclass(frozen=True, slots=True)
class Page:
    """What a list verb may answer with when its entries are not found by a `Where`."""

    rows: list[Any]
    has_more: bool
    url: str


def accepted(cls: type[Resource]) -> dict[str, Field]:
    """What `GET /v1/things` takes besides what the noun's own listing declares."""
    found = {**PAGING, **cls.filters()}
    return found if "created" in cls.lacks else {**found, "created": Field("timestamp")}


def where_of(tx: Tx, cls: type[Resource], sent: Mapping[str, Any]) -> Where:
    """The condition of the filters that were sent. Instants may be ranges: `created[gte]=…`."""
    where = Where()
    for name, raw in sent.items():
        spec = accepted(cls)[name]
        if name in PAGING:
            continue
        if spec.kind == "timestamp":
            where = _between(where, spec, name, raw if isinstance(raw, dict) else {"gte": raw, "lte": raw})
            continue
        value = params.parse(spec, raw, name)
        if spec.kind == "ref":
            rows.find(tx, REGISTRY[spec.to], value, param=name, deleted=True)
        where = where.also(f'"{name}" = %({name})s', **{name: value})
    return where


def _between(where: Where, spec: Field, name: str, bounds: Mapping[str, Any]) -> Where:
    for sign, raw in bounds.items():
        at = f"{name}[{sign}]"
        require(sign in RANGE, f"Received unknown parameter: {at}", param=at, code="parameter_unknown")
        operator, later = RANGE[sign]
        value = params.parse(spec, raw, at) + timedelta(seconds=later)
        where = where.also(f"{name} {operator} %({name}_{sign})s", **{f"{name}_{sign}": value})
    return where


def page(tx: Tx, cls: type[Resource], where: Where, sent: Mapping[str, Any]) -> tuple[list[Any], bool]:
    """One page in the resource's order, and whether more follows in the direction of travel."""
    wanted = {name: params.parse(spec, sent[name], name) for name, spec in PAGING.items() if sent.get(name) is
              not None}  # fmt: skip
    limit = wanted.get("limit", 10)
    require(1 <= limit <= 100, "Invalid integer: limit must be between 1 and 100.", param="limit",
            code="parameter_invalid_integer")  # fmt: skip
    after, before = wanted.get("starting_after"), wanted.get("ending_before")
    require(after is None or before is None, "You cannot use both starting_after and ending_before.",
            param="ending_before", code="parameters_exclusive")  # fmt: skip
    keys = [part.strip().split()[0] for part in cls.order.split(",")]
    newest_first = "desc" in cls.order
    if after is not None or before is not None:
        name = "starting_after" if after is not None else "ending_before"
        where = _past(tx, cls, where, keys, wanted[name], name, newest_first == (after is not None))
    order = cls.order if before is None else ", ".join(
        part.replace("desc", "asc") if "desc" in part else f"{part}"
                " desc" for part in cls.order.split(","))  # fmt: skip
    found = rows.select(tx, cls, where.sql, f"order by {order} limit {limit + 1}", **where.params)
    data = found[:limit]
    return (data if before is None else data[::-1]), len(found) > limit


def _past(
    tx: Tx, cls: type[Resource], where: Where, keys: list[str], id: str, name: str, down: bool
) -> Where:  # fmt: skip
    """Only what comes after the cursor's row, in the order of the list."""
    cursor = tx.one(f"select {', '.join(keys)} from {cls.table} where id = %(id)s", id=id)
    if cursor is None:
        raise Refused(f"No such {cls.noun.replace('_', ' ')}: '{id}'", param=name, code="resource_missing")
    marks = ", ".join(f"%(cursor_{key})s" for key in keys)
    return where.also(f"({', '.join(keys)}) {'<' if down else '>'} ({marks})",
                      **{f"cursor_{key}": cursor[key] for key in keys})  # fmt: skip


def below(tx: Tx, cls: type[Resource], where: Where, paging: Paging, url: str) -> Page:
    """The page of a list that lies below another object, as `GET /v1/customers/{id}/payment_methods`."""
    found, more = page(tx, cls, where, paging.sent())
    return Page(found, more, url)


def shown(page: Page, cls: type[Resource] | None, tx: Tx, tree: render.Tree) -> dict[str, Any]:
    """The list object. Only what is in `data` can be expanded."""
    for name in tree:
        require(name == "data", f"This property cannot be expanded ({name}). You may want to try expanding"
                f" 'data.{name}' instead.", param="expand")  # fmt: skip
    if cls:
        render.refuse_unknown(cls, tree.get("data", {}))
    return render.page(render.show(tx, page.rows, tree.get("data", {})), page.has_more, page.url)
