"""Does a customer enter a card on the gateway's own page, is it taken once, and is no number ours?"""

import re
from collections.abc import Callable
from dataclasses import replace
from html import unescape
from typing import Any

import pytest

from billow.app import App
from billow.core.errors import Unavailable
from billow.flows.outside.gateways import Configured
from billow.flows.papers.method_links import update_method
from billow.providers.gateways.stripe import Stripe
from tests.conftest import Api
from tests.flows.conftest import do_what_is_due
from tests.support.other_server import Elsewhere, Other, eventually
from tests.support.page_visits import CARD, PAYER, Visitor, path_of

OURS = {"email": "ann@example.com", "country": "CH", "postal_code": "3000"}
"""What a customer enters on our page: nothing of a card."""
ALWAYS_ASKS = "4000002760003184"
SUBSCRIBES = {
    "mode": "subscription",
    "success_url": "https://shop.example/done",
    "line_items[0][price_data][currency]": "usd",
    "line_items[0][price_data][unit_amount]": "2000",
    "line_items[0][price_data][recurring][interval]": "month",
    "line_items[0][price_data][product_data][name]": "Pro",
    "line_items[0][quantity]": "1",
}


def session(api: Api, **more: str) -> Any:
    made = api.post("/v1/checkout/sessions", {**SUBSCRIBES, **more})
    assert made.status == 200, made
    return made


def left_for(visitor: Visitor) -> str:
    """Where our page sends the browser by itself."""
    found = re.search(r'http-equiv="refresh" content="0;url=([^"]+)"', visitor.text)
    assert found, visitor.text
    return unescape(found[1])


def enter(url: str, **more: str) -> str:
    """Enter a card on the gateway's page; return where that leads back to."""
    return Elsewhere(url).sends(**{**PAYER, **more}).leads_to()


def paid(other: Other) -> list[int]:
    found = other.get("/v1/payment_intents", limit=100)["data"]
    return [one["amount_received"] for one in found if one["status"] == "succeeded"]


def invoice(api: Api, customer: str) -> Any:
    api.post("/v1/invoiceitems", {"customer": customer, "amount": "4800", "currency": "usd"})
    how = {"collection_method": "send_invoice", "days_until_due": "14"}
    made = api.post(
        "/v1/invoices", {"customer": customer, "pending_invoice_items_behavior": "include", **how}
    )
    return api.post(f"/v1/invoices/{made['id']}/finalize")


@pytest.fixture
def before(other_server: Other) -> int:
    """How many payments others have made at the other server."""
    return len(paid(other_server))


def test_a_subscription_is_bought_with_a_card_that_billow_never_sees(
    app: App, api: Api, other_server: Other, before: int
) -> None:
    made = session(api)
    visitor = Visitor(app).opens(made["url"])
    assert "belongs to our payment provider" in visitor.words() and 'name="number"' not in visitor.text
    visitor.sends(**OURS)
    assert "form-action 'self'" in visitor.headers["Content-Security-Policy"]
    theirs = left_for(visitor)
    assert theirs.startswith(other_server.account.address or "")
    assert api.get(f"/v1/checkout/sessions/{made['id']}")["status"] == "open"
    back = enter(theirs)
    assert "Thank you" in visitor.opens(back).words()
    assert left_for(visitor) == "https://shop.example/done"
    done = api.get(f"/v1/checkout/sessions/{made['id']}")
    assert (done["status"], done["payment_status"]) == ("complete", "paid")
    assert done["customer_details"]["email"] == "ann@example.com"
    [method] = api.get(f"/v1/customers/{done['customer']}/payment_methods")["data"]
    assert (method["card"]["last4"], method["billing_details"]["address"]["country"]) == ("4242", "CH")
    assert api.get(f"/v1/subscriptions/{done['subscription']}")["status"] == "active"
    # Coming back twice, or by the address in the history, changes nothing.
    for again in (back, visitor.address, left_of(back)):
        assert "Thank you" in visitor.opens(again).words()
    assert len(paid(other_server)) == before + 1
    with app.db.transaction(api.tenant, reads=True) as tx:
        [(state, entered)] = tx.tuples("select state, entered from method_collections")
    assert (state, entered) == ("taken", {})


def left_of(back: str) -> str:
    """The address that leads to the gateway's page, of that which takes back from it."""
    return back.removesuffix("/back")


def test_one_who_comes_back_without_a_card_can_go_there_again(
    app: App, api: Api, other_server: Other, before: int
) -> None:
    made = session(api)
    visitor = Visitor(app).opens(made["url"]).sends(**OURS)
    out, theirs = visitor.address, left_for(visitor)
    claims = "?session_id=cs_test_paid&redirect_status=succeeded"
    visitor.opens(f"{out}/back{claims}")
    assert "No payment method was entered" in visitor.words() and path_of(out) in visitor.text
    assert api.get(f"/v1/checkout/sessions/{made['id']}")["status"] == "open"
    assert len(paid(other_server)) == before
    assert left_for(visitor.opens(out)) == theirs
    assert "Thank you" in visitor.opens(enter(theirs)).words()


def test_the_page_of_another_session_is_no_method_of_this_one(
    app: App, api: Api, other_server: Other, before: int
) -> None:
    mine, somebodys = (session(api) for _ in range(2))
    visitor, other = (Visitor(app).opens(one["url"]).sends(**OURS) for one in (mine, somebodys))
    enter(left_for(other))
    with app.db.transaction(api.tenant) as tx:
        [(taken,)] = tx.tuples(
            "select reference from method_collections where about = %(id)s", id=somebodys["id"]
        )
        tx.run("update method_collections set reference = null where about = %(id)s", id=somebodys["id"])
        tx.run("update method_collections set reference = %(r)s where about = %(id)s", r=taken, id=mine["id"])
    assert "No payment method was entered" in visitor.opens(f"{visitor.address}/back").words()
    assert len(paid(other_server)) == before
    seal = path_of(visitor.address).rsplit("/", 1)[1]
    forged = f"{other.address.rsplit('/', 1)[0]}/{seal}/back"
    assert visitor.opens(forged).status == 404


def test_a_customer_who_does_not_come_back_has_bought_all_the_same(
    app: App, api: Api, other_server: Other, before: int
) -> None:
    made = session(api)
    enter(left_for(Visitor(app).opens(made["url"]).sends(**OURS)))
    path = f"/v1/checkout/sessions/{made['id']}"
    eventually(app, lambda: api.get(path)["status"] == "complete")
    assert len(paid(other_server)) == before + 1
    assert "Thank you" in Visitor(app).opens(made["url"]).words()


def test_a_card_that_declines_when_it_is_charged_leaves_the_session_open(
    app: App, api: Api, other_server: Other, before: int
) -> None:
    made = session(api)
    visitor = Visitor(app).opens(made["url"]).sends(**OURS)
    visitor.opens(enter(left_for(visitor), number="4000000000000341"))
    assert "did not go through" in visitor.words() and path_of(made["url"]) in visitor.text
    assert api.get(f"/v1/checkout/sessions/{made['id']}")["status"] == "open"
    again = visitor.opens(made["url"]).sends(**OURS)
    assert "Thank you" in visitor.opens(enter(left_for(again))).words()
    assert len(paid(other_server)) == before + 1


def test_a_session_that_is_over_by_then_takes_no_card(
    app: App, api: Api, other_server: Other, before: int
) -> None:
    made = session(api)
    visitor = Visitor(app).opens(made["url"]).sends(**OURS)
    back = enter(left_for(visitor))
    assert api.post(f"/v1/checkout/sessions/{made['id']}/expire").status == 200
    assert "no longer open" in visitor.opens(back).words()
    assert len(paid(other_server)) == before


def test_an_invoice_is_paid_and_the_card_is_kept(app: App, api: Api, other_server: Other) -> None:
    customer = api.post("/v1/customers", {"name": "Ann", "email": "ann@example.com"})["id"]
    made = invoice(api, customer)
    visitor = Visitor(app).opens(made["hosted_invoice_url"]).sends(keep="yes")
    visitor.opens(enter(left_for(visitor)))
    assert api.get(f"/v1/invoices/{made['id']}")["status"] == "paid"
    assert "Paid on" in visitor.words()
    kept = api.get(f"/v1/customers/{customer}")["invoice_settings"]["default_payment_method"]
    assert api.get(f"/v1/payment_methods/{kept}")["card"]["last4"] == "4242"


def test_a_new_card_pays_what_is_open(app: App, api: Api, other_server: Other) -> None:
    customer = api.post("/v1/customers", {"name": "Ann", "email": "ann@example.com"})["id"]
    made = invoice(api, customer)
    with app.db.transaction(api.tenant) as tx:
        link = update_method(tx, customer, made["id"])
    visitor = Visitor(app).opens(link).sends()
    visitor.opens(enter(left_for(visitor)))
    assert "Your payment method is updated" in visitor.words()
    assert api.get(f"/v1/invoices/{made['id']}")["status"] == "paid"


class Losing(Stripe):
    """The gateway, whose answers about pages get lost as `lost` says."""

    lost: list[str] = []  # noqa: RUF012  (set by each test)

    def begin_collection(self, wanted: Any) -> Any:
        return self.losing("begin", super().begin_collection, wanted)

    def collected(self, collection: str, reference: str) -> Any:
        return self.losing("collected", super().collected, collection, reference)

    def losing(self, what: str, call: Callable[..., Any], *given: Any) -> Any:
        answer = call(*given)
        if what in self.lost:
            self.lost.remove(what)
            raise Unavailable("The reply is lost.")
        return answer


def test_a_lost_answer_is_asked_for_again(
    app: App, api: Api, other_server: Other, before: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = Configured({"stripe": Losing})
    monkeypatch.setattr(app.db, "outside", replace(app.db.outside, configured=known))
    monkeypatch.setattr(Losing, "lost", ["begin", "collected"])
    made = session(api)
    visitor = Visitor(app).opens(made["url"]).sends(**OURS)
    assert visitor.status == 503 and "does not answer" in visitor.words()
    visitor.opens(made["url"]).sends(**OURS)
    back = enter(left_for(visitor))
    assert "being processed" in visitor.opens(back).words()
    assert "Thank you" in visitor.opens(back).words()
    assert len(paid(other_server)) == before + 1


def test_a_bank_that_asks_is_answered_on_its_own_page(
    app: App, api: Api, other_server: Other, before: int
) -> None:
    made = session(api)
    visitor = Visitor(app).opens(made["url"]).sends(**OURS)
    theirs = Elsewhere(left_for(visitor)).sends(**{**PAYER, "number": ALWAYS_ASKS}).sends(answer="yes")
    visitor.opens(theirs.leads_to())
    assert "asks you to confirm this on a page of its own" in visitor.words()
    bank = left_for(visitor)
    assert len(paid(other_server)) == before
    visitor.opens(Elsewhere(bank).sends(answer="yes").leads_to())
    assert "Thank you" in visitor.words()
    assert api.get(f"/v1/checkout/sessions/{made['id']}")["payment_status"] == "paid"
    assert len(paid(other_server)) == before + 1


def test_a_customer_who_does_not_come_back_from_the_bank_has_bought_all_the_same(
    app: App, api: Api, other_server: Other
) -> None:
    made = session(api)
    visitor = Visitor(app).opens(made["url"]).sends(**OURS)
    theirs = Elsewhere(left_for(visitor)).sends(**{**PAYER, "number": ALWAYS_ASKS}).sends(answer="yes")
    visitor.opens(theirs.leads_to())
    Elsewhere(left_for(visitor)).sends(answer="yes")
    eventually(app, lambda: "payment_intent.succeeded" in api.event_types())
    with app.db.transaction(api.tenant) as tx:
        tx.run("update jobs set run_at = %(now)s where kind = 'checkout.settle'", now=tx.wall)
    do_what_is_due(app)
    done = api.get(f"/v1/checkout/sessions/{made['id']}")
    assert (done["status"], done["payment_status"]) == ("complete", "paid")
    assert "Thank you" in visitor.opens(made["url"]).words()


@pytest.mark.parametrize("answer", ["no", None])
def test_a_bank_that_is_not_told_yes_takes_nothing(
    app: App, api: Api, other_server: Other, before: int, answer: str | None
) -> None:
    made = session(api)
    visitor = Visitor(app).opens(made["url"]).sends(**OURS)
    theirs = Elsewhere(left_for(visitor)).sends(**{**PAYER, "number": ALWAYS_ASKS}).sends(answer="yes")
    visitor.opens(theirs.leads_to())
    bank = left_for(visitor)
    with app.db.transaction(api.tenant) as tx:
        [(back,)] = tx.tuples("select return_url from attempts where state = 'requires_action'")
    visitor.opens(Elsewhere(bank).sends(answer=answer).leads_to() if answer else back)
    assert len(paid(other_server)) == before
    assert api.get(f"/v1/checkout/sessions/{made['id']}")["status"] == "open"
    if answer is None:  # who has not answered can go there again, and is not sent there in a circle
        assert bank in unescape(visitor.text) and 'http-equiv="refresh"' not in visitor.text
    else:
        assert "did not go through" in visitor.words() or 'name="email"' in visitor.text


def test_a_debit_is_entered_elsewhere_where_the_session_names_it(
    app: App, api: Api, other_server: Other
) -> None:
    euros = {name.replace("usd", "eur"): value.replace("usd", "eur") for name, value in SUBSCRIBES.items()}
    made = api.post("/v1/checkout/sessions", {**euros, "allowed_payment_method_types[]": "sepa_debit"})
    visitor = Visitor(app).opens(made["url"]).sends(**OURS)
    account = {"iban": "DE89370400440532013000", "account_holder": "Ann Example"}
    visitor.opens(Elsewhere(left_for(visitor)).sends(**{**OURS, **account}).leads_to())
    assert "Thank you" in visitor.words(), visitor.words()
    done = api.get(f"/v1/checkout/sessions/{made['id']}")
    assert (done["status"], done["payment_status"]) == ("complete", "unpaid")
    [method] = api.get(f"/v1/customers/{done['customer']}/payment_methods", {"type": "sepa_debit"})["data"]
    assert method["sepa_debit"]["last4"] == "3000"

    def is_settled() -> bool:
        with app.db.transaction(api.tenant) as tx:
            tx.run(
                "update jobs set run_at = %(now)s where kind in ('attempt.resolve', 'checkout.follow')",
                now=tx.wall,
            )
        do_what_is_due(app)
        return bool(api.get(f"/v1/checkout/sessions/{made['id']}")["payment_status"] == "paid")

    eventually(app, is_settled)


def test_our_own_form_is_the_simulated_gateways_alone(app: App, api: Api) -> None:
    made = session(api)
    visitor = Visitor(app).opens(made["url"])
    assert 'name="number"' in visitor.text
    assert "Thank you" in visitor.sends(**{**PAYER, **CARD}).words()
