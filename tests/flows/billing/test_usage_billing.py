"""Use is billed at the end of its period: sums, tiers, packages, what comes late (§4.6, X06 to X27)."""

import pytest

from billow import commands
from tests.support.world import Customer, Tiers, World

A: Tiers = [(5, "700"), (10, "650"), ("inf", "600")]
B: Tiers = [(5, "500", 1000), (10, "400", 2000), (15, "300", 3000), (20, "200", 4000), ("inf", "100", 5000)]
FREE_FIRST: Tiers = [(1, "1000"), ("inf", "100")]


def billed(world: World, used: list[tuple[float, str]], formula: str = "sum", **price: object) -> Customer:
    """A customer after a month of this use, each at its day of January, at one metered price."""
    world.at("2025-01-01")
    made = world.metered("Calls", world.meter("calls", formula), **price)  # type: ignore[arg-type]
    anna = world.customer("anna")
    anna.subscribes_to(made)
    assert anna.invoices == []
    world.at("2025-01-31")
    for value, at in used:
        anna.uses("calls", value, f"2025-01-{at}")
    world.at("2025-02-01 01:00")
    return anna


def lines(customer: Customer) -> list[int]:
    page = customer.world.get(f"/v1/invoices/{customer.last_invoice.data['id']}/lines", limit=100)
    return [line["amount"] for line in page["data"]]


@pytest.mark.parametrize(
    ("formula", "used", "units"),
    [
        ("sum", [("5", "03"), ("7.5", "04"), ("-2", "05")], "10.5"),
        ("count", [(100, "03"), (1, "04")], "2"),
        ("last", [(4, "03 01:00"), (9, "03 03:00"), (20, "03 02:00")], "9"),
        ("sum", [(2, "03"), (-5, "04")], "0"),
        ("sum", [], "0"),
    ],
)
def test_a_meter_says_what_its_events_add_up_to(
    world: World, formula: str, used: list[tuple[float, str]], units: str
) -> None:
    anna = billed(world, used, formula, cents="100")
    [line] = anna.last_invoice.data["lines"]["data"]
    assert line["quantity_decimal"] == units
    assert line["description"] == f"{units} × Calls (at $1.00 / month)"


@pytest.mark.parametrize(
    ("tiers", "mode", "quantity", "amounts"),
    [
        (A, "graduated", 1, [700]),
        (A, "graduated", 5, [3500]),
        (A, "graduated", 6, [3500, 650]),
        (A, "graduated", 20, [3500, 3250, 6000]),
        (A, "graduated", 25, [3500, 3250, 9000]),
        (A, "volume", 5, [3500]),
        (A, "volume", 6, [3900]),
        (A, "volume", 25, [15000]),
        (B, "volume", 12, [6600]),
        (B, "graduated", 12, [3500, 4000, 3600]),
        (B, "graduated", 0, [1000]),
        (B, "volume", 0, [1000]),
        (B, "graduated", 5, [3500]),
        (FREE_FIRST, "graduated", 0, [0]),
    ],
)
def test_tiers_are_billed_as_the_published_examples_say(
    world: World, tiers: Tiers, mode: str, quantity: int, amounts: list[int]
) -> None:
    anna = billed(world, [(quantity, "10")], tiers=tiers, mode=mode)
    assert lines(anna) == amounts
    assert anna.last_invoice.data["total"] == sum(amounts)


@pytest.mark.parametrize(
    ("round", "used", "amount"), [("up", 3000, 120), ("up", 25, 4), ("down", 199, 4), ("down", 99, 0)]
)
def test_packages_are_billed_whole(world: World, round: str, used: int, amount: int) -> None:
    assert lines(billed(world, [(used, "10")], cents="4", per=100, round=round)) == [amount]


@pytest.mark.parametrize(
    ("cents", "used", "amount"),
    [("12.345", 5, 62), ("0.5", 1, 1), ("0.5", 3, 2), ("0.5", 7, 4), ("0.000123", 1234567, 152)],
)
def test_parts_of_a_cent_are_rounded_once_for_the_line(
    world: World, cents: str, used: int, amount: int
) -> None:
    assert lines(billed(world, [(used, "10")], cents=cents)) == [amount]


def test_a_licence_is_paid_before_and_usage_after(world: World) -> None:
    world.at("2025-01-01")
    calls = world.metered("Calls", world.meter("calls"), tiers=[(1000, "0"), ("inf", "4")])
    licence = world.plan("Licence", usd=100)
    anna = world.customer("anna")
    anna.subscribes_to(licence, calls)
    assert anna.last_invoice.data["total"] == 10000
    world.at("2025-01-20")
    anna.uses("calls", 3000, "2025-01-19")
    world.at("2025-02-01 01:00")
    anna.last_invoice.reads("""
        1 × Licence (at $100.00 / month)           100.00
        1000 × Calls (Tier 1 at $0.00 / month)     0.00
        2000 × Calls (Tier 2 at $0.04 / month)     80.00
        Total 180.00                               paid""")


def test_usage_belongs_to_the_period_of_its_own_time(world: World) -> None:
    world.at("2025-01-01")
    anna = world.customer("anna")
    anna.subscribes_to(world.metered("Calls", world.meter("calls"), cents="100"))
    world.at("2025-02-01 00:00:01")
    anna.uses("calls", 1, "2025-01-31 23:59:59")
    anna.uses("calls", 2, "2025-02-01")
    world.at("2025-02-01 01:00")
    assert anna.last_invoice.data["total"] == 100
    world.at("2025-03-01 01:00")
    assert anna.last_invoice.data["total"] == 200


def test_late_usage_counts_while_the_draft_stands_and_never_after(world: World) -> None:
    world.at("2025-01-01")
    anna = world.customer("anna")
    anna.subscribes_to(world.plan("Base", usd=10), world.metered("Calls", world.meter("calls"), tiers=A))
    world.at("2025-01-20")
    anna.uses("calls", 5, "2025-01-19")
    world.at("2025-02-01 00:30")
    assert anna.last_invoice.data["total"] == 1000 + 3500
    anna.uses("calls", 1, "2025-01-31")
    world.at("2025-02-01 01:00")
    anna.last_invoice.reads("""
        1 × Base (at $10.00 / month)            10.00
        5 × Calls (Tier 1 at $7.00 / month)     35.00
        1 × Calls (Tier 2 at $6.50 / month)     6.50
        Total 51.50                             paid""")
    anna.uses("calls", 100, "2025-01-31")
    world.at("2025-03-01 01:00")
    assert anna.invoices[1].data["total"] == 5150
    assert anna.last_invoice.data["total"] == 1000


def test_of_running_totals_in_a_window_the_last_one_is_billed(world: World) -> None:
    """A period ends within an hour: what the last event of that hour reports is billed with the next."""
    world.at("2025-01-01 12:30")
    anna = world.customer("anna")
    meter = world.meter("calls", event_time_window="hour")
    anna.uses("calls", 3, "2025-01-01 12:10")
    anna.subscribes_to(world.metered("Calls", meter, cents="100", every="day"))
    world.at("2025-01-01 14:00")
    for value, when in [(10, "12:40"), (25, "12:59"), (5, "13:10"), (8, "13:20"), (7, "13:05")]:
        anna.uses("calls", value, f"2025-01-01 {when}")
    world.at("2025-01-02 12:29")
    anna.uses("calls", 100, "2025-01-02 12:20")
    world.at("2025-01-02 12:45")
    assert anna.last_invoice.data["total"] == 100 * (25 + 7 + 100)
    anna.uses("calls", 140, "2025-01-02 12:44")
    world.at("2025-01-02 13:30")
    assert anna.last_invoice.data["total"] == 100 * (25 + 7)
    said = commands.explain(world.api.app, anna.last_invoice.data["id"])
    assert "    usage      32, the sum of calls (the last event of each hour)" in said
    world.at("2025-01-03 13:30")
    assert anna.last_invoice.data["total"] == 100 * 140


@pytest.mark.parametrize(("formula", "units"), [("sum", 30 + 5), ("count", 2), ("last", 5)])
def test_of_running_totals_of_a_day_the_last_one_is_billed(world: World, formula: str, units: int) -> None:
    world.at("2025-01-01")
    anna = world.customer("anna")
    meter = world.meter("calls", formula, event_time_window="day")
    anna.subscribes_to(world.metered("Calls", meter, cents="100"))
    world.at("2025-01-31")
    for value, when in [(10, "03 01:00"), (5, "04 00:00"), (20, "03 23:59:59"), (30, "03 12:00")]:
        anna.uses("calls", value, f"2025-01-{when}")
    world.at("2025-02-01 01:00")
    assert anna.last_invoice.data["total"] == 100 * units


def test_what_was_used_before_the_subscription_began_is_not_billed(world: World) -> None:
    world.at("2025-01-10 12:30")
    anna = world.customer("anna")
    meter = world.meter("calls")
    anna.uses("calls", 100, "2025-01-10 12:29:59")
    anna.subscribes_to(world.metered("Calls", meter, cents="100"))
    anna.uses("calls", 1, "2025-01-10 12:30")
    world.at("2025-02-10 13:30")
    assert anna.last_invoice.data["total"] == 100


def test_the_same_identifier_counts_once(world: World) -> None:
    world.at("2025-01-01")
    anna = world.customer("anna")
    anna.subscribes_to(world.metered("Calls", world.meter("calls"), cents="100"))
    world.at("2025-01-02")
    anna.uses("calls", 1, "2025-01-01 10:00", identifier="req-1")
    error = world.refused(
        "/v1/billing/meter_events",
        event_name="calls",
        identifier="req-1",
        payload={"stripe_customer_id": anna.id, "value": 1},
    )
    assert error["status"] == 400
    world.at("2025-02-01 01:00")
    assert anna.last_invoice.data["total"] == 100
