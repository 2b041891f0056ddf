"""Keep the tax ids of customers, and copy them onto invoices."""

from collections.abc import Iterable
from typing import Any

from billow.api import listing, rows
from billow.api.resource import Where
from billow.core.tax_ids import of_test_number
from billow.resources import tax_id as tax_ids
from billow.resources.customer import Customer, TaxNumber
from billow.resources.tax_id import TaxId
from billow.store.jobs import job
from billow.store.tx import Tx


@Customer.below("POST", "tax_ids", TaxNumber, of=TaxId)
def create(tx: Tx, customer: Customer, wanted: TaxNumber) -> TaxId:
    """Add a tax id to a customer; its digits are checked now, and verified later."""
    return tax_ids.add(tx, tax_ids.drawn(tx, wanted, customer.id))


@Customer.below("GET", "tax_ids", listing.Paging, of=TaxId)
def list_of_customer(tx: Tx, customer: Customer, wanted: listing.Paging) -> listing.Page:
    """List the tax ids of a customer."""
    where = Where("customer = %(customer)s", customer=customer.id)
    return listing.below(tx, TaxId, where, wanted, f"/v1/customers/{customer.id}/tax_ids")


@Customer.below("GET", "tax_ids/{tax_id}", of=TaxId)
def retrieve(tx: Tx, customer: Customer, id: str) -> TaxId:
    """Retrieve a tax id of a customer."""
    return of_customer(tx, customer, id)


@Customer.below("DELETE", "tax_ids/{tax_id}", of=TaxId)
def delete(tx: Tx, customer: Customer, id: str) -> dict[str, Any]:
    """Delete a tax id of a customer; finalized invoices keep their copies."""
    return tax_ids.delete(tx, of_customer(tx, customer, id))


@job("tax_id.verify", batch=1)
def verify(tx: Tx, refs: list[str]) -> None:
    """Set the verification of a tax id: the result of a test number, otherwise `unavailable`.

    No register is asked. Emits the update.
    """
    [found] = rows.find_all(tx, TaxId, refs).values()
    if found.verification is None:
        return
    status = None if tx.livemode else of_test_number(found.value)
    rows.update(tx, found, verification={**found.verification, "status": status or "unavailable"})


def of_customer(tx: Tx, customer: Customer, id: str) -> TaxId:
    """Find a tax id; refuse one of another customer."""
    found = rows.find(tx, TaxId, id)
    if found.customer != customer.id:
        raise rows.no_such(tx, TaxId, id)
    return found


def snapshots(tx: Tx, customers: Iterable[str]) -> dict[str, list[dict[str, str]]]:
    """Copy the tax ids of customers as invoices show them, the oldest first, with one query."""
    found = rows.select(
        tx, TaxId, "customer = any(%(ids)s)", "order by created, id", ids=sorted(set(customers))
    )
    copies: dict[str, list[dict[str, str]]] = {}
    for row in found:
        copies.setdefault(row.customer or "", []).append({"type": row.type, "value": row.value})
    return copies
