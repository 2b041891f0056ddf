"""Pay intents from the cash that customers have transferred in advance."""

from billow.api import rows
from billow.core import lifecycle
from billow.core.bank.matching import Part
from billow.core.errors import Inconsistent, Refused, require
from billow.core.money import show
from billow.flows.bank import apply, cash_balance
from billow.flows.payments import abandoned, attached, intent_states
from billow.flows.payments.payment_intent_params import ApplyBalance
from billow.ledger import entries, post
from billow.resources.bank_application import BankApplication
from billow.resources.bank_entry import BankEntry
from billow.resources.invoice import Invoice
from billow.resources.invoice_payment import InvoicePayment
from billow.resources.payment_intent import PaymentIntent
from billow.store import clocks
from billow.store.perform import Steps
from billow.store.tx import Tx

RULE = "cash_balance"


@PaymentIntent.action("apply_customer_balance", ApplyBalance)
def apply_customer_balance(tx: Tx, intent: PaymentIntent, wanted: ApplyBalance) -> Steps:
    """Pay an intent from the cash balance of its customer: bank transfers that pay nothing yet.

    The intent of an invoice takes what there is, up to its amount; any other is paid whole or not at all.
    """
    require(intent.customer, "This PaymentIntent has no customer, so there is no balance to apply.")
    require(
        wanted.currency in (None, intent.currency),
        f"The currency of this PaymentIntent is {intent.currency}.",
        param="currency",
    )
    check_open(tx, intent)
    held = cash_balance.available(tx, intent.customer or "").get(intent.currency, 0)
    amount = amount_of(intent, wanted, held)
    if not amount:
        return intent
    if waiting := abandoned.of_intent(tx, intent.id):
        tx = yield from abandoned.end(tx, waiting)
        intent = rows.lock(tx, PaymentIntent, intent.id)
        try:
            check_open(tx, intent)
        except Refused as refused:  # returned, so that the payment is kept that was completed meanwhile
            return refused
    tx = clocks.of_customer(tx, intent.customer or "")
    return spend(tx, intent, amount)


def amount_of(intent: PaymentIntent, wanted: ApplyBalance, held: int) -> int:
    """Return how much is to be applied; refuse more than there is, and more than the intent asks for."""
    if intent.invoice:
        enough = min(held, intent.amount)
        return enough if enough or wanted.amount is None else refuse(intent, wanted.amount, held)
    amount = wanted.amount or (intent.amount if held else 0)
    require(
        amount <= intent.amount,
        f"The amount to apply is greater than that of the PaymentIntent,"
        f" {show(intent.amount, intent.currency)}.",
        param="amount",
    )
    if amount > held:
        return refuse(intent, amount, held)
    require(
        amount in (0, intent.amount),
        "A PaymentIntent without an invoice is paid whole from a cash balance, or not at all.",
        param="amount",
    )
    return amount


def refuse(intent: PaymentIntent, amount: int, held: int) -> int:
    raise Refused(
        f"The customer's cash balance ({show(held, intent.currency)}) does not cover"
        f" {show(amount, intent.currency)}.",
        param="amount",
        code="insufficient_funds",
    )


def check_open(tx: Tx, intent: PaymentIntent) -> None:
    if intent.status not in intent_states.OPEN:
        raise intent_states.unexpected(
            tx,
            intent,
            "The customer's cash balance cannot be applied to this PaymentIntent because it has a status of"
            f" {intent.status}.",
        )


def spend(tx: Tx, intent: PaymentIntent, amount: int) -> PaymentIntent:
    """Pay an intent, which is locked with its customer, with the oldest transfers of the customer.

    Where several pay an invoice, those before the last are payments of their own, and the intent asks for the
    rest, as after any part that was paid by bank.
    """
    left = amount
    for entry in cash_balance.spendable(tx, intent.customer or "", intent.currency):
        part = min(entry.unapplied, left)
        if not part:
            break
        left -= part
        if intent.invoice is None:
            sell(tx, entry, intent, part)
        else:
            [invoice] = rows.lock_owned(tx, Invoice, [intent.invoice])
            if part < invoice.amount_due - invoice.amount_paid:
                apply.pay(tx, entry, Part(invoice.id, part))
            else:
                complete(tx, entry, intent, invoice)
        rest = entry.unapplied - part
        state = "queued" if rest else "applied"
        rows.update(tx, entry, event=None, rule=RULE, state=state, unapplied=rest)
    if left:
        raise Inconsistent(f"The transfers of {intent.customer} do not come to their cash balance.")
    return succeed(tx, intent) if intent.invoice is None else rows.find(tx, PaymentIntent, intent.id)


def succeed(tx: Tx, intent: PaymentIntent) -> PaymentIntent:
    """Mark an intent paid whole. Emits `payment_intent.succeeded`."""
    now = rows.find(tx, PaymentIntent, intent.id)
    return rows.update(
        tx,
        now,
        event="payment_intent.succeeded",
        amount_received=now.amount,
        last_payment_error=None,
        next_action=None,
        status=lifecycle.after(lifecycle.PAYMENT_INTENT, "processing", "succeed"),
    )


def sell(tx: Tx, entry: BankEntry, intent: PaymentIntent, amount: int) -> None:
    """Post a part of a transfer as a sale, which an intent without an invoice is."""
    cash_balance.use(tx, entry, intent.customer or "", amount, intent.id)
    made = rows.insert(
        tx,
        BankApplication(
            amount=amount, customer=intent.customer, entry=entry.id, kind="intent", payment_intent=intent.id
        ),
    )
    moved = entries.cash_sold(intent.currency, amount)
    post.post(tx, [post.Posting("bank.sold", made.id, tx.now, moved, intent.customer)])


def complete(tx: Tx, entry: BankEntry, intent: PaymentIntent, invoice: Invoice) -> None:
    """Pay what is left of an invoice by its own intent, and mark both paid."""
    paid = succeed(tx, intent)
    [payment] = rows.select(tx, InvoicePayment, "payment_intent = %(id)s and status = 'open'", id=intent.id)
    rows.update(
        tx, payment, event="invoice_payment.paid", amount_paid=paid.amount, paid_at=tx.now, status="paid"
    )
    cash_balance.use(tx, entry, invoice.customer, paid.amount, paid.id)
    made = rows.insert(
        tx,
        BankApplication(
            amount=paid.amount,
            customer=invoice.customer,
            entry=entry.id,
            invoice=invoice.id,
            invoice_payment=payment.id,
            kind="invoice",
        ),
    )
    apply.post_payment(tx, invoice, made)
    attached.mark_paid(tx, invoice, {"amount_paid": invoice.amount_paid + paid.amount, "attempted": True})
