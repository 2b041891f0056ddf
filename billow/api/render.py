"""Show rows as JSON, expanded as requested, with one query per resource and level."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from billow.api import compiled, held, held_lists
from billow.api.fields import Field
from billow.api.params import specs
from billow.api.resource import REGISTRY, Resource
from billow.core.errors import Refused, require
from billow.store.tx import Tx

Tree = dict[str, Any]
Lists = Mapping[str, Sequence[Resource]]
"""All entries of a list below the rows that are shown, by the list's name, in the order of the list."""
OLDER = "older version"
"""The note of a transaction with the older version that it answers in (api/versions/showing.py)."""
MAX_DEPTH = 4
FIRST = 10
"""How many entries a list inside an object shows."""


def tree_of(expand: Sequence[str]) -> Tree:
    """Turn paths into nested names; at most four levels, `data` not counted (§1.6).

    `["customer", "items.data.price"]` becomes `{"customer": {}, "items": {"data": {"price": {}}}}`.
    """
    tree: Tree = {}
    for path in expand:
        parts = path.split(".")
        depth = len([part for part in parts if part != "data"])
        require(
            depth <= MAX_DEPTH,
            f"You cannot expand more than {MAX_DEPTH} levels of a property: {path}.",
            param="expand",
        )
        node = tree
        for part in parts:
            node = node.setdefault(part, {})
    return tree


def show(
    tx: Tx,
    rows: Sequence[Resource],
    tree: Tree | None = None,
    lists: Lists | None = None,
    *,
    whole: bool = False,
) -> list[dict[str, Any]]:
    """Show rows of one resource. The entries of `lists` are passed in and not read from the database.

    Of a deleted row only its id is shown, unless it is to be shown whole.
    """
    if not rows:
        return []
    cls = type(rows[0])
    tree = tree or {}
    refuse_unknown(tx, cls, tree)
    if (older := tx.notes.get(OLDER)) is not None:
        older.seen.update({(cls.object, row.id): row for row in rows})
    included = frozenset(name for name in tree if name in cls.specs and cls.specs[name].include)
    plain, compute = compiled.functions(cls, included)
    livemode = tx.livemode
    shown = [plain(row, livemode) for row in rows]
    for name, spec in cls.specs.items():
        if spec.kind == "sublist" and (not spec.include or name in tree):
            below = _below(tx, spec, shown) if lists is None or name not in lists else lists[name]
            _attach_lists(tx, spec, shown, below, tree.get(name, {}).get("data", {}))
        elif spec.embed or name in tree:
            _expand(tx, list(_slots(spec, shown, tree.get(name, {}))))
    for row, view in zip(rows, shown, strict=True):
        compute(row, tx.now, view)
    for name in tree:
        if name in cls.specs and cls.specs[name].compute:
            _expand(tx, list(_slots(cls.specs[name], shown, tree[name])))
    if whole or "deleted" not in cls.columns:
        return shown
    return [
        _stub(view) if getattr(row, "deleted", False) else view for row, view in zip(rows, shown, strict=True)
    ]


def one(tx: Tx, row: Resource, tree: Tree | None = None) -> dict[str, Any]:
    """Show one row."""
    return show(tx, [row], tree)[0]


def show_changed(tx: Tx, changes: Sequence[tuple[Resource, Resource | None]]) -> list[dict[str, Any]]:
    """Return `previous_attributes`: the former values of changed fields; of a hash only changed leaves."""
    cls = type(changes[0][0])
    plain, compute = compiled.functions(cls, frozenset())
    livemode = tx.livemode
    pairs = [[plain(row, livemode) for row in (before or now, now)] for now, before in changes]
    for spec in (spec for spec in cls.specs.values() if spec.embed):
        other = [view for pair in pairs if pair[0][spec.name] != pair[1][spec.name] for view in pair]
        _expand(tx, list(_slots(spec, other, {})))
    found = []
    for (now, before), (old, new) in zip(changes, pairs, strict=True):
        compute(before or now, tx.now, old)
        compute(now, tx.now, new)
        found.append({name: difference(old[name], new[name]) for name in old if old[name] != new[name]})
    return found


def difference(old: Any, new: Any) -> Any:
    """Return the former values of what differs between two values."""
    if isinstance(old, dict) and isinstance(new, dict):
        keys = [key for key in {**old, **new} if old.get(key) != new.get(key)]
        return {key: difference(old.get(key), new.get(key)) for key in keys}
    return old


def _stub(view: dict[str, Any]) -> dict[str, Any]:
    return {"id": view["id"], "object": view["object"], "deleted": True}


# ------------------------------------------------------------------------------------- expansion


class Slot:
    """A place in a shown object that holds an id, which the expanded object can replace."""

    def __init__(self, holder: Any, key: Any, to: str, tree: Tree) -> None:
        self.holder, self.key, self.to, self.tree = holder, key, to, tree


def _slots(spec: Field, views: Sequence[dict[str, Any]], tree: Tree) -> Iterator[Slot]:
    for view in views:
        value = view.get(spec.name)
        if value is None:
            continue
        if spec.kind == "ref" and not spec.refs and isinstance(value, str):
            yield Slot(view, spec.name, spec.to, tree)
        elif spec.refs or spec.kind == "ref":
            yield from _within(view, spec.name, spec.refs or spec.to, tree)
        # A copy of the hash is made where a slot lies inside, since the row's own is not to be changed.
        elif spec.kind == "array" and spec.item and spec.item.kind == "ref":
            view[spec.name] = list(value)
            yield from (Slot(view[spec.name], place, spec.item.to, tree) for place in range(len(value)))
        elif spec.kind == "array" and spec.shape:
            view[spec.name] = [dict(entry) for entry in value]
            always: Tree = {name: {} for name, inner in specs(spec.shape).items() if inner.embed}
            for name, below in {**always, **tree}.items():
                if name in specs(spec.shape):  # an older version expands others (showing.py)
                    yield from _slots(specs(spec.shape)[name], view[spec.name], below)
        elif spec.kind == "hash" and spec.shape:
            view[spec.name] = dict(value)
            for name, below in tree.items():
                if name in specs(spec.shape):
                    yield from _slots(specs(spec.shape)[name], [view[spec.name]], below)


def _within(holder: Any, key: Any, refs: Any, tree: Tree) -> Iterator[Slot]:
    """Yield the slots in a value at the places that hold ids, or objects which are always shown whole."""
    value = holder[key]
    if isinstance(value, list):
        holder[key] = [*value]
        for place in range(len(value)):
            yield from _within(holder[key], place, refs, tree)
    elif isinstance(value, dict):
        holder[key] = dict(value)
        inner = REGISTRY[refs].specs if isinstance(refs, str) and refs in REGISTRY else {}
        if any(name in inner and inner[name].include for name in tree):
            holder[key] = value["id"]  # what is left out of the whole object is not known: it is read again
            yield Slot(holder, key, str(refs), tree)
            return
        for name, below in tree.items():
            if name in inner:
                yield from _slots(inner[name], [holder[key]], below)
            elif isinstance(refs, Mapping) and name in refs and name in value:
                yield from _within(holder[key], name, refs[name], below)
    elif isinstance(value, str) and isinstance(refs, str):
        nouns = [noun for noun in refs.split() if noun in REGISTRY]
        fitting = (noun for noun in nouns if value.startswith(REGISTRY[noun].prefix))
        if nouns:
            yield Slot(holder, key, next(fitting, nouns[0]), tree)


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
    known = [row for id in ids if (row := held.known(tx, cls, id)) is not None]
    if len(known) < len(ids):
        sql = f"select {cls.selected} from {cls.table} where id = any(%(ids)s)"
        known = [cls(*values) for values in tx.tuples(sql, ids=ids)]
        held.keep_read(tx, cls, known)
    return [row.id for row in known], show(tx, known, tree)


def _below(tx: Tx, spec: Field, views: Sequence[dict[str, Any]]) -> list[Resource]:
    """Load the first entries of a list below each object, and one more; all of them in one query."""
    cls = REGISTRY[spec.to]
    known = [held_lists.known(tx, cls, spec.by, view["id"], FIRST + 1) for view in views]
    if None not in known:
        return [row for rows in known for row in rows or ()]
    # One short index range for each object: an invoice of 10,000 lines costs no more than one of ten.
    found = tx.tuples(
        f"select {cls.selected} from unnest(%(ids)s::text[]) as t (above) cross join lateral (select * from"
        f' {cls.table} where "{spec.by}" = above order by {cls.order} limit %(most)s) as entry'
        f' order by "{spec.by}", {cls.order}',
        ids=[view["id"] for view in views],
        most=FIRST + 1,
    )
    return [cls(*values) for values in found]


def _attach_lists(
    tx: Tx, spec: Field, views: Sequence[dict[str, Any]], entries: Sequence[Resource], tree: Tree
) -> None:
    """Show a list below each object: the first of its entries, which come in the order of the list."""
    below: dict[str, list[Resource]] = {view["id"]: [] for view in views}
    for row in entries:
        if (its := below.get(getattr(row, spec.by))) is not None and row.listed:
            its.append(row)
    first = [row for rows in below.values() for row in rows[:FIRST]]
    data: dict[str, list[dict[str, Any]]] = {view["id"]: [] for view in views}
    for row, entry in zip(first, show(tx, first, tree), strict=True):
        data[getattr(row, spec.by)].append(entry)
    for view in views:
        id = view["id"]
        view[spec.name] = page(data[id], len(below[id]) > FIRST, spec.url.format(id=id))


def show_former_list(
    tx: Tx,
    spec: Field,
    views: Sequence[dict[str, Any]],
    entries: Sequence[Resource],
    before: Sequence[dict[str, Any]],
) -> None:
    """Add to `previous_attributes` the first entries of each list as they were, if they have changed."""
    former: dict[str, list[dict[str, Any]]] = {view["id"]: [] for view in views}
    entries = [row for row in entries if row.listed]
    for row, entry in zip(entries, show(tx, entries), strict=True):
        former[getattr(row, spec.by)].append(entry)
    for view, previous in zip(views, before, strict=True):
        if (old := former[view["id"]][:FIRST]) != view[spec.name]["data"]:
            previous[spec.name] = {"data": old}


def page(data: list[dict[str, Any]], has_more: bool, url: str) -> dict[str, Any]:
    """Return a list object."""
    return {"object": "list", "data": data, "has_more": has_more, "url": url}


def refuse_unknown(tx: Tx, cls: type[Resource], tree: Tree) -> None:
    """Refuse to expand a field that is neither a reference nor left out by default.

    What only the older version of the request expands is left to it.
    """
    older = tx.notes.get(OLDER)
    former = older.expands.get(cls.object, ()) if older else ()
    for name, below in tree.items():
        newer = {deeper: inner for deeper, inner in below.items() if f"{name}.{deeper}" not in former}
        if name == "*" or name in former or (below and not newer):
            continue
        spec = cls.specs.get(name)
        if spec is None or not _expandable(spec, newer):
            raise Refused(f"This property cannot be expanded ({name}).", param="expand")


def _expandable(spec: Field, below: Tree) -> bool:
    if spec.refs and below:
        return _holds(spec.refs, below)
    if spec.kind in ("hash", "array") and spec.shape and below:
        inner = specs(spec.shape)
        return all(name in inner and _expandable(inner[name], deeper) for name, deeper in below.items())
    held = spec.kind in ("ref", "sublist") or (spec.item is not None and spec.item.kind == "ref")
    return spec.include or held or (isinstance(spec.refs, str) and spec.refs != "")


def _holds(refs: Any, below: Tree) -> bool:
    """Return whether ids lie at the places of a tree. What lies in a noun that is not there is not known."""
    if isinstance(refs, Mapping):
        return bool(below) and all(
            name in refs and _holds(refs[name], deeper) for name, deeper in below.items()
        )
    known = [REGISTRY[noun].specs for noun in refs.split() if noun in REGISTRY]
    return not known or all(
        any(name in inner and _expandable(inner[name], deeper) for inner in known)
        for name, deeper in below.items()
    )
