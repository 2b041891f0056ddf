"""How is a row shown: as JSON, expanded where the caller asked, with one query per resource and level."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from billow.api.fields import Field, seconds
from billow.api.params import specs
from billow.api.resource import REGISTRY, Resource
from billow.core.errors import Inconsistent, Refused, require
from billow.store.tx import Tx

Tree = dict[str, Any]
MAX_DEPTH = 4
FIRST = 10
"""How many entries a list that is part of an object carries."""


def tree_of(expand: Sequence[str]) -> Tree:
    """`["customer", "items.data.price"]` as nested names. At most four levels, `data` not counted (§1.6)."""
    tree: Tree = {}
    for path in expand:
        parts = path.split(".")
        depth = len([part for part in parts if part != "data"])
        require(depth <= MAX_DEPTH, f"You cannot expand more than {MAX_DEPTH} levels of a property: {path}.",
                param="expand")  # fmt: skip
        node = tree
        for part in parts:
            node = node.setdefault(part, {})
    return tree


def show(tx: Tx, rows: Sequence[Resource], tree: Tree | None = None) -> list[dict[str, Any]]:
    """Rows of one resource as the API shows them."""
    if not rows:
        return []
    cls = type(rows[0])
    tree = tree or {}
    refuse_unknown(cls, tree)
    plan = _plan(cls.object, frozenset(name for name in tree if cls.specs[name].include))
    shown = [_plain(plan, row, tx.livemode) for row in rows]
    for name, spec in cls.specs.items():
        if spec.kind == "sublist" and (not spec.include or name in tree):
            _attach_lists(tx, spec, shown, tree.get(name, {}).get("data", {}))
        elif spec.embed or name in tree:
            _expand(tx, list(_slots(spec, shown, tree.get(name, {}))))
    for row, view in zip(rows, shown, strict=True):
        _compute(plan, row, view, tx.now)
    return [
        _stub(view) if getattr(row, "deleted", False) else view for row, view in zip(rows, shown, strict=True)
    ]


def one(tx: Tx, row: Resource, tree: Tree | None = None) -> dict[str, Any]:
    return show(tx, [row], tree)[0]


def show_changed(tx: Tx, changes: Sequence[tuple[Resource, Resource | None]]) -> list[dict[str, Any]]:
    """`previous_attributes`: what was shown before of each changed field; of a hash only its leaves."""
    cls = type(changes[0][0])
    plan = _plan(cls.object, frozenset())
    pairs = [[_plain(plan, row, tx.livemode) for row in (before or now, now)] for now, before in changes]
    for spec in (spec for spec in cls.specs.values() if spec.embed):
        other = [view for pair in pairs if pair[0][spec.name] != pair[1][spec.name] for view in pair]
        _expand(tx, list(_slots(spec, other, {})))
    found = []
    for (now, before), (old, new) in zip(changes, pairs, strict=True):
        _compute(plan, before or now, old, tx.now)
        _compute(plan, now, new, tx.now)
        found.append({name: difference(old[name], new[name]) for name in old if old[name] != new[name]})
    return found


def difference(old: Any, new: Any) -> Any:
    if isinstance(old, dict) and isinstance(new, dict):
        keys = [key for key in {**old, **new} if old.get(key) != new.get(key)]
        return {key: difference(old.get(key), new.get(key)) for key in keys}
    return old


# ------------------------------------------------------------------------------------- one row


@dataclass(frozen=True, slots=True)
class Plan:
    """How rows of a resource are shown: every name in its place, then what is filled in for each row."""

    template: dict[str, Any]
    stored: Sequence[tuple[str, Callable[[Any], Any] | None]]
    computed: list[Field]


@cache
def _plan(object: str, included: frozenset[str]) -> Plan:
    """`id` and `object` first, the rest by the alphabet, as Stripe has it; constants are in the template."""
    cls = REGISTRY[object]
    specs = [
        s for s in cls.specs.values() if not (s.hidden or s.order) and (not s.include or s.name in included)
    ]
    constants = {spec.name: spec.constant[0] for spec in specs if spec.constant}
    own = [name for name in ("created", "livemode") if name not in cls.lacks]
    names = sorted([*own, *(spec.name for spec in specs)])
    template = {"id": None, "object": cls.object, **{name: constants.get(name) for name in names}}
    turned = ("timestamp", "decimal", "number")
    stored = [(s.name, s.show if s.kind in turned else None) for s in specs if s.stored and s.name not in own]
    return Plan(template, stored, [s for s in specs if s.compute and not s.constant])


def _plain(plan: Plan, row: Resource, livemode: bool) -> dict[str, Any]:
    view = plan.template.copy()
    view["id"] = row.id
    if "created" in view:
        view["created"] = seconds(row.created)
    if "livemode" in view:
        view["livemode"] = livemode
    for name, turn in plan.stored:
        value = getattr(row, name)
        view[name] = turn(value) if turn else value
    return view


def _compute(plan: Plan, row: Resource, view: dict[str, Any], now: datetime) -> None:
    for spec in plan.computed:
        if spec.compute is None:
            raise Inconsistent(f"The field {spec.name} is computed by nothing.")
        view[spec.name] = spec.compute(row, now, view)


def _stub(view: dict[str, Any]) -> dict[str, Any]:
    return {"id": view["id"], "object": view["object"], "deleted": True}


# ------------------------------------------------------------------------------------- expansion


class Slot:
    """A place in a shown object that holds an id, and what may take its place."""

    def __init__(self, holder: Any, key: Any, to: str, tree: Tree) -> None:
        self.holder, self.key, self.to, self.tree = holder, key, to, tree


def _slots(spec: Field, views: Sequence[dict[str, Any]], tree: Tree) -> Iterator[Slot]:
    for view in views:
        value = view.get(spec.name)
        if value is None:
            continue
        if spec.kind == "ref":
            # A copy of the hash is made where a slot lies inside, since the row's own is not to be changed.
            yield Slot(view, spec.name, spec.to, tree)
        elif spec.kind == "array" and spec.item and spec.item.kind == "ref":
            view[spec.name] = list(value)
            yield from (Slot(view[spec.name], place, spec.item.to, tree) for place in range(len(value)))
        elif spec.kind == "array" and spec.shape:
            view[spec.name] = [dict(entry) for entry in value]
            always: Tree = {name: {} for name, inner in specs(spec.shape).items() if inner.embed}
            for name, below in {**always, **tree}.items():
                yield from _slots(specs(spec.shape)[name], view[spec.name], below)
        elif spec.kind == "hash" and spec.shape:
            view[spec.name] = dict(value)
            for name, below in tree.items():
                yield from _slots(specs(spec.shape)[name], [view[spec.name]], below)


def _expand(tx: Tx, slots: list[Slot]) -> None:
    for to, tree in {(slot.to, id(slot.tree)): slot.tree for slot in slots}.items():
        group = [slot for slot in slots if slot.to == to[0] and slot.tree is tree]
        wanted = sorted({slot.holder[slot.key] for slot in group if isinstance(slot.holder[slot.key], str)})
        cls = REGISTRY.get(to[0])
        if cls is None or not wanted:
            continue
        views = dict(zip(*_found(tx, cls, wanted, tree), strict=True))
        for slot in group:
            slot.holder[slot.key] = views.get(slot.holder[slot.key], slot.holder[slot.key])


def _found(tx: Tx, cls: type[Resource], ids: list[str], tree: Tree) -> tuple[list[str], list[dict[str, Any]]]:
    from billow.api import rows

    found = rows.select(tx, cls, "id = any(%(ids)s)", ids=ids)
    return [row.id for row in found], show(tx, found, tree)


def _attach_lists(tx: Tx, spec: Field, views: Sequence[dict[str, Any]], tree: Tree) -> None:
    """The first entries of a list below each object, all of them in one query."""
    cls = REGISTRY[spec.to]
    names = ", ".join(f'"{name}"' for name in cls.columns)
    # One short index range for each object: an invoice of 10,000 lines costs no more than one of ten.
    found = tx.tuples(
        f"select {names} from unnest(%(ids)s::text[]) as t (above) cross join lateral (select * from"
        f" {cls.table} where \"{spec.by}\" = above order by {cls.order} limit %(most)s) as entry"
        f" order by \"{spec.by}\", {cls.order}",
        ids=[view["id"] for view in views], most=FIRST + 1,
    )  # fmt: skip
    below: dict[str, list[dict[str, Any]]] = {view["id"]: [] for view in views}
    entries = [cls.of_columns(values) for values in found]
    for row, view in zip(entries, show(tx, entries, tree), strict=True):
        below[getattr(row, spec.by)].append(view)
    for view in views:
        data = below[view["id"]]
        view[spec.name] = page(data[:FIRST], len(data) > FIRST, spec.url.format(id=view["id"]))


def page(data: list[dict[str, Any]], has_more: bool, url: str) -> dict[str, Any]:
    return {"object": "list", "data": data, "has_more": has_more, "url": url}


def refuse_unknown(cls: type[Resource], tree: Tree) -> None:
    """Only what points to something else, or is left out by default, can be expanded."""
    for name, below in tree.items():
        if name == "*":
            continue
        spec = cls.specs.get(name)
        if spec is None or not _expandable(spec, below):
            raise Refused(f"This property cannot be expanded ({name}).", param="expand")


def _expandable(spec: Field, below: Tree) -> bool:
    if spec.kind in ("hash", "array") and spec.shape and below:
        inner = specs(spec.shape)
        return all(name in inner and _expandable(inner[name], deeper) for name, deeper in below.items())
    return spec.include or spec.kind in ("ref", "sublist") or bool(spec.item and spec.item.kind == "ref")
