"""Show objects as an older version does: walk an answer, apply the changes, expand what only it expands."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from billow.api import params, render, rows
from billow.api.fields import Field
from billow.api.render import Tree
from billow.api.resource import REGISTRY, Resource
from billow.api.versions import history
from billow.api.versions.change import Addressed, Change, Made, Need, Needs, One, Several, View
from billow.core.errors import Inconsistent
from billow.store.tx import Tx

May = Callable[[str], bool]
"""Whether the key of the request may read a noun, by its `object`."""
Objects = dict[str, list[View]]
EVENT = "event"
"""An event shows its object in a version of its own (events.py)."""


def everything(object: str) -> bool:
    """Allow every noun: nobody's key restricts what an event or a secret key shows."""
    return True


@dataclass(slots=True)
class Older:
    """The older version that a request is answered in, with what it expands and may read.

    It is a note of the request's transactions: the renderer lets the names of its expansions pass.
    """

    version: str
    tree: Tree
    may: May
    done: bool = False
    seen: dict[tuple[str, str], Resource] = field(default_factory=dict)
    """The rows that were shown, which are not read again for the older form."""

    @property
    def expands(self) -> Mapping[str, Mapping[str, str]]:
        return history.expands(self.version)

    def __copy__(self) -> "Older":
        return self  # it is that of the request, also for what is taken back


def show_now(tx: Tx, shown: Any) -> None:
    """Turn what is shown into the form that the request asks for, before what it shows is taken back."""
    older: Older | None = tx.notes.get(render.OLDER)
    if older and not older.done:
        older.done = True
        show(tx, older.version, shown, older.tree, older.may)


def show(tx: Tx, version: str, shown: Any, tree: Tree | None = None, may: May = everything) -> None:
    """Turn what is shown into the form of a version, in place."""
    newest_first = history.since(version)[::-1]
    if not newest_first:
        return
    _change(tx, newest_first, list(_objects(shown, bool(tree))), may)
    if tree:
        _expand(tx, version, shown, tree, may)


# ------------------------------------------------------------------------------------- objects


def _objects(shown: Any, expanded: bool) -> Iterator[View]:
    """Walk what is shown, and yield each object in it; where it is `expanded`, any id may be one."""
    if type(shown) is dict:
        if "object" in shown and not (shown.get("deleted") and len(shown) == len(STUB)):
            if shown["object"] == EVENT:
                return
            yield shown
        holding = _holding(shown.get("object"), expanded)
        for name in shown if holding is None else holding:
            value = shown.get(name)
            if name != METADATA and (type(value) is dict or type(value) is list):
                yield from _objects(value, expanded)
    elif type(shown) is list:
        for each in shown:
            if type(each) is dict or type(each) is list:
                yield from _objects(each, expanded)


STUB = ("id", "object", "deleted")
"""All that is shown of an object that was deleted; a deleted discount is shown whole."""
METADATA = "metadata"
"""The keys of metadata are the caller's: one called `object` makes no object."""


@cache
def _holding(object: Any, expanded: bool) -> tuple[str, ...] | None:
    """Return the fields of a noun that may hold objects: looking at all fields of long lists takes too long.

    None stands for what is no noun: a list, a hash.
    """
    cls = REGISTRY.get(object or "")
    return tuple(name for name, spec in cls.specs.items() if _holds(spec, expanded)) if cls else None


def _holds(spec: Field, expanded: bool) -> bool:
    if spec.hidden or spec.constant:
        return False
    if spec.embed or spec.kind in ("sublist", "computed") or (expanded and (spec.refs or spec.kind == "ref")):
        return True
    within = [*params.specs(spec.shape).values()] if spec.shape else []
    return any(_holds(each, expanded) for each in [*within, *([spec.item] if spec.item else [])])


def _change(tx: Tx, changes: Sequence[Change], views: Iterable[View], may: May) -> None:
    """Apply changes to objects, the newest change first, also to objects that a change adds."""
    objects: Objects = {}
    for view in views:
        objects.setdefault(str(view["object"]), []).append(view)
    for place, change in enumerate(changes):
        asking: list[tuple[Needs, Need]] = []
        for noun, functions in change.objects.items():
            for view in objects.get(noun, ()):
                for function in functions:
                    needs = function(view)
                    if needs is not None and (need := next(needs, None)) is not None:
                        asking.append((needs, need))
        while asking:
            found = _met(tx, [need for _, need in asking], changes[: place + 1], objects, may)
            asking = [
                (needs, need) for (needs, last) in asking if (need := _sent(needs, found[last])) is not None
            ]


def _sent(needs: Needs, found: Any) -> Need | None:
    """Go on with a function, with what it asked for; return what it needs next."""
    try:
        return needs.send(found)
    except StopIteration:
        return None


# ------------------------------------------------------------------------------------- needs


def _met(
    tx: Tx, needs: Sequence[Need], changes: Sequence[Change], objects: Objects, may: May
) -> dict[Need, Any]:
    """Find what is needed: one query for each noun and kind of need."""
    found: dict[Need, Any] = {}
    groups: dict[tuple[str, str, bool], list[One | Several]] = {}
    for need in dict.fromkeys(needs):
        if isinstance(need, Made | Addressed):
            raise Inconsistent("An answer is only shown: nothing is made for it.")
        by = need.by if isinstance(need, Several) else ""
        groups.setdefault((need.noun, by, need.shown), []).append(need)
    for (noun, by, shown), group in groups.items():
        cls = REGISTRY[noun]
        ids = [need.id for need in group]
        if shown and not may(noun):
            found |= dict.fromkeys(group)
            continue
        entries = _below(tx, cls, by, ids) if by else _rows(tx, cls, ids)
        if shown:
            entries = _shown(tx, cls, entries, changes, objects, may)
        found |= {need: entries[need.id] if by else entries.get(need.id) for need in group}
    return found


def _rows(tx: Tx, cls: type[Resource], ids: Sequence[str]) -> dict[str, Any]:
    """Find rows by their ids; those that were shown just now are not read again."""
    older: Older | None = tx.notes.get(render.OLDER)
    seen = older.seen if older else {}
    known = {id: seen[cls.object, id] for id in ids if (cls.object, id) in seen}
    missing = [id for id in ids if id not in known]
    return {**known, **(rows.find_many(tx, cls, missing) if missing else {})}


def _below(tx: Tx, cls: type[Resource], by: str, ids: Sequence[str]) -> dict[str, Any]:
    found: dict[str, list[Resource]] = {id: [] for id in ids}
    for row in rows.select(tx, cls, f'"{by}" = any(%(ids)s)', ids=list(ids)):
        found[getattr(row, by)].append(row)
    return found


def _shown(
    tx: Tx,
    cls: type[Resource],
    entries: Mapping[str, Any],
    changes: Sequence[Change],
    objects: Objects,
    may: May,
) -> dict[str, Any]:
    """Show what was found as it is at this point of the way back, so that it can be put into an answer."""
    flat = [row for each in entries.values() for row in (each if isinstance(each, list) else [each])]
    # A deleted coupon is kept for its discounts, whose older form has all of it.
    views = dict(zip([row.id for row in flat], render.show(tx, flat, whole=True), strict=True))
    inner = list(_objects(list(views.values()), False))
    _change(tx, changes, inner, may)
    for view in inner:
        objects.setdefault(str(view["object"]), []).append(view)
    return {
        key: [views[row.id] for row in each] if isinstance(each, list) else views[each.id]
        for key, each in entries.items()
    }


# ------------------------------------------------------------------------------------- expansion


class Place:
    """A place in an answer whose id, or object, is to be replaced by the expanded object."""

    def __init__(self, holder: Any, name: Any, noun: str, tree: Tree) -> None:
        self.holder, self.name, self.noun, self.tree = holder, name, noun, tree

    @property
    def id(self) -> str | None:
        value = self.holder[self.name]
        return value.get("id") if isinstance(value, dict) else value


def _expand(tx: Tx, version: str, shown: Any, tree: Tree, may: May) -> None:
    """Expand the fields that only older versions expand; `tree` is the whole tree of the request."""
    places = list(_places(history.expands(version), shown, tree, "", {}))
    for noun, below in {(place.noun, id(place.tree)): place.tree for place in places}.items():
        group = [place for place in places if place.noun == noun[0] and place.tree is below]
        ids = [found for place in group if (found := place.id) is not None]
        entries = rows.find_many(tx, REGISTRY[noun[0]], ids) if ids and may(noun[0]) else {}
        rendered = render.show(tx, list(entries.values()), below)
        show(tx, version, rendered, below, may)
        views = dict(zip(entries, rendered, strict=True))
        for place in group:
            if (expanded := views.get(place.id or "")) is not None:
                place.holder[place.name] = expanded


def _places(
    names: Mapping[str, Mapping[str, str]], shown: Any, tree: Tree, prefix: str, fields: Mapping[str, str]
) -> Iterator[Place]:
    """Find the places that a tree names: `fields` has those of the object around it, by their whole name."""
    if isinstance(shown, list):
        for each in shown:
            yield from _places(names, each, tree, prefix, fields)
        return
    if not isinstance(shown, dict):
        return
    if "object" in shown:
        prefix, fields = "", names.get(str(shown["object"]), {})
    for name, below in tree.items():
        noun, value = fields.get(prefix + name), shown.get(name)
        if noun is None:
            yield from _places(names, value, below, f"{prefix}{name}.", fields)
        elif isinstance(value, dict) and value.get("object") == "list":
            inner = below.get("data") or {}
            entries = value["data"] if inner else ()
            yield from (Place(value["data"], place, noun, inner) for place in range(len(entries)))
        elif value is not None and (below or not isinstance(value, dict)):
            yield Place(shown, name, noun, below)
