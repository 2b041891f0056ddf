"""Say how far billing got on each day: what it made, what is still to do, and what failed and why."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from billow.core.books.periods import start_of
from billow.store import backlog
from billow.store.tx import Tx

DAYS = 31
"""How many days are listed, back from the newest invoice."""
MOST = 100
"""How many failures of each sort are listed."""
BILLED = "billing_reason in ('subscription_cycle', 'subscription_threshold', 'subscription_update')"
"""What billing makes by itself, and nobody by hand."""
PHASES = {"subscription.renew": "renew", "invoice.finalize": "finalize", "invoice.collect": "collect"}
"""The kinds of jobs of a billing run, and the phase that each is."""


@dataclass(frozen=True, slots=True)
class Day:
    """What billing made on a day in a currency; `failed` were charged in vain, `stuck` are drafts."""

    day: date
    currency: str
    made: int
    finalized: int
    paid: int
    failed: int
    stuck: int
    amount: int


@dataclass(frozen=True, slots=True)
class Waiting:
    """The jobs of a phase: how many are due and not run, and how many were given up."""

    kind: str
    due: int
    given_up: int


@dataclass(frozen=True, slots=True)
class Failure:
    """Something that failed: an invoice, its customer and why."""

    invoice: str
    number: str
    customer: str
    name: str
    amount: int
    currency: str
    why: str
    again: datetime | None


def days(tx: Tx, zone: str, only: date | None = None) -> list[Day]:
    """Return what billing made on each of the last days, or on one, the newest first."""
    if only:
        since, until = start_of(only, ZoneInfo(zone)), start_of(only + timedelta(days=1), ZoneInfo(zone))
    else:
        [(newest,)] = tx.tuples("select max(created) from invoices")
        if newest is None:
            return []
        since, until = newest - timedelta(days=DAYS), newest + timedelta(days=1)
    found = tx.tuples(
        "select (created at time zone %(zone)s)::date as day, currency, count(*),"
        " count(*) filter (where status <> 'draft'), count(*) filter (where status = 'paid'),"
        " count(*) filter (where status = 'open' and attempt_count > 0),"
        " count(*) filter (where status = 'draft' and last_finalization_error is not null),"
        f" coalesce(sum(total), 0)::bigint from invoices where created >= %(since)s and created < %(until)s"
        f" and {BILLED} group by 1, 2 order by 1 desc, 2",
        zone=zone,
        since=since,
        until=until,
    )
    return [Day(*row) for row in found]


def waiting(tx: Tx, until: datetime) -> list[Waiting]:
    """Return the jobs of billing that are due on the wall's clock until an instant, and those given up."""
    found = dict[str, tuple[int, int]]()
    for kind, due, given_up in tx.tuples(
        "select kind, count(*) filter (where clock = 'wall' and not parked and run_at <= %(until)s),"
        " count(*) filter (where parked) from jobs where tenant = %(tenant)s and kind = any(%(kinds)s)"
        " and (parked or run_at <= %(until)s) group by kind",
        tenant=tx.tenant,
        until=until,
        kinds=list(PHASES),
    ):
        found[kind] = (due, given_up)
    return [Waiting(kind, *found.get(kind, (0, 0))) for kind in PHASES]


def failures(tx: Tx, zone: str, day: date) -> tuple[list[Failure], list[Failure]]:
    """Return the drafts of a day that could not be finalized, and its invoices that could not be charged."""
    found = tx.tuples(
        "select i.id, coalesce(i.number, ''), i.customer, coalesce(c.name, c.email, i.customer), i.total,"
        " i.currency, i.status, coalesce(i.last_finalization_error ->> 'message',"
        " p.last_payment_error ->> 'message', 'The payment failed.'), i.next_payment_attempt"
        " from invoices i join customers c on c.id = i.customer"
        " left join payment_intents p on p.id = i.payment_intent"
        f" where i.created >= %(since)s and i.created < %(until)s and i.{BILLED}"
        " and ((i.status = 'draft' and i.last_finalization_error is not null)"
        " or (i.status = 'open' and i.attempt_count > 0)) order by i.created, i.id limit %(most)s",
        since=start_of(day, ZoneInfo(zone)),
        until=start_of(day + timedelta(days=1), ZoneInfo(zone)),
        most=MOST,
    )
    stuck = [Failure(*row[:6], *row[7:]) for row in found if row[6] == "draft"]
    return stuck, [Failure(*row[:6], *row[7:]) for row in found if row[6] != "draft"]


def given_up(tx: Tx) -> list[backlog.Stuck]:
    """Return the jobs of this account and mode that were given up, of any kind, the oldest first."""
    found = tx.tuples(
        "select kind, ref, tenant, tries, waiting_since, run_at, coalesce(error, '') from jobs"
        " where parked and tenant = %(tenant)s order by run_at, kind, ref limit %(most)s",
        tenant=tx.tenant,
        most=MOST,
    )
    return [
        backlog.Stuck(kind, ref, tenant, tries, since, run_at, backlog.reason_of(error))
        for kind, ref, tenant, tries, since, run_at, error in found
    ]
