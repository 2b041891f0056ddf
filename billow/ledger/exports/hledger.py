"""Write the books for hledger.

Each currency has a directive with its decimals: without one hledger reads 1,234 JPY as 1.234, and the dot of
1.234 KWD as it likes.
"""

import re
from collections.abc import Iterator, Sequence
from datetime import timedelta

from billow.core.books.chart import Row
from billow.core.money import minor_digits
from billow.ledger.exports import Books, one_line, root_of, said
from billow.ledger.journal import major_units

TYPES = {"Assets": "A", "Liabilities": "L", "Income": "R", "Expenses": "X", "Equity": "E"}


def write(books: Books) -> Sequence[bytes]:
    return [("\n".join(lines_of(books)) + "\n").encode()]


def lines_of(books: Books) -> Iterator[str]:
    yield f"; {plain(books.company.name or 'billow')}, {books.since:%Y-%m-%d} to {books.until:%Y-%m-%d}"
    yield "decimal-mark ."
    for currency in books.currencies():
        yield f"commodity 1000.{'0' * minor_digits(currency)} {currency.upper()}"
    for row in books.rows():
        yield f"account {name_of(row)}  ; type: {TYPES[root_of(row)]}"
    start = books.at_start()
    for currency in sorted({currency for _, currency in start}):
        yield ""
        yield f"{books.since - timedelta(days=1):%Y-%m-%d} * Opening balances"
        for (row, of), amount in start.items():
            if of == currency:
                yield f"    {name_of(row)}  {major_units(amount, of)} {of.upper()}"
    for booking in books.bookings:
        voucher = booking.voucher
        yield ""
        dated = f"={voucher.dated:%Y-%m-%d}" if voucher.dated != voucher.booked else ""
        title = f"{plain(voucher.name)} | {voucher.event}" if voucher.name else voucher.event
        yield f"{voucher.booked:%Y-%m-%d}{dated} * ({code(voucher.document)}) {title}"
        told = {"voucher": booking.name, "source": voucher.source, "tax_id": voucher.tax_id}
        told["customer"] = voucher.customer
        yield "    ; " + ", ".join(f"{name}:{tag(value)}" for name, value in told.items() if value)
        for one in booking.entries:
            tags = ", ".join(f"{name}:{tag(value)}" for name, value in said(one).items())
            of_it = f"{major_units(one.amount, one.currency)} {one.currency.upper()}"
            yield f"    {name_of(one.row)}  {of_it}" + (f"  ; {tags}" if tags else "")


def name_of(row: Row) -> str:
    """Name an account: assets:1510 Kundfordringar."""
    return f"{root_of(row).lower()}:{row.number} {plain(row.name.replace(':', ' '))}"


def plain(text: str) -> str:
    """Return a text without what begins a comment, parts the payee, or ends an account's name."""
    return one_line(re.sub(r"[;|()\[\]]", " ", text))


def code(text: str) -> str:
    return re.sub(r"[()\s;]", "-", one_line(text))


def tag(text: str) -> str:
    return one_line(text.replace(",", " "))
