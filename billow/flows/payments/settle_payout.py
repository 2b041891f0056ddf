"""Record payouts, and book each of their steps: created, arrived, failed, canceled."""

from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta

from billow.api import rows
from billow.core import payouts
from billow.core.payouts import PaidOut
from billow.flows.outside.outside import gateway_named
from billow.flows.payments import postings
from billow.ledger import entries, post
from billow.resources.balance_transaction import BalanceTransaction
from billow.resources.payout import Payout
from billow.store import jobs
from billow.store.ids import new_id
from billow.store.jobs import job
from billow.store.perform import Steps, ask
from billow.store.tx import Tx

ASKED_AGAIN = timedelta(days=1)
"""How long until a gateway is asked again for a payout that is under way, if it reports nothing."""
RETURNED = {"canceled": "payout_cancel", "failed": "payout_failure"}
"""The balance transactions that bring the amount back of a payout that ends like this."""


def insert(tx: Tx, payout: Payout, fee: int = 0) -> Payout:
    """Write a payout that begins, and take it from the balance. Emits `payout.created`."""
    moved = postings.transaction(
        tx,
        payout.id,
        -payout.amount,
        payout.currency,
        "payout",
        fee=fee,
        description=payout.description or "STRIPE PAYOUT",
    )
    available = payout.arrival_date if payout.amount < 0 else tx.now
    movement = rows.insert(tx, moved.but(available_on=available, payout=payout.id))
    book(tx, payout, "payout.created", entries.payout_sent(payout.gateway, payout.currency, payout.amount))
    book(tx, payout, "gateway.fee", entries.fee_charged(payout.gateway, payout.currency, fee))
    return rows.insert(tx, payout.but(balance_transaction=movement.id), event="created")


def book(tx: Tx, payout: Payout, event: str, moved: Sequence[entries.Transfer]) -> None:
    if moved:
        post.post(tx, [post.Posting(event, payout.id, tx.now, moved)])


def move_on(
    tx: Tx, payout: Payout, status: str, code: str | None = None, message: str | None = None
) -> Payout:
    """Bring a payout, which is locked, to its next status, with what that moves in balance and books.

    One that fails may have been paid before: then it comes back from the bank. None goes back to an earlier
    status. Emits `payout.paid`, `.failed`, `.canceled` or `.updated`.
    """
    if status == payout.status or payout.status in RETURNED or payouts.is_behind(status, payout.status):
        return payout
    if status == "paid" and payout.sent_back:
        return payout
    if status == "paid" and payout.bank_entry is None:
        arrived = entries.payout_arrived(payout.currency, payout.amount)
        book(tx, payout, "payout.paid", arrived)
    changes = {"failure_code": code, "failure_message": message, "status": status}
    if status in RETURNED:
        changes["failure_balance_transaction"] = take_back(tx, payout, status).id
    event = status if status in ("paid", "failed", "canceled") else "updated"
    return rows.update(tx, payout, event=event, **changes)


def take_back(tx: Tx, payout: Payout, status: str) -> BalanceTransaction:
    """Put the amount of a payout that does not arrive back on the balance, from where it is booked."""
    moved = postings.transaction(tx, payout.id, payout.amount, payout.currency, RETURNED[status])
    movement = rows.insert(tx, moved.but(available_on=tx.now, payout=payout.id))
    arrived = payout.status == "paid" or payout.bank_entry is not None
    back = entries.payout_returned(payout.gateway, payout.currency, payout.amount, arrived)
    book(tx, payout, f"payout.{status}", back)
    return movement


# ------------------------------------------------------------------------- those that a gateway makes itself


@job("payout.follow", lane="outside")
def follow(tx: Tx, refs: list[str]) -> Steps:
    """Ask the gateway for a payout that it has reported, and record it; look again while it is under way."""
    [ref] = refs
    name, _, reference = ref.partition("/")
    found = gateway_named(tx, name)
    tx, (said, sources) = yield ask(lambda: (found.payout(reference), found.paid_out_with(reference)))
    if said is None:
        return None
    payout = record(tx, name, said)
    reconcile(tx, payout, sources)
    watch(tx, name)
    if said.status in payouts.UNDER_WAY:
        jobs.put(tx, "payout.follow", ref, tx.wall + ASKED_AGAIN, clock="wall")
    return None


@job("payout.poll", lane="outside")
def poll(tx: Tx, refs: list[str]) -> Steps:
    """Ask a gateway each day for its latest payouts, and follow those whose notices have not reached us."""
    [name] = refs
    tx, said = yield ask(gateway_named(tx, name).recent_payouts)
    known = dict(
        tx.tuples(
            "select reference, status from payouts where gateway = %(name)s"
            " and reference = any(%(references)s)",
            name=name,
            references=list(said),
        )
    )
    missed = [ref for ref, status in said.items() if known.get(ref) != status]
    jobs.put_many(tx, "payout.follow", [(f"{name}/{ref}", tx.wall) for ref in missed], clock="wall")
    watch(tx, name)
    return None


def watch(tx: Tx, gateway: str) -> None:
    """Set the timer that asks a gateway for its payouts at the next midnight, whatever else is reported."""
    midnight = datetime.combine(tx.wall.date(), time(), UTC) + ASKED_AGAIN
    jobs.put(tx, "payout.poll", gateway, midnight, clock="wall")


def record(tx: Tx, gateway: str, said: PaidOut) -> Payout:
    """Record a payout as the gateway says that it is now; what is recorded already changes nothing."""
    [payout] = of_reference(tx, gateway, said.reference) or [insert(tx, as_made(tx, gateway, said), said.fee)]
    return move_on(tx, payout, said.status, said.failure_code, said.failure_message)


def as_made(tx: Tx, gateway: str, said: PaidOut) -> Payout:
    """Return the payout that a gateway has made, as it began."""
    brought_back = of_reference(tx, gateway, said.original) if said.original else []
    return Payout(
        id=new_id(Payout.prefix),
        amount=said.amount,
        arrival_date=said.arrives,
        automatic=said.automatic,
        currency=said.currency,
        description=said.description,
        gateway=gateway,
        method=said.method,
        original_payout=brought_back[0].id if brought_back else None,
        reconciliation_status="in_progress" if said.automatic else "not_applicable",
        reference=said.reference,
        statement_descriptor=said.statement_descriptor,
    )


def of_reference(tx: Tx, gateway: str, reference: str) -> list[Payout]:
    """Find and lock the payout of a gateway's reference."""
    where = "gateway = %(gateway)s and reference = %(reference)s"
    return rows.select(tx, Payout, where, "for update", gateway=gateway, reference=reference)


def reconcile(tx: Tx, payout: Payout, sources: Sequence[str]) -> None:
    """Note which balance transactions an automatic payout pays out. Emits `payout.reconciliation_completed`.

    `sources` are the gateway's references of charges and our attempts of refunds. What was not made through
    billow has no balance transaction here.
    """
    if payout.reconciliation_status != "in_progress" or payout.status != "paid":
        return
    sql = (
        "payout is null and source in (select c.id from charges c where c.reference = any(%(sources)s)"
        " union select a.refund from attempts a where a.id = any(%(sources)s))"
    )
    own = rows.select(tx, BalanceTransaction, sql, "order by id for update", sources=list(sources))
    rows.update_many(tx, [(one, {"payout": payout.id}) for one in own], event=None)
    rows.update(tx, payout, event="reconciliation_completed", reconciliation_status="completed")
