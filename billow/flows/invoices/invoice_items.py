"""Create, update and delete invoice items."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from billow.api import fields as f
from billow.api import rows
from billow.api.fields import SHOWN
from billow.api.params import Params, merged
from billow.core import pricing
from billow.core.errors import require
from billow.core.money import EXACT, round_half_away
from billow.flows.billing import billing_periods, drafts, lines, priced_items
from billow.flows.billing.currency import check_customer_currency, check_price_currency
from billow.flows.billing.discounts import DiscountTerm, Owner, chosen, redeem
from billow.flows.billing.totals import added, again, stands_alone, terms_of
from billow.resources import product as products
from billow.resources import tax_rate as tax_rates
from billow.resources.customer import Customer
from billow.resources.invoice import Invoice
from billow.resources.invoice_item import InvoiceItem
from billow.resources.invoice_line import InvoiceLine
from billow.resources.price import Price
from billow.resources.subscription import Subscription
from billow.store import clocks
from billow.store.ids import new_id
from billow.store.tx import Tx


class Pricing(Params):
    price: str = f.ref("price", required=True)


class ItemPeriod(Params):
    start: datetime = f.timestamp(required=True)
    end: datetime = f.timestamp(required=True)


class CreateItem(Params):
    amount: int | None = f.amount()
    currency: str | None = f.currency()
    customer: str | None = f.ref("customer")
    description: str | None = f.text()
    discountable: bool | None = f.boolean()
    discounts: list[DiscountTerm] | None = f.array(SHOWN, DiscountTerm, max=20, unset=True)
    invoice: str | None = f.ref("invoice")
    metadata: dict[str, str] = f.metadata()
    period: ItemPeriod | None = f.hash(shape=ItemPeriod)
    pricing: Pricing | None = f.hash(shape=Pricing)
    quantity: int = f.integer(min=0, max=10**12, default=1)
    subscription: str | None = f.ref("subscription")
    tax_rates: list[str] = f.array(item=f.ref("tax_rate"), max=10, default=[])
    unit_amount_decimal: Decimal | None = f.decimal()


@InvoiceItem.create(CreateItem)
def create_item(tx: Tx, wanted: CreateItem) -> InvoiceItem:
    """Put something on a draft, or on the customer's next invoice."""
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
        editable(invoice)
    if wanted.subscription:
        rows.find(tx, Subscription, wanted.subscription, param="subscription")
    cost = priced(tx, wanted, customer)
    check_customer_currency(customer, cost["currency"])
    id = new_id(InvoiceItem.prefix)
    above = invoice.discounts if invoice else []
    item = rows.insert(
        tx,
        InvoiceItem(
            id=id,
            discounts=redeem(tx, wanted.discounts or [], owner(customer, id, cost["currency"], above)),
            tax_rates=tax_rates.check_usable(tx, wanted.tax_rates or [], "tax_rates"),
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
        put_on(tx, invoice, item)
    return item


def owner(customer: Customer, item: str, currency: str, present: Sequence[str]) -> Owner:
    """Who has the discounts of an item; it may name those of its invoice and of its customer."""
    above = [customer.discount] if customer.discount else []
    return Owner(customer, currency, {"invoice_item": item}, [*present, *above])


def priced(tx: Tx, wanted: CreateItem, customer: Customer) -> dict[str, Any]:
    """What it costs: an amount, a price times a quantity, or a unit amount times it."""
    forms = [
        name for name in ("amount", "pricing", "unit_amount_decimal") if getattr(wanted, name) is not None
    ]
    require(
        len(forms) == 1,
        "You must pass exactly one of amount, pricing or unit_amount_decimal.",
        param="amount",
    )
    quantity = Decimal(wanted.quantity)
    if wanted.pricing:
        price = rows.find(tx, Price, wanted.pricing.price, param="pricing[price]")
        require(
            price.type == "one_time",
            "The price specified is set to `type=recurring` but this field only accepts"
            " prices with `type=one_time`.",
            param="pricing[price]",
        )
        require(
            price.active,
            "The price specified is inactive. This field only accepts active prices.",
            param="pricing[price]",
        )
        currency = wanted.currency or price.currency
        check_price_currency([price], currency)
        product = products.check_active(tx, price.product, "pricing[price]")
        rate = priced_items.rated(price, currency)
        amount, unit = pricing.amount(rate, quantity), rate.unit_amount
        found: dict[str, Any] = {
            "currency": currency,
            "price": price.id,
            "product": product.id,
            "description": wanted.description or product.name,
        }
    else:
        known = wanted.currency or customer.currency
        require(known, "Missing required param: currency.", param="currency", code="parameter_missing")
        require(
            wanted.amount is None or wanted.quantity == 1,
            "You cannot pass a quantity with an amount.",
            param="quantity",
        )
        unit = wanted.unit_amount_decimal if wanted.amount is None else Decimal(wanted.amount)
        amount = round_half_away(EXACT.multiply(unit or Decimal(0), quantity))
        found = {"currency": known, "description": wanted.description}
    discountable = amount >= 0 if wanted.discountable is None else wanted.discountable
    return {
        **found,
        "amount": amount,
        "unit_amount_decimal": unit,
        "quantity_decimal": quantity,
        "discountable": discountable,
    }


def editable(invoice: Invoice) -> None:
    require(
        invoice.status == "draft",
        "This invoice is no longer editable",
        code="invoice_not_editable",
        param="invoice",
    )


def put_on(tx: Tx, invoice: Invoice, item: InvoiceItem) -> None:
    """Add a line at the end of a draft, and bring its totals up to date.

    Where the line changes no other one, the others are not read: an addition to 3,000 lines costs what one
    to three does.
    """
    line = drafts.place_line(lines.item_line(item), invoice.id, next_position(tx, invoice))
    terms = terms_of(tx, [invoice], [line])
    if stands_alone(invoice, line, terms):
        totals, line = added(invoice, line, terms)
        rows.insert(tx, line)
        rows.update(tx, invoice, **totals)
    else:
        before = lines_of(tx, invoice)
        again(tx, invoice, [*before, rows.insert(tx, line)])


def next_position(tx: Tx, invoice: Invoice) -> int:
    last = tx.one("select max(position) as last from invoice_lines where invoice = %(id)s", id=invoice.id)
    return 0 if last is None or last["last"] is None else int(last["last"]) + 1


def lines_of(tx: Tx, invoice: Invoice) -> list[InvoiceLine]:
    return rows.select(tx, InvoiceLine, "invoice = %(id)s", id=invoice.id)


class UpdateItem(Params):
    amount: int | None = f.amount()
    description: str | None = f.text(unset=True)
    discountable: bool | None = f.boolean()
    discounts: list[DiscountTerm] | None = f.array(SHOWN, DiscountTerm, max=20, unset=True)
    metadata: dict[str, str] = f.metadata()
    quantity: int | None = f.integer(min=0, max=10**12)
    tax_rates: list[str] | None = f.array(item=f.ref("tax_rate"), max=10, unset=True)


@InvoiceItem.update(UpdateItem)
def update_item(tx: Tx, item: InvoiceItem, wanted: UpdateItem) -> InvoiceItem:
    """Change an item that waits or sits on a draft."""
    invoice = rows.lock(tx, Invoice, item.invoice) if item.invoice else None
    if invoice:
        editable(invoice)
    changed = rows.update(tx, item, **changes_of(tx, item, invoice, wanted))
    if invoice:
        before = lines_of(tx, invoice)
        after = [line if line.invoice_item != item.id else edited(line, changed) for line in before]
        again(tx, invoice, before, after)
    return changed


def changes_of(tx: Tx, item: InvoiceItem, invoice: Invoice | None, wanted: UpdateItem) -> dict[str, Any]:
    kept = {name: getattr(wanted, name) for name in ("amount", "description", "discountable")}
    changes = {name: value for name, value in kept.items() if wanted.given(name)}
    require(
        not (item.proration and wanted.discountable),
        "Prorations cannot be made discountable.",
        param="discountable",
    )
    if wanted.given("metadata"):
        changes["metadata"] = merged(item.metadata, wanted.metadata)
    if wanted.quantity is not None:
        changes["quantity_decimal"] = Decimal(wanted.quantity)
        changes["amount"] = round_half_away(
            EXACT.multiply(item.unit_amount_decimal or Decimal(0), changes["quantity_decimal"])
        )
    if wanted.amount is not None:
        quantity = changes.get("quantity_decimal", item.quantity_decimal)
        changes["amount"] = wanted.amount
        # Of none there is no unit amount that would come to it.
        changes["unit_amount_decimal"] = Decimal(wanted.amount) / (quantity or 1)
    if wanted.given("tax_rates"):
        changes["tax_rates"] = tax_rates.check_usable(tx, wanted.tax_rates or [], "tax_rates")
    if wanted.given("discounts"):
        customer = rows.find(tx, Customer, item.customer)
        above = [*item.discounts, *(invoice.discounts if invoice else [])]
        whose = owner(customer, item.id, item.currency, above)
        changes["discounts"] = chosen(tx, wanted.discounts, whose, item.discounts, given=True)
    return changes


FROM_ITEM = (
    "amount",
    "description",
    "discountable",
    "discounts",
    "metadata",
    "quantity_decimal",
    "tax_rates",
    "unit_amount_decimal",
)


def edited(line: InvoiceLine, item: InvoiceItem) -> InvoiceLine:
    """The line of an item that was changed."""
    fresh = lines.item_line(item)
    return line.but(**{name: getattr(fresh, name) for name in FROM_ITEM})


@InvoiceItem.delete
def delete_item(tx: Tx, item: InvoiceItem) -> dict[str, Any]:
    """Delete an item that waits or sits on a draft."""
    invoice = rows.lock(tx, Invoice, item.invoice) if item.invoice else None
    if invoice:
        editable(invoice)
        tx.run("delete from invoice_lines where invoice_item = %(id)s", id=item.id)
        again(tx, invoice, lines_of(tx, invoice))
    billing_periods.release_of_items(tx, [item.id])
    return rows.delete(tx, item)
