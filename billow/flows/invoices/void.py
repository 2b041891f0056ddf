"""Void an invoice as if it had never been."""

from collections.abc import Sequence

from billow.api import rows
from billow.core import lifecycle
from billow.core.errors import require
from billow.flows.billing import billing_periods, discounts
from billow.flows.invoices import due_dates, invoice_intents
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
    """Void an open or uncollectible invoice. It keeps its number; what it took of the balance goes back."""
    require(
        invoice.status in ("open", "uncollectible"),
        "You can only pass in open or uncollectible invoices. This"
        f" invoice isn't open or uncollectible: it is {invoice.status}.",
    )
    require(invoice.amount_paid == 0, "This invoice has a payment; correct it with a credit note.")
    return void_invoice(tx, invoice)


def void_invoice(tx: Tx, invoice: Invoice) -> Invoice:
    """Annul it, and look again at its subscription (§10.3 F11)."""
    voided = annul(tx, invoice)
    look_again(tx, voided)
    billing_periods.release_of_invoice(tx, voided)
    return voided


def annul(tx: Tx, invoice: Invoice) -> Invoice:
    """Cancel its intent, turn round all that was posted, give back what it took of the balance."""
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
    lines = rows.select(tx, InvoiceLine, "invoice = %(id)s", id=invoice.id)
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
    customer = rows.find(tx, Customer, invoice.customer)
    taken = (invoice.ending_balance or 0) - invoice.starting_balance
    given_back = rows.update(tx, customer, balance=customer.balance - taken)
    if taken:
        rows.insert(
            tx,
            CustomerBalanceTransaction(
                amount=-taken,
                currency=invoice.currency,
                customer=customer.id,
                ending_balance=given_back.balance,
                invoice=invoice.id,
                type="unapplied_from_invoice",
            ),
        )
    return voided


MOVED = {"void": ("active", "past_due", "unpaid"), "uncollectible": ("past_due",)}
"""Which subscriptions ask their older invoices when the latest one becomes that (§5.2)."""


def look_again(tx: Tx, invoice: Invoice) -> None:
    """What becomes of a subscription whose latest invoice is gone, or given up (§5.2)."""
    id = invoice.subscription or ""
    subscription = rows.find_many(tx, Subscription, [id]).get(id)
    if subscription and latest_invoice.proposed_invoice(subscription) == invoice.id:
        return proposal_ended(tx, subscription, invoice)
    if subscription is None or not latest_invoice.is_latest(tx, subscription, invoice):
        return
    if subscription.status in MOVED[invoice.status]:
        transitions.apply_verdict(tx, subscription, latest_invoice.verdict(tx, subscription))
    elif invoice.status == "void" and subscription.status == "incomplete":
        transitions.expire_incomplete(tx, subscription)


def proposal_ended(tx: Tx, subscription: Subscription, invoice: Invoice) -> None:
    """What was to hold when it was paid: void, it never does; given up, it does where it is a resumption."""
    kept = subscription.pending_change or {}
    resumes = subscription.pending_update is None
    if resumes and invoice.status == "uncollectible":
        jobs.put(tx, kept["job"], subscription.id, tx.now)
    if invoice.status != "void":
        return
    dropped = rows.update(tx, subscription, event=None, pending_change=None, pending_update=None)
    for timer in ("subscription.pending_update_expires", "subscription.resume_expires"):
        jobs.cancel(tx, timer, subscription.id)
    let_go(tx, invoice, [*kept["items"], *kept.get("extras", [])])
    if resumes:
        return
    discounts.release(tx, kept.get("discounts", []))
    rows.emit(tx, [(dropped, None)], "customer.subscription.pending_update_expired")


def let_go(tx: Tx, invoice: Invoice, own: Sequence[str]) -> None:
    """What waited before a proposal took it along, such as the credit of a pause, waits again."""
    items = rows.select(tx, InvoiceItem, "invoice = %(id)s", id=invoice.id)
    rows.update_many(tx, [(item, {"invoice": None}) for item in items if item.id not in own], event=None)


def give_up(tx: Tx, invoice: Invoice, reason: str) -> Invoice:
    """Book an open invoice as a loss, and say why (§7.2: `status_details.uncollectible.reason`)."""
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
