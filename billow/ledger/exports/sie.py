"""Write the books as SIE 4, which Swedish bookkeeping programs read: one currency, in CP437."""

from collections.abc import Iterator, Sequence
from importlib import metadata

from stdnum.se import orgnr

from billow.core.books import texts
from billow.core.books.chart import RETAINED, Row
from billow.core.errors import require
from billow.core.money import minor_digits
from billow.ledger import charts
from billow.ledger.chart import CHART
from billow.ledger.exports import Booking, Books, Company, in_charset, major, one_line
from billow.ledger.exports.entries import Entry

TYPES = {"asset": "T", "liability": "S", "income": "I", "expense": "K"}


def write(books: Books) -> Sequence[bytes]:
    require(
        minor_digits(books.currency) <= 2,
        f"SIE has two decimals, and {books.currency.upper()} has three: export it as csv or for hledger.",
    )
    wrong = [row.number for row in books.rows() if not row.number.isdecimal()]
    require(not wrong, f"Accounts of SIE have digits only, and {', '.join(wrong)} has not.")
    return [b"".join(in_charset(line, "cp437") + b"\r\n" for line in lines_of(books))]


def lines_of(books: Books) -> Iterator[str]:
    company = books.company
    yield "#FLAGGA 0"
    yield f"#PROGRAM {quoted('billow')} {quoted(metadata.version('billow'))}"
    yield "#FORMAT PC8"
    yield f"#GEN {books.made_at:%Y%m%d}"
    yield "#SIETYP 4"
    number = number_of(company)
    if number:
        yield f"#ORGNR {number}"
    yield f"#FNAMN {quoted(company.name)}"
    yield f"#RAR 0 {books.year[0]:%Y%m%d} {books.year[1]:%Y%m%d}"
    yield f"#OMFATTN {books.until:%Y%m%d}"
    if charts.most_like(books.chart.rows) == "bas":
        yield "#KPTYP EUBAS97"
    yield f"#VALUTA {books.currency.upper()}"
    for row in books.rows():
        yield f"#KONTO {row.number} {quoted(row.name)}"
        yield f"#KTYP {row.number} {type_of(row)}"
    for label, balances in (
        ("IB", books.opening),
        ("UB", books.at_end(balanced=True)),
        ("RES", books.at_end(balanced=False)),
    ):
        sums = by_number(books, balances)
        yield from (f"#{label} 0 {number} {amount(of, books)}" for number, of in sums.items() if of)
    for booking in sorted(books.bookings, key=lambda one: (one.series, one.number)):
        yield from voucher(booking, books)


def voucher(booking: Booking, books: Books) -> Iterator[str]:
    """Write one voucher; its text has what it is, the document, the customer and their tax id.

    It was registered when it was numbered.
    """
    entries = [one for one in booking.entries if one.currency == books.currency]
    if not entries:
        return
    of = booking.voucher
    said = texts.text(of.event, of.document, of.name, books.company.language)
    text = quoted(f"{said} {of.tax_id}")
    given = of.given or books.made_at.date()
    yield f"#VER {booking.series} {booking.number} {of.booked:%Y%m%d} {text} {given:%Y%m%d}"
    yield "{"
    for one in entries:
        entered = f"{amount(one.amount, books)} {of.dated:%Y%m%d} {quoted(told(one))}"
        yield f"   #TRANS {one.row.number} {{}} {entered}"
    yield "}"


def told(one: Entry) -> str:
    """Return how an entry is treated for tax, as oss DE 19, and what it was otherwise: USD 19.99."""
    foreign = [one.foreign_currency.upper(), str(major(one.foreign, one.foreign_currency))]
    return " ".join([*one.treated.said().values(), *(foreign if one.foreign_currency else [])])


def by_number(books: Books, balances: dict[tuple[Row, str], int]) -> dict[str, int]:
    found: dict[str, int] = {}
    for (row, currency), of in balances.items():
        if currency == books.currency:
            found[row.number] = found.get(row.number, 0) + of
    return dict(sorted(found.items()))


def type_of(row: Row) -> str:
    return "S" if row.kind == RETAINED else TYPES[CHART[row.kind].type]


def amount(of: int, books: Books) -> str:
    scale = 10 ** minor_digits(books.currency)
    whole, rest = divmod(abs(of), scale)
    return f"{'-' if of < 0 else ''}{whole}.{rest * 100 // scale:02d}"


def number_of(company: Company) -> str:
    """Return a Swedish company's number as SIE asks, 556000-4755; "" where it has no valid one."""
    number = orgnr.compact(company.number)
    number = number[2:] if len(number) == 12 else number
    return orgnr.format(number) if company.country == "SE" and orgnr.is_valid(number) else ""


def quoted(text: str) -> str:
    """Return a text in quotes. Readers differ on a backslash that is no mark of a quote, so it is a slash."""
    return '"' + one_line(text).replace("\\", "/").replace('"', '\\"') + '"'
