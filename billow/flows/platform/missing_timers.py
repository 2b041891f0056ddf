"""Find timers that the state of a row implies and that are missing, and set them again."""

import logging
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import psycopg

from billow.core import timers
from billow.flows.billing import advance_notice, drafts
from billow.flows.outside.outside import has_gateway
from billow.flows.platform.timer_rules import RULES, Rule, WrongTimer
from billow.ledger import chain
from billow.store import jobs
from billow.store.jobs import job
from billow.store.tx import Tx

log = logging.getLogger("billow.timers")
JOB = "timers.repair"
PAGE = 1000
"""How many rows one statement reads."""
MAX_TIMERS = 5000
"""The most timers that one transaction sets."""


NEED_A_GATEWAY = {"invoice.collect", "charge.expire"}
"""The timers that do nothing in a mode without a payment gateway, where none of them is missing."""


def next_wrong_timers(
    tx: Tx, rule: Rule, after: str = "", *, moved: bool = True
) -> tuple[list[WrongTimer], str | None]:
    """List the wrong timers among the next rows of a rule; return also the last row, None at the end.

    Without `moved` it lists only missing timers, which reads far fewer rows.
    """
    if rule.kind in NEED_A_GATEWAY and not has_gateway(tx):
        return [], None
    days = drafts.account_of(tx)
    found = tx.all(
        rule.sql(moved),
        after=after,
        wall=tx.wall,
        late=tx.wall + timers.POSTPONED,
        tenant=tx.tenant,
        kind=rule.kind,
        piece=PAGE,
        **{name: days[name] for name in advance_notice.DAYS.values()},
    )
    wrong = [one for row in found for one in [rule.compare(row, tx.wall)] if one]
    return wrong, found[-1]["id"] if len(found) == PAGE else None


def missing_seal_timer(tx: Tx) -> list[WrongTimer]:
    """Return the timer that seals transfers, if unsealed ones exist and no timer is due soon."""
    unsealed = tx.tuples(
        "select min(transfer) from ledger_unsealed having min(transfer) is not null and not exists"
        " (select from jobs where tenant = %(tenant)s and kind = %(kind)s"
        " and (parked or run_at <= %(late)s))",
        tenant=tx.tenant,
        kind=chain.JOB,
        late=tx.wall + timers.POSTPONED,
    )
    return [WrongTimer(chain.JOB, id, "wall", tx.wall, True) for (id,) in unsealed]


def missing_polls(tx: Tx) -> list[WrongTimer]:
    """Return the timers that are missing of those which ask gateways for the payouts they make themselves."""
    found = tx.tuples(
        "select distinct p.gateway from payouts p where p.reference is not null and not exists (select from"
        " jobs j where j.tenant = %(tenant)s and j.kind = 'payout.poll' and j.ref = p.gateway)",
        tenant=tx.tenant,
    )
    return [WrongTimer("payout.poll", name, "wall", tx.wall, False) for (name,) in found]


def wrong_timers(tx: Tx, *, moved: bool = True) -> list[WrongTimer]:
    """List every wrong timer of a tenant."""
    found: list[WrongTimer] = []
    for rule in RULES:
        after: str | None = ""
        while after is not None:
            more, after = next_wrong_timers(tx, rule, after, moved=moved)
            found += more
    return found + missing_seal_timer(tx) + missing_polls(tx)


def repair(tx: Tx, *, moved: bool = False) -> int:
    """Set the timers that are missing, and with `moved` those set to another time; return how many.

    It stops after MAX_TIMERS, as many as one transaction should set.
    """
    done = Counter[str]()
    for rule in RULES:
        after: str | None = ""
        while after is not None and done.total() < MAX_TIMERS:
            found, after = next_wrong_timers(tx, rule, after, moved=moved)
            done[rule.kind] += set_again(tx, rule.kind, found)
    for one in missing_seal_timer(tx):
        jobs.put(tx, chain.JOB, one.ref, one.at, clock=one.clock)
        done[chain.JOB] += 1
    for one in missing_polls(tx):
        jobs.put(tx, one.kind, one.ref, one.at, clock=one.clock)
        done[one.kind] += 1
    if done.total():
        said = ", ".join(f"{kind} {count}" for kind, count in sorted(done.items()) if count)
        log.warning("%s: %s timers were missing or moved and are set: %s", tx.tenant, done.total(), said)
    return done.total()


def set_again(tx: Tx, kind: str, found: Sequence[WrongTimer]) -> int:
    """Put the missing timers and move the others, unless they changed meanwhile; return how many."""
    absent = [(one.ref, one.clock, one.at) for one in found if one.set_to is None]
    moved = [(one.ref, one.set_to, (one.clock, one.at)) for one in found if one.set_to]
    done = jobs.put_absent(tx, kind, absent) if absent else 0
    return done + (jobs.move(tx, kind, moved) if moved else 0)


@job(JOB, lane="upkeep")
def repair_due(tx: Tx, refs: list[str]) -> None:
    """Set the missing timers of a tenant; run again at once if there may be more."""
    if repair(tx) >= MAX_TIMERS:
        jobs.put(tx, JOB, refs[0], tx.wall, clock="wall")


def plan(conn: psycopg.Connection[Any], now: datetime) -> None:
    """Put the repair job of every tenant; starting several workers puts it once."""
    conn.execute(
        "insert into jobs (tenant, clock, kind, ref, run_at)"
        " select id || '/' || mode, 'wall', %s, 'start', %s"
        " from accounts, unnest(array['test', 'live']) as mode"
        " on conflict (tenant, kind, ref) do update set run_at = excluded.run_at, tries = 0, error = null,"
        " parked = false",
        (JOB, now),
    )
