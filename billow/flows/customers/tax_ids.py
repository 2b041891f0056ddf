"""Keep the tax ids of customers, and copy them onto invoices."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from billow.api import listing, rows
from billow.api.resource import Where
from billow.core.tax_ids import compact, is_valid, of_test_number
from billow.flows.outside.outside import outside_of
from billow.resources import tax_id as tax_ids
from billow.resources.customer import Customer, TaxNumber
from billow.resources.invoice import Invoice
from billow.resources.tax_id import TaxId
from billow.store import jobs
from billow.store.jobs import job
from billow.store.perform import Steps, ask
from billow.store.tx import Tx


@Customer.below("POST", "tax_ids", TaxNumber, of=TaxId)
def create(tx: Tx, customer: Customer, wanted: TaxNumber) -> TaxId:
    """Add a tax id to a customer; its shape is checked now, and the number is verified later."""
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


@job("tax_id.verify", lane="mail", batch=1)
def verify(tx: Tx, refs: list[str]) -> Steps:
    """Verify a tax id: test numbers by what they stand for, European ones in the register of the settings.

    A number whose check digits are wrong is in no register. Without a register the others are `unavailable`.
    Locks the tax id, and emits its update.
    """
    [found] = rows.find_all(tx, TaxId, refs).values()
    if found.verification is None:
        return None
    status, entry, register = known_status(tx, found), None, outside_of(tx).register
    if status is None and register and tx.livemode and found.type == "eu_vat":
        value = compact(found.value)
        # The timer is put again before it is asked: a process that dies meanwhile leaves nothing pending.
        jobs.put(tx, "tax_id.verify", found.id, tx.wall + AGAIN)
        tx, entry = yield ask(register.look_up, value[:2].replace("GR", "EL"), value[2:])
        jobs.cancel(tx, "tax_id.verify", found.id)
        kept = rows.find_many(tx, TaxId, refs)
        if not kept:
            return None  # it was deleted meanwhile
        found = kept[found.id]
        status = "verified" if entry.registered else "unverified"
    said = {"status": status or "unavailable"}
    if entry and entry.registered:
        said |= {"verified_name": entry.name, "verified_address": entry.address}
    at = tx.wall if status == "verified" else None
    rows.update(tx, found, verification={**(found.verification or {}), **said}, verified_at=at)
    return None


AGAIN = timedelta(minutes=15)


def known_status(tx: Tx, found: TaxId) -> str | None:
    """Return the verification that needs no register: of a test number, or of one that cannot be right."""
    known = None if tx.livemode else of_test_number(found.value)
    return known or (None if is_valid(found.type, found.value) else "unverified")


def of_customer(tx: Tx, customer: Customer, id: str) -> TaxId:
    """Find a tax id; refuse one of another customer."""
    found = rows.find(tx, TaxId, id)
    if found.customer != customer.id:
        raise rows.no_such(tx, TaxId, id)
    return found


def of_sellers(tx: Tx, invoices: Iterable[Invoice]) -> dict[str, str]:
    """Return the type and value of the seller's tax ids that invoices name, as `eu_vat SE556000475501`."""
    wanted = {id for invoice in invoices for id in invoice.account_tax_ids or []}
    found = rows.find_many(tx, TaxId, sorted(wanted)) if wanted else {}
    return {id: f"{one.type} {one.value}" for id, one in found.items()}


def snapshots(tx: Tx, customers: Iterable[str]) -> dict[str, list[dict[str, str]]]:
    """Copy the tax ids of customers as invoices show them, the oldest first, with one query."""
    found = rows.select(
        tx, TaxId, "customer = any(%(ids)s)", "order by created, id", ids=sorted(set(customers))
    )
    copies: dict[str, list[dict[str, str]]] = {}
    for row in found:
        copies.setdefault(row.customer or "", []).append({"type": row.type, "value": row.value})
    return copies
