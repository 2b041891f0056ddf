"""Write the books as rows for a spreadsheet: one for each entry of a voucher."""

from collections.abc import Iterator, Sequence

from billow.ledger.exports import Books
from billow.ledger.journal import major_units

COLUMNS = (
    "voucher", "booked", "dated", "event", "source", "document", "customer", "name", "tax_id", "account",
    "number", "account_name", "treatment", "country", "rate", "currency", "debit", "credit",
    "was", "was_currency",
)  # fmt: skip


def rows(books: Books) -> Iterator[Sequence[object]]:
    """Return the rows: amounts in units of the currency, so that 19.99 usd is 19.99.

    `was` is what an amount was before it was converted, signed.
    """
    for (row, currency), amount in books.at_start().items():
        about = ("", books.since, books.since, "opening", "", "", "", "", "", row.kind, row.number, row.name)
        yield (*about, "", "", "", currency, *sides(amount, currency), "", "")
    for booking in books.bookings:
        of = booking.voucher
        who = (booking.name, of.booked, of.dated, of.event, of.source, of.document, of.customer, of.name)
        for one in booking.entries:
            where = (of.tax_id, one.account, one.row.number, one.row.name)
            taxed = (one.treated.treatment, one.treated.country, one.treated.rate, one.currency)
            of_it = one.foreign_currency
            was = (major_units(one.foreign, of_it), of_it) if of_it else ("", "")
            yield (*who, *where, *taxed, *sides(one.amount, one.currency), *was)


def sides(amount: int, currency: str) -> tuple[str, str]:
    """Return an amount as the debit or the credit that it is."""
    text = major_units(abs(amount), currency)
    return (text, "") if amount > 0 else ("", text)
