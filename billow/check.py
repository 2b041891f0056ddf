"""Check a tenant: its books and documents, its sealed ledger, its vouchers, its timers and its jobs.

Everything is read in pieces, each in its own read-only snapshot. So a busy system gives no false findings, a
check of a big tenant blocks no other work, and a read replica can be checked as well.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import TypeVar

from billow import gateway_check
from billow.core.findings import Finding
from billow.flows.platform import missing_timers, timer_rules
from billow.ledger import audit, voucher_numbers
from billow.reports import invariants
from billow.reports.invariants import Place, Rule
from billow.store import jobs
from billow.store.perform import perform
from billow.store.tx import Database, Tx

T = TypeVar("T")
LATE = timedelta(hours=1)
"""A job that has been due for longer is late. It is an hour because a big billing run may take that long."""
NEWEST = 200_000
"""How many of the newest transfers are compared with their seals, unless all are requested."""
NOTES = 5000
"""How many transfers without a seal are read in one transaction."""
SEALS = 4
"""How many seals are read in one transaction."""
MOST_SHOWN = 50
"""How many findings of one rule are shown; the rest is only counted."""
Line = tuple[bool, str]
"""Whether it is good, and what was checked or found."""


@dataclass(frozen=True, slots=True)
class Wish:
    """How much to check. `since` holds hashes of seals that earlier checks printed."""

    full: bool = False
    since: Sequence[str] = ()
    gateways: bool = False
    """Whether to compare the books with what the gateways say, which asks them about every payment."""


def check(db: Database, tenant: str, wish: Wish) -> Iterator[Line]:
    """Yield each check of a tenant with its result, and each finding."""
    yield from _titled(tenant, _rules(db, tenant, wish))
    yield from _titled(tenant, _ledger(db, tenant, wish))
    yield from _titled(tenant, _vouchers(db, tenant))
    yield from _titled(tenant, _timers(db, tenant))
    yield from _titled(tenant, _jobs(db, tenant))
    if wish.gateways:
        yield from _titled(tenant, _gateways(db, tenant))


def _titled(tenant: str, lines: Iterator[Line]) -> Iterator[Line]:
    return ((good, f"{tenant} {text}") for good, text in lines)


def _read(db: Database, tenant: str, question: Callable[[Tx], T]) -> T:
    """Read in a snapshot; a replica may cancel it, and then it is read again."""
    answer: T = perform(partial(db.snapshot, tenant), question)
    return answer


def _shown(found: Sequence[str], count: int) -> Iterator[Line]:
    yield from ((False, one) for one in found)
    if count > len(found):
        yield False, f"and {count - len(found)} more of this kind"


# ------------------------------------------------------------------------------------- books and documents


def _rules(db: Database, tenant: str, wish: Wish) -> Iterator[Line]:
    wanted = [rule for rule in invariants.RULES if wish.full or not rule.full]
    broken = 0
    for rule in wanted:
        found, count = _findings_of(db, tenant, rule)
        broken += bool(count)
        yield from _shown(found, count)
    left = "" if wish.full else f" ({len(invariants.RULES) - len(wanted)} more with --full)"
    yield not broken, f"books and documents: {len(wanted) - broken} of {len(wanted)} rules hold{left}"


def _findings_of(db: Database, tenant: str, rule: Rule) -> tuple[list[str], int]:
    """Return the findings of a rule that are shown, and the number of all of them."""
    shown: list[str] = []
    count = 0
    place: Place | None = Place()
    while place:
        found, place = _read(db, tenant, partial(invariants.piece, rule=rule, place=place))
        count += len(found)
        shown += [str(one) for one in found[: MOST_SHOWN - len(shown)]]
    return shown, count


# ------------------------------------------------------------------------------------- the sealed ledger


def _ledger(db: Database, tenant: str, wish: Wish) -> Iterator[Line]:
    extent = _read(db, tenant, audit.extent)
    noted = [_read(db, tenant, partial(audit.place_of, noted=bytes.fromhex(one))) for one in wish.since]
    known = [seal for seal in noted if seal]
    first = 1 if wish.full else _read(db, tenant, partial(audit.first_of_newest, most=NEWEST))
    if known and not wish.full:
        first = min(seal.number for seal in known)
    found: list[Finding] = []
    for number in range(first, (extent.head.number if extent.head else 0) + 1, SEALS):
        found += _read(db, tenant, partial(audit.links, first=number, count=SEALS))[1]
    found += _waiting(db, tenant)
    exact = extent.sealed + extent.waiting == extent.transfers
    if wish.full or not exact:
        strangers = _read(db, tenant, lambda tx: list(audit.strangers(tx)))
        known_objects = {one.object for one in found}
        found += [one for one in strangers if one.object not in known_objects]
    yield from _shown([str(one) for one in found[:MOST_SHOWN]], len(found))
    for seal in known:
        yield True, f"ledger: the noted head {seal.hash.hex()} is seal {seal.number} of the chain"
    yield not found and exact, f"ledger: {_described(extent, first)}"


def _waiting(db: Database, tenant: str) -> list[Finding]:
    found: list[Finding] = []
    after: str | None = ""
    while after is not None:
        after, more = _read(db, tenant, partial(audit.waiting, after=after, count=NOTES))
        found += more
    return found


def _described(extent: audit.Extent, first: int) -> str:
    seals = extent.head.number if extent.head else 0
    looked = "all" if first == 1 else f"those from {first} on (all with --full)"
    head = f"; head {extent.head.hash.hex()}" if extent.head else ""
    return (
        f"{extent.transfers} transfers, {extent.sealed} in {seals} seals, {extent.waiting} not yet sealed;"
        f" verified: {looked}{head}"
    )


def _vouchers(db: Database, tenant: str) -> Iterator[Line]:
    found = _read(db, tenant, lambda tx: list(voucher_numbers.wrong(tx)))
    yield from _shown([str(one) for one in found[:MOST_SHOWN]], len(found))
    yield not found, f"vouchers: gaps and numbers given twice: {len(found)}"


# ------------------------------------------------------------------------------------- timers and jobs


def _timers(db: Database, tenant: str) -> Iterator[Line]:
    total = 0
    for rule in timer_rules.RULES:
        found, count = _wrong(db, tenant, rule)
        total += count
        yield from _shown(found, count)
    unsealed = _read(db, tenant, missing_timers.missing_seal_timer)
    total += len(unsealed)
    yield from _shown([_timer(one) for one in unsealed], len(unsealed))
    hint = "; billow check --repair sets them" if total else ""
    yield not total, f"timers that are missing, or set to another time: {total}{hint}"


def _wrong(db: Database, tenant: str, rule: timer_rules.Rule) -> tuple[list[str], int]:
    """Return the timers of a rule that are certainly wrong and shown, and the number of all of them."""
    shown: list[str] = []
    count = 0
    after: str | None = ""
    while after is not None:
        found, after = _read(db, tenant, partial(missing_timers.next_wrong_timers, rule=rule, after=after))
        certain = [one for one in found if one.certain]
        count += len(certain)
        shown += [_timer(one) for one in certain[: MOST_SHOWN - len(shown)]]
    return shown, count


def _timer(one: timer_rules.WrongTimer) -> str:
    expected = f"the timer {one.kind} {_when(one.clock, one.at)}"
    found = _when(*one.set_to) if one.set_to else "none"
    return f"{one.ref}: timers_are_set: expected {expected}, found {'it ' * bool(one.set_to)}{found}"


def _when(clock: str, at: datetime) -> str:
    return f"at {at:%Y-%m-%d %H:%M:%S}{'' if clock == 'wall' else f' on {clock}'}"


def _jobs(db: Database, tenant: str) -> Iterator[Line]:
    parked = _read(db, tenant, lambda tx: jobs.parked(tx))
    named = ", ".join(f"{row['kind']} {row['ref']}" for row in parked[:5])
    yield not parked, f"jobs that were given up: {len(parked)} {named}".rstrip()
    late = _read(db, tenant, lambda tx: jobs.late(tx, tx.wall - LATE))
    behind = ", ".join(f"{row['kind']} {row['count']} since {row['since']:%Y-%m-%d %H:%M}" for row in late)
    yield not late, f"jobs that are due for more than an hour: {behind or 'none'}"


# ------------------------------------------------------------------------------------- the gateways' truth


def _gateways(db: Database, tenant: str) -> Iterator[Line]:
    counted = gateway_check.Compared()
    found = [str(one) for one in gateway_check.compare(db, tenant, counted)]
    yield from _shown(found[:MOST_SHOWN], len(found))
    untold = f"; {counted.untold} more that their gateway cannot tell of" if counted.untold else ""
    yield not found, f"gateways: {counted.told} payments, refunds and disputes compared{untold}"
