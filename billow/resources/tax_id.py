"""Tax ids: the VAT or tax numbers of customers and of our account."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from billow.api import fields as f
from billow.api import rows
from billow.api.fields import CREATE
from billow.api.params import Params
from billow.api.resource import Resource, Where
from billow.core import tax_ids
from billow.core.errors import Refused, require
from billow.core.tax_id_forms import form
from billow.resources.customer import Customer, TaxNumber
from billow.store import jobs
from billow.store.tx import Tx

MOST = 5


OWNERS = {name: name for name in ("account", "application", "customer")}


def owner(row: "TaxId", now: datetime, shown: dict[str, Any]) -> dict[str, Any]:
    kind = "customer" if row.customer else "self"
    return {
        "account": None,
        "application": None,
        "customer": row.customer,
        "customer_account": None,
        "type": kind,
    }


class TaxId(Resource, object="tax_id", path="/v1/tax_ids", prefix="txi_", event="customer.tax_id"):
    """A tax number. It is never updated: a wrong one is deleted, and the right one created."""

    country: str | None = f.text()
    customer: str | None = f.ref("customer")
    customer_account: str | None = f.absent()
    owner: dict[str, Any] | None = f.computed(owner, refs=OWNERS)  # type: ignore[assignment, misc]
    type: str = f.text(required=True)
    value: str = f.text(required=True)
    verification: dict[str, Any] | None = f.nested()
    verified_at: datetime | None = f.timestamp(hidden=True)
    """When it was found in the register that it is verified in."""


def wrong(type: str) -> str:
    """Refuse a number as Stripe does, and say how numbers of its type are written."""
    return f"Invalid value for {type}. {form(type)}".strip()


def drawn(tx: Tx, number: TaxNumber, customer: str | None, at: str = "value") -> TaxId:
    """Check the shape of a tax number and return a tax id to insert; test numbers are taken in test mode."""
    known = not tx.livemode and tax_ids.of_test_number(number.value)
    if not known and not tax_ids.has_shape(number.type, number.value):
        raise Refused(wrong(number.type), param=at, code="tax_id_invalid")
    checked = number.type in tax_ids.VERIFIABLE and customer is not None
    verification = {
        "status": "pending" if checked else "unavailable",
        "verified_address": None,
        "verified_name": None,
    }
    return TaxId(
        type=number.type,
        value=number.value,
        customer=customer,
        country=tax_ids.country_of(number.type, number.value),
        verification=verification if customer is not None else None,  # of a new customer it is empty
    )


def add(tx: Tx, made: TaxId) -> TaxId:
    """Insert a tax id; a customer has at most five. A job verifies it later if it can be verified."""
    if made.customer is None:
        return rows.insert(tx, made, event=None)
    count = tx.one("select count(*) as n from tax_ids where customer = %(id)s", id=made.customer)
    require(
        count and count["n"] < MOST, f"You cannot add more than {MOST} tax IDs to a customer.", param="value"
    )
    made = rows.insert(tx, made)
    if made.verification and made.verification["status"] == "pending":
        jobs.put(tx, "tax_id.verify", made.id, tx.now)
    return made


class Owner(Params):
    customer: str | None = f.ref("customer")
    type: str = f.choice(CREATE, "customer", "self", required=True)


class Create(Params):
    owner: Owner | None = f.nested(shape=Owner)
    type: str = f.choice(CREATE, *tax_ids.TYPES, required=True)
    value: str = f.text(max=200, required=True)


@TaxId.create(Create)
def create(tx: Tx, wanted: Create) -> TaxId:
    """Create a tax id of our account, or of the customer that `owner` names."""
    customer = whose(tx, wanted.owner)
    if customer:
        rows.lock(tx, Customer, customer, param="owner[customer]")
    return add(tx, drawn(tx, TaxNumber(type=wanted.type, value=wanted.value), customer))


def whose(tx: Tx, wanted: Owner | None) -> str | None:
    """Return the customer that `owner` names, or None for our account."""
    if wanted is None or wanted.type == "self":
        return None
    require(
        wanted.customer,
        "Missing required param: owner[customer].",
        param="owner[customer]",
        code="parameter_missing",
    )
    return rows.find(tx, Customer, wanted.customer or "", param="owner[customer]").id


def of_account(tx: Tx, ids: Sequence[str], at: str) -> list[str]:
    """Return the ids of tax ids, after checking that they are the account's own; `at` names the param."""
    found = rows.find_many(tx, TaxId, ids)
    for place, id in enumerate(ids):
        if id not in found:
            raise rows.no_such(tx, TaxId, id, param=f"{at}[{place}]")
        require(found[id].customer is None, f"The tax id {id} belongs to a customer.", param=f"{at}[{place}]")
    return list(dict.fromkeys(ids))


class Filters(Params):
    owner: Owner | None = f.nested(shape=Owner)


@TaxId.listing(Filters)
def listed(tx: Tx, wanted: Filters) -> Where:
    """List the tax ids of our account, or of the customer that `owner` names."""
    customer = whose(tx, wanted.owner)
    return Where("customer = %(whose)s", whose=customer) if customer else Where("customer is null")


@TaxId.delete
def delete(tx: Tx, row: TaxId) -> dict[str, Any]:
    """Delete a tax id; finalized invoices keep it."""
    jobs.cancel(tx, "tax_id.verify", row.id)
    return rows.delete(tx, row, event="deleted" if row.customer else None)
