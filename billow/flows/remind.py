"""What is told days ahead: an invoice that is to come, and one that will be due (§10.3 F6, §7.11)."""

from typing import Any

from billow.api import rows
from billow.core.errors import Refused
from billow.flows import foresee
from billow.resources.invoice import Invoice
from billow.resources.subscription import Subscription
from billow.store import outbox
from billow.store.jobs import job
from billow.store.tx import Tx


@job("subscription.upcoming", batch=50)
def upcoming(tx: Tx, refs: list[str]) -> None:
    """A renewal is some days off: its invoice is told as it would be now, without an id."""
    shown = [foreseen(tx, found) for found in rows.find_all(tx, Subscription, refs).values()]
    outbox.write(tx, [outbox.Told("invoice.upcoming", invoice) for invoice in shown if invoice])


def foreseen(tx: Tx, subscription: Subscription) -> dict[str, Any] | None:
    """The invoice of the next renewal; None where nothing is to come any more."""
    try:
        shown = foresee.taken_back(
            tx,
            lambda trial: foresee.as_upcoming(trial, foresee.next_invoice(trial, subscription, apart=False)),
        )
    except Refused as refused:
        if refused.code != foresee.NOTHING:
            raise
        return None
    return {name: value for name, value in shown.items() if name != "id"}


@job("invoice.will_be_due", batch=50)
def will_be_due(tx: Tx, refs: list[str]) -> None:
    """The due date of invoices that were sent comes nearer, and they are unpaid."""
    waiting = [one for one in rows.find_all(tx, Invoice, refs).values() if one.status == "open"]
    rows.emit(tx, [(invoice, None) for invoice in waiting], "invoice.will_be_due")
