"""Usage is explored by time, customer and dimension, and each event says what became of it."""

import csv
import io
from collections.abc import Callable
from typing import Any

import pytest

from billow.api import rows
from billow.app import App
from billow.flows.usage import daily_usage, explored
from billow.flows.usage.explored import Asked
from billow.resources.meter import Meter
from billow.store.tx import Tx
from tests.dashboard.conftest import Person
from tests.support.world import World, moment


@pytest.fixture
def used(world: World) -> dict[str, Any]:
    """Usage of two customers in January and February, with one event that was taken back."""
    world.at("2026-02-10")
    meter = world.meter("bytes")
    anna, bert = world.customer("anna"), world.customer("bert")
    for customer, value, when, region in (
        (anna, 10, "2026-01-20 10:10", "eu"),
        (anna, 5, "2026-02-01 10:20", "us"),
        (anna, 2, "2026-02-01 11:30", "eu"),
        (bert, 30, "2026-02-01 12:00", "eu"),
    ):
        world.post(
            "/v1/billing/meter_events",
            event_name="bytes",
            timestamp=int(moment(when).timestamp()),
            identifier=f"{customer.name} {when}",
            payload={"stripe_customer_id": customer.id, "value": value, "region": region},
        )
    world.post(
        "/v1/billing/meter_event_adjustments",
        event_name="bytes",
        type="cancel",
        cancel={"identifier": "anna 2026-02-01 11:30"},
    )
    return {"meter": meter, "anna": anna.id, "bert": bert.id}


def exported(person: Person, meter: str, **query: str) -> dict[tuple[str, ...], str]:
    answer = person.opens(f"/meters/{meter}/usage.csv", **query)
    lines = list(csv.reader(io.StringIO(answer.text)))[1:]
    return {(line[0][:16], *line[2:-1]): line[-1] for line in lines if line[-1] != "0"}


def test_usage_is_shown_by_time_customer_and_dimension(owner: Person, used: dict[str, Any]) -> None:
    meter, span = used["meter"], {"from": "2026-01-01", "until": "2026-02-28"}
    said = owner.reads(f"/meters/{meter}", **span)
    assert "Usage : 45" in said and "anna" in said and "bert" in said
    assert exported(owner, meter, **span) == {("2026-01-20T00:00",): "10", ("2026-02-01T00:00",): "35"}
    months = exported(owner, meter, **span, size="month")
    assert months == {("2026-01-01T00:00",): "10", ("2026-02-01T00:00",): "35"}
    hours = exported(owner, meter, size="hour", **{"from": "2026-02-01", "until": "2026-02-01"})
    assert hours == {("2026-02-01T10:00",): "5", ("2026-02-01T12:00",): "30"}
    assert exported(owner, meter, **span, by="customer") == {
        ("2026-01-20T00:00", "anna"): "10",
        ("2026-02-01T00:00", "anna"): "5",
        ("2026-02-01T00:00", "bert"): "30",
    }
    assert exported(owner, meter, **span, customer=used["anna"], by="region") == {
        ("2026-01-20T00:00", "eu"): "10",
        ("2026-02-01T00:00", "us"): "5",
    }
    assert exported(owner, meter, **span, customer="bert@example.com") == {("2026-02-01T00:00",): "30"}


def test_only_the_five_largest_values_of_a_dimension_leave_the_database(
    app: App, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.at("2026-02-10")
    meter, anna = world.meter("bytes"), world.customer("anna")
    used = (("a", 1), ("b", 7), ("c", 7), ("d", 5), ("e", 4), ("f", 3), ("g", 2), ("a", 1), (None, 9))
    for number, (region, value) in enumerate(used):
        payload = {"stripe_customer_id": anna.id, "value": value, **({"region": region} if region else {})}
        at = int(moment(f"2026-02-0{1 + number % 2} 10:00").timestamp())
        world.post(
            "/v1/billing/meter_events",
            event_name="bytes",
            timestamp=at,
            identifier=str(number),
            payload=payload,
        )
    read: list[int] = []
    tuples = Tx.tuples
    monkeypatch.setattr(
        Tx, "tuples", lambda *args, **params: read.append(len(got := tuples(*args, **params))) or got
    )
    with app.db.snapshot(world.api.tenant) as tx:
        start, until = moment("2026-02-01"), moment("2026-02-03")
        asked = Asked(rows.find(tx, Meter, meter), start, until, "day", anna.id)
        read.clear()
        found = explored.by_dimension(tx, asked, explored.starts_of(start, until, "day"), "region")
    shown = [(name, [int(value) for value in values]) for name, values in found.series]
    assert shown == [
        ("b", [0, 7]),
        ("c", [7, 0]),
        ("d", [0, 5]),
        ("e", [4, 0]),
        ("f", [0, 3]),
        (None, [1 + 2 + 9, 1]),
    ]
    assert read == [5, 7]  # of the second, a row for each value and one for the rest, in each step
    with app.db.snapshot(world.api.tenant) as tx:
        one = rows.find(tx, Meter, meter)
        read.clear()
        daily = daily_usage.by_dimension(tx, one, anna.id, (start, until), "region")
    assert [(name, [int(value) for value in values]) for name, values in daily.series] == shown
    assert read == [5, 7]  # the portal's chart reads no more than that either


def test_each_event_says_what_became_of_it(owner: Person, used: dict[str, Any]) -> None:
    said = owner.reads(f"/meters/{used['meter']}")  # the latest thirty days with usage
    assert "anna 2026-02-01 11:30 region eu anna 2" in said.replace(",", "")
    assert "Canceled" in said and said.count("Counted") == 3
    only = owner.reads(f"/meters/{used['meter']}", customer=used["bert"])
    assert "bert 2026-02-01" in only and "anna 2026-02-01" not in only


def test_of_a_time_window_the_last_event_counts(world: World, owner: Person) -> None:
    world.at("2026-02-10")
    meter, anna = world.meter("seats", "sum", event_time_window="day"), world.customer("anna")
    for value, when in ((7, "2026-02-01 08:00"), (9, "2026-02-01 20:00")):
        anna.uses("seats", value, when)
    said = owner.reads(f"/meters/{meter}", **{"from": "2026-02-01", "until": "2026-02-02"})
    assert "Usage : 9" in said and said.count("Replaced") == 1 and said.count("Counted") == 1


@pytest.mark.parametrize(
    ("query", "problem"),
    [
        ({"from": "soon"}, "A day is written as"),
        ({"from": "2026-03-01", "until": "2026-02-01"}, "The first day is not after"),
        ({"customer": "nobody@example.com"}, "There is no customer"),
        ({"size": "second"}, "by hours, days or months"),
    ],
)
def test_what_cannot_be_shown_is_said(
    owner: Person, used: dict[str, Any], query: dict[str, str], problem: str
) -> None:
    answer = owner.opens(f"/meters/{used['meter']}", **query)
    assert answer.status_code == 422 and problem in answer.text


def test_a_meter_is_made_renamed_and_deactivated(
    world: World, owner: Person, hire: Callable[..., Person]
) -> None:
    form = {"display_name": "Calls", "event_name": "calls", "formula": "count", "window": ""}
    keys = {"customer_key": "stripe_customer_id", "value_key": "value"}
    assert owner.sends("/meters/new", **form, **keys).status_code == 303
    [made] = world.get("/v1/billing/meters")["data"]
    assert (made["event_name"], made["default_aggregation"]) == ("calls", {"formula": "count"})
    again = owner.sends("/meters/new", **form, **keys)
    assert again.status_code == 422 and "already an active meter" in again.text
    path = f"/meters/{made['id']}"
    assert "Nothing was used in this time." in owner.reads(path)
    assert owner.sends(path, act="rename", display_name="API calls").status_code == 303
    assert owner.sends(path, act="deactivate").status_code == 303
    assert owner.sends(path, act="deactivate").status_code == 422
    changed = world.get(f"/v1/billing/meters/{made['id']}")
    assert (changed["display_name"], changed["status"]) == ("API calls", "inactive")
    assert "API calls" in owner.reads("/meters", tab="inactive")
    assert hire("support").sends(path, token="x", act="reactivate").status_code == 403
    assert owner.sends(path, act="melt").status_code == 422
