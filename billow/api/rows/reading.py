"""Read resources: find them, select them by a condition, lock them."""

from collections.abc import Iterable
from typing import Any, TypeVar

from billow.api import held, held_lists
from billow.api.resource import REGISTRY, Resource
from billow.core.errors import Refused
from billow.store import jobs
from billow.store.tx import Tx

R = TypeVar("R", bound=Resource)


def select(tx: Tx, cls: type[R], where: str, tail: str = "", **params: Any) -> list[R]:
    """Select rows by an SQL condition, in the resource's order unless `tail` says otherwise."""
    tail = tail or f"order by {cls.order}"
    values = tx.tuples(f"select {cls.selected} from {cls.table} where {where} {tail}", **params)
    found = [cls(*each) for each in values]
    if tail.endswith("for update"):
        held.keep_locked(tx, cls, found)
    else:
        held.keep_read(tx, cls, found)
    return found


def find(tx: Tx, cls: type[R], id: str, *, param: str | None = None, deleted: bool = False) -> R:
    """Find a row, or refuse: 404 for the id in the path, 400 when `param` names another id (§1.10).

    A row that this transaction has locked or written is answered from memory.
    """
    found = held.known(tx, cls, id) or next(iter(select(tx, cls, "id = %(id)s", id=id)), None)
    if found is not None and (deleted or not getattr(found, "deleted", False)):
        return found
    raise no_such(tx, cls, id, param)


def find_many(tx: Tx, cls: type[R], ids: Iterable[str]) -> dict[str, R]:
    """Find the rows that exist, by id, in the resource's order; where one is unknown, all are read."""
    wanted = sorted(set(ids))
    known = [row for id in wanted if (row := held.known(tx, cls, id)) is not None]
    if len(known) == len(wanted) and cls.order == Resource.order:
        return {row.id: row for row in sorted(known, key=lambda row: (row.created, row.id), reverse=True)}
    return {row.id: row for row in select(tx, cls, "id = any(%(ids)s)", ids=wanted)}


def find_all(tx: Tx, cls: type[R], ids: Iterable[str]) -> dict[str, R]:
    """Find the rows that jobs are about; a job whose row does not exist fails (`jobs.RowMissing`)."""
    wanted = sorted(set(ids))
    found = find_many(tx, cls, wanted)
    missing = [id for id in wanted if id not in found]
    if missing:
        raise jobs.RowMissing(f"There is no {cls.noun.replace('_', ' ')} {', '.join(missing)}.")
    return found


def below(tx: Tx, cls: type[R], by: str, ids: Iterable[str]) -> dict[str, list[R]]:
    """Return the list below each of these rows, in the resource's order; `by` is the column that names them.

    What is known is not read: see api/held_lists.py.
    """
    found = {id: held_lists.known(tx, cls, by, id) for id in dict.fromkeys(ids)}
    if missing := [id for id, known in found.items() if known is None]:
        read: dict[str, list[R]] = {id: [] for id in missing}
        for row in select(tx, cls, f"{by} = any(%(ids)s)", ids=missing):
            read[getattr(row, by)].append(row)
        for id, entries in read.items():
            held_lists.keep(tx, cls, by, id, entries)
            found[id] = entries
    return {id: rows or [] for id, rows in found.items()}


def lock(tx: Tx, cls: type[R], id: str, *, param: str | None = None) -> R:
    """Lock a row until the transaction ends, and return it as it is now. The owner's row is locked first."""
    found = held.locked(tx, cls, id)
    if cls.owner:
        owned = found or find(tx, cls, id, param=param)
        lock_owner(tx, REGISTRY[cls.specs[cls.owner].to], getattr(owned, cls.owner))
    if found is None:
        found = next(iter(select(tx, cls, "id = %(id)s", "for update", id=id)), None)
    if found is not None and not getattr(found, "deleted", False):
        return found
    raise no_such(tx, cls, id, param)


def lock_owner(tx: Tx, cls: type[Resource], id: str | None) -> None:
    """Lock the row that owns others, so that nothing that belongs to it changes; once in a transaction."""
    if id is not None and (cls.steady or (cls.table, id) not in held.held(tx)):
        tx.run(f"select 1 from {cls.table} where id = %(id)s for update", id=id)
        held.hold(tx, cls, id)


def lock_many(tx: Tx, cls: type[R], ids: Iterable[str]) -> list[R]:
    """Lock rows in the order of their ids, so that two transactions cannot deadlock."""
    wanted = sorted(set(ids))
    known = [row for id in wanted if (row := held.locked(tx, cls, id)) is not None]
    return (
        known
        if len(known) == len(wanted)
        else select(tx, cls, "id = any(%(ids)s)", "order by id for update", ids=wanted)
    )


def no_such(tx: Tx, cls: type[Resource], id: str, param: str | None = None) -> Refused:
    noun = cls.called or cls.noun.replace("_", " ")
    message = f"No such {noun}: '{id}'"
    if _in_other_mode(tx, cls, id):
        here, there = ("live", "test") if tx.livemode else ("test", "live")
        message += (
            f"; a similar object exists in {there} mode, but a {here} mode key was used to make this request."
        )
    elif cls.elsewhere:
        message += f"; {cls.elsewhere}"
    return Refused(message, param=param or cls.in_path, code="resource_missing", status=400 if param else 404)


def _in_other_mode(tx: Tx, cls: type[Resource], id: str) -> bool:
    """Return whether the same account has it in the other mode, which is all that it may learn of it."""
    other = f"{tx.account}/{'test' if tx.livemode else 'live'}"
    tx.run("select set_config('billow.tenant', %(tenant)s, true)", tenant=other)
    found = tx.one(f"select 1 from {cls.table} where id = %(id)s", id=id)
    tx.run("select set_config('billow.tenant', %(tenant)s, true)", tenant=tx.tenant)
    return found is not None


def lock_owned(tx: Tx, cls: type[R], ids: Iterable[str]) -> list[R]:
    """Lock the rows that jobs are about, their owners first, each in the order of their ids.

    A job whose row does not exist fails (`jobs.RowMissing`). The first of three statements reads no more than
    whose the rows are; the owners are known after that (`find_many` reads nothing).
    """
    wanted = sorted(set(ids))
    if not wanted or cls.owner is None:
        return lock_many(tx, cls, wanted)
    owners = dict(tx.tuples(f"select id, {cls.owner} from {cls.table} where id = any(%(ids)s)", ids=wanted))
    if missing := [id for id in wanted if id not in owners]:
        raise jobs.RowMissing(f"There is no {cls.noun.replace('_', ' ')} {', '.join(missing)}.")
    lock_many(tx, REGISTRY[cls.specs[cls.owner].to], owners.values())
    return lock_many(tx, cls, wanted)
