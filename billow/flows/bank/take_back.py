"""Take back what bank entries were applied to: by hand, after a reversal, after a return."""

from typing import Any

from billow.api import rows
from billow.core import lifecycle
from billow.core.bank.statement import WITHOUT
from billow.core.errors import Inconsistent
from billow.flows.bank import (
    apply,
    cash_balance,
    cash_refunds,
    intent_refunds,
    payouts_found,
    refund_transfers,
)
from billow.flows.credits import purchases
from billow.flows.invoices import invoice_intents
from billow.flows.subscription_status import transitions
from billow.ledger import entries, post
from billow.resources.bank_application import BankApplication
from billow.resources.bank_entry import BankEntry
from billow.resources.customer import Customer
from billow.resources.invoice import Invoice
from billow.resources.invoice_payment import InvoicePayment
from billow.resources.payment_intent import PaymentIntent
from billow.resources.subscription import Subscription
from billow.store import clocks, jobs
from billow.store.tx import Tx


def reverse(tx: Tx, entry: BankEntry) -> BankEntry:
    """Take back the entry that a reversal is about; one whose entry is not found is queued."""
    original = original_of(tx, entry)
    if original and original.state == "outgoing":
        rows.update(tx, original, event=None, reversed_by=entry.id)
    refund = refund_transfers.of_entry(tx, original) if original else refund_transfers.named_by(tx, entry)
    if refund:
        return refund_transfers.settle_entry(tx, entry, refund)
    if original and original.state == "outgoing":
        return rows.update(tx, entry, event=None, state="outgoing")
    received = apply.receive(tx, entry)
    if original is None:
        return rows.update(tx, received, event=None, reason="a reversal whose entry is not found")
    return set_off(tx, received, original, "reversal")


def give_back(tx: Tx, entry: BankEntry) -> BankEntry:
    """Take back the payment that a bank returned, which it names by our id of the payment."""
    original = original_of(tx, entry)
    received = apply.receive(tx, entry)
    if original is None or original.state == "outgoing":
        return rows.update(tx, received, event=None, reason="a return whose payment is not found")
    return set_off(tx, received, original, "return")


def set_off(tx: Tx, entry: BankEntry, original: BankEntry, rule: str) -> BankEntry:
    """Set a negative entry off against the one that it takes back: the books then hold neither."""
    freed = undo_applications(tx, original)
    if freed.unapplied + entry.unapplied:
        raise Inconsistent(f"{entry.id} and {original.id} do not set each other off.")
    rows.update(tx, freed, event=None, reversed_by=entry.id, state="reversed", unapplied=0)
    return rows.update(
        tx,
        entry,
        event=None,
        customer=original.customer,
        reason=None,
        rule=rule,
        state="applied",
        unapplied=0,
    )


NAMES = ("bank_reference", "end_to_end", "structured")
"""What names the same payment on both entries, the surest first."""


def original_of(tx: Tx, entry: BankEntry) -> BankEntry | None:
    """Find and lock the one entry of the opposite amount that names the same payment, or says the same."""
    found = candidates(tx, entry)
    for column in NAMES:
        named = getattr(entry, column)
        same = [one for one in found if named and getattr(one, column) == named]
        if len(same) == 1 and named.upper() not in WITHOUT:
            return rows.lock(tx, BankEntry, same[0].id)
    said = (entry.iban, entry.text)
    same = [one for one in found if any(said) and (one.iban, one.text) == said]
    return rows.lock(tx, BankEntry, same[0].id) if len(same) == 1 else None


def candidates(tx: Tx, entry: BankEntry) -> list[BankEntry]:
    """Select the entries of the opposite amount that are not taken back yet, and share a name or the text."""
    return rows.select(
        tx,
        BankEntry,
        "account = %(account)s and currency = %(currency)s and amount = %(amount)s and not reversal"
        " and reversed_by is null and state in ('queued', 'applied', 'outgoing')"
        " and (bank_reference = %(bank_reference)s::text or end_to_end = %(end_to_end)s::text"
        " or structured = %(structured)s::text or iban = %(iban)s::text or text = %(text)s::text)",
        account=entry.account,
        currency=entry.currency,
        amount=-entry.amount,
        bank_reference=entry.bank_reference,
        end_to_end=entry.end_to_end,
        structured=entry.structured,
        iban=entry.iban,
        text=entry.text,
    )


def undo_applications(tx: Tx, entry: BankEntry) -> BankEntry:
    """Undo all that an entry, which is locked, was applied to: all of it is unapplied cash again.

    Locks the customer, then the invoices. Emits an update of each invoice and of the customer.
    """
    payouts_found.take_back(tx, entry)
    live = rows.select(tx, BankApplication, "entry = %(id)s and undone_at is null", id=entry.id)
    customer = entry.customer or next((one.customer for one in live if one.customer), None)
    for found in rows.lock_many(tx, Customer, [customer] if customer else []):
        tx = clocks.enter(tx, found.test_clock)
    rows.lock_many(tx, Invoice, [one.invoice for one in live if one.invoice])
    for one in sorted(live, key=lambda one: one.id, reverse=True):
        undo(tx, entry, one)
    if entry.customer:
        cash_balance.leave(tx, entry, entry.customer)
    return rows.update(
        tx,
        entry,
        event=None,
        customer=None,
        reason="taken back" if live else entry.reason,
        rule=None,
        state="queued",
        unapplied=entry.amount,
    )


def undo(tx: Tx, entry: BankEntry, application: BankApplication) -> None:
    """Undo one application: the invoice is open again, or the customer's balance is as before."""
    if application.kind == "invoice":
        reopen(tx, entry, application)
    elif application.kind == "balance":
        return_balance(tx, entry, application)
    elif application.kind == "refund":
        cash_refunds.undo(tx, entry, application)
    elif application.kind == "given_back":
        intent_refunds.undo(tx, application)
    elif application.kind == "intent":
        unsell(tx, entry, application)
    else:
        transfers = entries.cash_rounded(entry.currency, -application.amount)
        post.post(tx, [post.Posting("bank.rounded.undone", application.id, tx.now, transfers)])
    rows.update(tx, application, event=None, undone_at=tx.now)


def unsell(tx: Tx, entry: BankEntry, application: BankApplication) -> None:
    """Take back the sale that an intent without an invoice was; the intent has succeeded all the same."""
    customer, moved = application.customer or "", entries.cash_sold(entry.currency, -application.amount)
    post.post(tx, [post.Posting("bank.sold.undone", application.id, tx.now, moved, customer)])
    cash_balance.free(tx, entry, customer, application.amount, application.payment_intent or "")


def reopen(tx: Tx, entry: BankEntry, application: BankApplication) -> Invoice:
    """Take a payment off an invoice. A paid one is open again, and overdue at once if its day has passed.

    Cancels the invoice payment; locks the subscription. Emits `invoice.updated`.
    """
    invoice = rows.find(tx, Invoice, application.invoice or "")
    amount = application.amount + application.rounding
    owes, about = (invoice.customer, invoice.currency), (invoice.customer, invoice.id)
    undone = [("bank.applied.undone", entries.cash_applied(*owes, -application.amount))]
    if application.rounding:
        undone.append(("bank.rounded.undone", entries.rounded_off(*owes, -application.rounding)))
    if invoice.status == "uncollectible":
        undone.append(("bank.recovered.undone", entries.uncollectible(*owes, amount)))
    postings = [post.Posting(event, application.id, tx.now, moved, *about) for event, moved in undone]
    post.post(tx, postings)
    payments = rows.find_many(tx, InvoicePayment, [application.invoice_payment or ""]).values()
    changes = {"amount_paid": None, "canceled_at": tx.now, "status": "canceled"}
    rows.update_many(tx, [(one, changes) for one in payments], event=None)
    for one in payments:
        cash_balance.free(tx, entry, invoice.customer, application.amount, one.payment_intent or "")
    off_stripe = (invoice.amount_paid_off_stripe or 0) - application.rounding
    opened = rows.update(tx, invoice, amount_paid_off_stripe=off_stripe, **reopen_changes(invoice, amount))
    if invoice.status == "paid":
        purchases.reopen(tx, invoice)
        opened = ask_again(tx, opened)
        watch(tx, opened)
    return opened


def ask_again(tx: Tx, invoice: Invoice) -> Invoice:
    """Give an invoice that is open again a new intent where it is charged and its own is used up."""
    id = invoice.payment_intent or ""
    used = rows.find_many(tx, PaymentIntent, [id]).get(id) if id else None
    if used is None or used.status not in ("succeeded", "canceled"):
        return invoice
    if not invoice_intents.is_charged_automatically(invoice):
        return invoice
    [linked] = invoice_intents.link_intents(tx, [(invoice, rows.find(tx, Customer, invoice.customer))])
    return linked


def reopen_changes(invoice: Invoice, amount: int) -> dict[str, Any]:
    """Return the changes of an invoice of which so much is not paid after all; a paid one is open again."""
    paid = invoice.status == "paid"
    return {
        "amount_paid": invoice.amount_paid - amount,
        "paid_at": None,
        "status": lifecycle.after(lifecycle.INVOICE, "paid", "reopen") if paid else invoice.status,
    }


def watch(tx: Tx, invoice: Invoice) -> None:
    """Watch the due date of an invoice that is open again; without one its payment is missing now."""
    if invoice.due_date:
        jobs.put(tx, "invoice.overdue", invoice.id, max(invoice.due_date, tx.now))
        return
    if invoice.subscription:
        transitions.miss_payment(tx, rows.lock(tx, Subscription, invoice.subscription), invoice)
    transitions.set_delinquent(tx, rows.find(tx, Customer, invoice.customer), True)


def return_balance(tx: Tx, entry: BankEntry, application: BankApplication) -> None:
    """Take what was kept for a customer off their balance again, which may become what they owe."""
    customer = rows.find(tx, Customer, application.customer or "")
    changed = rows.update(tx, customer, balance=customer.balance + application.amount)
    transfers = entries.cash_kept(customer.id, entry.currency, -application.amount)
    post.post(tx, [post.Posting("bank.kept.undone", application.id, tx.now, transfers, customer.id)])
    apply.record_balance(tx, changed, application.amount, "adjustment", application.invoice)
    if application.invoice:
        invoice = rows.find(tx, Invoice, application.invoice)
        rows.update(tx, invoice, amount_overpaid=invoice.amount_overpaid - application.amount)
