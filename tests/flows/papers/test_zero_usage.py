"""Are lines of no usage left out where the account wants none, on papers and in machine formats alone?"""

from collections.abc import Callable
from typing import Any

import pytest
from lxml import etree

from billow import selling
from billow.api import rows
from billow.app import App
from billow.core.errors import Refused
from billow.flows.papers import einvoice, invoice_document, receipt
from billow.providers.documents import DocumentLine
from billow.resources.charge import Charge
from billow.resources.invoice import Invoice
from tests.support.world import Customer, World

Sets = Callable[..., None]


@pytest.fixture
def sets(app: App, world: World) -> Sets:
    """Set what the seller wants: sets("zero_usage=hide")."""

    class Built:
        db, account = app.db, world.api.tenant.partition("/")[0]

    return lambda *what: selling.change(Built(), selling.read(list(what)))  # type: ignore[arg-type]


def two_months(world: World, **usage: float) -> Customer:
    """A customer with a base fee, calls and storage; in the first month as many are used as is said."""
    world.at("2025-01-01")
    base = world.plan("Base", usd=20)
    calls = world.metered("Calls", world.meter("calls"), tiers=[(1000, "0"), ("inf", "1")])
    storage = world.metered("Storage", world.meter("storage"), cents="2")
    anna = world.customer("anna", address={"country": "DE"})
    anna.subscribes_to(base, calls, storage, default_tax_rates=[world.tax(25)])
    world.at("2025-01-15")
    for meter, value in usage.items():
        anna.uses(meter, value, "2025-01-15")
    world.at("2025-02-01 02:00")
    return anna


def on_paper(app: App, world: World, anna: Customer) -> list[DocumentLine]:
    with app.db.transaction(world.api.tenant) as tx:
        found = rows.find(tx, Invoice, anna.last_invoice.data["id"])
        return list(invoice_document.document_of(tx, found).lines)


def names(lines: list[DocumentLine]) -> list[str]:
    return sorted(line.description.partition(" ")[0] for line in lines)


def test_they_are_left_out_of_papers_and_machine_formats_only(app: App, world: World, sets: Sets) -> None:
    sets("zero_usage=hide", "country=SE", "tax_id=eu_vat:SE556000475501")
    anna = two_months(world, storage=3)
    invoice = anna.last_invoice.now
    assert sorted(line["amount"] for line in invoice["lines"]["data"]) == [0, 6, 2000]
    assert names(on_paper(app, world, anna)) == ["Base", "Storage"]
    with app.db.transaction(world.api.tenant) as tx:
        found = rows.find(tx, Invoice, invoice["id"])
        ubl = etree.fromstring(einvoice.written(tx, found, "ubl"))
        [charge] = rows.select(tx, Charge, "customer = %(id)s", "order by created desc limit 1", id=anna.id)
        paid = receipt.document_of(tx, charge)
    assert len(ubl.findall("{*}InvoiceLine")) == 2
    assert names(list(paid.lines)) == ["Base", "Storage"]


def test_usage_that_costs_nothing_is_shown(app: App, world: World, sets: Sets) -> None:
    sets("zero_usage=hide")
    anna = two_months(world, calls=5)
    assert names(on_paper(app, world, anna)) == ["Base", "Calls"]


def test_an_issued_invoice_stays_as_it_was(app: App, world: World, sets: Sets) -> None:
    anna = two_months(world)
    before = on_paper(app, world, anna)
    assert {"Calls", "Storage"} < set(names(before))
    sets("zero_usage=hide")
    assert on_paper(app, world, anna) == before


def test_an_invoice_of_no_usage_alone_keeps_its_lines(app: App, world: World, sets: Sets) -> None:
    sets("zero_usage=hide")
    world.at("2025-01-01")
    anna = world.customer("anna")
    anna.subscribes_to(world.metered("Calls", world.meter("calls"), cents="2"))
    world.at("2025-02-01 02:00")
    assert names(on_paper(app, world, anna)) == ["Calls"]


def test_it_is_shown_or_hidden_and_nothing_else(sets: Any) -> None:
    with pytest.raises(Refused, match="shown or hidden"):
        sets("zero_usage=maybe")
