"""In which order events come, and how late: the same sums and invoices, and a place for each (F08, F09)."""

import os
import random
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from billow.app import App
from billow.ledger.balances import trial_balance
from tests.flows.conftest import Worlds
from tests.support.world import Customer, World, moment, seconds

SEEDS = int(os.environ.get("BILLOW_PERMUTATIONS", "12"))
INVOICED = int(os.environ.get("BILLOW_INVOICED_PERMUTATIONS", "2"))
FORMULAS = ("sum", "count", "last")


def events(customer: Customer) -> list[dict[str, Any]]:
    """Use of a month: fractions and corrections, each at an instant of its own."""
    chance = random.Random(7)
    start = moment("2025-01-01")
    made = []
    for _ in range(60):
        at = start + timedelta(seconds=chance.randrange(30 * 86400))
        made.append((at, f"{chance.randrange(-50, 900)}.{chance.randrange(10**12):012}"))
    return [
        {
            "event_name": formula,
            "identifier": f"{customer.id} {formula} {place}",
            "timestamp": int(at.timestamp()),
            "payload": {"stripe_customer_id": customer.id, "value": value},
        }
        for formula in FORMULAS
        for place, (at, value) in enumerate(made)
    ]


def sent(world: World, wanted: list[dict[str, Any]], seed: int) -> None:
    """Send events in an order of this seed, in a few batches of different sizes."""
    chance = random.Random(seed)
    shuffled = chance.sample(wanted, len(wanted))
    while shuffled:
        size = chance.randrange(1, 120)
        batch, shuffled = shuffled[:size], shuffled[size:]
        answer = world.api.ask("POST", "/v1/billing/meter_events/bulk", json=batch)
        assert (answer.status, answer["accepted"]) == (200, len(batch)), answer


def summaries(world: World, customer: Customer, meters: dict[str, str]) -> list[Any]:
    span = {"start_time": seconds("2025-01-01"), "end_time": seconds("2025-02-01")}
    found: list[Any] = []
    for meter in meters.values():
        for window in ({}, {"value_grouping_window": "day"}):
            page = world.get(
                f"/v1/billing/meters/{meter}/event_summaries",
                customer=customer.id,
                limit=100,
                **span,
                **window,
            )
            found.append([(one["start_time"], one["aggregated_value"]) for one in page["data"]])
    return found


def test_the_order_in_which_events_come_changes_no_sum(world: World) -> None:
    """F08: as many permutations as BILLOW_PERMUTATIONS (100 by hand), each of another customer."""
    world.at("2025-01-01")
    meters = {formula: world.meter(formula, formula) for formula in FORMULAS}
    world.at("2025-01-31 12:00")
    expected: list[Any] = []
    for seed in range(SEEDS):
        customer = world.customer(f"c{seed}", card=None)
        sent(world, events(customer), seed)
        found = summaries(world, customer, meters)
        expected = expected or found
        assert found == expected, f"seed {seed}"


def paper(world: World, customer: Customer) -> list[Any]:
    """All that an invoice says, but for what is random and whose it is."""
    data = customer.last_invoice.data
    page = world.get(f"/v1/invoices/{data['id']}/lines", limit=100)
    lines = [
        {name: line[name] for name in ("amount", "description", "period", "quantity_decimal", "taxes")}
        for line in page["data"]
    ]
    return [data["total"], data["status"], data["period_start"], data["period_end"], lines]


def test_the_order_in_which_events_come_changes_no_invoice(world: World) -> None:
    """As many customers as BILLOW_INVOICED_PERMUTATIONS, besides the one whose events came in order."""
    world.at("2025-01-01")
    tiers = [(100, "10"), (1000, "7.5"), ("inf", "0.123456789012")]
    prices = [
        world.metered(formula, world.meter(formula, formula), tiers=tiers, mode=mode)
        for formula, mode in zip(FORMULAS, ("graduated", "volume", "graduated"), strict=True)
    ]
    people = [world.customer(f"c{seed}") for seed in range(INVOICED + 1)]
    for customer in people:
        customer.subscribes_to(*prices)
    world.at("2025-01-31 12:00")
    for seed, customer in enumerate(people):
        wanted = events(customer)
        if seed:
            sent(world, wanted, seed)
        else:
            assert world.api.ask("POST", "/v1/billing/meter_events/bulk", json=wanted).status == 200
    world.at("2025-02-01 02:00")
    papers = [paper(world, customer) for customer in people]
    assert papers[0][0] > 0
    assert all(other == papers[0] for other in papers)


# ------------------------------------------------------------------------------------- late events


def books(app: App, world: World) -> dict[str, int]:
    """What the customers owe or owed, and what was earned of it, summed up."""
    with app.db.transaction(world.api.tenant) as tx:
        found: dict[str, int] = {}
        for one in trial_balance(tx, datetime(2030, 1, 1, tzinfo=UTC)):
            kind = one.account.split(":")[0]
            found[kind] = found.get(kind, 0) + one.balance
        return found


LATE = [
    ("before the period ends", "2025-01-31 23:00", "2025-01-20", 1),
    ("in the draft's hour", "2025-02-01 00:30", "2025-01-20", 1),
    ("in the draft's hour, of the new period", "2025-02-01 00:30", "2025-02-01 00:10", 2),
    ("after it is final", "2025-02-01 01:30", "2025-01-20", 0),
    ("long after it is final", "2025-02-20", "2025-01-20", 0),
]


@pytest.mark.parametrize(
    ("sent_at", "used_at", "place"), [case[1:] for case in LATE], ids=[c[0] for c in LATE]
)
def test_a_late_event_goes_where_it_is_said(
    app: App, worlds: Worlds, sent_at: str, used_at: str, place: int
) -> None:
    """F09: on the invoice of its period until that is final, and on none after it (docs/guide/usage.md).

    The books with it differ from the books without it by exactly what it costs.
    """
    found = []
    for value in (0, 700):
        world = worlds()
        world.at("2025-01-01")
        anna = world.customer("anna")
        anna.subscribes_to(world.metered("Calls", world.meter("calls"), cents="1"))
        world.at("2025-01-15")
        anna.uses("calls", 300, "2025-01-10")
        world.at(sent_at)
        if value:
            anna.uses("calls", value, used_at)
        world.at("2025-02-21")
        world.at("2025-03-01 02:00")
        first, second = (invoice.data["total"] for invoice in anna.invoices)
        found.append((first, second, books(app, world)))
    without, late = found
    assert without[:2] == (300, 0)
    assert late[:2] == (1000 if place == 1 else 300, 700 if place == 2 else 0)
    differences = {kind: late[2].get(kind, 0) - without[2].get(kind, 0) for kind in {*late[2], *without[2]}}
    worth = 700 if place else 0
    assert -differences["revenue"] == worth
    assert differences.get("receivable", 0) == 0
    assert sum(differences.values()) == 0
