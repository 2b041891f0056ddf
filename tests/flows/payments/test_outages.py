"""Is no payment and no mail lost when a gateway or mail server is down for a day or more (F16, F27)?"""

import email
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from billow.app import App
from billow.core.errors import Unavailable
from billow.core.payments import Charge, Outcome, Succeeded
from billow.providers.gateways.simulated import Simulated
from billow.providers.mail.smtp import Smtp
from billow.store import jobs
from tests.flows.conftest import Wall
from tests.support.mail_server import RudeServer
from tests.support.world import World

HOUR = timedelta(hours=1)


class Silent(Simulated):
    """While `silent`, it charges and does not say so, and answers nothing."""

    silent = False

    def charge(self, charge: Charge) -> Outcome:
        outcome = super().charge(charge)
        if self.silent:
            raise Unavailable("The gateway says nothing.")
        return outcome

    def look_up(self, attempt: str) -> Outcome | None:
        if self.silent:
            raise Unavailable("The gateway says nothing.")
        return super().look_up(attempt)


@pytest.fixture
def gateway(app: App, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Silent]:
    made = Silent(tmp_path / "gateway.sqlite")
    monkeypatch.setattr(app.db, "outside", replace(app.db.outside, gateways={"test": made}))
    yield made
    made.close()


def pass_time(world: World, wall: Wall, hours: int, step: timedelta = HOUR / 2) -> None:
    end = wall.now + hours * HOUR
    while wall.now < end:
        wall.now += step
        world.work()


def taken(gateway: Simulated) -> list[int]:
    return [charge.amount for charge in gateway.charges() if isinstance(charge.outcome, Succeeded)]


def test_a_charge_is_booked_when_the_gateway_speaks_again_after_four_days(
    world: World, gateway: Silent, wall: Wall
) -> None:
    world.at("2025-01-01")
    anna, ben = world.customer("anna"), world.customer("ben")
    pro = world.plan("Pro", usd=20)
    ben.subscribes_to(pro)
    gateway.silent = True
    world.at("2025-02-01 01:00")  # ben renews; the clock does not wait for the gateway
    assert world.refused("/v1/subscriptions", customer=anna.id, items=[{"price": pro}])["status"] == 500
    pass_time(world, wall, 4 * 24)
    assert [anna.last_invoice.intent["status"], ben.last_invoice.intent["status"]] == ["processing"] * 2
    assert parked(world) == []
    gateway.silent = False
    pass_time(world, wall, 2)
    assert [anna.last_invoice.status, ben.last_invoice.status] == ["paid", "paid"]
    assert taken(gateway) == [2000] * 3


def test_a_subscription_does_not_expire_while_its_first_payment_is_under_way(
    world: World, gateway: Silent, wall: Wall
) -> None:
    world.at("2025-01-01")
    anna, pro = world.customer("anna"), world.plan("Pro", usd=20)
    gateway.silent = True
    world.refused("/v1/subscriptions", customer=anna.id, items=[{"price": pro}])
    world.at("2025-01-02 12:00")
    assert parked(world) == [] and anna.last_invoice.status == "open"
    gateway.silent = False
    pass_time(world, wall, 2)
    [plan] = world.get("/v1/subscriptions", customer=anna.id)["data"]
    assert (plan["status"], anna.last_invoice.status) == ("active", "paid")


def parked(world: World) -> list[dict[str, Any]]:
    with world.api.app.db.transaction(world.api.tenant) as tx:
        return [*jobs.parked(tx, "wall"), *jobs.parked(tx, world.clock or "")]


@pytest.fixture
def server(app: App, monkeypatch: pytest.MonkeyPatch) -> Iterator[RudeServer]:
    with RudeServer(["250 taken", "221 bye"]) as made:
        mailer = Smtp(f"smtp://127.0.0.1:{made.port}", timeout=2)
        monkeypatch.setattr(app.db, "outside", replace(app.db.outside, mailer=mailer))
        yield made


def bill(world: World) -> None:
    """An invoice that is to be mailed."""
    world.at("2025-01-01")
    world.customer("anna").subscribes_to(world.plan("Pro", usd=20))
    world.work()


def ids(server: RudeServer) -> list[str]:
    return [str(email.message_from_bytes(letter)["Message-ID"]) for letter in server.letters]


@pytest.mark.parametrize(
    ("recipient", "after_letter"),
    [("451 try later", []), ("250 fine", ["451 try later", "221 bye"]), ("421 too busy", [None])],
)
def test_a_letter_is_tried_for_more_than_a_day_and_arrives_once(
    world: World, server: RudeServer, wall: Wall, recipient: str, after_letter: list[str | None]
) -> None:
    server.recipient, server.after_letter = recipient, after_letter
    bill(world)
    pass_time(world, wall, 26)
    refused = len(server.letters)
    assert parked(world) == []
    server.recipient, server.after_letter = "250 fine", ["250 taken", "221 bye"]
    pass_time(world, wall, 3)
    assert len(server.letters) == refused + 1


def test_a_mail_server_that_is_down_for_a_day_gets_the_letter_afterwards(
    world: World, server: RudeServer, wall: Wall, app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        nobody = Smtp("smtp://127.0.0.1:1", timeout=1)
        patch.setattr(app.db, "outside", replace(app.db.outside, mailer=nobody))
        bill(world)
        pass_time(world, wall, 26)
    assert parked(world) == [] and server.letters == []
    pass_time(world, wall, 3)
    assert len(server.letters) == 1


def test_a_hard_bounce_is_flagged_at_once_and_not_tried_again(
    world: World, server: RudeServer, wall: Wall
) -> None:
    server.recipient = "550 no such user"
    bill(world)
    pass_time(world, wall, 26)
    assert parked(world) == [] and server.letters == []
    with world.api.app.db.transaction(world.api.tenant) as tx:
        [flagged] = tx.all("select mail_error from invoices where mail_error is not null")
    assert "anna@example.com: 550 no such user" in flagged["mail_error"]


def test_a_server_that_takes_a_letter_and_hangs_up_gets_one_duplicate_with_the_same_id(
    world: World, server: RudeServer, wall: Wall
) -> None:
    server.after_letter = [None]
    bill(world)
    server.after_letter = ["250 taken", "221 bye"]
    pass_time(world, wall, 24)
    first, second = ids(server)
    assert first == second


class PowerCut(BaseException):
    """The process is gone: nobody catches this."""


def test_a_letter_whose_sender_died_is_sent_again(
    world: World, server: RudeServer, wall: Wall, app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*given: Any) -> None:
        raise PowerCut

    with monkeypatch.context() as patch:
        patch.setattr(Smtp, "send", die)
        with pytest.raises(PowerCut):
            bill(world)
    assert server.letters == []
    pass_time(world, wall, 1, timedelta(minutes=5))
    assert len(server.letters) == 1
