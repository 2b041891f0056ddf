"""Tell how many days before a renewal or a due date its reminder is sent."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from billow.flows.billing import drafts
from billow.store import jobs
from billow.store.tx import Tx

#: The timer of each word, and the setting that says how many days ahead it comes; 0: never.
DAYS = {"invoice.will_be_due": "will_be_due_days", "subscription.upcoming": "upcoming_days"}


def announce(tx: Tx, timer: str, dues: Iterable[tuple[str, datetime]]) -> None:
    """Put a timer so many days ahead of each; what is no further off than that is not announced any more."""
    notice = timedelta(days=drafts.account_of(tx)[DAYS[timer]])
    ahead = [(ref, due - notice) for ref, due in dues] if notice else []
    jobs.put_many(tx, timer, [(ref, at) for ref, at in ahead if at > tx.now])
