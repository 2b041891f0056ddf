"""What must hold after every scenario and every simulated month (ARCHITECTURE.md, invariants).

The rules that `billow check` checks in every installation are in billow/reports/invariants. The rules here
hold in tests only, where the clock stands still, nobody sets a number by hand and one machine makes all ids.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial

from billow.flows.platform import missing_timers
from billow.ledger import audit, sums
from billow.ledger.balances import trial_balance
from billow.reports.invariants import RULES, Rule, event_histories, everything
from billow.store.jobs import run_due
from billow.store.tx import Database, Tx
from tests.support import machine_formats

EXACT = (event_histories.previous_attributes_are_right, event_histories.statuses_follow_lifecycle)


def check_all(db: Database, tenant: str, clock: str | None = None) -> None:
    """Check every invariant; fail with all that is wrong, not only the first."""
    with db.transaction(tenant) as tx:
        wrong = [f"{name}: {what}" for name, check in CHECKS.items() for what in check(tx)]
        wrong += [f"machine formats: {what}" for what in machine_formats.machine_formats_are_valid(tx)]
    if clock:
        wrong += [f"running twice changes something: {what}" for what in second_run(db, tenant, clock)]
    assert not wrong, "\n".join(wrong)


def books_balance(tx: Tx) -> Iterator[str]:
    """1. Per currency, the balances of all accounts add up to zero."""
    sums = Counter[str]()
    for account in trial_balance(tx):
        sums[account.currency] += account.debit - account.credit
        if account.balance != account.debit - account.credit:
            yield f"{account}"
    yield from (f"{currency}: {amount} too many debits" for currency, amount in sums.items() if amount)


def nothing_hangs(tx: Tx) -> Iterator[str]:
    """No attempt to take money is processing."""
    yield from (
        f"{row['id']} is under way" for row in tx.all("select id from attempts where state = 'processing'")
    )


def nothing_is_late(tx: Tx) -> Iterator[str]:
    """8. No job is overdue on its test clock, and none is parked."""
    yield from (
        str(row)
        for row in tx.all(
            "select j.kind, j.ref, j.run_at, j.error from jobs j left join test_clocks c on c.id = j.clock"
            " where j.tenant = current_setting('billow.tenant') and (j.parked or j.run_at <= c.frozen_time)"
        )
    )


def second_run(db: Database, tenant: str, clock: str) -> Iterator[str]:
    """9. Running every due job again changes nothing."""
    with db.transaction(tenant) as tx:
        row = tx.one("select frozen_time from test_clocks where id = %(id)s", id=clock)
    done = run_due(db, clock=clock, until=row["frozen_time"]) if row else 0
    if done:
        yield f"{done} jobs were still due"


def the_ledger_is_sealed(tx: Tx) -> Iterator[str]:
    """Every transfer is as it was posted, by the hash chain."""
    first, count = 1, 10
    while True:
        seals, found = audit.links(tx, first, count)
        yield from map(str, found)
        if len(seals) < count:
            break
        first += count
    yield from map(str, audit.waiting(tx, "", 10_000)[1])
    yield from map(str, audit.strangers(tx))


def sums_are_of_transfers(tx: Tx) -> Iterator[str]:
    """The sums that reports read are those of all transfers."""
    yield from map(str, sums.differing(tx))


def recurring_days_are_sums(tx: Tx) -> Iterator[str]:
    """The sums of recurring revenue by day are those of its movements."""
    yield from map(
        str,
        tx.tuples(
            "select * from (select currency, day, kind, sum(change), count(*) filter (where before = 0)"
            " - count(*) filter (where after = 0) from recurring_movements group by 1, 2, 3) one"
            " full join (select currency, day, kind, change, customers from recurring_days) other"
            " on one = other where one is null or other is null"
        ),
    )


def timers_are_set(tx: Tx) -> Iterator[str]:
    """Every row has the timers that its state implies, at the right time and on the right clock."""
    yield from (str(one) for one in missing_timers.wrong_timers(tx) if one.certain)


def shipped(rule: Rule, tx: Tx) -> Iterator[str]:
    if rule.check in EXACT:
        rule = Rule(partial(rule.check, exact=True), rule.over)
    yield from map(str, everything(tx, rule))


OWN = (
    books_balance,
    nothing_hangs,
    nothing_is_late,
    the_ledger_is_sealed,
    sums_are_of_transfers,
    recurring_days_are_sums,
    timers_are_set,
)
CHECKS: dict[str, Callable[[Tx], Iterator[str]]] = {
    **{check.__name__: check for check in OWN},
    **{rule.name: partial(shipped, rule) for rule in RULES},
}
