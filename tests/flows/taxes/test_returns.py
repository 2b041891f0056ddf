"""Do the reports for VAT, the one-stop shop and the EC sales list say what was invoiced?"""

from datetime import UTC, datetime
from typing import Any

from billow import reports
from billow.app import App
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
        ("US", "US", "export", "0", "eur", 4000, 0),
    ]
    assert shop == [("DE", "19", "standard", "eur", 2000, 380)]
    assert listed == [("DE", "DE136695976", "services", "eur", 3000)]
