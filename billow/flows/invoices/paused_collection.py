"""Keep, void or give up the invoices of a subscription whose collection is paused."""

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

KEEP, GIVE_UP, VOID = BEHAVIORS = ("keep_as_draft", "mark_uncollectible", "void")


class PauseCollection(Params):
    behavior: str = f.choice(SHOWN, *BEHAVIORS, required=True)
    resumes_at: datetime | None = f.timestamp()


def advances(subscription: Subscription, now: datetime) -> bool:
    """Whether its drafts are finalized by themselves: not of one that is unpaid, nor where they are kept."""
    kept = behavior(subscription.pause_collection, now) == KEEP
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


def behavior(pause: dict[str, Any] | None, now: datetime) -> str | None:
    """What is done with invoices now; None where they are collected, as from the very end of the pause on."""
    until = instant(pause["resumes_at"]) if pause else None
    return pause["behavior"] if pause and (until is None or until > now) else None


def behaviors(tx: Tx, invoices: Iterable[str]) -> dict[str, str]:
    """What is done with those of these invoices whose subscription collects nothing; one statement."""
    found = tx.all(
        "select i.id, s.pause_collection as pause from invoices i"
        " join subscriptions s on s.id = i.subscription where i.id = any(%(ids)s)"
        " and s.pause_collection is not null",
        ids=sorted(set(invoices)),
    )
    said = {row["id"]: behavior(row["pause"], tx.now) for row in found}
    return {id: what for id, what in said.items() if what}


def put_away(tx: Tx, opened: Sequence[Invoice], paused: Mapping[str, str]) -> list[Invoice]:
    """The opened invoices, those of a paused collection void or given up; its drafts are kept from now on.

    The status of the subscription stays as it is: an invoice that nobody was to pay says nothing of it. What
    the balance has paid stays paid.
    """
    keep(tx, [id for id, what in paused.items() if what == KEEP])
    return [
        closed(tx, invoice, paused[invoice.id])
        if invoice.id in paused and invoice.status == "open"
        else invoice
        for invoice in opened
    ]


def closed(tx: Tx, invoice: Invoice, what: str) -> Invoice:
    if what == VOID:
        voided = void.annul(tx, invoice)
        billing_periods.release_of_invoice(tx, voided)
        return voided
    return void.give_up(tx, invoice, "subscription_paused")


def keep(tx: Tx, invoices: Sequence[str]) -> None:
    """They stay drafts until a person finalizes them, also when collection goes on."""
    if not invoices:
        return
    drafts = [invoice for invoice in rows.lock_many(tx, Invoice, invoices) if invoice.status == "draft"]
    nothing = {"auto_advance": False, "automatically_finalizes_at": None}
    rows.update_many(tx, [(draft, nothing) for draft in drafts])
