"""Mark invoices paid that are made after their payment, as those of checkout sessions are."""

from billow.api import rows
from billow.core.errors import needed
from billow.flows.payments import locked_attempt, settle
from billow.ledger import entries, post
from billow.resources.attempt import Attempt
from billow.resources.invoice import Invoice
from billow.resources.payment_intent import PaymentIntent
from billow.store.tx import Tx


def record(tx: Tx, invoice: Invoice, intent: PaymentIntent) -> Invoice:
    """Mark an invoice paid that was finalized as paid by an intent, which was booked as a sale until now.

    Activates its subscription. Locks the customer, then the invoice. Emits what any payment of it emits.
    """
    where = "payment_intent = %(id)s and kind = 'charge' and state = 'succeeded'"
    found = rows.select(tx, Attempt, where, "order by created, id limit 1", id=intent.id)
    attempt = rows.update(tx, found[0], event=None, invoice=invoice.id)
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
