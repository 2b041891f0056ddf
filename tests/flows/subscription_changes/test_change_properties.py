"""Whatever is changed in a period, what is billed is the time that was used (issue 4, Proof)."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from billow.core import calendar
from tests.flows.conftest import Worlds
from tests.support.world import Customer, Subscription, World, moment

STORIES = settings(
    max_examples=12,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
BEGAN = moment("2025-01-31 09:30")
PRICES = (0, 7, 999, 1499, 35997)


@dataclass(frozen=True)
class Step:
    """After so many seconds the item has this price and quantity."""

    after: int
    price: int
    quantity: int
    behavior: str


steps = st.builds(
    Step,
    after=st.integers(0, 40 * 86400),
    price=st.sampled_from(range(len(PRICES))),
    quantity=st.integers(0, 9),
    behavior=st.sampled_from(["create_prorations", "always_invoice"]),
)


class Stage:
    """A customer with one licensed item, whose prices all belong to one world."""

    def __init__(self, world: World, quantity: int = 3) -> None:
        self.world = world
        world.at(BEGAN.strftime("%Y-%m-%d %H:%M"))
        self.now = BEGAN
        self.anna: Customer = world.customer("anna")
        self.prices = [world.plan(f"P{cents}", usd=cents / 100) for cents in PRICES]
        self.plan: Subscription = self.anna.subscribes_to({"price": self.prices[3], "quantity": quantity})
        self.item = self.plan.now["items"]["data"][0]["id"]

    def wait(self, seconds: int) -> None:
        """In steps that a test clock allows: no more than two intervals at once."""
        until = self.now + timedelta(seconds=seconds)
        while self.now < until:
            self.now = min(self.now + timedelta(days=25), until)
            self.world.at(self.now.strftime("%Y-%m-%d %H:%M:%S"))

    def change(self, step: Step) -> None:
        self.wait(step.after)
        change = {"id": self.item, "price": self.prices[step.price], "quantity": step.quantity}
        self.plan.update(items=[change], proration_behavior=step.behavior)

    def lines(self) -> list[int]:
        """All that was ever billed, on invoices or still waiting for one."""
        found = []
        for invoice in self.anna.invoices:
            page = self.world.get(f"/v1/invoices/{invoice.data['id']}/lines", limit=100)
            found += [line["amount"] for line in page["data"]]
        page = self.world.get("/v1/invoiceitems", customer=self.anna.id, pending=True, limit=100)
        return found + [item["amount"] for item in page["data"]]


def worth(stretches: list[tuple[datetime, datetime, int]]) -> Decimal:
    """The integral of price x quantity over time: each period by the share of it that was used."""
    total = Decimal(0)
    for start, end, amount in stretches:
        at = start
        while at < end:
            first, last = calendar.period_at(BEGAN, "month", 1, at)
            until = min(end, last)
            share = Decimal(int((until - at).total_seconds())) / int((last - first).total_seconds())
            total += amount * share
            at = until
    return total


@STORIES
@given(story=st.lists(steps, min_size=1, max_size=4), last=st.integers(0, 20 * 86400))
def test_what_is_billed_is_the_integral_of_price_and_quantity(
    worlds: Worlds, story: list[Step], last: int
) -> None:
    stage = Stage(worlds())
    stretches, since, amount = [], BEGAN, PRICES[3] * 3
    for step in story:
        stage.change(step)
        stretches.append((since, stage.now, amount))
        since, amount = stage.now, PRICES[step.price] * step.quantity
    stage.wait(last)
    stage.plan.cancels(prorate=True)
    stretches.append((since, stage.now, amount))
    lines = stage.lines()
    assert abs(sum(lines) - worth(stretches)) <= Decimal(len(lines)) / 2


@STORIES
@given(first=steps, second=steps)
def test_there_and_back_in_one_instant_nets_zero(worlds: Worlds, first: Step, second: Step) -> None:
    stage = Stage(worlds())
    stage.change(first)
    before = sum(stage.lines())
    there = Step(0, second.price, second.quantity, second.behavior)
    back = Step(0, first.price, first.quantity, second.behavior)
    stage.change(there)
    stage.change(back)
    assert sum(stage.lines()) == before


@STORIES
@given(quantity=st.integers(1, 9))
def test_canceled_in_the_instant_of_creation_nothing_is_owed(worlds: Worlds, quantity: int) -> None:
    stage = Stage(worlds(), quantity)
    stage.plan.cancels(prorate=True)
    assert sum(stage.lines()) == 0


@STORIES
@given(story=st.lists(steps, max_size=2), last=steps)
def test_a_preview_is_what_is_then_billed(worlds: Worlds, story: list[Step], last: Step) -> None:
    stage = Stage(worlds())
    for step in story:
        stage.change(step)
    stage.wait(last.after)
    item = {"id": stage.item, "price": stage.prices[last.price], "quantity": last.quantity}
    details: dict[str, Any] = {"items": [item], "proration_behavior": last.behavior}
    shown = stage.world.post(
        "/v1/invoices/create_preview", subscription=stage.plan.id, subscription_details=details
    )
    count = len(stage.anna.invoices)
    stage.plan.update(**details)
    if len(stage.anna.invoices) == count:
        due = datetime.fromtimestamp(stage.plan.now["items"]["data"][0]["current_period_end"], UTC)
        stage.wait(int((due - stage.now).total_seconds()) + 3600)
    assert stage.anna.last_invoice.data["total"] == shown["total"]
    page = stage.world.get(f"/v1/invoices/{stage.anna.last_invoice.data['id']}/lines", limit=100)
    assert [line["amount"] for line in page["data"]] == [line["amount"] for line in shown["lines"]["data"]]


@STORIES
@given(step=steps, cut=st.integers(0, 40 * 86400))
def test_time_in_two_steps_is_time_in_one(worlds: Worlds, step: Step, cut: int) -> None:
    found = []
    for pieces in ([step.after], sorted({min(cut, step.after), step.after})):
        stage, waited = Stage(worlds()), 0
        for piece in pieces:
            stage.wait(piece - waited)
            waited = piece
        stage.change(Step(0, step.price, step.quantity, step.behavior))
        stage.wait(35 * 86400)
        found.append([invoice.text() for invoice in stage.anna.invoices])
    assert found[0] == found[1]


@STORIES
@given(
    numbers=st.lists(st.integers(0, 9), min_size=3, max_size=3),
    order=st.permutations([0, 1, 2]),
    at=st.integers(1, 27 * 86400),
)
def test_the_order_of_independent_items_changes_nothing(
    worlds: Worlds, numbers: list[int], order: list[int], at: int
) -> None:
    totals = []
    for places in ([0, 1, 2], order):
        world = worlds()
        world.at(BEGAN.strftime("%Y-%m-%d %H:%M"))
        anna = world.customer("anna")
        prices = [world.plan(f"P{cents}", usd=cents / 100) for cents in PRICES[1:4]]
        plan = anna.subscribes_to(*({"price": price, "quantity": 2} for price in prices))
        world.at((BEGAN + timedelta(seconds=at)).strftime("%Y-%m-%d %H:%M:%S"))
        items = {item["price"]["id"]: item["id"] for item in plan.now["items"]["data"]}
        changes = [{"id": items[prices[place]], "quantity": numbers[place]} for place in places]
        plan.update(items=changes, proration_behavior="always_invoice")
        page = world.get(f"/v1/invoices/{anna.last_invoice.data['id']}/lines", limit=100)
        totals.append(sorted((line["description"], line["amount"]) for line in page["data"]))
    assert totals[0] == totals[1]


@settings(parent=STORIES, max_examples=6)
@given(
    many=st.tuples(st.integers(1, 9), st.integers(1, 9)),
    cents=st.tuples(st.sampled_from(PRICES), st.sampled_from(PRICES)),
    every=st.sampled_from(["month", "week", "year"]),
    at=st.integers(1, 27 * 86400),
    percent=st.sampled_from([None, 15, 100]),
)
def test_in_classic_an_item_in_place_of_another_bills_what_its_change_bills(
    worlds: Worlds, many: tuple[int, int], cents: tuple[int, int], every: str, at: int, percent: int | None
) -> None:
    """§5.8.4, §5.8.5: what Laravel Cashier's `swap` sends is the change of interval that it means."""
    found = []
    for by_id in (True, False):
        world = worlds()
        world.at(BEGAN.strftime("%Y-%m-%d %H:%M"))
        anna = world.customer("anna")
        old, new = world.plan("Old", usd=cents[0] / 100), world.plan("New", every=every, usd=cents[1] / 100)
        off = [{"coupon": world.coupon(percent_off=percent, duration="forever")}] if percent else None
        plan = anna.subscribes_to(
            {"price": old, "quantity": many[0]}, billing_mode={"type": "classic"}, discounts=off
        )
        world.at((BEGAN + timedelta(seconds=at)).strftime("%Y-%m-%d %H:%M:%S"))
        item, after = plan.now["items"]["data"][0]["id"], {"price": new, "quantity": many[1]}
        plan.update(items=[{"id": item, **after}] if by_id else [{"id": item, "deleted": True}, after])
        waiting = world.get("/v1/invoiceitems", customer=anna.id, pending=True)["data"]
        found.append(
            (
                [
                    (one.text(), one.data["total_discount_amounts"] == [], one.data["total"])
                    for one in anna.invoices
                ],
                [one["amount"] for one in waiting],
                plan.period,
                plan.now["billing_cycle_anchor"],
            )
        )
    assert found[0] == found[1]
    restarted = every != "month" or (cents[0] == 0 and cents[1] > 0)
    assert (found[0][3] != int(BEGAN.timestamp())) == restarted
