"""Remember the lists below rows that a transaction holds: items of a subscription, lines of an invoice.

Who changes an entry of such a list locks the row above it first, so that a list below a held row stays as it
was read. A list below a row that was made in this transaction is known without being read.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from billow.api import held
from billow.api.resource import REGISTRY, Resource
from billow.store.tx import Tx

R = TypeVar("R", bound=Resource)
Place = tuple[str, str, str]
"""The table of a list's entries, the column that names the row above, and the id of that row."""
NOTE = "lists"


@dataclass(frozen=True, slots=True)
class Lists:
    """What is known of lists: the ids of their entries."""

    read: dict[Place, list[str]] = field(default_factory=dict)
    """Whole lists, as they were read and have changed since."""
    new: dict[Place, list[str]] = field(default_factory=dict)
    """The entries that were made in this transaction."""
    made: set[tuple[str, str]] = field(default_factory=set)
    """The rows that were made in this transaction, by table and id."""
    moved: set[str] = field(default_factory=set)
    """Tables of which entries were deleted, or moved to another row."""

    def __copy__(self) -> "Lists":
        read = {place: [*ids] for place, ids in self.read.items()}
        new = {place: [*ids] for place, ids in self.new.items()}
        return replace(self, read=read, new=new, made={*self.made}, moved={*self.moved})


def _lists(tx: Tx) -> Lists:
    found: Lists | None = tx.notes.get(NOTE)
    if found is None:
        found = tx.notes[NOTE] = Lists()
    return found


def above(cls: type[Resource]) -> dict[str, type[Resource]]:
    """Return the columns that place an entry in a list, each with the noun that has the list."""
    found = _ABOVE.get(cls)
    if found is None:
        found = _ABOVE[cls] = {
            spec.by: noun
            for noun in REGISTRY.values()
            for spec in noun.specs.values()
            if spec.kind == "sublist" and REGISTRY.get(spec.to) is cls
        }
    return found


_ABOVE: dict[type[Resource], dict[str, type[Resource]]] = {}


def known(tx: Tx, cls: type[R], by: str, id: str, most: int | None = None) -> list[R] | None:
    """Return the list below a row in its order, or its first entries; None where it must be read.

    Only entries that are returned are put into the form in which they are read, which takes time.
    """
    lists, place = _lists(tx), (cls.table, by, id)
    ids = lists.read.get(place)
    if ids is None and (above(cls)[by].table, id) in lists.made and cls.table not in lists.moved:
        ids = lists.new.get(place, [])
    if ids is None:
        return None
    entries = [row for each in ids if (row := held.written(tx, cls, each)) is not None]
    if len(entries) < len(ids):
        return None
    first = [held.known(tx, cls, row.id) for row in in_order(cls, entries)[:most]]
    return [row for row in first if row is not None]


def in_order(cls: type[R], rows: list[R]) -> list[R]:
    """Sort as PostgreSQL does by the resource's order: null is more than any value."""
    for part in reversed(cls.order.split(",")):
        name, *down = part.split()

        def value(row: R, name: str = name) -> tuple[bool, Any]:
            found = getattr(row, name)
            return found is None, 0 if found is None else found

        rows = sorted(rows, key=value, reverse=bool(down))
    return rows


def keep(tx: Tx, cls: type[R], by: str, id: str, rows: Sequence[R]) -> None:
    """Remember a whole list that was just read, if this transaction holds the row above it."""
    if (above(cls)[by].table, id) in held.held(tx):
        _lists(tx).read[cls.table, by, id] = [row.id for row in rows]
        held.keep_locked(tx, cls, rows)


def add(tx: Tx, cls: type[Resource], rows: Iterable[Resource]) -> None:
    """Note rows that were just made: as rows with empty lists, and as entries of lists."""
    lists, columns = _lists(tx), above(cls)
    for row in rows:
        lists.made.add((cls.table, row.id))
        for by in columns:
            place = (cls.table, by, getattr(row, by))
            lists.new.setdefault(place, []).append(row.id)
            if place in lists.read:
                lists.read[place].append(row.id)


def drop(tx: Tx, cls: type[Resource], columns: Collection[str] | None = None) -> None:
    """Forget the lists of a noun whose entries were deleted, or whose `columns` were changed."""
    if columns is None or any(by in columns for by in above(cls)):
        lists = _lists(tx)
        lists.moved.add(cls.table)
        for place in [place for place in lists.read if place[0] == cls.table]:
            del lists.read[place]
