"""Emit the summary of a customer's entitlements when it changed."""

from typing import Any

from billow.api import render, rows
from billow.resources.active_entitlement import ActiveEntitlement
from billow.store import outbox
from billow.store.tx import Tx

URL = "/v1/entitlements/active_entitlements?customer="


def held(tx: Tx, customer: str) -> list[ActiveEntitlement]:
    """What the customer may do as things stand in this transaction."""
    return rows.select(tx, ActiveEntitlement, "customer = %(customer)s", customer=customer)


def tell(tx: Tx, customer: str, before: list[ActiveEntitlement]) -> None:
    """Tell the summary where it is another one than before."""
    after = held(tx, customer)
    if {one.id for one in after} == {one.id for one in before}:
        return
    now, former = (listed(tx, customer, found) for found in (after, before))
    summary = {
        "object": "entitlements.active_entitlement_summary",
        "customer": customer,
        "entitlements": now,
        "livemode": tx.livemode,
    }
    previous = {"entitlements": {"data": former["data"]}}
    outbox.write(tx, [outbox.Told("entitlements.active_entitlement_summary.updated", summary, previous)])


def listed(tx: Tx, customer: str, found: list[ActiveEntitlement]) -> dict[str, Any]:
    """As a list object, of which an event carries the first entries."""
    first = render.show(tx, found[: render.FIRST])
    return render.page(first, len(found) > render.FIRST, URL + customer)
