"""Post what paid credits do to the books: sold ones are owed until they are used or expire.

Promotional credits are no liability: they only lower what usage earns.
"""

from collections.abc import Sequence

from billow.core.billing_credits import PAID
from billow.ledger import entries, post
from billow.resources.credit_balance_transaction import CreditBalanceTransaction
from billow.resources.credit_grant import CreditGrant
from billow.store.tx import Tx


def granted(tx: Tx, grants: Sequence[CreditGrant]) -> None:
    """Owe what was paid for, until it is used or expires."""
    post.post(
        tx,
        [
            post.Posting("credit_grant.created", one.id, tx.now, owed_for(one), one.customer)
            for one in grants
            if one.category == PAID
        ],
    )


def owed_for(grant: CreditGrant) -> list[entries.Transfer]:
    """Return the transfers of a paid grant: an invoice of its own has deferred it, another was revenue."""
    if grant.bought_with:
        return entries.prepaid_delivered(grant.currency, grant.granted)
    return entries.prepaid_granted(grant.currency, grant.granted)


def ended(tx: Tx, lost: Sequence[tuple[CreditGrant, CreditBalanceTransaction]], voided: bool) -> None:
    """Owe no longer what paid grants lost: it is earned where it expired, taken back where it was voided."""
    event = "credit_grant.voided" if voided else "credit_grant.expired"
    postings = []
    for grant, transaction in lost:
        transfers = (
            entries.prepaid_granted(grant.currency, transaction.amount)
            if voided
            else entries.prepaid_expired(grant.currency, -transaction.amount)
        )
        if grant.category == PAID:
            postings.append(post.Posting(event, transaction.id, tx.now, transfers, grant.customer))
    post.post(tx, postings)
