"""Whatever becomes of the transfer of a refund, and in which order: do the books say what the bank says?"""

import itertools
import os
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from billow.api import rows
from billow.core.errors import Refused
from billow.flows.bank import apply, cash_refunds
from billow.resources.customer import Customer
from tests.flows.bank.test_cash_applied import available
from tests.flows.bank.test_cash_refunds import read, refund
from tests.support.bank_statements import Booking
from tests.support.invariants import check_all
from tests.support.world import World

NUMBERS = itertools.count()


class Story:
    """A customer who has transferred 5.00 and 4.00 and is sent 7.00 of it back."""

    def __init__(self, bank: Any, world: World, iban: str | None = "DE89370400440532013000") -> None:
        self.bank, self.world, self.mark = bank, world, f"x{next(NUMBERS)}x"
        self.before, self.stated, self.by_hand = bank.balances(), 0, 0
        self.told: list[str] = []
        self.anna = bank.customer()
        for number, amount in enumerate((500, 400)):
            self.pays(amount, f"IN{number}", iban=iban)
        self.refund = refund(world, self.anna, 700)["id"]
        self.name = self.refund.replace("_", "-")

    def statement(self, amount: int, reference: str, **more: Any) -> None:
        reference += self.mark
        self.bank.statement(Booking(amount, reference, **more), id=f"S{next(NUMBERS)}")
        self.stated += amount

    def pays(self, amount: int, reference: str, **more: Any) -> None:
        """A transfer of the customer's, of which the queue says whose it is."""
        self.statement(amount, reference, text="in advance", **more)
        with self.bank.app.db.transaction(self.bank.tenant) as tx:
            entry = self.bank.entry(reference + self.mark)
            if entry.customer is None:
                apply.hold(tx, entry, rows.find(tx, Customer, self.anna))

    @property
    def status(self) -> str:
        return str(read(self.world, self.refund)["status"])

    def does(self, what: str) -> None:
        """Let one thing happen, which may be refused."""
        self.told.append(what)
        match what:
            case "out" | "out again":
                self.statement(-700, what, end_to_end=self.name)
                self.by_hand = 0
            case "comes back" | "comes back again":
                self.statement(700, what, end_to_end=self.name, iban="DE75512108001245126199")
            case "out reversed":
                self.statement(700, "out", reversal=True, end_to_end=self.name)
            case "come back reversed":
                waiting = [one for one in self.bank.entries("queued") if not one.reversal]
                if all(one.end_to_end != self.name for one in waiting):
                    self.by_hand = 0  # it says that the transfer is out again
                self.statement(-700, "comes back", reversal=True, end_to_end=self.name)
            case "first taken back" | "second taken back":
                first = what.startswith("first")
                self.statement(-500 if first else -400, "IN0" if first else "IN1", reversal=True)
            case "more comes in":
                self.pays(600, what)
            case _:
                self.says(what)

    def says(self, what: str) -> None:
        """Say by hand that the transfer was made, or cannot be."""
        verb = cash_refunds.mark_sent if what == "marked sent" else cash_refunds.mark_failed
        try:
            with self.bank.app.db.transaction(self.bank.tenant) as tx:
                verb(tx, self.refund)
        except Refused:
            return
        self.by_hand = 700 if what == "marked sent" else 0

    def check(self) -> None:
        """The bank is what its statements say and the rest is known; nothing is owed but what waits."""
        now = self.bank.balances()
        moved = {name: now.get(name, 0) - self.before.get(name, 0) for name in {*now, *self.before}}
        assert moved.get("bank", 0) == self.stated - self.by_hand, self.told
        assert moved.get("refunds_payable", 0) == (-700 if self.status == "pending" else 0), self.told
        assert sum(moved.values()) == 0
        assert set(name for name, amount in moved.items() if amount) <= {
            "bank",
            "refunds_payable",
            "unapplied_cash",
            "bad_debt",
        }


EVENTS = (
    "out", "out again", "comes back", "comes back again", "out reversed", "come back reversed", "marked sent",
    "marked failed", "first taken back", "second taken back", "more comes in",
)  # fmt: skip


@settings(
    max_examples=int(os.environ.get("BILLOW_EXAMPLES", "12")),
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(order=st.lists(st.sampled_from(EVENTS), unique=True, min_size=3))
def test_the_books_follow_the_bank_in_every_order(bank: Any, world: World, order: list[str]) -> None:
    story = Story(bank, world)
    for what in order:
        story.does(what)
        story.check()
    if story.status == "pending":
        story.does("marked failed")
        story.check()
    check_all(bank.app.db, bank.tenant)


def happened(bank: Any, world: World, *order: str) -> Story:
    story = Story(bank, world)
    for what in order:
        story.does(what)
        story.check()
    check_all(bank.app.db, bank.tenant)
    return story


def test_a_transfer_that_was_said_to_have_failed_has_left_after_all(bank, world):
    story = happened(bank, world, "marked failed")
    assert (story.status, available(world, story.anna)) == ("failed", {"eur": 900})
    story.does("out")
    done = read(world, story.refund)
    assert (done["status"], done["failure_reason"]) == ("succeeded", None)
    assert available(world, story.anna) == {"eur": 200}
    assert bank.balances() == {"bank": 200, "unapplied_cash": -200}
    story.does("out reversed")
    assert (story.status, available(world, story.anna)) == ("failed", {"eur": 900})
    story.check()
    check_all(bank.app.db, bank.tenant)


def test_what_the_customer_has_spent_meanwhile_is_lost_until_it_comes_back(bank, world):
    story = happened(bank, world, "marked failed", "second taken back")
    assert available(world, story.anna) == {"eur": 500}
    story.does("out")
    assert bank.balances() == {"bank": -200, "bad_debt": 200}
    story.does("comes back")
    assert bank.balances() == {"bank": 500, "unapplied_cash": -500}
    assert (story.status, available(world, story.anna)) == ("failed", {"eur": 500})
    story.check()
    check_all(bank.app.db, bank.tenant)


def test_a_loss_is_none_once_the_transfer_has_come_back(bank, world):
    story = happened(bank, world, "out", "first taken back")
    assert bank.balances() == {"bank": -300, "bad_debt": 500, "unapplied_cash": -200}
    story.does("comes back")
    assert bank.balances() == {"bank": 400, "unapplied_cash": -400}
    assert (story.status, available(world, story.anna)) == ("failed", {"eur": 400})
    check_all(bank.app.db, bank.tenant)


def test_a_transfer_that_was_made_twice_is_lost_once(bank, world):
    story = happened(bank, world, "out", "out again")
    assert bank.balances() == {"bank": -500, "bad_debt": 700, "unapplied_cash": -200}
    story.does("comes back")
    assert (story.status, bank.balances()) == ("succeeded", {"bank": 200, "unapplied_cash": -200})
    story.does("comes back again")
    assert (story.status, available(world, story.anna)) == ("failed", {"eur": 900})
    story.does("out reversed")
    [waits] = [one for one in bank.entries("queued") if one.amount == 700]
    assert waits.reason == "a refund that is not out, or is back already"
    story.check()


@pytest.mark.parametrize("ends", ["cancel", "expire"])
def test_a_transfer_of_a_refund_that_has_ended_is_booked(bank, world, ends):
    world.at("2026-01-01")
    story = Story(bank, world, iban=None)
    assert story.status == "requires_action"
    if ends == "cancel":
        world.post(f"/v1/refunds/{story.refund}/cancel")
    else:
        world.at("2026-02-16")
    assert story.status == "canceled"
    story.does("out")
    assert (story.status, available(world, story.anna)) == ("succeeded", {"eur": 200})
    story.check()
    check_all(bank.app.db, bank.tenant)
