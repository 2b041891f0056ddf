"""Find the invoice that decides the status of a subscription: the latest finalized one that is not void."""

from billow.api import rows
from billow.core import standing
from billow.flows.outside.outside import outside_of
from billow.resources.invoice import Invoice
from billow.resources.subscription import Subscription
from billow.store.tx import Tx

COUNTS = (
    "subscription = %(subscription)s and billing_reason <> 'manual' and status not in ('draft', 'void')"
    " and id <> %(proposed)s"
    " and not (status = 'uncollectible' and uncollectible_reason = 'subscription_paused')"
)
"""The invoices that decide the status of a subscription: all finalized ones, except those made by hand, the
invoice of a pending update, and those marked uncollectible while collection was paused (§5.13)."""


def proposed_invoice(subscription: Subscription) -> str:
    """Return the id of the invoice that a pending update waits for (§5.11), or an empty string."""
    return str((subscription.pending_change or {}).get("invoice") or "")


def is_latest(tx: Tx, subscription: Subscription, invoice: Invoice) -> bool:
    """Check that no newer invoice decides the status of the subscription."""
    if invoice.billing_reason == "manual" or invoice.id == proposed_invoice(subscription):
        return False
    newer = tx.one(
        f"select 1 from invoices where {COUNTS} and (created, id) > (%(created)s, %(id)s) limit 1",
        subscription=subscription.id,
        proposed=proposed_invoice(subscription),
        created=invoice.created,
        id=invoice.id,
    )
    return newer is None


def verdict(tx: Tx, subscription: Subscription) -> str:
    """Return the action that a subscription's invoices lead to now, from the newest back.

    The rule is in core/standing.py.
    """
    found = rows.select(
        tx, Invoice, COUNTS, subscription=subscription.id, proposed=proposed_invoice(subscription)
    )
    bills = (
        standing.Bill(
            invoice.status,
            invoice.collection_method == "charge_automatically",
            invoice.attempt_count,
            invoice.due_date,
        )
        for invoice in found
    )
    return standing.verdict(bills, tx.now, outside_of(tx).dunning)
