"""Does an export of cost and usage keep the rules of FOCUS 1.2, and add up to the invoices?"""

import csv
import io
import json
from decimal import Decimal
from typing import Any

import pytest

from billow import reports
from billow.app import App
from billow.flows.reporting import focus
from tests.conftest import shared
from tests.flows.reporting.test_recurring_revenue import instant
from tests.support import focus_rules
from tests.support.world import Customer, World

CRITERIA = {
    "ACCOUNT_NAMING_SUPPORTED",
    "PUBLIC_PRICE_LIST_SUPPORTED",
    "USAGE_MEASUREMENT_SUPPORTED",
    "UNIT_PRICING_SUPPORTED",
    "SUB_ACCOUNT_SUPPORTED",
    "TAGGING_SUPPORTED",
}


def exported(app: App, world: World, customer: str) -> list[dict[str, str]]:
    with app.db.snapshot(world.api.tenant) as tx:
        table = focus.export(tx, customer, instant("2026-01-01"), instant("2027-01-01"))
    text = io.StringIO(reports.csv(table))
    return [{name: value.removeprefix("'") for name, value in row.items()} for row in csv.DictReader(text)]


@pytest.fixture
def anna(world: World) -> Customer:
    """Plans with tax and coupons, tiers, usage in advance and in arrears, a change, and credit notes."""
    world.at("2026-01-01")
    vat = world.tax(25)
    anna = world.customer("Anna")
    calls = world.metered("Calls", world.meter("calls"), tiers=[(100, "10", 500), ("inf", "2.5")])
    pro = world.plan("Pro", usd=20)
    half = world.coupon(percent_off=33, duration="forever")
    one = anna.subscribes_to(
        {"price": pro, "quantity": 3},
        {"price": calls},
        default_tax_rates=[vat],
        discounts=[{"coupon": half}],
        metadata={"team": "core"},
    )
    world.at("2026-01-16")
    anna.uses("calls", 250, "2026-01-10")
    item = next(each["id"] for each in one.now["items"]["data"] if each["price"]["id"] == pro)
    one.update(items=[{"id": item, "quantity": 1}], proration_behavior="always_invoice")
    anna.owes(12345, text="Advice", tax_rates=[world.tax(10, inclusive=True)])
    invoice = anna.bills()
    invoice.does("finalize")
    world.at("2026-03-03")
    world.post("/v1/credit_notes", invoice=invoice.data["id"], amount=1000)
    world.at("2026-03-05")
    return anna


def test_an_export_keeps_the_rules_of_the_model(app: App, world: World, anna: Customer) -> None:
    model = json.loads(shared("standards", "focus", "model-1.2.0.1.json").read_text())
    expected = json.loads(shared("standards", "focus", "sample-1.2.expected.json").read_text())
    rows = exported(app, world, anna.id)
    found = focus_rules.offences(model, focus.COLUMNS, rows, CRITERIA)
    assert {id: text for id, text in found.items() if id not in focus_rules.known_faults(expected)} == {}


def test_the_runner_of_rules_passes_the_sample_and_finds_planted_faults() -> None:
    model = json.loads(shared("standards", "focus", "model-1.2.0.1.json").read_text())
    expected = json.loads(shared("standards", "focus", "sample-1.2.expected.json").read_text())
    rows = list(csv.DictReader(io.StringIO(shared("standards", "focus", "sample-1.2.csv").read_text())))
    columns, every = list(rows[0]), set(model["ApplicabilityCriteria"])
    faults = focus_rules.known_faults(expected)
    assert {id for id in focus_rules.offences(model, columns, rows, every) if id not in faults} == set()
    planted: list[tuple[dict[str, str], str]] = [
        ({"BilledCost": ""}, "BilledCost-C-003-M"),
        ({"BilledCost": "much"}, "BilledCost-C-001-M"),
        ({"ChargeCategory": "Gift"}, "ChargeCategory-C-003-M"),
        ({"BillingPeriodStart": "2026-01-01"}, "BillingPeriodStart-C-002-M"),
    ]
    for change, id in planted:
        assert id in focus_rules.offences(model, columns, [{**rows[0], **change}], every), id
    assert any(
        text.endswith("{'missing': 'ServiceName'}")
        for text in focus_rules.offences(
            model, [name for name in columns if name != "ServiceName"], rows, every
        ).values()
    )


def test_the_billed_costs_of_an_invoice_are_its_total(app: App, world: World, anna: Customer) -> None:
    sums: dict[str, Decimal] = {}
    rows = exported(app, world, anna.id)
    for row in rows:
        sums[row["InvoiceId"]] = sums.get(row["InvoiceId"], Decimal(0)) + Decimal(row["BilledCost"])
    totals = {one["number"]: one["total"] for one in world.get("/v1/invoices", limit=100)["data"]}
    notes = {one["number"]: -one["total"] for one in world.get("/v1/credit_notes", limit=100)["data"]}
    assert {number: int(amount * 100) for number, amount in sums.items()} == {**totals, **notes}
    assert {row["ChargeCategory"] for row in rows} == {"Usage", "Purchase", "Tax", "Credit"}
    assert [row["ChargeClass"] for row in rows if row["InvoiceId"] in notes] == ["Correction"] * 2


def test_usage_has_its_quantity_and_a_subscription_its_tags(app: App, world: World, anna: Customer) -> None:
    rows = exported(app, world, anna.id)
    used: list[Any] = [row for row in rows if row["ChargeCategory"] == "Usage" and row["ConsumedQuantity"]]
    assert {row["ServiceName"] for row in used} == {"Calls"}
    assert {row["ChargeFrequency"] for row in used} == {"Usage-Based"}
    assert {row["Tags"] for row in used} == {'{"team": "core"}'}
    [plan] = [row for row in rows if row["ServiceName"] == "Pro" and row["ListCost"] == "60.00"]
    assert (plan["BilledCost"], plan["ChargeFrequency"]) == ("40.20", "Recurring")
