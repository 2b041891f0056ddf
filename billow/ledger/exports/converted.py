"""Convert what vouchers enter in other currencies into the one of the books, by the rates of their days."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date

from billow.core import exchange
from billow.core.books.chart import Chart
from billow.core.books.treatments import Treated
from billow.core.errors import Refused
from billow.core.exchange import Rate
from billow.ledger.exports.entries import Entry

Rates = Callable[[date], Mapping[str, Rate]]
"""Returns the rates of a day, by currency."""
ROUNDING = "rounding"


def in_home(entries: Sequence[Entry], on: date, home: str, rates: Rates, chart: Chart) -> list[Entry]:
    """Convert the entries of a voucher; what rounding leaves of each currency is on an account of its own.

    Each keeps the amount that it was. Three times 0.01 USD against 0.03 USD, at 0.6 euros for a dollar, is
    three times 0.01 EUR against 0.02 EUR, and 0.01 EUR of rounding.
    """
    found = [one if one.currency == home else converted(one, on, home, rates) for one in entries]
    for currency in sorted({one.currency for one in entries} - {home}):
        left = sum(one.amount for one in found if one.foreign_currency == currency)
        if left:
            row = chart.row(ROUNDING, Treated(), home)
            found.append(Entry(row, home, -left, Treated(), ROUNDING))
    return [one for one in found if one.amount]


def converted(entry: Entry, on: date, home: str, rates: Rates) -> Entry:
    """Convert an entry by the rate of a day; refused where none is stored that is recent enough."""
    found = exchange.converted(entry.amount, entry.currency, home, rates(on))
    if found is None:
        raise Refused(
            f"There is no exchange rate of {entry.currency.upper()} in {home.upper()} for {on}:"
            f" `billow rates load`, or export {entry.currency.upper()} on its own with --currency."
        )
    return replace(
        entry,
        currency=home,
        amount=found.amount,
        foreign=entry.amount,
        foreign_currency=entry.currency,
        rate=found.rate,
    )
