"""Can a person buy, pay, confirm and replace a card in a browser, on a desktop and on a phone?"""

from collections.abc import Callable
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from billow.flows.papers.method_links import update_method
from tests.support.world import World

RULES = ("target-size", "duplicate-id", "identical-links-same-purpose", "meta-refresh-no-exceptions")
"""What axe checks only when it is asked to by name."""
OK = "https://shop.example/ok?session={CHECKOUT_SESSION_ID}"
VISA, ASKS, DECLINED = "4242 4242 4242 4242", "4000 0027 6000 3184", "4000 0000 0000 0002"
Visit = Callable[..., Any]


def problems(page: Any) -> list[str]:
    """What axe finds on a page, with every rule for people and some that are off."""
    options = {"rules": {rule: {"enabled": True} for rule in RULES}}
    found = Axe().run(page, options=options).response["violations"]
    return [f"{one['id']}: {node['html'][:120]}" for one in found for node in one["nodes"]]


def types_card(page: Any, number: str = VISA) -> None:
    page.get_by_label("Card number").fill(number)
    page.get_by_label("Expiry").fill("12/49")
    page.get_by_label("Security code").fill("123")
    page.get_by_label("Name on card").fill("Ann Example")


def sells(world: World, **more: Any) -> dict[str, Any]:
    lines = [{"price": world.plan("Pro", usd=20), "quantity": 1}]
    return world.post(
        "/v1/checkout/sessions", **{"mode": "subscription", "success_url": OK, "line_items": lines, **more}
    )


def opens_invoice(world: World, customer: str) -> dict[str, Any]:
    world.post("/v1/invoiceitems", customer=customer, amount=4800, currency="eur", description="Consulting")
    how = {"collection_method": "send_invoice", "days_until_due": 14}
    draft = world.post(
        "/v1/invoices", customer=customer, currency="eur", pending_invoice_items_behavior="include", **how
    )
    return world.post(f"/v1/invoices/{draft['id']}/finalize")


def test_a_subscription_is_bought_by_keyboard_and_leads_back_to_the_shop(world: World, visit: Visit) -> None:
    made = sells(world)
    page = visit(made["url"])
    page.get_by_label("Email").fill("ann@example.com")
    types_card(page)
    page.get_by_label("Country").select_option("CH")
    page.get_by_label("Country").press("Tab")
    page.get_by_label("Postcode").fill("3005")
    page.get_by_label("Postcode").press("Enter")
    page.wait_for_url("https://shop.example/ok**")
    assert page.url.endswith(made["id"])
    done = world.get(f"/v1/checkout/sessions/{made['id']}")
    assert (done["status"], done["payment_status"]) == ("complete", "paid")


def test_a_payment_fails_and_is_confirmed_at_the_second_try(world: World, visit: Visit) -> None:
    made = sells(world, customer_email="ann@example.com")
    page = visit(made["url"])
    types_card(page, DECLINED)
    page.get_by_label("Country").select_option("CH")
    page.get_by_role("button", name="Subscribe and pay").click()
    alert = page.get_by_role("alert")
    assert "The payment did not go through" in alert.inner_text()
    expect(alert).to_be_focused()
    assert page.get_by_label("Name on card").input_value() == "Ann Example"
    assert page.get_by_label("Card number").input_value() == ""
    assert problems(page) == []
    types_card(page, ASKS)
    page.get_by_role("button", name="Subscribe and pay").click()
    page.get_by_role("heading", name="Your bank asks you to confirm").wait_for()
    assert problems(page) == []
    world.work()
    page.get_by_role("button", name="Confirm the payment").click()
    page.wait_for_url("https://shop.example/ok**")
    assert world.get(f"/v1/checkout/sessions/{made['id']}")["status"] == "complete"


def test_an_invoice_is_paid(world: World, visit: Visit) -> None:
    ann = world.post("/v1/customers", name="Ann Example", email="ann@example.com")["id"]
    made = opens_invoice(world, ann)
    page = visit(made["hosted_invoice_url"])
    assert problems(page) == []
    types_card(page)
    page.get_by_role("button", name="Pay €48.00").click()
    page.get_by_text("Paid on").wait_for()
    assert problems(page) == []
    assert world.get(f"/v1/invoices/{made['id']}")["status"] == "paid"


def test_a_card_is_replaced_from_the_link_of_a_mail(world: World, visit: Visit, app: Any) -> None:
    ann = world.customer("ann", card=None)
    ann.pays_with("declining")
    world.post("/v1/invoiceitems", customer=ann.id, amount=2000, currency="usd")
    draft = world.post("/v1/invoices", customer=ann.id, pending_invoice_items_behavior="include")
    made = world.post(f"/v1/invoices/{draft['id']}/finalize")
    world.refused(f"/v1/invoices/{made['id']}/pay")
    with app.db.transaction(world.api.tenant) as tx:
        url = update_method(tx, ann.id, made["id"])
    page = visit(url)
    assert problems(page) == []
    assert page.get_by_text("We will charge US$20.00 to the new card now").is_visible()
    types_card(page)
    page.get_by_role("button", name="Pay US$20.00").click()
    page.get_by_role("heading", name="Your payment method is updated").wait_for()
    assert world.get(f"/v1/invoices/{made['id']}")["status"] == "paid"


def test_a_payment_link_is_used(world: World, visit: Visit) -> None:
    lines = [{"price": world.once("Book", usd=12), "quantity": 1}]
    link = world.post("/v1/payment_links", line_items=lines)
    page = visit(link["url"])
    page.get_by_label("Email").fill("ann@example.com")
    types_card(page)
    page.get_by_label("Country").select_option("CH")
    page.get_by_role("button", name="Pay US$12.00").click()
    page.get_by_role("heading", name="Thank you").wait_for()
    assert problems(page) == []


def everything(world: World) -> dict[str, Any]:
    """A session that asks for all that a page can ask for."""
    return sells(
        world,
        allow_promotion_codes=True,
        billing_address_collection="required",
        cancel_url="https://shop.example",
        consent_collection={"promotions": "auto", "terms_of_service": "required"},
        custom_fields=[
            {
                "key": "size",
                "label": {"type": "custom", "custom": "Size"},
                "type": "dropdown",
                "dropdown": {"options": [{"label": "Small", "value": "s"}, {"label": "Large", "value": "l"}]},
            },
            {"key": "note", "label": {"type": "custom", "custom": "Note"}, "type": "text", "optional": True},
        ],
        custom_text={"submit": {"message": "We begin at once."}},
        line_items=[
            {
                "price": world.plan("Pro", usd=20),
                "quantity": 2,
                "adjustable_quantity": {"enabled": True, "minimum": 1},
            },
            {"price": world.once("Setup", usd=150), "quantity": 1},
        ],
        name_collection={"business": {"enabled": True, "optional": True}},
        optional_items=[{"price": world.once("Training", usd=90), "quantity": 1}],
        phone_number_collection={"enabled": True},
        shipping_address_collection={"allowed_countries": ["CH", "DE"]},
        tax_id_collection={"enabled": True},
    )


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(world: World, visit: Visit, scheme: str) -> None:
    """On each page, empty and with errors; the other tests look at the pages that follow."""
    page = visit(everything(world)["url"], scheme)
    assert problems(page) == []
    page.get_by_role("button", name="Subscribe and pay").click()
    page.get_by_role("heading", name="Please check the fields below").wait_for()
    assert problems(page) == []
    ann = world.customer("ann")
    ann.subscribes_to(world.plan("Pro", usd=20))
    for url in (
        world.post("/v1/billing_portal/sessions", customer=ann.id)["url"],
        opens_invoice(world, world.customer("ben").id)["hosted_invoice_url"],
        f"{sells(world)['url'][:-3]}xxx",
    ):
        page = visit(url, scheme)
        assert problems(page) == [], url


def test_a_customer_changes_details_and_says_why_it_cancels(world: World, visit: Visit) -> None:
    allowed = {"enabled": True, "allowed_updates": ["name", "email", "address", "shipping", "tax_id"]}
    reasons = {"enabled": True, "options": ["too_expensive", "other"]}
    features = {
        "customer_update": allowed,
        "subscription_cancel": {"enabled": True, "cancellation_reason": reasons},
        "subscription_pause": {"enabled": True},
    }
    world.post("/v1/billing_portal/configurations", features=features)
    ann = world.post("/v1/customers", name="Ann", payment_method="pm_card_visa")["id"]
    plan = {"items": [{"price": world.plan("Pro", usd=20)}], "default_payment_method": None}
    methods = world.get(f"/v1/customers/{ann}/payment_methods")["data"]
    plan["default_payment_method"] = methods[0]["id"]
    world.post("/v1/subscriptions", customer=ann, **plan)
    page = visit(world.post("/v1/billing_portal/sessions", customer=ann)["url"])
    page.set_viewport_size({"width": 320, "height": 640})
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    page.get_by_role("link", name="Change your details").click()
    assert problems(page) == []
    page.get_by_label("Full name").first.fill("Ann Muster")
    page.get_by_role("button", name="Save").click()
    page.get_by_role("heading", name="Please check the fields below").wait_for()
    assert problems(page) == []
    page.get_by_label("Email").fill("ann@example.com")
    page.get_by_label("Street and number").first.fill("Kramgasse 12")
    page.get_by_label("Postcode").first.fill("3011")
    page.get_by_label("City").first.fill("Bern")
    page.get_by_label("Country").first.select_option("CH")
    page.get_by_role("button", name="Save").click()
    page.get_by_text("Ann Muster").wait_for()
    page.get_by_role("link", name="Cancel at the end of the period").click()
    assert problems(page) == []
    page.get_by_label("It is too expensive").check()
    page.get_by_role("button", name="Cancel the subscription").click()
    page.get_by_role("button", name="Keep my plan").wait_for()


def test_no_page_is_wider_than_a_phone(world: World, visit: Visit) -> None:
    page = visit(everything(world)["url"])
    page.set_viewport_size({"width": 320, "height": 640})
    assert page.evaluate("document.documentElement.scrollWidth") <= 320


def test_axe_finds_what_is_planted(world: World, visit: Visit) -> None:
    page = visit(sells(world)["url"])
    page.evaluate("document.querySelector('label[for=email]').remove()")
    assert any(one.startswith("label") for one in problems(page))
