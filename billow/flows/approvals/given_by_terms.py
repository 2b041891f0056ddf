"""Tell whether what an act on a subscription gives back is above the limit for one person."""

from datetime import timedelta

from billow.core import approvals as deciding
from billow.flows.approvals import approvals
from billow.flows.taxes import national
from billow.resources.subscription import Subscription
from billow.store.tx import Tx

WINDOW = timedelta(days=30)
"""How far back what a subscription's invoices gave is counted, so that nobody gives in small parts."""


def is_needed(tx: Tx, one: Subscription, amount: int, currency: str) -> bool:
    """Tell whether an amount, with what invoices of the subscription gave lately, is above the limit."""
    limit, home = approvals.limit_of(tx)
    [(before,)] = tx.tuples(
        "select coalesce(sum(-total), 0)::bigint from invoices"
        " where subscription = %(id)s and total < 0 and status = 'paid' and created > %(since)s",
        id=one.id,
        since=tx.now - WINDOW,
    )
    rates = national.rates_on(tx, tx.wall.date())
    return deciding.is_needed(amount + int(before), currency, limit, home, rates)
