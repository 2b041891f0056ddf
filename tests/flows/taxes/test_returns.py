"""Do the reports for VAT, the one-stop shop and the EC sales list say what was invoiced?"""

from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from billow import reports
from billow.app import App
from billow.core.books.treatments import UNTAXED, Rate, treatment_of
from billow.flows.outside import merchant
from billow.flows.outside import seller as sellers
from billow.store import migrate
from tests.flows.platform.test_sellers import Of
from tests.flows.taxes.sellers import UNION, buyer, seller, standard, taxed
from tests.support.world import World

NUMBER = {"tax_id_data": [{"type": "eu_vat", "value": "DE 136 695 976"}]}
[MIGRATION] = (Path(migrate.__file__).parent / "migrations").glob("*_export_of_goods.sql")
YEAR = {"from": datetime(2026, 1, 1, tzinfo=UTC), "to": datetime(2027, 1, 1, tzinfo=UTC)}


def test_the_returns_have_each_sale_at_its_treatment(app: App, world: World) -> None:
    seller(world, standard("SE"), UNION)
    sold: list[tuple[Any, int]] = [
        (buyer(world, "SE"), 1000),
        (buyer(world, "DE"), 2000),
        (buyer(world, "DE", **NUMBER), 3000),
        (buyer(world, "US-CA"), 4000),
    ]
    for customer, amount in sold:
        world.post(f"/v1/invoices/{taxed(world, customer, amount)['id']}/finalize")
    void = world.post(f"/v1/invoices/{taxed(world, sold[1][0], 500)['id']}/finalize")
    with app.db.snapshot(world.api.tenant) as tx:
        before = reports.run(tx, "oss", **YEAR).rows
    assert [tuple(row) for row in before] == [("DE", "19", "standard", "eur", 2500, 475)]
    world.post(f"/v1/invoices/{void['id']}/void")
    with app.db.snapshot(world.api.tenant) as tx:
        vat = [tuple(row) for row in reports.run(tx, "vat", **YEAR).rows]
        shop = [tuple(row) for row in reports.run(tx, "oss", **YEAR).rows]
        listed = [tuple(row) for row in reports.run(tx, "ec_sales", **YEAR).rows]
    assert vat == [
        ("DE", "DE", "eu_reverse_charge", "0", "eur", 3000, 0),
        ("DE", "DE", "oss", "19", "eur", 2000, 380),
        ("SE", "SE", "domestic", "25", "eur", 1000, 250),
        ("US", "US", "export_service", "0", "eur", 4000, 0),
    ]
    assert shop == [("DE", "19", "standard", "eur", 2000, 380)]
    assert listed == [("DE", "DE136695976", "services", "eur", 3000)]


def rows_of(app: App, world: World, report: str) -> list[tuple[Any, ...]]:
    with app.db.snapshot(world.api.tenant) as tx:
        return [tuple(row) for row in reports.run(tx, report, **YEAR).rows]


def test_what_is_credited_or_refunded_is_deducted(app: App, world: World) -> None:
    """Of 100.00 and 19.00 of tax, 20.00 is credited, then 23.80 refunded; the books owe the same tax."""
    seller(world, standard("SE"), UNION)
    consumer, business = buyer(world, "DE"), buyer(world, "DE", **NUMBER)
    sold = world.post(f"/v1/invoices/{taxed(world, consumer, 10000)['id']}/finalize")
    traded = world.post(f"/v1/invoices/{taxed(world, business, 5000)['id']}/finalize")
    for invoice, amount in ((sold, 2380), (traded, 1000)):
        world.post("/v1/credit_notes", invoice=invoice["id"], amount=amount)
    assert rows_of(app, world, "oss") == [("DE", "19", "standard", "eur", 8000, 1520)]
    assert rows_of(app, world, "ec_sales") == [("DE", "DE136695976", "services", "eur", 4000)]
    paid = world.post(f"/v1/invoices/{sold['id']}/pay", expand=["payments"])
    intent = paid["payments"]["data"][0]["payment"]["payment_intent"]
    world.post("/v1/refunds", payment_intent=intent, amount=2380)
    assert rows_of(app, world, "oss") == [("DE", "19", "standard", "eur", 6000, 1140)]
    with app.db.transaction(world.api.tenant) as tx:
        booked = tx.one(
            "select sum(case when credit like 'tax_payable:%%' then amount else -amount end)::bigint as n"
            " from ledger_transfers where credit like 'tax_payable:%%' or debit like 'tax_payable:%%'"
        )
    assert booked == {"n": 1140}


def test_a_voided_invoice_takes_its_credit_notes_along(app: App, world: World) -> None:
    """The note of the voiding is its document and counts nothing: it would be deducted twice."""
    seller(world, standard("SE"), UNION)
    with app.db.transaction(world.api.tenant) as tx:
        merchant.store(tx, merchant.Merchant(void_credit_notes=True))
    sold = world.post(f"/v1/invoices/{taxed(world, buyer(world, 'DE'), 10000)['id']}/finalize")
    note = world.post("/v1/credit_notes", invoice=sold["id"], amount=2380)
    other = world.post("/v1/credit_notes", invoice=sold["id"], amount=1190)
    world.post(f"/v1/credit_notes/{other['id']}/void")
    assert rows_of(app, world, "vat") == [("DE", "DE", "oss", "19", "eur", 8000, 1520)]
    world.post(f"/v1/invoices/{sold['id']}/void")
    assert 9520 in [one["total"] for one in world.get("/v1/credit_notes", invoice=sold["id"])["data"]]
    assert rows_of(app, world, "vat") == rows_of(app, world, "oss") == []
    assert note["total"] == 2380


def test_what_is_credited_whole_is_on_no_return(app: App, world: World) -> None:
    """A period's return states sums, and authorities want no line of nothing; the vouchers list both."""
    seller(world, standard("SE"), UNION)
    for customer in (buyer(world, "DE"), buyer(world, "DE", **NUMBER)):
        sold = world.post(f"/v1/invoices/{taxed(world, customer, 10000)['id']}/finalize")
        world.post("/v1/credit_notes", invoice=sold["id"], amount=sold["total"])
    assert [rows_of(app, world, name) for name in ("vat", "oss", "ec_sales")] == [[], [], []]


def test_a_rate_by_hand_is_treated_in_reports_as_in_the_books(app: App, world: World) -> None:
    """One of the seller's country is domestic, whatever it is called; one of another country is by hand."""
    seller(world, country="DE")
    with app.db.transaction(world.api.tenant) as tx:
        sellers.store(tx, tx.account, country="DE")
    anna = world.customer("anna")
    for amount, country in ((1000, {"country": "DE"}), (2000, {"country": "SE"}), (3000, {})):
        rate = world.tax(19, display_name="USt", **country)
        anna.owes(amount, currency="eur", tax_rates=[rate])
    anna.bills(currency="eur").does("finalize")
    berta = world.customer(
        "berta", tax_exempt="reverse", tax_id_data=[{"type": "eu_vat", "value": "EL094259216"}]
    )
    berta.owes(500, currency="eur", tax_rates=[world.tax(19, display_name="USt", country="DE")])
    berta.bills(currency="eur").does("finalize")
    assert rows_of(app, world, "vat") == [
        ("DE", "DE", "domestic", "19", "eur", 1000, 190),
        ("DE", "DE", "eu_reverse_charge", "19", "eur", 500, 0),
        ("SE", "SE", "by_hand", "19", "eur", 2000, 380),
        (None, "USt", "domestic", "19", "eur", 3000, 570),
    ]
    assert rows_of(app, world, "ec_sales") == [("GR", "EL094259216", "services", "eur", 500)]


REASONS = ("standard_rated", "reverse_charge", *sorted(UNTAXED))


class Undone(Exception):
    """Takes back what a test wrote that no invoice says."""


def test_the_view_of_tax_entries_treats_each_rate_by_the_rule_of_the_books(app: App, world: World) -> None:
    """Every kind of rate, by hand and automatic, for every reason."""
    seller(world)
    with app.db.transaction(world.api.tenant) as tx:
        sellers.store(tx, tx.account, country="SE")
    countries: list[dict[str, Any]] = [{}, {"country": "SE"}, {"country": "DE"}]
    rates = [world.tax(percentage, **country) for percentage in (0, 25) for country in countries]
    anna = world.customer("anna")
    for rate in rates:
        anna.owes(1000, currency="eur", tax_rates=[rate])
    anna.bills(currency="eur").does("finalize")
    says = "jsonb_set(taxes, '{0,taxability_reason}', to_jsonb(%(reason)s::text))"
    found: list[tuple[Any, ...]] = []
    with suppress(Undone), app.db.transaction(world.api.tenant) as tx:
        for reason in ("standard_rated", "reverse_charge", *sorted(UNTAXED)):
            tx.run(f"update invoice_lines set taxes = {says}", reason=reason)
            found += tx.tuples(
                "select e.treatment, e.reason, r.id, r.percentage, r.country from tax_entries e"
                " join tax_rates r on r.id = e.tax_rate"
            )
        raise Undone
    assert len(found) == len(rates) * (2 + len(UNTAXED))
    for treatment, reason, id, percentage, country in found:
        assert treatment == treatment_of(Rate(id, percentage, country), reason, "SE"), (reason, country)


def test_exports_from_before_services_were_told_apart_are_read_right(app: App, world: World) -> None:
    """The migration tells the rates apart that both were drawn for: goods alone have a mention."""
    own = ("name=Acme AB", "country=SE", "line1=Storgatan 1", "city=Stockholm", "postal_code=111 22")
    Of(app, world.api).sets(*own, "tax_id=eu_vat:SE556703748501")
    seller(world, standard("SE"), UNION)
    abroad = buyer(world, "US-CA")
    for amount, code in ((1000, "txcd_99999999"), (400, "txcd_10103001")):
        world.post("/v1/invoiceitems", customer=abroad.id, currency="eur", amount=amount, tax_code=code)
        world.post(f"/v1/invoices/{taxed(world, abroad)['id']}/finalize")
    now = rows_of(app, world, "vat")
    with app.db.transaction(world.api.tenant) as tx:
        tx.run("update tax_rates set treatment = 'export' where treatment = 'export_service'")
    assert rows_of(app, world, "vat") != now
    statements = MIGRATION.read_text("utf-8").split(";\n")
    with app.db.transaction(world.api.tenant) as tx:
        tx.run(next(one for one in statements if one.startswith("update")))
    assert rows_of(app, world, "vat") == now
