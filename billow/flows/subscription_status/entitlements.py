"""Emit the summary of a customer's entitlements when it changed."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from billow.api import render, rows
from billow.resources.active_entitlement import ActiveEntitlement
from billow.store import outbox
from billow.store.tx import Tx

URL = "/v1/entitlements/active_entitlements?customer="
Entitlements = list[ActiveEntitlement]


def entitlements_of(tx: Tx, customer: str) -> Entitlements:
    """List the active entitlements of a customer, as they are in this transaction."""
    return entitlements_of_each(tx, [customer])[customer]


def entitlements_of_each(tx: Tx, customers: Iterable[str]) -> dict[str, Entitlements]:
    """Select the entitlements of any number of customers in one statement."""
    found: dict[str, Entitlements] = {customer: [] for customer in sorted(set(customers))}
    if found:
        for one in rows.select(tx, ActiveEntitlement, "customer = any(%(ids)s)", ids=list(found)):
            found[one.customer].append(one)
    return found


def emit_summary(tx: Tx, customer: str, before: Entitlements) -> None:
    """Emit the summary of a customer's entitlements, unless it is the same as `before`."""
    emit_summaries(tx, {customer: before})


def emit_summaries(tx: Tx, before: Mapping[str, Entitlements]) -> None:
    """Emit the summary of each customer whose entitlements are others than before, in a few statements."""
    after = entitlements_of_each(tx, before)
    changed = [
        customer
        for customer, former in before.items()
        if {one.id for one in after[customer]} != {one.id for one in former}
    ]
    now, former = (first_pages(tx, changed, found) for found in (after, before))
    outbox.write(
        tx,
        [
            outbox.NewEvent(
                "entitlements.active_entitlement_summary.updated",
                {
                    "object": "entitlements.active_entitlement_summary",
                    "customer": customer,
                    "entitlements": now[customer],
                    "livemode": tx.livemode,
                },
                {"entitlements": {"data": former[customer]["data"]}},
            )
            for customer in changed
        ],
    )


def first_pages(
    tx: Tx, customers: Sequence[str], found: Mapping[str, Entitlements]
) -> dict[str, dict[str, Any]]:
    """Show the entitlements of each customer as a list object, of which an event has the first entries."""
    first = {customer: found[customer][: render.FIRST] for customer in customers}
    shown = iter(render.show(tx, [one for some in first.values() for one in some]))
    return {
        customer: render.page(
            [next(shown) for _ in some], len(found[customer]) > render.FIRST, URL + customer
        )
        for customer, some in first.items()
    }
