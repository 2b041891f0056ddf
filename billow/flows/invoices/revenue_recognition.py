"""Recognize deferred revenue: usage at once, a prepaid period by the second, month by month."""

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from billow.api import rows
from billow.core import revenue
from billow.flows.outside.seller import seller_of
from billow.ledger import entries, post
from billow.resources.invoice import Invoice
from billow.resources.invoice_line import PREPAID, InvoiceLine
from billow.store import jobs
from billow.store.jobs import job
from billow.store.tx import Tx

RECOGNIZED_STATUSES = ("open", "paid", "uncollectible")


def schedule(
    tx: Tx, lines: Iterable[InvoiceLine], postings: Sequence[post.Posting], revised: Container[str] = ()
) -> None:
    """Post the revenue of finalized lines that is earned by now, and schedule the rest.

    The rest is posted at each month's start and at the end of each period. `postings` are those of the
    invoices, which are written first, in the same statement. The invoices that `revised` others book what is
    earned by now today, when the revenue of those is reversed: the months before have it already.
    """
    in_order = sorted(lines, key=lambda line: (line.position, line.id))
    post_earned(tx, in_order, postings, invoiced_at=tx.now, revised=revised)


@job("revenue.recognize", batch=jobs.BATCH)
def recognize(tx: Tx, refs: list[str]) -> None:
    """Post what finalized invoices have earned since the last time. Locks customers, invoices and lines."""
    rows.lock_owned(tx, Invoice, refs)
    lines = rows.select(
        tx,
        InvoiceLine,
        "invoice in (select id from invoices where id = any(%(ids)s) and status = any(%(earning)s))",
        "order by id for update",
        ids=refs,
        earning=list(RECOGNIZED_STATUSES),
    )
    post_earned(tx, lines)


def post_earned(
    tx: Tx,
    lines: Iterable[InvoiceLine],
    before: Sequence[post.Posting] = (),
    invoiced_at: datetime | None = None,
    revised: Container[str] = (),
) -> None:
    """Post the revenue earned by now that was not posted before, so that running twice posts once.

    The postings of `before` are written first, in the same statement. Lines that are invoiced just now have
    the instant of that: what they earned before it was unbilled.
    """
    postings = list(before)
    changes: list[tuple[InvoiceLine, dict[str, Any]]] = []
    later: dict[str, datetime] = {}
    for line in (line for line in lines if line.net != line.credited and line.kind != PREPAID):
        earned = line.earned
        for at, total in slices(tx, line, line.net - line.credited):
            if at > tx.now:
                later[line.invoice] = min(at, later.get(line.invoice, at))
                break
            if abs(total) > abs(earned):
                again = line.invoice in revised
                unbilled = invoiced_at is not None and earned_at(line, at) < invoiced_at and not again
                made = posting(line, at, total - earned, unbilled)
                postings.append(replace(made, at=tx.now) if again else made)
                earned = total
        if earned != line.earned:
            changes.append((line, {"earned": earned}))
    post.post(tx, postings)
    rows.update_many(tx, changes)
    jobs.put_many(tx, "revenue.recognize", list(later.items()))


def take_back(tx: Tx, lines: Sequence[InvoiceLine], nets: Mapping[str, int]) -> list[entries.Credit]:
    """Take the net that is credited back from lines: what is not earned yet, and what is, in proportion.

    What is earned by now is posted before. What was earned of a line is then what the lower net had earned
    until the last posting, so that the months to come earn the rest of it. Negative amounts undo a credit.
    """
    post_earned(tx, lines)
    now = rows.select(tx, InvoiceLine, "id = any(%(ids)s)", ids=sorted(nets))
    taken_back, changes = [], []
    for line in now:
        net = line.net - line.credited - nets[line.id]
        if line.kind == PREPAID:  # what was not delivered is credited first, then what was
            taken = max(nets[line.id] - (line.net - line.credited - line.earned), 0)
            taken_back.append(entries.Credit(line.id, nets[line.id] - taken, taken))
            credited = line.credited + nets[line.id]
            changes.append((line, {"credited": credited, "earned": line.earned - taken}))
            continue
        earned = next((total for at, total in reversed(slices(tx, line, net)) if at <= tx.now), 0)
        taken = line.earned - earned
        taken_back.append(entries.Credit(line.id, nets[line.id] - taken, taken))
        changes.append((line, {"credited": line.credited + nets[line.id], "earned": earned}))
    post_earned(tx, rows.update_many(tx, changes))  # which sets the timer of what is left to earn
    return taken_back


def slices(tx: Tx, line: InvoiceLine, net: int) -> tuple[tuple[datetime, int], ...]:
    """Return when a line earns how much of an amount, by months of the seller's time zone."""
    zone = ZoneInfo(seller_of(tx).time_zone)
    return revenue.slices(net, line.period_start, line.period_end, zone)


def earned_before(tx: Tx, line: InvoiceLine) -> int:
    """Return what a line that is invoiced now has earned before; credits that are sold earn nothing yet."""
    if line.kind == PREPAID:
        return 0
    found = reversed(slices(tx, line, line.net))
    return next((total for end, total in found if earned_at(line, end) < tx.now >= end), 0)


def earned_at(line: InvoiceLine, at: datetime) -> datetime:
    """Return the date of a slice of revenue that ends at an instant: in the month in which it was earned."""
    return at - timedelta(microseconds=1) if at > line.period_start else at


def posting(line: InvoiceLine, at: datetime, amount: int, unbilled: bool) -> post.Posting:
    """Build the posting of one slice of a line, dated in the month in which it was earned.

    Revenue earned in January is posted in January, though it is only known when January is over. Each slice
    has a source of its own, so that none is posted twice.
    """
    rendered = entries.service_unbilled if unbilled else entries.service_rendered
    transfers = rendered(line.currency, line.sold, amount, line.id)
    source = f"{line.id}@{int(at.timestamp())}"
    dated = earned_at(line, at)
    return post.Posting("revenue.recognized", source, dated, transfers, line.customer, line.invoice)
