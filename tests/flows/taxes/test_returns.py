"""Do the reports for VAT, the one-stop shop and the EC sales list say what was invoiced?"""

from datetime import UTC, datetime
from typing import Any

from billow import reports
from billow.app import App
from billow.flows.outside import merchant
from tests.flows.taxes.sellers import UNION, buyer, seller, standard, taxed
from tests.support.world import World

NUMBER = {"tax_id_data": [{"type": "eu_vat", "value": "DE 136 695 976"}]}
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
    assert rows_of(app, world, "vat") == [("DE", "DE", "oss", "19", "eur", 0, 0)]
    assert note["total"] == 2380
