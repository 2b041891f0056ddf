"""Define what a voucher enters on an account of the chart."""

from dataclasses import dataclass
from decimal import Decimal

from billow.core.books.chart import Row
from billow.core.books.treatments import Treated


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
