"""Do the tax sources decide as their rules and tables say, with a reason for each decision?"""

import json
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from billow.core.errors import Refused, Unavailable
from billow.core.place_of_supply import Address
from billow.core.tax_ids import MEMBERS
from billow.providers.taxes import Certificate, Registration, Sale, TaxNumber
from billow.providers.taxes import eu_vat as eu
from billow.providers.taxes.eu_vat import EuVat, standard_rate
from billow.providers.taxes.table import Table, read

RATES = Path(__file__).parents[2] / ".." / "shared" / "standards" / "tax" / "eu-vat-rates.json"
SAAS, BOOK, CONSULTING = "txcd_10103001", "txcd_10302000", "txcd_20040001"
TODAY = date(2026, 11, 1)
HOME, OSS = Registration("SE", "standard"), Registration("SE", "oss_union")


def sale(buyer: Address, *registrations: Registration, **more: Any) -> Sale:
    return Sale(Address("SE"), buyer, more.pop("code", SAAS), TODAY, registrations, **more)


# ------------------------------------------------------------------------------------- eu_vat


@pytest.mark.skipif(not RATES.exists(), reason="needs ../shared/standards/tax/eu-vat-rates.json")
def test_the_file_of_rates_has_the_standard_rate_of_every_member() -> None:
    known = json.loads(RATES.read_text())["rates"]
    found = {country: standard_rate(country, date(2026, 9, 29)) for country in MEMBERS}
    assert found == {country: Decimal(str(known[country]["standard"])) for country in MEMBERS}


@pytest.mark.parametrize(
    ("country", "on", "rate"),
    [
        ("FI", "2024-08-31", "24"),
        ("FI", "2024-09-01", "25.5"),
        ("EE", "2025-07-01", "24"),
        ("LU", "2023-06-01", "16"),
    ],
)
def test_a_rate_is_that_of_the_day_of_supply(country: str, on: str, rate: str) -> None:
    assert standard_rate(country, date.fromisoformat(on)) == Decimal(rate)


def test_a_day_without_a_known_rate_is_no_rate_of_zero() -> None:
    with pytest.raises(Unavailable):
        standard_rate("SE", date(1980, 1, 1))


NUMBER = TaxNumber("eu_vat", "DE136695976", True)
DE, SE, US = Address("DE"), Address("SE"), Address("US", "CA")


@pytest.mark.parametrize(
    ("bought", "treatment", "reason", "percentage"),
    [
        (sale(SE, HOME), "domestic", "standard_rated", "25"),
        (sale(SE), "not_collecting", "not_collecting", "0"),
        (sale(DE, HOME), "not_collecting", "not_collecting", "0"),
        (sale(DE, HOME, OSS), "oss", "standard_rated", "19"),
        (sale(DE, HOME, Registration("DE", "standard")), "oss", "standard_rated", "19"),
        (sale(DE, Registration("SE", "standard", scheme="small_seller")), "domestic", "standard_rated", "25"),
        (sale(DE, HOME, numbers=[NUMBER]), "eu_reverse_charge", "reverse_charge", "0"),
        (sale(DE, HOME, OSS, numbers=[replace(NUMBER, valid=False)]), "oss", "standard_rated", "19"),
        (sale(SE, HOME, numbers=[NUMBER]), "domestic", "standard_rated", "25"),
        (sale(US, HOME, OSS), "export_service", "not_collecting", "0"),
        (sale(US, HOME, code="txcd_99999999"), "export", "zero_rated", "0"),
        (sale(DE, HOME, numbers=[NUMBER], code="txcd_99999999"), "eu_goods", "reverse_charge", "0"),
        (sale(SE, HOME, exemption="exempt"), "exempt", "customer_exempt", "0"),
        (sale(SE, HOME, exemption="reverse"), "domestic_reverse_charge", "reverse_charge", "0"),
        (sale(SE, HOME, small_enterprise=True), "exempt", "not_subject_to_tax", "0"),
        (sale(SE, HOME, code="txcd_00000000"), "nontaxable", "product_exempt", "0"),
        (sale(DE, HOME, OSS, code=CONSULTING), "domestic", "standard_rated", "25"),
    ],
)
def test_eu_vat_decides(bought: Sale, treatment: str, reason: str, percentage: str) -> None:
    found = EuVat().decide(bought)
    [part] = found.parts
    assert (found.treatment, part.reason, part.percentage) == (treatment, reason, Decimal(percentage))
    assert found.why and found.source == "eu_vat"


def test_a_decision_says_what_it_rests_on() -> None:
    found = EuVat().decide(sale(DE, HOME, OSS, numbers=[replace(NUMBER, valid=False)]))
    assert found.facts["tax numbers"] == "DE136695976 (not valid)"
    assert found.facts["rate from"].endswith("2026-09-29") and found.facts["rate of"] == "2026-11-01"
    assert found.facts["scheme"] == "OSS" and found.category == "S"


def test_a_reduced_rate_comes_from_the_table_of_the_account() -> None:
    own = Table(read(f"{HEAD}\nDE,,,,,country,E-books,vat,7,txcd_1030,2020-01-01,,Anlage 2\n"))
    [part] = EuVat(own).decide(sale(DE, HOME, OSS, code=BOOK)).parts
    assert (part.percentage, part.reason, part.name) == (Decimal(7), "reduced_rated", "E-books")
    [part] = EuVat(own).decide(sale(DE, HOME, OSS)).parts
    assert part.percentage == 19


@pytest.mark.parametrize(
    ("code", "where", "day", "percentage", "reason", "category"),
    [
        (BOOK, DE, date(2026, 11, 1), "7", "reduced_rated", "S"),
        (BOOK, DE, date(2024, 12, 31), None, "", ""),
        (BOOK, Address("RO"), date(2025, 7, 31), "5", "reduced_rated", "S"),
        (BOOK, Address("LT"), date(2025, 12, 31), "9", "reduced_rated", "S"),
        (BOOK, Address("LT"), date(2026, 1, 1), "5", "reduced_rated", "S"),
        (BOOK, Address("FI"), date(2026, 1, 1), "13.5", "reduced_rated", "S"),
        (BOOK, Address("RO"), date(2025, 8, 1), "11", "reduced_rated", "S"),
        (BOOK, Address("IE"), date(2026, 1, 1), "0", "zero_rated", "Z"),
        (BOOK, Address("DK"), date(2026, 1, 1), "25", "standard_rated", "S"),
        ("txcd_10501000", Address("FI"), date(2026, 1, 1), "10", "reduced_rated", "S"),
        ("txcd_10501000", Address("IE"), date(2026, 1, 1), None, "", ""),
        (SAAS, Address("RO"), date(2026, 1, 1), "21", "standard_rated", "S"),
    ],
)
def test_reduced_rates_come_with_billow_by_tax_code_and_day(
    code: str, where: Address, day: date, percentage: str | None, reason: str, category: str
) -> None:
    sold = replace(sale(where, HOME, OSS, code=code), supplied_on=day)
    if percentage is None:
        with pytest.raises(Unavailable, match="billow tax load"):
            EuVat().decide(sold)
        return
    found = EuVat().decide(sold)
    [part] = found.parts
    assert (part.percentage, part.reason, found.category) == (Decimal(percentage), reason, category)
    source = "2026-09-29" if reason == "standard_rated" else "2025-08-26"
    assert found.facts["rate from"].endswith(source)


def test_every_reduced_rate_is_of_a_region_with_a_lower_rate_than_the_standard_one() -> None:
    for code, regions in eu.reduced()["rates"].items():
        for region, since in regions.items():
            for day, rate in since.items():
                on = date.fromisoformat(day)
                assert rate is None or Decimal(rate) < eu.standard_rate(region, on), (code, region)


def test_the_sources_share_the_world() -> None:
    assert eu.answers_for(sale(US)) and eu.answers_for(replace(sale(DE), seller=US))
    assert not eu.answers_for(replace(sale(US), seller=US))


# ------------------------------------------------------------------------------------- table

HEAD = (
    "country,state,county,city,postal_code,level,name,tax_type,percentage,tax_code,valid_from,valid_to,source"
)
FILE = f"""{HEAD}
US,CA,,,,state,California state tax,sales_tax,6,,2017-01-01,,CDTFA
US,CA,Los Angeles,,90001-90899,county,Los Angeles county tax,sales_tax,0.25,,2017-01-01,,
US,CA,,Los Angeles,,city,Los Angeles city tax,sales_tax,0.5,,2017-01-01,,
US,CA,,,,state,California state tax,sales_tax,0,txcd_10103,2017-01-01,,SaaS is not taxed
CA,,,,,country,GST,gst,5,,2008-01-01,,
CA,ON,,,,country,HST Ontario,hst,13,,2010-07-01,,
CA,QC,,,,state,QST,qst,9.975,,2013-01-01,,
GB,,,,,country,VAT GB,vat,20,,2011-01-04,,
GB,,,,,country,VAT GB,vat,17.5,,2010-01-01,2011-01-03,
"""
LA = Address("US", "CA", "90012-1234", "Los Angeles")
CALIFORNIA = Registration("US", "state_sales_tax", "CA")


def rates(bought: Sale) -> list[str]:
    return [f"{part.level} {part.percentage}" for part in Table(read(FILE)).decide(bought).parts]


def test_jurisdictions_of_the_us_are_stacked() -> None:
    assert rates(sale(LA, CALIFORNIA, code=BOOK)) == ["state 6", "county 0.25", "city 0.5"]
    assert rates(sale(Address("US", "CA", "94105", "San Francisco"), CALIFORNIA, code=BOOK)) == ["state 6"]


def test_nothing_is_collected_where_there_is_no_registration() -> None:
    found = Table(read(FILE)).decide(sale(LA, Registration("US", "state_sales_tax", "NY")))
    assert [part.reason for part in found.parts] == ["not_collecting"]
    assert "US-CA" in found.why


def test_the_row_of_a_tax_code_wins_on_its_level() -> None:
    found = Table(read(FILE)).decide(sale(LA, CALIFORNIA))
    assert [part.reason for part in found.parts] == ["product_exempt", "standard_rated", "standard_rated"]


def test_canadian_provinces_have_hst_or_a_tax_beside_gst() -> None:
    federal, quebec = Registration("CA", "standard"), Registration("CA", "province_standard", "QC")
    assert rates(sale(Address("CA", "ON"), federal)) == ["country 13"]
    assert rates(sale(Address("CA", "QC"), federal)) == ["country 5"]
    assert rates(sale(Address("CA", "QC"), federal, quebec)) == ["country 5", "state 9.975"]
    assert rates(sale(Address("CA", "AB"), federal, quebec)) == ["country 5"]


def test_rates_are_dated() -> None:
    british = Registration("GB", "standard")
    assert rates(replace(sale(Address("GB"), british), supplied_on=date(2011, 1, 3))) == ["country 17.5"]
    assert rates(sale(Address("GB"), british)) == ["country 20"]


def test_a_table_without_a_rate_decides_nothing() -> None:
    with pytest.raises(Unavailable, match="no rate for US-TX"):
        Table(read(FILE)).decide(sale(Address("US", "TX"), Registration("US", "state_sales_tax", "TX")))


def test_a_certificate_exempts_in_its_state_until_it_expires() -> None:
    certificate = Certificate("US", "CA", "CERT-1", date(2026, 12, 31))
    found = Table(read(FILE)).decide(sale(LA, CALIFORNIA, certificates=[certificate]))
    assert [part.reason for part in found.parts] == ["customer_exempt"] and "CERT-1" in found.why
    for other in (replace(certificate, expires_on=date(2026, 10, 31)), replace(certificate, state="NY")):
        assert rates(sale(LA, CALIFORNIA, code=BOOK, certificates=[other]))[0] == "state 6"


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("US,CA,,,,region,X,vat,1,,2020-01-01,,", "a level is one of"),
        ("USA,CA,,,,state,X,vat,1,,2020-01-01,,", "two letters"),
        ("US,,,,,state,X,vat,1,,2020-01-01,,", "does not name it"),
        ("US,CA,,,,state,X,vat,101,,2020-01-01,,", "from 0 to 100"),
        ("US,CA,,,,state,X,vat,NaN,,2020-01-01,,", "from 0 to 100"),
        ("US,CA,,,,state,X,vat,six,,2020-01-01,,", "Line 2"),
        ("US,CA,,,,state,X,vat,6,,soon,,", "Line 2"),
        ("US,CA,,,,state,,vat,6,,2020-01-01,,", "no name"),
        ("US,CA,,,,state,X,vat,6,,2020-01-02,2020-01-01,", "ends before"),
    ],
)
def test_a_file_with_a_bad_row_is_refused_with_its_line(row: str, said: str) -> None:
    with pytest.raises(Refused, match=said):
        read(f"{HEAD}\n{row}\n")


def test_columns_that_are_not_known_are_refused() -> None:
    with pytest.raises(Refused, match="rate"):
        read("country,level,name,percentage,valid_from,rate\n")
    with pytest.raises(Refused, match="no column"):
        read("country,level\n")


def test_consumers_in_northern_ireland_are_taxed_there_on_goods() -> None:
    """The one-stop shop has them under XI, at the rate of the United Kingdom."""
    belfast = Address("GB", None, "BT1 5GS")
    found = EuVat().decide(sale(belfast, HOME, OSS, code="txcd_99999999"))
    [part] = found.parts
    assert (found.treatment, part.country, part.percentage) == ("oss", "XI", Decimal(20))
