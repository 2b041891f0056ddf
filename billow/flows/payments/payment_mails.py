"""Order the mails that a payment causes: receipts, failures, payments after a failure, refunds."""

from collections.abc import Sequence

from billow.core.errors import needed
from billow.flows.invoices import finalize, invoice_intents
from billow.flows.mails import outbox
from billow.flows.mails.outbox import Mail
from billow.flows.payments import retries
from billow.flows.payments.locked_attempt import Case
from billow.resources.charge import Charge
from billow.resources.dispute import Dispute
from billow.resources.invoice import Invoice
from billow.resources.refund import Refund
from billow.store.tx import Tx


def order_paid(tx: Tx, paid: Sequence[tuple[Case, Charge]]) -> None:
    """Order a receipt of each payment, or a word of thanks where it failed before.

    Where the charge or its intent names an address, the receipt goes there, whatever the merchant has set.
    """
    outbox.order(tx, [mail_of(case, charge) for case, charge in paid if charge.captured])
    order_invoices(tx, [case for case, _ in paid])


def order_invoices(tx: Tx, cases: Sequence[Case]) -> None:
    """Order the mails of invoices that have waited for the outcome of their charge."""
    charged = [case.invoice for case in cases if case.invoice and finalize.goes_out(case.invoice)]
    outbox.order(
        tx, [finalize.letter_of(one) for one in charged if invoice_intents.is_charged_automatically(one)]
    )


def mail_of(case: Case, charge: Charge) -> Mail:
    if case.invoice and failed_before(case):
        return Mail("payment_recovered", case.invoice.id, case.invoice.customer)
    return receipt_of(charge, case.intent.receipt_email if case.intent else None)


def receipt_of(charge: Charge, to: str | None = None) -> Mail:
    to = charge.receipt_email or to
    return Mail("receipt", charge.id, charge.customer, {"to": to} if to else {}, explicit=to is not None)


def failed_before(case: Case) -> bool:
    """Check whether earlier attempts to pay the invoice failed, other than the first of a subscription."""
    return bool(case.invoice and case.invoice.attempt_count) and not retries.is_new(case.subscription)


def order_action(tx: Tx, invoice: Invoice) -> None:
    """Order the mail that asks a customer, who is not there, to confirm a payment to the bank (§8.5)."""
    facts = {"failures": 1, "left": 0, "next": None, "last": None, "hard": True, "outcome": None}
    reason = {"reason": "authentication_required"}
    number = invoice.attempt_count + 1
    outbox.order(
        tx, [Mail("payment_action_required", invoice.id, invoice.customer, {**facts, **reason}, number)]
    )


def order_refund(tx: Tx, refund: Refund, customer: str | None) -> None:
    outbox.order(tx, [Mail("refund", refund.id, customer)])


def order_dispute(tx: Tx, dispute: Dispute) -> None:
    """Order the mail to the merchant that a payment is disputed."""
    facts = {
        "amount": dispute.amount,
        "currency": dispute.currency,
        "charge": dispute.charge,
        "reason": dispute.reason,
        "due": int(needed(dispute.due_by, "when a dispute is to be answered").timestamp()),
    }
    outbox.order(tx, [Mail("dispute", dispute.id, None, facts)])
