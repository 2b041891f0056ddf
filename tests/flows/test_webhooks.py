"""Events reach their endpoints: signed, retried, each endpoint by itself (§10.4 to §10.6)."""

import ipaddress
import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import stripe

from billow.app import App
from billow.providers.egress import Egress
from tests.conftest import nameless
from tests.flows.conftest import Wall
from tests.support.world import BEGUN, OPENED, PAID, World


class Receiver:
    """A shop that takes webhooks: the messages that it got, and its next answer."""

    def __init__(self) -> None:
        self.got: list[tuple[bytes, str]] = []
        self.status = 200
        receiver = self

        class Post(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.got.append((body, self.headers["Stripe-Signature"]))
                self.send_response(receiver.status)
                self.send_header("Location", "http://127.0.0.1:9/")
                self.end_headers()

            def log_message(self, *args: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Post)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}/hook"

    @property
    def events(self) -> list[dict[str, Any]]:
        return [json.loads(body) for body, _ in self.got]

    @property
    def types(self) -> list[str]:
        return [event["type"] for event in self.events]


@pytest.fixture
def receivers(app: App, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], Receiver]]:
    """Makes shops on this machine, to which this test may send webhooks."""
    here = Egress([ipaddress.ip_network("127.0.0.0/8")], resolve=nameless)
    monkeypatch.setattr(app.db, "outside", replace(app.db.outside, posting=here.posting))
    made: list[Receiver] = []

    def another() -> Receiver:
        made.append(Receiver())
        return made[-1]

    yield another
    for receiver in made:
        receiver.server.shutdown()
        receiver.server.server_close()


Receivers = Callable[[], Receiver]


def listening(world: World, receiver: Receiver, *types: str) -> dict[str, Any]:
    """Create an endpoint for these types, or for all."""
    return world.post("/v1/webhook_endpoints", url=receiver.url, enabled_events=list(types) or ["*"])


def test_every_event_is_posted_with_a_signature_that_the_official_library_accepts(
    world: World, receivers: Receivers
) -> None:
    shop = receivers()
    secret = listening(world, shop)["secret"]
    world.at("2025-01-01")
    pro = world.plan("Pro", usd=20)
    anna = world.customer("anna")
    world.work()
    shop.got.clear()
    anna.subscribes_to(pro)
    world.work()
    assert sorted(shop.types) == sorted(["invoice.created", *OPENED, *PAID, *BEGUN])
    for body, signature in shop.got:
        assert stripe.WebhookSignature.verify_header(body.decode(), signature, secret, 300)
    with pytest.raises(stripe.SignatureVerificationError):
        stripe.WebhookSignature.verify_header(body.decode(), signature, "whsec_other", 300)
    received = shop.events[0]
    assert received["id"] in {event["id"] for event in world.get("/v1/events", limit=100)["data"]}
    assert world.get(f"/v1/events/{received['id']}")["pending_webhooks"] == 0


def test_an_endpoint_gets_only_its_enabled_types(world: World, receivers: Receivers) -> None:
    shop = receivers()
    listening(world, shop, "invoice.paid", "customer.created")
    world.at("2025-01-01")
    anna = world.customer("anna")
    anna.subscribes_to(world.plan("Pro", usd=20))
    world.work()
    assert sorted(shop.types) == ["customer.created", "invoice.paid"]


def test_a_failing_endpoint_is_retried_later_and_delays_no_other(
    world: World, receivers: Receivers, wall: Wall
) -> None:
    good, bad = receivers(), receivers()
    bad.status = 500
    for shop in (bad, good):
        listening(world, shop, "customer.created")
    world.at("2025-01-01")
    world.customer("anna", card=None)
    world.work()
    assert (len(good.got), len(bad.got)) == (1, 1)
    wall.now += timedelta(seconds=4)
    world.work()
    assert len(bad.got) == 1
    wall.now += timedelta(seconds=2)
    world.work()
    bad.status = 200
    wall.now += timedelta(minutes=4)
    world.work()
    assert len(bad.got) == 2
    wall.now += timedelta(minutes=2)
    world.work()
    wall.now += timedelta(days=5)
    world.work()
    assert (len(good.got), len(bad.got)) == (1, 3)
    assert len({event["id"] for event in good.events + bad.events}) == 1
    # Each attempt is signed again, so that its signature is not too old.
    assert len({signature for _, signature in bad.got}) == 3
    assert world.get(f"/v1/events/{bad.events[0]['id']}")["pending_webhooks"] == 0


@pytest.mark.parametrize("status", [301, 404, 500])
def test_an_endpoint_that_always_fails_is_given_up_after_three_days(
    world: World, receivers: Receivers, wall: Wall, status: int
) -> None:
    shop = receivers()
    shop.status = status
    listening(world, shop, "customer.created")
    world.at("2025-01-01")
    world.customer("anna", card=None)
    start = wall.now
    for _ in range(100):
        world.work()
        wall.now += timedelta(hours=1)
    assert len(shop.got) == 10
    assert wall.now - start > timedelta(days=4)


def test_an_event_stays_pending_for_an_unreachable_endpoint(
    world: World, receivers: Receivers, wall: Wall
) -> None:
    shop = receivers()
    listening(world, shop, "customer.created")
    shop.server.shutdown()
    shop.server.server_close()
    world.at("2025-01-01")
    world.customer("anna", card=None)
    world.work()
    [event] = world.get("/v1/events", type="customer.created")["data"]
    assert event["pending_webhooks"] == 1
