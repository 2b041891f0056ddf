"""Select the pending invoice items that an invoice takes up."""

from collections.abc import Iterable
from typing import Any

from billow.api import rows
from billow.core import lifecycle
from billow.resources.invoice_item import InvoiceItem
from billow.resources.subscription import Subscription
from billow.store.tx import Tx


def pending_items(tx: Tx, customers: Iterable[str]) -> dict[str, list[InvoiceItem]]:
    """The invoice items that wait, by customer, the newest first."""
    found: dict[str, list[InvoiceItem]] = {}
    for item in rows.select(
        tx, InvoiceItem, "invoice is null and customer = any(%(ids)s)", ids=sorted(set(customers))
    ):
        found.setdefault(item.customer, []).append(item)
    return found


def take(
    pending: dict[str, list[InvoiceItem]], customer: str, subscription: str | None, currency: str
) -> list[InvoiceItem]:
    """Take the waiting items that this invoice picks up: its subscription's, and those of none (§5.16)."""
    waiting = pending.get(customer, [])
    taken = [
        item for item in waiting if item.currency == currency and item.subscription in (None, subscription)
    ]
    pending[customer] = [item for item in waiting if item not in taken]
    return taken


def for_manual_invoice(tx: Tx, customer: str, subscription: str | None, currency: str) -> list[InvoiceItem]:
    """The waiting items that an invoice by hand picks up: those of its subscription alone (§7.1).

    Where it has none, those of none, and what a subscription left to its customer when it ended (§5.12).
    """
    ended = "select id from subscriptions where customer = %(id)s and status = any(%(ended)s)"
    theirs = {row["id"] for row in tx.all(ended, id=customer, ended=list(lifecycle.ENDED))}
    wanted = {subscription} if subscription else {None, *theirs}
    waiting = pending_items(tx, [customer]).get(customer, [])
    return [item for item in waiting if item.currency == currency and item.subscription in wanted]


def parent_of(subscription: Subscription) -> dict[str, Any]:
    """What an invoice says of the subscription that it is for: its metadata as it was then (§5.15)."""
    return {
        "quote_details": None,
        "type": "subscription_details",
        "subscription_details": {
            "metadata": subscription.metadata,
            "subscription": subscription.id,
            "subscription_proration_date": None,
        },
    }
