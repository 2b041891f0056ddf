"""Random schedules of faults between billow and its gateway (F16, F17, F18), against the gateway's truth.

BILLOW_SCHEDULES is how many (a thousand once, a hundred always), BILLOW_SEED repeats a run.
"""

import os
import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from billow.app import App
from billow.core.disputes import ORDER
from billow.core.payments import Charge, Outcome, Refund
from billow.flows.payments import settle
from billow.gateway_check import Compared, compare
from billow.providers.gateways.faults import KINDS, Fault
from billow.providers.gateways.simulated import Simulated
from billow.store import jobs
from tests.conftest import Api, new_caller
from tests.support import invariants

SCHEDULES = int(os.environ.get("BILLOW_SCHEDULES", "100"))
SEED = int(os.environ.get("BILLOW_SEED", str(random.randrange(10**6))))
CARDS = (
    "visa",
    "chargeCustomerFail",
    "authenticationRequired",
    "authenticationRequiredChargeDeclinedInsufficientFunds",
    "createDispute",
    "createDisputeInquiry",
    "pendingRefund",
    "refundFail",
)
ARRIVALS: tuple[tuple[str, ...], ...] = (
    (), (), ("early",), ("late",), ("twice",), ("contradictory",), ("early", "contradictory"),
    ("late", "twice"), ("late", "contradictory"),
)  # fmt: skip
INTENT_ORDER = {
    "requires_confirmation": 0,
    "requires_action": 2,
    "processing": 1,
    "requires_payment_method": 3,
    "succeeded": 4,
}


class Crash(BaseException):
    """The process dies: nothing catches it, and no answer is sent."""


class Chaotic(Simulated):
    """A gateway whose calls go wrong as `chance` says, and whose notices reach a server."""

    def __init__(self, memory: Path, chance: random.Random, app: App) -> None:
        super().__init__(memory, fault=self.draw, notify=self.post)
        self.chance, self.app, self.tenant, self.calm = chance, app, "", False
        self.client = app.wsgi.test_client()
        self.refused: list[int] = []

    def draw(self, attempt: str) -> Fault:
        if self.calm:
            return Fault()
        return Fault(self.chance.choice(KINDS), notices=self.chance.choice(ARRIVALS))

    def post(self, headers: dict[str, str], body: bytes) -> None:
        answered = self.client.post(f"/gateways/{self.tenant}/simulated", headers=headers, data=body)
        assert answered.status_code == 200, answered.get_json()

    def charge(self, charge: Charge) -> Outcome:
        outcome = super().charge(charge)
        if not self.calm and self.chance.random() < 0.1:
            raise Crash  # the answer has arrived, and is lost with us
        return outcome

    def refund(self, refund: Refund) -> Outcome:
        outcome = super().refund(refund)
        if not self.calm and self.chance.random() < 0.1:
            raise Crash
        return outcome


@pytest.fixture
def wall(app: App, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    with app.db.connection() as conn:
        conn.execute("delete from jobs where clock = 'wall' and kind ~ '^(attempt|invoice|dispute)[.]'")
    now = [app.db.wall()]
    monkeypatch.setattr(app.db, "wall", lambda: now[0])
    return now


@pytest.fixture
def gateway(app: App, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Chaotic]:
    made = Chaotic(tmp_path / "chaotic.sqlite", random.Random(SEED), app)
    monkeypatch.setattr(app.db, "outside", replace(app.db.outside, gateways={"test": made}))
    yield made
    made.close()


def send(api: Api, path: str, sent: dict[str, Any]) -> dict[str, Any]:
    """Send a request that may die with the server."""
    try:
        return api.post(path, sent)
    except Crash:
        return {}


def work(app: App, wall: list[Any]) -> None:
    """Let two hours pass, and do what is due; a job may die with its worker, and is run again."""
    wall[0] += timedelta(hours=2)
    for _ in range(200):
        try:
            if not jobs.run_due(app.db, clock="wall", until=wall[0], lane="outside"):
                return
        except Crash:
            continue
    raise AssertionError("The jobs do not come to an end.")


def seen(app: App, api: Api) -> dict[str, tuple[str, int]]:
    """Where each intent, refund and dispute stands, to be compared with where it stood before."""
    with app.db.transaction(api.tenant, reads=True) as tx:
        found = {
            **{
                row["id"]: ("intent", INTENT_ORDER[row["status"]])
                for row in tx.all("select id, status from payment_intents")
            },
            **{
                row["id"]: ("dispute", ORDER[row["status"]])
                for row in tx.all("select id, status from disputes")
            },
        }
    return found


def books(app: App, api: Api) -> int:
    """What the gateway owes us, by the ledger."""
    with app.db.transaction(api.tenant, reads=True) as tx:
        [(total,)] = tx.tuples(
            "select coalesce(sum(case when debit = 'clearing:simulated' then amount else -amount end), 0)"
            " from ledger_transfers where 'clearing:simulated' in (debit, credit)"
        )
    return int(total)


def customers(api: Api) -> dict[str, tuple[str, str]]:
    """A customer for each card, by its name."""
    made = {}
    for card in CARDS:
        customer = api.post("/v1/customers", {"name": card})["id"]
        made[card] = (
            customer,
            api.post(f"/v1/payment_methods/pm_card_{card}/attach", {"customer": customer})["id"],
        )
    return made


def schedule(
    app: App, api: Api, gateway: Chaotic, wall: list[Any], known: dict[str, tuple[str, str]]
) -> None:
    """Buy, refund and answer disputes while calls and notices go wrong; watch that nothing goes backwards."""
    chance = gateway.chance
    customer, method = known[chance.choice(CARDS)]
    sent = {
        "amount": str(chance.randint(100, 9000)),
        "currency": "usd",
        "customer": customer,
        "payment_method": method,
        "confirm": "true",
        "off_session": chance.choice(["true", "false"]),
    }
    before = seen(app, api)
    send(api, "/v1/payment_intents", sent)
    for _ in range(chance.randint(1, 3)):
        work(app, wall)
        for attempt in waiting(app, api):
            gateway.authenticate(attempt, passed=chance.random() < 0.7)
        if chance.random() < 0.5:
            gateway.deliver(late=chance.random() < 0.5)
        for charge in refundable(app, api):
            send(api, "/v1/refunds", {"charge": charge, "amount": str(chance.randint(1, 9000))})
        for dispute in answerable(app, api):
            words = chance.choice(["winning_evidence", "losing_evidence", "escalate_inquiry_evidence", "Hm."])
            send(api, f"/v1/disputes/{dispute}", {"evidence[uncategorized_text]": words})
        after = seen(app, api)
        back = {id: (at, after[id]) for id, at in before.items() if after[id][1] < at[1]}
        assert back == {}, f"went backwards: {back}"
        before = after


def waiting(app: App, api: Api) -> list[str]:
    return column(app, api, "select id from attempts where state = 'requires_action'")


def refundable(app: App, api: Api) -> list[str]:
    return column(
        app, api, "select id from charges where status = 'succeeded' and not disputed and amount_refunded = 0"
    )[-1:]


def answerable(app: App, api: Api) -> list[str]:
    return column(
        app, api, "select id from disputes where status in ('needs_response', 'warning_needs_response')"
    )


def column(app: App, api: Api, sql: str) -> list[str]:
    with app.db.transaction(api.tenant, reads=True) as tx:
        return [id for (id,) in tx.tuples(sql)]


def come_to_rest(app: App, gateway: Chaotic, wall: list[Any]) -> None:
    """Let every notice arrive and every job be done, without further faults."""
    gateway.calm = True
    wall[0] += timedelta(days=1)  # whoever acted without a notice is asked about once a day
    for _ in range(3):
        gateway.deliver(late=True)
        work(app, wall)
        work(app, wall)
    gateway.calm = False


def agree(app: App, api: Api, gateway: Chaotic) -> None:
    """Compare what billow says with what the gateway did: every attempt, every intent, and every cent."""
    truth = gateway.truth()
    done = {one["attempt"]: one for one in truth["attempts"]}
    with app.db.transaction(api.tenant, reads=True) as tx:
        ours = tx.all("select id, kind, state, payment_intent, amount from attempts")
        paid = dict(tx.tuples("select id, amount_received from payment_intents"))
        over = tx.all("select id from charges where amount_refunded > amount_captured")
    ends = {"Succeeded": "succeeded", "Declined": "failed", "NeedsAction": "requires_action"}
    assert {one["id"]: one["state"] for one in ours} == {
        one["id"]: ends[done[one["id"]]["outcome"]] for one in ours
    }
    taken: dict[str, int] = {}
    for one in ours:
        if one["kind"] == "charge" and done[one["id"]]["outcome"] == "Succeeded":
            assert one["payment_intent"] not in taken, "charged twice"
            taken[one["payment_intent"]] = one["amount"]
    assert {id: amount for id, amount in paid.items() if amount} == taken
    assert over == []
    assert books(app, api) == truth["balance"].get("usd", 0)


@pytest.mark.timeout(600 + 5 * SCHEDULES)
def test_no_schedule_of_faults_charges_twice_loses_a_payment_or_parts_the_books_from_the_truth(
    app: App, gateway: Chaotic, wall: list[Any]
) -> None:
    print(f"BILLOW_SEED={SEED} BILLOW_SCHEDULES={SCHEDULES}")
    api = new_caller(app)
    gateway.tenant, gateway.calm = api.tenant, True
    known = customers(api)
    gateway.calm = False
    for _ in range(SCHEDULES):
        schedule(app, api, gateway, wall, known)
        come_to_rest(app, gateway, wall)
        agree(app, api, gateway)
    assert len(gateway.truth()["attempts"]) >= SCHEDULES
    counted = Compared()
    assert list(compare(app.db, api.tenant, counted)) == [] and counted.told > SCHEDULES
    invariants.check_all(app.db, api.tenant, None)


def test_the_comparison_sees_a_payment_that_is_not_settled(
    app: App, gateway: Chaotic, wall: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Planted: a payment that the gateway took, and that billow is kept from settling, is a difference."""
    api = new_caller(app)
    gateway.tenant, gateway.calm = api.tenant, True
    customer, method = customers(api)["visa"]
    with monkeypatch.context() as patch:
        patch.setattr(settle, "settle", lambda *_: None)
        sent = {"amount": "900", "currency": "usd", "customer": customer, "payment_method": method}
        api.post("/v1/payment_intents", {**sent, "confirm": "true"})
    with pytest.raises(AssertionError):
        agree(app, api, gateway)
    work(app, wall)
    agree(app, api, gateway)
