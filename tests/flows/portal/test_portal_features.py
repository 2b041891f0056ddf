"""Is each parameter of the portal's configurations and sessions honoured on its pages (§9.3)?"""

import re
from types import ModuleType
from typing import Any

import pytest

from billow.flows.platform import missing_timers
from billow.store import jobs
from tests.flows.portal.test_portal import BACK, flow, leads_to
from tests.support.page_visits import Visitor
from tests.support.world import World

ADDRESS = {"line1": "Main St 1", "city": "Bern", "postal_code": "3005", "country": "CH"}
HOME = "https://shop.example/account"


def configured(world: World, **features: Any) -> str:
    more = {
        name: features.pop(name) for name in ("business_profile", "default_return_url") if name in features
    }
    made = world.post("/v1/billing_portal/configurations", features=features, **more)
    return str(made["id"])


def opened(world: World, app: Any, customer: str, **more: Any) -> Visitor:
    made = world.post("/v1/billing_portal/sessions", customer=customer, **more)
    return Visitor(app).opens(made["url"])


def asks(visitor: Visitor, ask: str, about: str = "") -> Visitor:
    home = visitor.address.partition("?")[0]
    return visitor.opens(f"{home}?ask={ask}&about={about}")


# ------------------------------------------------------------------------------------- details

ENTERED = {
    "name": "Ann Muster", "email": "new@example.com", "phone": "+41 31 300 00 00",
    "tax_id": "CHE-123.456.788 TVA", "ship_name": "Reception",
    **ADDRESS, **{f"ship_{name}": value for name, value in ADDRESS.items()},
}  # fmt: skip


@pytest.mark.parametrize("allowed", ["address", "email", "name", "phone", "shipping", "tax_id"])
def test_a_customer_changes_what_is_allowed_and_nothing_else(world: World, app: Any, allowed: str) -> None:
    configured(world, customer_update={"enabled": True, "allowed_updates": [allowed]})
    ann = world.post("/v1/customers", name="Ann", email="ann@example.com", address=ADDRESS)["id"]
    before = world.get(f"/v1/customers/{ann}")
    visitor = asks(opened(world, app, ann), "details").sends(action="details", **ENTERED)
    assert visitor.status == 200, visitor.words()
    after = world.get(f"/v1/customers/{ann}")
    numbers = [one["value"] for one in world.get(f"/v1/customers/{ann}/tax_ids")["data"]]
    changed = {
        name for name in ("address", "email", "name", "phone", "shipping") if before[name] != after[name]
    }
    assert changed == ({allowed} - {"tax_id", "address"} if allowed != "address" else {"address"} & changed)
    assert numbers == ([ENTERED["tax_id"]] if allowed == "tax_id" else [])


def test_details_that_are_wrong_are_shown_with_their_field(world: World, app: Any) -> None:
    configured(world, customer_update={"enabled": True, "allowed_updates": ["email", "name", "tax_id"]})
    ann = world.post("/v1/customers", name="Ann", email="ann@example.com", address=ADDRESS)["id"]
    visitor = asks(opened(world, app, ann), "details")
    assert 'value="ann@example.com"' in visitor.text
    visitor.sends(action="details", name="", email="nobody", tax_id="1")
    assert visitor.status == 422 and "Enter a mail address" in visitor.words()
    assert world.get(f"/v1/customers/{ann}")["email"] == "ann@example.com"


def test_a_tax_id_is_replaced_and_cleared(world: World, app: Any) -> None:
    configured(world, customer_update={"enabled": True, "allowed_updates": ["tax_id"]})
    ann = world.post("/v1/customers", name="Ann", address={"country": "DE"})["id"]
    path = f"/v1/customers/{ann}/tax_ids"
    visitor = opened(world, app, ann)
    for value in ("DE123456788", "DE136695976", ""):
        asks(visitor, "details").sends(action="details", tax_id=value)
        assert [one["value"] for one in world.get(path)["data"]] == ([value] if value else [])


def test_details_that_may_not_be_changed_are_not(world: World, app: Any) -> None:
    configured(world, customer_update={"enabled": False}, invoice_history={"enabled": True})
    ann = world.post("/v1/customers", name="Ann")["id"]
    visitor = opened(world, app, ann)
    assert "Your details" not in visitor.words()
    token = {"token": "forged"}
    visitor._client.post(visitor.address, data={**token, "action": "details", "name": "Eve"})
    assert "Your details" not in asks(visitor, "details").words()
    assert world.get(f"/v1/customers/{ann}")["name"] == "Ann"


def test_a_flow_to_the_details_comes_back(world: World, app: Any) -> None:
    configured(world, customer_update={"enabled": True, "allowed_updates": ["name"]})
    ann = world.customer("ann")
    visitor = Visitor(app).opens(flow(world, ann.id, "customer_update", BACK))
    assert leads_to(visitor, action="details", name="Anna") == "https://shop.example/done"
    assert ann.now["name"] == "Anna"


# ------------------------------------------------------------------------------------- cancel

REASONS = {"enabled": True, "options": ["too_expensive", "other"]}


@pytest.mark.parametrize("mode", ["immediately", "at_period_end"])
def test_a_customer_says_why_it_cancels(world: World, app: Any, mode: str) -> None:
    configured(world, subscription_cancel={"enabled": True, "mode": mode, "cancellation_reason": REASONS})
    ann = world.customer("ann")
    subscription = ann.subscribes_to(world.plan("Pro", usd=20))
    visitor = asks(opened(world, app, ann.id), "cancel", subscription.id)
    assert "It is too expensive" in visitor.words() and "I do not use it enough" not in visitor.words()
    visitor.sends(action="cancel", feedback="too_expensive", comment="  Sorry.\nBye. ")
    details = subscription.now["cancellation_details"]
    assert (details["feedback"], details["comment"]) == ("too_expensive", "Sorry. Bye.")
    assert details["reason"] == "cancellation_requested"


def test_a_reason_that_is_not_offered_is_not_kept(world: World, app: Any) -> None:
    configured(world, subscription_cancel={"enabled": True, "cancellation_reason": REASONS})
    ann = world.customer("ann")
    subscription = ann.subscribes_to(world.plan("Pro", usd=20))
    asks(opened(world, app, ann.id), "cancel", subscription.id).sends(action="cancel", feedback="unused")
    assert subscription.now["cancellation_details"]["feedback"] is None


def test_no_reason_is_asked_for_where_that_is_off(world: World, app: Any) -> None:
    configured(world, subscription_cancel={"enabled": True})
    ann = world.customer("ann")
    subscription = ann.subscribes_to(world.plan("Pro", usd=20))
    visitor = asks(opened(world, app, ann.id), "cancel", subscription.id)
    assert "Why do you cancel?" not in visitor.words()
    visitor.sends(action="cancel", feedback="other", comment="x")
    assert subscription.now["cancellation_details"]["comment"] is None


@pytest.mark.parametrize(
    ("terms", "text"),
    [
        ({"percent_off": 12.5, "duration": "once"}, "your next invoice is 12.5% less"),
        ({"amount_off": 500, "currency": "usd", "duration": "forever"}, "every invoice is US$5.00 less"),
        ({"percent_off": 20, "duration": "repeating", "duration_in_months": 3}, "20% less for 3 months"),
    ],
)
def test_who_wants_to_cancel_is_offered_a_coupon_to_stay(
    world: World, app: Any, terms: dict[str, Any], text: str
) -> None:
    configured(world, subscription_cancel={"enabled": True})
    ann = world.customer("ann")
    subscription = ann.subscribes_to(world.plan("Pro", usd=20))
    coupon = world.post("/v1/coupons", **terms)["id"]
    retention = {"type": "coupon_offer", "coupon_offer": {"coupon": coupon}}
    about = {"subscription": subscription.id, "retention": retention}
    visitor = Visitor(app).opens(flow(world, ann.id, "subscription_cancel", BACK, **about))
    assert text in visitor.words()
    assert leads_to(visitor, action="stay") == "https://shop.example/done"
    now = world.get(f"/v1/subscriptions/{subscription.id}", expand=["discounts"])
    assert [one["source"]["coupon"] for one in now["discounts"]] == [coupon]
    assert now["cancel_at_period_end"] is False


def test_nothing_is_given_to_who_was_offered_nothing(world: World, app: Any) -> None:
    configured(world, subscription_cancel={"enabled": True})
    ann = world.customer("ann")
    subscription = ann.subscribes_to(world.plan("Pro", usd=20))
    asks(opened(world, app, ann.id), "cancel", subscription.id).sends(action="stay")
    assert subscription.now["discounts"] == []


# ------------------------------------------------------------------------------------- pause


def test_a_customer_pauses_and_resumes(world: World, app: Any) -> None:
    configured(world, subscription_pause={"enabled": True, "duration": {"type": "indefinite"}})
    ann = world.customer("ann")
    subscription = ann.subscribes_to(world.plan("Pro", usd=20))
    visitor = asks(opened(world, app, ann.id), "pause", subscription.id)
    assert "Pause Pro?" in visitor.words()
    visitor.sends(action="pause")
    assert subscription.now["status"] == "paused" and "Resume" in visitor.words()
    asks(visitor, "resume", subscription.id).sends(action="resume")
    assert subscription.now["status"] == "active"


def test_a_pause_of_an_interval_ends_by_itself(world: World, app: Any) -> None:
    options = [{"interval": "week"}, {"interval": "month", "interval_count": 2}]
    duration = {"type": "interval_options", "interval_options": options}
    configured(world, subscription_pause={"enabled": True, "duration": duration})
    world.at("2025-01-10")
    ann = world.customer("ann")
    subscription = ann.subscribes_to(world.plan("Pro", usd=20))
    url = flow(world, ann.id, "subscription_pause", BACK, subscription=subscription.id)
    visitor = Visitor(app).opens(url)
    assert "For 1 week" in visitor.words() and "For 2 months" in visitor.words()
    assert leads_to(visitor, action="pause", choice="1") == "https://shop.example/done"
    assert subscription.now["status"] == "paused"
    assert "Paused until 10 Mar 2025" in visitor.opens(f"{visitor.address}?home=1").words()
    with app.db.transaction(world.api.tenant) as tx:
        jobs.cancel(tx, "portal.resume", subscription.id)
        jobs.flush(tx)
        assert [one.kind for one in missing_timers.wrong_timers(tx)] == ["portal.resume"]
        missing_timers.repair(tx)
    world.at("2025-03-09")
    assert subscription.now["status"] == "paused"
    world.at("2025-03-10 00:01")
    assert subscription.now["status"] == "active"


def test_what_is_not_offered_is_not_paused(world: World, app: Any) -> None:
    configured(world, subscription_pause={"enabled": False}, subscription_cancel={"enabled": True})
    ann = world.customer("ann")
    subscription = ann.subscribes_to(world.plan("Pro", usd=20))
    asks(opened(world, app, ann.id), "cancel", subscription.id).sends(action="pause")
    assert subscription.now["status"] == "active"


# ------------------------------------------------------------------------------------- change


def offers(world: World, *prices: str, **more: Any) -> None:
    product = world.get(f"/v1/prices/{prices[0]}")["product"]
    products = [{"product": product, "prices": list(prices)}]
    allowed = ["price", "quantity", "promotion_code"]
    update = {"enabled": True, "default_allowed_updates": allowed, "products": products, **more}
    configured(world, subscription_update=update)


@pytest.mark.parametrize(
    ("condition", "usd", "every", "waits"),
    [
        ("decreasing_item_amount", 10, "month", True),
        ("decreasing_item_amount", 30, "month", False),
        ("shortening_interval", 30, "week", True),
        ("shortening_interval", 10, "month", False),
    ],
)
def test_a_change_waits_for_the_end_of_the_period_under_a_condition(
    world: World, app: Any, condition: str, usd: int, every: str, waits: bool
) -> None:
    world.at("2025-01-10")
    ann = world.customer("ann")
    now, then = world.plan("Pro", usd=20), world.plan("Other", usd=usd, every=every)
    subscription = ann.subscribes_to(now)
    offers(world, now, then, schedule_at_period_end={"conditions": [{"type": condition}]})
    visitor = asks(opened(world, app, ann.id), "update", subscription.id)
    visitor.sends(action="choose", price=then, quantity="1")
    said = "The change takes place on 10 Feb 2025"
    assert (said in visitor.words()) is waits
    visitor.sends(action="switch")
    [item] = subscription.now["items"]["data"]
    assert item["price"]["id"] == (now if waits else then)
    assert (said in visitor.words()) is waits
    if waits:
        world.at("2025-02-10 00:01")
        [item] = subscription.now["items"]["data"]
        assert item["price"]["id"] == then and subscription.now["status"] == "active"


def test_a_promotion_code_is_redeemed_with_a_change(world: World, app: Any) -> None:
    ann = world.customer("ann")
    now, then = world.plan("Pro", usd=20), world.plan("Max", usd=50)
    subscription = ann.subscribes_to(now)
    offers(world, now, then)
    coupon = world.coupon(percent_off=10, duration="forever")
    world.post("/v1/promotion_codes", promotion={"type": "coupon", "coupon": coupon}, code="TEN")
    visitor = asks(opened(world, app, ann.id), "update", subscription.id)
    visitor.sends(action="choose", price=then, quantity="1", code="NONE")
    assert visitor.status == 422 and "This code is not valid." in visitor.words()
    visitor.sends(action="choose", price=then, quantity="1", code="ten")
    visitor.sends(action="switch")
    assert len(subscription.now["discounts"]) == 1


@pytest.mark.parametrize(("behavior", "status"), [("continue_trial", "trialing"), ("end_trial", "active")])
def test_a_change_in_a_trial_ends_it_or_not(world: World, app: Any, behavior: str, status: str) -> None:
    ann = world.customer("ann")
    now, then = world.plan("Pro", usd=20), world.plan("Max", usd=50)
    subscription = ann.subscribes_to(now, trial_period_days=14)
    offers(world, now, then, trial_update_behavior=behavior)
    visitor = asks(opened(world, app, ann.id), "update", subscription.id)
    visitor.sends(action="choose", price=then, quantity="1").sends(action="switch")
    assert subscription.now["status"] == status


@pytest.mark.parametrize(
    ("behavior", "charged"), [("always_invoice", 1), ("create_prorations", 0), ("none", 0)]
)
def test_a_change_is_prorated_as_configured(world: World, app: Any, behavior: str, charged: int) -> None:
    ann = world.customer("ann")
    now, then = world.plan("Pro", usd=20), world.plan("Max", usd=50)
    subscription = ann.subscribes_to(now)
    offers(world, now, then, proration_behavior=behavior)
    before = len(world.get("/v1/charges")["data"])
    visitor = asks(opened(world, app, ann.id), "update", subscription.id)
    visitor.sends(action="choose", price=then, quantity="1").sends(action="switch")
    assert len(world.get("/v1/charges")["data"]) - before == charged
    pending = world.get("/v1/invoiceitems", customer=ann.id, pending=True)["data"]
    assert bool(pending) is (behavior == "create_prorations")


# ------------------------------------------------------------------------------------- what is shown


def test_the_portal_shows_the_business_and_where_to_return(world: World, app: Any) -> None:
    profile = {
        "headline": "All that you buy of us",
        "privacy_policy_url": "https://shop.example/privacy",
        "terms_of_service_url": "https://shop.example/terms",
    }
    shown = {"business_profile": profile, "default_return_url": HOME}
    configured(world, invoice_history={"enabled": True}, **shown)
    visitor = opened(world, app, world.customer("ann").id)
    assert "All that you buy of us" in visitor.words()
    links = re.findall(r'href="(https://shop.example/[^"]+)"', visitor.text)
    assert {*links} == {HOME, profile["privacy_policy_url"], profile["terms_of_service_url"]}
    other = opened(world, app, world.customer("ben").id, return_url="https://shop.example/b", locale="sv")
    assert "https://shop.example/b" in other.text and "Fakturor" in other.words()


@pytest.mark.parametrize("feature", ["invoice_history", "payment_method_update"])
def test_a_list_is_there_where_its_feature_is_on(world: World, app: Any, feature: str) -> None:
    heading = {"invoice_history": "Invoices", "payment_method_update": "Payment methods"}[feature]
    ann = world.customer("ann")
    for on in (True, False):
        id = configured(world, **{feature: {"enabled": on}})
        visitor = opened(world, app, ann.id, configuration=id)
        assert (heading in visitor.words()) is on


def test_a_customer_says_why_in_the_sellers_words(world: World, app: Any, contract: ModuleType) -> None:
    moved = world.post("/v1/billing/feedback_options", description="Moved to another city")
    gone = world.post("/v1/billing/feedback_options", description="The old reason")
    reasons = {**REASONS, "feedback_options": [moved["id"], gone["id"]]}
    cancel = {"enabled": True, "cancellation_reason": reasons}
    used = configured(world, subscription_cancel=cancel)
    ended = world.post(f"/v1/billing/feedback_options/{gone['id']}/deactivate")
    assert contract.problems(moved) == contract.problems(ended) == []
    assert ended["status"] == "inactive" and ended["status_transitions"]["deactivated_at"]
    refused = world.refused(f"/v1/billing/feedback_options/{gone['id']}/deactivate")
    assert "already inactive" in refused["message"]
    refused = world.refused(
        f"/v1/billing_portal/configurations/{used}", features={"subscription_cancel": cancel}
    )
    assert "is inactive" in refused["message"]
    ann = world.customer("ann")
    subscription = ann.subscribes_to(world.plan("Pro", usd=20))
    visitor = asks(opened(world, app, ann.id), "cancel", subscription.id)
    assert "Moved to another city" in visitor.words() and "The old reason" not in visitor.words()
    visitor.sends(action="cancel", feedback=moved["id"])
    details = subscription.now["cancellation_details"]
    assert (details["feedback"], details["feedback_option"]) == (None, moved["id"])
    shown = world.get(f"/v1/subscriptions/{subscription.id}", expand=["cancellation_details.feedback_option"])
    assert shown["cancellation_details"]["feedback_option"]["description"] == "Moved to another city"


def test_a_configuration_says_which_methods_can_be_added(world: World, app: Any) -> None:
    on, off = {"display_preference": {"preference": "on"}}, {"display_preference": {"preference": "off"}}
    debits = world.post("/v1/payment_method_configurations", name="Debits", sepa_debit=on, card=off)["id"]
    feature = {"enabled": True, "payment_method_configuration": debits}
    used = configured(world, payment_method_update=feature)
    ann = world.customer("ann", card=None)
    visitor = opened(world, app, ann.id)
    link = re.search(r'href="(http[^"]*/m/[^"]+)"', visitor.text)
    assert link
    visitor.opens(link[1])
    assert "IBAN" in visitor.words() and "Card number" not in visitor.words()
    visitor.sends(iban="DE89370400440532013000", account_holder="Ann Example")
    [kept] = world.get("/v1/payment_methods", customer=ann.id)["data"]
    assert kept["type"] == "sepa_debit"
    settings = world.get(f"/v1/customers/{ann.id}")["invoice_settings"]
    assert settings["default_payment_method"] == kept["id"]
    feature["payment_method_configuration"] = "pmc_unheard"
    refused = world.refused(
        f"/v1/billing_portal/configurations/{used}", features={"payment_method_update": feature}
    )
    assert refused["code"] == "resource_missing"
