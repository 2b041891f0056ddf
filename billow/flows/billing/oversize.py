"""Leave out of an invoice what is more than it can hold; it waits until somebody looks at it."""

from collections.abc import Callable, Collection, Sequence
from datetime import datetime

from billow.api import rows
from billow.core import bounds
from billow.core.bounds import TooLarge
from billow.core.errors import Refused
from billow.resources.billing_period import BillingPeriod
from billow.resources.invoice_item import InvoiceItem
from billow.resources.invoice_line import InvoiceLine
from billow.store import jobs
from billow.store.jobs import job
from billow.store.tx import Tx

KIND = "billing.oversize"
PREVIEW = "preview"
"""The note of a transaction that makes a preview, in which what does not fit is refused."""
Key = tuple[str, datetime | None]
Fits = Callable[[Sequence[InvoiceLine]], bool]


def key_of(line: InvoiceLine) -> Key | None:
    """Return what can wait as a whole: an item's usage of one period, or an invoice item; else None."""
    if line.invoice_item:
        return line.invoice_item, None
    return (line.subscription_item or "", line.period_start) if line.kind == "metered" else None


def left_out(lines: Sequence[InvoiceLine], fits: Fits) -> set[Key]:
    """Return what must wait so that the rest fits: as few of the largest as possible.

    Raises `TooLarge` where leaving out everything is not enough.
    """
    sizes: dict[Key, int] = {}
    for line in lines:
        if key := key_of(line):
            sizes[key] = sizes.get(key, 0) + abs(line.amount)
    largest = sorted(sizes, key=lambda key: -sizes[key])

    def rest(count: int) -> list[InvoiceLine]:
        out = set(largest[:count])
        return [line for line in lines if key_of(line) not in out]

    if not fits(rest(len(largest))):
        raise TooLarge
    least, most = 0, len(largest)
    while most - least > 1:
        middle = (least + most) // 2
        least, most = (least, middle) if fits(rest(middle)) else (middle, most)
    return set(largest[:most])


def always_fits(lines: Sequence[InvoiceLine]) -> bool:
    """Return whether the lines fit with any taxes: ten rates of 100 % are the most that there may be."""
    return bounds.holds([16 * sum(abs(line.amount) for line in lines)])


def park(tx: Tx, refs: Collection[str], reason: str = "No invoice can hold it.") -> None:
    """Park usage (its billing period) or invoice items with the reason why they are not billed."""
    if refs:
        jobs.park(tx, KIND, refs, reason, clock="wall")


@job(KIND)
def look_again(tx: Tx, refs: list[str]) -> None:
    """Look again at what an operator has retried: done where it is billed or deleted, else it waits."""
    waiting = [
        *rows.select(tx, BillingPeriod, "id = any(%(ids)s) and invoice is null", ids=refs),
        *rows.select(tx, InvoiceItem, "id = any(%(ids)s) and invoice is null", ids=refs),
    ]
    if waiting:
        raise Refused("It waits for the next invoice, which bills it if it fits by then.")
