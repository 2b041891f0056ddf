"""Can what was chosen or entered on the checkout page be corrected, and is only said what is true?"""

from typing import Any

import pytest

from billow.flows.mails import kinds
from tests.flows.checkout.test_checkout import DECLINED, read, session
from tests.support.page_visits import PAYER, Visitor
from tests.support.world import World

REASONS = {
    "sv": "Enligt banken fanns det inte tillräckligt med pengar på kontot.",
    "de": "Laut der Bank war das Konto nicht ausreichend gedeckt.",
    "fr": "Selon la banque",
}


@pytest.fixture
def visitor(app: Any) -> Visitor:
    return Visitor(app)


def test_a_decline_is_explained_in_the_language_of_the_page(world: World, visitor: Visitor) -> None:
    price = world.once("Pen", usd=3)
    for locale, reason in REASONS.items():
        made = session(world, "payment", price, locale=locale)
        visitor.opens(made["url"]).sends(**{**PAYER, "number": "4000000000009995"})
        assert visitor.status == 422 and reason in visitor.words(), visitor.words()
        visitor.sends(**{**PAYER, "number": DECLINED})
        assert "declined" not in visitor.words(), visitor.words()


def test_the_address_can_be_corrected_after_a_decline(world: World, visitor: Visitor) -> None:
    made = session(world, "subscription", world.plan("Pro", usd=20))
    visitor.opens(made["url"]).sends(**{**PAYER, "email": "anm@example.com", "number": DECLINED})
    for page in (visitor, visitor.opens(made["url"])):
        assert 'name="email" type="email" value="anm@example.com"' in page.text
    visitor.sends(**PAYER)
    [customer] = world.get("/v1/customers")["data"]
    done = read(world, made)
    assert (done["status"], customer["email"]) == ("complete", "ann@example.com")
    assert done["customer_details"]["email"] == "ann@example.com"


def test_an_address_that_the_seller_has_set_is_fixed(world: World, visitor: Visitor) -> None:
    price, ann = world.once("Pen", usd=3), world.customer("ann", email="ann@shop.example")
    for given in ({"customer_email": "ann@shop.example"}, {"customer": ann.id}):
        visitor.opens(session(world, "payment", price, **given)["url"])
        assert "ann@shop.example" in visitor.words() and 'name="email"' not in visitor.text


def test_a_promotion_code_is_named_and_can_be_removed(world: World, visitor: Visitor) -> None:
    coupon = world.coupon(percent_off=25, duration="once")
    world.post("/v1/promotion_codes", code="SPRING", promotion={"type": "coupon", "coupon": coupon})
    made = session(world, "payment", world.once("Desk", usd=50), allow_promotion_codes=True)
    visitor.opens(made["url"]).sends(action="apply", code="spring")
    assert "Discount (SPRING) −US$12.50" in visitor.words()
    assert 'value="remove_code"' in visitor.text and 'name="code"' not in visitor.text
    visitor.sends(action="remove_code")
    assert "SPRING" not in visitor.words() and 'name="code"' in visitor.text
    now = read(world, made)
    assert (now["amount_total"], now["discounts"]) == (5000, [])


def test_a_discount_of_the_seller_stays(world: World, visitor: Visitor) -> None:
    coupon = world.coupon(percent_off=25, duration="once", name="Old friends")
    made = session(world, "payment", world.once("Desk", usd=50), discounts=[{"coupon": coupon}])
    visitor.opens(made["url"])
    assert "Discount (Old friends) −US$12.50" in visitor.words()
    visitor.sends(action="remove_code")
    assert read(world, made)["amount_total"] == 3750


def test_an_optional_item_is_added_and_removed_and_shown_once(world: World, visitor: Visitor) -> None:
    price, extra = world.once("Desk", usd=50), world.once("Lamp", usd=9)
    quantity = {"enabled": True, "minimum": 1, "maximum": 3}
    made = world.post(
        "/v1/checkout/sessions",
        line_items=[{"price": price, "quantity": 1, "adjustable_quantity": quantity}],
        mode="payment",
        optional_items=[{"price": extra, "quantity": 1}],
        success_url="https://shop.example",
    )
    visitor.opens(made["url"]).sends(action="add-0")
    assert visitor.words().count("Lamp") == 1 and "You may also add" not in visitor.words()
    assert read(world, made)["amount_total"] == 5900
    visitor.sends(action="update")
    assert read(world, made)["amount_total"] == 5900
    assert visitor.text.count("Update total") == 1
    visitor.sends(action="drop-0")
    assert "You may also add" in visitor.words() and read(world, made)["amount_total"] == 5000


def test_a_confirmation_is_promised_only_where_one_is_mailed(
    world: World, visitor: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    price = world.once("Pen", usd=3)
    visitor.opens(session(world, "payment", price)["url"]).sends(**PAYER)
    assert "Thank you" in visitor.words() and "A confirmation goes" not in visitor.words()
    monkeypatch.setitem(kinds.SENT, "receipt", True)
    made = session(world, "payment", price, customer_creation="always")
    visitor.opens(made["url"]).sends(**PAYER)
    assert "A confirmation goes to ann@example.com." in visitor.words()


def test_saving_a_card_says_that_nothing_is_charged_now(world: World, visitor: Visitor) -> None:
    visitor.opens(session(world, "setup", currency="usd")["url"])
    assert "Nothing is charged now." in visitor.words() and "for this and" not in visitor.words()


def test_a_text_of_the_merchant_shows_bold_and_links_and_no_html(world: World, visitor: Visitor) -> None:
    text = "**At once** [terms](https://shop.example/t) [bad](javascript:alert) <script>x</script>"
    made = session(world, "payment", world.once("Pen", usd=3), custom_text={"submit": {"message": text}})
    visitor.opens(made["url"])
    assert "<strong>At once</strong>" in visitor.text
    assert '<a href="https://shop.example/t" target="_blank" rel="noreferrer">terms</a>' in visitor.text
    assert "<script" not in visitor.text and 'href="javascript' not in visitor.text
