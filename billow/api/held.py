"""Remember the rows that a transaction has locked or written: nobody else can change them until it ends.

Such a row is read from the database at most once, and after that answered from memory. What is remembered is
what the table holds: a change is applied to the remembered row, and a row that was written here is put into
the form in which PostgreSQL would give it back.

Prices, products and meters are remembered although others may change them (`Resource.steady`): one
transaction bills with one state of the catalog.
"""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, TypeVar, cast

import msgspec

from billow.api.fields import SQL_TYPES
from billow.api.resource import Resource
from billow.store.tx import Tx

R = TypeVar("R", bound=Resource)
NOTE = "rows"
"""The note of a transaction with the rows that it holds; None stands for one that must be read."""


@dataclass(frozen=True, slots=True)
class Written:
    """A row as it was written, which may differ from how it is read."""

    row: Resource


Held = dict[tuple[str, str], Resource | Written | None]


def held(tx: Tx) -> Held:
    """Return what this transaction holds, by table and id."""
    found: Held | None = tx.notes.get(NOTE)
    if found is None:
        found = tx.notes[NOTE] = {}
    return found


def known(tx: Tx, cls: type[R], id: str) -> R | None:
    """Return a row that needs no reading; None where it must be read."""
    kept = held(tx)
    found = kept.get((cls.table, id))
    if isinstance(found, Written):
        found = kept[cls.table, id] = as_read(found.row)
    return cast("R | None", found)


def written(tx: Tx, cls: type[R], id: str) -> R | None:
    """Return a row that needs no reading, in the form in which it was written: its values are the same."""
    found = held(tx).get((cls.table, id))
    return cast("R | None", found.row if isinstance(found, Written) else found)


def as_read(row: Resource) -> Resource:
    """Return a row as its table gives it back: hashes in their stored order, and columns alone."""
    cls = type(row)
    return cls(
        row.id, row.created, *[READ[cls.specs[name].kind](getattr(row, name)) for name in cls.columns[2:]]
    )


def stored_number(value: Decimal | None) -> Decimal | None:
    """Return a number without an exponent above zero, which PostgreSQL does not keep."""
    return Decimal(f"{value:f}") if isinstance(value, Decimal) else value


def stored_json(value: Any) -> Any:
    """Return what `jsonb` makes of a value: plain JSON, the keys of each hash by length and then by bytes."""
    return None if value is None else _sorted(msgspec.json.decode(msgspec.json.encode(value)))


def _sorted(value: Any) -> Any:
    if isinstance(value, dict):
        keys = sorted(value, key=lambda key: (len(key.encode()), key.encode()))
        return {key: _sorted(value[key]) for key in keys}
    return [_sorted(each) for each in value] if isinstance(value, list) else value


def _same(value: Any) -> Any:
    return value


FORMS: dict[str, Callable[[Any], Any]] = {"jsonb": stored_json, "numeric": stored_number}
READ = {kind: FORMS.get(type, _same) for kind, type in SQL_TYPES.items()}
"""By the kind of a field, how its value is read after it was written."""


def locked(tx: Tx, cls: type[R], id: str) -> R | None:
    """Return a row that this transaction has locked or written and that needs no reading."""
    return None if cls.steady else known(tx, cls, id)


def keep_locked(tx: Tx, cls: type[Resource], rows: Iterable[Resource]) -> None:
    """Remember rows that were just read and locked."""
    held(tx).update({(cls.table, row.id): row for row in rows})


def keep_read(tx: Tx, cls: type[Resource], rows: Iterable[Resource]) -> None:
    """Remember those of the rows just read which this transaction holds, and all that are steady."""
    kept = held(tx)
    if kept or cls.steady:
        for row in rows:
            if (key := (cls.table, row.id)) in kept or cls.steady:
                kept[key] = row


def keep_written(tx: Tx, cls: type[Resource], rows: Iterable[Resource]) -> None:
    """Remember new rows."""
    held(tx).update({(cls.table, row.id): Written(row) for row in rows})


def hold(tx: Tx, cls: type[Resource], id: str) -> None:
    """Note that this transaction has locked a row that it has not read."""
    held(tx).setdefault((cls.table, id), None)


def change(tx: Tx, cls: type[Resource], rows: Iterable[Resource], columns: Collection[str]) -> None:
    """Note that these columns of rows were written, with the values that the rows have now."""
    kept, table = held(tx), cls.table
    for row in rows:
        before = kept.get((table, row.id))
        if isinstance(before, Written):
            before = before.row
        if before is None or cls.steady:  # what others have written meanwhile is not known
            kept[table, row.id] = None
        else:
            kept[table, row.id] = Written(before.but(**{name: getattr(row, name) for name in columns}))


def forget(tx: Tx, cls: type[Resource], id: str | None = None) -> None:
    """Forget a row that was deleted, or all rows of a noun."""
    kept = held(tx)
    gone = [key for key in kept if key[0] == cls.table] if id is None else [(cls.table, id)]
    for key in gone:
        kept.pop(key, None)
