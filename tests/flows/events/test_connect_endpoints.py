"""Do endpoints of a platform hear of its connected accounts where they ask for it, and only there?"""

import json
from datetime import timedelta
from typing import Any

import pytest

from billow.flows.events import delivery
from tests.conftest import Api
from tests.support.connected import ACCEPTED, enabled
from tests.support.webhook_receivers import DeliveryWorld, Receiver

DESTINATIONS = "/v2/core/event_destinations"


def connect_endpoint(api: Api, to: Receiver, **more: str) -> dict[str, Any]:
    sent = {"url": to.url, "enabled_events[]": "*", "connect": "true", **more}
    made = api.post("/v1/webhook_endpoints", sent)
    assert made.status == 200 and "connect" not in made
    return made


def customer(api: Api, account: str = "") -> str:
    named = {"Stripe_Account": account} if account else {}
    return str(api.post("/v1/customers", {"name": "Ann"}, **named)["id"])


def heard(to: Receiver) -> list[tuple[str, str | None, str]]:
    return [
        (one.event["type"], one.event.get("account"), one.event["data"]["object"]["id"]) for one in to.heard
    ]


def test_an_endpoint_hears_of_connected_accounts_or_of_its_own(
    world: DeliveryWorld, api: Api, receiver: Receiver, another: Receiver
) -> None:
    shop = enabled(api)
    connect_endpoint(api, receiver)
    world.endpoint(another)
    theirs, own = customer(api, shop), customer(api)
    world.run()
    assert heard(receiver) == [("customer.created", shop, theirs)]
    assert heard(another) == [("customer.created", None, own)]
    [event] = api.get("/v1/events", {"type": "customer.created"}, Stripe_Account=shop)["data"]
    assert event["id"] == receiver.heard[0].event["id"] and event["pending_webhooks"] == 0


def test_what_becomes_of_a_connected_account_is_told_as_of_that_account(
    world: DeliveryWorld, api: Api, receiver: Receiver, another: Receiver
) -> None:
    connect_endpoint(api, receiver)
    world.endpoint(another)
    shop = str(api.post("/v1/accounts", {"type": "express", "country": "US"})["id"])
    api.post(f"/v1/accounts/{shop}", ACCEPTED)
    world.run()
    [of_account] = [one for one in heard(receiver) if one[0] == "account.updated"]
    others = {one[:2] for one in heard(receiver) if one != of_account}
    assert of_account == ("account.updated", shop, shop) and another.heard == []
    assert others == {("capability.updated", shop)}


def test_thin_events_name_the_connected_account_as_their_context(
    world: DeliveryWorld, api: Api, receiver: Receiver
) -> None:
    shop = enabled(api)
    sent = {
        "name": "Ours",
        "type": "webhook_endpoint",
        "event_payload": "thin",
        "enabled_events": ["v1.customer.created"],
        "events_from": ["@self", "@accounts"],
        "webhook_endpoint": {"url": receiver.url},
    }
    made = api.ask("POST", DESTINATIONS, data=json.dumps(sent), content_type="application/json")
    assert made["events_from"] == ["@self", "@accounts"]
    customer(api, shop)
    customer(api)
    world.run()
    assert {one.event["context"] for one in receiver.heard} == {shop, None}
    [theirs] = [one.event["id"] for one in receiver.heard if one.event["context"] == shop]
    assert api.get(f"/v2/core/events/{theirs}", Stripe_Context=shop).status == 200


def test_nobody_hears_of_accounts_that_are_not_its_own(
    world: DeliveryWorld, api: Api, other: Api, receiver: Receiver
) -> None:
    shop = enabled(api)
    connect_endpoint(other, receiver)
    customer(api, shop)
    customer(api)
    world.run()
    assert receiver.heard == []


def test_an_account_that_is_disconnected_is_heard_of_no_more(
    world: DeliveryWorld, api: Api, app: Any, receiver: Receiver
) -> None:
    shop = enabled(api)
    connect_endpoint(api, receiver)
    own = Api(app, app.keys.create(f"{shop}/test", now=app.db.wall()), f"{shop}/test")
    customer(own)
    api.delete(f"/v1/accounts/{shop}")
    customer(own)
    world.run()
    assert receiver.heard == []
    assert [one["pending_webhooks"] for one in own.get("/v1/events")["data"]] == [0, 0]


@pytest.mark.parametrize("deleted", [False, True])
def test_what_waited_for_a_disabled_endpoint_is_sent_or_forgotten(
    world: DeliveryWorld, api: Api, receiver: Receiver, deleted: bool
) -> None:
    shop = enabled(api)
    endpoint = connect_endpoint(api, receiver)
    receiver.status = 500
    customer(api, shop)
    world.run()
    path = f"/v1/webhook_endpoints/{endpoint['id']}"
    api.post(path, {"disabled": "true"})
    receiver.status = 200
    world.pass_by(delivery.WAITS[0] + timedelta(seconds=5))
    assert len(receiver.heard) == 1
    if deleted:
        api.delete(path)
    else:
        api.post(path, {"disabled": "false"})
    world.run()
    assert len(receiver.heard) == (1 if deleted else 2)
    [event] = api.get("/v1/events", Stripe_Account=shop)["data"]
    assert event["pending_webhooks"] == 0


def test_an_endpoint_that_is_gone_is_disabled_for_all_accounts(
    world: DeliveryWorld, api: Api, receiver: Receiver
) -> None:
    shop = enabled(api)
    endpoint = connect_endpoint(api, receiver)
    receiver.status = delivery.GONE
    customer(api, shop)
    world.run()
    assert api.get(f"/v1/webhook_endpoints/{endpoint['id']}")["status"] == "disabled"


def test_an_event_of_a_connected_account_is_sent_again(
    world: DeliveryWorld, api: Api, receiver: Receiver
) -> None:
    shop = enabled(api)
    endpoint = connect_endpoint(api, receiver)
    customer(api, shop)
    world.run()
    path = f"/v1/events/{receiver.heard[0].event['id']}/resend"
    sent = {"webhook_endpoint": endpoint["id"]}
    assert api.post(path, sent, Stripe_Account=shop).status == 200
    world.run()
    assert [account for _, account, _ in heard(receiver)] == [shop, shop]
    own = world.endpoint(receiver)
    assert api.post(path, {"webhook_endpoint": own["id"]}, Stripe_Account=shop).status == 400
