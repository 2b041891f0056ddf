"""Revise an open invoice: a draft that copies it, and that voids it when it is finalized (§7.1)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from billow.api import rows
from billow.core.errors import Refused, require
from billow.flows.billing import billing_periods
from billow.flows.billing.lines import item_line
from billow.flows.invoices import void
from billow.flows.invoices.draft_params import Create
from billow.flows.invoices.sheet import Sheet
from billow.flows.subscription_status import latest_invoice
from billow.providers.documents import wording
from billow.resources.billing_period import BillingPeriod
from billow.resources.credit_note import CreditNote
from billow.resources.customer import Customer
from billow.resources.discount import Discount
from billow.resources.invoice import Invoice
from billow.resources.invoice_item import InvoiceItem
from billow.resources.invoice_line import PREPAID, InvoiceLine
from billow.resources.subscription import Subscription
from billow.store.ids import new_id
from billow.store.tx import Tx

PERIODIC = ("licensed", "metered")
"""The kinds of lines that bill periods of a subscription's items."""
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
    "shared_percents",
    "shipping_cost",
    "shipping_details",
    "statement_descriptor",
    "subscription",
    "transfer_data",
)
AT = "from_invoice[invoice]"


@dataclass(frozen=True, slots=True)
class Copy:
    """What a revision takes over: the fields of its original, and its lines."""

    fields: dict[str, Any]
    lines: list[InvoiceLine]


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
    """Refuse to revise what is not open, what was paid in part, sells credits, or waits for a payment."""
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
    require(
        original.pre_payment_credit_notes_amount == 0,
        "This invoice has a credit note, which its revision would take back: void the credit note first.",
        param=AT,
    )
    lines = rows.below(tx, InvoiceLine, "invoice", [original.id])[original.id]
    require(
        not any(line.kind == PREPAID for line in lines),
        "This invoice sells credits of a wallet: void it, and order them again.",
        param=AT,
    )
    subscription = subscription_of(tx, original)
    require(
        subscription is None or latest_invoice.proposed_invoice(subscription) != original.id,
        "A change of the subscription waits until this invoice is paid: void it, and change it again.",
        param=AT,
    )


def subscription_of(tx: Tx, invoice: Invoice) -> Subscription | None:
    return rows.find_many(tx, Subscription, [invoice.subscription or ""]).get(invoice.subscription or "")


def copy(tx: Tx, original: Invoice, id: str) -> Copy:
    """Copy an invoice for the revision with this id.

    Each line has an invoice item of its own, but those of a subscription's periods and of shipping. Its
    discounts apply again, though a coupon for one invoice was spent on the original. The status of a
    subscription follows from the revision of its latest invoice; that of an older one counts as made by hand.
    """
    held = rows.below(tx, InvoiceLine, "invoice", [original.id])[original.id]
    named = {*original.discounts, *(one for line in held for one in line.discounts)}
    renewed = renew_discounts(tx, named, id)
    subscription = subscription_of(tx, original)
    decides = subscription and latest_invoice.is_latest(tx, subscription, original)
    fields = {name: getattr(original, name) for name in COPIED}
    fields |= {
        "billing_reason": original.billing_reason if decides else "manual",
        "discounts": [renewed[one] for one in original.discounts],
        "from_invoice": {"action": "revision", "invoice": original.id},
        "id": id,
    }
    known = rows.find_many(tx, InvoiceItem, [line.invoice_item for line in held if line.invoice_item])
    made = [item_of(tx, line, id, renewed, known[line.invoice_item]) for line in held if line.invoice_item]
    items = {item.revises: item for item in rows.insert_many(tx, made)}
    lines = [
        item_line(items[line.invoice_item]).but(tax_amounts=line.tax_amounts)
        if line.invoice_item
        else line.but(**FRESH, discounts=[renewed[one] for one in line.discounts])
        for line in held
    ]
    return Copy(fields, lines)


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
    tx: Tx, line: InvoiceLine, invoice: str, renewed: Mapping[str, str], before: InvoiceItem
) -> InvoiceItem:
    """Make the invoice item of a line that is copied, after the item behind that line."""
    return before.but(
        id=new_id(InvoiceItem.prefix),
        created=tx.now,
        amount=line.amount,
        description=line.description,
        discountable=line.discountable,
        discounts=[renewed[one] for one in line.discounts],
        invoice=invoice,
        metadata=dict(line.metadata),
        period_end=line.period_end,
        period_start=line.period_start,
        revises=before.id,
        tax_behavior=line.tax_behavior,
        tax_code=line.tax_code,
        tax_rates=line.tax_rates,
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


def void_originals(tx: Tx, sheets: Sequence[Sheet]) -> set[str]:
    """Void what these revisions replace, before they take the customer's balance, which is given back.

    What they bill of subscriptions is billed by the revisions from then on. Returns the ids of the grants to
    which credits were given back, also of those that have expired: what the revisions do not take of them is
    still to be taken away. Locks the originals; their customers are locked. Emits the events of voiding.
    """
    returned = set[str]()
    for sheet in sheets:
        id = replaced_by(sheet.invoice)
        if id is None:
            continue
        original = rows.lock(tx, Invoice, id)
        check(tx, original)
        take_periods(tx, original, sheet)
        voided = void.void_and_reverse(tx, original, revised=True)
        returned |= {entry["grant"] for entry in original.applied_credits}
        billing_periods.release_of_invoice(tx, voided)  # of what the revision bills no more
        rows.update(tx, rows.find(tx, Invoice, voided.id), latest_revision=sheet.invoice.id)
        follow(tx, original, sheet.invoice)
        customer = rows.find(tx, Customer, original.customer)
        for other in sheets:
            if other.customer.id == customer.id:
                other.customer = customer
    return returned


def name_revisions(tx: Tx, revisions: Sequence[Invoice]) -> None:
    """Name these revisions on the credit notes of what they have replaced, once they have numbers.

    Emits the update of each credit note.
    """
    after = {id: one for one in revisions if (id := replaced_by(one))}
    if not after:
        return
    notes = rows.select(tx, CreditNote, "invoice = any(%(ids)s) and status = 'issued'", ids=sorted(after))
    originals = rows.find_many(tx, Invoice, [note.invoice for note in notes])
    for note in notes:
        locale = originals[note.invoice].labels.get("language", "en")
        memo = wording.say(locale, "replaced_by", number=after[note.invoice].number)
        rows.update(tx, note, memo=memo)


def take_periods(tx: Tx, original: Invoice, sheet: Sheet) -> None:
    """Let a revision bill the periods of its original, as far as it has their lines.

    How usage is counted, and what was credited, stays with each period. Nothing is counted again: usage that
    was recorded since the original was finalized is billed as if it had not been revised.
    """
    id = sheet.invoice.id
    billed = {(one.subscription_item, one.period_start) for one in sheet.lines if one.kind in PERIODIC}
    whole = rows.select(tx, BillingPeriod, "invoice = %(id)s", id=original.id)
    taken = [(one, {"invoice": id}) for one in whole if (one.subscription_item, one.period_start) in billed]
    items = rows.find_many(tx, InvoiceItem, [line.invoice_item for line in sheet.lines if line.invoice_item])
    after = {item.revises: item.id for item in items.values() if item.revises}
    of_items = "invoice_item = any(%(ids)s)"
    prorated = rows.select(tx, BillingPeriod, of_items, ids=sorted(after)) if after else []
    taken += [(one, {"invoice_item": after[one.invoice_item or ""]}) for one in prorated]
    rows.update_many(tx, taken)


def follow(tx: Tx, original: Invoice, revision: Invoice) -> None:
    """Name a revision as the latest invoice of the subscription whose latest invoice it revises.

    Locks the subscription. Emits `customer.subscription.updated`.
    """
    found = subscription_of(tx, original)
    if found and found.latest_invoice == original.id:
        subscription = rows.lock(tx, Subscription, found.id)
        rows.update(tx, subscription, latest_invoice=revision.id)
