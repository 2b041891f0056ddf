"""Remind customers of invoices that are overdue, on the days that are set, and thank those who pay late."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from billow.api import rows
from billow.core import timers
from billow.flows.mails import outbox
from billow.flows.outside.merchant import merchant_of
from billow.resources.invoice import Invoice
from billow.store import jobs
from billow.store.jobs import job
from billow.store.tx import Tx

JOB = "invoice.remind"


def schedule(tx: Tx, invoice: Invoice) -> None:
    """Set the timer of the next reminder of an unpaid invoice, if one is still to come."""
    at = timers.reminder(invoice.due_date, merchant_of(tx).reminder_days, tx.now)
    if at and invoice.auto_advance:
        jobs.put(tx, JOB, invoice.id, at)


@job(JOB, batch=50)
def remind(tx: Tx, refs: list[str]) -> None:
    """Order the mails that remind of the unpaid invoices among these, and set the timers of the next ones."""
    waiting = [
        one
        for one in rows.find_all(tx, Invoice, refs).values()
        if one.status == "open" and one.auto_advance and one.due_date
    ]
    days = merchant_of(tx).reminder_days
    numbered = [(one, number(one.due_date, days, tx.now)) for one in waiting]
    outbox.order(
        tx,
        [
            outbox.Mail("invoice_overdue", one.id, one.customer, {"number": which}, which)
            for one, which in numbered
            if which
        ],
    )
    for one in waiting:
        schedule(tx, one)


def number(due: datetime | None, days: Sequence[int], now: datetime) -> int:
    """Return how many reminders are due by now."""
    return sum(due + timedelta(days=day) <= now for day in days) if due else 0


def thank(tx: Tx, paid: Invoice) -> None:
    """Order the thanks for an invoice that was paid without a charge, where a payment of it had failed.

    They carry the invoice, which has waited for its payment; where no mail told of the failure it goes alone.
    """
    if paid.attempt_count:
        kinds = ("payment_recovered", "invoice")
        outbox.order(tx, [outbox.Mail(kind, paid.id, paid.customer) for kind in kinds])
