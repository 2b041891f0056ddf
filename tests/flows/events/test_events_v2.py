"""Do events and event destinations work in the v2 API?"""

import json
from types import ModuleType
from typing import Any

import pytest
import stripe

from tests.support.webhook_receivers import DeliveryWorld, Receiver

PATH = "/v2/core/event_destinations"
SECRET, URL = "webhook_endpoint.signing_secret", "webhook_endpoint.url"
HOOK = {"url": "https://x.ch/a"}
GOOD = {
    "name": "Ours",
    "type": "webhook_endpoint",
    "event_payload": "thin",
    "enabled_events": ["v1.customer.created"],
    "webhook_endpoint": HOOK,
}


@pytest.fixture
def client(api: Any, http_url: str) -> Any:
    """The official client; the contract's recorder does not know lists and deletions of v2."""
    return stripe.StripeClient(api.key, base_addresses={"api": http_url}, max_network_retries=0)


def send(api: Any, path: str, sent: dict[str, Any] | None = None) -> Any:
    return api.ask("POST", path, data=json.dumps(sent or {}), content_type="application/json")


def follow(api: Any, url: str) -> Any:
    return api.ask("GET", url)


def destination(api: Any, to: Receiver, **more: Any) -> Any:
    made = send(api, PATH, {**GOOD, "webhook_endpoint": {"url": to.url}, "include": [SECRET, URL], **more})
    assert made.status == 200, made
    return made


def unknown(contract: ModuleType, shown: dict[str, Any]) -> list[str]:
    """List the unknown fields, except `related_object`, which only the SDK's classes of single types have."""
    return [said for said in contract.problems(shown) if "related_object" not in said]


def test_a_destination_is_shown_as_the_contract_has_it(api: Any, contract: ModuleType) -> None:
    made = send(api, PATH, {**GOOD, "include": [SECRET, URL], "metadata": {"a": "1"}, "description": "d"})
    assert (contract.problems(made), contract.absent(made)) == ([], [])
    target = made["webhook_endpoint"]
    assert target["signing_secret"].startswith("whsec_") and target["url"] == HOOK["url"]
    assert (made["status"], made["events_from"], made["metadata"]) == ("enabled", ["@self"], {"a": "1"})
    read = api.get(f"{PATH}/{made['id']}")
    assert read == {**made, "webhook_endpoint": {"signing_secret": None, "url": None}}
    shown = api.get(f"{PATH}/{made['id']}", {"include[0]": URL})
    assert shown["webhook_endpoint"] == {"signing_secret": None, "url": HOOK["url"]}
    assert api.get(f"{PATH}/{made['id']}", {"include[0]": SECRET}).status == 400
    snapshot = send(api, PATH, {**GOOD, "event_payload": "snapshot", "enabled_events": ["customer.created"]})
    assert snapshot["snapshot_api_version"] == "2026-10-28.endive" and snapshot["description"] == ""
    assert contract.problems(snapshot) == []


@pytest.mark.parametrize(
    ("sent", "param"),
    [
        ({"name": None}, "name"),
        ({"type": "amazon_eventbridge"}, "type"),
        ({"event_payload": "fat"}, "event_payload"),
        ({"enabled_events": []}, "enabled_events"),
        ({"enabled_events": ["everything"]}, "enabled_events[0]"),
        ({"events_from": ["@organization_members"]}, "events_from[0]"),
        ({"include": ["url"]}, "include[0]"),
        ({"webhook_endpoint": {"url": "ftp://x"}}, "webhook_endpoint[url]"),
        ({"webhook_endpoint": {}}, "webhook_endpoint[url]"),
        ({"snapshot_api_version": "2026-10-28.endive"}, "snapshot_api_version"),
        ({"metadata": {"a": {"b": "c"}}}, "metadata[a]"),
        ({"color": "red"}, "color"),
    ],
)
def test_an_invalid_destination_is_refused(api: Any, sent: dict[str, Any], param: str) -> None:
    whole = {name: value for name, value in {**GOOD, **sent}.items() if value is not None}
    answer = send(api, PATH, whole)
    assert (answer.status, answer["error"]["param"]) == (400, param)
    assert answer["error"]["message"] and answer["error"]["type"] == "invalid_request_error"


def test_a_destination_is_changed_and_its_metadata_merged(api: Any) -> None:
    made = send(api, PATH, {**GOOD, "metadata": {"a": "1", "b": "2"}})
    path = f"{PATH}/{made['id']}"
    changed = send(
        api,
        path,
        {
            "name": "New",
            "description": "Why",
            "metadata": {"a": None, "c": "3"},
            "enabled_events": ["*"],
            "webhook_endpoint": {"url": "https://x.ch/b"},
            "include": [URL],
        },
    )
    assert (changed["name"], changed["description"]) == ("New", "Why")
    assert (changed["metadata"], changed["enabled_events"]) == ({"b": "2", "c": "3"}, ["*"])
    assert changed["webhook_endpoint"]["url"] == "https://x.ch/b" and changed["updated"] >= made["updated"]
    assert send(api, path)["updated"] == changed["updated"], "what changes nothing is no update"
    assert send(api, path, {"type": "webhook_endpoint"})["error"]["code"] == "parameter_unknown"


def test_an_unknown_destination_is_refused_as_v2_does(api: Any, other: Any) -> None:
    foreign = send(other, PATH, GOOD)["id"]
    for id in ("ed_none", foreign):
        for answer in (
            api.get(f"{PATH}/{id}"),
            api.delete(f"{PATH}/{id}"),
            *(send(api, f"{PATH}/{id}{tail}") for tail in ("", "/enable", "/disable", "/ping")),
        ):
            assert (answer.status, answer["error"]["code"]) == (404, "not_found")
            assert answer["error"]["user_message"] == answer["error"]["message"]
    assert api.get("/v2/core/events/evt_none")["error"]["code"] == "not_found"


def test_pages_lead_to_each_other(api: Any) -> None:
    for number in range(5):
        send(api, PATH, {**GOOD, "name": str(number)})
    names: list[str] = []
    page = api.get(PATH, {"limit": 2, "include[0]": URL})
    assert page["previous_page_url"] is None and page["data"][0]["webhook_endpoint"]["url"] == HOOK["url"]
    first = page
    while True:
        names += [row["name"] for row in page["data"]]
        if page["next_page_url"] is None:
            break
        former, page = page, follow(api, page["next_page_url"])
        assert page["data"][0]["webhook_endpoint"]["url"] == HOOK["url"], "the question is kept"
        assert follow(api, page["previous_page_url"])["data"] == former["data"]
    assert names == ["4", "3", "2", "1", "0"] and set(first) == {"data", "next_page_url", "previous_page_url"}
    assert api.get(PATH, {"page": "somewhere"})["error"]["param"] == "page"
    assert api.get(PATH, {"limit": 101})["error"]["param"] == "limit"


def test_events_are_listed_as_thin_events(api: Any, contract: ModuleType) -> None:
    made = api.post("/v1/customers", {"name": "Ann"}, Idempotency_Key="k")
    path = f"/v1/customers/{made['id']}"
    api.post(path, {"name": "Bob"})
    updated, created = api.get("/v2/core/events")["data"]
    for event in (updated, created):
        assert (unknown(contract, event), contract.absent(event)) == ([], [])
        assert event["related_object"] == {"id": made["id"], "type": "customer", "url": path}
        assert event["snapshot_event"] == event["id"] and api.get(f"/v1/events/{event['id']}").status == 200
        assert api.get(f"/v2/core/events/{event['id']}") == event
    assert (created["type"], created["changes"]) == ("v1.customer.created", None)
    assert updated["changes"] == {"before": {"name": "Ann"}, "after": {"name": "Bob"}}
    request = {"id": made.headers["Request-Id"], "idempotency_key": "k"}
    assert created["reason"] == {"type": "request", "request": request}


def test_thin_events_are_filtered(api: Any) -> None:
    ann = api.post("/v1/customers", {"name": "Ann"})["id"]
    api.post("/v1/products", {"name": "Gold"})
    found = api.get("/v2/core/events")["data"]
    at = found[0]["created"]
    for query, count in [
        ({"types[0]": "v1.customer.created"}, 1),
        ({"types[0]": "v1.customer.created", "types[1]": "v1.product.created"}, 2),
        ({"types[0]": "customer.created"}, 0),
        ({"object_id": ann}, 1),
        ({"created[gt]": "2020-01-01T00:00:00Z"}, 2),
        ({"created[lt]": "2020-01-01T00:00:00Z"}, 0),
        ({"created[gte]": at, "created[lte]": "2999-01-01T00:00:00"}, 1),
        ({"limit": 1}, 1),
    ]:
        assert len(api.get("/v2/core/events", query)["data"]) == count, query
    for name in ("created[lt]", "created[at]"):
        assert api.get("/v2/core/events", {name: "soon"})["error"]["param"] == name


def test_a_thin_message_names_the_changed_object_which_its_receiver_retrieves(
    world: DeliveryWorld, api: Any, client: Any, receiver: Receiver
) -> None:
    made = destination(api, receiver)
    ann = api.post("/v1/customers", {"name": "Ann"})["id"]
    api.post("/v1/products", {"name": "Gold"})
    world.run()
    [heard] = receiver.heard
    assert "data" not in heard.event and heard.event["object"] == "v2.core.event"
    notification = client.parse_event_notification(
        heard.body, heard.headers["Stripe-Signature"], made["webhook_endpoint"]["signing_secret"]
    )
    assert (notification.type, notification.related_object.id) == ("v1.customer.created", ann)
    assert notification.fetch_related_object().name == "Ann"
    assert (notification.fetch_event().id, notification.fetch_event().snapshot_event) == (
        notification.id,
        notification.id,
    )
    with pytest.raises(ValueError):
        stripe.Webhook.construct_event(
            heard.body, heard.headers["Stripe-Signature"], made["webhook_endpoint"]["signing_secret"]
        )


def test_a_destination_of_snapshots_gets_what_an_endpoint_gets(
    world: DeliveryWorld, api: Any, receiver: Receiver
) -> None:
    made = destination(api, receiver, event_payload="snapshot", enabled_events=["customer.created"])
    api.post("/v1/customers", {"name": "Ann"})
    world.run()
    [heard] = receiver.heard
    event = stripe.Webhook.construct_event(
        heard.body, heard.headers["Stripe-Signature"], made["webhook_endpoint"]["signing_secret"]
    )
    assert event.data.object.name == "Ann"


def test_a_ping_reaches_one_destination_only(
    world: DeliveryWorld, api: Any, contract: ModuleType, receiver: Receiver, another: Receiver
) -> None:
    made = destination(api, receiver)
    destination(api, another, enabled_events=["*"])
    world.endpoint(another)
    ping = send(api, f"{PATH}/{made['id']}/ping")
    assert ping["type"] == "v2.core.event_destination.ping" and unknown(contract, ping) == []
    assert ping["related_object"]["url"] == f"{PATH}/{made['id']}" and ping["snapshot_event"] is None
    assert api.get(ping["related_object"]["url"]).status == 200
    world.run()
    assert (receiver.types(), another.heard) == (["v2.core.event_destination.ping"], [])
    assert api.event_types() == [], "v1 lists no events of v2"
    assert len(api.get("/v2/core/events", {"types[0]": ping["type"]})["data"]) == 1


def test_a_disabled_destination_gets_nothing_until_it_is_enabled(
    world: DeliveryWorld, api: Any, receiver: Receiver
) -> None:
    made = destination(api, receiver)
    path = f"{PATH}/{made['id']}"
    api.post("/v1/customers", {"name": "Ann"})
    off = send(api, f"{path}/disable")
    assert (off["status"], off["status_details"]) == ("disabled", {"disabled": {"reason": "user"}})
    api.post("/v1/customers", {"name": "Bob"})
    world.run()
    assert receiver.heard == []
    on = send(api, f"{path}/enable")
    assert (on["status"], on["status_details"]) == ("enabled", None)
    world.run()
    assert [one.event["type"] for one in receiver.heard] == ["v1.customer.created"]
    receiver.status = 410
    api.post("/v1/customers")
    world.run()
    assert api.get(path)["status_details"] == {"disabled": {"reason": "endpoint_gone"}}
    assert api.delete(path) == {"id": made["id"], "object": "v2.core.event_destination"}
    assert api.get(path).status == 404
    world.run()
    assert world.pending() == [0, 0, 0]


def test_the_official_client_speaks_v2(client: Any) -> None:
    core = client.v2.core
    made = core.event_destinations.create({**GOOD, "include": [SECRET]})
    assert made.webhook_endpoint.signing_secret.startswith("whsec_")
    assert core.event_destinations.update(made.id, {"name": "New"}).name == "New"
    assert core.event_destinations.retrieve(made.id, {"include": [URL]}).webhook_endpoint.url == HOOK["url"]
    assert core.event_destinations.disable(made.id).status == "disabled"
    assert core.event_destinations.enable(made.id).status == "enabled"
    for _ in range(3):
        client.v1.customers.create({"name": "Ann"})
    listed = core.events.list({"limit": 2, "types": ["v1.customer.created"]})
    assert len(list(listed.auto_paging_iter())) == 3
    assert [row.id for row in core.event_destinations.list().auto_paging_iter()] == [made.id]
    assert core.event_destinations.delete(made.id).id == made.id
    with pytest.raises(stripe.InvalidRequestError) as refused:
        core.event_destinations.retrieve(made.id)
    assert refused.value.code == "not_found"
