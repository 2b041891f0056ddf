"""Are the files of the European Central Bank read as they are published?"""

import io
import zipfile
from datetime import date
from decimal import Decimal

import pytest

from billow.core.errors import Refused
from billow.core.exchange import Rate
from billow.providers.exchange_rates import read

SEK = Rate("sek", date(2026, 1, 30), Decimal("10.5315"))
ONE_DAY = b"Date, USD, SEK, XXX, \n30 January 2026, 1.1919, 10.5315, 3, \n"
MANY = b"Date,USD,SEK,TRY,\n2026-01-30,1.1919,10.5315,N/A,\n2026-01-29,1.1968,10.5555,1.9558,\n"
XML = b"""<?xml version="1.0" encoding="UTF-8"?>
<gesmes:Envelope xmlns:gesmes="http://www.gesmes.org/xml/2002-08-01"
    xmlns="http://www.ecb.int/vocabulary/2002-08-01/eurofxref">
  <Cube><Cube time='2026-01-30'><Cube currency='USD' rate='1.1919'/>
  <Cube currency='SEK' rate='10.5315'/></Cube></Cube>
</gesmes:Envelope>"""


def zipped(content: bytes) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as packed:
        packed.writestr("eurofxref.csv", content)
    return made.getvalue()


@pytest.mark.parametrize("content", [ONE_DAY, MANY, XML, zipped(ONE_DAY), b"\xef\xbb\xbf" + MANY])
def test_each_of_its_files_has_the_same_rate(content: bytes) -> None:
    found = read(content)
    assert SEK in found and {one.currency for one in found} <= {"usd", "sek", "try"}


def test_a_day_without_a_rate_is_left_out() -> None:
    assert [one.on.day for one in read(MANY) if one.currency == "try"] == [29]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"a,b\n1,2\n",
        b"Date,SEK\n2026-01-30,minus\n",
        b"Date,SEK\n2026-01-30,-1\n",
        b"Date,SEK\n2026-01-30,NaN\n",
        b"Date,SEK\nyesterday,1\n",
        b"<a",
        b"<a/>",
        b"PK nothing",
        b'<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>',
    ],
)
def test_what_is_no_file_of_rates_is_refused(content: bytes) -> None:
    with pytest.raises(Refused):
        read(content)
