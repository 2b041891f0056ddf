"""Does an invoice take its payment on its page, and a mail's link replace a card and pay at once?"""

from typing import Any

from billow.flows.papers.method_links import update_method
from tests.support.page_visits import CARD, Visitor
from tests.support.world import World

ALWAYS_ASKS = "4000002760003184"


def invoice(world: World, customer: str, amount: int = 4800, **more: Any) -> dict[str, Any]:
    how = {"collection_method": "send_invoice", "days_until_due": 14, **more}
    world.post("/v1/invoiceitems", customer=customer, amount=amount, currency="eur")
    draft = world.post(
        "/v1/invoices", customer=customer, currency="eur", pending_invoice_items_behavior="include", **how
    )
    return world.post(f"/v1/invoices/{draft['id']}/finalize")


def test_an_invoice_is_paid_with_a_new_card(world: World, app: Any) -> None:
    world.at("2027-03-01")
    ann = world.customer("ann", card=None)
    made = invoice(world, ann.id)
    visitor = Visitor(app).opens(made["hosted_invoice_url"])
    assert "€48.00" in visitor.words() and "To pay by 15 Mar 2027" in visitor.words()
    visitor.sends(**{**CARD, "number": "4000000000009995"})
    assert visitor.status == 422 and "insufficient funds" in visitor.words()
    visitor.sends(**CARD, keep="yes")
    assert world.get(f"/v1/invoices/{made['id']}")["status"] == "paid"
    assert "Paid on 1 Mar 2027" in visitor.words() and "Card number" not in visitor.words()
    now = world.get(f"/v1/customers/{ann.id}")
    assert now["invoice_settings"]["default_payment_method"]


def test_an_invoice_is_paid_with_a_saved_card_and_once(world: World, app: Any) -> None:
    ann = world.customer("ann")
    made = invoice(world, ann.id)
    visitor = Visitor(app).opens(made["hosted_invoice_url"])
    assert "Visa ending in 4242" in visitor.words()
    [method] = world.get(f"/v1/customers/{ann.id}/payment_methods")["data"]
    page = visitor.text
    visitor.sends(method=method["id"])
    visitor.text = page
    visitor.sends(method=method["id"])
    assert [one["status"] for one in world.get("/v1/charges")["data"]] == ["succeeded"]
    other = world.customer("ben")
    [theirs] = world.get(f"/v1/customers/{other.id}/payment_methods")["data"]
    again = Visitor(app).opens(invoice(world, ann.id)["hosted_invoice_url"]).sends(method=theirs["id"])
    assert again.status == 422


def test_a_bank_asks_about_an_invoice_on_its_own_page(world: World, app: Any) -> None:
    ann = world.customer("ann", card=None)
    made = invoice(world, ann.id)
    visitor = Visitor(app).opens(made["hosted_invoice_url"]).sends(**{**CARD, "number": ALWAYS_ASKS})
    assert "Your bank asks you to confirm" in visitor.words()
    visitor.sends(answer="no")
    assert "To pay by" in visitor.words()
    visitor.sends(**{**CARD, "number": ALWAYS_ASKS}).sends(answer="yes")
    assert world.get(f"/v1/invoices/{made['id']}")["status"] == "paid"


def test_states_have_words_and_no_button(world: World, app: Any) -> None:
    ann = world.customer("ann", card=None)
    made = invoice(world, ann.id)
    world.post(f"/v1/invoices/{made['id']}/void")
    visitor = Visitor(app).opens(made["hosted_invoice_url"])
    assert "This invoice was voided" in visitor.words() and "<form" not in visitor.text
    lost = invoice(world, ann.id)
    world.post(f"/v1/invoices/{lost['id']}/mark_uncollectible")
    assert "<form" in Visitor(app).opens(lost["hosted_invoice_url"]).text
    for part in ("document", "pdf"):
        assert Visitor(app)._client.get(path(made, part)).status_code == 200


def path(made: dict[str, Any], part: str) -> str:
    return made["hosted_invoice_url"].split("8420", 1)[1] + f"/{part}"


def test_a_link_in_a_mail_replaces_the_card_and_pays_at_once(world: World, app: Any) -> None:
    world.at("2025-01-01")
    ann = world.customer("ann")
    subscription = ann.subscribes_to(world.plan("Pro", usd=20))
    ann.pays_with("declining")
    world.at("2025-02-02")
    assert subscription.now["status"] == "past_due"
    failed = world.get("/v1/invoices", status="open")["data"][0]
    with app.db.transaction(world.api.tenant) as tx:
        url = update_method(tx, ann.id, failed["id"])
    visitor = Visitor(app).opens(url)
    assert "We will charge US$20.00 to the new card now" in visitor.words()
    visitor.sends(**{**CARD, "number": "4000000000000002"})
    assert visitor.status == 422 and "Your card was declined." in visitor.words()
    visitor.sends(**CARD)
    assert "is paid. Thank you." in visitor.words()
    assert subscription.now["status"] == "active"
    method = world.get(f"/v1/customers/{ann.id}")["invoice_settings"]["default_payment_method"]
    assert world.get(f"/v1/payment_methods/{method}")["card"]["last4"] == "4242"
    world.at("2025-03-02")
    assert subscription.now["status"] == "active"


def test_a_seal_opens_only_its_own_page(world: World, app: Any) -> None:
    ann = world.customer("ann", card=None)
    made = invoice(world, ann.id)
    address = made["hosted_invoice_url"].split("8420", 1)[1]
    for wrong in (
        address[:-1] + ("y" if address.endswith("x") else "x"),
        address.replace("/i/", "/c/"),
        address.replace("/i/", "/m/"),
    ):
        assert Visitor(app).opens(wrong).status == 404


def methods_of(world: World, customer: str) -> list[str]:
    found = world.get(f"/v1/customers/{customer}/payment_methods")["data"]
    return [one["card"]["last4"] for one in found]


def default_of(world: World, customer: str) -> str | None:
    method = world.get(f"/v1/customers/{customer}")["invoice_settings"]["default_payment_method"]
    return world.get(f"/v1/payment_methods/{method}")["card"]["last4"] if method else None


def test_a_card_is_kept_only_where_its_holder_wants_it_and_once_it_has_paid(world: World, app: Any) -> None:
    ann = world.customer("ann", card=None)
    visitor = Visitor(app, world.work).opens(invoice(world, ann.id)["hosted_invoice_url"])
    visitor.sends(**{**CARD, "number": "4000000000000341"}, keep="yes")
    assert visitor.status == 422 and methods_of(world, ann.id) == []
    visitor.sends(**CARD)
    assert "Paid on" in visitor.words() and methods_of(world, ann.id) == []
    second = Visitor(app, world.work).opens(invoice(world, ann.id)["hosted_invoice_url"])
    second.sends(**{**CARD, "number": ALWAYS_ASKS}, keep="yes")
    assert methods_of(world, ann.id) == []
    second.sends(answer="yes")
    assert (methods_of(world, ann.id), default_of(world, ann.id)) == (["3184"], "3184")


def test_a_new_card_that_does_not_pay_replaces_none(world: World, app: Any) -> None:
    ann = world.customer("ann")
    made = invoice(world, ann.id)
    with app.db.transaction(world.api.tenant) as tx:
        url = update_method(tx, ann.id, made["id"])
    visitor = Visitor(app, world.work).opens(url).sends(**{**CARD, "number": "4000000000000341"})
    assert visitor.status == 422
    assert (methods_of(world, ann.id), default_of(world, ann.id)) == (["4242"], "4242")
    visitor.sends(**{**CARD, "number": "5555555555554444"})
    assert default_of(world, ann.id) == "4444"
    with app.db.transaction(world.api.tenant) as tx:
        url = update_method(tx, ann.id, made["id"])
    Visitor(app, world.work).opens(url).sends(**{**CARD, "number": "378282246310005"})
    assert default_of(world, ann.id) == "0005"
