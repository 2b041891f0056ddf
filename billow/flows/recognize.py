"""Deferred revenue is earned: usage at once, a period in advance month by month, to the second (core/revenue)."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from billow.api import rows
from billow.core import revenue
from billow.ledger import entries, post
from billow.resources.invoice import Invoice
from billow.resources.invoice_line import InvoiceLine
from billow.store import jobs
from billow.store.jobs import job
from billow.store.tx import Tx

EARNING = ("open", "paid", "uncollectible")


def schedule(tx: Tx, invoices: Sequence[Invoice]) -> None:
    """Post what is earned by now, and come back at each month's start within the periods, and at their ends."""
    lines = rows.select(tx, InvoiceLine, "invoice = any(%(ids)s)", ids=[invoice.id for invoice in invoices])
    earn(tx, lines)


@job("revenue.recognize", batch=500)
def recognize(tx: Tx, refs: list[str]) -> None:
    """Earn what is due of finalized invoices; the refs are their ids."""
    lines = rows.select(
        tx,
        InvoiceLine,
        "invoice in (select id from invoices where id = any(%(ids)s) and status = any(%(earning)s))",
        "order by id for update",
        ids=refs,
        earning=list(EARNING),
    )
    earn(tx, lines)


def earn(tx: Tx, lines: Iterable[InvoiceLine]) -> None:
    """Post the difference between what is earned by now and what was posted: run twice, it posts once."""
    moved: list[tuple[InvoiceLine, datetime, int]] = []
    later: dict[str, datetime] = {}
    for line in lines:
        slices = revenue.slices(line.amount, line.period_start, line.period_end)
        past = [(at, earned) for at, earned in slices if at <= tx.now]
        if past and past[-1][1] != line.earned:
            moved.append((line, *past[-1]))
        if len(past) < len(slices) and line.amount:
            later[line.invoice] = min(slices[len(past)][0], later.get(line.invoice, slices[len(past)][0]))
    post.post(tx, [posting(tx, line, at, earned) for line, at, earned in moved])
    rows.update_many(tx, [(line, {"earned": earned}) for line, _, earned in moved])
    jobs.put_many(tx, "revenue.recognize", list(later.items()))


def posting(tx: Tx, line: InvoiceLine, at: datetime, earned: int) -> post.Posting:
    """What a line earned since the last time. Each time is a source of its own, so that none is posted twice."""
    transfers = entries.service_rendered(line.currency, line.product or "none", earned - line.earned, line.id)
    source = f"{line.id}@{int(at.timestamp())}"
    return post.Posting("revenue.recognized", source, tx.now, transfers, line.customer, line.invoice)
