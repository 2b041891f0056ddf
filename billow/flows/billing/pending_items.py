"""Select the pending invoice items that an invoice bills."""

from collections.abc import Iterable
from typing import Any

from billow.api import rows
from billow.core import lifecycle
from billow.resources.invoice_item import InvoiceItem
from billow.resources.subscription import Subscription
from billow.store.tx import Tx


def pending_items(tx: Tx, customers: Iterable[str]) -> dict[str, list[InvoiceItem]]:
    """Load the pending invoice items of customers, by customer, the newest first."""
    found: dict[str, list[InvoiceItem]] = {}
    for item in rows.select(
        tx, InvoiceItem, "invoice is null and customer = any(%(ids)s)", ids=sorted(set(customers))
    ):
        found.setdefault(item.customer, []).append(item)
    return found


def take(
    pending: dict[str, list[InvoiceItem]], customer: str, subscription: str | None, currency: str
) -> list[InvoiceItem]:
    """Take the pending items that an invoice bills: its subscription's, and those of none (§5.16).

    They are removed from `pending`, so that no second invoice takes them.
    """
    waiting = pending.get(customer, [])
    taken = [
        item for item in waiting if item.currency == currency and item.subscription in (None, subscription)
    ]
    pending[customer] = [item for item in waiting if item not in taken]
    return taken


def for_manual_invoice(tx: Tx, customer: str, subscription: str | None, currency: str) -> list[InvoiceItem]:
    """Load the pending items that an invoice created by hand bills: those of its subscription only (§7.1).

    Without a subscription: those of none, and those whose subscription has ended (§5.12).
    """
    ended = "select id from subscriptions where customer = %(id)s and status = any(%(ended)s)"
    theirs = {row["id"] for row in tx.all(ended, id=customer, ended=list(lifecycle.ENDED))}
    wanted = {subscription} if subscription else {None, *theirs}
    waiting = pending_items(tx, [customer]).get(customer, [])
    return [item for item in waiting if item.currency == currency and item.subscription in wanted]


def parent_of(subscription: Subscription) -> dict[str, Any]:
    """Return the `parent` of a subscription's invoice, with the subscription's metadata as of now (§5.15)."""
    return {
        "quote_details": None,
        "type": "subscription_details",
        "subscription_details": {
            "metadata": subscription.metadata,
            "subscription": subscription.id,
            "subscription_proration_date": None,
        },
    }
