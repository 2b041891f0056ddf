"""Create, update and delete invoice items."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from billow.api import fields as f
from billow.api import rows
from billow.api.fields import SHOWN
from billow.api.params import Params, merged
from billow.core.bounds import LARGEST
from billow.core.errors import require
from billow.flows.billing import billing_periods, drafts, lines
from billow.flows.billing.currency import check_customer_currency
from billow.flows.billing.discounts import DiscountTerm, Owner, redeem, update_discounts
from billow.flows.billing.totals import recalculate, stands_alone, terms_of, with_line
from billow.flows.invoices.given_taxes import check_given_taxes
from billow.flows.invoices.item_amounts import MOST, ItemPriceData, Pricing, changed_amount, named, new_amount
from billow.flows.taxes.params import check_alone
from billow.resources import tax_rate as tax_rates
from billow.resources.customer import Customer
from billow.resources.invoice import Invoice
from billow.resources.invoice_item import InvoiceItem
from billow.resources.invoice_line import InvoiceLine
from billow.resources.subscription import Subscription
from billow.resources.tax_code import TaxCode
from billow.store import clocks
from billow.store.ids import new_id
from billow.store.tx import Tx

TAX_BEHAVIORS = ("exclusive", "inclusive", "unspecified")


class ItemPeriod(Params):
    start: datetime = f.timestamp(required=True)
    end: datetime = f.timestamp(required=True)


class CreateItem(Params):
    amount: int | None = f.amount()
    currency: str | None = f.currency()
    customer: str | None = f.ref("customer")
    description: str | None = f.text(unset=True)
    discountable: bool | None = f.boolean()
    discounts: list[DiscountTerm] | None = f.array(SHOWN, DiscountTerm, max=20, unset=True)
    invoice: str | None = f.ref("invoice")
    metadata: dict[str, str] = f.metadata()
    period: ItemPeriod | None = f.nested(shape=ItemPeriod)
    price_data: ItemPriceData | None = f.nested(shape=ItemPriceData)
    pricing: Pricing | None = f.nested(shape=Pricing)
    quantity: int | None = f.integer(min=0, max=MOST)
    quantity_decimal: Decimal | None = f.decimal(min=0, max=MOST)
    subscription: str | None = f.ref("subscription")
    tax_behavior: str | None = f.choice(SHOWN, *TAX_BEHAVIORS)
    tax_code: str | None = f.ref("tax_code", unset=True)
    tax_rates: list[str] = f.array(item=f.ref("tax_rate"), max=10, default=[])
    unit_amount_decimal: Decimal | None = f.decimal(min=-LARGEST, max=LARGEST)


@InvoiceItem.create(CreateItem)
def create_item(tx: Tx, wanted: CreateItem) -> InvoiceItem:
    """Create an invoice item on a draft, or as pending for the customer's next invoice."""
    # Locks the customer, then the draft.
    invoice = rows.find(tx, Invoice, wanted.invoice, param="invoice") if wanted.invoice else None
    require(
        wanted.customer or invoice,
        "Missing required param: customer.",
        param="customer",
        code="parameter_missing",
    )
    customer = rows.lock(
        tx, Customer, wanted.customer or (invoice.customer if invoice else ""), param="customer"
    )
    tx = clocks.enter(tx, customer.test_clock)
    if invoice:
        invoice = rows.lock(tx, Invoice, invoice.id)
        require(invoice.customer == customer.id, "The invoice belongs to another customer.", param="invoice")
        check_editable(invoice)
    if wanted.subscription:
        of_customer(tx, wanted.subscription, customer)
    check_period(wanted.period)
    priced = wanted.pricing or wanted.price_data
    cost = new_amount(tx, wanted, wanted.currency or (None if priced else customer.currency))
    check_customer_currency(customer, cost["currency"])
    id = new_id(InvoiceItem.prefix)
    inherited = invoice.discounts if invoice else []
    item = rows.insert(
        tx,
        InvoiceItem(
            id=id,
            discounts=redeem(
                tx, wanted.discounts or [], discount_owner(customer, id, cost["currency"], inherited)
            ),
            tax_rates=tax_rates.check_usable(tx, wanted.tax_rates or [], "tax_rates"),
            tax_behavior=wanted.tax_behavior,
            tax_code=known_code(tx, wanted.tax_code),
            **cost,
            customer=customer.id,
            invoice=wanted.invoice,
            test_clock=customer.test_clock,
            metadata=merged({}, wanted.metadata),
            subscription=wanted.subscription,
            period_start=wanted.period.start if wanted.period else tx.now,
            period_end=wanted.period.end if wanted.period else tx.now,
        ),
    )
    rows.update(tx, customer, currency=customer.currency or item.currency)
    if invoice:
        require(
            invoice.currency == item.currency, "The item's currency must be the invoice's.", param="currency"
        )
        add_to_draft(tx, invoice, item)
    return item


def known_code(tx: Tx, code: str | None) -> str | None:
    return rows.find(tx, TaxCode, code, param="tax_code").id if code else None


def of_customer(tx: Tx, id: str, customer: Customer) -> Subscription:
    """Return the subscription that a request names, which must be the customer's."""
    found = rows.find(tx, Subscription, id, param="subscription")
    require(
        found.customer == customer.id,
        f"The customer {customer.id} does not have a subscription with the ID {id}.",
        param="subscription",
        code="resource_missing",
    )
    return found


def discount_owner(customer: Customer, item: str, currency: str, present: Sequence[str]) -> Owner:
    """Describe who redeems the discounts of an item, which may name those of its invoice and customer."""
    inherited = [customer.discount] if customer.discount else []
    return Owner(customer, currency, {"invoice_item": item}, [*present, *inherited])


def check_period(period: ItemPeriod | None, at: str = "period") -> None:
    require(
        period is None or period.start <= period.end,
        "The period of an invoice item ends before it begins.",
        param=f"{at}[end]",
    )


def check_editable(invoice: Invoice) -> None:
    require(
        invoice.status == "draft",
        "This invoice is no longer editable",
        code="invoice_not_editable",
        param="invoice",
    )


def add_to_draft(tx: Tx, invoice: Invoice, item: InvoiceItem) -> None:
    """Add the line of an item at the end of a draft, and update the draft's totals.

    The other lines are read only if the new line changes them, so adding to 3,000 lines costs no more than
    adding to three.
    """
    line = drafts.place_line(lines.item_line(item), invoice.id, next_position(tx, invoice))
    if line.tax_rates:
        check_alone(invoice.automatic_tax["enabled"], line.tax_rates, "tax_rates")
        check_given_taxes(invoice, [line, *lines_of(tx, invoice)], "tax_rates")
    terms = terms_of(tx, [invoice], [line])
    if stands_alone(invoice, line, terms):
        totals, line = with_line(invoice, line, terms)
        rows.insert(tx, line)
        rows.update(tx, invoice, **totals)
    else:
        before = lines_of(tx, invoice)
        recalculate(tx, invoice, [*before, rows.insert(tx, line)])


def next_position(tx: Tx, invoice: Invoice) -> int:
    last = tx.one(
        "select max(position) as last from invoice_lines where invoice = %(id)s and kind <> 'shipping'",
        id=invoice.id,
    )
    return 0 if last is None or last["last"] is None else int(last["last"]) + 1


def lines_of(tx: Tx, invoice: Invoice) -> list[InvoiceLine]:
    return rows.below(tx, InvoiceLine, "invoice", [invoice.id])[invoice.id]


class UpdateItem(Params):
    amount: int | None = f.amount()
    description: str | None = f.text(unset=True)
    discountable: bool | None = f.boolean()
    discounts: list[DiscountTerm] | None = f.array(SHOWN, DiscountTerm, max=20, unset=True)
    invoicing_rules: str | None = f.text(unset=True)
    metadata: dict[str, str] = f.metadata()
    period: ItemPeriod | None = f.nested(shape=ItemPeriod)
    price_data: ItemPriceData | None = f.nested(shape=ItemPriceData)
    pricing: Pricing | None = f.nested(shape=Pricing)
    quantity: int | None = f.integer(min=0, max=MOST)
    quantity_decimal: Decimal | None = f.decimal(min=0, max=MOST)
    tax_behavior: str | None = f.choice(SHOWN, *TAX_BEHAVIORS)
    tax_code: str | None = f.ref("tax_code", unset=True)
    tax_rates: list[str] | None = f.array(item=f.ref("tax_rate"), max=10, unset=True)
    unit_amount_decimal: Decimal | None = f.decimal(min=-LARGEST, max=LARGEST)


@InvoiceItem.update(UpdateItem)
def update_item(tx: Tx, item: InvoiceItem, wanted: UpdateItem) -> InvoiceItem:
    """Update an invoice item that is pending or on a draft."""
    # Locks the draft, whose totals change with the item.
    invoice = rows.lock(tx, Invoice, item.invoice) if item.invoice else None
    if invoice:
        check_editable(invoice)
    require(
        not wanted.invoicing_rules,
        "Setting invoicing rules is not supported: pass an empty string to remove them.",
        param="invoicing_rules",
    )
    if invoice:
        check_alone(invoice.automatic_tax["enabled"], wanted.tax_rates, "tax_rates")
    changed = rows.update(tx, item, **changes_of(tx, item, invoice, wanted))
    if invoice:
        before = lines_of(tx, invoice)
        after = [line if line.invoice_item != item.id else updated_line(line, changed) for line in before]
        check_given_taxes(invoice, after, "tax_rates")
        recalculate(tx, invoice, before, after)
    return changed


FROZEN = ("amount", "period", "price_data", "pricing", "quantity", "quantity_decimal", "unit_amount_decimal")
"""What of a proration is not changed: it is calculated from the change that it bills."""


def changes_of(
    tx: Tx, item: InvoiceItem, invoice: Invoice | None, wanted: Any, at: str = ""
) -> dict[str, Any]:
    """Return what a request changes of an item, or of the item behind a line."""
    check_proration(item, wanted, at)
    changes = changed_amount(tx, item, wanted, at)
    for name in ("description", "discountable"):
        if wanted.given(name):
            changes[name] = getattr(wanted, name)
    if wanted.given("metadata"):
        changes["metadata"] = merged(item.metadata, wanted.metadata)
    if wanted.period:
        check_period(wanted.period, named(at, "period"))
        changes.update(period_start=wanted.period.start, period_end=wanted.period.end)
    if wanted.given("tax_rates"):
        rates = wanted.tax_rates or []
        changes["tax_rates"] = tax_rates.check_usable(tx, rates, named(at, "tax_rates"))
    if wanted.given("tax_behavior"):
        changes["tax_behavior"] = wanted.tax_behavior
    if wanted.given("tax_code"):
        changes["tax_code"] = known_code(tx, wanted.tax_code)
    if wanted.given("discounts"):
        customer = rows.find(tx, Customer, item.customer)
        inherited = [*item.discounts, *(invoice.discounts if invoice else [])]
        owner = discount_owner(customer, item.id, item.currency, inherited)
        owner = replace(owner, param=named(at, "discounts"))
        changes["discounts"] = update_discounts(tx, wanted.discounts, owner, item.discounts, given=True)
    return changes


def check_proration(item: InvoiceItem, wanted: Any, at: str) -> None:
    """Refuse discounts on a proration, and another price or period than that of the change it bills."""
    if not item.proration:
        return
    require(
        not wanted.discountable, "Prorations cannot be made discountable.", param=named(at, "discountable")
    )
    for name in FROZEN:
        require(
            not wanted.given(name),
            f"You cannot change `{name}` of a proration: delete it and create another item.",
            param=named(at, name),
            code="invoice_not_editable",
        )


FROM_ITEM = (
    "amount",
    "description",
    "discountable",
    "discounts",
    "metadata",
    "period_end",
    "period_start",
    "price",
    "product",
    "quantity_decimal",
    "tax_behavior",
    "tax_code",
    "tax_rates",
    "unit_amount_decimal",
)


def updated_line(line: InvoiceLine, item: InvoiceItem) -> InvoiceLine:
    """Return the line of an item with the item's new values."""
    fresh = lines.item_line(item)
    return line.but(**{name: getattr(fresh, name) for name in FROM_ITEM})


@InvoiceItem.delete
def delete_item(tx: Tx, item: InvoiceItem) -> dict[str, Any]:
    """Delete an invoice item that is pending or on a draft."""
    invoice = rows.lock(tx, Invoice, item.invoice) if item.invoice else None
    if invoice:
        check_editable(invoice)
        rows.delete_where(tx, InvoiceLine, "invoice_item = %(id)s", id=item.id)
        recalculate(tx, invoice, lines_of(tx, invoice))
    billing_periods.release_of_items(tx, [item.id])
    return rows.delete(tx, item)
