"""Do portal sessions lead to a page that offers what its configuration allows (§9.3)?"""

import re
from html import unescape
from typing import Any

from tests.support.page_visits import CARD, Visitor
from tests.support.world import World

FEATURES = {"invoice_history": {"enabled": True}, "subscription_cancel": {"enabled": True}}


def test_the_first_configuration_becomes_the_default(world: World) -> None:
    first = world.post("/v1/billing_portal/configurations", features=FEATURES)
    second = world.post("/v1/billing_portal/configurations", features=FEATURES, name="Other")
    assert (first["is_default"], second["is_default"], second["name"]) == (True, False, "Other")
    assert first["features"]["subscription_cancel"]["mode"] == "at_period_end"
    changed = world.post(
        f"/v1/billing_portal/configurations/{second['id']}",
        active=False,
        features={"subscription_cancel": {"mode": "immediately"}},
    )
    kept = changed["features"]["subscription_cancel"]
    assert (changed["active"], kept["mode"], kept["enabled"]) == (False, "immediately", True)
    ann = world.customer("ann")
    session = world.post("/v1/billing_portal/sessions", customer=ann.id)
    assert session["configuration"] == first["id"]
    refused = world.refused(f"/v1/billing_portal/configurations/{first['id']}", active=False)
    assert refused["param"] == "active"
    off = world.refused("/v1/billing_portal/sessions", customer=ann.id, configuration=second["id"])
    assert off["param"] == "configuration"
    events = [event["type"] for event in world.events() if event["type"].startswith("billing_portal.")]
    assert events[-1] == "billing_portal.session.created"


def test_a_session_needs_no_configuration_of_its_own(world: World) -> None:
    ann = world.customer("ann")
    session = world.post("/v1/billing_portal/sessions", customer=ann.id, return_url="https://shop.example")
    [default] = world.get("/v1/billing_portal/configurations")["data"]
    assert (session["configuration"], default["is_default"]) == (default["id"], True)
    assert default["features"]["subscription_cancel"]["enabled"] is True


def test_a_flow_needs_its_feature_and_its_subscription(world: World) -> None:
    ann = world.customer("ann")
    subscription = ann.subscribes_to(world.plan("Pro", usd=20))
    world.post("/v1/billing_portal/configurations", features=FEATURES)
    about = {"subscription": subscription.id}
    for flow, param in (
        ({"type": "subscription_update", "subscription_update": about}, "flow_data[type]"),
        ({"type": "subscription_cancel"}, "flow_data[subscription_cancel]"),
        (
            {"type": "subscription_cancel", "subscription_cancel": {"subscription": "sub_1"}},
            "flow_data[subscription_cancel][subscription]",
        ),
    ):
        refused = world.refused("/v1/billing_portal/sessions", customer=ann.id, flow_data=flow)
        assert refused["param"] == param, refused
    good = {"type": "subscription_cancel", "subscription_cancel": about}
    made = world.post("/v1/billing_portal/sessions", customer=ann.id, flow_data=good)
    assert made["flow"]["subscription_cancel"]["subscription"] == subscription.id
    assert made["flow"]["after_completion"]["type"] == "portal_homepage"


def test_a_customer_cancels_and_changes_the_mind(world: World, app: Any) -> None:
    ann = world.customer("ann")
    subscription = ann.subscribes_to(world.plan("Pro", usd=20))
    session = world.post("/v1/billing_portal/sessions", customer=ann.id)
    visitor = Visitor(app).opens(session["url"])
    for text in ("Pro", "Active", "Visa ending in 4242", "US$20.00", "Paid"):
        assert text in visitor.words()
    home = visitor.address
    visitor.opens(f"{home}?ask=cancel&about={subscription.id}")
    assert "Cancel Pro?" in visitor.words() and "It ends on" in visitor.words()
    visitor.sends(action="cancel")
    assert subscription.now["cancel_at_period_end"] is True and "Keep my plan" in visitor.words()
    visitor.sends(action="keep")
    assert subscription.now["cancel_at_period_end"] is False
    visitor.opens(f"{home}?ask=cancel&about={subscription.id}").sends(action="cancel", token="forged")
    assert subscription.now["cancel_at_period_end"] is False


def test_another_customers_subscription_is_out_of_reach(world: World, app: Any) -> None:
    ann, ben = world.customer("ann"), world.customer("ben")
    ann.subscribes_to(world.plan("Pro", usd=20))
    theirs = ben.subscribes_to(world.plan("Max", usd=90))
    visitor = Visitor(app).opens(world.post("/v1/billing_portal/sessions", customer=ann.id)["url"])
    assert "Max" not in visitor.words()
    home = visitor.address
    visitor.opens(f"{home}?ask=cancel&about={theirs.id}")
    assert "Max" not in visitor.words()
    ours = world.get("/v1/subscriptions", customer=ann.id)["data"][0]["id"]
    visitor.opens(f"{home}?ask=cancel&about={ours}").sends(action="cancel", about=theirs.id)
    assert theirs.now["cancel_at_period_end"] is False


def test_a_customer_session_has_a_secret_and_its_components(world: World) -> None:
    ann = world.customer("ann")
    chosen = {"payment_element": {"enabled": True, "features": {"payment_method_save": "enabled"}}}
    made = world.post("/v1/customer_sessions", customer=ann.id, components=chosen, expand=["customer"])
    assert made["client_secret"].startswith("cuss_secret_") and made["customer"]["id"] == ann.id
    features = made["components"]["payment_element"]["features"]
    assert (features["payment_method_save"], features["payment_method_redisplay"]) == ("enabled", "disabled")
    assert made["components"]["buy_button"] == {"enabled": False}
    assert made["expires_at"] > made["created"]


def allowing(world: World, *prices: str, **more: Any) -> None:
    """Configure a portal in which customers change to these prices."""
    products: dict[str, list[str]] = {}
    for price in prices:
        products.setdefault(world.get(f"/v1/prices/{price}")["product"], []).append(price)
    update = {
        "enabled": True,
        "default_allowed_updates": ["price", "quantity"],
        "products": [{"product": id, "prices": own} for id, own in products.items()],
        **more,
    }
    methods = {"payment_method_update": {"enabled": True}}
    world.post(
        "/v1/billing_portal/configurations", features={**FEATURES, **methods, "subscription_update": update}
    )


def flow(world: World, customer: str, type: str, after: dict[str, Any] | None = None, **about: Any) -> str:
    data = {
        "type": type,
        **({type: about} if about else {}),
        **({"after_completion": after} if after else {}),
    }
    made = world.post(
        "/v1/billing_portal/sessions",
        customer=customer,
        flow_data=data,
        return_url="https://shop.example/account",
    )
    return str(made["url"])


BACK = {"type": "redirect", "redirect": {"return_url": "https://shop.example/done"}}


def test_cards_are_removed_and_one_pays_from_now_on(world: World, app: Any) -> None:
    ann = world.customer("ann")
    usual = ann.now["invoice_settings"]["default_payment_method"]
    for card in ("pm_card_visa", "pm_card_mastercard", "pm_card_mastercard"):
        world.post(f"/v1/payment_methods/{card}/attach", customer=ann.id)
    visitor = Visitor(app).opens(world.post("/v1/billing_portal/sessions", customer=ann.id)["url"])
    home = visitor.address
    assert visitor.words().count("Visa ending in 4242 Expires") == 1
    other = re.findall(r"ask=remove&amp;about=(pm_\w+)", visitor.text)
    assert len(other) == 1 and f"about={usual}" not in visitor.text
    visitor.opens(f"{home}?ask=remove&about={usual}")
    assert "Remove" in visitor.words() and "ask=remove" in visitor.text, "the one that pays stays"
    visitor.sends(action="default", about=other[0])
    assert ann.now["invoice_settings"]["default_payment_method"] == other[0]
    visitor.opens(f"{home}?ask=remove&about={usual}")
    assert "Remove Visa ending in 4242?" in visitor.words()
    visitor.sends(action="remove")
    assert "Visa" not in visitor.words()
    kept = world.get(f"/v1/customers/{ann.id}/payment_methods")["data"]
    assert {one["card"]["brand"] for one in kept} == {"mastercard"}


def test_anothers_card_is_out_of_reach(world: World, app: Any) -> None:
    ann, ben = world.customer("ann"), world.customer("ben")
    [theirs] = world.get(f"/v1/customers/{ben.id}/payment_methods")["data"]
    world.post("/v1/payment_methods/pm_card_mastercard/attach", customer=ann.id)
    visitor = Visitor(app).opens(world.post("/v1/billing_portal/sessions", customer=ann.id)["url"])
    page = visitor.text
    for action in ("remove", "default"):
        visitor.text = page
        visitor.sends(action=action, about=theirs["id"])
    assert world.get(f"/v1/customers/{ben.id}/payment_methods")["data"] == [theirs]


def test_a_flow_to_cancel_asks_and_returns_as_it_says(world: World, app: Any) -> None:
    ann = world.customer("ann")
    subscription = ann.subscribes_to(world.plan("Pro", usd=20))
    url = flow(world, ann.id, "subscription_cancel", BACK, subscription=subscription.id)
    visitor = Visitor(app).opens(url)
    assert "Cancel Pro?" in visitor.words() and "Invoices" not in visitor.words()
    assert subscription.now["cancel_at_period_end"] is False
    assert leads_to(visitor, action="cancel") == "https://shop.example/done"
    assert subscription.now["cancel_at_period_end"] is True


def leads_to(visitor: Visitor, **entered: str) -> str:
    """Send the form, and return the address outside to which the pages then lead."""
    answer = visitor._client.post(visitor.form_address(), data={**visitor.hidden(), **entered})
    for _ in range(3):
        address = answer.headers["Location"]
        if address.startswith("https://shop.example/"):
            return str(address)
        answer = visitor._client.get(address)
    raise AssertionError(answer.get_data(as_text=True))


def test_a_flow_to_change_the_plan_shows_what_it_costs_and_confirms(world: World, app: Any) -> None:
    ann = world.customer("ann")
    small, large = world.plan("Small", usd=20), world.plan("Large", usd=50)
    subscription = ann.subscribes_to(small)
    allowing(world, small, large, proration_behavior="always_invoice")
    thanks = {"type": "hosted_confirmation", "hosted_confirmation": {"custom_message": "See you."}}
    url = flow(world, ann.id, "subscription_update", thanks, subscription=subscription.id)
    visitor = Visitor(app).opens(url)
    for text in ("Change Small", "US$20.00 per month", "US$50.00 per month"):
        assert text in visitor.words()
    visitor.sends(action="choose", price=large, quantity="2")
    for text in ("2 × Large", "US$100.00 per month", "is charged now"):
        assert text in visitor.words()
    visitor.sends(action="switch")
    assert "Your change is saved" in visitor.words() and "See you." in visitor.words()
    [item] = subscription.now["items"]["data"]
    assert (item["price"]["id"], item["quantity"]) == (large, 2)


def test_a_price_that_is_not_offered_is_refused(world: World, app: Any) -> None:
    ann = world.customer("ann")
    small, hidden = world.plan("Small", usd=20), world.plan("Hidden", usd=1)
    subscription = ann.subscribes_to(small)
    allowing(world, small)
    visitor = Visitor(app).opens(world.post("/v1/billing_portal/sessions", customer=ann.id)["url"])
    assert "Change plan" in visitor.words()
    for action in ("choose", "switch"):
        visitor.opens(f"{visitor.address.partition('?')[0]}?ask=update&about={subscription.id}")
        visitor.sends(action=action, price=hidden, quantity="1")
    [item] = subscription.now["items"]["data"]
    assert item["price"]["id"] == small


def test_a_change_that_is_declined_is_not_made(world: World, app: Any) -> None:
    ann = world.customer("ann")
    small, large = world.plan("Small", usd=20), world.plan("Large", usd=50)
    subscription = ann.subscribes_to(small)
    allowing(world, small, large, proration_behavior="always_invoice")
    ann.pays_with("declining")
    [item] = subscription.now["items"]["data"]
    about = {"subscription": subscription.id, "items": [{"id": item["id"], "price": large}]}
    visitor = Visitor(app).opens(flow(world, ann.id, "subscription_update_confirm", **about))
    assert "Large" in visitor.words() and "US$50.00 per month" in visitor.words()
    visitor.sends(action="switch", price="price_forged")
    assert visitor.status == 422 and "Your card was declined." in visitor.words()
    assert subscription.now["items"]["data"][0]["price"]["id"] == small
    ann.pays_with("visa")
    visitor.sends(action="switch")
    assert subscription.now["items"]["data"][0]["price"]["id"] == large


def test_a_flow_to_add_a_card_comes_back(world: World, app: Any) -> None:
    ann = world.customer("ann", card=None)
    allowing(world, world.plan("Small", usd=20))
    visitor = Visitor(app).opens(flow(world, ann.id, "payment_method_update", BACK))
    assert "Update your payment method" in visitor.words()
    assert leads_to(visitor, **CARD) == "https://shop.example/done"
    assert ann.now["invoice_settings"]["default_payment_method"]
    plain = Visitor(app).opens(world.post("/v1/billing_portal/sessions", customer=ann.id)["url"])
    [link] = re.findall(r'href="([^"]+/m/[^"]+)"', plain.text)
    plain.opens(unescape(link)).sends(**{**CARD, "number": "5555555555554444"})
    assert "Mastercard ending in 4444" in plain.words() and "Invoices" in plain.words()


def test_a_customer_tops_a_wallet_up(world: World, app: Any) -> None:
    ann, ben = world.customer("ann"), world.customer("ben")
    scope = {"scope": {"price_type": "metered"}}
    form = {"currency": "usd", "applicability_config": scope, "top_up": {"threshold": 1000, "amount": 5000}}
    wallet = world.post("/v1/billing/wallets", customer=ann.id, name="API calls", **form)
    theirs = world.post("/v1/billing/wallets", customer=ben.id, name="Secret", **form)
    visitor = Visitor(app).opens(world.post("/v1/billing_portal/sessions", customer=ann.id)["url"])
    home = visitor.address
    assert "US$0.00 left" in visitor.words() and "Secret" not in visitor.words()
    visitor.opens(f"{home}?ask=top_up&about={theirs['id']}")
    assert "Secret" not in visitor.words()
    visitor.opens(f"{home}?ask=top_up&about={wallet['id']}")
    assert "Your payment method is charged now" in visitor.words()
    visitor.sends(action="top_up", about=theirs["id"])
    assert world.get(f"/v1/billing/wallets/{theirs['id']}")["latest_invoice"] is None
    visitor.opens(f"{home}?ask=top_up&about={wallet['id']}").sends(action="top_up")
    assert "A top-up is to be paid." in visitor.words()
    world.work()
    visitor.opens(home)
    assert "US$50.00 left" in visitor.words() and "Top up US$50.00" in visitor.words()
