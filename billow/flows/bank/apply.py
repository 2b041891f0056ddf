"""Apply bank entries: to invoices, to customers' balances, or to nothing yet."""

from typing import Any

from billow.api import rows
from billow.core import lifecycle
from billow.core.bank.matching import Match, Part
from billow.core.errors import Inconsistent
from billow.flows.bank import cash_balance
from billow.flows.customers import cash
from billow.flows.invoices.invoice_intents import follow_remaining
from billow.flows.outside.outside import outside_of
from billow.flows.payments.attached import mark_paid
from billow.ledger import entries, post
from billow.resources.bank_application import BankApplication
from billow.resources.bank_entry import BankEntry
from billow.resources.customer import Customer
from billow.resources.customer_balance_transaction import CustomerBalanceTransaction
from billow.resources.invoice import Invoice
from billow.resources.invoice_payment import InvoicePayment
from billow.resources.payment_intent import PaymentIntent
from billow.store import clocks
from billow.store.ids import new_id, secret
from billow.store.tx import Tx


def receive(tx: Tx, entry: BankEntry) -> BankEntry:
    """Post an entry as unapplied cash, which it is until something is known of it."""
    posting = post.Posting(
        "bank.received", entry.id, tx.now, entries.bank_received(entry.currency, entry.amount)
    )
    post.post(tx, [posting])
    return rows.update(tx, entry, event=None, state="queued", unapplied=entry.amount)


def apply_match(tx: Tx, entry: BankEntry, found: Match) -> BankEntry:
    """Apply an entry, which was received and is locked, to what was found; queue what is left of it.

    The invoices are locked. Emits the events of each invoice, then those of the customer's balance.
    """
    if found.rule is None:
        return rows.update(tx, entry, event=None, reason=found.reason)
    customer = rows.lock(tx, Customer, found.customer or "")
    tx = clocks.enter(tx, customer.test_clock)
    if found.rule != "by_hand" and cash.mode_of(customer) == "manual":
        return hold(tx, entry, customer)
    left, kept = entry.unapplied, found.rest if keeps(tx, entry, customer) else 0
    if entry.customer is None:
        cash_balance.fund(tx, entry, customer.id, left - kept - found.rounding)
    for part in found.parts:
        pay(tx, entry, part)
        left -= part.amount
    if found.rounding:
        left -= round_off(tx, entry, found.rounding)
    last = found.parts[-1].invoice if found.parts else None
    if kept:
        keep(tx, entry, customer.id, last, kept)
    after = rows.update(
        tx,
        entry,
        event=None,
        customer=found.customer,
        reason="the customer paid too much" if left - kept else None,
        rule=found.rule,
        state="queued" if left - kept else "applied",
        unapplied=left - kept,
    )
    if entry.customer is None:
        cash_balance.tell_available(tx, after)
    return after


def hold(tx: Tx, entry: BankEntry, customer: Customer) -> BankEntry:
    """Keep a transfer as the cash of a customer whose transfers are applied by hand."""
    if entry.customer is None:
        cash_balance.fund(tx, entry, customer.id, entry.unapplied)
    reason = "transfers of this customer are applied by hand"
    after = rows.update(tx, entry, event=None, customer=customer.id, reason=reason)
    if entry.customer is None:
        cash_balance.tell_available(tx, after)
    return after


def pay(tx: Tx, entry: BankEntry, part: Part) -> Invoice:
    """Pay a part of an invoice, which is locked, with a part of an entry.

    Emits the payment, then `invoice.updated`; once nothing is left, `invoice.paid` and the change of the
    subscription, which it locks.
    """
    invoice = rows.find(tx, Invoice, part.invoice)
    amount = part.amount + part.rounding
    remaining = invoice.amount_due - invoice.amount_paid - amount
    follow_remaining(tx, invoice, remaining)
    payment = record_payment(tx, invoice, part.amount)
    cash_balance.use(tx, entry, invoice.customer, part.amount, payment.payment_intent or "")
    application = BankApplication(
        amount=part.amount,
        customer=invoice.customer,
        entry=entry.id,
        invoice=invoice.id,
        invoice_payment=payment.id,
        kind="invoice",
        rounding=part.rounding,
    )
    made = rows.insert(tx, application)
    post_payment(tx, invoice, made)
    changes: dict[str, Any] = {
        "amount_paid": invoice.amount_paid + amount,
        "amount_paid_off_stripe": (invoice.amount_paid_off_stripe or 0) + part.rounding,
        "attempted": True,
    }
    if remaining:
        tell_partly_funded(tx, invoice)
        return rows.update(tx, invoice, **changes)
    return mark_paid(tx, invoice, changes)


def tell_partly_funded(tx: Tx, invoice: Invoice) -> None:
    """Emit `payment_intent.partially_funded` where the invoice's own intent is to be paid by transfer."""
    found = rows.find_many(tx, PaymentIntent, [invoice.payment_intent or ""])
    asking = [one for one in found.values() if "customer_balance" in one.payment_method_types]
    rows.emit(tx, [(one, None) for one in asking], "payment_intent.partially_funded")


def record_payment(tx: Tx, invoice: Invoice, amount: int) -> InvoicePayment:
    """Insert the intent of a payment that has arrived, and the invoice payment that names it."""
    id = new_id(PaymentIntent.prefix)
    intent = PaymentIntent(
        id=id,
        amount=amount,
        client_secret=secret(f"{id}_secret_", 25),
        currency=invoice.currency,
        customer=invoice.customer,
        description="Payment for Invoice",
        invoice=invoice.id,
        status="processing",
    )
    made = rows.insert(tx, intent)
    rows.update(
        tx,
        made,
        event="payment_intent.succeeded",
        amount_received=amount,
        status=lifecycle.after(lifecycle.PAYMENT_INTENT, made.status, "succeed"),
    )
    payment = InvoicePayment(
        amount_paid=amount,
        amount_requested=amount,
        currency=invoice.currency,
        invoice=invoice.id,
        is_default=False,
        paid_at=tx.now,
        payment_intent=id,
        status="paid",
    )
    return rows.insert(tx, payment, event="invoice_payment.paid")


def post_payment(tx: Tx, invoice: Invoice, made: BankApplication) -> None:
    """Post what an application settles; the loss of an uncollectible invoice is recovered by as much."""
    about = (invoice.customer, invoice.id)
    owes = (invoice.customer, invoice.currency)
    applied = [("bank.applied", entries.cash_applied(*owes, made.amount))]
    if made.rounding:
        applied.append(("bank.rounded", entries.rounded_off(*owes, made.rounding)))
    if invoice.status == "uncollectible":
        recovered = entries.uncollectible(*owes, -made.amount - made.rounding)
        applied.insert(0, ("bank.recovered", recovered))
    post.post(tx, [post.Posting(event, made.id, tx.now, transfers, *about) for event, transfers in applied])


def keeps(tx: Tx, entry: BankEntry, customer: Customer) -> bool:
    """Check whether what is paid too much goes to the customer's balance, which has one currency."""
    wanted = outside_of(tx).bank.overpayment == "balance"
    return wanted and customer.currency in (None, entry.currency)


def keep(tx: Tx, entry: BankEntry, id: str, invoice: str | None, amount: int) -> None:
    """Keep what a customer paid too much on their balance, which is in this currency.

    Emits `customer.updated`, and `invoice.overpaid` of the invoice that it was paid for.
    """
    customer = rows.find(tx, Customer, id)
    changed = rows.update(tx, customer, balance=customer.balance - amount, currency=entry.currency)
    application = BankApplication(amount=amount, customer=id, entry=entry.id, invoice=invoice, kind="balance")
    made = rows.insert(tx, application)
    transfers = entries.cash_kept(id, entry.currency, amount)
    post.post(tx, [post.Posting("bank.kept", made.id, tx.now, transfers, id)])
    record_balance(tx, changed, -amount, "invoice_overpaid", invoice)
    if invoice:
        paid = rows.find(tx, Invoice, invoice)
        overpaid = paid.amount_overpaid + amount
        rows.update(tx, paid, event=("updated", "invoice.overpaid"), amount_overpaid=overpaid)


def record_balance(tx: Tx, customer: Customer, amount: int, type: str, invoice: str | None) -> None:
    """Insert the transaction of a balance that has changed; it is posted by the caller."""
    if customer.currency is None:
        raise Inconsistent(f"The customer {customer.id} has a balance and no currency.")
    rows.insert(
        tx,
        CustomerBalanceTransaction(
            amount=amount,
            currency=customer.currency,
            customer=customer.id,
            ending_balance=customer.balance,
            invoice=invoice,
            type=type,
        ),
    )


def round_off(tx: Tx, entry: BankEntry, amount: int) -> int:
    """Write off what was paid too much where it is within the tolerance; return how much."""
    application = rows.insert(tx, BankApplication(amount=amount, entry=entry.id, kind="rounding"))
    transfers = entries.cash_rounded(entry.currency, amount)
    post.post(tx, [post.Posting("bank.rounded", application.id, tx.now, transfers)])
    return amount
