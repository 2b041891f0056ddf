"""Set the timers that remind of a renewal or a due date some days before it."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from billow.flows.billing import drafts
from billow.store import jobs
from billow.store.tx import Tx

#: By kind of timer: the setting with the number of days that it comes ahead; 0 means never.
DAYS = {"invoice.will_be_due": "will_be_due_days", "subscription.upcoming": "upcoming_days"}


def announce(tx: Tx, timer: str, dues: Iterable[tuple[str, datetime]]) -> None:
    """Put a timer of this kind ahead of each due date; none where its reminder would be in the past."""
    notice = timedelta(days=drafts.account_of(tx)[DAYS[timer]])
    ahead = [(ref, due - notice) for ref, due in dues] if notice else []
    jobs.put_many(tx, timer, [(ref, at) for ref, at in ahead if at > tx.now])
