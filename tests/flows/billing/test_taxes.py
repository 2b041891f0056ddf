"""Tax rates on lines, invoices and subscriptions, and customers who owe none (§2.9, §14.5)."""

from typing import Any

import pytest

from billow.api import rows
from billow.app import App
from billow.flows.invoices.explain import explain
from billow.resources.invoice import Invoice as InvoiceRow
from tests.support.world import Customer, Invoice, World


def merchant(world: World, **customer: Any) -> Customer:
    world.at("2025-01-01")
    return world.customer("anna", **customer)


def taxes(thing: dict[str, Any], name: str = "total_taxes") -> list[int]:
    return [tax["amount"] for tax in thing[name]]


def billed(anna: Customer, *amounts: int, **more: Any) -> Invoice:
    for place, amount in enumerate(amounts):
        anna.owes(amount, f"Work {place}")
    return anna.bills(**more)


@pytest.mark.parametrize(
    ("amount", "percentage", "inclusive", "status", "tax", "total"),
    [
        pytest.param(500, 25, False, "none", 125, 625, id="X77"),
        pytest.param(500, 25, True, "none", 100, 500, id="X78"),
        pytest.param(10000, 10, True, "exempt", 0, 9091, id="X79"),
        pytest.param(10000, 10, False, "exempt", 0, 10000, id="X80"),
    ],
)
def test_one_rate_on_one_line(
    world: World, amount: int, percentage: int, inclusive: bool, status: str, tax: int, total: int
) -> None:
    anna = merchant(world, tax_exempt=status)
    rate = world.tax(percentage, inclusive=inclusive)
    invoice = billed(anna, amount, default_tax_rates=[rate])
    for data in (invoice.data, invoice.does("finalize")):
        assert (taxes(data), data["total"], data["amount_due"]) == ([tax], total, total)
        [line] = data["lines"]["data"]
        assert (line["amount"], line["subtotal"], taxes(line, "taxes")) == (amount, amount, [tax])
        assert data["subtotal"] == amount
        assert data["total_excluding_tax"] == total - tax


def test_each_line_has_rates_of_its_own_x81(world: World) -> None:
    anna = merchant(world)
    five, ten = world.tax(5), world.tax(10)
    invoice = billed(anna, default_tax_rates=[ten]).data["id"]
    anna.owes(500, invoice=invoice, tax_rates=[five])
    anna.owes(1000, invoice=invoice)
    data = world.post(f"/v1/invoices/{invoice}/finalize")
    assert data["total"] == 1625
    assert [(tax["amount"], tax["taxable_amount"]) for tax in data["total_taxes"]] == [(25, 500), (100, 1000)]
    assert {tax["tax_rate_details"]["tax_rate"] for tax in data["total_taxes"]} == {five, ten}
    assert [rate["id"] for rate in data["default_tax_rates"]] == [ten]


def test_each_line_is_rounded_by_itself_x82(world: World) -> None:
    anna = merchant(world)
    data = billed(anna, 100000, 5000, default_tax_rates=[world.tax(10, inclusive=True)]).data
    assert (taxes(data), data["total_excluding_tax"], data["total"]) == ([9546], 95454, 105000)


@pytest.mark.parametrize(
    ("rates", "amounts", "lines", "total"),
    [
        pytest.param([(5, False)], [68], [[23], [45]], 1418, id="X84"),
        pytest.param([(5, True)], [64], [[21], [43]], 1350, id="X85"),
        pytest.param([(5, True), (7, False)], [64, 90], [[21, 30], [43, 60]], 1440, id="X86"),
    ],
)
def test_tax_is_reckoned_on_what_discounts_leave(
    world: World, rates: list[tuple[int, bool]], amounts: list[int], lines: list[list[int]], total: int
) -> None:
    anna = merchant(world)
    ids = [world.tax(percentage, inclusive=inclusive) for percentage, inclusive in rates]
    terms = {"default_tax_rates": ids, "discounts": [{"coupon": world.coupon(percent_off=10)}]}
    data = billed(anna, 1000, 500, **terms).does("finalize")
    assert (taxes(data), data["total"], data["subtotal"]) == (amounts, total, 1500)
    assert [taxes(line, "taxes") for line in data["lines"]["data"]] == lines
    assert [entry["amount"] for entry in data["total_discount_amounts"]] == [150]


def test_a_subscription_gives_its_rates_to_its_invoices_and_an_item_has_its_own(world: World) -> None:
    anna = merchant(world)
    five, ten = world.tax(5), world.tax(10)
    items = [
        {"price": world.plan("Gold", usd=10)},
        {"price": world.plan("Extra", usd=20), "tax_rates": [five]},
    ]
    plan = anna.subscribes_to(*items, default_tax_rates=[ten])
    assert [rate["id"] for rate in plan.now["default_tax_rates"]] == [ten]
    assert [[rate["id"] for rate in item["tax_rates"]] for item in plan.now["items"]["data"]] == [[], [five]]
    first = anna.last_invoice.data
    assert (sorted(taxes(first)), first["total"]) == ([100, 100], 3200)
    plan.update(default_tax_rates="", items=[{"id": plan.now["items"]["data"][1]["id"], "tax_rates": ""}])
    world.at("2025-02-01 01:00")
    second = anna.last_invoice.data
    assert (second["total_taxes"], second["default_tax_rates"], second["total"]) == ([], [], 3000)


def test_invoices_by_hand_have_not_the_rates_of_a_subscription(world: World) -> None:
    anna = merchant(world)
    plan = anna.subscribes_to(world.plan("Gold", usd=10), default_tax_rates=[world.tax(10)])
    anna.owes(1000, subscription=plan.id)
    assert billed(anna, subscription=plan.id).data["total_taxes"] == []


def test_a_proration_has_the_rates_of_its_item(world: World) -> None:
    anna = merchant(world)
    world.at("2025-04-01")
    ten = world.tax(10)
    plan = anna.subscribes_to({"price": world.plan("Gold", usd=10), "tax_rates": [ten]})
    item = plan.now["items"]["data"][0]["id"]
    world.at("2025-04-16")
    plan.update(items=[{"id": item, "quantity": 3}], proration_behavior="always_invoice")
    data = anna.last_invoice.data
    assert [line["amount"] for line in data["lines"]["data"]] == [-500, 1500]
    assert (taxes(data), data["total"]) == ([100], 1100)


def test_a_reverse_charge_is_said_and_not_asked(world: World) -> None:
    anna = merchant(world, tax_exempt="reverse")
    data = billed(anna, 10000, default_tax_rates=[world.tax(20)]).does("finalize")
    [tax] = data["total_taxes"]
    assert (tax["taxability_reason"], tax["amount"], tax["taxable_amount"]) == ("reverse_charge", 0, 10000)
    assert data["customer_tax_exempt"] == "reverse"


def test_who_is_exempt_when_the_draft_is_finalized_is_not_taxed(world: World) -> None:
    anna = merchant(world)
    invoice = billed(anna, 10000, default_tax_rates=[world.tax(20)])
    assert invoice.data["total"] == 12000
    world.post(f"/v1/customers/{anna.id}", tax_exempt="exempt")
    data = invoice.does("finalize")
    assert (data["total"], data["customer_tax_exempt"]) == (10000, "exempt")
    world.post(f"/v1/customers/{anna.id}", tax_exempt="none")
    assert invoice.now["customer_tax_exempt"] == "exempt"


def test_a_draft_is_reckoned_again_with_every_change(world: World) -> None:
    anna = merchant(world)
    ten, five = world.tax(10), world.tax(5)
    invoice = billed(anna, 1000, default_tax_rates=[ten])
    path = f"/v1/invoices/{invoice.data['id']}"
    item = anna.owes(2000, invoice=invoice.data["id"])
    assert invoice.now["total"] == 3300
    world.post(f"/v1/invoiceitems/{item}", tax_rates=[five])
    assert invoice.now["total"] == 3200
    assert world.post(path, default_tax_rates="")["total"] == 3100
    assert world.post(path, discounts=[{"coupon": world.coupon(percent_off=50)}])["total"] == 1550
    assert world.post(path, discounts="")["total"] == 3100
    world.delete(f"/v1/invoiceitems/{item}")
    assert invoice.now["total"] == 1000
    invoice.does("finalize")
    assert world.refused(path, default_tax_rates=[ten])["code"] == "invoice_not_editable"


def test_the_books_owe_each_jurisdiction_its_tax_until_it_is_void(app: App, world: World) -> None:
    anna = merchant(world, card=None)
    rates = [world.tax(20, jurisdiction="DE"), world.tax(7, "Lodging", country="US", state="CA")]
    invoice = billed(anna, 1000, default_tax_rates=rates)
    invoice.does("finalize")
    accounts = "select credit, amount from ledger_transfers where credit ^@ 'tax_payable' order by credit"
    with app.db.transaction(world.api.tenant) as tx:
        assert tx.tuples(accounts) == [("tax_payable:DE", 200), ("tax_payable:US-CA", 70)]
    invoice.does("void")
    with app.db.transaction(world.api.tenant) as tx:
        back = tx.tuples(accounts.replace("credit", "debit"))
    assert back == [("tax_payable:DE", 200), ("tax_payable:US-CA", 70)]


def test_what_is_earned_is_without_tax(app: App, world: World) -> None:
    anna = merchant(world)
    world.at("2025-04-01")
    anna.subscribes_to(
        world.plan("Gold", usd=110),
        default_tax_rates=[world.tax(10, inclusive=True)],
        discounts=[{"coupon": world.coupon(percent_off=50, duration="forever")}],
    )
    world.at("2025-05-01")
    earned = "select sum(amount)::bigint from ledger_transfers where credit ^@ 'revenue:'"
    with app.db.transaction(world.api.tenant) as tx:
        assert tx.tuples(earned) == [(5000,)]


@pytest.mark.parametrize(
    ("rates", "param"), [(["txr_none"], "default_tax_rates[0]"), (["{old}"], "default_tax_rates[0]")]
)
def test_a_rate_that_is_not_there_or_archived_cannot_be_attached(
    world: World, rates: list[str], param: str
) -> None:
    anna = merchant(world)
    old = world.tax(5)
    world.post(f"/v1/tax_rates/{old}", active=False)
    sent = [rate.format(old=old) for rate in rates]
    assert world.refused("/v1/invoices", customer=anna.id, default_tax_rates=sent)["param"] == param


def test_a_rate_that_is_archived_goes_on_where_it_is(world: World) -> None:
    anna = merchant(world)
    ten = world.tax(10)
    anna.subscribes_to(world.plan("Gold", usd=10), default_tax_rates=[ten])
    world.post(f"/v1/tax_rates/{ten}", active=False)
    world.at("2025-02-01 01:00")
    assert anna.last_invoice.data["total"] == 1100


def test_at_most_five_default_rates_and_ten_on_a_line(world: World) -> None:
    anna = merchant(world)
    many = [world.tax(number) for number in range(11)]
    assert world.refused("/v1/invoices", customer=anna.id, default_tax_rates=many[:6])["status"] == 400
    form = {"customer": anna.id, "amount": 100, "currency": "usd"}
    assert world.refused("/v1/invoiceitems", **form, tax_rates=many)["status"] == 400
    assert len(world.post("/v1/invoiceitems", **form, tax_rates=many[:10])["tax_rates"]) == 10


def test_an_invoice_explains_its_discounts_and_taxes(app: App, world: World) -> None:
    anna = merchant(world)
    coupon = world.coupon(percent_off=10, name="Launch")
    rates = [world.tax(5, "Levy", inclusive=True), world.tax(7)]
    id = billed(anna, 500, default_tax_rates=rates, discounts=[{"coupon": coupon}]).data["id"]
    world.post(f"/v1/invoices/{id}/finalize")
    world.post(f"/v1/coupons/{coupon}", name="Renamed")
    with app.db.transaction(world.api.tenant) as tx:
        told = [" ".join(line.split()) for line in explain(tx, rows.find(tx, InvoiceRow, id))]
    for line in (
        "amount $5.00",
        "discount Launch (10% off) = -$0.50, of the invoice",
        "tax Levy (5%) inclusive, on $4.29 = $0.21",
        "tax VAT (7%) exclusive, on $4.29 = $0.30",
        "net $4.29",
        "discount Launch (10% off) = -$0.50",
        "tax VAT (7%) exclusive = $0.30",
        "total $4.80",
    ):
        assert line in told, told
