"""Does a voucher keep the number that it was given, without gaps in its series and fiscal year?"""

import random
import threading
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
import pytest

from billow.core.books.chart import written
from billow.core.errors import Refused
from billow.core.exchange import Rate
from billow.ledger import chain, charts, entries, voucher_numbers
from billow.ledger.exports import Books, datev, sie
from billow.ledger.post import Posting, post
from billow.ledger.vouchers import vouchers
from billow.store.tx import Database, Tx
from tests.support import exported as support

Numbers = dict[str, tuple[str, int]]
UTC_ZONE = ZoneInfo("UTC")
YEAR = date(2026, 1, 1), date(2026, 12, 31)


def at(month: int, day: int = 15, year: int = 2026) -> datetime:
    return datetime(year, month, day, 12, tzinfo=UTC)


def pays(tx: Tx, id: str, when: datetime, amount: int = 500) -> None:
    moved = entries.payment_succeeded("simulated", "cus_1", "eur", amount)
    post(tx, [Posting("payment.succeeded", id, when, moved, "cus_1")])


def numbers(books: Books) -> Numbers:
    return {booking.voucher.source: (booking.series, booking.number) for booking in books.bookings}


def stored(tx: Tx) -> dict[str, tuple[date, int]]:
    found = tx.tuples("select source, year, number from voucher_numbers order by year, number")
    return {source: (year, number) for source, year, number in found}


def test_the_same_voucher_has_the_same_number_in_every_export(tx: Tx) -> None:
    for id, when in (("ch_c", at(3)), ("ch_a", at(1)), ("ch_b", at(2))):
        pays(tx, id, when)
    february = numbers(support.exported(tx, "bas", date(2026, 2, 1), date(2026, 2, 28)))
    assert february == {"ch_b": ("A", 2)}
    pays(tx, "ch_late", at(1, 20))
    whole = numbers(support.exported(tx, "bas", *YEAR))
    assert whole == {"ch_a": ("A", 1), "ch_b": ("A", 2), "ch_late": ("A", 3), "ch_c": ("A", 4)}
    pays(tx, "ch_later", at(1, 2))
    again = numbers(support.exported(tx, "skr04", date(2026, 1, 1), date(2026, 2, 28)))
    assert again == {"ch_later": ("A", 5), **{id: whole[id] for id in ("ch_a", "ch_b", "ch_late")}}
    assert numbers(support.exported(tx, "plain", *YEAR)) == {**whole, **again}


def test_what_has_no_number_yet_is_in_the_next_export(tx: Tx) -> None:
    pays(tx, "ch_1", at(1))
    made = support.exported(tx, "bas", *YEAR)
    pays(tx, "ch_2", at(2))
    made.bookings.clear()
    made.fill(vouchers(tx, None, at(12), UTC_ZONE, "SE"))
    assert set(numbers(made)) == {"ch_1"}
    assert set(numbers(support.exported(tx, "bas", *YEAR))) == {"ch_1", "ch_2"}


def test_each_fiscal_year_begins_with_one(tx: Tx) -> None:
    for id, when in (("ch_1", at(4)), ("ch_2", at(5)), ("ch_3", at(6)), ("ch_4", at(5, year=2027))):
        pays(tx, id, when)
    voucher_numbers.give(tx, at(12, year=2027), UTC_ZONE, 5)
    earlier, own, later = (date(year, 5, 1) for year in (2025, 2026, 2027))
    assert stored(tx) == {"ch_1": (earlier, 1), "ch_2": (own, 1), "ch_3": (own, 2), "ch_4": (later, 1)}


def test_the_day_is_that_of_the_account(tx: Tx) -> None:
    """At 23:30 UTC on New Year's Eve the next fiscal year has begun in Stockholm."""
    pays(tx, "ch_1", datetime(2025, 12, 31, 22, 30, tzinfo=UTC))
    pays(tx, "ch_2", datetime(2025, 12, 31, 23, 30, tzinfo=UTC))
    voucher_numbers.give(tx, at(1), ZoneInfo("Europe/Stockholm"), 1)
    assert stored(tx) == {"ch_1": (date(2025, 1, 1), 1), "ch_2": (date(2026, 1, 1), 1)}


def test_another_fiscal_year_repeats_no_number_in_a_file(tx: Tx) -> None:
    for month in range(5, 9):
        pays(tx, f"ch_{month}", at(month))
    voucher_numbers.give(tx, at(8, 20), UTC_ZONE, 1)
    pays(tx, "ch_9", at(9))
    voucher_numbers.give(tx, at(10), UTC_ZONE, 7)
    of_new_year = [number for _, number in stored(tx).values() if number >= 3]
    assert of_new_year == [3, 4, 5] and stored(tx)["ch_9"] == (date(2026, 7, 1), 5)


def test_another_fiscal_year_is_refused_while_its_days_have_numbers_of_the_old_one(tx: Tx) -> None:
    for month in (5, 6, 8):
        pays(tx, f"ch_{month}", at(month))
    voucher_numbers.give(tx, at(7), UTC_ZONE, 1)
    voucher_numbers.require_a_new_year(tx, date(2026, 7, 10), 7)  # nothing of the new year has a number
    voucher_numbers.give(tx, at(9), UTC_ZONE, 1)
    with pytest.raises(Refused, match=r"from 2026-08-15 on .* began on 2026-01-01"):
        voucher_numbers.require_a_new_year(tx, date(2026, 9, 10), 7)
    voucher_numbers.require_a_new_year(tx, date(2026, 9, 10), 9)
    voucher_numbers.require_a_new_year(tx, date(2026, 9, 10), 1)


def test_a_year_that_was_cut_short_by_another_one_has_no_number_twice(tx: Tx) -> None:
    """From January to June, and from July on, are two years with a number 1, and have no day in common."""
    for month in (1, 2, 8, 9):
        pays(tx, f"ch_{month}", at(month))
    voucher_numbers.give(tx, at(7, 1), UTC_ZONE, 1)
    voucher_numbers.require_a_new_year(tx, date(2026, 7, 10), 7)
    voucher_numbers.give(tx, at(10), UTC_ZONE, 7)
    assert stored(tx)["ch_8"] == (date(2026, 7, 1), 1)
    assert not [*voucher_numbers.wrong(tx)]


def seals(tx: Tx) -> None:
    while chain.seal(tx):
        pass


@pytest.mark.parametrize("sealed", [True, False])
def test_what_was_posted_before_the_last_number_is_found_again(tx: Tx, sealed: bool) -> None:
    """It is in a later seal, or in none yet; what an earlier end left out is found by its day."""
    pays(tx, "ch_1", at(3))
    pays(tx, "ch_9", at(9))
    seals(tx)
    voucher_numbers.give(tx, at(6), UTC_ZONE, 1)
    assert [*stored(tx)] == ["ch_1"]
    pays(tx, "ch_2", at(2))
    pays(tx, "ch_5", at(5))
    if sealed:
        seals(tx)
    voucher_numbers.give(tx, at(4), UTC_ZONE, 1)
    assert [*stored(tx)] == ["ch_1", "ch_2"]
    voucher_numbers.give(tx, at(10), UTC_ZONE, 1)
    assert [*stored(tx)] == ["ch_1", "ch_2", "ch_5", "ch_9"]


def test_numbers_are_given_without_reading_what_has_some(tx: Tx) -> None:
    """A ledger of many months: giving the next number reads the rows of the new voucher alone."""
    for one in range(400):
        pays(tx, f"ch_{one}", at(1) + timedelta(hours=one))
    seals(tx)
    voucher_numbers.give(tx, at(6), UTC_ZONE, 1)
    pays(tx, "ch_new", at(3))
    tx.run("analyze ledger_transfers")
    plan = tx.tuples(
        f"explain (analyze, format json) {voucher_numbers.NEW}",
        known=at(6),
        until=at(7),
        seal=chain.head(tx).number,
    )
    assert most_rows(plan[0][0][0]["Plan"]) <= 10, plan


def test_what_was_numbered_up_to_a_day_to_come_is_not_read_each_time_until_then(tx: Tx) -> None:
    """An export of the whole year in its first month: those of later months read what is new alone."""
    now = tx.wall
    pays(tx, "ch_1", now - timedelta(days=2))
    seals(tx)
    voucher_numbers.give(tx, now + timedelta(days=300), UTC_ZONE, 1)
    for one in range(3):
        pays(tx, f"ch_new_{one}", now - timedelta(days=1))
        seals(tx)
    pays(tx, "ch_ahead", now + timedelta(days=20))  # by a test clock
    seals(tx)
    voucher_numbers.give(tx, now + timedelta(days=1), UTC_ZONE, 1)
    assert tx.tuples("select seal from voucher_marks") == [(chain.head(tx).number,)]
    assert "ch_new_2" in stored(tx) and "ch_ahead" not in stored(tx)
    voucher_numbers.give(tx, now + timedelta(days=300), UTC_ZONE, 1)
    assert "ch_ahead" in stored(tx)


def most_rows(node: dict[str, Any]) -> float:
    """Return the most rows that a step of a plan has read from the ledger, with those that it threw away."""
    own = 0.0
    if node.get("Relation Name") == "ledger_transfers":
        own = (node["Actual Rows"] + node.get("Rows Removed by Filter", 0)) * node["Actual Loops"]
    return max([own, *map(most_rows, node.get("Plans", ()))])


def test_gaps_and_numbers_given_twice_are_found(tx: Tx) -> None:
    for month in (1, 2, 3):
        pays(tx, f"ch_{month}", at(month))
    voucher_numbers.give(tx, at(6), UTC_ZONE, 1)
    assert not [*voucher_numbers.wrong(tx)]

    def add(source: str, year: str, number: int, booked: str) -> None:
        tx.run(
            "insert into voucher_numbers (source, event, series, year, number, booked, given) values"
            " (%(source)s, 'x', 'A', %(year)s, %(number)s, %(booked)s, %(given)s)",
            source=source,
            year=year,
            number=number,
            booked=booked,
            given=at(6),
        )

    add("late", "2026-01-01", 5, "2026-04-01")
    [gap] = voucher_numbers.wrong(tx)
    assert (gap.rule, gap.found) == ("vouchers_have_no_gap", "4 from A1 to A5")
    add("fill", "2026-01-01", 4, "2026-04-01")
    assert not [*voucher_numbers.wrong(tx)]
    add("twice", "2025-07-01", 1, "2026-04-01")
    [twice] = voucher_numbers.wrong(tx)
    assert (twice.rule, twice.found) == ("vouchers_have_no_number_twice", "A1")


@pytest.mark.parametrize("seed", range(5))
def test_numbers_have_no_gap_and_never_change(tx: Tx, seed: int) -> None:
    chance = random.Random(seed)
    known: dict[str, tuple[date, int]] = {}
    for step in range(12):
        for one in range(chance.randrange(4)):
            pays(tx, f"ch_{step}_{one}", at(1) + timedelta(days=chance.randrange(900)))
        if chance.randrange(2):
            seals(tx)
        voucher_numbers.give(tx, at(1) + timedelta(days=chance.randrange(900)), UTC_ZONE, 1)
        found = stored(tx)
        assert {id: found[id] for id in known} == known
        new = [number for id, number in found.items() if id not in known]
        assert all(
            number > max((n for y, n in known.values() if y == year), default=0) for year, number in new
        )
        known = found
        for year in {year for year, _ in known.values()}:
            given = sorted(number for of, number in known.values() if of == year)
            assert given == list(range(1, len(given) + 1))


@pytest.mark.parametrize(
    "change",
    ["update voucher_numbers set number = 7", "delete from voucher_numbers", "truncate voucher_numbers"],
)
def test_a_number_is_final(tx: Tx, change: str) -> None:
    pays(tx, "ch_1", at(1))
    voucher_numbers.give(tx, at(2), UTC_ZONE, 1)
    with pytest.raises(psycopg.errors.RestrictViolation, match="is final"), tx.conn.transaction():
        tx.run(change)
    assert stored(tx) == {"ch_1": (date(2026, 1, 1), 1)}


def test_each_account_has_numbers_of_its_own(database: Database, new_tenant: Callable[[], str]) -> None:
    for tenant in (new_tenant(), new_tenant()):
        with database.transaction(tenant) as tx:
            pays(tx, "ch_1", at(1))
            voucher_numbers.give(tx, at(2), UTC_ZONE, 1)
            assert stored(tx) == {"ch_1": (date(2026, 1, 1), 1)}


def test_two_exports_at_once_give_each_number_once(database: Database, new_tenant: Callable[[], str]) -> None:
    tenant = new_tenant()
    with database.transaction(tenant) as tx:
        pays(tx, "ch_1", at(1))
        pays(tx, "ch_2", at(2))

    def number() -> None:
        with database.transaction(tenant) as other:
            voucher_numbers.give(other, at(3), UTC_ZONE, 1)

    second = threading.Thread(target=number)
    with database.transaction(tenant) as tx:
        voucher_numbers.give(tx, at(1, 20), UTC_ZONE, 1)
        second.start()
        second.join(0.2)
        assert second.is_alive()
    second.join()
    with database.snapshot(tenant) as tx:
        assert [number for _, number in stored(tx).values()] == [1, 2]


def test_a_voucher_that_cancels_out_in_the_chart_leaves_no_gap(tx: Tx) -> None:
    """A payout between two accounts that are one of the chart is entered on both sides of it."""
    pays(tx, "ch_1", at(1))
    post(tx, [Posting("payout.created", "po_1", at(2), entries.payout_sent("simulated", "eur", 500))])
    pays(tx, "ch_2", at(3))
    books = support.exported(tx, "skr04", *YEAR)
    books.chart = charts.read(written(books.chart).replace(",1461,", ",1460,"))
    books.bookings.clear()
    books.fill(vouchers(tx, None, at(12), UTC_ZONE, "SE"))
    assert [booking.number for booking in books.bookings] == [1, 2, 3]
    assert sorted(one.amount for one in books.bookings[1].entries) == [-500, 500]
    assert sie.write(books)[0].count(b"#VER A ") == 3
    assert support.by_sie(books) == support.by_datev(books) == support.wanted(books)
    assert len(datev.write(books)[0].splitlines()) == 2 + 2


def test_a_voucher_worth_nothing_at_home_leaves_no_gap(tx: Tx) -> None:
    moved = entries.payment_succeeded("simulated", "cus_1", "usd", 1)
    post(tx, [Posting("payment.succeeded", "ch_1", at(1), moved, "cus_1")])
    pays(tx, "ch_2", at(2))
    worthless = {"usd": Rate("usd", at(1).date(), 1000)}
    books = support.exported(tx, "skr04", *YEAR, rates=lambda on: worthless)
    assert [(one.number, sum(abs(e.amount) for e in one.entries)) for one in books.bookings] == [
        (1, 0),
        (2, 1000),
    ]
    assert support.by_sie(books) == support.by_datev(books) == support.wanted(books)
