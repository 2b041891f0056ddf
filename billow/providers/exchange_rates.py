"""Read the exchange rates that the European Central Bank publishes: CSV of a day or of years, and XML."""

import csv
import io
import zipfile
from datetime import date, datetime
from decimal import Decimal, InvalidOperation

from lxml import etree

from billow.core.errors import Refused, require
from billow.core.exchange import Rate
from billow.core.money import CURRENCIES

CUBE = "{http://www.ecb.int/vocabulary/2002-08-01/eurofxref}Cube"
LARGEST = 64 << 20
"""How many bytes a file may have; all rates since 1999 are 1.3 MB of CSV."""


def read(content: bytes) -> list[Rate]:
    """Read a file as it is downloaded: eurofxref.zip, .csv or .xml, of one day or many.

    Currencies that billow does not know are left out, as are days on which one has no rate.
    """
    require(len(content) <= LARGEST, "The file is larger than all rates there are.")
    if content.startswith(b"PK"):
        content = unzipped(content)
    found = read_xml(content) if content.lstrip()[:1] == b"<" else read_csv(content)
    require(found, "There are no exchange rates in this file.")
    return found


def unzipped(content: bytes) -> bytes:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            [one] = packed.infolist()
            require(one.file_size <= LARGEST, "The file is larger than all rates there are.")
            return packed.read(one)
    except (zipfile.BadZipFile, ValueError):
        raise Refused("This is no archive of one file of exchange rates.") from None


def read_csv(content: bytes) -> list[Rate]:
    lines = csv.reader(io.StringIO(content.decode("utf-8-sig", "replace")))
    head = [name.strip().lower() for name in next(lines, [])]
    require(head[:1] == ["date"], "The first column of exchange rates is Date, as in the ECB's files.")
    return [
        rate
        for row in lines
        if row and row[0].strip()
        for name, text in zip(head[1:], row[1:], strict=False)
        if (rate := one(name, day(row[0]), text))
    ]


def read_xml(content: bytes) -> list[Rate]:
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
    try:
        root = etree.fromstring(content, parser)
    except etree.XMLSyntaxError as fault:
        raise Refused(f"This is no XML: {fault}") from None
    return [
        rate
        for of_day in root.iter(CUBE)
        if of_day.get("time")
        for each in of_day
        if (rate := one(each.get("currency") or "", day(of_day.get("time") or ""), each.get("rate") or ""))
    ]


def one(currency: str, on: date, text: str) -> Rate | None:
    """Return a rate; None where there is none for this currency on this day (N/A)."""
    code = currency.strip().lower()
    if code not in CURRENCIES or text.strip() in ("", "N/A"):
        return None
    try:
        rate = Decimal(text.strip())
    except InvalidOperation:
        raise Refused(f"{text.strip()} is no exchange rate of {code.upper()} on {on}.") from None
    require(rate.is_finite() and rate > 0, f"{rate} is no exchange rate of {code.upper()} on {on}.")
    return Rate(code, on, rate)


def day(text: str) -> date:
    """Read a day, as 2026-01-30, or 30 January 2026 in the file of one day."""
    for form in ("%Y-%m-%d", "%d %B %Y"):
        try:
            return datetime.strptime(text.strip(), form).date()
        except ValueError:
            continue
    raise Refused(f"{text.strip()} is no day, as 2026-01-30.")
