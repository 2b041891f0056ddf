"""Is each posting booked by how it is treated for tax, with its document, name and tax id?"""

from collections import Counter
from datetime import date, timedelta
from pathlib import Path

import pytest

from billow import reports
from billow.app import App
from billow.core.books.chart import written
from billow.core.books.treatments import Treated
from billow.flows.outside import seller as sellers
from billow.flows.outside.books import books_of, number_vouchers, set_books
from billow.ledger import charts
from billow.ledger.exports import Books
from tests.flows.platform.test_sellers import Of
from tests.flows.taxes.sellers import UNION, buyer, seller, standard, taxed
from tests.flows.taxes.test_returns import NUMBER, YEAR, rows_of
from tests.support.exported import agree
from tests.support.world import World


def booked(app: App, world: World, chart: str) -> Books:
    with app.db.transaction(world.api.tenant) as tx:
        sellers.store(tx, tx.account, country="SE")
        set_books(tx, chart=written(charts.ready(chart)))
        number_vouchers(tx, date(2026, 12, 31))
        return books_of(tx, date(2026, 1, 1), date(2026, 12, 31))


def sums(books: Books) -> dict[str, int]:
    found = Counter[str]()
    for booking in books.bookings:
        for one in booking.entries:
            found[one.row.number] += one.amount
    return {number: amount for number, amount in found.items() if amount}


def test_revenue_tax_and_receivables_are_booked_by_treatment(app: App, world: World, tmp_path: Path) -> None:
    seller(world, standard("SE"), UNION)
    consumer, business = buyer(world, "DE"), buyer(world, "DE", **NUMBER)
    sold = [(buyer(world, "SE"), 1000), (consumer, 2000), (business, 3000), (buyer(world, "US-CA"), 4000)]
    made = [
        world.post(f"/v1/invoices/{taxed(world, customer, amount)['id']}/finalize")
        for customer, amount in sold
    ]
    note = world.post("/v1/credit_notes", invoice=made[1]["id"], amount=1190)
    intent = world.post(f"/v1/invoices/{made[0]['id']}/pay", expand=["payments"])["payments"]["data"][0]
    world.post("/v1/refunds", payment_intent=intent["payment"]["payment_intent"], amount=125)
    books = booked(app, world, "bas")
    numbers = sums(books)
    revenue = {number: numbers[number] for number in ("3001", "3306", "3308", "3305")}
    assert revenue == {"3001": -1000 + 100, "3306": -2000 + 1000, "3308": -3000, "3305": -4000}
    assert "3730" not in numbers
    assert (numbers["2611"], numbers["2670"]) == (-250 + 25, -380 + 190)
    assert numbers["1510"] == 1190 + 3000 + 4000
    with app.db.snapshot(world.api.tenant) as tx:
        vat = reports.run(tx, "vat", **YEAR).rows
    assert sum(int(row[-1]) for row in vat) == -(numbers["2611"] + numbers["2670"])
    told = {booking.voucher.source: booking.voucher for booking in books.bookings}
    assert told[note["id"]].document == note["number"]
    assert told[made[2]["id"]].tax_id.replace(" ", "") == "DE136695976"
    assert told[made[2]["id"]].document == made[2]["number"]
    adjusted = [
        one.treated.treatment
        for booking in books.bookings
        for one in booking.entries
        if one.row.kind == "revenue_adjustments"
    ]
    assert sorted(adjusted) == ["domestic", "oss"]
    with app.db.transaction(world.api.tenant) as tx:
        agree(tx, tmp_path)


ADJUSTED = {
    "skr03": ("8720", "8710", "8724", "8336", "8120", "8338", "8331", "8700"),
    "skr04": ("4720", "4710", "4724", "4336", "4120", "4338", "4331", "4700"),
    "bas": ("3730", "3730", "3108", "3308", "3105", "3305", "3306", "3730"),
}


@pytest.mark.parametrize("name", ADJUSTED)
def test_what_is_credited_lowers_the_base_of_its_own_treatment(name: str) -> None:
    """A VAT return is made from the accounts: those of credit notes tell treatments and rates apart, too."""
    chart = charts.ready(name)
    ways = (
        Treated("domestic", "DE", "19"),
        Treated("domestic", "DE", "7"),
        Treated("eu_goods"),
        Treated("eu_reverse_charge"),
        Treated("export"),
        Treated("export_service"),
        Treated("oss"),
        Treated("mixed"),
    )
    rows = [chart.row("revenue_adjustments", treated, "eur") for treated in ways]
    assert tuple(row.number for row in rows) == ADJUSTED[name]
    revenue = [chart.row("revenue:prod_1", treated, "eur") for treated in ways]
    assert [row.key for row in rows] == [row.key for row in revenue]


def test_swedish_credits_lower_the_revenue_of_their_rate() -> None:
    chart = charts.ready("bas")
    for rate, number in (("25", "3001"), ("12", "3002"), ("6", "3003")):
        assert chart.row("revenue_adjustments", Treated("domestic", "SE", rate), "sek").number == number


def test_rates_by_hand_are_told_apart(app: App, world: World) -> None:
    """25 and 12 % of one jurisdiction are owed to one account of the ledger, and to two of the chart."""
    seller(world)
    anna = world.customer("anna")
    rates = [world.tax(percentage, country="SE", jurisdiction="SE") for percentage in (25, 12)]
    for amount, rate in zip((1000, 2000), rates, strict=True):
        anna.owes(amount, currency="eur", tax_rates=[rate])
    anna.owes(300, currency="eur", tax_rates=[world.tax(7, country="PL")])
    anna.owes(50, currency="eur")
    anna.bills(currency="eur").does("finalize")
    books = booked(app, world, "bas")
    numbers = sums(books)
    assert (numbers["2611"], numbers["2621"], numbers["2610"]) == (-250, -240, -21)
    assert (numbers["3001"], numbers["3002"], numbers["3000"]) == (-1000, -2000, -350)
    kinds = {one.treated.treatment for booking in books.bookings for one in booking.entries}
    assert {"domestic", "by_hand", "untaxed", "mixed"} <= kinds
    assert books.bookings[0].voucher.booked - books.bookings[0].voucher.dated == timedelta(0)


def test_goods_and_services_to_buyers_outside_the_union_are_told_apart(app: App, world: World) -> None:
    own = ("name=Acme AB", "country=SE", "line1=Storgatan 1", "city=Stockholm", "postal_code=111 22")
    Of(app, world.api).sets(*own, "tax_id=eu_vat:SE556703748501")
    seller(world, standard("SE"), UNION)
    abroad = buyer(world, "US-CA")
    for amount, code in ((1000, "txcd_99999999"), (400, "txcd_10103001")):
        world.post("/v1/invoiceitems", customer=abroad.id, currency="eur", amount=amount, tax_code=code)
        world.post(f"/v1/invoices/{taxed(world, abroad)['id']}/finalize")
    numbers = sums(booked(app, world, "bas"))
    assert (numbers["3105"], numbers["3305"]) == (-1000, -400)
    assert rows_of(app, world, "vat") == [
        ("US", "US", "export", "0", "eur", 1000, 0),
        ("US", "US", "export_service", "0", "eur", 400, 0),
    ]
