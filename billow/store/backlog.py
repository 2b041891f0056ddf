"""List jobs that are due, late, waiting for a gateway or mail server, or given up, for operators."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import psycopg

from billow.store.jobs import CATCH_UP, KINDS

LATE = timedelta(minutes=1)
"""A job that is due for longer than this is overdue: the workers do not keep up, or none runs."""
Connection = psycopg.Connection[Any]


@dataclass(frozen=True, slots=True)
class Backlog:
    """The jobs of one kind, of all accounts. `lag` is for how many seconds the oldest due one is due."""

    kind: str
    lane: str
    due: int
    overdue: int
    waiting: int
    parked: int
    lag: int


@dataclass(frozen=True, slots=True)
class Stuck:
    """A job that waits for a gateway or mail server, or was given up, with the reason."""

    kind: str
    ref: str
    tenant: str
    tries: int
    since: datetime | None
    run_at: datetime
    reason: str


def backlog(conn: Connection, now: datetime) -> list[Backlog]:
    """Count the jobs of each kind that are due, waiting or parked; on test clocks only the parked ones."""
    due = conn.execute(
        "select kind, count(*), count(*) filter (where run_at < %s), min(run_at) from jobs"
        " where clock = 'wall' and run_at <= %s and not parked group by kind",
        (now - LATE, now),
    ).fetchall()
    stuck = conn.execute(
        "select kind, count(*) filter (where not parked), count(*) filter (where parked) from jobs"
        " where parked or waiting_since is not null group by kind"
    ).fetchall()
    ready = {kind: (count, late, int((now - oldest).total_seconds())) for kind, count, late, oldest in due}
    held = {kind: (waiting, parked) for kind, waiting, parked in stuck}
    return [
        Backlog(
            kind,
            lane_of(kind),
            *ready.get(kind, (0, 0, 0))[:2],
            *held.get(kind, (0, 0)),
            ready.get(kind, (0, 0, 0))[2],
        )
        for kind in sorted({*ready, *held})
    ]


def lane_of(kind: str) -> str:
    """Return the lane of a kind; a kind of an older or newer version is run by no worker of this one."""
    return KINDS[kind].lane if kind in KINDS else "unknown"


def stuck(conn: Connection, *, parked: bool) -> list[Stuck]:
    """List jobs that were given up, or that wait for a gateway or mail server, the oldest first."""
    found = conn.execute(
        "select kind, ref, tenant, tries, waiting_since, run_at, coalesce(error, '') from jobs"
        " where (parked or waiting_since is not null) and parked = %s order by run_at, kind, ref limit 1000",
        (parked,),
    ).fetchall()
    return [
        Stuck(kind, ref, tenant, tries, since, run_at, reason_of(error))
        for kind, ref, tenant, tries, since, run_at, error in found
    ]


def reason_of(error: str) -> str:
    """Return the last line of a traceback, which says the error, without control characters."""
    lines = error.strip().splitlines()
    text = lines[-1] if lines else ""
    return "".join(letter if letter.isprintable() else " " for letter in text)[:300]


def parked(conn: Connection) -> Counter[str]:
    """Count the jobs of each kind that were given up."""
    found = conn.execute("select kind, count(*) from jobs where parked group by kind order by kind")
    return Counter(dict(found.fetchall()))


def retry(conn: Connection, now: datetime, which: str, tenant: str | None = None) -> int:
    """Make parked and waiting jobs due now: those of a kind, of a ref, or `all`; return how many.

    With a tenant only its jobs are meant.

    A job on a test clock keeps its time there, and runs even when the clock is not advanced.
    """
    with conn.transaction():
        found = conn.execute(
            "update jobs set parked = false, tries = 0, error = null, waiting_since = null,"
            " run_at = case when clock = 'wall' then %(now)s else run_at end"
            " where (parked or waiting_since is not null) and %(which)s in ('all', kind, ref)"
            " and (%(tenant)s::text is null or tenant = %(tenant)s)"
            " returning tenant, clock",
            {"now": now, "which": which, "tenant": tenant},
        ).fetchall()
        clocks = sorted({(tenant, clock) for tenant, clock in found if clock != "wall"})
        conn.execute(
            "insert into jobs (tenant, clock, kind, ref, run_at) select tenant, 'wall', %s, clock, %s"
            " from unnest(%s::text[], %s::text[]) as t (tenant, clock)"
            " on conflict (tenant, kind, ref) do update set run_at = excluded.run_at",
            (CATCH_UP, now, [tenant for tenant, _ in clocks], [clock for _, clock in clocks]),
        )
    return len(found)
