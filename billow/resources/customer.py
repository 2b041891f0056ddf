"""Customers: the people and companies that pay."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from billow.api import fields as f
from billow.api import rows
from billow.api.fields import CREATE, UPDATE, WRITE
from billow.api.params import Params
from billow.api.resource import REGISTRY, Resource, Where
from billow.core.errors import require
from billow.core.numbering import prefix_from
from billow.core.tax_ids import MEMBERS, TYPES
from billow.store.ids import new_id
from billow.store.search import Searched
from billow.store.tx import Tx


class Address(Params):
    city: str | None = f.text(unset=True)
    country: str | None = f.text(unset=True)
    line1: str | None = f.text(unset=True)
    line2: str | None = f.text(unset=True)
    postal_code: str | None = f.text(unset=True)
    state: str | None = f.text(unset=True)


class Shipping(Params):
    address: Address | None = f.nested(shape=Address, required=True)
    carrier: str | None = f.absent()
    name: str = f.line(required=True)
    phone: str | None = f.line(unset=True)
    tracking_number: str | None = f.absent()


class CustomField(Params):
    name: str = f.line(max=40, required=True)
    value: str = f.line(max=140, required=True)


class RenderingOptions(Params):
    amount_tax_display: str | None = f.choice(WRITE, "exclude_tax", "include_inclusive_tax", unset=True)
    template: str | None = f.ref("invoice_rendering_template", unset=True)


class CashSettings(Params):
    """How bank transfers of a customer are matched: `manual` ones wait until they are applied."""

    reconciliation_mode: str | None = f.choice(WRITE, "automatic", "manual", "merchant_default")
    using_merchant_default: bool | None = f.absent()


class CashBalance(Params):
    available: dict[str, int] | None = f.absent()
    customer: str | None = f.absent()
    customer_account: str | None = f.absent()
    livemode: bool | None = f.absent()
    object: str | None = f.absent()
    settings: CashSettings | None = f.nested(shape=CashSettings)


class InvoiceSettings(Params):
    custom_fields: list[dict[str, Any]] | None = f.array(item=CustomField, max=4, unset=True)
    default_payment_method: str | None = f.ref("payment_method", unset=True)
    footer: str | None = f.text(unset=True)
    rendering_options: dict[str, Any] | None = f.nested(shape=RenderingOptions, unset=True)


def credit_balance(row: "Customer", now: datetime, shown: dict[str, Any]) -> dict[str, int]:
    """Return the balance by currency with the opposite sign: what we owe is positive (§3.1)."""
    return {row.currency: -row.balance} if row.currency and row.balance else {}


class Tax(Params):
    """The customer's tax location; the other fields follow from the address."""

    automatic_tax: str = f.absent("unrecognized_location")
    ip_address: str | None = f.text(unset=True, max=45)
    location: dict[str, Any] | None = f.absent()
    provider: str = f.absent("stripe")
    validate_location: str | None = f.choice(WRITE, "deferred", "immediately")


class TaxNumber(Params):
    type: str = f.choice(CREATE, *TYPES, required=True)
    value: str = f.text(max=200, required=True)


#: The tax of a customer without an address.
NO_TAX = {
    "automatic_tax": "unrecognized_location",
    "ip_address": None,
    "location": None,
    "provider": "stripe",
}


class Customer(Resource, object="customer", path="/v1/customers", prefix="cus_"):
    """A person or company that pays, with an address and payment methods."""

    among = "not deleted"
    searched = {
        "created": Searched("instant", "created"),
        "email": Searched("text", "email"),
        "metadata": Searched("metadata"),
        "name": Searched("text", "name"),
        "phone": Searched("text", "phone"),
    }

    address: dict[str, Any] | None = f.nested(WRITE, Address, unset=True)
    balance: int = f.amount(WRITE, default=0)
    business_name: str | None = f.line(WRITE, max=150, unset=True)
    cash_balance: dict[str, Any] | None = f.nested(WRITE, CashBalance, include=True)
    currency: str | None = f.currency()
    customer_account: str | None = f.absent()
    default_source: str | None = f.text(UPDATE, refs="card source")
    delinquent: bool = f.boolean(default=False)
    description: str | None = f.text(WRITE, unset=True)
    discount: str | None = f.ref("discount", embed=True)
    email: str | None = f.email(WRITE, filter=True, unset=True)
    individual_name: str | None = f.line(WRITE, max=150, unset=True)
    invoice_credit_balance: dict[str, int] = f.computed(credit_balance, include=True)
    invoice_prefix: str | None = f.text(WRITE, max=12)
    invoice_settings: dict[str, Any] = f.nested(WRITE, InvoiceSettings, default=f.blank(InvoiceSettings, {}))
    metadata: dict[str, str] = f.metadata()
    name: str | None = f.line(WRITE, max=256, unset=True)
    next_invoice_sequence: int = f.integer(WRITE, min=1, max=10**9, default=1)
    payment_method: str | None = f.text(CREATE, order=True)
    """A payment method to attach; the default one is set in invoice_settings."""
    phone: str | None = f.line(WRITE, max=20, unset=True)
    preferred_locales: list[str] = f.array(WRITE, default=[])
    shipping: dict[str, Any] | None = f.nested(WRITE, Shipping, unset=True)
    source: str | None = f.text(WRITE, order=True)
    """A card token, as in older API versions: its card becomes the customer's default source."""
    sources: list[Any] = f.sublist("card", by="customer", include=True, url="/v1/customers/{id}/sources")
    subscriptions: list[Any] = f.sublist(
        "subscription", by="customer", include=True, url="/v1/subscriptions?customer={id}"
    )
    tax: dict[str, Any] = f.nested(WRITE, Tax, default=NO_TAX, include=True)
    tax_exempt: str = f.choice(WRITE, "exempt", "none", "reverse", default="none", unset=True)
    tax_id_data: list[Any] = f.array(CREATE, TaxNumber, max=5, order=True)
    tax_ids: list[Any] = f.sublist("tax_id", by="customer", include=True, url="/v1/customers/{id}/tax_ids")
    test_clock: str | None = f.ref("test_helpers.test_clock", CREATE)

    validate: str | None = f.choice(WRITE, "true", "True", order=True)
    """Whether the gateway validates a new card. It always does, so `false` is refused."""

    deleted: bool = f.boolean(default=False, hidden=True)
    numbered_from: int = f.integer(default=1, hidden=True)
    page_declines: dict[str, Any] | None = f.nested(hidden=True)
    """How many cards were declined on the customer's pages, and since when."""
    """The invoice number from which the series has no gap, since the sequence was set to it."""


def fresh(tx: Tx, customer: Customer) -> dict[str, Any]:
    """Return the id of a new customer and its invoice prefix, which is made from the id unless given."""
    id = new_id(Customer.prefix)
    if customer.invoice_prefix:
        check_prefix(tx, customer.invoice_prefix)
        return {"id": id}
    seed = prefix_from(id)
    while _prefix_taken(tx, seed):
        seed = prefix_from(f"{id}{seed}")
    return {"id": id, "invoice_prefix": seed}


def check_prefix(tx: Tx, prefix: str) -> None:
    good = prefix.isascii() and prefix.isalnum() and prefix == prefix.upper()
    require(
        good,
        "Invalid invoice_prefix: it consists of 1 to 12 uppercase letters and digits.",
        param="invoice_prefix",
    )
    require(
        not _prefix_taken(tx, prefix),
        f"The invoice prefix {prefix} is already used by another customer.",
        param="invoice_prefix",
    )


def _prefix_taken(tx: Tx, prefix: str) -> bool:
    return bool(tx.one("select 1 from customers where invoice_prefix = %(prefix)s", prefix=prefix))


def located(tx: Tx, customer: Customer, by_ip: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return where a customer is taxed: by the address, by where it is shipped to, or by the IP address.

    Tax is `supported` where the account is registered now, and otherwise not collected (§12.1).
    """
    tax, shipping = dict(customer.tax), (customer.shipping or {}).get("address")
    wished = tax.pop("validate_location", None)
    places = (
        ("billing_address", customer.address),
        ("shipping_destination", shipping),
        ("ip_address", by_ip),
    )
    location = next(
        (
            {"country": address["country"], "source": source, "state": address.get("state")}
            for source, address in places
            if address and address.get("country")
        ),
        None,
    )
    require(
        wished != "immediately" or location,
        "The customer's location isn't recognized. Set a valid customer address in order to automatically"
        " calculate tax.",
        code="customer_tax_location_invalid",
    )
    said = NO_TAX["automatic_tax"]
    if location:
        said = "supported" if is_registered(tx, location) else "not_collecting"
    return {**NO_TAX, **tax, "automatic_tax": said, "location": location}


def is_registered(tx: Tx, location: dict[str, Any]) -> bool:
    """Check whether the account is registered for tax at a place: there, or in the EU anywhere in it."""
    country = location["country"].upper()
    countries = sorted(MEMBERS) if country in MEMBERS else [country]
    found = tx.all(
        "select country, country_options->'us'->>'state' as state from tax_registrations"
        " where country = any(%(countries)s) and active_from <= %(now)s"
        " and (expires_at is null or expires_at > %(now)s)",
        countries=countries,
        now=tx.now,
    )
    states = {row["state"] for row in found}
    return bool(states & {None, (location["state"] or "").upper()})


class Filters(Params):
    test_clock: str | None = f.ref("test_helpers.test_clock")


@Customer.listing(Filters)
def listing(tx: Tx, wanted: Filters) -> Where:
    """List customers, newest first; customers on a test clock only if `test_clock` names it."""
    if wanted.test_clock is None:
        return Where("not deleted and test_clock is null")
    rows.find(tx, REGISTRY["test_helpers.test_clock"], wanted.test_clock, param="test_clock")
    return Where("not deleted and test_clock = %(clock)s", clock=wanted.test_clock)


def delete(tx: Tx, customer: Customer) -> dict[str, Any]:
    """Delete a customer for good; a stub that can be retrieved and the invoices remain."""
    rows.emit(tx, [(customer, None)], "deleted")
    rows.update(tx, customer, event=None, deleted=True)
    return rows.stub(customer)
