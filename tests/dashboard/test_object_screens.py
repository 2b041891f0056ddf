"""Quotes, credit notes, disputes, payouts and coupons are listed, found, exported and shown."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.dashboard.conftest import Person
from tests.support.world import World

TABS = (
    ("quotes", "draft", "accepted"),
    ("credit-notes", "issued", "void"),
    ("disputes", "open", "won"),
    ("payouts", "way", "failed"),
    ("coupons", "valid", "over"),
)
"""Of each list a tab that has the object, and one that has it not."""
OBJECTS = ("quotes", "credit-notes", "disputes", "payouts", "coupons")


@pytest.fixture
def made(shop: World) -> dict[str, tuple[str, str]]:
    """One object of each kind, with what its screen says of it."""
    coupon = shop.post(
        "/v1/coupons", percent_off=12.5, duration="repeating", duration_in_months=3, name="Spring"
    )
    shop.post("/v1/promotion_codes", promotion={"type": "coupon", "coupon": coupon["id"]}, code="SPRING12")
    invoice = shop.get("/v1/invoices", status="paid")["data"][0]
    line = {"price": shop.plan("Team", usd=30), "quantity": 1}
    quote = shop.post("/v1/quotes", customer=invoice["customer"], line_items=[line])
    note = shop.post("/v1/credit_notes", invoice=invoice["id"], amount=500, credit_amount=500, memo="Sorry")
    disputed = shop.post(
        "/v1/payment_intents",
        amount=7000,
        currency="usd",
        payment_method="pm_card_createDispute",
        confirm=True,
        automatic_payment_methods={"enabled": True, "allow_redirects": "never"},
    )
    shop.post("/v1/charges", amount=50000, currency="usd", source="tok_bypassPending")
    payout = shop.post("/v1/payouts", amount=1234, currency="usd", description="Week 5")
    shop.work()
    dispute = shop.get("/v1/disputes", payment_intent=disputed["id"])["data"][0]
    return {
        "quotes": (quote["id"], "US$30.00"),
        "credit-notes": (note["id"], "Sorry"),
        "disputes": (dispute["id"], "Send evidence"),
        "payouts": (payout["id"], "US$12.34"),
        "coupons": (coupon["id"], "12.5% off for 3 months"),
    }


def test_each_is_listed_found_exported_and_shown(owner: Person, made: dict[str, tuple[str, Any]]) -> None:
    for path, (id, said) in made.items():
        listed = owner.opens(f"/{path}")
        assert listed.status_code == 200 and f"/{path}/{id}" in listed.text, path
        assert f"/{path}/{id}" in owner.opens(f"/{path}", q=id).text, path
        assert f"/{path}/{id}" not in owner.opens(f"/{path}", q="nothing like it").text, path
        assert len(owner.opens(f"/{path}.csv").text.splitlines()) >= 2, path
        text = owner.reads(f"/{path}/{id}")
        assert said in text and id in text, (path, text)
        assert owner.opens(f"/{path}/none_such").status_code == 404
    assert "SPRING12" in owner.reads(f"/coupons/{made['coupons'][0]}")


def test_tabs_divide_the_lists(owner: Person, made: dict[str, tuple[str, Any]]) -> None:
    for path, here, elsewhere in TABS:
        for tab, there in ((here, True), (elsewhere, False)):
            found = f"/{path}/{made[path][0]}" in owner.opens(f"/{path}", tab=tab).text
            assert found == there, (path, tab)


def test_the_navigation_leads_there(owner: Person) -> None:
    home = owner.opens("").text
    assert all(f"/{path}" in home for path in OBJECTS)


def test_an_endpoint_shows_its_deliveries_and_an_event_is_sent_again(
    shop: World, owner: Person, hire: Callable[..., Person]
) -> None:
    events = ["customer.updated"]
    endpoint = shop.post("/v1/webhook_endpoints", url="https://hooks.shop.example/in", enabled_events=events)
    shop.post("/v1/customers", name="Dora")
    event = shop.get("/v1/events", type="customer.created")["data"][0]
    path = f"/events/{event['id']}"
    assert "Send it again" in owner.opens(path).text
    support = hire("support")
    assert "Send it again" not in support.opens(path).text
    assert support.sends(path, to=endpoint["id"], token="x").status_code == 403
    assert owner.sends(path, to="we_none").status_code == 422
    assert owner.sends(path, to=endpoint["id"]).status_code == 303
    assert "https://hooks.shop.example/in" in owner.reads("/webhooks")
    shown = owner.reads(f"/webhooks/{endpoint['id']}")
    assert "customer.created" in shown and "Pending" in shown
    assert endpoint["secret"] not in owner.opens(f"/webhooks/{endpoint['id']}").text
    assert "events.send" in owner.reads("/audit")
