"""Convert vouchers into the currency of the books, with what their settlement gains or loses on exchange.

The amounts follow from the ledger and the rates alone: both always give the same vouchers.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

from billow.core import exchange
from billow.core.books.carried import MONETARY, Carried, kind_of, shared
from billow.core.books.chart import Chart
from billow.core.books.treatments import Treated
from billow.core.errors import Refused
from billow.core.exchange import Converted, Rate
from billow.ledger.exports.entries import Entry, entries_of
from billow.ledger.vouchers import Leg, Voucher

Rates = Callable[[date], Mapping[str, Rate]]
"""Returns the rates of a day, by currency."""
ROUNDING, GAIN, LOSS = "rounding", "exchange_gain", "exchange_loss"
REVALUED, REVERSED = "exchange.revalued", "exchange.revaluation_reversed"
Group = tuple[str, Treated]


@dataclass(slots=True)
class Home:
    """Converts the vouchers of an account, oldest first, and carries what is owed in other currencies."""

    currency: str
    rates: Rates
    chart: Chart
    carried: Carried = field(default_factory=Carried)

    def entries(self, voucher: Voucher) -> list[Entry]:
        """Return what a voucher enters in the currency of the books; the entries add up to nothing.

        Each keeps the amount that it was. Three times 0.01 USD against 0.03 USD, at 0.6 euros for one, is
        three times 0.01 EUR against 0.02 EUR, and 0.01 EUR of rounding. What is worth nothing in it is
        entered as nothing.
        """
        found = entries_of([leg for leg in voucher.legs if leg.currency == self.currency], self.chart)
        for currency in sorted({leg.currency for leg in voucher.legs} - {self.currency}):
            found += self.converted([leg for leg in voucher.legs if leg.currency == currency], voucher)
        return [one for one in found if one.amount] or found

    def converted(self, legs: Sequence[Leg], voucher: Voucher) -> list[Entry]:
        """Convert the legs of one currency. The groups of an account share what it is worth."""
        currency = legs[0].currency
        groups: Counter[Group] = Counter()
        for leg in legs:
            groups[leg.account, leg.treated] += leg.amount
        moves: Counter[str] = Counter()
        for (account, _), amount in groups.items():
            moves[account] += amount

        def day(amount: int) -> int:
            return self.by_day(amount, currency, voucher.booked).amount

        worth = self.carried.post(moves, currency, voucher.invoice, day)
        made: list[Leg] = []
        for account, amount in worth.amounts.items():
            own = {str(place): of for place, ((name, _), of) in enumerate(groups.items()) if name == account}
            parts = shared(amount, own)
            made += [
                Leg(account, self.currency, parts[str(place)], treated, None, of, currency)
                for place, ((name, treated), of) in enumerate(groups.items())
                if name == account
            ]
        rate = self.by_day(1, currency, voucher.booked).rate
        return [*entries_of(made, self.chart, rate), *self.differences(worth.exchange, worth.rounding)]

    def differences(self, lost: int, rounding: int = 0) -> list[Entry]:
        """Return the entries of what was lost (or gained, if negative) on exchange, and of rounding."""
        found = [(LOSS if lost > 0 else GAIN, lost), (ROUNDING, rounding)]
        return [self.entry(kind, amount) for kind, amount in found if amount]

    def entry(self, account: str, amount: int) -> Entry:
        row = self.chart.row(account, Treated(), self.currency)
        return Entry(row, self.currency, amount, Treated(), account)

    def by_day(self, amount: int, currency: str, on: date) -> Converted:
        """Convert an amount by the rate of a day; refused where none is stored that is recent enough."""
        found = exchange.converted(amount, currency, self.currency, self.rates(on))
        if found is None:
            raise Refused(
                f"There is no exchange rate of {currency.upper()} in {self.currency.upper()} for {on}:"
                f" `billow rates load`, or export {currency.upper()} on its own with --currency."
            )
        return found

    def valued(self, on: date) -> Iterator[tuple[str, str, int, int, int]]:
        """Value what is owed in other currencies by the rate of a day.

        Yields for each account its currency, what it has in it, what that is carried at, and worth. Advance
        payments and tax are not valued anew.
        """
        for account, currency, foreign, home in self.carried.balances():
            if kind_of(account) in MONETARY:
                yield account, currency, foreign, home, self.by_day(foreign, currency, on).amount

    def revaluation(self, on: date) -> Iterator[tuple[Voucher, list[Entry]]]:
        """Make the vouchers that value what is owed at the end of a day, and take that back on the next.

        What settles it later is then booked as if it had not been valued, so no difference counts twice.
        """
        entries: list[Entry] = []
        for account, _, _, home, worth in self.valued(on):
            if worth != home:
                entries += [self.entry(account, worth - home), *self.differences(home - worth)]
        if not entries:
            return
        for event, booked, sign in ((REVALUED, on, 1), (REVERSED, on + timedelta(days=1), -1)):
            source = f"{REVALUED}@{on}"
            voucher = Voucher(booked, booked, event, source, f"FX-{on}", "", "", "", "", [])
            yield voucher, [Entry(o.row, o.currency, sign * o.amount, o.treated, o.account) for o in entries]
