"""Tell what an act on a subscription gives back: by an invoice below nothing, or by letting invoices go."""

from billow.flows.previews import outcomes
from billow.flows.previews.outcomes import Outcome
from billow.resources.subscription import Subscription
from billow.store.tx import Tx


def given(tx: Tx, one: Subscription, outcome: Outcome, lets_go: bool) -> int:
    """Return what an act gives back of what is billed, in minor units of the outcome's currency.

    What was below nothing before the act is not its doing. Where the act lets invoices go, a whole next
    invoice counts: it is the least that is not collected.
    """
    now = max(-outcome.now["total"], 0) if outcome.now else 0
    later = below_nothing(outcome)
    if later:
        later = max(later - below_nothing(outcomes.as_it_is(tx, one)), 0)
    kept = max(outcome.next["total"], 0) if lets_go and outcome.next else 0
    return int(now + later + kept)


def below_nothing(outcome: Outcome) -> int:
    """Return by how much the next invoice is below nothing, or what stays pending where there is none."""
    return max(-(outcome.next["total"] if outcome.next else outcome.pending), 0)
