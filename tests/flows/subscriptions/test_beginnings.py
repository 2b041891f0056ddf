"""How does a subscription begin at a time of its own: anchors, trials, planned ends (§5.5, §5.9, §5.10)?

Each test names the worked examples (§14) that it is.
"""

from typing import Any

import pytest

from tests.support.world import Invoice, World, day, moment


def stamp(text: str) -> int:
    return int(moment(text).timestamp())


def spans(invoice: Invoice) -> list[tuple[str, str]]:
    """For what time each line is."""
    page = invoice.world.get(f"/v1/invoices/{invoice.data['id']}/lines", limit=100)
    return [(day(line["period"]["start"]), day(line["period"]["end"])) for line in page["data"]]


def totals(customer: Any) -> list[int]:
    return [invoice.data["total"] for invoice in customer.invoices]


# ------------------------------------------------------------------------------------- anchors


def test_a_stub_costs_its_part_of_the_month_and_then_whole_months_follow(world: World) -> None:
    # X53
    world.at("2025-01-10")
    plan = world.plan("Pro", usd=31)
    anna = world.customer("anna")
    made = anna.subscribes_to(plan, billing_cycle_anchor=stamp("2025-02-01"))
    assert made.status == "active"
    anna.last_invoice.reads("""
        1 × Pro (at $31.00 / month)    22.00
        Total 22.00                    paid""")
    assert spans(anna.last_invoice) == [("2025-01-10", "2025-02-01")]
    world.at("2025-02-01 02:00")
    assert totals(anna) == [2200, 3100]
    assert made.period == ("2025-02-01", "2025-03-01")


def test_without_proration_the_stub_is_free(world: World) -> None:
    # X54
    world.at("2025-01-10")
    plan = world.plan("Pro", usd=31)
    anna = world.customer("anna")
    made = anna.subscribes_to(plan, billing_cycle_anchor=stamp("2025-02-01"), proration_behavior="none")
    assert (made.status, made.now["latest_invoice"]) == ("active", None)
    assert anna.invoices == []
    world.at("2025-02-01 02:00")
    assert totals(anna) == [3100]


def test_each_tier_of_a_stub_is_prorated_by_itself(world: World) -> None:
    world.at("2025-01-10")
    tiers = [{"up_to": 1, "unit_amount": 3100}, {"up_to": "inf", "unit_amount": 100}]
    data = {"interval": "month"}
    price = world.post(
        "/v1/prices",
        currency="usd",
        product_data={"name": "Seat"},
        recurring=data,
        tiers=tiers,
        billing_scheme="tiered",
        tiers_mode="graduated",
    )["id"]
    anna = world.customer("anna")
    item = {"price": price, "quantity": 3}
    anna.subscribes_to(item, billing_cycle_anchor=stamp("2025-02-01"))
    # 22/31 of 31.00, and of 2.00: 1.419…
    anna.last_invoice.reads("""
        1 × Seat (Tier 1 at $31.00 / month)   22.00
        2 × Seat (Tier 2 at $1.00 / month)    1.42
        Total 23.42                           paid""")


@pytest.mark.parametrize("year", [2025, 2028])
def test_the_31st_is_the_last_day_of_shorter_months(world: World, year: int) -> None:
    # X63
    world.at(f"{year}-01-31")
    made = world.customer("anna").subscribes_to(world.plan("Pro", usd=10))
    ends = [made.period[1]]
    while len(ends) < 3:
        world.at(f"{ends[-1]} 02:00")
        ends.append(made.period[1])
    assert ends == [f"{year}-02-{29 if year == 2028 else 28}", f"{year}-03-31", f"{year}-04-30"]


@pytest.mark.parametrize(
    ("every", "begun", "renewed"),
    [
        ("month", "2025-09-02", ["2025-10-02", "2025-11-02", "2025-12-02"]),  # X64
        ("week", "2022-06-03", ["2022-06-10", "2022-06-17", "2022-06-24"]),  # X65: a Friday, and Fridays
        ("year", "2024-02-29", ["2025-02-28", "2026-02-28", "2027-02-28", "2028-02-29"]),  # X66
    ],
)
def test_periods_follow_the_day_of_creation(world: World, every: str, begun: str, renewed: list[str]) -> None:
    world.at(begun)
    made = world.customer("anna").subscribes_to(world.plan("Pro", every=every, usd=10))
    found = [made.period[1]]
    while len(found) < len(renewed):
        world.at(f"{found[-1]} 02:00")
        found.append(made.period[1])
    assert found == renewed


def test_the_first_full_period_begins_within_one_interval_of_a_configured_anchor(world: World) -> None:
    # X67
    world.at("2025-02-10")
    anna = world.customer("anna")
    plan = world.plan("Pro", count=2, usd=59)
    made = anna.subscribes_to(plan, billing_cycle_anchor_config={"day_of_month": 31})
    assert day(made.now["billing_cycle_anchor"]) == "2025-08-31"
    assert made.now["billing_cycle_anchor_config"] == {
        "day_of_month": 31,
        "hour": None,
        "minute": None,
        "month": None,
        "second": None,
    }
    assert made.period == ("2025-02-10", "2025-02-28")
    # 18 of the 59 days from 31 December to 28 February
    assert totals(anna) == [1800]
    for end in ("2025-04-30", "2025-06-30"):
        world.at(f"{made.period[1]} 02:00")
        assert made.period[1] == end
    assert totals(anna) == [1800, 5900, 5900]


def test_a_configured_anchor_takes_its_time_of_day_from_the_creation(world: World) -> None:
    world.at("2025-03-10 08:30:15")
    anna = world.customer("anna")
    config = {"day_of_month": 15, "hour": 6}
    made = anna.subscribes_to(world.plan("Pro", usd=10), billing_cycle_anchor_config=config)
    assert made.now["billing_cycle_anchor"] == stamp("2025-03-15 06:30:15")
    yearly = anna.subscribes_to(
        world.plan("Year", every="year", usd=365),
        billing_cycle_anchor_config={"day_of_month": 1, "month": 2, "hour": 0, "minute": 0, "second": 0},
    )
    assert yearly.now["billing_cycle_anchor"] == stamp("2026-02-01")


@pytest.mark.parametrize(
    ("wrong", "param"),
    [
        ({"billing_cycle_anchor": stamp("2025-03-11")}, "billing_cycle_anchor"),
        ({"billing_cycle_anchor": stamp("2025-02-01")}, "billing_cycle_anchor"),
        ({"backdate_start_date": stamp("2025-02-11")}, "backdate_start_date"),
        ({"backdate_start_date": stamp("1970-01-02")}, "backdate_start_date"),
        ({"trial_end": stamp("2025-02-09")}, "trial_end"),
        ({"trial_end": stamp("2028-02-09")}, "trial_end"),
        ({"cancel_at": stamp("2025-02-10")}, "cancel_at"),
        ({"trial_end": stamp("2025-03-01"), "trial_from_plan": True}, "trial_end"),
        (
            {"billing_cycle_anchor": stamp("2025-03-01"), "billing_cycle_anchor_config": {"day_of_month": 1}},
            "billing_cycle_anchor",
        ),
        (
            {"backdate_start_date": stamp("2025-02-01"), "billing_cycle_anchor_config": {"day_of_month": 1}},
            "backdate_start_date",
        ),
        ({"cancel_at": "min_period_end", "cancel_at_period_end": True}, "cancel_at"),
    ],
)
def test_instants_that_cannot_be_are_refused_by_name(world: World, wrong: Any, param: str) -> None:
    world.at("2025-02-10")
    anna = world.customer("anna")
    items = [{"price": world.plan("Pro", usd=10)}]
    error = world.refused("/v1/subscriptions", customer=anna.id, items=items, **wrong)
    assert (error["status"], error["param"]) == (400, param)
    assert anna.invoices == []


def test_a_configured_anchor_needs_months(world: World) -> None:
    world.at("2025-02-10")
    anna = world.customer("anna")
    items = [{"price": world.plan("Pro", every="week", usd=10)}]
    config = {"day_of_month": 1}
    error = world.refused(
        "/v1/subscriptions", customer=anna.id, items=items, billing_cycle_anchor_config=config
    )
    assert error["param"] == "billing_cycle_anchor_config"


# ------------------------------------------------------------------------------------- set back


@pytest.mark.parametrize(
    ("created", "back", "anchor", "usd", "amount"),
    [
        ("2025-02-15", "2025-02-15", "2025-03-01", 28, 1400),  # X55: 14 of 28 days
        ("2025-02-20", "2025-02-15", "2025-03-01", 28, 1400),  # X55, created later
        ("2025-01-20", "2025-01-15", "2025-02-01", 31, 1700),  # X56: 17 of 31 days
    ],
)
@pytest.mark.parametrize("mode", ["flexible", "classic"])
def test_a_start_set_back_is_billed_for_the_days_until_the_anchor(
    world: World, mode: str, created: str, back: str, anchor: str, usd: int, amount: int
) -> None:
    world.at(created)
    anna = world.customer("anna")
    made = anna.subscribes_to(
        world.plan("Pro", usd=usd),
        backdate_start_date=stamp(back),
        billing_cycle_anchor=stamp(anchor),
        billing_mode={"type": mode},
    )
    assert totals(anna) == [amount]
    assert spans(anna.last_invoice) == [(back, anchor)]
    assert made.now["start_date"] == stamp(back)
    assert made.period == (back, anchor)
    assert anna.last_invoice.data["period_start"] == stamp(created)


@pytest.mark.parametrize(
    ("mode", "periods"),
    [
        ("flexible", [("2025-09-01", "2025-10-01"), ("2025-10-01", "2025-11-01")]),
        ("classic", [("2025-09-01", "2025-11-01")]),
    ],
)
def test_what_has_gone_by_is_billed_by_periods_or_in_one(
    world: World, mode: str, periods: list[tuple[str, str]]
) -> None:
    # X57
    world.at("2025-10-15")
    anna = world.customer("anna")
    made = anna.subscribes_to(
        world.plan("Pro", usd=30),
        backdate_start_date=stamp("2025-09-01"),
        billing_cycle_anchor=stamp("2025-11-01"),
        billing_mode={"type": mode},
    )
    assert spans(anna.last_invoice) == periods
    assert totals(anna) == [6000]
    assert made.period == ("2025-10-01", "2025-11-01")
    world.at("2025-11-01 02:00")
    assert totals(anna) == [6000, 3000]


def test_flexible_counts_from_the_start_that_was_set_back_and_classic_from_now(world: World) -> None:
    world.at("2025-10-15")
    anna = world.customer("anna")
    plan = world.plan("Pro", usd=31)
    flexible = anna.subscribes_to(plan, backdate_start_date=stamp("2025-09-01"))
    assert flexible.period == ("2025-10-01", "2025-11-01")
    assert spans(anna.last_invoice) == [("2025-09-01", "2025-10-01"), ("2025-10-01", "2025-11-01")]
    classic = anna.subscribes_to(
        plan, backdate_start_date=stamp("2025-09-01"), billing_mode={"type": "classic"}
    )
    assert classic.period == ("2025-10-15", "2025-11-15")
    assert spans(anna.last_invoice) == [("2025-09-01", "2025-11-15")]
    # The imagined month from 15 August has 31 days, of which 14 are left; then two whole months.
    assert totals(anna) == [6200, 1400 + 6200]
    assert classic.now["billing_mode"] == {"flexible": None, "type": "classic", "updated_at": None}


@pytest.mark.parametrize("mode", ["flexible", "classic"])
def test_without_proration_only_the_start_is_noted(world: World, mode: str) -> None:
    # The reading chosen: nothing for the past, and a stub is free; classic counts from now, so it has none.
    world.at("2025-10-15")
    anna = world.customer("anna")
    made = anna.subscribes_to(
        world.plan("Pro", usd=31),
        backdate_start_date=stamp("2025-09-01"),
        billing_mode={"type": mode},
        proration_behavior="none",
    )
    assert made.now["start_date"] == stamp("2025-09-01")
    assert totals(anna) == ([3100] if mode == "classic" else [])


@pytest.mark.parametrize(
    ("mode", "amounts"),
    [
        ("classic", ["250.00"]),  # X30
        ("flexible", ["100.00", "150.00"]),  # X31
    ],
)
def test_use_that_has_gone_by_is_billed_by_periods_or_in_one(
    world: World, mode: str, amounts: list[str]
) -> None:
    # Use may be told 35 days late: the first month's is of its last day.
    world.at("2025-03-01")
    price = world.metered("Gigabytes", world.meter("gb"), cents="1000", per=10)
    anna = world.customer("anna")
    anna.uses("gb", 100, "2025-01-31")
    anna.uses("gb", 150, "2025-02-25")
    anna.subscribes_to(price, backdate_start_date=stamp("2025-01-01"), billing_mode={"type": mode})
    assert [amount for _, amount in anna.last_invoice.text()[:-1]] == amounts
    world.at("2025-04-01 02:00")
    assert anna.last_invoice.data["total"] == 0


def test_a_start_set_back_before_a_trial_is_billed_until_the_trial(world: World) -> None:
    world.at("2025-01-16")
    anna = world.customer("anna")
    made = anna.subscribes_to(
        world.plan("Pro", usd=31), backdate_start_date=stamp("2025-01-01"), trial_period_days=7
    )
    anna.last_invoice.reads("""
        1 × Pro (at $31.00 / month)    15.00
        Free trial for 1 × Pro         0.00
        Total 15.00                    paid""")
    assert made.status == "trialing"
    assert made.period == ("2025-01-16", "2025-01-23")


# ------------------------------------------------------------------------------------- trials


@pytest.mark.parametrize(
    ("created", "ends", "anchor", "stub"),
    [
        ("2025-04-15", "2025-04-22", "2025-05-01", 9),  # X68
        ("2025-04-28", "2025-05-05", "2025-06-01", 27),  # X69
    ],
)
def test_a_stub_follows_a_trial_that_ends_between_two_boundaries(
    world: World, created: str, ends: str, anchor: str, stub: int
) -> None:
    world.at(created)
    anna = world.customer("anna")
    plan = world.plan("Pro", usd=30 if stub == 9 else 31)
    made = anna.subscribes_to(
        plan,
        trial_period_days=7,
        billing_cycle_anchor_config={"day_of_month": 1, "hour": 0, "minute": 0, "second": 0},
    )
    assert made.status == "trialing"
    assert made.period == (created, ends)
    assert day(made.now["billing_cycle_anchor"]) == "2025-05-01"
    world.at(f"{ends} 02:00")
    assert made.status == "active"
    assert made.period == (ends, anchor)
    assert totals(anna) == [0, stub * 100]
    world.at(f"{anchor} 02:00")
    assert totals(anna)[2] in (3000, 3100)
    assert day(made.now["billing_cycle_anchor"]) == "2025-05-01"


def test_a_trial_is_announced_and_then_billed(world: World) -> None:
    # X71
    world.at("2025-01-01")
    anna = world.customer("anna")
    made = anna.subscribes_to(world.plan("Pro", usd=20), trial_period_days=14)
    assert (made.status, totals(anna)) == ("trialing", [0])
    world.forget()
    world.at("2025-01-11 23:59:59", expect=[])
    world.at("2025-01-12", expect=["customer.subscription.trial_will_end"])
    world.at("2025-01-15")
    assert anna.last_invoice.status == "draft"
    assert anna.last_invoice.data["total"] == 2000


def test_a_trial_of_two_days_is_announced_at_once(world: World) -> None:
    # X72
    world.at("2025-01-01")
    anna = world.customer("anna")
    anna.subscribes_to(world.plan("Pro", usd=20), trial_period_days=2)
    world.at("2025-01-01 00:00:01")
    page = world.get("/v1/events", type="customer.subscription.trial_will_end")
    assert [event["created"] for event in page["data"]] == [stamp("2025-01-01")]


def test_a_price_may_bring_its_trial(world: World) -> None:
    world.at("2025-01-01")
    price = world.post(
        "/v1/prices",
        currency="usd",
        unit_amount=2000,
        product_data={"name": "Pro"},
        recurring={"interval": "month", "trial_period_days": 10},
    )["id"]
    anna = world.customer("anna")
    assert anna.subscribes_to(price).status == "active"
    assert anna.subscribes_to(price, trial_from_plan=True).now["trial_end"] == stamp("2025-01-11")


def test_a_trial_may_leave_the_anchor_where_the_subscription_began(world: World) -> None:
    world.at("2025-01-01")
    anna = world.customer("anna")
    settings = {"end_behavior": {"billing_cycle_anchor": "unchanged", "missing_payment_method": "cancel"}}
    made = anna.subscribes_to(world.plan("Pro", usd=31), trial_period_days=9, trial_settings=settings)
    assert made.now["trial_settings"] == settings
    world.at("2025-01-10 02:00")
    assert totals(anna) == [0, 2200]
    assert made.period == ("2025-01-10", "2025-02-01")


# ------------------------------------------------------------------------------------- several rhythms


def test_items_of_several_rhythms_meet_on_one_invoice(world: World) -> None:
    # X73
    world.at("2025-01-01")
    prices = [world.plan(f"P{count}", count=count, usd=count) for count in (1, 2, 3)]
    anna = world.customer("anna")
    anna.subscribes_to(*prices)
    names = {}
    for month in ("02", "03", "04", "05", "06", "07"):
        world.at(f"2025-{month}-01 02:00")
        names[month] = [text.split(" × ")[1].split()[0] for text, _ in anna.last_invoice.text()[:-1]]
    assert {month: sorted(found) for month, found in names.items()} == {
        "02": ["P1"],
        "03": ["P1", "P2"],
        "04": ["P1", "P3"],
        "05": ["P1", "P2"],
        "06": ["P1"],
        "07": ["P1", "P2", "P3"],
    }
    assert len(anna.invoices) == 7


def test_classic_takes_one_rhythm_only(world: World) -> None:
    world.at("2025-01-01")
    anna = world.customer("anna")
    items = [{"price": world.plan("A", usd=1)}, {"price": world.plan("B", every="year", usd=1)}]
    mode = {"type": "classic"}
    error = world.refused("/v1/subscriptions", customer=anna.id, items=items, billing_mode=mode)
    assert (error["status"], error["param"]) == (400, "items")


# ------------------------------------------------------------------------------------- metered parts


def test_classic_shows_what_a_meter_has_yet_to_count(world: World) -> None:
    world.at("2025-01-01")
    price = world.metered("Calls", world.meter("calls"), cents="10")
    anna = world.customer("anna")
    assert anna.subscribes_to(price).now["latest_invoice"] is None
    anna.subscribes_to(price, billing_mode={"type": "classic"})
    anna.last_invoice.reads("""
        0 × Calls (at $0.10 / month)   0.00
        Total 0.00                     paid""")


def test_classic_words_its_trials_in_its_own_way(world: World) -> None:
    world.at("2025-01-01")
    anna = world.customer("anna")
    anna.subscribes_to(world.plan("Pro", usd=20), trial_period_days=7, billing_mode={"type": "classic"})
    anna.last_invoice.reads("""
        Trial period for Pro   0.00
        Total 0.00             paid""")


def test_use_before_the_creation_is_free_without_proration(world: World) -> None:
    world.at("2025-01-20")
    price = world.metered("Calls", world.meter("calls"), cents="10")
    anna = world.customer("anna")
    anna.uses("calls", 100, "2025-01-19")
    made = anna.subscribes_to(price, backdate_start_date=stamp("2025-01-01"), proration_behavior="none")
    assert made.period == ("2025-01-01", "2025-02-01")
    anna.uses("calls", 7, "2025-01-20")
    world.at("2025-02-01 02:00")
    assert totals(anna) == [70]
