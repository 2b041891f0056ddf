"""A gateway that acts and says nothing, hears nothing, or is confused (F16, F17): nobody pays twice.

BILLOW_TRIALS makes it longer, BILLOW_SEED repeats a run.
"""

import os
import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from billow.api import rows
from billow.app import App
from billow.core.errors import Unavailable
from billow.core.payments import Charge, Declined, NeedsAction, Outcome, Pending, Succeeded
from billow.flows.payments.settle import FINAL, settle
from billow.providers.gateways.simulated import Simulated
from billow.resources.attempt import Attempt
from billow.store import jobs
from tests.conftest import Api, Reply
from tests.support import invariants

TRIALS = int(os.environ.get("BILLOW_TRIALS", "80"))
SEED = int(os.environ.get("BILLOW_SEED", str(random.randrange(10**6))))

DECLINED = Declined("card_declined", "generic_decline", "Your card was declined.", retry=True)


class Unreliable(Simulated):
    """Each question is answered, acted upon without an answer, or not heard, as `faults` say in order."""

    def __init__(self, memory: Path) -> None:
        super().__init__(memory)
        self.faults: list[str] = []

    def charge(self, charge: Charge) -> Outcome:
        how = self.faults.pop(0) if self.faults else ""
        if how != "deaf":
            outcome = super().charge(charge)
        if how:
            raise Unavailable(f"The gateway is {how}.")
        return outcome

    def look_up(self, attempt: str) -> Outcome | None:
        if self.faults and self.faults[0] == "mute":
            self.faults.pop(0)
            raise Unavailable("The gateway is mute.")
        return super().look_up(attempt)


@pytest.fixture
def gateway(app: App, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Unreliable]:
    made = Unreliable(tmp_path / "gateway.sqlite")
    monkeypatch.setattr(app.db, "outside", replace(app.db.outside, gateways={"test": made}))
    yield made
    made.close()


@pytest.fixture
def customer(api: Api) -> str:
    return pays_with(api, "pm_card_visa")


def pays_with(api: Api, card: str) -> str:
    sent = {"payment_method": card, "invoice_settings[default_payment_method]": card}
    return str(api.post("/v1/customers", sent)["id"])


def taken(gateway: Simulated) -> int:
    return len([one for one in gateway.charges() if isinstance(one.outcome, Succeeded)])


def purchase(api: Api, customer: str, number: int) -> dict[str, Any]:
    [method] = api.get("/v1/payment_methods", {"customer": customer})["data"]
    return {
        "amount": 100 + number,
        "currency": "usd",
        "customer": customer,
        "payment_method": method["id"],
        "confirm": "true",
    }


def insist(api: Api, sent: dict[str, Any], key: str) -> Reply:
    """As a Stripe client does: again with the same key while the answer asks for that."""
    for _ in range(10):
        answer = api.post("/v1/payment_intents", sent, Idempotency_Key=key)
        assert "nothing was changed" not in str(answer), "it was: the attempt is written down"
        if answer.headers.get("Stripe-Should-Retry") != "true":
            return answer
        assert answer.status in (409, 500)
    raise AssertionError(f"{key} stays open: {answer}")


def test_a_key_is_answered_with_what_became_of_the_payment_and_no_charge_is_doubled(
    app: App, api: Api, gateway: Unreliable, customer: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    print(f"BILLOW_SEED={SEED} BILLOW_TRIALS={TRIALS}")
    chance = random.Random(SEED)
    for number in range(TRIALS):
        gateway.faults = [chance.choice(["deaf", "mute"]) for _ in range(chance.randint(1, 3))]
        told = insist(api, purchase(api, customer, number), f"k{number}")
        assert (told.status, told["status"], told["amount"]) == (200, "succeeded", 100 + number), told
        assert insist(api, purchase(api, customer, number), f"k{number}") == told
        assert taken(gateway) == number + 1
    late = app.db.wall() + timedelta(minutes=10)
    monkeypatch.setattr(app.db, "wall", lambda: late)
    while jobs.run_due(app.db, clock="wall", until=late, lane="outside"):
        pass
    assert taken(gateway) == TRIALS
    with app.db.transaction(api.tenant) as tx:
        assert len(tx.all("select 1 from charges where status = 'succeeded'")) == TRIALS
        assert len(tx.all("select 1 from payment_intents")) == TRIALS
    invariants.check_all(app.db, api.tenant, None)


class Confused(Simulated):
    """It decides once, and tells late, twice, in any order, or that it knows nothing, as `answers` say."""

    def __init__(self, memory: Path) -> None:
        super().__init__(memory)
        self.answers: list[str] = []

    def said(self, truth: Outcome | None) -> Outcome | None:
        how = self.answers.pop(0) if self.answers else "truth"
        if how == "silence":
            raise Unavailable("The gateway says nothing.")
        if how == "pending":
            return Pending("later")
        return truth

    def charge(self, charge: Charge) -> Outcome:
        outcome = self.said(super().charge(charge))
        assert outcome is not None
        return outcome

    def look_up(self, attempt: str) -> Outcome | None:
        if self.answers[:1] == ["nothing"]:
            self.answers.pop(0)
            return None
        return self.said(super().look_up(attempt))


def test_whatever_the_gateway_says_in_which_order_the_end_is_its_truth(
    app: App, api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Late, repeated and reordered answers (F17): what is settled stays, and is what the gateway did."""
    print(f"BILLOW_SEED={SEED} BILLOW_TRIALS={TRIALS}")
    chance, gateway = random.Random(SEED), Confused(tmp_path / "confused.sqlite")
    monkeypatch.setattr(app.db, "outside", replace(app.db.outside, gateways={"test": gateway}))
    wall = [app.db.wall()]
    monkeypatch.setattr(app.db, "wall", lambda: wall[0])
    customers = [pays_with(api, card) for card in ("pm_card_visa", "pm_card_chargeCustomerFail")]
    for number in range(TRIALS // 2):
        gateway.answers = chance.choices(["silence", "pending", "nothing", "truth"], k=4)
        api.post("/v1/payment_intents", purchase(api, chance.choice(customers), number))
        for _ in range(8):
            wall[0] += timedelta(hours=2)
            while jobs.run_due(app.db, clock="wall", until=wall[0], lane="outside"):
                pass
        gateway.answers = []
    with app.db.transaction(api.tenant) as tx:
        states = {row["id"]: row["state"] for row in tx.all("select id, state from attempts")}
        truth = {one.attempt: type(one.outcome) for one in gateway.charges() if one.attempt in states}
        assert {id: FINAL[kind] for id, kind in truth.items()} == states
        for id, state in states.items():  # each is told once more, and the contrary as well
            # A success after a decline is money that was taken: tests/flows/payments/test_late_payments.py.
            again = (Succeeded("again", 0),) if state == "succeeded" else ()
            for outcome in (*again, DECLINED, Pending("again"), NeedsAction("again")):
                settle(tx, rows.lock(tx, Attempt, id), outcome)
        assert {row["id"]: row["state"] for row in tx.all("select id, state from attempts")} == states
    invariants.check_all(app.db, api.tenant, None)
    gateway.close()


def test_while_the_gateway_is_silent_the_key_stays_open(api: Api, gateway: Unreliable, customer: str) -> None:
    gateway.faults = ["mute", "mute"]
    first = api.post("/v1/payment_intents", purchase(api, customer, 0), Idempotency_Key="a")
    assert (first.status, first["error"]["type"]) == (500, "api_error")
    assert (
        "not known yet" in first["error"]["message"] and "same Idempotency-Key" in first["error"]["message"]
    )
    assert (first.headers["Stripe-Should-Retry"], first.headers["Retry-After"]) == ("true", "2")
    second = api.post("/v1/payment_intents", purchase(api, customer, 0), Idempotency_Key="a")
    assert (second.status, second["error"]["code"]) == (409, "idempotency_key_in_use")
    assert second.headers["Stripe-Should-Retry"] == "true"
    third = api.post("/v1/payment_intents", purchase(api, customer, 0), Idempotency_Key="a")
    assert (third.status, third["status"], taken(gateway)) == (200, "succeeded", 1)


def test_without_a_key_the_answer_says_where_to_look_and_asks_for_no_retry(
    api: Api, gateway: Unreliable, customer: str
) -> None:
    gateway.faults = ["mute"]
    told = api.post("/v1/payment_intents", purchase(api, customer, 0))
    assert (told.status, told.headers["Stripe-Should-Retry"]) == (500, "false")
    assert "Retry-After" not in told.headers
    assert told.headers["Request-Id"] in told["error"]["message"]


@pytest.mark.parametrize("keyed", [True, False])
def test_a_silent_gateway_that_was_asked_for_nothing_but_a_card_leaves_everything_as_it_was(
    app: App, api: Api, monkeypatch: pytest.MonkeyPatch, keyed: bool
) -> None:
    class Silent(Simulated):
        def store_method(self, token: str, type: str = "card", check: bool = True) -> Any:
            raise Unavailable("The gateway says nothing.")

    sent, key = {"name": "Ann", "payment_method": "pm_card_visa"}, {"Idempotency_Key": "a"} if keyed else {}
    with monkeypatch.context() as patch:
        patch.setattr(app.db, "outside", replace(app.db.outside, gateways={"test": Silent()}))
        told = api.post("/v1/customers", sent, **key)
    assert told.status == 503 and "nothing was changed" in told["error"]["message"]
    assert api.get("/v1/customers")["data"] == []
    assert api.post("/v1/customers", sent, **key).status == 200
