"""Find the invoice that decides the status of a subscription: the latest finalized one that is not void."""

from collections.abc import Sequence

from billow.api import rows
from billow.core import standing
from billow.flows.subscription_status import policies
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
ASKED = COUNTS.replace("%(subscription)s", "asked.subscription").replace("%(proposed)s", "asked.proposed")
"""The same for each row of a table `asked`."""


def proposed_invoice(subscription: Subscription) -> str:
    """Return the id of the invoice that a pending update waits for (§5.11), or an empty string."""
    return str((subscription.pending_change or {}).get("invoice") or "")


def is_latest(tx: Tx, subscription: Subscription, invoice: Invoice) -> bool:
    """Check that no newer invoice decides the status of the subscription."""
    return bool(latest_of(tx, [(subscription, invoice)]))


def latest_of(tx: Tx, pairs: Sequence[tuple[Subscription, Invoice]]) -> set[str]:
    """Find those of the invoices than which none is newer of what counts for their subscriptions.

    One statement for any number; returns the ids of the invoices.
    """
    asked = [
        (subscription, invoice)
        for subscription, invoice in pairs
        if invoice.billing_reason != "manual" and invoice.id != proposed_invoice(subscription)
    ]
    if not asked:
        return set()
    found = tx.tuples(
        "select asked.invoice from unnest(%(subscriptions)s::text[], %(proposals)s::text[],"
        " %(created)s::timestamptz[], %(invoices)s::text[])"
        " as asked (subscription, proposed, created, invoice)"
        f" where not exists (select 1 from invoices where {ASKED}"
        " and (invoices.created, invoices.id) > (asked.created, asked.invoice))",
        subscriptions=[subscription.id for subscription, _ in asked],
        proposals=[proposed_invoice(subscription) for subscription, _ in asked],
        created=[invoice.created for _, invoice in asked],
        invoices=[invoice.id for _, invoice in asked],
    )
    return {id for (id,) in found}


def verdict(tx: Tx, subscription: Subscription) -> str:
    """Return the action that a subscription's invoices lead to now, from the newest back.

    The rule is in core/standing.py.
    """
    found = rows.select(
        tx, Invoice, COUNTS, subscription=subscription.id, proposed=proposed_invoice(subscription)
    )
    given_up = without_retries(tx, [invoice.id for invoice in found if invoice.status == "open"])
    bills = (
        standing.Bill(
            invoice.status,
            invoice.collection_method == "charge_automatically",
            invoice.attempt_count,
            invoice.due_date,
            invoice.id in given_up,
        )
        for invoice in found
    )
    return standing.verdict(bills, tx.now, policies.longest_policy(tx, subscription))


def without_retries(tx: Tx, invoices: Sequence[str]) -> set[str]:
    """Return those of the invoices whose retries have ended."""
    if not invoices:
        return set()
    found = tx.tuples(
        "select invoice from payment_failures where invoice = any(%(ids)s) and next_at is null",
        ids=list(invoices),
    )
    return {id for (id,) in found}
