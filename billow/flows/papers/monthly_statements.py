"""Order the statements of account of the month that is over, where an account mails them."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import psycopg

from billow.api import rows
from billow.flows.mails import outbox
from billow.flows.outside import merchant
from billow.flows.outside.seller import seller_of
from billow.ledger.customer_account import APART
from billow.resources.customer import Customer
from billow.store import jobs
from billow.store.jobs import job
from billow.store.tx import Tx

JOB = "statements.monthly"
KIND = "statement"
PAGE = 500
"""How many customers one transaction writes to."""
HOURS = timedelta(hours=12)
"""How far into the first day of a month it is over in every time zone."""
CONCERNED = (
    "not deleted and id > %(after)s and coalesce(test_clock, 'wall') = %(clock)s and exists ("
    "select 1 from ledger_transfers t where t.created < %(end)s and t.debit = 'receivable:' || customers.id)"
    " and (exists (select 1 from ledger_transfers t where t.customer = customers.id"
    " and t.created >= %(start)s and t.created < %(end)s and t.event <> all(%(apart)s))"
    " or (select coalesce(sum(amount), 0) from ledger_transfers t where t.created < %(end)s"
    " and t.debit = 'receivable:' || customers.id)"
    " <> (select coalesce(sum(amount), 0) from ledger_transfers t where t.created < %(end)s"
    " and t.credit = 'receivable:' || customers.id))"
)
"""Those who owe something at the end of the month, or for whom something was posted in it."""


@job(JOB)
def order(tx: Tx, refs: list[str]) -> None:
    """Order the statements of a clock's customers for last month, if the account mails them."""
    clock, _, after = refs[0].partition("/")
    if not after:
        jobs.put(tx, JOB, clock, due_after(tx.now))
    if not merchant.merchant_of(tx).mails.get(KIND):
        return
    start, end = last_month(tx.now, seller_of(tx).time_zone)
    found = rows.select(
        tx,
        Customer,
        CONCERNED,
        "order by id limit %(most)s",
        after=after,
        clock=clock,
        start=start,
        end=end,
        most=PAGE,
        apart=list(APART),
    )
    facts = {"start": start.isoformat(), "end": end.isoformat()}
    number = start.astimezone(ZoneInfo(seller_of(tx).time_zone))
    outbox.order(
        tx, [outbox.Mail(KIND, one.id, one.id, facts, number.year * 100 + number.month) for one in found]
    )
    if len(found) == PAGE:
        jobs.put(tx, JOB, f"{clock}/{found[-1].id}", tx.now)


def last_month(now: datetime, zone: str) -> tuple[datetime, datetime]:
    """Return the first instant of the month before that of an instant, and that of its own, in a zone."""
    end = now.astimezone(ZoneInfo(zone)).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return (end - timedelta(days=1)).replace(day=1), end


def due_after(now: datetime) -> datetime:
    """Return when the statements of the next month to end are ordered."""
    first = now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    this = first + HOURS
    return this if now < this else (first + timedelta(days=32)).replace(day=1) + HOURS


def watch_clock(tx: Tx, clock: str, now: datetime) -> None:
    """Set the timer of a test clock that is about to advance, unless it has one."""
    jobs.put_absent(tx, JOB, [(clock, clock, due_after(now))])


def plan(conn: psycopg.Connection[tuple[object, ...]], now: datetime) -> None:
    """Put the timer of each tenant with a key that has none."""
    conn.execute(
        "insert into jobs (tenant, clock, kind, ref, run_at)"
        " select distinct tenant, 'wall', %s, 'wall', %s::timestamptz from api_keys on conflict do nothing",
        (JOB, due_after(now)),
    )
