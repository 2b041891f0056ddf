"""Attach, list, change and delete the cards of a customer in the older format, as sources."""

from typing import Any

from billow.api import fields as f
from billow.api import listing, rows
from billow.api.fields import CREATE
from billow.api.operation import merged_value
from billow.api.params import Params
from billow.api.resource import Where
from billow.core.errors import Refused
from billow.flows.customers import payment_methods, waiting_retries
from billow.flows.customers.payment_methods import ADDRESS, attach_if_new, store_source
from billow.resources import card as cards
from billow.resources.card import Card
from billow.resources.customer import Customer
from billow.resources.payment_method import PaymentMethod
from billow.store import clocks
from billow.store.perform import Steps
from billow.store.tx import Tx


class Create(Params):
    metadata: dict[str, str] = f.metadata()
    source: str = f.text(required=True)
    validate: str | None = f.choice(CREATE, "true")
    """Whether the gateway validates a new card. It always does, so `false` is refused."""


class Change(Params):
    address_city: str | None = f.text(unset=True)
    address_country: str | None = f.text(unset=True)
    address_line1: str | None = f.text(unset=True)
    address_line2: str | None = f.text(unset=True)
    address_state: str | None = f.text(unset=True)
    address_zip: str | None = f.text(unset=True)
    exp_month: int | None = f.integer(min=1, max=12)
    exp_year: int | None = f.integer(min=0, max=2100)
    metadata: dict[str, str] = f.metadata()
    name: str | None = f.line(unset=True)


class Filters(listing.Paging):
    object: str = f.text(default="card")


def create(tx: Tx, customer: Customer, wanted: Create) -> Steps:
    """Attach the card of a token to a customer; the first source becomes the default one."""
    tx, method = yield from store_source(tx, wanted.source)
    tx = clocks.of_customer(tx, customer.id)
    metadata = merged_value(PaymentMethod(), "metadata", wanted.metadata)
    made = attach_if_new(tx, method.but(metadata=metadata), customer.id)
    customer = rows.lock(tx, Customer, customer.id)
    if customer.default_source is None:
        waiting_retries.retry_with_new_method(tx, rows.update(tx, customer, default_source=made.id))
    return cards.drawn(made)


def list_of_customer(tx: Tx, customer: Customer, wanted: Filters) -> listing.Page:
    """List the cards that were attached to a customer as sources, the newest first."""
    return listing.below(
        tx,
        Card,
        Where("customer = %(customer)s and %(object)s = 'card'", customer=customer.id, object=wanted.object),
        wanted,
        f"/v1/customers/{customer.id}/sources",
    )


def retrieve(tx: Tx, customer: Customer, id: str) -> Card:
    """Retrieve a card of a customer."""
    return cards.drawn(of_customer(tx, customer, id))


def update(tx: Tx, customer: Customer, id: str, wanted: Change) -> Card:
    """Change the name, address, expiry or metadata of a card."""
    method = of_customer(tx, customer, id)
    sent = wanted.sent()
    details, card = dict(method.billing_details), dict(method.card or {})
    if "name" in sent:
        details["name"] = wanted.name
    address = {name: getattr(wanted, older) for older, name in ADDRESS.items() if older in sent}
    if address:
        details["address"] = {**(details.get("address") or {}), **address}
    if wanted.exp_month is not None:
        card["exp_month"] = wanted.exp_month
    if wanted.exp_year is not None:
        card["exp_year"] = payment_methods.full_year(wanted.exp_year)
    metadata = merged_value(method, "metadata", sent.get("metadata", {}))
    changed = rows.update(tx, method, billing_details=details, card=card, metadata=metadata)
    before, after = cards.drawn(method), cards.drawn(changed)
    if after != before:
        rows.emit(tx, [(after, before)], "updated")
    return after


def delete(tx: Tx, customer: Customer, id: str) -> dict[str, Any]:
    """Delete a card of a customer; its newest other card takes the place of a default source."""
    method = of_customer(tx, customer, id)
    payment_methods.detach(tx, method)
    if customer.default_source == id:
        rest = rows.select(tx, Card, "customer = %(customer)s", NEWEST, customer=customer.id)
        if rest:
            rows.update(tx, rows.lock(tx, Customer, customer.id), default_source=rest[0].id)
    return rows.stub(cards.drawn(method))


NEWEST = "order by created desc, id desc limit 1"


def of_customer(tx: Tx, customer: Customer, id: str) -> PaymentMethod:
    """Find the payment method of a source; refuse one of another customer."""
    found = rows.find_many(tx, PaymentMethod, [id]).get(id)
    if found is None or found.customer != customer.id or not payment_methods.is_source(found):
        raise Refused(f"No such source: '{id}'", param="id", code="resource_missing", status=404)
    return found


for path in ("sources", "cards"):  # the second is what clients of 2014 call
    Customer.below("POST", path, Create, of=PaymentMethod)(create)
    Customer.below("GET", path, Filters, of=PaymentMethod)(list_of_customer)
    Customer.below("GET", f"{path}/{{card}}", of=PaymentMethod)(retrieve)
    Customer.below("POST", f"{path}/{{card}}", Change, of=PaymentMethod)(update)
    Customer.below("DELETE", f"{path}/{{card}}", of=PaymentMethod)(delete)
