"""However far and how often a subscription is billed in advance, is what is billed the time that was used?"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tests.flows.conftest import Worlds
from tests.flows.subscription_changes.test_change_properties import (
    BEGAN,
    PRICES,
    STORIES,
    Stage,
    Step,
    steps,
    worth,
)
from tests.support.world import day

LONGEST = timedelta(days=330)


@dataclass(frozen=True)
class Ahead:
    """After so many seconds all is billed until so much later, be that within a period or not."""

    after: int
    seconds: int
    behavior: str


aheads = st.builds(
    Ahead,
    after=st.integers(0, 20 * 86400),
    seconds=st.integers(0, int(LONGEST.total_seconds())),
    behavior=st.sampled_from(["create_prorations", "always_invoice"]),
)
stories = st.lists(st.one_of(steps, aheads), min_size=1, max_size=4)


def item_of(stage: Stage) -> dict[str, Any]:
    found: dict[str, Any] = stage.plan.now["items"]["data"][0]
    return found


def schedule(stage: Stage, step: Ahead) -> dict[str, Any]:
    """From the end of the period on, which it must reach at least."""
    end = int(item_of(stage)["current_period_end"])
    until = max(end, int((stage.now + timedelta(seconds=step.seconds)).timestamp()))
    bill_until = {"type": "timestamp", "timestamp": until}
    return {"billing_schedules": [{"bill_until": bill_until}], "proration_behavior": step.behavior}


def take(stage: Stage, step: Step | Ahead) -> None:
    if isinstance(step, Step):
        stage.change(step)
        return
    stage.wait(step.after)
    stage.plan.update(**schedule(stage, step))


@STORIES
@given(story=stories, last=st.integers(0, 20 * 86400))
def test_billed_in_advance_or_not_the_sum_is_the_integral_of_price_and_quantity(
    worlds: Worlds, story: list[Step | Ahead], last: int
) -> None:
    stage = Stage(worlds())
    take(stage, Ahead(0, 100 * 86400, "create_prorations"))
    stretches, since, amount = [], BEGAN, PRICES[3] * 3
    for step in story:
        take(stage, step)
        stretches.append((since, stage.now, amount))
        since = stage.now
        amount = PRICES[step.price] * step.quantity if isinstance(step, Step) else amount
    stage.wait(last)
    stage.plan.cancels(prorate=True)
    stretches.append((since, stage.now, amount))
    lines = stage.lines()
    assert abs(sum(lines) - worth(stretches)) <= Decimal(len(lines)) / 2


@STORIES
@given(story=stories, last=st.integers(0, 20 * 86400))
def test_ended_when_all_that_is_billed_is_used_nothing_is_owed(
    worlds: Worlds, story: list[Step | Ahead], last: int
) -> None:
    stage = Stage(worlds())
    take(stage, Ahead(0, 100 * 86400, "create_prorations"))
    for step in story:
        take(stage, step)
    stage.wait(last)
    before = sum(stage.lines())
    stage.plan.update(cancel_at="max_billed_until")
    assert sum(stage.lines()) == before
    end = datetime.fromtimestamp(stage.plan.now["cancel_at"], UTC)
    stage.wait(int((end - stage.now).total_seconds()) + 7200)
    assert (stage.plan.status, day(stage.plan.now["ended_at"])) == ("canceled", end.strftime("%Y-%m-%d"))
    assert sum(stage.lines()) == before


@STORIES
@given(story=st.lists(st.one_of(steps, aheads), max_size=2), last=st.one_of(steps, aheads))
def test_a_preview_of_what_is_billed_in_advance_is_what_is_then_billed(
    worlds: Worlds, story: list[Step | Ahead], last: Step | Ahead
) -> None:
    stage = Stage(worlds())
    take(stage, Ahead(0, 60 * 86400, "create_prorations"))
    for step in story:
        take(stage, step)
    stage.wait(last.after)
    details = (
        schedule(stage, last)
        if isinstance(last, Ahead)
        else {
            "items": [{"id": stage.item, "price": stage.prices[last.price], "quantity": last.quantity}],
            "proration_behavior": last.behavior,
        }
    )
    shown = stage.world.post(
        "/v1/invoices/create_preview", subscription=stage.plan.id, subscription_details=details
    )
    count = len(stage.anna.invoices)
    stage.plan.update(**details)
    while len(stage.anna.invoices) == count:
        due = datetime.fromtimestamp(item_of(stage)["current_period_end"], UTC)
        stage.wait(int((due - stage.now).total_seconds()) + 60)
    page = stage.world.get(f"/v1/invoices/{stage.anna.last_invoice.data['id']}/lines", limit=100)
    assert [line["amount"] for line in page["data"]] == [line["amount"] for line in shown["lines"]["data"]]
