"""Write the books as DATEV's EXTF Buchungsstapel: pairs of accounts, one currency, Windows-1252.

Revenue and its tax are entries of their own, so that the tax key of an account that would calculate tax by
itself is 0040, which switches that off; the chart of accounts says it.
"""

import re
from collections.abc import Iterator, Sequence
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from billow.core.books import texts
from billow.core.errors import require
from billow.core.money import minor_digits
from billow.ledger import charts
from billow.ledger.exports import Booking, Books, in_charset, one_line
from billow.ledger.exports.entries import Entry

MOST_ROWS = 99_999
LARGEST = 10**12
"""Ten digits before the comma, and two after it."""
LAST = 125
TEXT = 60
"""How many letters a Buchungstext has."""
EU = ("eu_reverse_charge", "eu_goods")
FRAMES = {"skr03": "03", "skr04": "04"}
"""What the heading calls a chart."""
#: The columns that are written, by their number from 1, with their name. All others are empty.
NAMES = {
    1: "Umsatz (ohne Soll/Haben-Kz)", 2: "Soll/Haben-Kennzeichen", 3: "WKZ Umsatz", 4: "Kurs",
    5: "Basis-Umsatz", 6: "WKZ Basis-Umsatz", 7: "Konto", 8: "Gegenkonto (ohne BU-Schlüssel)",
    9: "BU-Schlüssel", 10: "Belegdatum", 11: "Belegfeld 1", 12: "Belegfeld 2", 13: "Skonto",
    14: "Buchungstext", 15: "Postensperre", 16: "Diverse Adressnummer", 17: "Geschäftspartnerbank",
    18: "Sachverhalt", 19: "Zinssperre", 20: "Beleglink",
    **{19 + 2 * n: f"Beleginfo - Art {n}" for n in range(1, 9)},
    **{20 + 2 * n: f"Beleginfo - Inhalt {n}" for n in range(1, 9)}, 37: "KOST1 - Kostenstelle",
    38: "KOST2 - Kostenstelle", 39: "Kost-Menge", 40: "EU-Land u. UStID (Bestimmung)",
    41: "EU-Steuersatz (Bestimmung)", 42: "Abw. Versteuerungsart", 43: "Sachverhalt L+L",
    44: "Funktionsergänzung L+L", 45: "BU 49 Hauptfunktionstyp", 46: "BU 49 Hauptfunktionsnummer",
    47: "BU 49 Funktionsergänzung", **{46 + 2 * n: f"Zusatzinformation - Art {n}" for n in range(1, 21)},
    **{47 + 2 * n: f"Zusatzinformation- Inhalt {n}" for n in range(1, 21)}, 88: "Stück", 89: "Gewicht",
    90: "Zahlweise", 91: "Forderungsart", 92: "Veranlagungsjahr", 93: "Zugeordnete Fälligkeit",
    94: "Skontotyp", 95: "Auftragsnummer", 96: "Buchungstyp", 97: "USt-Schlüssel (Anzahlungen)",
    98: "EU-Land (Anzahlungen)", 99: "Sachverhalt L+L (Anzahlungen)", 100: "EU-Steuersatz (Anzahlungen)",
    101: "Erlöskonto (Anzahlungen)", 102: "Herkunft-Kz", 103: "Buchungs GUID", 104: "KOST-Datum",
    105: "SEPA-Mandatsreferenz", 106: "Skontosperre", 107: "Gesellschaftername", 108: "Beteiligtennummer",
    109: "Identifikationsnummer", 110: "Zeichnernummer", 111: "Postensperre bis",
    112: "Bezeichnung SoBil-Sachverhalt", 113: "Kennzeichen SoBil-Buchung", 114: "Festschreibung",
    115: "Leistungsdatum", 116: "Datum Zuord. Steuerperiode", 117: "Fälligkeit", 118: "Generalumkehr (GU)",
    119: "Steuersatz", 120: "Land", 121: "Abrechnungsreferenz", 122: "BVV-Position",
    123: "EU-Land u. UStID (Ursprung)", 124: "EU-Steuersatz (Ursprung)", 125: "Abw. Skontokonto",
}  # fmt: skip


def write(books: Books) -> Sequence[bytes]:
    """Write the entries of the days asked for; opening balances are the consultant's own."""
    require(
        minor_digits(books.currency) <= 2,
        f"DATEV has two decimals, and {books.currency.upper()} has three: export it as csv or for hledger.",
    )
    length = length_of([row.number for row in books.rows()])
    lines = [line for booking in books.bookings for line in pairs(booking, books)]
    parts = [lines[at : at + MOST_ROWS] for at in range(0, len(lines), MOST_ROWS)] or [[]]
    names = ";".join(NAMES[at] for at in range(1, LAST + 1))
    return [
        b"".join(in_charset(line, "cp1252") + b"\r\n" for line in (heading(books, length), names, *part))
        for part in parts
    ]


def length_of(numbers: Sequence[str]) -> int:
    """Return how many digits the accounts have: all the same, and those of customers one more.

    DATEV takes a number of another length for another account.
    """
    length = min((len(number) for number in numbers), default=4)
    wrong = [
        number
        for number in numbers
        if not number.isdecimal()
        or not 4 <= len(number) <= 9
        or len(number) != length + (len(number) > length and number[0] != "0")
    ]
    require(
        4 <= length <= 8 and not wrong,
        f"DATEV has accounts of 4 to 8 digits, all the same number of them, and customers' of one more:"
        f" {', '.join(wrong or numbers)}.",
    )
    return length


def heading(books: Books, length: int) -> str:
    """Write the first line: format 700, category 21, version 13."""
    made = f"{books.made_at:%Y%m%d%H%M%S}{books.made_at.microsecond // 1000:03d}"
    label = f"billow {books.since:%Y-%m-%d} {books.until:%Y-%m-%d}"
    company = books.company
    return ";".join(
        (
            '"EXTF"',
            "700",
            "21",
            '"Buchungsstapel"',
            "13",
            made,
            "",
            '"RE"',
            '"billow"',
            '""',
            company.consultant or "1001",
            company.client or "1",
            f"{books.year[0]:%Y%m%d}",
            str(length),
            f"{books.since:%Y%m%d}",
            f"{books.until:%Y%m%d}",
            quoted(label, 30),
            '""',
            "1",
            "0",
            "0",
            quoted(books.currency.upper(), 3),
            "",
            '""',
            "",
            "",
            quoted(FRAMES.get(charts.most_like(books.chart.rows), ""), 2),
            "",
            "",
            '""',
            '""',
        )
    )


def pairs(booking: Booking, books: Books) -> Iterator[str]:
    """Split a voucher of many accounts into pairs of a debited and another credited one."""
    entries = [one for one in booking.entries if one.currency == books.currency]
    debits = [(one, Sum(one.amount, one.foreign)) for one in entries if one.amount > 0]
    credited = [(one, Sum(-one.amount, -one.foreign)) for one in entries if one.amount < 0]
    for debit, credit, moved in matched(debits, credited):
        if debit.row.number != credit.row.number:
            yield row(booking, debit, credit, moved, books.currency, books.company.language)


class Sum(NamedTuple):
    """An amount in the currency of the books, and what it was in another one."""

    amount: int
    foreign: int


def matched(
    debits: Sequence[tuple[Entry, Sum]], credited: Sequence[tuple[Entry, Sum]]
) -> Iterator[tuple[Entry, Entry, Sum]]:
    """Match debits and credits in order; both add up to the same.

    Of another currency a pair has what is left of the side that it uses up.
    """
    left, right = list(reversed(debits)), list(reversed(credited))
    while left and right:
        (debit, owed), (credit, given) = left.pop(), right.pop()
        amount, foreign = min(owed, given)
        yield debit, credit, Sum(amount, foreign)
        if owed.amount > amount:
            left.append((debit, Sum(owed.amount - amount, owed.foreign - foreign)))
        if given.amount > amount:
            right.append((credit, Sum(given.amount - amount, given.foreign - foreign)))


def row(
    booking: Booking, debit: Entry, credit: Entry, moved: Sum, currency: str, language: str = "de"
) -> str:
    """Write one line. The account with a tax key is the second one, which is where the key belongs."""
    amount, foreign = moved
    require(amount < LARGEST, f"DATEV has ten digits before the comma, and {amount} has more.")
    first, other, side = (credit, debit, "H") if debit.row.key else (debit, credit, "S")
    of = booking.voucher
    filled = {
        1: comma(amount, currency),
        2: f'"{side}"',
        3: quoted(currency.upper(), 3),
        7: first.row.number,
        8: other.row.number,
        9: quoted(other.row.key.zfill(4) if other.row.key else "", 4),
        10: f"{of.booked:%d%m}",
        11: quoted(belegfeld(of.document), 36),
        14: quoted(texts.text(of.event, one_line(of.document), of.name, language, TEXT), TEXT),
        21: quoted("Vorgang", 20),
        22: quoted(of.source, 210),
        27: quoted("Buchungsnummer", 20),
        28: quoted(booking.name, 210),
        115: service_date(of.dated, of.booked),
    }
    filled |= in_other_currency(debit, credit, amount, currency, foreign)
    if of.tax_id and {debit.treated.treatment, credit.treated.treatment} & set(EU):
        filled[40] = quoted(re.sub("[^A-Z0-9]", "", of.tax_id.upper()), 15)
    if of.tax_id:
        filled |= {23: quoted("Steuernummer", 20), 24: quoted(of.tax_id, 210)}
    return ";".join(filled.get(at, "") for at in range(1, LAST + 1))


def in_other_currency(
    debit: Entry, credit: Entry, amount: int, currency: str, foreign: int
) -> dict[int, str]:
    """Return the columns of an amount in another currency, beside that of the books.

    Both amounts and their rate belong together, and the format has rates from 1 to 9999 and two decimals.
    What it cannot say, as where something is settled that was carried at another rate, is told beside it.
    """
    of, rate = debit.foreign_currency, debit.rate
    if rate is None or of != credit.foreign_currency or foreign <= 0:
        return {}
    bought = (1 / rate).quantize(Decimal("0.000001"))
    exact = Decimal(foreign).scaleb(-minor_digits(of)) * rate
    leads = abs(exact - Decimal(amount).scaleb(-minor_digits(currency))) < Decimal("0.01")
    if not leads or minor_digits(of) > 2 or not 1 <= bought < 10_000:
        was = f"{of.upper()} {Decimal(foreign).scaleb(-minor_digits(of)):f}"
        return {25: quoted("Fremdwährung", 20), 26: quoted(was, 210)}
    return {
        1: comma(foreign, of),
        3: quoted(of.upper(), 3),
        4: f"{bought}".replace(".", ","),
        5: comma(amount, currency),
        6: quoted(currency.upper(), 3),
    }


def service_date(dated: date, booked: date) -> str:
    """Write the day of the document where it is another than that of the booking."""
    return f"{dated:%d%m%Y}" if dated != booked else ""


def comma(amount: int, currency: str) -> str:
    scale = 10 ** minor_digits(currency)
    whole, rest = divmod(amount, scale)
    return f"{whole},{rest * 100 // scale:02d}"


def belegfeld(text: str) -> str:
    """Return a document's number with the letters that DATEV takes."""
    return re.sub(r"[^A-Za-z0-9$%&*+\-/]", "-", text)


def quoted(text: str, most: int) -> str:
    return '"' + one_line(text)[:most].replace('"', '""') + '"'
