"""Write the books for beancount and Fava."""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from datetime import timedelta

from billow.core.books.chart import Row
from billow.ledger.exports import Books, one_line, root_of, said
from billow.ledger.journal import major_units


def write(books: Books) -> Sequence[bytes]:
    return [("\n".join(lines_of(books)) + "\n").encode()]


def lines_of(books: Books) -> Iterator[str]:
    names = {row.number: name_of(row) for row in books.rows()}
    yield f'option "title" {quoted(books.company.name or "billow")}'
    yield from (f'option "operating_currency" "{currency.upper()}"' for currency in books.currencies())
    yield ""
    before = books.since - timedelta(days=1)
    for row in books.rows():
        yield f"{before:%Y-%m-%d} open {names[row.number]}"
        yield f"  name: {quoted(row.name)}"
    start = books.at_start()
    for currency in sorted({currency for _, currency in start}):
        yield ""
        yield f'{before:%Y-%m-%d} * "Opening balances"'
        for (row, of), amount in start.items():
            if of == currency:
                yield f"  {names[row.number]}  {major_units(amount, of)} {of.upper()}"
    for booking in books.bookings:
        voucher = booking.voucher
        yield ""
        yield f"{voucher.booked:%Y-%m-%d} * {quoted(voucher.name)} {quoted(voucher.event)}"
        told = {"voucher": booking.name, "document": voucher.document, "source": voucher.source}
        told |= {"tax_id": voucher.tax_id, "customer": voucher.customer}
        yield from (f"  {name}: {quoted(value)}" for name, value in told.items() if value)
        yield f"  dated: {voucher.dated:%Y-%m-%d}"
        for one in booking.entries:
            yield f"  {names[one.row.number]}  {major_units(one.amount, one.currency)} {one.currency.upper()}"
            yield from (f"    {name}: {quoted(value)}" for name, value in said(one).items())


def name_of(row: Row) -> str:
    """Name an account as beancount requires: Assets:1510-Kundfordringar."""
    plain = unicodedata.normalize("NFKD", row.name).encode("ascii", "ignore").decode()
    words = "-".join(re.findall(r"[A-Za-z0-9]+", plain))
    return f"{root_of(row)}:{re.sub('[^A-Za-z0-9]', '-', row.number).capitalize()}-{words}".rstrip("-")


def quoted(text: str) -> str:
    return '"' + one_line(text).replace("\\", "\\\\").replace('"', '\\"') + '"'
