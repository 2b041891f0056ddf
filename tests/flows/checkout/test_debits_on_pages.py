"""Can a customer pay by direct debit on the pages that name it, with the mandate that goes with it?"""

from dataclasses import replace
from typing import Any

import pytest

from billow.app import App
from billow.providers.gateways.sepa_debit import SepaDebit
from tests.conftest import Api
from tests.flows.conftest import do_what_is_due
from tests.support.kept_text import kept
from tests.support.page_visits import PAYER, Visitor
from tests.support.world import World

WHO = {"email": "ann@example.com", "country": "DE", "postal_code": "10115"}
DEBIT = {
    **WHO,
    "method": "sepa_debit",
    "iban": "DE89 3704 0044 0532 0130 00",
    "account_holder": "Ann Example",
}


def session(world: World, mode: str = "payment", types: Any = ("card", "sepa_debit"), **more: Any) -> Any:
    price = world.plan("Pro", eur=20) if mode == "subscription" else world.once("Book", eur=20)
    lines = {} if mode == "setup" else {"line_items": [{"price": price, "quantity": 1}]}
    sent: dict[str, Any] = {"mode": mode, "success_url": "https://shop.example", **lines, **more}
    return world.post("/v1/checkout/sessions", allowed_payment_method_types=list(types), **sent)


@pytest.mark.parametrize("mode", ["payment", "subscription"])
def test_a_debit_completes_the_session_and_pays_it_later(world: World, app: App, mode: str) -> None:
    made = session(world, mode)
    visitor = Visitor(app).opens(made["url"])
    assert "IBAN" in visitor.words() and "Card number" in visitor.words()
    assert "you authorise Nimbus Ltd to collect payments" in visitor.words()
    assert "Thank you" in visitor.sends(**DEBIT).words()
    path = f"/v1/checkout/sessions/{made['id']}"
    assert (world.get(path)["status"], world.get(path)["payment_status"]) == ("complete", "unpaid")
    do_what_is_due(app)
    with app.db.transaction(world.api.tenant) as tx:
        tx.run("update jobs set run_at = %(now)s where kind = 'checkout.follow'", now=tx.wall)
    do_what_is_due(app)
    assert world.get(path)["payment_status"] == "paid"
    assert "checkout.session.async_payment_succeeded" in world.api.event_types()
    with app.db.transaction(world.api.tenant, reads=True) as tx:
        [(accepted,)] = tx.tuples("select customer_acceptance from mandates")
        assert not any("0532013000" in text for text in kept(tx)["events"])
    [charge] = world.get("/v1/charges")["data"]
    assert charge["payment_method_details"]["sepa_debit"]["last4"] == "3000"
    assert accepted["type"] == "online" and accepted["online"]["ip_address"] == "127.0.0.1"


def test_an_account_is_saved_for_later(world: World, app: App) -> None:
    ann = world.customer("ann", card=None)
    made = session(world, "setup", ["sepa_debit"], customer=ann.id)
    visitor = Visitor(app).opens(made["url"])
    assert "Card number" not in visitor.words()
    visitor.sends(**{**DEBIT, "iban": "DE00 1234"})
    assert visitor.status == 422 and "not the IBAN of an account that can be debited" in visitor.words()
    assert "DE00 1234" not in visitor.text
    assert "Thank you" in visitor.sends(**DEBIT).words()
    [method] = world.get(f"/v1/customers/{ann.id}/payment_methods", type="sepa_debit")["data"]
    assert method["billing_details"]["name"] == "Ann Example"


def test_a_page_that_names_no_debit_offers_none(world: World, app: App) -> None:
    made = session(world, types=["card"])
    visitor = Visitor(app).opens(made["url"])
    assert "IBAN" not in visitor.words()
    visitor.sends(**DEBIT)
    assert visitor.status == 422 and world.get(f"/v1/checkout/sessions/{made['id']}")["status"] == "open"
    assert "Thank you" in visitor.sends(**PAYER).words()


def test_the_sellers_own_bank_debits_from_the_page(
    api: Api, app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World(api, lambda: None)  # a debit that waits for its bank is no mistake in the books
    monkeypatch.setattr(app.db, "outside", replace(app.db.outside, gateways={"test": SepaDebit()}))
    made = session(world)
    visitor = Visitor(app).opens(made["url"])
    assert "IBAN" in visitor.words() and "Card number" not in visitor.words()
    assert "Thank you" in visitor.sends(**DEBIT).words()
    with app.db.transaction(world.api.tenant, reads=True) as tx:
        [(gateway, state)] = tx.tuples("select gateway, state from attempts where kind = 'charge'")
    assert (gateway, state) == ("sepa_debit", "processing")


def test_an_invoice_that_names_debits_takes_one(world: World, app: App) -> None:
    ann = world.customer("ann", card=None)
    world.post("/v1/invoiceitems", customer=ann.id, amount=4800, currency="eur")
    how = {"collection_method": "send_invoice", "days_until_due": 14, "currency": "eur"}
    draft = world.post(
        "/v1/invoices",
        customer=ann.id,
        pending_invoice_items_behavior="include",
        payment_settings={"payment_method_types": ["sepa_debit"]},
        **how,
    )
    made = world.post(f"/v1/invoices/{draft['id']}/finalize")
    visitor = Visitor(app).opens(made["hosted_invoice_url"])
    assert "IBAN" in visitor.words() and "Card number" not in visitor.words()
    visitor.sends(**DEBIT)
    do_what_is_due(app)
    assert world.get(f"/v1/invoices/{made['id']}")["status"] == "paid"
