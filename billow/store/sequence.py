"""Number events after they are committed, without gaps, one tenant at a time.

Numbering inside the writers' transactions would make them wait for each other, and a number taken early
could show up after a later one. So writers leave the number open; whoever numbers holds the tenant's counter
until it commits, and sees every event that was committed before: a reader of number N has seen all before it.
"""

from billow.store import webhook_queue
from billow.store.tx import Tx

MOST = 5000
"""Events that are numbered in one transaction."""


def unnumbered(tx: Tx) -> bool:
    return bool(tx.tuples("select 1 from events where sequence is null limit 1"))


def number(tx: Tx) -> int:
    """Number the committed events that have no number, in the order of writing, and queue their deliveries.

    It is short, because others may wait for the counter: it locks no row that a delivery holds for longer.
    """
    if not unnumbered(tx):
        return 0
    tx.run("insert into event_counters (last) values (0) on conflict do nothing")
    # The statement after this one sees what the former holder of the counter has committed.
    last = tx.tuples("select last from event_counters for update")[0][0]
    numbered = tx.tuples(
        "update events e set sequence = %(last)s + n.place from (select id, row_number() over (order by id)"
        " as place from (select id from events where sequence is null order by id limit %(most)s) f) n"
        " where e.id = n.id returning e.id, e.pending_webhooks",
        last=last,
        most=MOST,
    )
    tx.run("update event_counters set last = %(last)s", last=last + len(numbered))
    webhook_queue.add(tx, [id for id, pending in numbered if pending])
    return len(numbered)
