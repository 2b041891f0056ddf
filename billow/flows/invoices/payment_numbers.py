"""Give invoices the payment numbers by which bank transfers name them."""

from collections.abc import Sequence

from billow.core.bank import references
from billow.core.errors import Inconsistent
from billow.flows.invoices.invoice_intents import is_charged_automatically
from billow.flows.invoices.sheet import Sheet
from billow.flows.outside.seller import seller_of
from billow.store.ids import digits
from billow.store.tx import Tx

SPARE = 4
"""How many more numbers are drawn than are needed: of a million invoices one in 9,000 draws is taken."""


def prepare_numbers(tx: Tx, sheets: Sequence[Sheet]) -> None:
    """Give each invoice that is sent to be paid a number, if the seller has a bank account.

    An invoice that is charged needs none: a transfer that pays it nevertheless names its payment intent.
    """
    if seller_of(tx).account is None:
        return
    sent = [
        sheet
        for sheet in sheets
        if sheet.changes["status"] == "open" and not is_charged_automatically(sheet.invoice)
    ]
    for sheet, number in zip(sent, unused(tx, len(sent)), strict=True):
        sheet.changes["payment_number"] = number


def unused(tx: Tx, count: int) -> list[str]:
    """Return random numbers that no invoice has."""
    if not count:
        return []
    drawn = list(dict.fromkeys(digits(references.DIGITS) for _ in range(2 * count + SPARE)))
    found = tx.tuples(
        "select payment_number from invoices where payment_number = any(%(numbers)s)", numbers=drawn
    )
    taken = {number for (number,) in found}
    free = [number for number in drawn if number not in taken][:count]
    if len(free) < count:
        raise Inconsistent("Of twice as many random payment numbers, more than half are taken.")
    return free
