"""Follow up what gateways report by themselves: ask the gateway, and settle its answer.

A notice only sets a timer, one for each attempt or dispute however often and in whatever order notices come.
The job asks the gateway what is true, so a notice that is late, repeated, wrong or forged changes nothing.
"""

from collections.abc import Sequence
from datetime import timedelta

from billow.api import rows
from billow.core.errors import Unavailable
from billow.core.notices import (
    AttemptChanged,
    DisputeChanged,
    FraudSuspected,
    MethodCollected,
    Notice,
    PayoutChanged,
)
from billow.flows.outside.outside import gateway_named
from billow.flows.payments import actions, collect, settle, settle_dispute
from billow.resources.attempt import Attempt
from billow.resources.dispute import Dispute
from billow.resources.method_collection import MethodCollection
from billow.resources.payment_intent import PaymentIntent
from billow.resources.setup_intent import SetupIntent
from billow.store import jobs
from billow.store.jobs import job
from billow.store.perform import Steps, ask
from billow.store.tx import Tx

PATIENCE = timedelta(days=3)
"""How long a dispute waits for the charge that it is about."""
ASKED_AGAIN = timedelta(days=1)
"""How long until a customer's action is asked for again."""


def receive(tx: Tx, gateway: str, notices: Sequence[Notice]) -> None:
    """Set the timers that ask the gateway about what it has reported; an unknown attempt is none of ours."""
    for notice in notices:
        match notice:
            case AttemptChanged():
                if rows.find_many(tx, Attempt, [notice.attempt]):
                    jobs.put(tx, "attempt.follow", notice.attempt, tx.wall, clock="wall")
            case DisputeChanged():
                jobs.put(tx, "dispute.follow", f"{gateway}/{notice.dispute}", tx.wall, clock="wall")
            case MethodCollected():
                if rows.find_many(tx, MethodCollection, [notice.collection]):
                    jobs.put(tx, "collection.follow", notice.collection, tx.wall, clock="wall")
            case PayoutChanged():
                jobs.put(tx, "payout.follow", f"{gateway}/{notice.payout}", tx.wall, clock="wall")
            case FraudSuspected():
                warn(tx, gateway, notice)


def warn(tx: Tx, gateway: str, notice: FraudSuspected) -> None:
    """Record a warning of fraud; raise `Unavailable` while its charge is not recorded."""
    charge = settle_dispute.charge_of_reference(tx, gateway, notice.charge)
    if charge is None:
        raise Unavailable(f"{gateway} reports on {notice.charge}, which is not recorded yet.")
    settle_dispute.record_warning(tx, charge, notice.warning, notice.fraud_type)


@job("attempt.follow", lane="outside")
def follow(tx: Tx, refs: list[str]) -> Steps:
    """Ask the gateway what has become of an attempt that it has answered, and settle that.

    It may report a dispute, that a refund has failed after all, or that the customer has acted.
    """
    [attempt] = rows.find_all(tx, Attempt, refs).values()
    if attempt.state == "requires_action":
        intent = attempt.payment_intent or attempt.setup_intent or ""
        tx, _ = yield from actions.complete(tx, intent)
        await_action(tx, attempt)
        return None
    gateway = gateway_named(tx, attempt.gateway)
    tx, (notices, outcome) = yield ask(lambda: (gateway.reports(attempt.id), gateway.look_up(attempt.id)))
    if outcome is not None:
        settle.settle(tx, rows.lock(tx, Attempt, attempt.id), outcome)
    receive(tx, gateway.name, [one for one in notices if not isinstance(one, AttemptChanged)])
    return None


def await_action(tx: Tx, attempt: Attempt) -> None:
    """Ask again tomorrow while the customer can still act: the intent waits, and for no newer attempt."""
    if rows.find(tx, Attempt, attempt.id).state != "requires_action":
        return
    intents = rows.find_many(tx, PaymentIntent, [attempt.payment_intent or ""])
    set_ups = rows.find_many(tx, SetupIntent, [attempt.setup_intent or ""])
    waiting = [one.status for one in intents.values()] + [one.status for one in set_ups.values()]
    if "requires_action" in waiting:
        jobs.put(tx, "attempt.follow", attempt.id, tx.wall + ASKED_AGAIN, clock="wall")


@job("dispute.follow", lane="outside", patience=PATIENCE)
def follow_dispute(tx: Tx, refs: list[str]) -> Steps:
    """Ask the gateway for a dispute as it is now, and record it; wait until its charge is recorded."""
    [ref] = refs
    name, _, reference = ref.partition("/")
    tx, found = yield ask(gateway_named(tx, name).dispute, reference)
    if found is None:
        return None
    charge = settle_dispute.charge_of_reference(tx, name, found.charge)
    if charge is None:
        raise Unavailable(f"{name} reports a dispute of {found.charge}, which is not recorded yet.")
    settle_dispute.record(tx, charge, found)
    return None


def ask_again(tx: Tx, dispute: Dispute) -> None:
    """Set the timer that asks the gateway about a dispute soon, in case that its answer does not arrive."""
    ref, at = f"{dispute.gateway}/{dispute.reference}", tx.wall + collect.RESOLVE
    jobs.put(tx, "dispute.follow", ref, at, clock="wall")
