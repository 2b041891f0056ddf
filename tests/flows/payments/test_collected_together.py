"""Are invoices of one batch charged once each, whatever the gateway and the database do?"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest

from billow.app import App
from billow.core.errors import Unavailable
from billow.core.payments import Charge, Outcome, Succeeded
from billow.flows.payments import collect, settle
from billow.flows.payments.locked_attempt import Case
from billow.providers.gateways.simulated import Simulated
from billow.store import jobs
from billow.store.perform import Steps
from billow.store.tx import Tx
from tests.flows.conftest import Wall
from tests.support.world import Customer, World

AFTER_AN_HOUR = timedelta(hours=1, minutes=1)


class Faulty(Simulated):
    """It acts on each charge, but does not answer those of the amounts in `silent`."""

    def __init__(self, memory: Path) -> None:
        super().__init__(memory)
        self.silent: set[int] = set()

    def charge(self, charge: Charge) -> Outcome:
        outcome = super().charge(charge)
        if charge.amount in self.silent:
            raise Unavailable("The gateway says nothing.")
        return outcome


@pytest.fixture
def gateway(app: App, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Faulty]:
    made = Faulty(tmp_path / "gateway.sqlite")
    monkeypatch.setattr(app.db, "outside", replace(app.db.outside, gateways={"test": made}))
    yield made
    made.close()


@pytest.fixture
def batches(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The invoices of each batch that is collected, in order."""
    found: list[list[str]] = []

    def noting(tx: Tx, refs: list[str]) -> Steps:
        found.append(refs)
        return (yield from collect.collect_due(tx, refs))

    kind = jobs.KINDS["invoice.collect"]
    monkeypatch.setitem(jobs.KINDS, kind.name, replace(kind, run=noting))
    return found


def bill(customer: Customer, amount: int) -> str:
    customer.owes(amount)
    return str(customer.bills(auto_advance=True).data["id"])


def taken(gateway: Simulated) -> list[int]:
    return sorted(one.amount for one in gateway.charges() if isinstance(one.outcome, Succeeded))


def pass_time(world: World, wall: Wall, by: timedelta = AFTER_AN_HOUR) -> None:
    wall.now += by
    world.work()


def test_each_invoice_of_a_batch_has_its_own_outcome(
    world: World, wall: Wall, gateway: Faulty, batches: list[list[str]]
) -> None:
    people = {name: world.customer(name, card) for name, card in CARDS_OF.items()}
    bills = {bill(person, 1000 + place) for place, person in enumerate(people.values())}
    gateway.silent = {1001}
    pass_time(world, wall)
    assert [set(batch) for batch in batches] == [bills]
    seen = {name: person.last_invoice.now for name, person in people.items()}
    assert {name: invoice["status"] for name, invoice in seen.items()} == {
        "anna": "paid",
        "ben": "open",
        "cleo": "open",
        "dora": "open",
    }
    assert [people[name].last_invoice.intent["status"] for name in ("ben", "cleo", "dora")] == [
        "processing",
        "requires_payment_method",
        "requires_payment_method",
    ]
    assert [people[name].now["delinquent"] for name in people] == [False, False, True, True]
    assert {seen[name]["attempt_count"] for name in ("anna", "cleo", "dora")} == {1}
    assert all(seen[name]["next_payment_attempt"] for name in ("cleo", "dora"))
    gateway.silent = set()
    pass_time(world, wall, timedelta(minutes=2))
    assert people["ben"].last_invoice.status == "paid"
    assert taken(gateway) == [1000, 1001]


CARDS_OF = {"anna": "visa", "ben": "visa", "cleo": "declining", "dora": None}


def test_of_the_invoices_of_a_customer_one_is_collected_at_a_time(
    world: World, wall: Wall, gateway: Faulty, batches: list[list[str]]
) -> None:
    anna, ben = world.customer("anna"), world.customer("ben")
    first = [bill(anna, 1000), bill(anna, 1001), bill(ben, 1002)]
    pass_time(world, wall)
    assert [sorted(batch) for batch in batches] == [sorted(first), [max(first[:2])]]
    assert [one.status for one in (*anna.invoices, *ben.invoices)] == ["paid"] * 3
    assert taken(gateway) == [1000, 1001, 1002]


def test_a_batch_whose_answers_are_lost_is_settled_one_by_one(
    world: World, wall: Wall, gateway: Faulty, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One outcome that cannot be written takes the others with it; each attempt is then settled alone."""
    people = [world.customer(name) for name in ("anna", "ben", "cleo")]
    for place, person in enumerate(people):
        bill(person, 1000 + place)
    settle_payments = settle.settle_payments

    def failing(tx: Tx, answers: list[tuple[Case, Outcome]]) -> None:
        settle_payments(tx, answers)
        if any(case.attempt.amount == 1001 for case, _ in answers):
            raise RuntimeError("This outcome cannot be written.")

    with monkeypatch.context() as patch:
        patch.setattr(settle, "settle_payments", failing)
        pass_time(world, wall)
        assert {person.last_invoice.intent["status"] for person in people} == {"processing"}
        pass_time(world, wall, timedelta(minutes=2))
        assert [person.last_invoice.status for person in people] == ["paid", "open", "paid"]
    pass_time(world, wall, timedelta(minutes=2))
    assert [person.last_invoice.status for person in people] == ["paid"] * 3
    assert taken(gateway) == [1000, 1001, 1002]


def test_a_batch_that_was_interrupted_charges_nobody_twice(
    world: World, wall: Wall, gateway: Faulty, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The database ends the transaction of the answers; a request pays one of the invoices meanwhile."""
    people = [world.customer(name) for name in ("anna", "ben", "cleo")]
    for place, person in enumerate(people):
        bill(person, 1000 + place)

    def interrupted(tx: Tx, outcomes: dict[str, Outcome]) -> None:
        raise psycopg.errors.DeadlockDetected("deadlock detected")

    with monkeypatch.context() as patch:
        patch.setattr(collect, "settle_answers", interrupted)
        pass_time(world, wall)
    assert {person.last_invoice.intent["status"] for person in people} == {"processing"}
    assert people[1].last_invoice.does("pay")["status"] == "paid"
    pass_time(world, wall, timedelta(minutes=2))
    assert [person.last_invoice.status for person in people] == ["paid"] * 3
    assert taken(gateway) == [1000, 1001, 1002]


def test_on_a_test_clock_invoices_are_collected_one_at_a_time(
    world: World, gateway: Faulty, batches: list[list[str]]
) -> None:
    """A gateway that does not answer is asked again at once there, since no time passes."""
    world.at("2025-01-01")
    for name in ("anna", "ben"):
        bill(world.customer(name), 1000)
    world.at("2025-01-01 02:00")
    assert [len(batch) for batch in batches] == [1, 1]
    assert taken(gateway) == [1000, 1000]
