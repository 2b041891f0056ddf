"""Emit the summary of a customer's entitlements when it changed."""

from typing import Any

from billow.api import render, rows
from billow.resources.active_entitlement import ActiveEntitlement
from billow.store import outbox
from billow.store.tx import Tx

URL = "/v1/entitlements/active_entitlements?customer="


def entitlements_of(tx: Tx, customer: str) -> list[ActiveEntitlement]:
    """List the active entitlements of a customer, as they are in this transaction."""
    return rows.select(tx, ActiveEntitlement, "customer = %(customer)s", customer=customer)


def emit_summary(tx: Tx, customer: str, before: list[ActiveEntitlement]) -> None:
    """Emit the summary of a customer's entitlements, unless it is the same as `before`."""
    after = entitlements_of(tx, customer)
    if {one.id for one in after} == {one.id for one in before}:
        return
    now, former = (first_page(tx, customer, found) for found in (after, before))
    summary = {
        "object": "entitlements.active_entitlement_summary",
        "customer": customer,
        "entitlements": now,
        "livemode": tx.livemode,
    }
    previous = {"entitlements": {"data": former["data"]}}
    outbox.write(tx, [outbox.Told("entitlements.active_entitlement_summary.updated", summary, previous)])


def first_page(tx: Tx, customer: str, found: list[ActiveEntitlement]) -> dict[str, Any]:
    """Render entitlements as a list object; an event holds its first entries only."""
    first = render.show(tx, found[: render.FIRST])
    return render.page(first, len(found) > render.FIRST, URL + customer)
