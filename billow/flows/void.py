"""An invoice that will not be paid: void, as if it had never been, or uncollectible, a loss (§7.2)."""

from collections.abc import Sequence
from datetime import timedelta

from billow.api import rows
from billow.core import lifecycle
from billow.core.errors import require
from billow.flows import cancel, discount, dun, standing, unbill
from billow.ledger import entries, post
from billow.resources.customer import Customer
from billow.resources.customer_balance_transaction import CustomerBalanceTransaction
from billow.resources.invoice import Invoice
from billow.resources.invoice_item import InvoiceItem
from billow.resources.invoice_line import InvoiceLine
from billow.resources.invoice_payment import InvoicePayment
from billow.resources.payment_intent import PaymentIntent
from billow.resources.subscription import Subscription
from billow.resources.subscription_item import SubscriptionItem
from billow.store import clocks, jobs
from billow.store.jobs import job
from billow.store.tx import Tx

TIMERS = (*dun.TIMERS, "revenue.recognize")
UNDER_WAY = timedelta(hours=1)
"""How long what expires unpaid waits on for a gateway that has not answered."""


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
    unbill.of_invoice(tx, voided)
    return voided


def annul(tx: Tx, invoice: Invoice) -> Invoice:
    """Cancel its intent, turn round all that was posted, give back what it took of the balance."""
    cancel_intent(tx, invoice, "void_invoice")
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
    if subscription and standing.proposed(subscription) == invoice.id:
        return proposal_ended(tx, subscription, invoice)
    if subscription is None or not standing.is_latest(tx, subscription, invoice):
        return
    if subscription.status in MOVED[invoice.status]:
        dun.follow(tx, subscription, standing.verdict(tx, subscription))
    elif invoice.status == "void" and subscription.status == "incomplete":
        never_began(tx, subscription)


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
    discount.release(tx, kept.get("discounts", []))
    rows.emit(tx, [(dropped, None)], "customer.subscription.pending_update_expired")


def let_go(tx: Tx, invoice: Invoice, own: Sequence[str]) -> None:
    """What waited before a proposal took it along, such as the credit of a pause, waits again."""
    items = rows.select(tx, InvoiceItem, "invoice = %(id)s", id=invoice.id)
    rows.update_many(tx, [(item, {"invoice": None}) for item in items if item.id not in own], event=None)


def is_under_way(tx: Tx, invoice: str | None) -> bool:
    """Whether a gateway still has to say if it took the money for an invoice."""
    found = rows.find_many(tx, Invoice, [invoice or ""]).get(invoice or "")
    intent = rows.find(tx, PaymentIntent, found.payment_intent) if found and found.payment_intent else None
    return intent is not None and intent.status == "processing"


def cancel_intent(tx: Tx, invoice: Invoice, reason: str) -> None:
    """Nobody may pay it any more."""
    if invoice.payment_intent is None:
        return
    intent = rows.lock(tx, PaymentIntent, invoice.payment_intent)
    require(
        intent.status != "processing",
        "A payment for this invoice is under way.",
        code="payment_intent_unexpected_state",
    )
    if intent.status not in ("succeeded", "canceled"):
        rows.update(
            tx,
            intent,
            event="payment_intent.canceled",
            canceled_at=tx.now,
            cancellation_reason=reason,
            status=lifecycle.after(lifecycle.PAYMENT_INTENT, intent.status, "cancel"),
        )
    payments = rows.select(tx, InvoicePayment, "invoice = %(id)s and status = 'open'", id=invoice.id)
    rows.update_many(tx, [(payment, {"status": "canceled", "canceled_at": tx.now}) for payment in payments])


@Invoice.action("mark_uncollectible")
def mark_uncollectible(tx: Tx, invoice: Invoice) -> Invoice:
    """Give an open invoice up as a loss; it can still be paid."""
    require(invoice.status == "open", "You can only pass in open invoices. This invoice isn't open.")
    marked = give_up(tx, invoice, "user_forgiven")
    look_again(tx, marked)
    dun.settle_delinquency(tx, rows.find(tx, Customer, invoice.customer), False)
    return marked


def give_up(tx: Tx, invoice: Invoice, reason: str) -> Invoice:
    """Book an open invoice as a loss, and say why (§7.2: `status_details.uncollectible.reason`)."""
    for timer in dun.TIMERS:
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


@job("subscription.expire", batch=1)
def expire(tx: Tx, refs: list[str]) -> None:
    """The first payment did not come in 23 hours: the invoice is void, the subscription never was."""
    [id] = refs
    subscription = rows.lock(tx, Subscription, id)
    if subscription.status != "incomplete":
        return
    if is_under_way(tx, subscription.latest_invoice):
        jobs.put(tx, "subscription.expire", id, tx.now + UNDER_WAY)
    elif subscription.provisional:
        take_back(clocks.enter(tx, subscription.test_clock), subscription)
    elif subscription.latest_invoice:
        void_invoice(tx, rows.lock(tx, Invoice, subscription.latest_invoice))
    else:
        never_began(tx, subscription)


def never_began(tx: Tx, subscription: Subscription) -> None:
    for timer in cancel.TIMERS:
        jobs.cancel(tx, timer, subscription.id)
    status = lifecycle.after(lifecycle.SUBSCRIPTION, subscription.status, "expire")
    rows.update(tx, subscription, ended_at=tx.now, status=status)


def take_back(tx: Tx, subscription: Subscription) -> None:
    """A subscription that was to be there only if it was paid (docs/decisions/0010-taken-back.md).

    It goes with its items; its invoice is void and keeps its number; what the customer had waiting waits on.
    """
    for timer in cancel.TIMERS:
        jobs.cancel(tx, timer, subscription.id)
    invoice = rows.lock(tx, Invoice, subscription.latest_invoice or "")
    for item in rows.select(tx, InvoiceItem, "invoice = %(id)s", id=invoice.id):
        if item.subscription == subscription.id:
            rows.delete(tx, item)
        else:
            rows.update(tx, item, event=None, invoice=None)
    tx.run("delete from billing_periods where subscription = %(id)s", id=subscription.id)
    parts = rows.select(tx, SubscriptionItem, "subscription = %(id)s", id=subscription.id)
    discount.release_of(tx, subscription, parts)
    for part in parts:
        rows.delete(tx, part)
    rows.delete(tx, subscription, event=None)
    void_invoice(tx, invoice)
