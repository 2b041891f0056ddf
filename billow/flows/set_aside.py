"""What becomes of invoices while collection is paused: kept as drafts, given up, or void (§5.13)?"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from billow.api import fields as f
from billow.api import rows
from billow.api.fields import SHOWN
from billow.api.params import Params
from billow.core.errors import require
from billow.flows import void
from billow.resources.invoice import Invoice
from billow.resources.subscription import Subscription
from billow.store import jobs
from billow.store.jobs import job
from billow.store.tx import Tx


class PauseCollection(Params):
    behavior: str = f.choice(SHOWN, "keep_as_draft", "mark_uncollectible", "void", required=True)
    resumes_at: datetime | None = f.timestamp()


def advances(subscription: Subscription) -> bool:
    """Whether its drafts are finalized by themselves: not of one that is unpaid, nor where they are kept."""
    kept = (subscription.pause_collection or {}).get("behavior") == "keep_as_draft"
    return subscription.status != "unpaid" and not kept


def changes(tx: Tx, subscription: Subscription, wanted: PauseCollection | None) -> dict[str, Any]:
    """What pausing or resuming collection changes, with its timer; open invoices go on as they were."""
    jobs.cancel(tx, "subscription.resume_collection", subscription.id)
    if wanted is None:
        return {"pause_collection": None}
    if wanted.resumes_at:
        require(
            wanted.resumes_at > tx.now,
            "Invalid timestamp: must be an integer Unix timestamp in the future.",
            param="pause_collection[resumes_at]",
        )
        jobs.put(tx, "subscription.resume_collection", subscription.id, wanted.resumes_at)
    return {"pause_collection": wanted.shown()}


@job("subscription.resume_collection", batch=1)
def collect_again(tx: Tx, refs: list[str]) -> None:
    """The pause is over; drafts that it kept stay drafts."""
    [id] = refs
    rows.update(tx, rows.lock(tx, Subscription, id), pause_collection=None)


@job("invoice.set_aside", batch=100)
def set_aside(tx: Tx, refs: Sequence[str]) -> None:
    """Invoices that were finalized in a pause: void, or given up where the balance did not pay them."""
    for id in refs:
        invoice = rows.lock(tx, Invoice, id)
        subscription = rows.find(tx, Subscription, invoice.subscription or "")
        behavior = (subscription.pause_collection or {}).get("behavior")
        if invoice.status == "open" and behavior == "void":
            void.void_invoice(tx, invoice)
        elif invoice.status == "open" and behavior == "mark_uncollectible":
            void.give_up(tx, invoice, "subscription_paused")
