"""Where is a supply taxed in the European Union, and who owes the tax?"""

import json
from pathlib import Path
from typing import Any

import pytest

from billow.core.place_of_supply import Address, Kind, Supply, in_vat_area, place_of_supply, rate_region

CASES = Path(__file__).parents[2] / ".." / "shared" / "standards" / "tax" / "place-of-supply-cases.json"


def cases() -> list[dict[str, Any]]:
    return json.loads(CASES.read_text())["cases"] if CASES.exists() else []


@pytest.mark.skipif(not CASES.exists(), reason="needs ../shared/standards/tax/place-of-supply-cases.json")
def test_the_cases_of_the_standards_are_decided_as_they_say() -> None:
    assert cases()
    for case in cases():
        buyer = case["buyer"]
        place = place_of_supply(
            Supply(
                kind="digital",
                seller=Address(case["seller"]),
                buyer=Address(buyer),
                number=buyer[:2] if case["vat_id"] else None,
                business=case["business"],
                over_threshold=case.get("over_threshold", True),
                small_enterprise=case.get("seller_exempt", False),
            )
        )
        said = {"category": place.category, "rate_of": place.rate_of}
        said |= {name: getattr(place, name) for name in ("scheme", "mention") if name in case}
        assert said == {name: case[name] for name in said}, case["name"]


@pytest.mark.parametrize(
    ("kind", "seller", "buyer", "number", "treatment", "rate_of"),
    [
        ("service", "SE", "DE", None, "domestic", "SE"),
        ("service", "SE", "US", None, "domestic", "SE"),
        ("consulting", "SE", "DE", None, "domestic", "SE"),
        ("consulting", "SE", "US", None, "export_service", None),
        ("digital", "SE", "US", None, "export_service", None),
        ("service", "SE", "DE", "DE", "eu_reverse_charge", None),
        ("goods", "SE", "DE", "DE", "eu_goods", None),
        ("goods", "SE", "DE", None, "oss", "DE"),
        ("goods", "SE", "XI", "XI", "eu_goods", None),
        ("goods", "SE", "NO", None, "export", None),
        ("service", "GB", "DE", None, "outside", None),
        ("consulting", "CH", "DE", None, "outside", None),
        ("digital", "GB", "DE", None, "oss", "DE"),
        ("goods", "GB", "DE", None, "oss", "DE"),
        ("service", "NO", "SE", "SE", "eu_reverse_charge", None),
        ("digital", "SE", "SE", "DE", "domestic", "SE"),
        ("digital", "SE", "DE", "SE", "oss", "DE"),
        ("digital", "GR", "GR", "EL", "domestic", "GR"),
        ("digital", "US", "DE", "DE", "eu_reverse_charge", None),
        ("digital", "US", "CA", None, "outside", None),
        ("nontaxable", "SE", "SE", None, "nontaxable", None),
    ],
)
def test_each_kind_of_thing_has_its_place(
    kind: Kind, seller: str, buyer: str, number: str | None, treatment: str, rate_of: str | None
) -> None:
    place = place_of_supply(Supply(kind, Address(seller), Address(buyer), number))
    assert (place.treatment, place.rate_of) == (treatment, rate_of)
    assert place.why.endswith(".")


@pytest.mark.parametrize(
    ("address", "inside"),
    [
        (Address("ES", postal_code="38001"), False),
        (Address("ES", "Es-TF"), False),
        (Address("ES", "M", "28001"), True),
        (Address("DE", None, "78266"), False),
        (Address("FI", "FI-01"), False),
        (Address("IT", None, "23041"), False),
        (Address("FR", None, "97110"), False),
        (Address("MC", None, "98000"), True),
        (Address("IM"), False),
        (Address("GB"), False),
        (Address("el"), True),
    ],
)
def test_territories_outside_the_vat_area_are_known(address: Address, inside: bool) -> None:
    assert in_vat_area(address) == inside


def test_madeira_and_the_azores_have_rates_of_their_own() -> None:
    assert rate_region(Address("PT", None, "9000-001")) == "PT-30"
    assert rate_region(Address("PT", "PT-20")) == "PT-20"
    assert rate_region(Address("PT", "11", "9000-001")) == "PT"


@pytest.mark.parametrize(
    ("kind", "postal_code", "number", "treatment"),
    [
        ("goods", "BT1 5GS", "XI", "eu_goods"),
        ("goods", "bt7 1nn", None, "oss"),
        ("goods", "B1 1AA", "XI", "export"),
        ("digital", "BT1 5GS", "XI", "export_service"),
    ],
)
def test_northern_ireland_is_known_by_its_postal_codes(
    kind: Kind, postal_code: str, number: str | None, treatment: str
) -> None:
    """Its addresses have the country GB; for goods alone it is treated as a member state."""
    place = place_of_supply(Supply(kind, Address("SE"), Address("GB", None, postal_code), number))
    assert (place.treatment, place.rate_of) == (treatment, "XI" if treatment == "oss" else None)
    assert "GB" not in place.why


@pytest.mark.parametrize("number", [None, "XI", "DE"])
def test_goods_within_the_united_kingdom_are_no_business_of_the_union(number: str | None) -> None:
    """From Great Britain to Northern Ireland its own VAT is due, and no reverse charge or one-stop shop."""
    supply = Supply("goods", Address("GB", None, "B1 1AA"), Address("GB", None, "BT1 5GS"), number)
    assert place_of_supply(supply).treatment == "outside"


@pytest.mark.parametrize(
    ("seller", "kind", "expected"),
    [
        ("FI", "digital", ("domestic", "FI")),
        ("FI", "service", ("domestic", "FI")),
        ("FI", "consulting", ("domestic", "FI")),
        ("FI", "goods", ("export", None)),
        ("SE", "digital", ("export_service", None)),
    ],
)
def test_services_of_a_finnish_seller_to_aland_are_taxed_in_finland(
    seller: str, kind: Kind, expected: tuple[str, str | None]
) -> None:
    """Åland is outside the VAT area, but Finland's law has a border for goods alone."""
    for business in (False, True):
        found = place_of_supply(
            Supply(kind, Address(seller), Address("FI", None, "22100"), business=business)
        )
        assert (found.treatment, found.rate_of) == expected
