"""Are the sums of the ledger, and the reports that read them, what all transfers say at every instant?"""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg.rows import tuple_row

from billow import reports
from billow.ledger import chain, entries, sums
from billow.ledger.post import Posting, post
from billow.store.tx import Tx
from tests.ledger.test_balances import events

SLOW = Path(__file__).parent.parent / "support" / "slow_reports"
"""The reports as they are asked of all transfers."""
NAMES = sorted(path.stem for path in SLOW.glob("*.sql"))
FIRST = datetime(2026, 1, 1, tzinfo=UTC)
NAMED = (
    "invoice.finalized",
    "invoice.voided",
    "payment.succeeded",
    "revenue.recognized",
    "credit_note.issued",
)
ZONES = ("UTC", "Asia/Kathmandu", "America/Havana", "Europe/Stockholm")


def slow(tx: Tx, name: str, params: dict[str, Any]) -> list[tuple[Any, ...]]:
    with tx.conn.cursor(row_factory=tuple_row) as cursor:
        cursor.execute((SLOW / f"{name}.sql").read_bytes(), params)
        return [tuple(map(reports._whole, row)) for row in cursor.fetchall()]


def agree(tx: Tx, since: datetime, until: datetime) -> None:
    """Compare each report that reads sums with the same one of all transfers."""
    for name in NAMES:
        wanted = {"from": since, "to": until, "at": until}
        params = {each: wanted[each] for each in reports.reports()[name].params}
        assert sorted(map(repr, reports.run(tx, name, **params).rows)) == sorted(
            map(repr, slow(tx, name, params))
        ), (name, since, until)


def in_zone(tx: Tx, zone: str) -> None:
    tx.run(
        "update accounts set seller = coalesce(seller, '{}')"
        " || jsonb_build_object('time_zone', %(zone)s::text) where id = %(id)s",
        zone=zone,
        id=tx.tenant.split("/")[0],
    )


def booked_in(tx: Tx, zone: str, moments: list[datetime]) -> None:
    """Book one cent at each moment, for a seller in a time zone."""
    tx.run(
        "insert into accounts (id, created) values (%(id)s, %(now)s)", id=tx.tenant.split("/")[0], now=tx.wall
    )
    in_zone(tx, zone)
    for number, at in enumerate(moments):
        post(
            tx,
            [Posting("happened", f"{number}", at, entries.payment_succeeded("simulated", "cus_1", "usd", 1))],
        )


moments = st.integers(0, 40 * 24 * 4).map(lambda quarters: FIRST + timedelta(minutes=15 * quarters))
steps = st.one_of(
    st.tuples(st.sampled_from(NAMED), moments, events),
    st.tuples(st.sampled_from(NAMED), moments, events),
    st.tuples(st.just("seal"), st.none(), st.none()),
    st.tuples(st.just("zone"), st.none(), st.sampled_from(ZONES)),
)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(steps, max_size=25), moments, moments)
def test_reports_of_sums_are_those_of_all_transfers(database, new_tenant, happened, one, other):
    tenant = new_tenant()
    with database.transaction(tenant) as tx:
        tx.run(
            "insert into accounts (id, created) values (%(id)s, %(now)s)",
            id=tenant.split("/")[0],
            now=tx.wall,
        )
        for number, (step, at, what) in enumerate(happened):
            if step == "seal":
                chain.seal(tx)
            elif step == "zone":
                in_zone(tx, what)
            else:
                about = {"customer": f"cus_{number % 2}", "invoice": f"in_{number % 3}"}
                post(tx, [Posting(step, f"{number}", at, what, **about)])
        assert list(sums.differing(tx)) == []
        since, until = sorted((one, other))
        agree(tx, since, until)
        agree(tx, FIRST - timedelta(days=1), FIRST + timedelta(days=60))


@pytest.mark.parametrize(
    ("zone", "night"),
    [("Atlantic/Azores", (10, 25, 0)), ("America/Havana", (11, 1, 4)), ("America/Santiago", (9, 6, 4))],
)
def test_a_day_with_two_midnights_is_summed_up_once(database, new_tenant, zone, night):
    tenant, midnight = new_tenant(), datetime(2026, *night, tzinfo=UTC)
    moments = [midnight + timedelta(minutes=30 * step) for step in range(-3, 6)]
    with database.transaction(tenant) as tx:
        booked_in(tx, zone, moments)
        chain.seal(tx)
        for since in (datetime(2026, 1, 1, tzinfo=UTC), *moments):
            for until in (*moments, midnight + timedelta(days=3)):
                [(found,)] = tx.tuples(
                    "select coalesce(sum(amount), 0) from ledger_moved(%(since)s, %(until)s)",
                    since=since,
                    until=until,
                )
                assert found == sum(since <= at < until for at in moments), (since, until)


def test_sums_made_while_the_zone_was_changed_are_made_again(database, new_tenant):
    tenant = new_tenant()

    def sealed() -> None:
        with database.transaction(tenant) as tx:
            chain.seal(tx)

    with database.transaction(tenant) as tx:
        booked_in(tx, "UTC", [FIRST, FIRST + timedelta(hours=23)])
        chain.seal(tx)
        tx.run("delete from ledger_summed")  # all are made again, as after an upgrade
    with ThreadPoolExecutor(1) as pool:
        with database.transaction(tenant) as held:
            in_zone(held, "Asia/Kathmandu")
            held.run("lock table ledger_summed in share mode")
            done = pool.submit(sealed)
            while not held.tuples(
                "select from pg_locks where relation = 'ledger_summed'::regclass and not granted"
            ):
                assert not done.done()
        done.result(20)
    with database.transaction(tenant) as tx:
        assert list(sums.differing(tx)) == []
        chain.seal(tx)
        assert list(sums.differing(tx)) == []
        assert tx.tuples("select zone from ledger_summed") == [("Asia/Kathmandu",)]


def test_a_sum_that_is_wrong_is_found(database, new_tenant):
    with database.transaction(new_tenant()) as tx:
        post(
            tx, [Posting("happened", "1", FIRST, entries.payment_succeeded("simulated", "cus_1", "usd", 500))]
        )
        chain.seal(tx)
        assert list(sums.differing(tx)) == []
        tx.run("update ledger_days set amount = amount + 1")
        tx.run("update ledger_accounts set debit = debit + 1 where account = 'clearing:simulated'")
        tx.run("delete from ledger_items")
        assert [one.object.split()[0] for one in sums.differing(tx)] == [
            "ledger_days",
            "ledger_accounts",
            "ledger_items",
        ]
