"""Does the report of coming months say what core/revenue.py earns in them?"""

from collections import Counter
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from psycopg.types.json import Jsonb

from billow import reports
from billow.core import revenue
from billow.ledger import entries
from billow.ledger.entries import Line
from billow.ledger.post import Posting, post

FIRST = datetime(2026, 1, 1, tzinfo=UTC)
SECONDS = 400 * 86_400
LINES = st.lists(
    st.tuples(st.integers(-(10**6), 10**6), st.integers(0, SECONDS), st.integers(0, SECONDS)),
    min_size=1,
    max_size=4,
)
"""Of each line its net, when its period begins and how long it is, in seconds."""


def ahead(net: int, start: datetime, end: datetime, at: datetime, zone: ZoneInfo) -> tuple[int, Counter[str]]:
    """Return what a line has earned by an instant, and what it earns in each month after it."""
    earned, months = 0, Counter[str]()
    for until, total in revenue.slices(net, start, end, zone):
        if until <= at:
            earned = total
            continue
        month = max(until - timedelta(microseconds=1), start).astimezone(zone)
        months[f"{month:%Y-%m}"] += total - earned - sum(months.values())
    return earned, months


@pytest.mark.parametrize("zone", ["UTC", "Europe/Stockholm"])
@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(lines=LINES, days=st.integers(0, 500))
@example(lines=[(100, 15 * 86_400, 31 * 86_400), (-7, 0, 90 * 86_400 + 1)], days=31)
def test_the_coming_months_are_those_of_the_rule(database, new_tenant, zone, lines, days):
    at = FIRST + timedelta(days=days, hours=5)
    known, wanted = ZoneInfo(zone), Counter[str]()
    with database.transaction(new_tenant()) as tx:
        tx.run(
            "create temporary table invoice_lines (id text, net bigint, credited bigint, kind text,"
            " period_start timestamptz, period_end timestamptz) on commit drop"
        )
        tx.run(
            "insert into accounts (id, created, name, seller) values (%(id)s, %(now)s, 'Nimbus', %(seller)s)",
            id=tx.account,
            now=FIRST,
            seller=Jsonb({"time_zone": zone}),
        )
        for number, (net, begins, seconds) in enumerate(lines):
            start = FIRST + timedelta(seconds=begins)
            end = start + timedelta(seconds=seconds)
            earned, months = ahead(net, start, end, at, known)
            wanted.update(months)
            tx.run(
                "insert into invoice_lines values (%(id)s, %(net)s, 0, 'licensed', %(start)s, %(end)s)",
                id=f"il_{number}",
                net=net,
                start=start,
                end=end,
            )
            of = [Line(f"il_{number}", "prod_1", net)]
            moved = entries.invoice_finalized("cus_1", "usd", of, [])
            moved += entries.service_rendered("usd", "prod_1", earned, f"il_{number}")
            post(tx, [Posting("invoice.finalized", f"in_{number}", FIRST, moved, "cus_1", f"in_{number}")])
        table = reports.run(tx, "deferred_ahead", at=at)
        tx.run("delete from accounts where id = %(id)s", id=tx.account)
    found = Counter({month: amount for _, month, amount in table.rows})
    assert found == Counter({month: amount for month, amount in wanted.items() if amount})
