"""Settle invoices that are made after their payment, as those of checkout sessions are."""

from billow.api import rows
from billow.core.errors import needed
from billow.flows.payments import debit_notices, locked_attempt, payment_mails, settle
from billow.flows.subscription_status import transitions
from billow.ledger import entries, post
from billow.resources.attempt import Attempt
from billow.resources.invoice import Invoice
from billow.resources.payment_intent import PaymentIntent
from billow.store.tx import Tx


def record(tx: Tx, invoice: Invoice, intent: PaymentIntent) -> Invoice:
    """Mark an invoice paid that was finalized as paid by an intent, which was booked as a sale until now.

    Activates its subscription. Locks the customer, then the invoice. Emits what any payment of it emits.
    """
    attempt = attempt_of(tx, invoice, intent, "succeeded")
    post.post(
        tx,
        [
            post.Posting(
                "payment.invoiced",
                needed(intent.latest_charge, "the charge of the payment"),
                tx.now,
                entries.sale_settles(invoice.customer, invoice.currency, intent.amount_received),
                invoice.customer,
                invoice.id,
            )
        ],
    )
    settle.mark_paid(tx, locked_attempt.load(tx, [attempt.but(amount=intent.amount_received)]))
    return rows.find(tx, Invoice, invoice.id)


def await_money(tx: Tx, invoice: Invoice, intent: PaymentIntent) -> None:
    """Let an open invoice wait for the debit that was accepted before it was made; it is paid once that is.

    Begins its subscription, and orders the mails of the debit and of the invoice. Locks the customer first.
    """
    [case] = locked_attempt.load(tx, [attempt_of(tx, invoice, intent, "processing")])
    rows.update(tx, invoice, attempted=True)
    if case.subscription:
        transitions.begin_unsettled(tx, case.subscription, invoice)
    debit_notices.order_notice(tx, case)
    payment_mails.order_invoices(tx, [case])


def attempt_of(tx: Tx, invoice: Invoice, intent: PaymentIntent, state: str) -> Attempt:
    """Return the attempt that pays an intent, which is one at its invoice from now on."""
    where = "payment_intent = %(id)s and kind = 'charge' and state = %(state)s"
    found = rows.select(tx, Attempt, where, "order by created, id limit 1", id=intent.id, state=state)
    return rows.update(tx, found[0], event=None, invoice=invoice.id)
