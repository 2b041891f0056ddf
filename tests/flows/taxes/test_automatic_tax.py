"""Are invoices taxed by where the buyer is, and is nothing billed where that cannot be decided (§12.1)?"""

from dataclasses import replace
from typing import Any

import pytest

from billow.api import rows
from billow.app import App
from billow.core.errors import Unavailable
from billow.flows.invoices.explain import explain
from billow.providers.taxes import Decision, Sale
from billow.resources.invoice import Invoice
from tests.flows.taxes.sellers import UNION, buyer, seller, standard, taxed
from tests.support.world import World

HOME = standard("SE")


def reasons(invoice: dict[str, Any]) -> list[str]:
    return [tax["taxability_reason"] for tax in invoice["total_taxes"]]


@pytest.mark.parametrize(
    ("place", "more", "tax", "reason"),
    [
        ("SE", {}, 250, "standard_rated"),
        ("DE", {}, 190, "standard_rated"),
        ("DE", {"tax_id_data": [{"type": "eu_vat", "value": "DE136695976"}]}, 0, "reverse_charge"),
        ("DE", {"tax_id_data": [{"type": "eu_vat", "value": "DE136695970"}]}, 190, "standard_rated"),
        ("DE", {"tax_exempt": "reverse"}, 0, "reverse_charge"),
        ("SE", {"tax_exempt": "exempt"}, 0, "customer_exempt"),
        ("US-CA", {}, 0, "not_collecting"),
        ("GB", {}, 0, "not_collecting"),
    ],
)
def test_an_invoice_is_taxed_by_where_its_buyer_is(
    world: World, contract: Any, place: str, more: dict[str, Any], tax: int, reason: str
) -> None:
    seller(world, HOME, UNION)
    draft = taxed(world, buyer(world, place, **more), 600, 400)
    assert draft["automatic_tax"]["status"] == "complete"
    invoice = world.post(f"/v1/invoices/{draft['id']}/finalize")
    for shown in (draft, invoice):
        assert contract.problems(shown) == []
        assert reasons(shown) == [reason]
        assert [one["amount"] for one in shown["total_taxes"]] == [tax]
        assert shown["total"] == 1000 + tax and shown["total_excluding_tax"] == 1000
    rate = world.get(f"/v1/tax_rates/{invoice['total_taxes'][0]['tax_rate_details']['tax_rate']}")
    assert contract.problems(rate) == [] and not rate["active"]
    assert world.get("/v1/tax_rates")["data"] == []


def test_two_hundred_small_lines_are_rounded_once(world: World) -> None:
    """200 lines of 0.02 at 25 %: 1.00 of tax, as EN 16931 has it, and no unit of it is lost on the lines."""
    seller(world, HOME)
    draft = taxed(world, buyer(world, "SE"), *[2] * 200)
    assert draft["total_taxes"][0]["amount"] == 100 and draft["total"] == 500
    lines = world.get(f"/v1/invoices/{draft['id']}/lines", limit=100)["data"]
    more = world.get(f"/v1/invoices/{draft['id']}/lines", limit=100, starting_after=lines[-1]["id"])["data"]
    assert sum(tax["amount"] for line in lines + more for tax in line["taxes"]) == 100


def test_the_rate_is_included_where_the_settings_say_so(world: World) -> None:
    seller(world, HOME, tax_behavior="inclusive")
    draft = taxed(world, buyer(world, "SE"), 1000)
    [tax] = draft["total_taxes"]
    assert (tax["amount"], tax["tax_behavior"], draft["total"]) == (200, "inclusive", 1000)


def test_an_item_says_its_own_code_and_behaviour(world: World) -> None:
    seller(world, HOME)
    anna = buyer(world, "SE")
    for more in ({"tax_code": "txcd_00000000"}, {"tax_behavior": "inclusive"}):
        world.post("/v1/invoiceitems", customer=anna.id, currency="eur", amount=1000, **more)
    draft = taxed(world, anna)
    by_behavior = {
        (tax["taxability_reason"], tax["tax_behavior"], tax["amount"]) for tax in draft["total_taxes"]
    }
    assert by_behavior == {("product_exempt", "exclusive", 0), ("standard_rated", "inclusive", 200)}


def test_a_draft_without_a_known_place_is_not_finalized(world: World, contract: Any) -> None:
    seller(world, HOME)
    anna = world.customer("anna")
    draft = taxed(world, anna, 1000)
    assert draft["automatic_tax"]["status"] == "requires_location_inputs" and draft["total_taxes"] == []
    world.forget()
    refused = world.refused(f"/v1/invoices/{draft['id']}/finalize")
    assert (refused["status"], refused["code"]) == (400, "customer_tax_location_invalid")
    assert world.emitted() == ["invoice.updated", "invoice.finalization_failed"]
    kept = world.get(f"/v1/invoices/{draft['id']}")
    assert contract.problems(kept) == []
    assert kept["status"] == "draft"
    assert kept["last_finalization_error"]["code"] == "customer_tax_location_invalid"
    world.post(f"/v1/customers/{anna.id}", address={"country": "SE"})
    opened = world.post(f"/v1/invoices/{draft['id']}/finalize")
    assert opened["total"] == 1250 and opened["last_finalization_error"] is None


class Down:
    """A tax source that does not answer."""

    name = "down"

    def decide(self, sale: Sale) -> Decision:
        raise Unavailable("The tax source is down.")


@pytest.fixture
def down(app: App) -> Any:
    """Take the tax source away, and give it back at the end."""
    before = app.db.outside

    def switch(on: bool = True) -> None:
        app.db.outside = replace(before, tax_source=Down()) if on else before  # type: ignore[type-var]

    yield switch
    app.db.outside = before


def test_a_source_that_is_down_bills_nothing_and_is_asked_again(world: World, down: Any) -> None:
    seller(world, HOME)
    anna = buyer(world, "SE")
    draft = taxed(world, anna, 1000, auto_advance="true", collection_method="send_invoice", days_until_due=30)
    down()
    world.at("2026-01-10 01:30")
    kept = world.get(f"/v1/invoices/{draft['id']}")
    assert kept["status"] == "draft" and kept["automatic_tax"]["status"] == "failed"
    assert kept["last_finalization_error"]["code"] == "taxes_calculation_failed"
    assert kept["automatically_finalizes_at"] > draft["automatically_finalizes_at"]
    down(False)
    world.at("2026-01-12")
    paid = world.get(f"/v1/invoices/{draft['id']}")
    assert paid["status"] == "open" and paid["total"] == 1250


def test_a_draft_that_waits_for_an_address_is_finalized_when_it_comes(world: World) -> None:
    """The next try by itself would be hours later; a customer elsewhere waits on."""
    seller(world, HOME)
    anna, bert = buyer(world, "SE"), buyer(world, "SE")
    terms = {"auto_advance": "true", "collection_method": "send_invoice", "days_until_due": 30}
    drafts = [taxed(world, one, 1000, **terms)["id"] for one in (anna, bert)]
    for one in (anna, bert):
        world.post(f"/v1/customers/{one.id}", address={"country": ""})
    world.at("2026-01-12")
    assert [world.get(f"/v1/invoices/{id}")["status"] for id in drafts] == ["draft", "draft"]
    world.post(f"/v1/customers/{anna.id}", address={"country": "SE"})
    world.at("2026-01-12 00:00:01")
    first, second = (world.get(f"/v1/invoices/{id}") for id in drafts)
    assert (first["status"], first["total"], second["status"]) == ("open", 1250, "draft")


def test_an_invoice_keeps_why_it_was_taxed(app: App, world: World) -> None:
    seller(world, HOME, UNION)
    card = {"payment_method": "pm_card_visa", "invoice_settings": {"default_payment_method": "pm_card_visa"}}
    anna = buyer(world, "DE", tax={"ip_address": "203.0.113.7"}, **card)
    draft = taxed(world, anna, 1000)
    world.post(f"/v1/invoices/{draft['id']}/finalize")
    with app.db.snapshot(world.api.tenant) as tx:
        text = "\n".join(explain(tx, rows.find(tx, Invoice, draft["id"])))
    for said in (
        "eu_vat",
        "oss",
        "art. 58",
        "billing_address DE",
        "ip_address 203.0.113.7",
        "card US",
        "TEDB",
    ):
        assert said in text, text


def test_tax_is_posted_by_country_treatment_and_rate(app: App, world: World) -> None:
    seller(world, HOME, UNION)
    draft = taxed(world, buyer(world, "DE"), 1000)
    world.post(f"/v1/invoices/{draft['id']}/finalize")
    with app.db.snapshot(world.api.tenant) as tx:
        found = tx.all("select credit, amount from ledger_transfers where credit like 'tax_payable%%'")
    assert [(row["credit"], row["amount"]) for row in found] == [("tax_payable:DE/oss/19", 190)]


def test_a_subscription_is_taxed_from_the_first_invoice_to_each_renewal(world: World, contract: Any) -> None:
    seller(world, HOME, UNION)
    anna = buyer(
        world,
        "DE",
        payment_method="pm_card_visa",
        invoice_settings={"default_payment_method": "pm_card_visa"},
    )
    plan = world.plan("Pro", eur=10)
    made = anna.subscribes_to(plan, automatic_tax={"enabled": True})
    assert made.now["automatic_tax"]["enabled"] and contract.problems(made.now) == []
    first = world.get(f"/v1/invoices/{made.now['latest_invoice']}")
    assert first["total"] == 1190 and first["status"] == "paid"
    world.at("2026-02-10 02:00")
    [renewed, _] = world.get("/v1/invoices", customer=anna.id)["data"]
    assert (renewed["total"], renewed["automatic_tax"]["status"]) == (1190, "complete")
    listed = world.get("/v1/subscriptions", automatic_tax={"enabled": "true"}, customer=anna.id)["data"]
    assert [one["id"] for one in listed] == [made.id]
    world.post(f"/v1/subscriptions/{made.id}", automatic_tax={"enabled": "false"})
    world.at("2026-03-10 02:00")
    assert world.get("/v1/invoices", customer=anna.id)["data"][0]["total"] == 1000


def test_a_subscription_of_a_customer_who_is_nowhere_is_refused(world: World) -> None:
    seller(world, HOME)
    plan = world.plan("Pro", eur=10)
    item = {"items": [{"price": plan}]}
    refused = world.refused(
        "/v1/subscriptions", customer=world.customer("anna").id, automatic_tax={"enabled": True}, **item
    )
    assert refused["code"] == "customer_tax_location_invalid"


def test_automatic_tax_stands_alone(world: World) -> None:
    seller(world, HOME)
    anna, rate = buyer(world, "SE"), world.tax(10)
    on = {"automatic_tax": {"enabled": True}}
    for path, more in (
        ("/v1/invoices", {}),
        ("/v1/subscriptions", {"items": [{"price": world.plan("Pro", eur=10)}]}),
        ("/v1/quotes", {}),
    ):
        refused = world.refused(path, customer=anna.id, default_tax_rates=[rate], **on, **more)
        assert refused["param"] == "default_tax_rates", path
    draft = taxed(world, anna, 100)
    assert (
        world.refused(f"/v1/invoices/{draft['id']}", default_tax_rates=[rate])["param"] == "default_tax_rates"
    )
    plain = world.post(
        f"/v1/invoices/{draft['id']}", default_tax_rates=[rate], automatic_tax={"enabled": False}
    )
    assert plain["total"] == 110 and plain["automatic_tax"]["status"] is None


def test_a_preview_shows_the_tax(world: World) -> None:
    seller(world, HOME, UNION)
    details = {"address": {"country": "DE"}, "tax_ids": [{"type": "eu_vat", "value": "DE136695976"}]}
    item = {"invoice_items": [{"amount": 1000, "currency": "eur"}], "automatic_tax": {"enabled": True}}
    business = world.post("/v1/invoices/create_preview", currency="eur", customer_details=details, **item)
    details.pop("tax_ids")
    consumer = world.post("/v1/invoices/create_preview", currency="eur", customer_details=details, **item)
    assert (business["total"], consumer["total"]) == (1000, 1190)
    nowhere = world.post(
        "/v1/invoices/create_preview", currency="eur", customer_details={"tax_exempt": "none"}, **item
    )
    assert nowhere["automatic_tax"]["status"] == "requires_location_inputs"


def test_a_quote_is_taxed_and_so_is_what_it_creates(world: World, contract: Any) -> None:
    seller(world, HOME, UNION)
    anna = buyer(world, "DE")
    line = {"line_items": [{"price": world.once("Setup", eur=10)}]}
    quote = world.post("/v1/quotes", customer=anna.id, automatic_tax={"enabled": True}, **line)
    assert contract.problems(quote) == []
    assert (quote["amount_total"], quote["automatic_tax"]["status"]) == (1190, "complete")
    world.post(f"/v1/quotes/{quote['id']}/finalize")
    accepted = world.post(f"/v1/quotes/{quote['id']}/accept")
    assert world.get(f"/v1/invoices/{accepted['invoice']}")["total"] == 1190


def test_stored_tax_rates_are_removed_before_automatic_tax_is_switched_on(world: World) -> None:
    """Of a draft's lines, of pending items, of a subscription's items and of a quote's lines."""
    seller(world, HOME)
    anna, rates, on = buyer(world, "SE"), [world.tax(25)], {"enabled": True}

    def refuses(path: str, **form: Any) -> None:
        said = world.refused(path, automatic_tax=on, **form)
        assert said["param"] == "automatic_tax[enabled]" and "remove its `tax_rates`" in said["message"]

    anna.owes(1000, currency="eur", tax_rates=rates)
    refuses("/v1/invoices", customer=anna.id, pending_invoice_items_behavior="include")
    draft = anna.bills()
    line = draft.data["lines"]["data"][0]["id"]
    refuses(f"/v1/invoices/{draft.data['id']}")
    world.post(f"/v1/invoices/{draft.data['id']}/lines/{line}", tax_rates="")
    assert world.post(f"/v1/invoices/{draft.data['id']}", automatic_tax=on)["total"] == 1250
    plan = world.plan("Pro", eur=10)
    subscription = anna.subscribes_to({"price": plan, "tax_rates": rates})
    refuses(f"/v1/subscriptions/{subscription.id}")
    [item] = subscription.now["items"]["data"]
    cleared = [{"id": item["id"], "tax_rates": ""}]
    assert subscription.update(automatic_tax=on, items=cleared)["automatic_tax"]["enabled"]
    quote = anna.is_offered({"price": plan, "tax_rates": rates})
    refuses(f"/v1/quotes/{quote.id}")
    [line] = quote.lines
    quote.update(automatic_tax=on, line_items=[{"id": line["id"], "tax_rates": ""}])
    assert quote.now["automatic_tax"]["enabled"]
