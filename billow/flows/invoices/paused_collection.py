"""Keep as draft, void or mark uncollectible the invoices of a subscription whose collection is paused."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from billow.api import fields as f
from billow.api import rows
from billow.api.fields import SHOWN, instant
from billow.api.params import Params
from billow.core.errors import require
from billow.flows.billing import billing_periods
from billow.flows.invoices import void
from billow.resources.invoice import Invoice
from billow.resources.subscription import Subscription
from billow.store import jobs
from billow.store.jobs import job
from billow.store.tx import Tx

KEEP, MARK_UNCOLLECTIBLE, VOID = BEHAVIORS = ("keep_as_draft", "mark_uncollectible", "void")


class PauseCollection(Params):
    behavior: str = f.choice(SHOWN, *BEHAVIORS, required=True)
    resumes_at: datetime | None = f.timestamp()


def finalizes_automatically(subscription: Subscription, now: datetime) -> bool:
    """Return whether drafts of a subscription are finalized automatically.

    They are not while the subscription is unpaid, or while a pause keeps its invoices as drafts.
    """
    kept_as_draft = behavior(subscription.pause_collection, now) == KEEP
    return subscription.status != "unpaid" and not kept_as_draft


def pause_changes(tx: Tx, subscription: Subscription, wanted: PauseCollection | None) -> dict[str, Any]:
    """Return the changes of a subscription that pauses or resumes collection, and set or cancel its timer.

    Invoices that are already open are collected as before.
    """
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
def resume_collection(tx: Tx, refs: list[str]) -> None:
    """End a pause of collection; drafts that it kept stay drafts. Locks the subscription."""
    [id] = refs
    rows.update(tx, rows.lock(tx, Subscription, id), pause_collection=None)


def behavior(pause: dict[str, Any] | None, now: datetime) -> str | None:
    """Return what happens to invoices now; None where they are collected, as at `resumes_at` and after it."""
    until = instant(pause["resumes_at"]) if pause else None
    return pause["behavior"] if pause and (until is None or until > now) else None


def behaviors(tx: Tx, invoices: Iterable[str]) -> dict[str, str]:
    """Return the behavior of each invoice whose subscription has paused collection, with one statement."""
    paused = tx.all(
        "select i.id, s.pause_collection as pause from invoices i"
        " join subscriptions s on s.id = i.subscription where i.id = any(%(ids)s)"
        " and s.pause_collection is not null",
        ids=sorted(set(invoices)),
    )
    found = {row["id"]: behavior(row["pause"], tx.now) for row in paused}
    return {id: pause_behavior for id, pause_behavior in found.items() if pause_behavior}


def close_paused(tx: Tx, opened: Sequence[Invoice], paused: Mapping[str, str]) -> list[Invoice]:
    """Void or mark uncollectible the open invoices of paused subscriptions, and keep their drafts as drafts.

    Returns all the opened invoices. The status of a subscription does not change: nobody was asked to pay.
    What the customer's balance has paid stays paid.
    """
    keep_as_drafts(tx, [id for id, pause_behavior in paused.items() if pause_behavior == KEEP])
    return [
        close(tx, invoice, paused[invoice.id])
        if invoice.id in paused and invoice.status == "open"
        else invoice
        for invoice in opened
    ]


def close(tx: Tx, invoice: Invoice, pause_behavior: str) -> Invoice:
    """Void an invoice and release its billing periods, or write it off."""
    if pause_behavior == VOID:
        voided = void.void_and_reverse(tx, invoice)
        billing_periods.release_of_invoice(tx, voided)
        return voided
    return void.write_off(tx, invoice, "subscription_paused")


def keep_as_drafts(tx: Tx, invoices: Sequence[str]) -> None:
    """Keep drafts until a person finalizes them, even after collection resumes. Locks the invoices."""
    if not invoices:
        return
    drafts = [invoice for invoice in rows.lock_many(tx, Invoice, invoices) if invoice.status == "draft"]
    kept = {"auto_advance": False, "automatically_finalizes_at": None}
    rows.update_many(tx, [(draft, kept) for draft in drafts])
