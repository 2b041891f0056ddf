"""Years on a test clock, in one call or step by step: each period ends where a calendar says (F11, F36).

BILLOW_YEARS sets how many. All intervals for ten years, without the API: tests/core/test_calendar_oracle.py.
"""

import os
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from billow.app import App
from billow.flows.platform import test_clocks
from tests.flows.conftest import Worlds
from tests.flows.subscriptions.test_same_result import ID, outcome
from tests.support.world import SETUP_EVENTS, Customer, World, moment

YEARS = int(os.environ.get("BILLOW_YEARS", "3"))
ANCHORED = int(os.environ.get("BILLOW_YEARS", "1"))
FURTHER = datetime(2100, 1, 1, tzinfo=UTC)


@pytest.fixture(autouse=True)
def unbounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lift the limit of an advance, two intervals of the shortest subscription."""
    monkeypatch.setattr(test_clocks, "limit", lambda tx, clock: FURTHER)


def happened(world: World, people: Sequence[Customer]) -> list[tuple[str, str, int]]:
    """List each event with its object and its time, without what is random."""
    names = {person.id: person.name for person in people}
    found: list[tuple[str, str, int]] = []
    page: dict[str, Any] = {"has_more": True}
    after: dict[str, str] = {}
    while page["has_more"]:
        page = world.get("/v1/events", limit=100, **after)
        for event in page["data"]:
            thing = event["data"]["object"]
            whose = thing.get("customer") or thing["id"]
            found.append((event["type"], names.get(whose, ID.sub(r"\1", whose)), event["created"]))
        after = {"starting_after": page["data"][-1]["id"]}
    return sorted(one for one in found if not one[0].startswith(SETUP_EVENTS))


def lived(world: World, steps: Sequence[str]) -> list[Customer]:
    """Bill a licence from the 31st, metered usage, a yearly plan from leap day and one that is not paid."""
    world.at("2024-01-31 10:00")
    pro, year = world.plan("Pro", usd=20), world.plan("Year", every="year", usd=200)
    calls = world.metered("Calls", world.meter("calls"), tiers=[(10, "100"), ("inf", "50")], every="year")
    anna, ben, cleo = (world.customer(name) for name in ("anna", "ben", "cleo"))
    anna.subscribes_to(pro)
    world.at("2024-02-29 12:00")
    ben.subscribes_to(year, calls)
    cleo.subscribes_to(world.plan("Quarter", count=3, usd=50))
    world.at("2024-03-20")
    ben.uses("calls", "12.5", "2024-03-19")
    cleo.pays_with("declining")
    for step in steps:
        world.at(step)
    return [anna, ben, cleo]


def test_three_years_in_one_call_are_three_years_step_by_step(app: App, worlds: Worlds) -> None:
    end = moment("2024-03-20") + timedelta(days=365 * YEARS)
    results = []
    for days in (365 * YEARS, 97):
        world = worlds()
        stops = [moment("2024-03-20") + timedelta(days=days * n) for n in range(1, 365 * YEARS // days + 1)]
        people = lived(world, [f"{stop:%Y-%m-%d}" for stop in sorted({*stops, end})])
        results.append((outcome(app, world, people), happened(world, people)))
    assert results[0][0] == results[1][0], "the same invoices and the same books"
    assert results[0][1] == results[1][1], "the same events at the same instants"
    assert len(results[0][0][0]) > 12 * YEARS


def month_after(anchor: datetime, count: int) -> datetime:
    """Return the anchor's day so many months later, or the last day of the month; counted day by day."""
    year, month = divmod(anchor.year * 12 + anchor.month - 1 + count, 12)
    first = datetime(year, month + 1, 1, anchor.hour, anchor.minute, tzinfo=UTC)
    found = first
    while found.day < anchor.day and (found + timedelta(days=1)).month == first.month:
        found += timedelta(days=1)
    return found


def test_periods_from_the_28th_to_the_31st_end_where_the_calendar_says(world: World) -> None:
    """F11: monthly from each of the four days, through a leap year; 10 years with BILLOW_YEARS=10."""
    subscribed = {}
    for day in (28, 29, 30, 31):
        world.at(f"2023-12-{day} 09:30")
        anna = world.customer(f"c{day}")
        anna.subscribes_to(world.plan("Pro", usd=20))
        subscribed[moment(f"2023-12-{day} 09:30")] = anna
    world.at(f"{2023 + ANCHORED}-12-30")
    for anchor, anna in subscribed.items():
        periods = []
        page: dict[str, Any] = {"has_more": True}
        after: dict[str, str] = {}
        while page["has_more"]:
            page = world.get("/v1/invoices", customer=anna.id, limit=100, **after)
            after = {"starting_after": page["data"][-1]["id"]}
            periods += [invoice["lines"]["data"][0]["period"] for invoice in page["data"]]
        ends = [int(month_after(anchor, count).timestamp()) for count in range(len(periods) + 1)]
        expected = [{"start": ends[count], "end": ends[count + 1]} for count in range(len(periods))]
        assert periods[::-1] == expected, anchor
        assert len(periods) >= 12 * ANCHORED
