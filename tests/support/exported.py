"""Export the books of a tenant in each format, and let other programs, or small readers, read them back."""

import csv
import io
import shutil
import subprocess
import warnings
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

from beancount import loader

from billow.core.books.carried import KEPT, kind_of
from billow.core.exchange import Rate
from billow.core.money import CURRENCIES, minor_digits
from billow.flows.outside.books import books_of, number_vouchers
from billow.ledger import charts, voucher_numbers
from billow.ledger.exports import Books, Company, beancount, datev, hledger, separated, sie
from billow.ledger.exports.converted import Rates
from billow.ledger.vouchers import vouchers
from billow.store.tx import Tx

Sums = Counter[tuple[str, str]]
"""Minor units by account of the chart and currency, debits positive."""


def exported(
    tx: Tx,
    chart: str,
    since: date,
    until: date,
    currency: str = "eur",
    rates: Rates | None = None,
    *,
    revalues: bool = False,
) -> Books:
    """The books by a chart that comes with billow; the fiscal year is the calendar's."""
    year = date(since.year, 1, 1), date(since.year, 12, 31)
    company = Company('Nimbus "Moln" AB · 云', "5560004755", "SE", "29098", "55003")
    made = Books(company, charts.ready(chart), since, until, year, datetime(2026, 1, 2, tzinfo=UTC), currency)
    made.revalues = revalues
    end = datetime(until.year, until.month, until.day, tzinfo=UTC) + timedelta(days=1)
    voucher_numbers.give(tx, end, ZoneInfo("UTC"), 1)
    made.fill(vouchers(tx, None, end, ZoneInfo("UTC"), "SE"), rates)
    return made


def wanted(books: Books) -> Sums:
    """What a reader must find: the vouchers of the export, by account and currency."""
    sums: Sums = Counter()
    for booking in books.bookings:
        for one in booking.entries:
            sums[one.row.number, one.currency] += one.amount
    return nonzero(sums)


def with_opening(books: Books) -> Sums:
    sums = Counter(wanted(books))
    for (row, currency), amount in books.at_start().items():
        sums[row.number, currency] += amount
    return nonzero(sums)


def nonzero(sums: Sums) -> Sums:
    return Counter({place: amount for place, amount in sums.items() if amount})


def minor(text: str, currency: str) -> int:
    return int(Decimal(text).scaleb(minor_digits(currency)))


# ------------------------------------------------------------------------------------- readers

NOT_INSTALLED = "hledger is not installed: no export was read back by it"


def by_beancount(books: Books) -> Sums:
    entries, errors, _ = loader.load_string(beancount.write(books)[0].decode())
    assert errors == [], errors[:3]
    sums: Sums = Counter()
    for entry in entries:
        for posting in getattr(entry, "postings", ()):
            number = posting.account.split(":")[1].split("-")[0]
            currency = posting.units.currency.lower()
            sums[number, currency] += minor(str(posting.units.number), currency)
    return nonzero(sums)


def by_hledger(books: Books, folder: Path) -> Sums:
    """`hledger check --strict`, then its own sums; only where hledger is installed, and else said so."""
    program = shutil.which("hledger")
    if program is None:
        warnings.warn(NOT_INSTALLED, stacklevel=2)
        return with_opening(books)
    path = folder / "books.journal"
    path.write_bytes(hledger.write(books)[0])
    checked = subprocess.run(
        [program, "-f", str(path), "check", "--strict"], capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, checked.stderr
    report = [program, "-f", str(path), "balance", "--flat", "--layout=tidy", "-O", "csv"]
    text = subprocess.run(report, capture_output=True, text=True, check=True).stdout
    sums: Sums = Counter()
    for line in csv.DictReader(io.StringIO(text)):
        currency = line["commodity"].lower()
        if currency:
            sums[line["account"].split(":")[1].split(" ")[0], currency] += minor(line["value"], currency)
    return nonzero(sums)


def by_sie(books: Books) -> Sums:
    """A small reader of SIE: each voucher adds up to nothing, and #IB and #TRANS lead to #UB and #RES."""
    sums: Sums = Counter()
    ends: Sums = Counter()
    opening: Sums = Counter()
    inside: int | None = None
    for line in sie.write(books)[0].decode("cp437").split("\r\n"):
        words = next(csv.reader([line.strip()], delimiter=" ", escapechar="\\", doublequote=False), [])
        if not words:
            continue
        if words[0] == "{":
            inside = 0
        elif words[0] == "}":
            assert inside == 0, line
            inside = None
        elif words[0] == "#TRANS":
            assert inside is not None
            amount = minor(words[3], books.currency)
            inside += amount
            sums[words[1], books.currency] += amount
        elif words[0] in ("#IB", "#UB", "#RES"):
            (opening if words[0] == "#IB" else ends)[words[2], books.currency] += minor(
                words[3], books.currency
            )
    earlier: Sums = Counter()
    for (row, currency), amount in books.earlier.items():
        if currency == books.currency:
            earlier[row.number, currency] += amount
    reached: Sums = Counter()
    for part in (opening, earlier, sums):
        for place, amount in part.items():
            reached[place] += amount
    assert nonzero(reached) == nonzero(ends)
    return nonzero(sums)


def by_datev(books: Books) -> Sums:
    """A small reader of EXTF: S debits the account and credits the other one, H the other way round."""
    sums: Sums = Counter()
    for content in datev.write(books):
        lines = list(csv.reader(io.StringIO(content.decode("cp1252"), newline=""), delimiter=";"))
        assert (lines[0][:5], len(lines[0])) == (["EXTF", "700", "21", "Buchungsstapel", "13"], 31)
        assert lines[1][0].startswith("Umsatz") and lines[1][124] == "Abw. Skontokonto"
        for line in lines[2:]:
            assert len(line) == len(lines[1]) == 125
            amount = minor((line[4] or line[0]).replace(",", "."), books.currency)
            assert bool(line[4]) == (line[2] != books.currency.upper()) == bool(line[5])
            sign = {"S": 1, "H": -1}[line[1]]
            assert amount > 0 and len(line[10]) <= 36 and len(line[13]) <= 60
            sums[line[6], books.currency] += sign * amount
            sums[line[7], books.currency] -= sign * amount
    return nonzero(sums)


def by_spreadsheet(books: Books) -> Sums:
    sums: Sums = Counter()
    for row in separated.rows(books):
        line = dict(zip(separated.COLUMNS, row, strict=True))
        currency = str(line["currency"])
        for side, sign in (("debit", 1), ("credit", -1)):
            if line[side]:
                sums[str(line["number"]), currency] += sign * minor(str(line[side]), currency)
    return nonzero(sums)


def agree(tx: Tx, folder: Path) -> None:
    """All formats say what the ledger says, for all time and for a part of it."""
    span = tx.tuples("select min(created), max(created) from ledger_transfers")
    [(first, last)] = span
    if first is None:
        return
    number_vouchers(tx, last.date())
    whole = books_of(tx, first.date(), last.date())
    assert not sum(amount for (_, of), amount in with_opening(whole).items() if of == whole.currency)
    agree_at_home(tx, first.date(), last.date())
    for since in {first.date(), max(first.date(), last.date().replace(day=1))}:
        for chart in ("bas", "skr04"):
            read_all(exported(tx, chart, since, last.date(), whole.currency), folder)


def changing(on: date) -> dict[str, Rate]:
    """Rates of all currencies that go up and down from day to day."""
    day = Decimal(on.toordinal() % 17 + 20) / 20
    return {one: Rate(one, on, day * (place % 7 + 1)) for place, one in enumerate(sorted(CURRENCIES))}


def agree_at_home(tx: Tx, since: date, until: date) -> None:
    """In a currency of the account's own each voucher adds up, and what is settled has no balance left."""
    books = exported(tx, "skr04", since, until, "nok", changing, revalues=True)
    assert all(sum(one.amount for one in booking.entries) == 0 for booking in books.bookings)
    left = {(account, currency) for account, currency, _, _ in books.home.carried.balances()}
    open_ones = tx.tuples(
        "select account, currency from (select debit as account, currency, amount from ledger_transfers"
        " union all select credit, currency, -amount from ledger_transfers) sides"
        " group by 1, 2 having sum(amount) <> 0"
    )
    kept = {(account, currency) for account, currency in open_ones if kind_of(account) in KEPT}
    assert left == {(account, currency) for account, currency in kept if currency != "nok"}


def read_all(books: Books, folder: Path) -> None:
    everything = with_opening(books)
    assert by_beancount(books) == everything
    assert by_spreadsheet(books) == everything
    assert by_hledger(books, folder) == everything
    for currency in books.currencies():
        if minor_digits(currency) > 2 or books.until > books.year[1]:
            continue
        books.currency = currency
        of_it = Counter({place: amount for place, amount in wanted(books).items() if place[1] == currency})
        assert by_sie(books) == of_it
        assert by_datev(books) == of_it
