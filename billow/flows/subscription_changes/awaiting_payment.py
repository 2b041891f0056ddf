"""Hold a change of a subscription until its invoice is paid: propose, carry out, expire, withdraw."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from billow.api import rows
from billow.api.fields import instant, seconds
from billow.api.params import Params
from billow.core import lifecycle, timers
from billow.core.errors import needed
from billow.flows.billing import billing_periods, invoice_for
from billow.flows.billing.drafts import Draft
from billow.flows.invoices import finalize, invoice_intents, void
from billow.flows.payments import collect
from billow.flows.subscription_changes import prorations
from billow.flows.subscription_changes.prorations import Prorations
from billow.resources.invoice import Invoice
from billow.resources.subscription import Subscription
from billow.store import clocks, jobs
from billow.store.ids import new_id
from billow.store.perform import Steps
from billow.store.tx import Tx

PAYMENT_TIMEOUT = timers.FIRST_PAYMENT
"""How long a change waits for its payment."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of change that waits for its payment: its jobs, and the states of its invoice."""

    carry_out: str
    """The job that carries the change out; `subscription_status` puts it when its invoice is paid."""
    expire: str
    """The job that withdraws it when nobody has paid in time."""
    agreed: tuple[str, ...]
    """The states of its invoice in which it is carried out."""
    withdrawable: tuple[str, ...]
    """The states of its invoice in which it can still be withdrawn."""


UPDATE = Kind(
    "subscription.pending_update_paid",
    "subscription.pending_update_expires",
    agreed=("paid",),
    withdrawable=lifecycle.PAYABLE,
)
# A resumption is carried out even if its invoice is marked uncollectible (§5.13).
RESUMPTION = Kind(
    "subscription.resume_paid",
    "subscription.resume_expires",
    agreed=("paid", "uncollectible"),
    withdrawable=("open",),
)


@dataclass(frozen=True, slots=True)
class Proposal:
    """A change to hold until it is paid: its params, its time, and what is already written for it."""

    draft: Draft
    items: list[str]
    """The invoice items of its prorations, in the order in which they are shown."""
    sent: Params
    now: datetime
    more: Mapping[str, Any] = field(default_factory=dict)
    """Further fields to store for its kind of change."""


@dataclass(frozen=True, slots=True)
class Proposed:
    """A subscription whose change waits, and the invoice that it waits for."""

    subscription: Subscription
    invoice: Invoice


@dataclass(frozen=True, slots=True)
class PaidChange:
    """A proposal whose payment is settled. It is carried out at the instant of the request: `then`."""

    invoice: Invoice
    then: Tx
    kept: dict[str, Any]


def write_items(tx: Tx, plan: Prorations) -> list[str]:
    """Write the invoice items of a proposal alone, and return their ids; no billing period changes yet."""
    ids = sorted((new_id("ii_") for _ in plan.items), reverse=True)
    prorations.write_items(tx, plan, ids)
    return ids


def propose(
    tx: Tx, kind: Kind, subscription: Subscription, proposal: Proposal, until: datetime, **changes: Any
) -> Proposed:
    """Write the invoice of a change, store the change on the subscription, and set the timer of its expiry.

    Emits `invoice.created`, and `customer.subscription.updated` with `changes`.
    """
    invoice = invoice_for.write(tx, proposal.draft, proposed=True)
    kept = {
        "job": kind.carry_out,
        "invoice": invoice.id,
        "items": proposal.items,
        "sent": as_sent(proposal.sent),
        "now": seconds(proposal.now),
        **proposal.more,
    }
    waiting = rows.update(tx, subscription, pending_change=kept, **changes)
    jobs.put(tx, kind.expire, subscription.id, until)
    return Proposed(waiting, invoice)


def as_sent(wanted: Params) -> dict[str, Any]:
    """Return the params in the form in which they could be sent again."""
    return {name: _as_sent(value) for name, value in wanted.sent().items()}


def _as_sent(value: Any) -> Any:
    """Return a value in the form in which it could be sent again."""
    if isinstance(value, Params):
        return as_sent(value)
    if isinstance(value, list):
        return [_as_sent(one) for one in value]
    if isinstance(value, dict):
        return {key: _as_sent(one) for key, one in value.items()}
    if isinstance(value, datetime):
        return int(value.timestamp())
    if isinstance(value, Decimal):
        return str(value)
    return "" if value is None else value


def collect_now(tx: Tx, invoice: Invoice, *, off_session: bool) -> Steps:
    """Finalize the invoice of a proposal and try to collect it within the request.

    Returns the transaction that it ends in, and the finalized invoice.
    """
    [opened] = finalize.finalize_many(tx, [invoice.id])
    if opened.status == "open":
        tx = yield from collect.attempt_invoice(tx, opened, automatic=False, off_session=off_session)
        tx = clocks.enter(tx, opened.test_clock)
    return tx, opened


def paid_change(tx: Tx, kind: Kind, subscription: Subscription) -> PaidChange | None:
    """Return the change that the subscription waits with, once it is paid; its timers are canceled.

    None where no change of this kind waits, or where its invoice is not settled.
    """
    kept = subscription.pending_change
    if kept is None or kept["job"] != kind.carry_out:
        return None
    invoice = rows.find(tx, Invoice, kept["invoice"])
    if invoice.status not in kind.agreed:
        return None
    jobs.cancel(tx, kind.carry_out, subscription.id)
    jobs.cancel(tx, kind.expire, subscription.id)
    then = needed(instant(kept["now"]), "the instant of a change that waits for its payment")
    return PaidChange(invoice, tx.at(tx.clock, then), kept)


def begin_periods(tx: Tx, subscription: Subscription, change: PaidChange, plan: Prorations) -> None:
    """Write the billing periods of a paid proposal; the amounts are those of its invoice."""
    prorations.write_periods(tx, plan, change.kept["items"])
    billing_periods.bill_proposed(tx, subscription.id, change.invoice.id)


def expire(tx: Tx, kind: Kind, subscription: Subscription) -> None:
    """Withdraw a change that was not paid in time; while a payment is under way, check again later."""
    invoice = invoice_of(tx, kind, subscription)
    if invoice and invoice_intents.is_under_way(tx, invoice.id):
        jobs.put(tx, kind.expire, subscription.id, tx.now + invoice_intents.UNDER_WAY)
    elif invoice:
        void.void_invoice(tx, invoice)


def withdraw(tx: Tx, kind: Kind, subscription: Subscription) -> Subscription:
    """Void the invoice of a change that waits, which ends it, so that a new change can take its place."""
    invoice = invoice_of(tx, kind, subscription)
    if invoice is None:
        return subscription
    void.void_invoice(tx, invoice)
    return rows.find(tx, Subscription, subscription.id)


def invoice_of(tx: Tx, kind: Kind, subscription: Subscription) -> Invoice | None:
    """Lock the invoice that a change of this kind waits for; None where it cannot be withdrawn any more."""
    kept = subscription.pending_change
    if kept is None or kept["job"] != kind.carry_out:
        return None
    invoice = rows.lock(tx, Invoice, kept["invoice"])
    return invoice if invoice.status in kind.withdrawable else None
