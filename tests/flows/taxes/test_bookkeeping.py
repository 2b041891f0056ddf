"""Is each posting booked by how it is treated for tax, with its document, name and tax id?"""

from collections import Counter
from datetime import date, timedelta
from pathlib import Path

from billow import reports
from billow.app import App
from billow.core.books.chart import written
from billow.flows.outside import seller as sellers
from billow.flows.outside.books import books_of, number_vouchers, set_books
from billow.ledger import charts
from billow.ledger.exports import Books
from tests.flows.taxes.sellers import UNION, buyer, seller, standard, taxed
from tests.flows.taxes.test_returns import NUMBER, YEAR
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
    assert revenue == {"3001": -1000, "3306": -2000, "3308": -3000, "3305": -4000}
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
