"""Void an invoice, or write one off: reverse its postings and update its subscription."""

from collections.abc import Sequence

from billow.api import rows
from billow.core import lifecycle
from billow.core.errors import require
from billow.flows.billing import billing_periods, discounts
from billow.flows.credits import application, purchases
from billow.flows.invoices import credit_notes, due_dates, invoice_intents
from billow.flows.subscription_status import latest_invoice, transitions
from billow.ledger import entries, post
from billow.resources.customer import Customer
from billow.resources.customer_balance_transaction import CustomerBalanceTransaction
from billow.resources.invoice import Invoice
from billow.resources.invoice_item import InvoiceItem
from billow.resources.invoice_line import InvoiceLine
from billow.resources.subscription import Subscription
from billow.store import jobs
from billow.store.tx import Tx

TIMERS = (*due_dates.TIMERS, "revenue.recognize")


@Invoice.action("void")
def void(tx: Tx, invoice: Invoice) -> Invoice:
    """Void an open or uncollectible invoice. It keeps its number; applied customer balance is returned."""
    require(
        invoice.status in lifecycle.PAYABLE,
        "You can only pass in open or uncollectible invoices. This"
        f" invoice isn't open or uncollectible: it is {invoice.status}.",
    )
    require(invoice.amount_paid == 0, "This invoice has a payment; correct it with a credit note.")
    require(
        invoice.post_payment_credit_notes_amount == 0,
        "A credit note of this invoice was refunded or credited to the balance, so it cannot be voided.",
    )
    return void_invoice(tx, invoice)


def void_invoice(tx: Tx, invoice: Invoice) -> Invoice:
    """Void an invoice, update its subscription and release its billing periods (§10.3 F11)."""
    voided = void_and_reverse(tx, invoice)
    update_subscription(tx, voided)
    billing_periods.release_of_invoice(tx, voided)
    return voided


def void_and_reverse(tx: Tx, invoice: Invoice, *, revised: bool = False) -> Invoice:
    """Void an invoice: cancel its intent, reverse its postings and return the applied customer balance.

    Cancels its timers. Emits `invoice.voided`. Issues a credit note where the account wants one. One that is
    `revised` gives expired credits back too, since its revision may take them again.
    """
    invoice_intents.cancel_intent(tx, invoice, "void_invoice")
    for timer in TIMERS:
        jobs.cancel(tx, timer, invoice.id)
    transfers = post.transfers_of(tx, invoice.id)
    post.post(
        tx,
        [
            post.Posting(
                "invoice.voided",
                invoice.id,
                tx.now,
                entries.invoice_voided(transfers),
                invoice.customer,
                invoice.id,
            )
        ],
    )
    purchases.give_away(tx, invoice)
    lines = rows.below(tx, InvoiceLine, "invoice", [invoice.id])[invoice.id]
    rows.update_many(tx, [(line, {"earned": 0}) for line in lines])
    voided = rows.update(
        tx,
        invoice,
        event="invoice.voided",
        status=lifecycle.after(lifecycle.INVOICE, invoice.status, "void"),
        voided_at=tx.now,
        auto_advance=False,
        next_payment_attempt=None,
    )
    given_back = application.give_back(tx, voided)
    if not revised:
        application.expire(tx, given_back)
    credit_notes.issue_for_void(tx, invoice, return_balance(tx, invoice))
    return voided


def return_balance(tx: Tx, invoice: Invoice) -> CustomerBalanceTransaction | None:
    """Return the customer balance that was applied to an invoice, or take back what it had added."""
    customer = rows.find(tx, Customer, invoice.customer)
    applied = (invoice.ending_balance or 0) - invoice.starting_balance
    updated = rows.update(tx, customer, balance=customer.balance - applied)
    if not applied:
        return None
    made = CustomerBalanceTransaction(
        amount=-applied,
        currency=invoice.currency,
        customer=customer.id,
        ending_balance=updated.balance,
        invoice=invoice.id,
        type="unapplied_from_invoice",
    )
    return rows.insert(tx, made)


AFFECTED_STATUSES = {"void": lifecycle.STARTED, "uncollectible": ("past_due",)}
"""The statuses of a subscription that change when its latest invoice gets this status (§5.2)."""


def update_subscription(tx: Tx, invoice: Invoice) -> None:
    """Update the subscription of a voided or uncollectible invoice, if it is its latest invoice (§5.2)."""
    id = invoice.subscription or ""
    subscription = rows.find_many(tx, Subscription, [id]).get(id)
    if subscription and latest_invoice.proposed_invoice(subscription) == invoice.id:
        return end_pending_change(tx, subscription, invoice)
    if subscription is None or not latest_invoice.is_latest(tx, subscription, invoice):
        return
    if subscription.status in AFFECTED_STATUSES[invoice.status]:
        transitions.apply_verdict(tx, subscription, latest_invoice.verdict(tx, subscription))
    elif invoice.status == "void" and subscription.status == "incomplete":
        transitions.expire_incomplete(tx, subscription)


def end_pending_change(tx: Tx, subscription: Subscription, invoice: Invoice) -> None:
    """End the pending change of a subscription whose invoice was voided or marked uncollectible.

    Voided: the change is dropped. Uncollectible: a resumption takes effect, a pending update stays pending.
    Emits `customer.subscription.pending_update_expired` for a dropped update.
    """
    pending = subscription.pending_change or {}
    resumes = subscription.pending_update is None
    if resumes and invoice.status == "uncollectible":
        jobs.put(tx, pending["job"], subscription.id, tx.now)
    if invoice.status != "void":
        return
    dropped = rows.update(tx, subscription, event=None, pending_change=None, pending_update=None)
    for timer in ("subscription.pending_update_expires", "subscription.resume_expires"):
        jobs.cancel(tx, timer, subscription.id)
    release_items(tx, invoice, [*pending["items"], *pending.get("extras", [])])
    if resumes:
        return
    discounts.release(tx, pending.get("discounts", []))
    rows.emit(tx, [(dropped, None)], "customer.subscription.pending_update_expired")


def release_items(tx: Tx, invoice: Invoice, created: Sequence[str]) -> None:
    """Make invoice items pending again that were pending before the change, such as the credit of a pause."""
    items = rows.select(tx, InvoiceItem, "invoice = %(id)s", id=invoice.id)
    rows.update_many(tx, [(item, {"invoice": None}) for item in items if item.id not in created], event=None)


def write_off(tx: Tx, invoice: Invoice, reason: str) -> Invoice:
    """Mark an open invoice uncollectible, post the loss and store the reason.

    The reason is `status_details.uncollectible.reason` (§7.2). Emits `invoice.marked_uncollectible` and
    `invoice.updated`.
    """
    for timer in due_dates.TIMERS:
        jobs.cancel(tx, timer, invoice.id)
    open_amount = invoice.amount_due - invoice.amount_paid
    post.post(
        tx,
        [
            post.Posting(
                "invoice.marked_uncollectible",
                invoice.id,
                tx.now,
                entries.uncollectible(invoice.customer, invoice.currency, open_amount),
                invoice.customer,
                invoice.id,
            )
        ],
    )
    purchases.write_off(tx, invoice)
    return rows.update(
        tx,
        invoice,
        event=("invoice.marked_uncollectible", "updated"),
        marked_uncollectible_at=tx.now,
        status=lifecycle.after(lifecycle.INVOICE, invoice.status, "mark_uncollectible"),
        auto_advance=False,
        uncollectible_reason=reason,
        next_payment_attempt=None,
    )
