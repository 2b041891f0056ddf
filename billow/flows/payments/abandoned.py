"""End attempts that wait for their customers, so that nobody completes one whose place another has taken."""

from collections.abc import Mapping, Sequence

from billow.api import rows
from billow.core.errors import Inconsistent
from billow.core.payments import CANCELED, NeedsAction, Outcome
from billow.flows.outside.outside import gateway_named
from billow.flows.payments import settle
from billow.providers.gateways import Gateway
from billow.resources.attempt import Attempt
from billow.store import jobs
from billow.store.jobs import job
from billow.store.perform import Steps, ask
from billow.store.tx import Tx


def of_intent(tx: Tx, intent: str) -> list[Attempt]:
    """Find the attempts of a payment intent that wait for its customer."""
    where = "payment_intent = %(id)s and state = 'requires_action'"
    return rows.select(tx, Attempt, where, "order by id", id=intent)


def end(tx: Tx, waiting: Sequence[Attempt]) -> Steps:
    """Cancel attempts at their gateways: `tx = yield from end(…)`. One that was completed is settled.

    Raises `Unavailable` where a gateway does not answer: then nothing may take the place of its attempt.
    """
    if not waiting:
        return tx
    gateways = {one.gateway: gateway_named(tx, one.gateway) for one in waiting}
    tx, outcomes = yield ask(cancel_each, gateways, waiting)
    for id, outcome in outcomes.items():
        settle_ended(tx, id, outcome)
    return tx


def cancel_each(
    gateways: Mapping[str | None, Gateway], attempts: Sequence[Attempt]
) -> dict[str, Outcome | None]:
    return {one.id: gateways[one.gateway].cancel(one.id) for one in attempts}


def settle_ended(tx: Tx, id: str, outcome: Outcome | None) -> None:
    """Close an attempt that was canceled, without a word: its bank has not declined it. Settle any other."""
    attempt = rows.lock(tx, Attempt, id)
    if attempt.state != "requires_action":
        return
    if isinstance(outcome, NeedsAction):
        raise Inconsistent(f"The gateway does not cancel the attempt {id}, which its customer can complete.")
    if outcome is None or outcome == CANCELED:
        jobs.cancel(tx, "attempt.follow", id)
        rows.update(tx, attempt, event=None, state="failed")
        return
    settle.settle(tx, attempt, outcome)


@job("attempt.abandon", lane="outside")
def abandon(tx: Tx, refs: list[str]) -> Steps:
    """Cancel an attempt whose intent was canceled while its customer was asked to act.

    One that the customer has completed meanwhile is refunded, since nothing is left that it could pay.
    """
    [attempt] = rows.find_all(tx, Attempt, refs).values()
    if attempt.state != "requires_action":
        return None
    gateway = gateway_named(tx, attempt.gateway)
    tx, outcome = yield ask(gateway.cancel, attempt.id)
    settle_ended(tx, attempt.id, outcome)
    return None
