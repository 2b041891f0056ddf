"""Do portal sessions lead to a page that offers what its configuration allows (§9.3)?"""

from typing import Any

from tests.support.page_visits import Visitor
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
    visitor.sends(action="cancel")
    assert subscription.now["cancel_at_period_end"] is True and "Keep my plan" in visitor.words()
    visitor.sends(action="keep")
    assert subscription.now["cancel_at_period_end"] is False
    visitor.sends(action="cancel", token="forged")
    assert subscription.now["cancel_at_period_end"] is False


def test_another_customers_subscription_is_out_of_reach(world: World, app: Any) -> None:
    ann, ben = world.customer("ann"), world.customer("ben")
    ann.subscribes_to(world.plan("Pro", usd=20))
    theirs = ben.subscribes_to(world.plan("Max", usd=90))
    visitor = Visitor(app).opens(world.post("/v1/billing_portal/sessions", customer=ann.id)["url"])
    assert "Max" not in visitor.words()
    visitor.sends(action="cancel", subscription=theirs.id)
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
