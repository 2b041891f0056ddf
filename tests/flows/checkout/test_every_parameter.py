"""Is every parameter of sessions, links and the portal honoured? Each is sent, and what is made shows it."""

import time
from collections.abc import Callable
from typing import Any

import pytest

from billow.api.params import specs
from billow.flows.checkout import link_params, params
from billow.flows.portal import configurations
from billow.flows.portal import sessions as portal_sessions
from tests.support.connected import enabled
from tests.support.world import World

URL = "https://shop.example/"
FUTURE = {"trial_period_days": 7}
ADDRESS = {"line1": "A 1", "country": "CH"}
ASKED = {"enabled": True, "optional": True}
FIELD = {"key": "size", "label": {"type": "custom", "custom": "Size"}, "type": "text"}
RATE = {"display_name": "Post", "fixed_amount": {"amount": 300, "currency": "usd"}}
RECOVERY = {"recovery": {"enabled": True}}
Made = dict[str, Any]
Shown = Callable[[Made], bool]


def at(path: str, value: Any) -> Shown:
    """What is made shows a value at a path of names."""

    def shown(made: Made) -> bool:
        found: Any = made
        for name in path.split("."):
            if not found:
                return False
            found = found[int(name)] if name.isdigit() else found[name]
        return bool(found == value)

    return shown


def price(world: World) -> str:
    return world.once("Book", usd=12)


def plan(world: World) -> str:
    return world.plan("Pro", usd=20)


def payment(world: World) -> dict[str, Any]:
    return {"mode": "payment", "success_url": URL, "line_items": [{"price": price(world), "quantity": 2}]}


def subscription(world: World) -> dict[str, Any]:
    return {"mode": "subscription", "success_url": URL, "line_items": [{"price": plan(world), "quantity": 1}]}


def setup(world: World) -> dict[str, Any]:
    return {"mode": "setup", "success_url": URL}


def customer(world: World) -> str:
    return str(world.post("/v1/customers", email="ann@example.com")["id"])


def half(world: World) -> list[dict[str, str]]:
    return [{"coupon": world.coupon(percent_off=50)}]


def soon(world: World) -> int:
    return int(time.time()) + 4000


def shipped(world: World) -> list[dict[str, str]]:
    return [{"shipping_rate": world.post("/v1/shipping_rates", type="fixed_amount", **RATE)["id"]}]


#: What each parameter of a new session is sent as, with what besides it, and how it shows.
SESSION: dict[str, tuple[Callable[[World], dict[str, Any]], Any, Shown]] = {
    "adaptive_pricing": (payment, {"enabled": True}, at("adaptive_pricing.enabled", True)),
    "after_expiration": (payment, RECOVERY, at("after_expiration.recovery.enabled", True)),
    "allow_promotion_codes": (payment, True, at("allow_promotion_codes", True)),
    "allowed_payment_method_types": (payment, ["card", "link"], at("payment_method_types", ["card", "link"])),
    "automatic_tax": (payment, {"enabled": False}, at("automatic_tax.enabled", False)),
    "billing_address_collection": (payment, "required", at("billing_address_collection", "required")),
    "branding_settings": (payment, {"display_name": "Ann's"}, at("branding_settings.display_name", "Ann's")),
    "cancel_url": (payment, URL, at("cancel_url", URL)),
    "client_reference_id": (payment, "7", at("client_reference_id", "7")),
    "consent_collection": (
        payment, {"terms_of_service": "required"}, at("consent_collection.terms_of_service", "required")),
    "currency": (setup, "chf", at("currency", "chf")),
    "custom_fields": (payment, [FIELD], at("custom_fields.0.text.value", None)),
    "custom_text": (payment, {"submit": {"message": "Go"}}, at("custom_text.submit.message", "Go")),
    "customer": (payment, customer, lambda made: made["customer"].startswith("cus_")),
    "customer_creation": (payment, "always", at("customer_creation", "always")),
    "customer_email": (payment, "a@example.com", at("customer_details.email", "a@example.com")),
    "discounts": (payment, half, at("amount_total", 1200)),
    "excluded_payment_method_types": (
        payment, ["link"], at("excluded_payment_method_types", ["link"])),
    "expires_at": (payment, soon, lambda made: made["expires_at"] - made["created"] < 5000),
    "integration_identifier": (payment, "mine", at("integration_identifier", "mine")),
    "invoice_creation": (payment, {"enabled": True}, at("invoice_creation.enabled", True)),
    "line_items": (
        payment, lambda world: [{"price": price(world), "quantity": 3}], at("amount_total", 3600)),
    "locale": (payment, "sv", at("locale", "sv")),
    "managed_payments": (payment, {"enabled": False}, at("managed_payments.enabled", False)),
    "metadata": (payment, {"a": "1"}, at("metadata", {"a": "1"})),
    "mode": (payment, "payment", at("mode", "payment")),
    "name_collection": (payment, {"business": ASKED}, at("name_collection.business", ASKED)),
    "optional_items": (
        payment, lambda world: [{"price": price(world), "quantity": 1}], at("optional_items.0.quantity", 1)),
    "origin_context": (payment, "web", at("origin_context", "web")),
    "payment_method_collection": (
        subscription, "if_required", at("payment_method_collection", "if_required")),
    "payment_method_options": (
        payment,
        {"card": {"request_three_d_secure": "any"}, "us_bank_account": {"verification_method": "instant"}},
        at("payment_method_options.card.request_three_d_secure", "any")),
    "permissions": (
        payment, {"update_shipping_details": "server_only"},
        at("permissions.update_shipping_details", "server_only")),
    "phone_number_collection": (payment, {"enabled": True}, at("phone_number_collection.enabled", True)),
    "saved_payment_method_options": (
        payment, {"payment_method_save": "enabled"},
        at("saved_payment_method_options.payment_method_save", "enabled")),
    "shipping_address_collection": (
        payment, {"allowed_countries": ["CH"]}, at("shipping_address_collection.allowed_countries", ["CH"])),
    "shipping_options": (payment, [{"shipping_rate_data": RATE}], at("amount_total", 2700)),
    "submit_type": (payment, "book", at("submit_type", "book")),
    "subscription_data": (subscription, FUTURE, at("amount_total", 0)),
    "success_url": (payment, URL, at("success_url", URL)),
    "tax_id_collection": (payment, {"enabled": True}, at("tax_id_collection.required", "never")),
    "wallet_options": (payment, {"link": {"display": "never"}}, at("wallet_options.link.display", "never")),
}  # fmt: skip
ELSEWHERE = {
    "customer_account": "there are no accounts of v2: it is refused",
    "customer_update": "changes the customer when the session is completed",
    "payment_intent_data": "goes to the payment intent: test_a_guest_pays_without_a_customer",
    "payment_method_configuration": "names a configuration, of which there is none yet",
    "payment_method_data": "says how a saved method may be shown again",
    "redirect_on_completion": "of embedded pages: test_an_embedded_page_has_a_secret_and_no_address",
    "return_url": "of embedded pages: test_an_embedded_page_has_a_secret_and_no_address",
    "setup_intent_data": "goes to the setup intent: test_a_setup_intent_takes_what_the_session_says",
    "ui_mode": "test_an_embedded_page_has_a_secret_and_no_address",
}


def test_each_parameter_of_a_session_is_in_a_table() -> None:
    assert SESSION.keys() | ELSEWHERE.keys() == specs(params.Create).keys()


@pytest.mark.parametrize("name", SESSION)
def test_a_session_shows_its_parameter(world: World, name: str) -> None:
    besides, value, shown = SESSION[name]
    sent = value(world) if callable(value) else value
    made = world.post("/v1/checkout/sessions", **{**besides(world), name: sent})
    assert shown(world.get(f"/v1/checkout/sessions/{made['id']}")), made


def test_an_embedded_page_has_a_secret_and_no_address(world: World) -> None:
    more = {"ui_mode": "embedded_page", "return_url": URL, "redirect_on_completion": "if_required"}
    sent = {name: value for name, value in payment(world).items() if name != "success_url"}
    made = world.post("/v1/checkout/sessions", **sent, **more)
    assert (made["url"], made["success_url"]) == (None, None)
    assert {name: made[name] for name in more} == more
    assert made["client_secret"].startswith(f"{made['id']}_secret_")


def test_a_setup_intent_takes_what_the_session_says(world: World) -> None:
    data = {"description": "For later", "metadata": {"a": "1"}}
    made = world.post("/v1/checkout/sessions", **setup(world), setup_intent_data=data)
    intent = world.get(f"/v1/setup_intents/{made['setup_intent']}")
    assert {name: intent[name] for name in data} == data
    world.post(f"/v1/checkout/sessions/{made['id']}/expire")
    assert world.get(f"/v1/setup_intents/{made['setup_intent']}")["status"] == "canceled"


CHANGES: dict[str, tuple[Any, Shown]] = {
    "collected_information": (
        {"shipping_details": {"name": "Ann", "address": ADDRESS}},
        at("collected_information.shipping_details.name", "Ann")),
    "line_items": (lambda world: [{"price": price(world), "quantity": 5}], at("amount_total", 6000)),
    "metadata": ({"b": "2"}, at("metadata", {"b": "2"})),
    "payment_intent_data": ({"description": "One book"}, at("status", "open")),
    "shipping_options": ([{"shipping_rate_data": RATE}], at("shipping_cost.amount_total", 300)),
}  # fmt: skip


@pytest.mark.parametrize("name", CHANGES)
def test_a_session_takes_a_change(world: World, name: str) -> None:
    value, shown = CHANGES[name]
    made = world.post("/v1/checkout/sessions", **payment(world))
    sent = value(world) if callable(value) else value
    assert shown(world.post(f"/v1/checkout/sessions/{made['id']}", **{name: sent}))


def shop(world: World) -> str:
    return enabled(world.api)


#: What a link is sent, and how it shows; what it is sent besides are its lines.
LINK: dict[str, tuple[Any, Shown]] = {
    "after_completion": (
        {"type": "hosted_confirmation", "hosted_confirmation": {"custom_message": "Thanks"}},
        at("after_completion.hosted_confirmation.custom_message", "Thanks")),
    "allow_promotion_codes": (True, at("allow_promotion_codes", True)),
    "application_fee_amount": (5, at("application_fee_amount", 5)),
    "application_fee_percent": ("12.5", at("application_fee_percent", 12.5)),
    "automatic_tax": ({"enabled": False}, at("automatic_tax.enabled", False)),
    "billing_address_collection": ("required", at("billing_address_collection", "required")),
    "consent_collection": ({"promotions": "auto"}, at("consent_collection.promotions", "auto")),
    "currency": ("usd", at("currency", "usd")),
    "custom_fields": ([FIELD], at("custom_fields.0.key", "size")),
    "custom_text": ({"submit": {"message": "Go"}}, at("custom_text.submit.message", "Go")),
    "customer_creation": ("always", at("customer_creation", "always")),
    "inactive_message": ("Gone", at("inactive_message", "Gone")),
    "invoice_creation": ({"enabled": True}, at("invoice_creation.enabled", True)),
    "line_items": (
        lambda world: [{"price": price(world), "quantity": 1}], lambda made: made["url"] is not None),
    "managed_payments": ({"enabled": False}, at("managed_payments.enabled", False)),
    "metadata": ({"a": "1"}, at("metadata", {"a": "1"})),
    "name_collection": ({"individual": ASKED}, at("name_collection.individual", ASKED)),
    "on_behalf_of": (shop, lambda made: made["on_behalf_of"] is not None),
    "optional_items": (
        lambda world: [{"price": price(world), "quantity": 1}], at("optional_items.0.quantity", 1)),
    "payment_intent_data": ({"description": "Book"}, at("payment_intent_data.description", "Book")),
    "payment_method_collection": ("if_required", at("payment_method_collection", "if_required")),
    "payment_method_options": (
        {"card": {"restrictions": {"brands_blocked": ["mastercard"]}}},
        at("payment_method_options.card.restrictions.brands_blocked", ["mastercard"])),
    "payment_method_types": (["card"], at("payment_method_types", ["card"])),
    "phone_number_collection": ({"enabled": True}, at("phone_number_collection.enabled", True)),
    "restrictions": ({"completed_sessions": {"limit": 3}}, at("restrictions.completed_sessions.limit", 3)),
    "shipping_address_collection": (
        {"allowed_countries": ["CH"]}, at("shipping_address_collection.allowed_countries", ["CH"])),
    "shipping_options": (
        shipped,
        at("shipping_options.0.shipping_amount", 300)),
    "submit_type": ("donate", at("submit_type", "donate")),
    "tax_id_collection": ({"enabled": True}, at("tax_id_collection.enabled", True)),
    "transfer_data": (
        lambda world: {"destination": shop(world)}, lambda made: made["transfer_data"] is not None),
}  # fmt: skip
FIXED = ("currency", "line_items", "managed_payments")
"""What only a new link is sent."""


def test_each_parameter_of_a_link_is_in_a_table() -> None:
    assert LINK.keys() | {"subscription_data"} == specs(link_params.Create).keys()
    assert specs(link_params.Update).keys() - LINK.keys() == {"active", "subscription_data"}


@pytest.mark.parametrize("name", LINK)
def test_a_link_shows_its_parameter(world: World, name: str) -> None:
    value, shown = LINK[name]
    sent = value(world) if callable(value) else value
    lines = [{"price": price(world), "quantity": 1}]
    assert shown(world.post("/v1/payment_links", **{"line_items": lines, name: sent}))
    if name not in FIXED:
        plain = world.post("/v1/payment_links", line_items=lines)
        assert not shown(plain) or name in ("automatic_tax",)
        assert shown(world.post(f"/v1/payment_links/{plain['id']}", **{name: sent}))


def test_a_link_of_a_subscription_takes_its_terms(world: World) -> None:
    lines = [{"price": plan(world), "quantity": 1}]
    made = world.post("/v1/payment_links", line_items=lines, subscription_data=FUTURE)
    assert made["subscription_data"]["trial_period_days"] == 7


FEATURES = {"invoice_history": {"enabled": True}}
CONFIGURATION: dict[str, tuple[Any, Shown]] = {
    "business_profile": ({"headline": "Hello"}, at("business_profile.headline", "Hello")),
    "default_return_url": (URL, at("default_return_url", URL)),
    "features": (
        {"subscription_pause": {"enabled": True}}, at("features.subscription_pause.enabled", True)),
    "login_page": ({"enabled": True}, at("login_page.enabled", True)),
    "metadata": ({"a": "1"}, at("metadata", {"a": "1"})),
    "name": ("Mine", at("name", "Mine")),
}  # fmt: skip


def test_each_parameter_of_a_configuration_is_in_the_table() -> None:
    assert CONFIGURATION.keys() == specs(configurations.Create).keys()
    assert CONFIGURATION.keys() | {"active"} == specs(configurations.Update).keys()


@pytest.mark.parametrize("name", CONFIGURATION)
def test_a_configuration_shows_its_parameter(world: World, name: str) -> None:
    value, shown = CONFIGURATION[name]
    path = "/v1/billing_portal/configurations"
    assert shown(world.post(path, **{"features": FEATURES, name: value}))
    plain = world.post(path, features=FEATURES)
    assert not shown(plain) and shown(world.post(f"{path}/{plain['id']}", **{name: value}))


def test_a_portal_session_shows_its_parameters(world: World) -> None:
    ann = customer(world)
    made = world.post(
        "/v1/billing_portal/configurations", features={"payment_method_update": {"enabled": True}}
    )
    sent = {
        "after_expiration": {"type": "customer_login"},
        "configuration": made["id"],
        "customer": ann,
        "flow_data": {"type": "payment_method_update"},
        "locale": "sv",
        "on_behalf_of": "acct_1",
        "return_url": URL,
    }
    session = world.post("/v1/billing_portal/sessions", **sent)
    assert sent.keys() | {"customer_account"} == specs(portal_sessions.Create).keys()
    assert session["after_expiration"]["type"] == "customer_login"
    assert session["flow"]["type"] == "payment_method_update"
    same = ("configuration", "customer", "locale", "on_behalf_of", "return_url")
    assert {name: session[name] for name in same} == {name: sent[name] for name in same}
