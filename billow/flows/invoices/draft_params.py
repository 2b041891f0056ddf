"""Define the params of creating and updating an invoice, and check what they say."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from billow.api import fields as f
from billow.api import rows
from billow.api.fields import SHOWN
from billow.api.params import Params
from billow.core.errors import require
from billow.flows.billing.discounts import DiscountTerm
from billow.flows.taxes import params as taxes
from billow.flows.taxes.params import AutomaticTax
from billow.resources import method_options
from billow.resources import tax_id as tax_ids
from billow.resources.connected_account import ConnectedAccount
from billow.resources.customer import Address
from billow.resources.invoice import CustomField
from billow.resources.invoice_rendering_template import check_usable
from billow.resources.mandate import Mandate
from billow.resources.method_option_shapes.settings import OfInvoices
from billow.resources.payment_method import PaymentMethod
from billow.resources.payment_method_types import BY_NAME
from billow.resources.shipping_rate import ShippingRateData
from billow.resources.subscription import Issuer
from billow.store.tx import Tx

MOST_AHEAD = timedelta(days=5 * 366)
"""How far ahead an invoice can be scheduled to be finalized."""
REFUSED_IN_STATEMENTS = "<>\\'\"*"
"""What banks do not print on a card's statement."""


class PaymentSettings(Params):
    """How an invoice may be paid."""

    default_mandate: str | None = f.ref("mandate", unset=True)
    payment_method_options: OfInvoices | None = f.nested(shape=OfInvoices, unset=True)
    payment_method_types: list[str] | None = f.array(item=f.choice(SHOWN, *BY_NAME), unset=True)


class Pdf(Params):
    page_size: str | None = f.choice(SHOWN, "a4", "auto", "letter")


class Rendering(Params):
    """How the papers of an invoice look."""

    amount_tax_display: str | None = f.choice(SHOWN, "exclude_tax", "include_inclusive_tax", unset=True)
    pdf: Pdf | None = f.nested(shape=Pdf)
    template: str | None = f.ref("invoice_rendering_template", unset=True)
    template_version: int | None = f.integer(min=1, unset=True)


class ShippingCost(Params):
    shipping_rate: str | None = f.ref("shipping_rate")
    shipping_rate_data: ShippingRateData | None = f.nested(shape=ShippingRateData)


class ShippingDetails(Params):
    address: Address = f.nested(shape=Address, required=True)
    name: str = f.line(required=True)
    phone: str | None = f.line(unset=True)


class TransferData(Params):
    """The connected account that the payment is for, and how much of it if not all."""

    amount: int | None = f.amount(min=1)
    destination: str = f.ref("account", required=True)


class Terms(Params):
    """What can be said of an invoice when it is created, and of a draft."""

    account_tax_ids: list[str] | None = f.array(item=f.text(), max=10, unset=True)
    application_fee_amount: int | None = f.amount(min=0)
    automatic_tax: AutomaticTax | None = f.nested(shape=AutomaticTax)
    automatically_finalizes_at: datetime | None = f.timestamp()
    custom_fields: list[CustomField] | None = f.array(SHOWN, CustomField, max=4, unset=True)
    days_until_due: int | None = f.integer(min=0, max=3650)
    default_source: str | None = f.text(unset=True)
    description: str | None = f.text(max=1500, unset=True)
    discounts: list[DiscountTerm] | None = f.array(SHOWN, DiscountTerm, max=20, unset=True)
    due_date: datetime | None = f.timestamp()
    effective_at: datetime | None = f.timestamp(unset=True)
    footer: str | None = f.text(unset=True)
    issuer: Issuer | None = f.nested(shape=Issuer)
    metadata: dict[str, str] = f.metadata()
    on_behalf_of: str | None = f.ref("account", unset=True)
    payment_settings: PaymentSettings | None = f.nested(shape=PaymentSettings)
    rendering: Rendering | None = f.nested(shape=Rendering)
    shipping_cost: ShippingCost | None = f.nested(shape=ShippingCost, unset=True)
    shipping_details: ShippingDetails | None = f.nested(shape=ShippingDetails, unset=True)
    statement_descriptor: str | None = f.line(max=22, unset=True)
    transfer_data: TransferData | None = f.nested(shape=TransferData, unset=True)


class FromInvoice(Params):
    """The invoice that is revised."""

    action: str = f.choice(SHOWN, "revision", required=True)
    invoice: str = f.ref("invoice", required=True)


class Create(Terms):
    auto_advance: bool = f.boolean(default=False)
    collection_method: str = f.choice(
        SHOWN, "charge_automatically", "send_invoice", default="charge_automatically"
    )
    currency: str | None = f.currency()
    customer: str | None = f.ref("customer")
    default_payment_method: str | None = f.ref("payment_method")
    default_tax_rates: list[str] = f.array(item=f.ref("tax_rate"), max=5, default=[])
    from_invoice: FromInvoice | None = f.nested(shape=FromInvoice)
    number: str | None = f.text(max=26)
    pending_invoice_items_behavior: str = f.choice(SHOWN, "exclude", "include", default="exclude")
    subscription: str | None = f.ref("subscription")


class Update(Terms):
    auto_advance: bool | None = f.boolean()
    collection_method: str | None = f.choice(SHOWN, "charge_automatically", "send_invoice")
    default_payment_method: str | None = f.ref("payment_method", unset=True)
    default_tax_rates: list[str] | None = f.array(item=f.ref("tax_rate"), max=5, unset=True)
    number: str | None = f.text(max=26, unset=True)


DRAFT_ONLY = {
    "account_tax_ids",
    "automatic_tax",
    "automatically_finalizes_at",
    "collection_method",
    "custom_fields",
    "days_until_due",
    "default_tax_rates",
    "description",
    "discounts",
    "due_date",
    "effective_at",
    "footer",
    "issuer",
    "number",
    "on_behalf_of",
    "rendering",
    "shipping_cost",
    "shipping_details",
}
"""What the document of a finalized invoice says, which does not change."""


def check_terms(tx: Tx, wanted: Terms, customer: str) -> None:
    """Check the params that create and update share, each by itself."""
    taxes.check_automatic_tax(tx, wanted.automatic_tax)
    tax_ids.of_account(tx, wanted.account_tax_ids or [], "account_tax_ids")
    at = wanted.automatically_finalizes_at
    require(
        at is None or tx.now < at <= tx.now + MOST_AHEAD,
        "You can only schedule the finalization of an invoice in the future, and at most five years ahead.",
        param="automatically_finalizes_at",
    )
    if wanted.default_source:
        found = rows.find(tx, PaymentMethod, wanted.default_source, param="default_source")
        require(
            found.customer == customer,
            "The default source must be attached to the invoice's customer.",
            param="default_source",
        )
    check_statement(wanted.statement_descriptor)
    check_accounts(tx, wanted)


def check_statement(text: str | None) -> None:
    """Refuse what banks do not print, and a descriptor without any letter."""
    require(
        text is None or not set(text) & set(REFUSED_IN_STATEMENTS),
        f"The statement descriptor must not contain any of {' '.join(REFUSED_IN_STATEMENTS)}.",
        param="statement_descriptor",
        code="invalid_characters",
    )
    require(
        text is None or any(each.isalpha() for each in text),
        "The statement descriptor must contain at least one letter.",
        param="statement_descriptor",
    )


def check_accounts(tx: Tx, wanted: Terms) -> None:
    """Check the accounts that an invoice names; its issuer is the account that creates it."""
    issuer = wanted.issuer
    require(
        issuer is None or (issuer.type == "self" and issuer.account is None),
        "An invoice is issued by the account that creates it: `issuer[type]` must be `self`.",
        param="issuer",
    )
    if wanted.on_behalf_of:
        rows.find(tx, ConnectedAccount, wanted.on_behalf_of, param="on_behalf_of")
    if wanted.transfer_data:
        to = wanted.transfer_data.destination
        rows.find(tx, ConnectedAccount, to, param="transfer_data[destination]")


def check_fee(tx: Tx, fee: int | None, transfer: Any) -> None:
    """Refuse a fee of a payment of which no other account has a part."""
    connected = (
        fee and not transfer and tx.one("select platform from accounts where id = %(id)s", id=tx.account)
    )
    require(
        not fee or transfer or (connected and connected["platform"]),
        "Can only apply an application_fee_amount when the invoice is attempting a direct payment (using an"
        " OAuth key or Stripe-Account header) or destination payment (using `transfer_data[destination]`).",
        param="application_fee_amount",
    )


def payment_settings_after(tx: Tx, before: dict[str, Any], wanted: PaymentSettings) -> dict[str, Any]:
    """Return the payment settings of an invoice after a request that sets some."""
    sent = wanted.sent()
    if wanted.default_mandate:
        rows.find(tx, Mandate, wanted.default_mandate, param="payment_settings[default_mandate]")
    if wanted.payment_method_options:
        sent["payment_method_options"] = {
            name: one and method_options.values(one)
            for name, one in wanted.payment_method_options.sent().items()
        }
    return {**before, **sent}


def with_plan_apart(settings: dict[str, Any]) -> dict[str, Any]:
    """Return the columns of payment settings: an invoice does not show its plan of installments."""
    options = settings.get("payment_method_options") or {}
    card = options.get("card") or {}
    chosen = card.get("installments") or {}
    if "plan" not in chosen:
        return {"payment_settings": settings}
    shown = {**card, "installments": {"enabled": chosen.get("enabled", bool(chosen["plan"]))}}
    after = {**settings, "payment_method_options": {**options, "card": shown}}
    return {"installment_plan": chosen["plan"] or None, "payment_settings": after}


def rendering_after(before: dict[str, Any], wanted: Rendering) -> dict[str, Any]:
    """Return how an invoice is rendered after a request that sets some of it."""
    sent: dict[str, Any] = dict(wanted.sent())
    if wanted.pdf:
        sent["pdf"] = {"page_size": wanted.pdf.page_size or "auto"}
    if wanted.given("template"):
        sent.setdefault("template_version", None)
    return {**before, **sent}


def check_template(tx: Tx, after: Mapping[str, Any]) -> None:
    """Refuse a version without its template, and a template that cannot be used."""
    template, version = after.get("template"), after.get("template_version")
    require(
        template or not version,
        "You can only set a `template_version` with a `template`.",
        param="rendering[template_version]",
    )
    if template:
        check_usable(tx, template, "rendering[template]", version)
