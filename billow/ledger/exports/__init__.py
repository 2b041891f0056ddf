"""Export the books in the formats that bookkeeping programs read, by the account's chart of accounts."""

import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal

from billow.core.books.chart import RETAINED, Chart, Row
from billow.core.books.treatments import Treated
from billow.core.money import minor_digits
from billow.ledger.chart import CHART
from billow.ledger.exports.converted import Rates, in_home
from billow.ledger.exports.entries import Entry
from billow.ledger.vouchers import Voucher

BALANCED = ("asset", "liability")
"""The types of accounts whose balances go on into the next year; those of others are retained earnings."""
ROOTS = {"asset": "Assets", "liability": "Liabilities", "income": "Income", "expense": "Expenses"}
EQUITY = "Equity"


@dataclass(frozen=True, slots=True)
class Booking:
    """A voucher with its number in the fiscal year, and what it enters on each account of the chart."""

    number: int
    voucher: Voucher
    entries: Sequence[Entry]


@dataclass(frozen=True, slots=True)
class Company:
    """Whose books they are."""

    name: str
    number: str = ""
    country: str = ""
    consultant: str = ""
    """The number of the tax consultant at DATEV, and below that of the client there."""
    client: str = ""


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

    def fill(self, vouchers: Iterable[Voucher], rates: Rates | None = None) -> None:
        """Take all vouchers up to `until`: those before `since` are summed, and of the year numbered.

        With `rates` what is in other currencies is converted into that of the books.
        """
        number = 0
        for voucher in vouchers:
            entries = entries_of(voucher, self.chart)
            if rates:
                entries = in_home(entries, voucher.booked, self.currency, rates, self.chart)
            if not entries:
                continue
            if voucher.booked < self.year[0]:
                self.opening.update(carried(entries, self.chart))
                continue
            number += 1
            if voucher.booked < self.since:
                for one in entries:
                    self.earlier[one.row, one.currency] += one.amount
            else:
                self.bookings.append(Booking(number, voucher, entries))

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


def entries_of(voucher: Voucher, chart: Chart) -> list[Entry]:
    """Return what a voucher enters, each account once per treatment, without what cancels out."""
    sums: dict[tuple[str, str, Treated], int] = {}
    first: dict[tuple[str, str, Treated], tuple[Row, str]] = {}
    for leg in voucher.legs:
        row = chart.row(leg.account, leg.treated, leg.currency)
        place = (row.number, leg.currency, leg.treated)
        sums[place] = sums.get(place, 0) + leg.amount
        first.setdefault(place, (row, leg.account))
    return [
        Entry(first[place][0], place[1], amount, place[2], first[place][1])
        for place, amount in sums.items()
        if amount
    ]


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
