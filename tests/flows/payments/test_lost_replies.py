"""Is a customer charged exactly once if the gateway's answer or our request is lost?"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from billow.app import App
from billow.core.errors import Unavailable
from billow.core.payments import Charge, Outcome, Succeeded
from billow.providers.gateways.simulated import Simulated
from tests.flows.conftest import Wall
from tests.support.world import BEGUN, OPENED, PAID, World


class Fallible(Simulated):
    """Fails as often as it is told: it acts and its answer is lost, or it never hears the question."""

    losing = deaf = 0

    def charge(self, charge: Charge) -> Outcome:
        if self.deaf:
            self.deaf -= 1
            raise Unavailable("The gateway did not hear.")
        return super().charge(charge)


Gateways = Callable[..., Fallible]


@pytest.fixture
def gateway(app: App, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Fallible]:
    made: Fallible

    def fault(attempt: str) -> str | None:
        made.losing -= 1
        return "drop_reply" if made.losing >= 0 else None

    made = Fallible(tmp_path / "gateway.sqlite", fault=fault)
    monkeypatch.setattr(app.db, "outside", replace(app.db.outside, gateways={"test": made}))
    yield made
    made.close()


def taken(gateway: Simulated) -> list[int]:
    return [charge.amount for charge in gateway.charges() if isinstance(charge.outcome, Succeeded)]


@pytest.mark.parametrize("fault", ["losing", "deaf"])
def test_a_first_payment_without_an_answer_is_found_out_a_minute_later(
    world: World, gateway: Fallible, wall: Wall, fault: str
) -> None:
    world.at("2025-01-01")
    pro = world.plan("Pro", usd=20)
    anna = world.customer("anna")
    setattr(gateway, fault, 1)
    error = world.refused("/v1/subscriptions", customer=anna.id, items=[{"price": pro}])
    assert error["status"] == 500 and "not known yet" in error["message"]
    world.check_events(["invoice.created", *OPENED])
    intent = anna.last_invoice.intent
    assert intent["status"] == "processing"
    wall.now += timedelta(seconds=59)
    world.work()
    assert anna.last_invoice.status == "open"
    wall.now += timedelta(seconds=2)
    world.work()
    world.check_events([*PAID, *BEGUN])
    [plan] = world.get("/v1/subscriptions", customer=anna.id)["data"]
    assert plan["status"] == "active"
    assert taken(gateway) == [2000]


@pytest.mark.parametrize("fault", ["losing", "deaf"])
@pytest.mark.parametrize("card", ["visa", "declining"])
def test_error_if_incomplete_without_an_answer_is_kept_or_taken_back_when_there_is_one(
    world: World, gateway: Fallible, wall: Wall, card: str, fault: str
) -> None:
    world.at("2025-01-01")
    pro = world.plan("Pro", usd=20)
    anna = world.customer("anna", card=card)
    setattr(gateway, fault, 1)
    form = {"customer": anna.id, "items": [{"price": pro}], "payment_behavior": "error_if_incomplete"}
    assert world.refused("/v1/subscriptions", **form)["status"] == 500
    assert world.get("/v1/subscriptions", customer=anna.id, status="all")["data"] == []
    wall.now += timedelta(seconds=61)
    world.work()
    there = world.get("/v1/subscriptions", customer=anna.id, status="all")["data"]
    assert [plan["status"] for plan in there] == (["active"] if card == "visa" else [])
    assert anna.last_invoice.status == ("paid" if card == "visa" else "void")
    assert taken(gateway) == ([2000] if card == "visa" else [])


@pytest.mark.parametrize("fault", ["losing", "deaf"])
def test_a_renewal_without_an_answer_is_asked_for_again_under_the_same_name(
    world: World, gateway: Fallible, fault: str
) -> None:
    world.at("2025-01-01")
    anna = world.customer("anna")
    anna.subscribes_to(world.plan("Pro", usd=20))
    world.at("2025-02-01")
    setattr(gateway, fault, 2)
    world.at("2025-02-01 01:00", expect=[*OPENED, *PAID])
    assert taken(gateway) == [2000, 2000]


def test_a_gateway_that_stays_silent_delays_one_payment_and_nothing_else(
    world: World, gateway: Fallible, wall: Wall
) -> None:
    world.at("2025-01-01")
    pro = world.plan("Pro", usd=20)
    anna, ben = world.customer("anna"), world.customer("ben")
    anna.subscribes_to(pro)
    world.at("2025-01-02")
    ben.subscribes_to(pro)
    world.at("2025-02-01")
    gateway.deaf = 100
    seconds = 1738458000  # 2025-02-02 01:00
    world.post(f"/v1/test_helpers/test_clocks/{world.clock}/advance", frozen_time=seconds)
    world.work()
    gateway.deaf = 0
    for _ in range(3):
        wall.now += timedelta(hours=1)
        world.work()
    assert [anna.last_invoice.status, ben.last_invoice.status] == ["paid", "paid"]
    assert taken(gateway) == [2000] * 4


def test_paying_by_hand_twice_takes_the_money_once(world: World, gateway: Fallible, wall: Wall) -> None:
    world.at("2025-01-01")
    anna = world.customer("anna")
    anna.owes(5000)
    invoice = anna.bills()
    invoice.does("finalize")
    gateway.losing = 1
    assert world.refused(f"/v1/invoices/{invoice.data['id']}/pay")["status"] == 500
    invoice.does("pay")
    assert invoice.data["status"] == "paid"
    assert taken(gateway) == [5000]
    wall.now += timedelta(minutes=5)
    world.work()
    assert taken(gateway) == [5000]


def test_while_a_payment_is_under_way_its_invoice_cannot_be_voided(
    world: World, gateway: Fallible, wall: Wall
) -> None:
    world.at("2025-01-01")
    anna = world.customer("anna")
    anna.owes(5000)
    invoice = anna.bills()
    invoice.does("finalize")
    gateway.losing = 1
    world.refused(f"/v1/invoices/{invoice.data['id']}/pay")
    error = world.refused(f"/v1/invoices/{invoice.data['id']}/void")
    assert error["code"] == "payment_intent_unexpected_state"
    error = world.refused(f"/v1/invoices/{invoice.data['id']}/pay", paid_out_of_band=True)
    assert error["code"] == "payment_intent_unexpected_state"
    # To give it up is no promise: the money came after all.
    invoice.does("mark_uncollectible")
    wall.now += timedelta(minutes=5)
    world.work()
    assert invoice.status == "paid"
