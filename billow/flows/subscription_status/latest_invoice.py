"""Find the invoice that decides the status of a subscription: the latest finalized one that is not void."""

from billow.api import rows
from billow.core import standing
from billow.flows.outside.outside import of
from billow.resources.invoice import Invoice
from billow.resources.subscription import Subscription
from billow.store.tx import Tx

COUNTS = (
    "subscription = %(subscription)s and billing_reason <> 'manual' and status not in ('draft', 'void')"
    " and id <> %(proposed)s"
    " and not (status = 'uncollectible' and uncollectible_reason = 'subscription_paused')"
)
"""What the subscription was billed; not what names it and was made by hand, nor what is only proposed, nor
what nobody was to pay while its collection was paused (§5.13)."""


def proposed(subscription: Subscription) -> str:
    """The invoice of an update that holds only if it is paid (§5.11)."""
    return str((subscription.pending_change or {}).get("invoice") or "")


def is_latest(tx: Tx, subscription: Subscription, invoice: Invoice) -> bool:
    """Whether no newer invoice says how its subscription stands."""
    if invoice.billing_reason == "manual" or invoice.id == proposed(subscription):
        return False
    newer = tx.one(
        f"select 1 from invoices where {COUNTS} and (created, id) > (%(created)s, %(id)s) limit 1",
        subscription=subscription.id,
        proposed=proposed(subscription),
        created=invoice.created,
        id=invoice.id,
    )
    return newer is None


def verdict(tx: Tx, subscription: Subscription) -> str:
    """What its invoices lead to now, from the newest back (core/standing.py)."""
    found = rows.select(tx, Invoice, COUNTS, subscription=subscription.id, proposed=proposed(subscription))
    bills = (
        standing.Bill(
            invoice.status,
            invoice.collection_method == "charge_automatically",
            invoice.attempt_count,
            invoice.due_date,
        )
        for invoice in found
    )
    return standing.verdict(bills, tx.now, of(tx).dunning)
