"""Keep payments that succeeded after all: for what they were to pay, or to be refunded if it is too late."""

import logging
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from billow.api import rows
from billow.core.lifecycle import PAYABLE
from billow.core.payments import Succeeded
from billow.flows.payments import charge_records, postings
from billow.flows.payments.locked_attempt import Case
from billow.resources.charge import Charge
from billow.store import jobs
from billow.store.ids import new_id
from billow.store.tx import Tx

log = logging.getLogger("billow.late_payments")
RETURN = "charge.return"
"""The job that refunds a payment that came too late."""
SETTLED = ("succeeded", "canceled", "requires_capture")
"""The statuses of an intent that no further payment is wanted for."""


def is_too_late(tx: Tx, case: Case) -> bool:
    """Check whether nothing is left that a payment could pay which the gateway says has succeeded.

    One that was declined or canceled before is taken like any other while its intent still waits for this
    amount, and no other attempt is under way.
    """
    intent, invoice, attempt = case.intent, case.invoice, case.attempt
    if intent is None:
        return attempt.state == "failed"
    if intent.status in SETTLED or (invoice is not None and invoice.status not in PAYABLE):
        return True
    return attempt.state == "failed" and (intent.amount != attempt.amount or is_under_way(tx, case))


def is_under_way(tx: Tx, case: Case) -> bool:
    """Check whether another attempt at the same intent has no final answer yet."""
    found = tx.tuples(
        "select id from attempts where payment_intent = %(intent)s and id <> %(id)s and kind = 'charge'"
        " and state in ('processing', 'requires_action') limit 1",
        intent=case.attempt.payment_intent,
        id=case.attempt.id,
    )
    return bool(found)


def take(tx: Tx, late: Sequence[tuple[Case, Succeeded]]) -> None:
    """Record payments that came too late, each as a charge of its own, and set the timer that refunds it.

    The intent and the invoice stay as they are. Emits `charge.succeeded`.
    """
    for case, outcome in late:
        attempt = case.attempt
        about = attempt.payment_intent or attempt.charge or ""
        log.error("attempt %s of %s has succeeded too late, and is refunded: %s", attempt.id, about, outcome)
        charge = record(tx, case, outcome, about)
        rows.update(tx, attempt, event=None, state="succeeded")
        jobs.cancel(tx, "attempt.follow", attempt.id)
        jobs.put(tx, RETURN, charge.id, tx.wall, clock="wall")


def record(tx: Tx, case: Case, outcome: Succeeded, about: str) -> Charge:
    """Write the charge of a late payment, with its balance transaction, and post it as a sale."""
    attempt = case.attempt
    pending = case.charge if case.charge and case.charge.status == "pending" else None
    id = pending.id if pending else new_id(Charge.prefix)
    part = postings.Captured(id, attempt.amount, attempt.currency, outcome.fee)
    movements = postings.insert_charge_transactions(tx, [part] if attempt.capture else [])
    facts: dict[str, Any] = {
        **charge_records.success_facts(tx, case, outcome, id, movements.get(id)),
        "description": f"Late payment for {about}",
        "late_for": about,
    }
    alone = replace(case, charge=pending, intent=None, invoice=None)
    [charge] = charge_records.write_all(tx, [(alone, id, facts)], "succeeded")
    if charge.captured:
        postings.post_payments(tx, [postings.Payment(charge, outcome.fee, None)])
        for one in postings.exchanged_charge(charge, outcome, charge.amount_captured, charge.id):
            postings.post_exchanged(tx, one)
    return charge


def listed(tx: Tx, limit: int) -> list[dict[str, Any]]:
    """List the latest payments that came too late, with what has become of each."""
    return tx.all(
        "select c.created, c.id, c.late_for, c.customer, c.amount, c.currency, c.gateway, c.reference,"
        " case when c.refunded then 'refunded' when c.disputed then 'disputed'"
        " when r.status = 'failed' then 'not refunded: ' || coalesce(r.failure_reason, 'refused')"
        " when r.id is null then 'to be refunded' else 'refund ' || replace(r.status, '_', ' ') end as state"
        " from charges c left join lateral (select * from refunds f where f.charge = c.id"
        " order by f.created desc, f.id desc limit 1) r on true"
        " where c.late_for is not null order by c.created desc, c.id desc limit %(limit)s",
        limit=limit,
    )
