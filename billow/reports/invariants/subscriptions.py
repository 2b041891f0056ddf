"""Check that the status of each subscription is correct."""

from collections.abc import Iterator, Sequence

from billow.core import lifecycle
from billow.core.findings import Finding
from billow.reports.invariants.invoices import strangers
from billow.store.tx import Tx

TIMERS = (
    "subscription.renew",
    "subscription.upcoming",
    "subscription.end",
    "subscription.trial_will_end",
    "subscription.expire",
    "subscription.resume_collection",
    "subscription.pending_items",
)
"""The timers that are canceled when a subscription ends."""


def subscriptions_have_their_customer(tx: Tx, subscriptions: Sequence[str]) -> Iterator[Finding]:
    """Check that the customer of a subscription is in the same tenant."""
    yield from strangers(tx, "subscriptions_have_their_customer", "subscriptions", subscriptions)


def statuses_agree(tx: Tx, subscriptions: Sequence[str]) -> Iterator[Finding]:
    """Check that the status of a subscription agrees with its invoices, timers, trial and end (§5.2)."""
    for row in tx.all(
        "select s.id, s.status, s.ended_at, s.cancel_at, s.status_details, s.trial_end, c.frozen_time,"
        " c.status as clock,"
        " (select array_agg(j.kind) from jobs j where j.tenant = s.tenant and j.kind = any(%(timers)s)"
        " and j.ref = s.id) as timers,"
        " (select i.status from invoices i where i.subscription = s.id and i.billing_reason <> 'manual'"
        " and i.status not in ('draft', 'void')"
        " and not (i.status = 'uncollectible' and i.uncollectible_reason = 'subscription_paused')"
        " and i.id is distinct from s.pending_change->>'invoice'"
        " order by i.created desc, i.id desc limit 1) as latest"
        " from subscriptions s left join test_clocks c on c.id = s.test_clock"
        " where s.id = any(%(ids)s) order by s.id",
        ids=list(subscriptions),
        timers=list(TIMERS),
    ):
        status, timers, latest = row["status"], row["timers"] or [], row["latest"]
        renewed = bool({"subscription.renew", "subscription.end"} & {*timers})
        rolls = status in lifecycle.RENEWING or (status == "paused" and row["cancel_at"] is not None)
        wrong = {
            "an end": (row["ended_at"] is None) == (status in lifecycle.ENDED),
            "a timer for its renewal or its end": renewed != rolls and status != "incomplete",
            "no timer after its end": status in lifecycle.ENDED and bool(timers),
            "a wait for a first payment": ("subscription.expire" in timers) != (status == "incomplete"),
            "a debt": status in ("incomplete", "past_due", "unpaid") and latest == "paid",
            "a debt that is not forgiven": status == "past_due" and latest == "uncollectible",
            "why it is paused": (row["status_details"] is None) == (status == "paused"),
            "a trial that runs": status == "trialing"
            and row["clock"] == "ready"
            and row["trial_end"] <= row["frozen_time"],
        }
        seen = f"status {status}, timers {sorted(timers)}, latest invoice {latest}"
        yield from (
            Finding("statuses_agree", row["id"], f"{what} where the status says so", seen)
            for what, is_wrong in wrong.items()
            if is_wrong
        )
