"""Is a session paid once and completed, if the gateway's answer or our process is lost (§9.1)?"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from billow.app import App
from billow.core.payments import Succeeded
from billow.providers.gateways.simulated import Simulated
from billow.store import jobs
from tests.support.page_visits import PAYER, Visitor
from tests.support.world import World


@pytest.fixture
def silent(app: App, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Simulated]:
    """A gateway that acts, and whose first answer is lost."""
    lost: list[str] = []

    def fault(attempt: str) -> str | None:
        first = not lost
        lost.append(attempt)
        return "drop_reply" if first else None

    made = Simulated(tmp_path / "gateway.sqlite", fault=fault)
    monkeypatch.setattr(app.db, "outside", replace(app.db.outside, gateways={"test": made}))
    yield made
    made.close()


def later(app: App, minutes: int) -> None:
    """Run what is due on the wall clock after some minutes."""
    until = app.db.wall() + timedelta(minutes=minutes)
    while jobs.run_due(app.db, clock="wall", until=until):
        pass


@pytest.mark.parametrize("mode", ["subscription", "payment"])
def test_a_lost_answer_is_found_out_and_charges_once(
    world: World, app: App, silent: Simulated, mode: str
) -> None:
    price = world.plan("Pro", usd=20) if mode == "subscription" else world.once("Book", usd=20)
    sent: dict[str, Any] = {"mode": mode, "success_url": "https://shop.example"}
    made = world.post("/v1/checkout/sessions", **sent, line_items=[{"price": price, "quantity": 1}])
    visitor = Visitor(app).opens(made["url"])
    page = visitor.text
    visitor.sends(**PAYER)
    assert "Your payment is being processed" in visitor.words()
    visitor.text = page
    visitor.sends(**PAYER)
    assert "Your payment is being processed" in visitor.words()
    refused = world.refused(f"/v1/checkout/sessions/{made['id']}/expire")
    assert "under way" in refused["message"]
    later(app, 5)
    done = world.get(f"/v1/checkout/sessions/{made['id']}")
    assert (done["status"], done["payment_status"]) == ("complete", "paid")
    taken = [one.amount for one in silent.charges() if isinstance(one.outcome, Succeeded)]
    assert taken == [2000]
    assert "Thank you" in visitor.opens(made["url"]).words()


def test_a_declined_payment_whose_answer_was_lost_opens_the_session_again(
    world: World, app: App, silent: Simulated
) -> None:
    price = world.plan("Pro", usd=20)
    sent: dict[str, Any] = {"mode": "subscription", "success_url": "https://shop.example"}
    made = world.post("/v1/checkout/sessions", **sent, line_items=[{"price": price, "quantity": 1}])
    Visitor(app).opens(made["url"]).sends(**{**PAYER, "number": "4000000000000341"})
    later(app, 5)
    assert world.get(f"/v1/checkout/sessions/{made['id']}")["status"] == "open"
    assert world.get("/v1/subscriptions", status="all")["data"] == []
    Visitor(app).opens(made["url"]).sends(**PAYER)
    assert world.get(f"/v1/checkout/sessions/{made['id']}")["status"] == "complete"


def test_what_a_customer_confirms_at_the_bank_is_not_taken_back_meanwhile(world: World, app: App) -> None:
    price = world.plan("Pro", usd=20)
    sent: dict[str, Any] = {"mode": "subscription", "success_url": "https://shop.example"}
    made = world.post("/v1/checkout/sessions", **sent, line_items=[{"price": price, "quantity": 1}])
    visitor = Visitor(app).opens(made["url"]).sends(**{**PAYER, "number": "4000002760003184"})
    later(app, 5)
    assert "Thank you" in visitor.sends(answer="yes").words()
    done = world.get(f"/v1/checkout/sessions/{made['id']}")
    assert world.get(f"/v1/subscriptions/{done['subscription']}")["status"] == "active"
