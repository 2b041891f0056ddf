"""What happens to a receiver that fails for days?"""

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from billow.flows.events import delivery
from billow.providers.mail import Message
from billow.providers.posting import Post
from tests.conftest import new_caller
from tests.support.webhook_receivers import DeliveryWorld, Receiver

ENDPOINT = "https://shop.example/hook"
LANES = ("events", "webhooks", "outside", "mail")


class Shop(DeliveryWorld):
    """A merchant in live mode whose receiver answers with `status`; `letters` is the mail to its owner."""

    def __init__(self, app: Any, api: Any) -> None:
        super().__init__(app, api)
        self.status, self.heard = 500, 0
        self.sequences: list[int] = []
        self.endpoints: list[str] = []
        self.sent: list[Message] = []
        mailer = type("Mailer", (), {"send": lambda _, message: self.sent.append(message)})()
        app.db.outside = replace(app.db.outside, posting=self.posting, mailer=mailer)

    def endpoint(self, to: Receiver | str, events: str = "*") -> dict[str, Any]:
        made = super().endpoint(to, events)
        self.endpoints.append(made["id"])
        return made

    @property
    def letters(self) -> list[Message]:
        """The letters about endpoints of this test: those of other tests fail for days here as well."""
        return [letter for letter in self.sent if any(id in letter.subject for id in self.endpoints)]

    @asynccontextmanager
    async def posting(self) -> AsyncIterator[Post]:
        yield self.take

    async def take(self, url: str, headers: dict[str, str], body: bytes) -> int:
        if url == ENDPOINT:
            self.heard += 1
            self.sequences.append(json.loads(body).get("sequence", 0))
        return self.status

    def days(self, count: int) -> None:
        self.hours(24 * count)

    def hours(self, count: int) -> None:
        for _ in range(count):
            self.ahead += timedelta(hours=1)
            self.run(*LANES)

    def subjects(self) -> list[str]:
        return [letter.subject.split(" ", 3)[-1] for letter in self.letters]

    def state(self, endpoint: dict[str, Any]) -> str:
        return str(self.api.get(f"/v1/webhook_endpoints/{endpoint['id']}")["status"])


@pytest.fixture
def shop(app: Any, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shop]:
    # With jitter the last retry comes after 76 to 96 hours, and these tests count hours.
    monkeypatch.setattr(delivery, "JITTER", 0)
    outside, wall = app.db.outside, app.db.wall
    yield Shop(app, new_caller(app, getattr(request, "param", "live")))
    app.db.outside, app.db.wall = outside, wall


def test_an_owner_is_warned_after_a_day_and_the_endpoint_disabled_after_three(shop: Shop) -> None:
    endpoint = shop.endpoint(ENDPOINT)
    shop.api.post("/v1/customers")
    shop.run(*LANES)
    shop.hours(20)
    assert shop.letters == [] and shop.state(endpoint) == "enabled"
    shop.days(1)
    assert shop.subjects() == ["is failing"] and shop.state(endpoint) == "enabled"
    shop.days(2)
    assert shop.subjects() == ["is failing", "was disabled"] and shop.state(endpoint) == "disabled"
    [warning, last] = shop.letters
    assert endpoint["id"] in last.subject and ENDPOINT in last.text
    assert last.to == shop.db.outside.mail_from and warning.message_id != last.message_id
    assert shop.heard == 1 + len(delivery.WAITS)


def test_a_disabled_endpoint_is_sent_nothing_until_it_is_enabled(shop: Shop) -> None:
    endpoint = shop.endpoint(ENDPOINT)
    shop.api.post("/v1/customers", {"name": "Ann"})
    shop.run(*LANES)
    shop.days(3)
    shop.api.post("/v1/customers", {"name": "Bob"})
    shop.days(1)
    assert shop.state(endpoint) == "disabled"
    heard = shop.heard
    shop.api.post("/v1/customers", {"name": "Cid"})
    shop.days(4)
    assert shop.heard == heard and len(shop.letters) == 2
    path = f"/v1/webhook_endpoints/{endpoint['id']}"
    assert shop.api.post(path, {"disabled": "false"})["status"] == "enabled"
    shop.hours(12)
    assert shop.heard > heard, "what waited is tried again"
    assert shop.state(endpoint) == "enabled" and len(shop.letters) == 2
    shop.status = 200
    shop.days(1)
    assert [one["status"] for one in shop.deliveries(endpoint)] == ["succeeded", "failed"]
    assert shop.state(endpoint) == "enabled" and len(shop.letters) == 2


def test_a_success_restarts_the_count_of_days(shop: Shop) -> None:
    endpoint = shop.endpoint(ENDPOINT)
    shop.api.post("/v1/customers")
    shop.run(*LANES)
    shop.days(2)
    shop.status = 200
    shop.api.post("/v1/products", {"name": "Gold"})
    shop.run(*LANES)
    shop.status = 500
    shop.days(3)
    assert shop.state(endpoint) == "enabled" and shop.subjects() == ["is failing", "is failing"]


def test_events_missed_in_an_hour_are_all_sent_and_can_be_put_in_order(shop: Shop) -> None:
    """They arrive in no fixed order, each with its number (F12)."""
    endpoint = shop.endpoint(ENDPOINT)
    for _ in range(6):
        shop.api.post("/v1/customers")
        shop.ahead += timedelta(minutes=10)
        shop.run(*LANES)
    assert [one["status"] for one in shop.deliveries(endpoint)] == ["pending"] * 6
    shop.status, shop.sequences = 200, []
    shop.days(1)
    assert [one["status"] for one in shop.deliveries(endpoint)] == ["succeeded"] * 6
    assert sorted(shop.sequences) == [1, 2, 3, 4, 5, 6] and shop.state(endpoint) == "enabled"
    assert shop.letters == [] and shop.pending() == [0] * 6


@pytest.mark.parametrize("shop", ["test"], indirect=True)
def test_in_test_mode_nobody_is_warned_and_nothing_is_disabled(shop: Shop) -> None:
    endpoint = shop.endpoint(ENDPOINT)
    shop.api.post("/v1/customers")
    shop.run(*LANES)
    shop.days(5)
    assert shop.state(endpoint) == "enabled" and shop.letters == []
    assert [one["status"] for one in shop.deliveries(endpoint)] == ["failed"]


def test_an_event_destination_is_disabled_too_and_says_why(shop: Shop) -> None:
    path = "/v2/core/event_destinations"
    wanted = {
        "name": "Shop",
        "type": "webhook_endpoint",
        "event_payload": "thin",
        "enabled_events": ["v1.customer.created"],
        "webhook_endpoint": {"url": ENDPOINT},
    }
    made = shop.api.ask("POST", path, json=wanted)
    shop.endpoints.append(made["id"])
    shop.api.post("/v1/customers")
    shop.run(*LANES)
    shop.days(4)
    shown = shop.api.get(f"{path}/{made['id']}")
    assert shown["status"] == "disabled"
    assert shown["status_details"]["disabled"]["reason"] == "endpoint_failing"
    assert shop.subjects() == ["is failing", "was disabled"]
    assert shop.api.ask("POST", f"{path}/{made['id']}/enable", json={})["status"] == "enabled"
    shop.days(1)
    assert shop.api.get(f"{path}/{made['id']}")["status"] == "enabled"
