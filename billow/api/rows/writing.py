"""Write resources: the only writers of their tables, and every change emits its event."""

from collections.abc import Container, Iterable, Sequence
from functools import cache
from typing import Any, TypeVar

from psycopg.types.json import Jsonb

from billow.api import held, held_lists, render
from billow.api.fields import SQL_TYPES
from billow.api.params import Params
from billow.api.resource import EPOCH, Resource
from billow.core.bounds import LARGEST, TooLarge
from billow.store import bulk, outbox
from billow.store.ids import new_id
from billow.store.tx import Tx

R = TypeVar("R", bound=Resource)
Event = str | Sequence[str] | None


@cache
def _integers(cls: type[Resource]) -> tuple[str, ...]:
    return tuple(name for name in cls.columns if name in cls.specs and cls.specs[name].kind == "integer")


def check_bounds(cls: type[Resource], rows: Iterable[Resource], names: Container[str] | None = None) -> None:
    """Refuse an amount that is too large, whichever verb has come to it: all rows are written here.

    Where only some columns are written, `names` are theirs.
    """
    checked = [name for name in _integers(cls) if names is None or name in names]
    for row in rows:
        for name in checked:
            value = getattr(row, name)
            if value is not None and not -LARGEST <= value <= LARGEST:
                raise TooLarge(name)


def born(tx: Tx, row: R) -> R:
    """Return the row with an id and a time of creation, if it has none yet."""
    changes: dict[str, Any] = {}
    if not row.id:
        changes["id"] = new_id(type(row).prefix)
    if row.created == EPOCH:
        changes["created"] = tx.now
    if type(row).clocked and tx.clock != "wall" and getattr(row, "test_clock", None) is None:
        changes["test_clock"] = tx.clock
    return row.but(**changes) if changes else row


def insert(tx: Tx, row: R, *, event: Event = "created") -> R:
    """Write a new row and emit `<object>.created`."""
    return insert_many(tx, [row], event=event)[0]


def insert_many(
    tx: Tx, rows: Sequence[R], *, event: Event = "created", lists: render.Lists | None = None
) -> list[R]:
    """Write any number of new rows of one resource in one statement, and their events in another.

    `lists` are what was just written of lists below them, which the events show.
    """
    if not rows:
        return []
    made = [born(tx, row) for row in rows]
    cls = type(made[0])
    check_bounds(cls, made)
    bulk.insert_many(tx, cls.table, cls.columns, made)
    held.keep_written(tx, cls, made)
    held_lists.add(tx, cls, made)
    emit(tx, [(row, None) for row in made], event, lists)
    return made


def update(tx: Tx, row: R, *, event: Event = "updated", **changes: Any) -> R:
    """Change a row and emit `<object>.updated`; nothing is written or emitted where nothing changes."""
    changes = {name: value for name, value in changes.items() if getattr(row, name) != value}
    if not changes:
        return row
    cls = type(row)
    changed = row.but(**changes)
    check_bounds(cls, [changed], changes)
    _set(tx, changed, changes)
    held.change(tx, cls, [changed], changes)
    held_lists.drop(tx, cls, changes)
    emit(tx, [(changed, row)], event)
    return changed


def _set(tx: Tx, row: Resource, columns: Iterable[str]) -> None:
    """Write columns of one row, with the values that it has now."""
    cls = type(row)
    values = {name: getattr(row, name) for name in columns}
    sets = ", ".join(f'"{name}" = %({name})s' for name in values)
    tx.run(f"update {cls.table} set {sets} where id = %(id)s", id=row.id, **_stored(cls, values))


def _stored(cls: type[Resource], values: dict[str, Any]) -> dict[str, Any]:
    """Return values as psycopg wants them."""
    json = {name for name in values if name in cls.specs and SQL_TYPES.get(cls.specs[name].kind) == "jsonb"}
    return {
        name: Jsonb(value) if name in json and value is not None else value for name, value in values.items()
    }


def update_many(
    tx: Tx,
    changes: Sequence[tuple[R, dict[str, Any]]],
    *,
    event: Event = "updated",
    lists: render.Lists | None = None,
) -> list[R]:
    """Change any number of rows of one resource in one statement, and emit their events in another.

    `lists` are what is known of lists below them, as they are now, which the events show.
    """
    changed = [(row.but(**wanted), row) for row, wanted in changes]
    if changed:
        cls = type(changed[0][0])
        columns = sorted({name for _, wanted in changes for name in wanted})
        check_bounds(cls, (row for row, _ in changed), columns)
        if len(changed) == 1 and columns:
            _set(tx, changed[0][0], columns)
        else:
            records = [{name: getattr(row, name) for name in ("id", *columns)} for row, _ in changed]
            bulk.update_many(
                tx, cls.table, {name: SQL_TYPES[cls.specs[name].kind] for name in columns}, records
            )
        held.change(tx, cls, [row for row, _ in changed], columns)
        held_lists.drop(tx, cls, columns)
        emit(tx, [(row, before) for row, before in changed if row != before], event, lists)
    return [row for row, _ in changed]


def delete(tx: Tx, row: Resource, *, event: Event = "deleted") -> dict[str, Any]:
    """Remove a row for good; the answer is the stub that says so."""
    emit(tx, [(row, None)], event)
    tx.run(f"delete from {type(row).table} where id = %(id)s", id=row.id)
    held.forget(tx, type(row), row.id)
    held_lists.drop(tx, type(row))
    return stub(row)


def delete_where(tx: Tx, cls: type[Resource], where: str, **params: Any) -> int:
    """Remove rows by an SQL condition without an event; return how many."""
    held.forget(tx, cls)
    held_lists.drop(tx, cls)
    return tx.run(f"delete from {cls.table} where {where}", **params)


def stub(row: Resource) -> dict[str, Any]:
    return {"id": row.id, "object": type(row).object, "deleted": True}


# ------------------------------------------------------------------------------------- events


def emit(
    tx: Tx,
    changes: Sequence[tuple[Resource, Resource | None]],
    event: Event,
    lists: render.Lists | None = None,
    former: render.Lists | None = None,
) -> None:
    """Emit what happened to rows of one resource, each with what it was before; one statement for all.

    `created`, `updated` and `deleted` are emitted under the resource's own name, if at all; another event is
    named in full. Only `….updated` carries `previous_attributes` (§10.1). `lists` are not read, but shown as
    they are handed over; `former` are lists as they were, which are shown whole where they have changed.
    """
    if not changes or event is None:
        return
    cls = type(changes[0][0])
    types = [event] if isinstance(event, str) else list(event)
    named = [
        name if "." in name else f"{cls.event_prefix}.{name}"
        for name in types
        if "." in name or name in cls.events
    ]
    if not named:
        return
    shown = render.show(tx, [row for row, _ in changes], lists=lists)
    before = render.show_changed(tx, changes) if any(name.endswith(".updated") for name in named) else []
    for name, entries in (former or {}).items():
        render.show_former_list(tx, cls.specs[name], shown, entries, before)
    outbox.write(
        tx,
        [
            outbox.NewEvent(name, now, before[place] if name.endswith(".updated") else None)
            for place, now in enumerate(shown)
            for name in named
        ],
    )


# ------------------------------------------------------------------------------------- values from requests


def plain_value(value: Any) -> Any:
    """A parsed parameter as a row holds it: hashes as they are shown."""
    if isinstance(value, Params):
        return value.shown()
    if isinstance(value, list):
        return [plain_value(item) for item in value]
    if isinstance(value, dict):
        return {key: plain_value(item) for key, item in value.items()}
    return value
