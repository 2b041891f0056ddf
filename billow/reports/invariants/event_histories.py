"""Check that the events of an object form a history without gaps."""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from itertools import pairwise
from typing import Any

from billow.core import lifecycle
from billow.core.findings import Finding
from billow.store.packed import unpack
from billow.store.tx import Tx

TABLES = {
    "customer.subscription": lifecycle.SUBSCRIPTION,
    "invoice": lifecycle.INVOICE,
    "quote": lifecycle.QUOTE,
    "subscription_schedule": lifecycle.SCHEDULE,
}
QUIET = {"next_invoice_sequence"}
"""Fields that change with every invoice, without an event."""
APART = timedelta(seconds=1)
"""Servers with different clocks may order ids wrongly: events within this time are not compared."""
History = list[dict[str, Any]]


def histories(tx: Tx, objects: Sequence[str]) -> Iterator[tuple[str, History]]:
    """Yield the events of each object, in order. A price has events as a plan too, with the same id."""
    found: dict[tuple[str, str], History] = {}
    for row in tx.all(
        "select id, type, related, data, written_at from events where related = any(%(ids)s) order by id",
        ids=list(objects),
    ):
        content = unpack(row["data"])
        found.setdefault((row["related"], content["object"]["object"]), []).append({**row, "data": content})
    yield from ((related, events) for (related, _), events in found.items())


def in_order(events: History) -> set[str]:
    """Return the ids of events whose order is certain, since no other transaction is close in time."""
    close = {
        id
        for one, other in pairwise(events)
        if one["written_at"] != other["written_at"] and abs(other["written_at"] - one["written_at"]) < APART
        for id in (one["id"], other["id"])
    }
    return {event["id"] for event in events} - close


def previous_attributes_are_right(
    tx: Tx, objects: Sequence[str], *, exact: bool = False
) -> Iterator[Finding]:
    """Check invariant 6: `previous_attributes` are the values in the previous event.

    `exact` compares all events, for an installation on one machine.
    """
    for related, events in histories(tx, objects):
        sure = {event["id"] for event in events} if exact else in_order(events)
        before = events[0]
        for last, now in pairwise(events):
            # One change may emit several events, which then show the same object.
            before = last if last["data"]["object"] != now["data"]["object"] else before
            if not {before["id"], last["id"], now["id"]} <= sure:
                continue
            for name, old in now["data"].get("previous_attributes", {}).items():
                shown = before["data"]["object"].get(name)
                if name not in QUIET and not _agrees(shown, old):
                    what = f"{now['id']} ({now['type']}) to say that {name} was {shown!r}"
                    yield Finding("previous_attributes_are_right", related, what, f"{old!r}")


def _agrees(shown: Any, told: Any) -> bool:
    if isinstance(told, dict) and isinstance(shown, dict):
        return all(_agrees(shown.get(key), value) for key, value in told.items())
    return bool(shown == told)


def statuses_follow_lifecycle(tx: Tx, objects: Sequence[str], *, exact: bool = False) -> Iterator[Finding]:
    """Check invariant 7: every change of status is a step in core/lifecycle.py, or two for a paid draft."""
    for related, events in histories(tx, objects):
        table = next((t for prefix, t in TABLES.items() if events[0]["type"].startswith(f"{prefix}.")), None)
        sure = {event["id"] for event in events} if exact else in_order(events)
        for last, now in pairwise(events):
            old, new = (event["data"]["object"].get("status") for event in (last, now))
            if table is None or old == new or not {last["id"], now["id"]} <= sure:
                continue
            if new not in one_step(table, old):
                yield Finding("statuses_follow_lifecycle", related, f"a step from {old}", f"{new}")


def one_step(table: lifecycle.Table, start: str) -> set[str]:
    """Return the states that can follow a state within one event."""
    found = {to for (state, _), to in table.items() if state == start}
    if table is lifecycle.INVOICE and start == "draft":
        found |= {to for (state, _), to in table.items() if state == "open"}
    return found
