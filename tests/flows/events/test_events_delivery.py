"""Do events reach each receiver signed and with retries, whatever happens to the other receivers?"""

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from ipaddress import ip_network
from itertools import pairwise
from typing import Any

import pytest
import stripe

from billow.flows.events import delivery as events_delivery
from billow.flows.events import dispatch
from billow.providers.egress import Egress
from billow.store import jobs
from billow.store.work import Worker
from tests.conftest import nameless
from tests.support.webhook_receivers import LOCAL, DeliveryWorld, Receiver, eventually, listening


def test_an_event_comes_signed_with_its_number(world: DeliveryWorld, api: Any, receiver: Receiver) -> None:
    endpoint = world.endpoint(receiver, "customer.created")
    made = api.post("/v1/customers", {"name": "Ann"})
    api.post("/v1/products", {"name": "Gold"})
    assert world.pending() == [0, 1]
    world.run()
    [heard] = receiver.heard
    event = stripe.Webhook.construct_event(heard.body, heard.headers["Stripe-Signature"], endpoint["secret"])
    assert (event.type, event.data.object.id, event["sequence"]) == ("customer.created", made["id"], 1)
    assert heard.headers["User-Agent"].startswith("Stripe/1.0")
    assert heard.headers["webhook-id"] == event.id and heard.headers["webhook-signature"].startswith("v1,")
    assert world.pending() == [0, 0]
    [delivery] = world.deliveries(endpoint)
    assert (delivery["status"], delivery["attempts"], delivery["response_status"]) == ("succeeded", 1, 200)
    assert (delivery["event"], delivery["receiver"]) == (event.id, endpoint["id"])
    world.run()
    assert len(receiver.heard) == 1


def test_events_of_one_object_arrive_in_order_and_those_of_others_concurrently(
    world: DeliveryWorld, api: Any, receiver: Receiver
) -> None:
    world.endpoint(receiver)
    receiver.seconds = 0.01
    made = [api.post("/v1/customers")["id"] for _ in range(10)]
    for number in range(50):
        api.post(f"/v1/customers/{made[number % 10]}", {"name": str(number)})
    world.run()
    assert sorted(one.event["sequence"] for one in receiver.heard) == list(range(1, 61))
    assert 1 < receiver.most <= dispatch.AT_ONCE
    for id in made:
        of_object = [one for one in receiver.heard if one.event["data"]["object"]["id"] == id]
        assert [one.event["sequence"] for one in of_object] == sorted(
            one.event["sequence"] for one in of_object
        )
        assert all(former.left <= next.at for former, next in pairwise(of_object)), "one after the other"


def test_a_failed_delivery_is_retried_for_three_days_and_then_given_up(
    world: DeliveryWorld, api: Any, receiver: Receiver
) -> None:
    endpoint = world.endpoint(receiver)
    receiver.status = 500
    api.post("/v1/customers")
    world.run()
    begin = world.db.wall()
    for place, wait in enumerate(events_delivery.WAITS):
        [delivery] = world.deliveries(endpoint, status="pending")
        assert (delivery["attempts"], delivery["response_status"]) == (place + 1, 500)
        planned = timedelta(seconds=delivery["next_attempt_at"] - delivery["last_attempt_at"])
        assert (
            wait - timedelta(seconds=1)
            <= planned
            <= wait * (1 + events_delivery.JITTER / 100) + timedelta(seconds=1)
        )
        world.pass_by(planned + timedelta(seconds=2))
        assert len(receiver.heard) == place + 2
    assert timedelta(days=3) < world.db.wall() - begin < timedelta(days=4)
    [delivery] = world.deliveries(endpoint)
    assert (delivery["status"], delivery["attempts"], delivery["next_attempt_at"]) == ("failed", 10, None)
    world.pass_by(timedelta(days=5))
    assert len(receiver.heard) == 10
    assert world.pending() == [1], "who never took it is still awaited"
    assert len(api.get("/v1/events", {"delivery_success": "false"})["data"]) == 1


def test_each_attempt_has_its_own_signature(world: DeliveryWorld, api: Any, receiver: Receiver) -> None:
    endpoint = world.endpoint(receiver)
    receiver.status = 302
    api.post("/v1/customers")
    world.run()
    receiver.status = 204
    world.pass_by(timedelta(seconds=10))
    first, second = (one.headers["Stripe-Signature"] for one in receiver.heard)
    assert first != second
    for one in receiver.heard:
        signature = one.headers["Stripe-Signature"]
        stripe.WebhookSignature.verify_header(one.body.decode(), signature, endpoint["secret"], None)
    assert world.pending() == [0] and world.deliveries(endpoint)[0]["attempts"] == 2


def test_a_receiver_that_does_not_answer_is_retried(world: DeliveryWorld, api: Any) -> None:
    endpoint = world.endpoint(f"{LOCAL}9/nobody")
    api.post("/v1/customers")
    world.run()
    [delivery] = world.deliveries(endpoint)
    assert (delivery["status"], delivery["response_status"]) == ("pending", None)
    assert "did not answer" in delivery["error"] and delivery["next_attempt_at"] is not None


def test_410_disables_an_endpoint(world: DeliveryWorld, api: Any, receiver: Receiver) -> None:
    endpoint = world.endpoint(receiver)
    receiver.status = 410
    for name in ("Ann", "Bob"):
        api.post("/v1/customers", {"name": name})
    world.run()
    path = f"/v1/webhook_endpoints/{endpoint['id']}"
    assert len(receiver.heard) == 1 and api.get(path)["status"] == "disabled", "it is sent one message first"
    assert [one["status"] for one in world.deliveries(endpoint)] == ["pending", "failed"]
    api.post("/v1/customers", {"name": "Cid"})
    world.pass_by(timedelta(hours=1))
    assert len(receiver.heard) == 1 and world.pending() == [0, 1, 1]
    receiver.status = 200
    api.post(path, {"disabled": "false"})
    world.run()
    assert [one.event["data"]["object"]["name"] for one in receiver.heard] == ["Ann", "Bob"]


def test_events_do_not_wait_for_a_deleted_endpoint(
    world: DeliveryWorld, api: Any, receiver: Receiver
) -> None:
    endpoint, other = world.endpoint(receiver), world.endpoint(f"{LOCAL}9/nobody")
    api.post("/v1/customers")
    assert world.pending() == [2]
    world.run()
    assert world.pending() == [1]
    for one in (endpoint, other):
        api.delete(f"/v1/webhook_endpoints/{one['id']}")
    world.run()
    assert world.pending() == [0]
    with world.db.transaction(api.tenant) as tx:
        for table in ("webhook_deliveries", "webhook_queue", "webhook_receivers"):
            assert tx.all(f"select 1 from {table}") == []
        assert tx.all("select 1 from jobs where tenant = %(t)s and kind like 'webhook%%'", t=api.tenant) == []


def with_dispatcher(world: DeliveryWorld, check: Callable[[], None]) -> None:
    worker = Worker(world.db)
    worker.start()
    try:
        check()
    finally:
        worker.stop()


def test_a_slow_endpoint_delays_no_other(
    world: DeliveryWorld, api: Any, receiver: Receiver, another: Receiver
) -> None:
    receiver.seconds = 6
    world.endpoint(receiver)
    world.endpoint(another)

    def check() -> None:
        for number in range(30):
            api.post("/v1/customers", {"name": str(number)})
        began = time.monotonic()
        eventually(lambda: len(another.heard) == 30, seconds=10)
        assert time.monotonic() - began < 6 and len(receiver.heard) <= 1
        api.post("/v1/customers", {"name": "late"})
        eventually(lambda: len(another.heard) == 31, seconds=5)
        eventually(lambda: len(receiver.heard) == 3, seconds=40)
        assert receiver.most == 1, "nothing is sent to it before it has answered"
        receiver.seconds = 0

    with_dispatcher(world, check)


def test_many_broken_endpoints_delay_no_good_one(world: DeliveryWorld, api: Any, receiver: Receiver) -> None:
    with listening() as broken:
        broken.status = 500
        for _ in range(12):
            world.endpoint(broken)
        api.post("/v1/customers", {"name": "first"})
        world.run()
        world.endpoint(receiver)
        assert len(broken.heard) == 12
        broken.seconds = 8  # much more than a busy machine adds

        def check() -> None:
            for number in range(10):
                api.post("/v1/customers", {"name": str(number)})
                before = len(receiver.heard)
                eventually(lambda before=before: len(receiver.heard) > before, seconds=6)

        with_dispatcher(world, check)
        assert len(receiver.heard) == 10


def test_a_backlog_of_one_endpoint_delays_no_other(
    world: DeliveryWorld, api: Any, receiver: Receiver, another: Receiver
) -> None:
    world.endpoint(receiver)
    receiver.seconds = 0.02
    customer = api.post("/v1/customers")["id"]
    for number in range(2 * events_delivery.MOST_DELIVERIES):
        api.post(f"/v1/customers/{customer}", {"name": str(number)})
    world.endpoint(another, "product.created")
    api.post("/v1/products", {"name": "Gold"})
    world.run()
    assert (len(receiver.heard), len(another.heard)) == (2 * events_delivery.MOST_DELIVERIES + 2, 1)
    assert another.heard[0].at < receiver.heard[events_delivery.MOST_DELIVERIES // 2].at


def test_a_delivery_of_a_crashed_worker_is_made_again(
    world: DeliveryWorld, api: Any, receiver: Receiver
) -> None:
    endpoint = world.endpoint(receiver)
    api.post("/v1/customers")
    world.run("events")
    turn = events_delivery.take(world.db, api.tenant, endpoint["id"])
    assert turn and events_delivery.read(world.db, turn), "the worker that read it crashes"
    world.run()
    assert receiver.heard == [], "somebody may still be at it"
    api.post("/v1/products", {"name": "Gold"})
    world.run()
    assert receiver.heard == [], "also when there is something new"
    world.pass_by(events_delivery.LEASE)
    assert sorted(receiver.types()) == ["customer.created", "product.created"] and world.pending() == [0, 0]


def test_a_worker_that_returns_after_its_lease_settles_nothing_twice(
    world: DeliveryWorld, api: Any, receiver: Receiver
) -> None:
    endpoint = world.endpoint(receiver)
    api.post("/v1/customers")
    world.run("events")
    late = events_delivery.take(world.db, api.tenant, endpoint["id"])
    assert late
    batch = events_delivery.read(world.db, late)
    assert batch
    world.pass_by(events_delivery.LEASE)
    answers = [
        events_delivery.Answer(message.delivery, message.attempts, 500, None) for message in batch.messages
    ]
    events_delivery.settle(world.db, late, answers, True)
    [delivery] = world.deliveries(endpoint)
    assert (delivery["status"], delivery["attempts"]) == ("succeeded", 1) and world.pending() == [0]


# ------------------------------------------------------------------------------------- secrets, and resending


def test_both_secrets_sign_while_a_secret_is_rotated(
    world: DeliveryWorld, api: Any, receiver: Receiver
) -> None:
    endpoint = world.endpoint(receiver)
    path = f"/v1/webhook_endpoints/{endpoint['id']}"
    rotated = api.post(f"{path}/rotate_secret", {"expire_after": 3600})
    assert rotated["secret"] != endpoint["secret"] and rotated["secret"].startswith("whsec_")
    assert set(api.get(path)) == set(rotated) - {"secret"}
    api.post("/v1/customers")
    world.run()
    [heard] = receiver.heard
    for secret in (endpoint["secret"], rotated["secret"]):
        stripe.WebhookSignature.verify_header(
            heard.body.decode(), heard.headers["Stripe-Signature"], secret, 300
        )
    assert len(heard.headers["webhook-signature"].split(" ")) == 2
    api.post("/v1/customers")
    world.pass_by(timedelta(seconds=3601))
    late = receiver.heard[-1]
    late_signature = late.headers["Stripe-Signature"]
    stripe.WebhookSignature.verify_header(late.body.decode(), late_signature, rotated["secret"], None)
    with pytest.raises(stripe.SignatureVerificationError):
        stripe.WebhookSignature.verify_header(late.body.decode(), late_signature, endpoint["secret"], None)


@pytest.mark.parametrize("expire_after", ["-1", "86401", "soon"])
def test_an_old_secret_signs_for_a_day_at_most(api: Any, expire_after: str) -> None:
    made = api.post("/v1/webhook_endpoints", {"url": "https://x.ch/a", "enabled_events[]": "*"})
    answer = api.post(f"/v1/webhook_endpoints/{made['id']}/rotate_secret", {"expire_after": expire_after})
    assert (answer.status, answer["error"]["param"]) == (400, "expire_after")


def test_a_secret_may_be_replaced_at_once(world: DeliveryWorld, api: Any, receiver: Receiver) -> None:
    endpoint = world.endpoint(receiver)
    api.post(f"/v1/webhook_endpoints/{endpoint['id']}/rotate_secret", {"expire_after": 0})
    api.post("/v1/customers")
    world.run()
    assert receiver.heard[0].headers["Stripe-Signature"].count("v1=") == 1


def test_an_event_is_resent_to_the_endpoint_that_is_named(
    world: DeliveryWorld, api: Any, receiver: Receiver, another: Receiver
) -> None:
    endpoint = world.endpoint(receiver)
    api.post("/v1/customers")
    world.run()
    late = world.endpoint(another, "product.created")
    [event] = api.get("/v1/events")["data"]
    for one in (endpoint, late):
        again = api.post(f"/v1/events/{event['id']}/resend", {"webhook_endpoint": one["id"]})
        assert (again["id"], again["pending_webhooks"]) == (event["id"], 1)
        world.run()
    assert (len(receiver.heard), len(another.heard), world.pending()) == (2, 1, [0])
    assert receiver.heard[0].event["id"] == receiver.heard[1].event["id"]


def test_resending_a_failed_event_restarts_its_delivery_and_counts_it_once(
    world: DeliveryWorld, api: Any, receiver: Receiver
) -> None:
    endpoint = world.endpoint(receiver)
    receiver.status = 500
    api.post("/v1/customers")
    world.run()
    path = f"/v1/events/{api.get('/v1/events')['data'][0]['id']}/resend"
    assert api.post(path, {"webhook_endpoint": endpoint["id"]})["pending_webhooks"] == 1
    receiver.status = 200
    world.run()
    assert len(receiver.heard) == 2 and world.pending() == [0]
    assert world.deliveries(endpoint)[0]["attempts"] == 1
    unknown = api.post(path, {"webhook_endpoint": "we_none"})
    assert (unknown.status, unknown["error"]["code"]) == (400, "resource_missing")
    assert api.post("/v1/events/evt_none/resend", {"webhook_endpoint": endpoint["id"]}).status == 404
    api.post(f"/v1/webhook_endpoints/{endpoint['id']}", {"disabled": "true"})
    assert api.post(path, {"webhook_endpoint": endpoint["id"]})["error"]["param"] == "webhook_endpoint"
    assert api.post(path)["error"]["code"] == "parameter_missing"


def test_deliveries_are_listed_page_by_page(
    world: DeliveryWorld, api: Any, other: Any, receiver: Receiver
) -> None:
    endpoint = world.endpoint(receiver)
    for _ in range(3):
        api.post("/v1/customers")
    path = f"/v1/webhook_endpoints/{endpoint['id']}/deliveries"
    page = api.get(path, {"limit": 2})
    assert page["has_more"] is True and page["url"] == path
    rest = api.get(path, {"starting_after": page["data"][-1]["id"]})
    assert len(rest["data"]) == 1 and rest["has_more"] is False
    assert api.get(path, {"status": "succeeded"})["data"] == []
    assert api.get(path, {"status": "lost"})["error"]["param"] == "status"
    assert other.get(path).status == 404


# ------------------------------------------------------------------------------------- what cannot be sent


def test_a_url_outside_ascii_is_encoded_when_it_is_stored(api: Any) -> None:
    made = api.post("/v1/webhook_endpoints", {"url": "https://bücher.example/ß", "enabled_events[]": "*"})
    assert made["url"] == "https://xn--bcher-kva.example/%C3%9F"
    changed = api.post(f"/v1/webhook_endpoints/{made['id']}", {"url": "https://müller.example/"})
    assert changed["url"] == "https://xn--mller-kva.example/"
    target = {"name": "Shop", "type": "webhook_endpoint", "event_payload": "thin"}
    target |= {"enabled_events": ["v1.customer.created"], "include": ["webhook_endpoint.url"]}
    path = "/v2/core/event_destinations"
    changed = api.ask("POST", path, json={**target, "webhook_endpoint": {"url": "https://bücher.example/"}})
    assert changed["webhook_endpoint"]["url"] == "https://xn--bcher-kva.example/"


@pytest.mark.parametrize(
    "url", ["https://", "https://a b/", f"https://{'ü' * 70}.ch/", "https://x.ch:99999/", "https://u:p@x.ch/"]
)
def test_a_url_to_which_nothing_can_be_sent_is_refused(api: Any, url: str) -> None:
    answer = api.post("/v1/webhook_endpoints", {"url": url, "enabled_events[]": "*"})
    assert (answer.status, answer["error"]["param"]) == (400, "url")
    assert answer["error"]["code"] == "url_invalid"


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:9/ö",
        "http://127.0.0.1:99999/",
        "http://a..b/",
        "http://10.0.0.1/",
        "https://[::1",
        "x",
    ],
)
def test_a_delivery_that_cannot_be_sent_is_a_failed_attempt_with_its_reason(
    world: DeliveryWorld, api: Any, url: str
) -> None:
    """As with an endpoint that an older version accepted; it is retried like any other."""
    endpoint = world.endpoint(f"{LOCAL}9/nobody")
    with world.db.transaction(api.tenant) as tx:
        tx.run("update webhook_endpoints set url = %(url)s", url=url)
    outside = world.db.outside
    world.db.outside = replace(outside, posting=Egress([ip_network("127.0.0.0/8")], resolve=nameless).posting)
    api.post("/v1/customers")
    world.run()
    [delivery] = world.deliveries(endpoint)
    assert (delivery["status"], delivery["attempts"]) == ("pending", 1) and delivery["error"]
    assert delivery["next_attempt_at"] > delivery["last_attempt_at"]
    world.pass_by(timedelta(seconds=7))
    assert world.deliveries(endpoint)[0]["attempts"] == 2
    with world.db.transaction(api.tenant) as tx:
        assert jobs.parked(tx, "wall") == []


def test_one_message_that_cannot_be_written_stops_no_other(
    world: DeliveryWorld, api: Any, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    endpoint = world.endpoint(receiver)
    written = events_delivery.message

    def message(tx: Any, to: Any, delivery: Any, event: Any) -> events_delivery.Message:
        if event.content["object"]["name"] == "bad":
            raise ZeroDivisionError("a fault of ours")
        return written(tx, to, delivery, event)

    monkeypatch.setattr(events_delivery, "message", message)
    for name in ("bad", "good"):
        api.post("/v1/customers", {"name": name})
    world.run()
    good, bad = world.deliveries(endpoint)
    assert (good["status"], bad["status"], bad["attempts"]) == ("succeeded", "pending", 1)
    assert "a fault of ours" in bad["error"] and bad["next_attempt_at"] is not None


def test_a_dispatcher_that_was_suspended_in_a_query_asks_again_soon() -> None:
    assert dispatch.seconds_until_next_query(0.001) == dispatch.POLL
    assert dispatch.seconds_until_next_query(0.05) == 0.5
    assert dispatch.seconds_until_next_query(3600) == 5
