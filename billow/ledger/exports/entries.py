"""Define what a voucher enters on an account of the chart."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from decimal import Decimal

from billow.core.books.chart import Chart, Row
from billow.core.books.treatments import Treated
from billow.ledger.vouchers import Leg


@dataclass(frozen=True, slots=True)
class Entry:
    """An amount on an account of the chart: a debit is positive."""

    row: Row
    currency: str
    amount: int
    treated: Treated
    account: str
    """The account of the ledger, such as revenue:prod_1."""
    foreign: int = 0
    """What it was before it was converted, in which currency, and by how much of the books' for one of it."""
    foreign_currency: str = ""
    rate: Decimal | None = None


def entries_of(legs: Iterable[Leg], chart: Chart, rate: Decimal | None = None) -> list[Entry]:
    """Return what legs enter, each account of the chart once per treatment, without what cancels out.

    What cancels out altogether, as between two accounts of the ledger that are one of the chart, is entered
    leg by leg, so that no voucher is empty. What was converted has the `rate` of its day.
    """
    each = [
        Entry(
            chart.row(leg.account, leg.treated, leg.currency),
            leg.currency,
            leg.amount,
            leg.treated,
            leg.account,
            leg.foreign,
            leg.of,
            rate,
        )
        for leg in legs
    ]
    found: dict[tuple[str, str, Treated], Entry] = {}
    for one in each:
        place = (one.row.number, one.currency, one.treated)
        before = found.get(place) or replace(one, amount=0, foreign=0)
        found[place] = replace(
            before, amount=before.amount + one.amount, foreign=before.foreign + one.foreign
        )
    return [one for one in found.values() if one.amount] or each
