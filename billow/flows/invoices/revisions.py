"""Revise an open invoice: a draft that copies it, and that voids it when it is finalized (§7.1)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from billow.api import rows
from billow.core.errors import Refused, require
from billow.flows.billing.lines import item_line
from billow.flows.invoices import void
from billow.flows.invoices.draft_params import Create
from billow.flows.invoices.sheet import Sheet
from billow.resources.customer import Customer
from billow.resources.discount import Discount
from billow.resources.invoice import Invoice
from billow.resources.invoice_item import InvoiceItem
from billow.resources.invoice_line import InvoiceLine
from billow.store.ids import new_id
from billow.store.tx import Tx

FIXED = ("currency", "pending_invoice_items_behavior", "subscription")
"""What a revision has as its original has it."""
COPIED = (
    "account_tax_ids",
    "application_fee_amount",
    "automatic_tax",
    "collection_method",
    "custom_fields",
    "days_until_due",
    "default_payment_method",
    "default_source",
    "default_tax_rates",
    "description",
    "due_date",
    "footer",
    "metadata",
    "on_behalf_of",
    "parent",
    "payment_settings",
    "period_end",
    "period_start",
    "rendering",
    "shipping_cost",
    "shipping_details",
    "statement_descriptor",
    "subscription",
    "transfer_data",
)
AT = "from_invoice[invoice]"


@dataclass(frozen=True, slots=True)
class Copy:
    """What a revision takes over: the fields of its original, its lines, and the items behind them."""

    fields: dict[str, Any]
    lines: list[InvoiceLine]
    items: list[InvoiceItem]


def original_of(tx: Tx, wanted: Create, customer: Customer) -> Invoice:
    """Find the invoice that a request revises, which must be the customer's, and can be revised now."""
    for name in FIXED:
        require(
            not wanted.given(name),
            f"You cannot set `{name}` of a revision: it is that of the invoice that is revised.",
            param=name,
            code="parameters_exclusive",
        )
    original = rows.find(tx, Invoice, wanted.from_invoice.invoice if wanted.from_invoice else "", param=AT)
    require(original.customer == customer.id, "The invoice belongs to another customer.", param=AT)
    check(tx, original)
    return original


def check(tx: Tx, original: Invoice) -> None:
    """Refuse to revise what is not open, what was paid in part, and what a subscription bills."""
    require(
        original.status == "open",
        f"You can only revise an open invoice: {original.id} is {original.status}.",
        param=AT,
    )
    require(
        original.amount_paid == 0 and original.post_payment_credit_notes_amount == 0,
        "This invoice has a payment: correct it with a credit note.",
        param=AT,
    )
    lines = rows.below(tx, InvoiceLine, "invoice", [original.id])[original.id]
    require(
        not any(line.subscription_item for line in lines),
        "This invoice bills periods of a subscription: correct it with a credit note.",
        param=AT,
    )


def copy(tx: Tx, original: Invoice, id: str) -> Copy:
    """Copy an invoice for the revision with this id. Each line has an invoice item of its own.

    Its discounts apply again, though a coupon for one invoice was spent on the original.
    """
    held = rows.below(tx, InvoiceLine, "invoice", [original.id])[original.id]
    named = {*original.discounts, *(one for line in held for one in line.discounts)}
    renewed = renew_discounts(tx, named, id)
    fields = {name: getattr(original, name) for name in COPIED}
    fields |= {
        "discounts": [renewed[one] for one in original.discounts],
        "from_invoice": {"action": "revision", "invoice": original.id},
        "id": id,
    }
    goods = [line for line in held if line.listed]
    items = rows.insert_many(tx, [item_of(tx, line, id, renewed, original) for line in goods])
    pairs = zip(items, goods, strict=True)
    lines = [item_line(item).but(tax_amounts=line.tax_amounts) for item, line in pairs]
    lines += [line.but(**FRESH) for line in held if not line.listed]
    return Copy(fields, lines, items)


FRESH: dict[str, Any] = {"applied_credits": [], "credited": 0, "earned": 0, "id": ""}
"""What a line that is copied has as a new one."""


def renew_discounts(tx: Tx, ids: set[str], invoice: str) -> dict[str, str]:
    """Give a revision discounts of its own like these, which neither end nor count as redeemed again."""
    found = rows.find_many(tx, Discount, sorted(ids))
    made = {
        one.id: one.but(id=new_id(Discount.prefix), end=None, invoice=invoice, spent_on=None)
        for one in found.values()
    }
    rows.insert_many(tx, list(made.values()), event=None)
    return {old: new.id for old, new in made.items()}


def item_of(
    tx: Tx, line: InvoiceLine, invoice: str, renewed: Mapping[str, str], original: Invoice
) -> InvoiceItem:
    """Make the invoice item of a line that is copied."""
    return InvoiceItem(
        amount=line.amount,
        currency=line.currency,
        customer=line.customer,
        description=line.description,
        discountable=line.discountable,
        discounts=[renewed[one] for one in line.discounts],
        invoice=invoice,
        metadata=dict(line.metadata),
        period_end=line.period_end,
        period_start=line.period_start,
        price=line.price,
        product=line.product,
        quantity_decimal=line.quantity_decimal or Decimal(1),
        subscription=line.subscription,
        tax_behavior=line.tax_behavior,
        tax_code=line.tax_code,
        tax_rates=line.tax_rates,
        test_clock=original.test_clock,
        unit_amount_decimal=line.unit_amount_decimal,
    )


def replaced_by(invoice: Invoice) -> str | None:
    """Return the invoice that this one revises."""
    return (invoice.from_invoice or {}).get("invoice")


def check_original(tx: Tx, invoice: Invoice) -> None:
    """Refuse to finalize a revision whose original was paid, voided or revised in the meantime."""
    if id := replaced_by(invoice):
        check(tx, rows.find(tx, Invoice, id))


def is_outdated(tx: Tx, invoice: Invoice) -> bool:
    try:
        check_original(tx, invoice)
    except Refused:
        return True
    return False


def void_originals(tx: Tx, sheets: Sequence[Sheet]) -> None:
    """Void what these revisions replace, before they take the customer's balance, which is given back.

    Locks the originals; their customers are locked. Emits the events of voiding.
    """
    for sheet in sheets:
        id = replaced_by(sheet.invoice)
        if id is None:
            continue
        original = rows.lock(tx, Invoice, id)
        check(tx, original)
        voided = void.void_invoice(tx, original)
        rows.update(tx, rows.find(tx, Invoice, voided.id), latest_revision=sheet.invoice.id)
        customer = rows.find(tx, Customer, original.customer)
        for other in sheets:
            if other.customer.id == customer.id:
                other.customer = customer
