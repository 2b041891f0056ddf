"""Export the books in the formats that bookkeeping programs read, by the account's chart of accounts."""

import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal

from billow.core.books.chart import RETAINED, Chart, Row
from billow.core.books.periods import after
from billow.core.books.treatments import Treated
from billow.core.money import minor_digits
from billow.ledger.chart import CHART
from billow.ledger.exports.converted import Home, Rates
from billow.ledger.exports.entries import Entry, entries_of
from billow.ledger.voucher_numbers import REVALUED
from billow.ledger.vouchers import Voucher

BALANCED = ("asset", "liability")
"""The types of accounts whose balances go on into the next year; those of others are retained earnings."""
ROOTS = {"asset": "Assets", "liability": "Liabilities", "income": "Income", "expense": "Expenses"}
EQUITY = "Equity"


@dataclass(frozen=True, slots=True)
class Booking:
    """A voucher with its number in series and fiscal year, and what it enters on accounts of the chart."""

    series: str
    number: int
    voucher: Voucher
    entries: Sequence[Entry]

    @property
    def name(self) -> str:
        """Return what it is called in the fiscal year: A17."""
        return f"{self.series}{self.number}"


@dataclass(frozen=True, slots=True)
class Company:
    """Whose books they are."""

    name: str
    number: str = ""
    country: str = ""
    consultant: str = ""
    """The number of the tax consultant at DATEV, and below that of the client there."""
    client: str = ""
    language: str = "en"
    """The language in which bookings say what they are."""


@dataclass(slots=True)
class Books:
    """What an export writes. `since` and `until` are the first and the last day of it."""

    company: Company
    chart: Chart
    since: date
    until: date
    year: tuple[date, date]
    """The fiscal year: its first and last day."""
    made_at: datetime
    currency: str
    """Of formats that have one only."""
    opening: Counter[tuple[Row, str]] = field(default_factory=Counter)
    """The balances at the start of the fiscal year, by account of the chart and currency."""
    earlier: Counter[tuple[Row, str]] = field(default_factory=Counter)
    """What was booked from then to before `since`."""
    bookings: list[Booking] = field(default_factory=list)
    revalues: bool = False
    """Whether what is owed in other currencies is valued at each month's end, where they are converted."""
    home: Home | None = None
    """What is carried in other currencies, where they are converted."""
    revalued: int = 0
    """How many vouchers of the fiscal year value what is owed in other currencies."""
    left_out: list[Voucher] = field(default_factory=list)
    """Of these days: what is in currencies that lack rates of exchange, and is not exported."""

    def fill(self, vouchers: Iterable[Voucher], rates: Rates | None = None) -> None:
        """Take all vouchers up to `until` that have a number; those before `since` are summed.

        What is posted while the books are read has none yet, and is in the next export.
        With `rates` what is in other currencies is converted into that of the books.
        """
        self.home = Home(self.currency, rates, self.chart) if rates else None
        due: date | None = None
        for voucher in vouchers:
            if voucher.number is None:
                continue
            due = self.revalue(due or end_of_month(voucher.booked), voucher.booked)
            self.take(
                voucher, self.home.entries(voucher) if self.home else entries_of(voucher.legs, self.chart)
            )
        if due:
            self.revalue(due, self.until + timedelta(days=1))

    def take(self, voucher: Voucher, entries: Sequence[Entry]) -> None:
        if voucher.booked > self.until:
            return
        if voucher.booked < self.year[0]:
            self.opening.update(carried(entries, self.chart))
            return
        series, number = voucher.series, voucher.number
        if number is None:
            self.revalued += 1
            series, number = REVALUED, self.revalued
        if voucher.booked < self.since:
            for one in entries:
                self.earlier[one.row, one.currency] += one.amount
        else:
            self.bookings.append(Booking(series, number, voucher, entries))

    def revalue(self, due: date, before: date) -> date:
        """Value what is owed in other currencies at each month's end before a day; return the next one."""
        while due < before:
            for voucher, entries in self.home.revaluation(due) if self.home and self.revalues else ():
                self.take(voucher, entries)
            due = end_of_month(due + timedelta(days=1))
        return due

    def at_start(self) -> dict[tuple[Row, str], int]:
        """Return the balances at the start of `since`; income and expenses before it are retained."""
        found = Counter(self.opening)
        for (row, currency), amount in self.earlier.items():
            found[row if is_balanced(row) else self.retained(currency), currency] += amount
        return {place: amount for place, amount in found.items() if amount}

    def at_end(self, *, balanced: bool) -> dict[tuple[Row, str], int]:
        """Return the balances at the end of `until` of assets and liabilities, or of income and expenses."""
        found = Counter(self.opening)
        for place, amount in self.earlier.items():
            found[place] += amount
        for booking in self.bookings:
            for one in booking.entries:
                found[one.row, one.currency] += one.amount
        return {
            place: amount for place, amount in found.items() if amount and is_balanced(place[0]) == balanced
        }

    def retained(self, currency: str) -> Row:
        return self.chart.row(RETAINED, Treated(), currency)

    def rows(self) -> list[Row]:
        """Return the accounts that occur, by number; of two rows with a number the first gives the name."""
        places = [*self.opening, *self.earlier, *self.at_start()]
        found = {row.number: row for row, _ in places}
        found |= {one.row.number: one.row for booking in self.bookings for one in booking.entries}
        first: dict[str, Row] = {}
        for row in self.chart.rows:
            first.setdefault(row.number, row)
        return [first[number] for number in sorted(found)]

    def currencies(self) -> list[str]:
        """Return the currencies that occur."""
        places = [currency for _, currency in [*self.opening, *self.earlier]]
        return sorted({*places, *(one.currency for booking in self.bookings for one in booking.entries)})


def end_of_month(day: date) -> date:
    return after(day) - timedelta(days=1)


def carried(entries: Iterable[Entry], chart: Chart) -> Counter[tuple[Row, str]]:
    """Return what entries of earlier years leave: income and expenses as retained earnings."""
    found: Counter[tuple[Row, str]] = Counter()
    for one in entries:
        row = one.row if is_balanced(one.row) else chart.row(RETAINED, Treated(), one.currency)
        found[row, one.currency] += one.amount
    return found


def is_balanced(row: Row) -> bool:
    return row.kind == RETAINED or CHART[row.kind].type in BALANCED


def root_of(row: Row) -> str:
    return EQUITY if row.kind == RETAINED else ROOTS[CHART[row.kind].type]


def major(amount: int, currency: str) -> Decimal:
    """Return minor units as a number with the decimals of the currency: 1999 usd is 19.99, 500 jpy is 500."""
    return Decimal(amount).scaleb(-minor_digits(currency))


def said(entry: Entry) -> dict[str, str]:
    """Return how an entry is treated for tax, and what it was before it was converted, by name."""
    was = f"{major(entry.foreign, entry.foreign_currency):f} {entry.foreign_currency.upper()}"
    return entry.treated.said() | ({"was": was} if entry.foreign_currency else {})


def one_line(text: str) -> str:
    """Return a text on one line, without control characters."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())


def in_charset(text: str, charset: str) -> bytes:
    """Encode a text: letters that a charset lacks without their accents, or else as a question mark."""

    def encoded(letter: str) -> bytes:
        try:
            return letter.encode(charset)
        except UnicodeEncodeError:
            plain = unicodedata.normalize("NFKD", letter)
            return plain.encode(charset, "ignore") or b"?"

    return b"".join(map(encoded, text))


Writer = Callable[[Books], Sequence[bytes]]
"""Writes the books into one file, or where a format has a largest one, into several."""
