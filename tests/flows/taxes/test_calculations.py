"""Are the taxes of sales made elsewhere calculated, recorded and reversed, without losing a unit?"""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from billow.flows.taxes import loaded
from billow.flows.taxes.transactions import Left, spread
from billow.providers.taxes.table import read
from billow.resources.tax_transaction import TransactionLineItem
from tests.flows.taxes.sellers import CALIFORNIA, UNION, seller, standard
from tests.providers.test_taxes import FILE
from tests.support.world import World

HOME = standard("SE")
GERMAN = {"address": {"country": "DE", "postal_code": "10115"}, "address_source": "billing"}
ADDRESS, MISSING = "customer_details[address]", "resource_missing"
TWO = [
    {"amount": 1000, "reference": "hosting", "quantity": 2, "tax_code": "txcd_10010001"},
    {"amount": 1190, "reference": "backup", "tax_behavior": "inclusive"},
]


def calculated(world: World, **more: Any) -> dict[str, Any]:
    sent = {"currency": "eur", "customer_details": GERMAN, "line_items": TWO, **more}
    return world.post("/v1/tax/calculations", expand=["line_items.data.tax_breakdown"], **sent)


@pytest.fixture
def world(world: World) -> World:
    return seller(world, HOME, UNION)


def test_a_calculation_shows_the_taxes_of_each_line(world: World, contract: Any) -> None:
    made = calculated(world, shipping_cost={"amount": 500})
    assert contract.problems(made) == []
    assert made["tax_amount_exclusive"] == 190 + 95 and made["tax_amount_inclusive"] == 190
    assert made["amount_total"] == 1000 + 1190 + 500 + 285
    assert [line["amount_tax"] for line in made["line_items"]["data"]] == [190, 190]
    [part] = made["line_items"]["data"][0]["tax_breakdown"]
    name, percentage = (
        part["tax_rate_details"]["display_name"],
        part["tax_rate_details"]["percentage_decimal"],
    )
    assert (name, percentage) == ("MwSt DE", "19")
    assert part["jurisdiction"]["country"] == "DE" and part["taxability_reason"] == "standard_rated"
    assert made["shipping_cost"]["amount_tax"] == 95
    assert made["customer_details"]["taxability_override"] == "none"
    again = world.get(f"/v1/tax/calculations/{made['id']}")
    assert "line_items" not in again and again["tax_date"] == made["tax_date"]
    lines = world.get(f"/v1/tax/calculations/{made['id']}/line_items", limit=1)
    assert [line["reference"] for line in lines["data"]] == ["hosting"] and lines["has_more"]


@pytest.mark.parametrize(
    ("details", "tax"),
    [
        ({**GERMAN, "tax_ids": [{"type": "eu_vat", "value": "DE136695976"}]}, 0),
        ({**GERMAN, "taxability_override": "customer_exempt"}, 0),
        ({**GERMAN, "taxability_override": "reverse_charge"}, 0),
        ({"address": {"country": "SE"}}, 250),
    ],
)
def test_the_customer_decides_the_tax(world: World, details: dict[str, Any], tax: int) -> None:
    made = calculated(world, customer_details=details, line_items=[{"amount": 1000}])
    assert made["tax_amount_exclusive"] == tax


def test_a_customer_brings_their_address_and_numbers(world: World) -> None:
    number = {"type": "eu_vat", "value": "DE136695976"}
    anna = world.customer("anna", address={"country": "DE"}, tax_id_data=[number])
    made = world.post("/v1/tax/calculations", currency="eur", customer=anna.id, line_items=[{"amount": 1000}])
    assert made["customer_details"]["tax_ids"] == [number] and made["tax_amount_exclusive"] == 0
    assert made["tax_breakdown"][0]["taxability_reason"] == "reverse_charge"


@pytest.mark.parametrize(
    ("more", "param", "code"),
    [
        ({"customer_details": {"ip_address": "203.0.113.1"}}, ADDRESS, "parameter_missing"),
        ({"customer_details": {"address": {"country": "US"}}}, ADDRESS, "customer_tax_location_invalid"),
        ({"line_items": [{"amount": -1}]}, "line_items[0][amount]", None),
        ({"line_items": [{"amount": 1, "reference": "a"}] * 2}, "line_items", None),
        ({"line_items": [{"amount": 1, "tax_code": "txcd_1"}]}, "line_items[0][tax_code]", MISSING),
        ({"tax_date": 1577836800}, "tax_date", None),
        ({"shipping_cost": {"tax_behavior": "exclusive"}}, "shipping_cost[amount]", "parameter_missing"),
        (
            {"customer_details": {**GERMAN, "tax_ids": [{"type": "eu_vat", "value": "?"}]}},
            "customer_details[tax_ids][0][value]",
            "tax_id_invalid",
        ),
    ],
)
def test_what_cannot_be_calculated_is_refused(
    world: World, more: dict[str, Any], param: str, code: str | None
) -> None:
    sent = {"currency": "eur", "customer_details": GERMAN, "line_items": TWO, **more}
    refused = world.refused("/v1/tax/calculations", **sent)
    assert (refused["param"], refused.get("code")) == (param, code)


def test_without_a_head_office_nothing_is_calculated(worlds: Any) -> None:
    refused = worlds().refused(
        "/v1/tax/calculations", currency="eur", customer_details=GERMAN, line_items=[{"amount": 1}]
    )
    assert refused["code"] == "stripe_tax_inactive"


def test_a_sale_is_recorded_once_and_reversed_line_by_line(world: World, contract: Any) -> None:
    source = calculated(world, shipping_cost={"amount": 500})
    sent = {"calculation": source["id"], "reference": "order 1", "metadata": {"a": "1"}}
    path = "/v1/tax/transactions/create_from_calculation"
    made = world.post(path, expand=["line_items"], **sent)
    assert contract.problems(made) == []
    assert (made["type"], made["reference"], made["metadata"]) == ("transaction", "order 1", {"a": "1"})
    assert world.refused(path, **{**sent, "reference": "order 2"})["param"] == "calculation"
    more = calculated(world)["id"]
    assert world.refused(path, calculation=more, reference="order 1")["param"] == "reference"
    first = made["line_items"]["data"][0]
    reverse = "/v1/tax/transactions/create_reversal"
    one = {"original_line_item": first["id"], "amount": -600, "amount_tax": -114, "reference": "r"}
    common = {"mode": "partial", "original_transaction": made["id"]}
    part = world.post(reverse, reference="refund 1", line_items=[one], expand=["line_items"], **common)
    assert contract.problems(part) == []
    [line] = part["line_items"]["data"]
    assert (line["amount"], line["amount_tax"], line["reversal"]) == (
        -600,
        -114,
        {"original_line_item": first["id"]},
    )
    refused = world.refused(reverse, reference="refund 2", line_items=[one], **common)
    assert refused["param"] == "line_items"
    rest = world.post(
        reverse, mode="full", original_transaction=made["id"], reference="refund 3", expand=["line_items"]
    )
    assert [line["amount"] for line in rest["line_items"]["data"]] == [-400, -1190]
    assert rest["shipping_cost"]["amount"] == -500 and rest["shipping_cost"]["amount_tax"] == -95
    over = world.refused(reverse, mode="full", original_transaction=made["id"], reference="refund 4")
    assert "fully reversed" in over["message"]
    assert world.get(f"/v1/tax/transactions/{part['id']}")["reversal"] == {"original_transaction": made["id"]}
    listed = world.get(f"/v1/tax/transactions/{made['id']}/line_items")["data"]
    assert [line["reference"] for line in listed] == ["hosting", "backup"]


def test_a_flat_amount_is_spread_with_its_tax(world: World) -> None:
    made = world.post(
        "/v1/tax/transactions/create_from_calculation", calculation=calculated(world)["id"], reference="order"
    )
    flat = world.post(
        "/v1/tax/transactions/create_reversal",
        mode="partial",
        original_transaction=made["id"],
        reference="refund",
        flat_amount=-1190,
        expand=["line_items"],
    )
    hosting, backup = flat["line_items"]["data"]
    assert (hosting["amount"], hosting["amount_tax"]) == (-500, -95)
    assert (backup["amount"], backup["amount_tax"]) == (-595, -95)


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 10**5), st.booleans()), min_size=1, max_size=6),
    st.integers(1, 10**6),
)
def test_spreading_loses_no_unit(lines: list[tuple[int, int, bool]], amount: int) -> None:
    left = {
        str(place): Left(net + (tax if inclusive else 0), tax, inclusive)
        for place, (net, tax, inclusive) in enumerate(lines)
    }
    whole = sum(one.gross for one in left.values())
    if amount > whole:
        return
    items = [TransactionLineItem(id=id, reference="", quantity=1) for id in left]
    parts, shipping = spread(amount, items, left, Left(0, 0, False))
    assert shipping == (0, 0)
    gross = [-part.amount if left[part.line.id].inclusive else -part.amount - part.tax for part in parts]
    assert sum(gross) == amount
    for part in parts:
        assert -part.tax <= left[part.line.id].tax and -part.amount <= left[part.line.id].amount


def test_stacked_taxes_come_from_the_account_s_table(worlds: Any, app: Any) -> None:

    world = seller(worlds(), CALIFORNIA, country="US")
    with app.db.transaction(world.api.tenant) as tx:
        assert loaded.load(tx, read(FILE)) == {"CA": 3, "GB": 2, "US": 4}
    address = {"country": "US", "state": "CA", "city": "Los Angeles", "postal_code": "90012"}
    made = world.post(
        "/v1/tax/calculations",
        currency="usd",
        customer_details={"address": address},
        line_items=[{"amount": 10000, "tax_code": "txcd_10302000"}],
    )
    found = {one["tax_rate_details"]["percentage_decimal"]: one["amount"] for one in made["tax_breakdown"]}
    assert found == {"6": 600, "0.25": 25, "0.5": 50}
