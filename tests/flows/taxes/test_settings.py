"""Are head office, defaults and registrations kept as Stripe keeps them, and taxes rounded as they say?"""

from typing import Any

import pytest

from tests.flows.taxes.sellers import CALIFORNIA, UNION, seller, standard
from tests.support.world import World, moment

PATH = "/v1/tax/registrations"


def test_settings_become_active_with_a_head_office(world: World, contract: Any) -> None:
    before = world.get("/v1/tax/settings")
    assert contract.problems(before) == []
    assert (before["status"], before["head_office"]) == ("pending", None)
    assert before["status_details"] == {"pending": {"missing_fields": ["head_office.address.country"]}}
    world.at("2026-01-01")
    after = world.post(
        "/v1/tax/settings",
        head_office={"address": {"country": "se", "city": "Lund"}},
        defaults={"tax_behavior": "inclusive", "tax_code": "txcd_10103001"},
    )
    assert contract.problems(after) == []
    assert after["status"] == "active" and after["status_details"] == {"active": {}}
    assert after["head_office"]["address"]["country"] == "SE"
    assert after["defaults"] == {
        "provider": "stripe",
        "tax_behavior": "inclusive",
        "tax_code": "txcd_10103001",
    }
    [event] = [one for one in world.get("/v1/events", type="tax.settings.updated")["data"]]
    assert event["data"]["object"] == after and event["data"]["previous_attributes"]["status"] == "pending"
    kept = world.post("/v1/tax/settings", defaults={"tax_behavior": "exclusive"})
    assert kept["defaults"]["tax_code"] == "txcd_10103001" and kept["head_office"] == after["head_office"]


@pytest.mark.parametrize(
    ("form", "param"),
    [
        ({"head_office": {"address": {"city": "Lund"}}}, "head_office[address][country]"),
        ({"head_office": {"address": {"country": "S1"}}}, "head_office[address][country]"),
        ({"defaults": {"tax_code": "txcd_1"}}, "defaults[tax_code]"),
        ({"defaults": {"tax_behavior": "free"}}, "defaults[tax_behavior]"),
    ],
)
def test_settings_that_cannot_be_are_refused(world: World, form: dict[str, Any], param: str) -> None:
    assert world.refused("/v1/tax/settings", **form)["param"] == param


ELECTED = {"elections": [{"type": "local_use_tax"}]}
STATE = {"us": {"type": "state_sales_tax", "state": "NY", "state_sales_tax": ELECTED}}
LOCAL = {"us": {"type": "local_lease_tax", "state": "IL", "local_lease_tax": {"jurisdiction": "14000"}}}
PROVINCE = {"ca": {"type": "province_standard", "province_standard": {"province": "QC"}}}


@pytest.mark.parametrize(
    ("country", "options"),
    [
        ("SE", standard("SE", "small_seller")["country_options"]),
        ("IE", {"ie": {"type": "ioss"}}),
        ("US", STATE),
        ("US", LOCAL),
        ("CA", PROVINCE),
        ("CA", {"ca": {"type": "simplified"}}),
        ("IN", {"in": {"type": "simplified"}}),
        ("IS", {"is": {"type": "standard"}}),
        ("NO", {"no": {"type": "standard", "standard": {"place_of_supply_scheme": "inbound_goods"}}}),
    ],
)
def test_each_country_has_its_options(
    world: World, contract: Any, country: str, options: dict[str, Any]
) -> None:
    made = world.post(PATH, active_from="now", country=country, country_options=options)
    # `in` and `is` are words of Python: the library names these two apart, where the comparison looks not.
    apart = {f"tax.registration.country_options.{one}: unknown to the SDK" for one in ("in", "is")}
    assert set(contract.problems(made)) <= apart
    assert (made["country"], made["status"]) == (country, "active")
    [code] = options
    shown = made["country_options"][code]
    assert {name: shown[name] for name in ("type", "state") if name in options[code]} == {
        name: options[code][name] for name in ("type", "state") if name in options[code]
    }
    assert world.get(f"{PATH}/{made['id']}") == made


@pytest.mark.parametrize(
    ("country", "options", "param"),
    [
        ("SE", {"de": {"type": "oss_union"}}, "country_options[de]"),
        ("SE", {"se": {"type": "standard"}}, "country_options[se][standard]"),
        ("SE", {"se": {"type": "free"}}, "country_options[se][type]"),
        ("US", {"us": {"type": "state_sales_tax"}}, "country_options[us][state]"),
        ("US", {"us": {"type": "parking_tax", "state": "IL"}}, "country_options[us][parking_tax]"),
        ("CA", {"ca": {**PROVINCE["ca"], "type": "simplified"}}, "country_options[ca]"),
        ("KP", {"kp": {"type": "standard"}}, "country"),
        ("IN", {"in": {"type": "standard"}}, "country_options[in][type]"),
    ],
)
def test_options_of_another_country_or_type_are_refused(
    world: World, country: str, options: dict[str, Any], param: str
) -> None:
    refused = world.refused(PATH, active_from="now", country=country, country_options=options)
    assert refused["param"] == param


def test_a_registration_begins_and_ends(world: World) -> None:
    later, end = int(moment("2090-01-01").timestamp()), int(moment("2091-01-01").timestamp())
    made = world.post(PATH, active_from=later, expires_at=end, **UNION)
    assert made["status"] == "scheduled" and made["expires_at"] == end
    assert world.post(f"{PATH}/{made['id']}", expires_at="")["expires_at"] is None
    assert world.post(f"{PATH}/{made['id']}", active_from="now")["status"] == "active"
    assert world.refused(f"{PATH}/{made['id']}", active_from=later)["param"] == "active_from"
    ended = world.post(f"{PATH}/{made['id']}", expires_at="now")
    assert ended["status"] == "expired"
    world.post(PATH, active_from="now", **standard("SE"))
    world.post(PATH, active_from=later, **CALIFORNIA)
    for status, count in (("active", 1), ("scheduled", 1), ("expired", 1), ("all", 3)):
        assert len(world.get(PATH, status=status)["data"]) == count, status
    assert world.refused(PATH, active_from=later, expires_at=later, **UNION)["param"] == "expires_at"


@pytest.mark.parametrize(("country", "tax"), [("SE", 100), ("US", 200)])
def test_taxes_by_hand_are_rounded_once_where_the_seller_is_in_the_eu(
    world: World, country: str, tax: int
) -> None:
    """200 lines of 0.02 at 25 %: EN 16931 has 1.00 of tax, and rounding each line 2.00."""
    seller(world, country=country)
    anna = world.customer("anna")
    draft = world.post("/v1/invoices", customer=anna.id, currency="eur", default_tax_rates=[world.tax(25)])[
        "id"
    ]
    for _ in range(200):
        world.post("/v1/invoiceitems", customer=anna.id, invoice=draft, amount=2, currency="eur")
    assert world.post(f"/v1/invoices/{draft}/finalize")["total_taxes"][0]["amount"] == tax


def test_a_customer_says_whether_tax_is_supported_where_they_are(world: World, contract: Any) -> None:
    seller(world, standard("SE"), CALIFORNIA)
    expand = {"expand": ["tax"]}
    for place, said in (
        ({"country": "DE"}, "supported"),
        ({"country": "US", "state": "CA"}, "supported"),
        ({"country": "US", "state": "NY"}, "not_collecting"),
        ({"country": "JP"}, "not_collecting"),
        ({"city": "Nowhere"}, "unrecognized_location"),
    ):
        made = world.post("/v1/customers", address=place, **expand)
        assert contract.problems(made) == [] and made["tax"]["automatic_tax"] == said, place
    moved = world.post(f"/v1/customers/{made['id']}", address={"country": "SE"}, **expand)
    assert moved["tax"]["automatic_tax"] == "supported"
