"""Can a catalog be exported and applied again, and does a plan list what an apply changes?"""

from pathlib import Path
from typing import Any

import pytest

from billow import commands
from billow.core.errors import Refused
from billow.flows.catalog import catalog_file
from billow.flows.outside import seller_changes
from tests.conftest import new_caller

FILE = """
products:
  - id: gpu
    name: GPU hours
    metadata: {team: compute}
    default_price: gpu_hour
  - id: seats
    name: Seats
    marketing_features:
      - name: All you can sit
meters:
  - event_name: gpu_seconds
    display_name: GPU seconds
    default_aggregation: {formula: sum}
prices:
  - lookup_key: gpu_hour
    product: gpu
    currency: usd
    billing_scheme: tiered
    tiers_mode: graduated
    recurring: {interval: month, usage_type: metered, meter: gpu_seconds}
    tiers:
      - {up_to: 100, unit_amount: 0, flat_amount: 500}
      - {up_to: inf, unit_amount_decimal: 0.0125}
  - key: seat
    product: seats
    currency: usd
    unit_amount: 900
    recurring: {interval: year}
    currency_options:
      eur: {unit_amount: 850}
"""


def plan(api: Any, text: str) -> list[tuple[str, str, str, tuple[str, ...]]]:
    steps = catalog_file.plan(api.app.db, api.tenant, text)
    return [(step.action, step.section, step.key, step.fields) for step in steps]


def apply(api: Any, text: str) -> list[tuple[str, str, str, tuple[str, ...]]]:
    with api.app.db.transaction(api.tenant) as tx:
        steps = catalog_file.apply(tx, text)
    return [(step.action, step.section, step.key, step.fields) for step in steps]


def export(api: Any) -> str:
    with api.app.db.transaction(api.tenant) as tx:
        return catalog_file.export(tx)


def prices(api: Any, **query: Any) -> dict[str, Any]:
    found = api.get("/v1/prices", {"expand[]": "data.tiers", **query})["data"]
    return {
        price["lookup_key"] or price["metadata"].get("catalog_key", price["id"]): price for price in found
    }


def test_a_plan_changes_nothing_and_lists_what_apply_changes(api: Any) -> None:
    planned = plan(api, FILE)
    assert [step[:3] for step in planned] == [
        ("create", "products", "gpu"),
        ("create", "products", "seats"),
        ("create", "meters", "gpu_seconds"),
        ("create", "prices", "gpu_hour"),
        ("create", "prices", "seat"),
        ("change", "products", "gpu"),
    ]
    assert api.get("/v1/products")["data"] == [] and api.get("/v1/events")["data"] == []
    assert apply(api, FILE) == planned
    made = prices(api)
    assert made["gpu_hour"]["tiers"][1]["unit_amount_decimal"] == "0.0125"
    assert made["gpu_hour"]["recurring"]["meter"] == api.get("/v1/billing/meters")["data"][0]["id"]
    assert made["seat"]["unit_amount"] == 900
    assert api.get("/v1/products/gpu")["default_price"] == made["gpu_hour"]["id"]


def test_a_second_apply_changes_nothing(api: Any) -> None:
    apply(api, FILE)
    assert plan(api, FILE) == []
    events = len(api.event_types())
    assert apply(api, FILE) == [] and len(api.event_types()) == events


def test_an_export_applied_changes_nothing_here_and_copies_there(api: Any, other: Any) -> None:
    apply(api, FILE)
    api.post("/v1/prices", {"product": "seats", "currency": "usd", "unit_amount": "5"})
    text = export(api)
    assert plan(api, text) == []
    assert len(apply(other, text)) == 7 and plan(other, text) == []
    assert export(other) == text


def test_an_entry_is_updated_and_its_metadata_removed(api: Any) -> None:
    apply(api, FILE)
    text = FILE.replace("GPU hours", "GPU time").replace("{team: compute}", "{crew: one}")
    text = text.replace("GPU seconds", "Seconds")
    assert apply(api, text) == [
        ("change", "products", "gpu", ("metadata", "name")),
        ("change", "meters", "gpu_seconds", ("display_name",)),
    ]
    product = api.get("/v1/products/gpu")
    assert product["name"] == "GPU time" and product["metadata"] == {"crew": "one"}
    assert plan(api, text) == []


def test_a_price_that_changes_is_replaced_and_the_old_one_archived(api: Any) -> None:
    apply(api, FILE)
    before = prices(api)
    text = FILE.replace("0.0125", "0.02").replace("unit_amount: 900", "unit_amount: 950")
    assert apply(api, text) == [
        ("replace", "prices", "gpu_hour", ("tiers",)),
        ("replace", "prices", "seat", ("unit_amount",)),
    ]
    after = prices(api, active="true")
    assert after["gpu_hour"]["id"] != before["gpu_hour"]["id"] and after["seat"]["unit_amount"] == 950
    assert api.get("/v1/products/gpu")["default_price"] == after["gpu_hour"]["id"]
    assert api.get(f"/v1/prices/{before['seat']['id']}")["active"] is False
    assert plan(api, text) == []


def test_an_object_missing_in_the_file_is_archived_and_reactivated_later(api: Any) -> None:
    apply(api, FILE)
    small = "products:\n  - {id: gpu, name: GPU hours, metadata: {team: compute}}\nmeters: []\n"
    assert {step[:3] for step in apply(api, small)} == {
        ("archive", "products", "seats"),
        ("archive", "meters", "gpu_seconds"),
    }
    assert api.get("/v1/products/seats")["active"] is False
    assert len(api.get("/v1/prices", {"active": "true"})["data"]) == 2, "prices are not in the file"
    assert plan(api, small) == []
    assert {step[:3] for step in apply(api, FILE)} == {
        ("change", "products", "seats"),
        ("change", "meters", "gpu_seconds"),
    }
    assert plan(api, FILE) == []
    apply(api, "prices: []\n")
    assert [price["lookup_key"] for price in api.get("/v1/prices", {"active": "true"})["data"]] == [
        "gpu_hour"
    ]


def test_coupons_tax_rates_and_features_are_in_the_file(api: Any, other: Any) -> None:
    if "coupons" not in {section.name for section, _ in catalog_file.sections()}:
        pytest.skip("these nouns are not there")
    api.post("/v1/coupons", {"id": "SPRING", "percent_off": "12.5", "duration": "once"})
    api.post("/v1/tax_rates", {"display_name": "VAT", "percentage": "19", "inclusive": "false"})
    api.post("/v1/entitlements/features", {"name": "Logs", "lookup_key": "logs"})
    text = export(api)
    assert plan(api, text) == []
    assert {step[1] for step in apply(other, text)} == {"coupons", "tax_rates", "features"}
    assert plan(other, text) == []
    assert other.get("/v1/coupons/SPRING")["percent_off"] == 12.5
    with pytest.raises(Refused, match="coupons SPRING: percent_off cannot be changed"):
        plan(other, text.replace("12.5", "20"))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("products: [", "not YAML"),
        ("dragons: []", "no section dragons"),
        ("products: {}", "must be a list"),
        ("products: [{name: A}]", "has no id"),
        ("products: [{id: a, name: A}, {id: a, name: B}]", "a is there twice"),
        ("products: [{id: a, nmae: A}]", "products a: Received unknown parameter: nmae"),
        ("products: [{id: a, name: A, name: B}]", "not YAML"),
        ("prices: [{key: p, product: none, currency: usd, unit_amount: 1}]", "No such product"),
        ("- a", "hash of lists"),
    ],
)
def test_an_invalid_file_is_refused_with_a_reason(api: Any, text: str, words: str) -> None:
    with pytest.raises(Refused, match=words):
        plan(api, text)


def test_accounts_have_two_modes_and_never_meet(app: Any) -> None:
    id, keys = commands.create_account(app, "Acme")
    assert [key[:8] for key in keys] == ["sk_test_", "sk_live_"]
    assert [id, "Acme"] in [row[:2] for row in commands.account_rows(app)]
    with app.db.transaction(f"{id}/test") as tx:
        seller_changes.change(tx, {"name": "Acme Europe"})
    assert [id, "Acme Europe"] in [row[:2] for row in commands.account_rows(app)]
    test, live = new_caller(app, "test", id), new_caller(app, "live", id)
    made = test.post("/v1/customers", Authorization=f"Bearer {keys[0]}")
    assert made["livemode"] is False and live.get(f"/v1/customers/{made['id']}").status == 404


def test_keys_are_made_and_rolled_on_the_command_line(app: Any, api: Any) -> None:
    key = commands.create_key(app, "test", "restricted", "reader", ["customers=read"])
    [row] = [row for row in commands.key_rows(app, "test") if row[1] == "reader"]
    assert row[2] == "restricted" and row[4] == "customers=read" and row[3].endswith(key[-4:])
    assert api.get("/v1/customers", Authorization=f"Bearer {key}").status == 200
    assert api.get("/v1/products", Authorization=f"Bearer {key}").status == 403
    successor = commands.roll_key(app, "test", row[0], 60)
    for one in (key, successor):
        assert api.get("/v1/customers", Authorization=f"Bearer {one}").status == 200
    with pytest.raises(Refused, match="noun=read"):
        commands.create_key(app, "test", "restricted", "", ["customers"])


def test_the_guides_example_is_a_catalog(api: Any) -> None:
    page = (Path(__file__).parents[3] / "docs" / "guide" / "catalog.md").read_text()
    text = page.split("```yaml\n")[1].split("```")[0]
    assert apply(api, text) and plan(api, text) == []
