"""Count how often a worker died while it ran a job, and park the jobs that kill workers.

Such a job leaves no error behind: its transaction ends with the process, and the next worker takes it again.
"""

import logging
from collections.abc import Collection
from datetime import datetime
from typing import Any

import psycopg

from billow.store.tx import Database

log = logging.getLogger("billow.jobs")

MOST = 5
"""How often a job may be begun by workers that die before it is parked."""
CHOICE = (
    "select tenant, kind, ref from jobs where clock = %(clock)s and tenant = %(tenant)s and kind = %(kind)s"
    " and run_at <= %(latest)s and not parked and case when %(refs)s::text[] is null"
    " then starts < %(most)s and (starts = 0 or %(size)s = 1) else ref = any(%(refs)s) end"
    " order by run_at, ref for update skip locked limit %(size)s"
)
"""The jobs of a batch, in the order of the index `jobs_due`. One that may have killed a worker runs alone."""
KILLS = "Each of {} workers that began this job ended without a word: it may need more memory than there is."


def chosen(tenant: str, kind: str, clock: str, latest: datetime, size: int) -> dict[str, Any]:
    """Return the parameters of `CHOICE` for a batch."""
    return {
        "tenant": tenant,
        "kind": kind,
        "clock": clock,
        "latest": latest,
        "size": size,
        "refs": None,
        "most": MOST,
    }


def count(db: Database, choice: dict[str, Any]) -> list[str]:
    """Record that the jobs of a batch are begun, before they are run; return their refs.

    The record may be lost when PostgreSQL crashes, since only the death of a worker counts.
    """
    with db.connection() as conn:
        found = conn.execute(
            "update jobs set starts = starts + 1"
            " from (select set_config('synchronous_commit', 'off', true)) as at_once"
            f" where (tenant, kind, ref) in ({CHOICE}) returning ref",
            choice,
        ).fetchall()
    return [row[0] for row in found]


def forget(db: Database, choice: dict[str, Any], but: Collection[str] = ()) -> None:
    """Take back what `count` recorded of a batch, except for jobs that are gone: this worker lives.

    Another worker had them, they were locked, or their transaction failed. Those still locked keep it.
    """
    refs = [ref for ref in choice["refs"] or () if ref not in but]
    if refs:
        with db.connection() as conn:
            conn.execute(
                "update jobs set starts = starts - 1 from (select set_config('synchronous_commit', 'off',"
                " true)) as at_once where (tenant, kind, ref) in (select tenant, kind, ref from jobs"
                " where tenant = %(tenant)s and kind = %(kind)s and ref = any(%(refs)s) and starts > 0"
                " and not parked order by ref for update skip locked)",
                {**choice, "refs": refs},
            )


def park(conn: psycopg.Connection[Any], tenant: str, kind: str, ref: str, starts: int) -> None:
    """Park a job that so many workers died of."""
    log.error("job %s %s is parked: %s workers that began it died", kind, ref, starts)
    conn.execute(
        "update jobs set parked = true, error = %s where tenant = %s and kind = %s and ref = %s"
        " and starts = %s",
        (KILLS.format(starts), tenant, kind, ref, starts),
    )
