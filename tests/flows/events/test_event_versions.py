"""Does each webhook endpoint get its events in its own version, and an account its events in its default?"""

from dataclasses import replace
from typing import Any

from billow import commands
from billow.api.versions.known import NEWEST
from billow.app import App
from tests.conftest import Api
from tests.support.webhook_receivers import WEBHOOKS, DeliveryWorld, Receiver, listening

ACACIA = "2025-02-24.acacia"
PRICE = {
    "currency": "usd",
    "unit_amount": "2000",
    "recurring[interval]": "month",
    "product_data[name]": "Gold",
}


def bought(api: Api) -> Any:
    """A subscription of a customer who pays by card."""
    customer = api.post("/v1/customers", {"name": "Ann", "payment_method": "pm_card_visa"})["id"]
    card = api.get(f"/v1/customers/{customer}/payment_methods")["data"][0]["id"]
    api.post(f"/v1/customers/{customer}", {"invoice_settings[default_payment_method]": card})
    price = api.post("/v1/prices", PRICE)["id"]
    form = {"customer": customer, "items[0][price]": price, "items[0][quantity]": "1"}
    return api.post("/v1/subscriptions", form)


def by_type(receiver: Receiver, type: str) -> Any:
    return next(one.event for one in receiver.heard if one.event["type"] == type)


def test_one_event_goes_to_each_endpoint_in_its_version(world: DeliveryWorld) -> None:
    with listening() as old, listening() as new, listening() as unnamed:
        for url, version in ((old.url, ACACIA), (new.url, NEWEST), (unnamed.url, None)):
            form = {"url": url, "enabled_events[]": "*"} | ({"api_version": version} if version else {})
            assert world.api.post("/v1/webhook_endpoints", form)["api_version"] == version
        subscription = bought(world.api)
        world.run()
        for got, version in ((old, ACACIA), (new, NEWEST), (unnamed, NEWEST)):
            event = by_type(got, "customer.subscription.created")
            assert event["api_version"] == version
            shown = event["data"]["object"]
            assert ("current_period_end" in shown) == (version == ACACIA)
            invoice = by_type(got, "invoice.paid")["data"]["object"]
            assert invoice.get("subscription") == (subscription["id"] if version == ACACIA else None)
            assert ("charge" in invoice) == (version == ACACIA)


def test_an_endpoint_takes_known_versions_only(api: Api) -> None:
    form = {"url": "https://example.com/hook", "enabled_events[]": "*", "api_version": "2022-08-02"}
    refused = api.post("/v1/webhook_endpoints", form)
    assert (refused.status, refused["error"]["param"]) == (400, "api_version")


def test_events_are_kept_in_the_version_that_the_account_had(app: App, api: Api) -> None:
    subscription = bought(api)
    commands.set_account(replace(app, account=api.account), None, None, ACACIA)
    item = subscription["items"]["data"][0]["id"]
    form = {"items[0][id]": item, "items[0][quantity]": "2"}
    api.post(f"/v1/subscriptions/{subscription['id']}", form, Stripe_Version=NEWEST)
    updated = api.get("/v1/events", {"type": "customer.subscription.updated"}, Stripe_Version=NEWEST)["data"][
        0
    ]
    assert updated["api_version"] == ACACIA
    assert updated["data"]["object"]["quantity"] == 2
    assert updated["data"]["previous_attributes"]["quantity"] == 1
    created = api.get("/v1/events", {"type": "customer.subscription.created"}, Stripe_Version=ACACIA)["data"][
        0
    ]
    assert created["api_version"] == NEWEST and "quantity" not in created["data"]["object"]
    for event in (updated, created):
        assert api.get(f"/v1/events/{event['id']}", Stripe_Version=NEWEST) == event
        feed = api.get("/v1/events/feed", {"limit": "100"})["data"]
        assert next(one for one in feed if one["id"] == event["id"])["data"] == event["data"]


def test_requests_without_a_version_are_written_in_that_of_the_account(app: App, api: Api) -> None:
    subscription = bought(api)
    commands.set_account(replace(app, account=api.account), None, None, ACACIA)
    app.keys._seen.clear()  # they are remembered for a second
    shown = api.get(f"/v1/subscriptions/{subscription['id']}")
    assert shown.headers["Stripe-Version"] == ACACIA and "current_period_end" in shown
    named = api.get(f"/v1/subscriptions/{subscription['id']}", Stripe_Version=NEWEST)
    assert named.headers["Stripe-Version"] == NEWEST and "current_period_end" not in named


def test_a_renewal_says_what_the_period_of_the_subscription_was(world: DeliveryWorld) -> None:
    """Which the newest version says of the item."""
    api = world.api
    clock = api.post("/v1/test_helpers/test_clocks", {"frozen_time": "1893456000"})["id"]
    form = {"name": "Ann", "payment_method": "pm_card_visa", "test_clock": clock}
    customer = api.post("/v1/customers", form)["id"]
    card = api.get(f"/v1/customers/{customer}/payment_methods")["data"][0]["id"]
    api.post(f"/v1/customers/{customer}", {"invoice_settings[default_payment_method]": card})
    price = api.post("/v1/prices", PRICE)["id"]
    made = api.post("/v1/subscriptions", {"customer": customer, "items[0][price]": price})
    with listening() as old:
        url = {"url": old.url, "enabled_events[]": "customer.subscription.updated", "api_version": ACACIA}
        api.post("/v1/webhook_endpoints", url)
        api.post(
            f"/v1/test_helpers/test_clocks/{clock}/advance", {"frozen_time": str(1893456000 + 40 * 86400)}
        )
        world.run("clocks", "events", WEBHOOKS)
        event = by_type(old, "customer.subscription.updated")
    before = event["data"]["previous_attributes"]
    [item] = made["items"]["data"]
    assert before["current_period_end"] == item["current_period_end"]
    assert before["current_period_start"] == item["current_period_start"]
