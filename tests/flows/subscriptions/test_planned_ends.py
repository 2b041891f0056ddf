"""What if the end of a subscription is agreed when it begins (§5.12)?"""

from typing import Any

import pytest

from tests.support.world import World, day, moment


def stamp(text: str) -> int:
    return int(moment(text).timestamp())


def totals(customer: Any) -> list[int]:
    return [invoice.data["total"] for invoice in customer.invoices]


def test_an_end_within_the_first_period_cuts_it_and_its_price(world: World) -> None:
    world.at("2025-01-01")
    anna = world.customer("anna")
    made = anna.subscribes_to(world.plan("Pro", usd=31), cancel_at=stamp("2025-01-11"))
    assert totals(anna) == [1000]
    assert made.period == ("2025-01-01", "2025-01-11")
    assert made.now["canceled_at"] == stamp("2025-01-01")
    world.at("2025-01-11 02:00")
    assert made.now["ended_at"] == stamp("2025-01-11")
    assert totals(anna) == [1000]


def test_without_proration_a_cut_period_costs_its_full_price(world: World) -> None:
    world.at("2025-01-01")
    anna = world.customer("anna")
    anna.subscribes_to(world.plan("Pro", usd=31), cancel_at=stamp("2025-01-11"), proration_behavior="none")
    assert totals(anna) == [3100]


def test_an_end_in_a_later_period_cuts_that_one_when_it_comes(world: World) -> None:
    world.at("2025-01-01")
    anna = world.customer("anna")
    made = anna.subscribes_to(world.plan("Pro", usd=31), cancel_at=stamp("2025-03-11"))
    for when in ("2025-02-01 02:00", "2025-03-01 02:00"):
        world.at(when)
    assert totals(anna) == [3100, 3100, 1000]
    assert made.period == ("2025-03-01", "2025-03-11")
    world.at("2025-03-11 02:00")
    assert made.status == "canceled"
    assert totals(anna) == [3100, 3100, 1000]


@pytest.mark.parametrize(
    ("named", "end"),
    [
        ({"cancel_at": "min_period_end"}, "2025-02-01"),
        ({"cancel_at": "max_period_end"}, "2026-01-01"),
        ({"cancel_at": "max_billed_until"}, "2026-01-01"),
        ({"cancel_at_period_end": True}, "2025-02-01"),
    ],
)
def test_named_ends_are_resolved_at_once(world: World, named: dict[str, Any], end: str) -> None:
    world.at("2025-01-01")
    anna = world.customer("anna")
    made = anna.subscribes_to(world.plan("A", usd=31), world.plan("B", every="year", usd=365), **named)
    assert day(made.now["cancel_at"]) == end
    assert totals(anna) == [3100 + (3100 if end == "2025-02-01" else 36500)]
