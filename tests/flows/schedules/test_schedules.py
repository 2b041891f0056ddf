"""What does a subscription become, phase by phase (§6)?"""

import pytest

from tests.support.world import BEGUN, OPENED, PAID, RENEWED, World, day, months, of, plans, seconds


def test_the_first_invoice_of_a_schedule_is_a_draft_for_an_hour(world: World) -> None:
    world.at("2025-01-01")
    anna = world.customer("anna")
    plan = plans(anna, {"items": of(world.plan("Gold", usd=10)), "duration": months(2)})
    world.check_events([*RENEWED[1:], *BEGUN, "subscription_schedule.created"])
    assert (plan.status, plan.subscription.status) == ("active", "active")
    assert plan.subscription.now["schedule"] == plan.id
    assert plan.now["current_phase"] == {
        "start_date": seconds("2025-01-01"),
        "end_date": seconds("2025-03-01"),
    }
    assert anna.last_invoice.data["billing_reason"] == "subscription_create"
    assert (anna.last_invoice.status, anna.last_invoice.data["auto_advance"]) == ("draft", True)
    world.at("2025-01-01 01:00", expect=[*OPENED, *PAID])


def test_a_phase_that_begins_with_a_period_is_billed_on_one_invoice(world: World) -> None:
    world.at("2025-01-01")
    anna = world.customer("anna")
    basic, pro = world.plan("Basic", usd=10), world.plan("Pro", usd=30)
    plan = plans(anna, {"items": of(basic), "duration": months(1)}, {"items": of(pro), "duration": months(1)})
    assert plan.dates == [("2025-01-01", "2025-02-01"), ("2025-02-01", "2025-03-01")]
    world.at("2025-01-31")
    changed = ["customer.subscription.updated", "subscription_schedule.updated"]
    world.at("2025-02-01 01:00", expect=[*changed, *RENEWED, *OPENED, *PAID])
    assert len(anna.invoices) == 2
    anna.last_invoice.reads("""
        1 × Pro (at $30.00 / month)   30.00
        Total 30.00                   paid""")
    assert day(anna.last_invoice.data["period_start"]) == "2025-01-01"
    assert plan.subscription.period == ("2025-02-01", "2025-03-01")
    assert plan.now["current_phase"]["start_date"] == seconds("2025-02-01")


def test_a_price_that_goes_on_keeps_its_item_with_the_quantity_of_the_phase(world: World) -> None:
    world.at("2025-01-01")
    anna = world.customer("anna")
    seats, extra = world.plan("Seat", usd=5), world.plan("Extra", usd=1)
    plan = plans(
        anna,
        {"items": of({"price": seats, "quantity": 2, "metadata": {"a": "1"}}), "duration": months(1)},
        {"items": of({"price": seats, "quantity": 3, "metadata": {"b": "2"}}, extra), "duration": months(1)},
    )
    [before] = plan.subscription.now["items"]["data"]
    world.at("2025-02-01 01:00")
    after = {item["price"]["id"]: item for item in plan.subscription.now["items"]["data"]}
    assert (after[seats]["id"], after[seats]["quantity"]) == (before["id"], 3)
    assert after[seats]["metadata"] == {"a": "1", "b": "2"}
    anna.last_invoice.reads("""
        1 × Extra (at $1.00 / month)   1.00
        3 × Seat (at $5.00 / month)    15.00
        Total 16.00                    paid""")


@pytest.mark.parametrize("behavior", [None, "create_prorations", "always_invoice", "none"])
def test_between_two_periods_a_phase_prorates_as_it_says(world: World, behavior: str | None) -> None:
    world.at("2025-04-01")
    anna = world.customer("anna")
    basic, pro = world.plan("Basic", usd=10), world.plan("Pro", usd=30)
    plan = plans(
        anna,
        {"items": of(basic), "end_date": seconds("2025-04-16")},
        {"items": of(pro), "end_date": seconds("2025-06-01"), "proration_behavior": behavior},
    )
    world.at("2025-04-15")
    world.at("2025-04-16")
    lines = {"create_prorations": 2, None: 2}.get(behavior, 0)
    waiting = world.get("/v1/invoiceitems", customer=anna.id, pending=True)["data"]
    assert [item["amount"] for item in waiting] == [-500, 1500][:lines]
    if behavior == "always_invoice":
        assert (anna.last_invoice.status, anna.last_invoice.data["auto_advance"]) == ("draft", True)
        world.at("2025-04-16 01:00", expect=[*OPENED, *PAID])
        anna.last_invoice.reads("""
            Unused time on Basic after 16 Apr 2025   -5.00
            Remaining time on Pro after 16 Apr 2025  15.00
            Total 10.00                              paid""")
    world.at("2025-05-01 01:00")
    assert anna.last_invoice.data["total"] == {2: 4000, 0: 3000}[lines]
    assert plan.subscription.period == ("2025-05-01", "2025-06-01")


def test_x111_the_metadata_of_a_phase_is_merged_and_an_empty_value_takes_its_key_off(world: World) -> None:
    world.at("2025-01-01")
    anna, gold = world.customer("anna"), world.plan("Gold", usd=10)
    plan = plans(
        anna,
        {"items": of(gold), "duration": months(1), "metadata": {"channel": "x", "region": "y"}},
        {"items": of(gold), "duration": months(1), "metadata": {"region": "z", "channel": ""}},
        metadata={"own": "never copied"},
    )
    assert plan.subscription.now["metadata"] == {"channel": "x", "region": "y"}
    world.at("2025-02-01 01:00")
    assert plan.subscription.now["metadata"] == {"region": "z"}


def test_months_are_counted_from_the_start_and_never_chained(world: World) -> None:
    world.at("2025-01-31")
    anna, gold = world.customer("anna"), world.plan("Gold", usd=10)
    phase = {"items": of(gold), "duration": months(1)}
    plan = plans(anna, phase, phase, {"items": of(gold)})
    assert plan.dates == [
        ("2025-01-31", "2025-02-28"),
        ("2025-02-28", "2025-03-31"),
        ("2025-03-31", "2025-04-30"),  # which says neither how long nor until when: one of its periods
    ]
    world.at("2025-03-01")
    rest = [
        {"items": of(gold), "duration": months(n), "start_date": at}
        for n, at in ((1, seconds("2025-02-28")), (2, None))
    ]
    plan.update(phases=rest)
    assert plan.dates[1:] == [("2025-02-28", "2025-03-31"), ("2025-03-31", "2025-05-31")]


def test_a_schedule_that_starts_later_makes_its_subscription_then(world: World) -> None:
    world.at("2025-01-01")
    anna, gold = world.customer("anna"), world.plan("Gold", usd=10)
    plan = plans(anna, {"items": of(gold), "duration": months(3)}, start="2025-02-10")
    world.check_events(["subscription_schedule.created"])
    now = plan.now
    assert (now["status"], now["subscription"], now["current_phase"]) == ("not_started", None, None)
    found = world.get("/v1/subscription_schedules", customer=anna.id, scheduled=True)["data"]
    assert [one["id"] for one in found] == [plan.id]
    world.at("2025-02-09")
    begun = [*RENEWED[1:], *BEGUN, "subscription_schedule.updated"]
    world.at("2025-02-10", expect=begun)
    assert (plan.status, plan.subscription.period) == ("active", ("2025-02-10", "2025-03-10"))
    assert world.get("/v1/subscription_schedules", customer=anna.id, scheduled=True)["data"] == []


def test_a_schedule_that_is_set_back_bills_what_has_gone_by(world: World) -> None:
    world.at("2025-03-10")
    anna, gold = world.customer("anna"), world.plan("Gold", usd=10)
    plan = plans(anna, {"items": of(gold), "duration": months(6)}, start="2025-01-01")
    assert plan.subscription.now["start_date"] == seconds("2025-01-01")
    assert plan.dates == [("2025-01-01", "2025-07-01")]
    assert anna.last_invoice.data["total"] == 3000
    assert plan.subscription.period == ("2025-03-01", "2025-04-01")


def test_a_phase_in_trial_costs_nothing_and_the_next_is_billed_in_full(world: World) -> None:
    world.at("2025-01-01")
    anna, gold = world.customer("anna"), world.plan("Gold", usd=10)
    plan = plans(
        anna,
        {"items": of(gold), "end_date": seconds("2025-01-15"), "trial": True},
        {"items": of(gold), "duration": months(2)},
    )
    assert plan.now["phases"][0]["trial_end"] == seconds("2025-01-15")
    assert (plan.subscription.status, anna.last_invoice.data["total"]) == ("trialing", 0)
    world.at("2025-01-15 01:00")
    assert plan.subscription.status == "active"
    assert plan.subscription.period == ("2025-01-15", "2025-02-15")
    assert [invoice.data["total"] for invoice in anna.invoices] == [0, 1000]


def test_a_later_phase_may_begin_with_a_trial(world: World) -> None:
    world.at("2025-04-01")
    anna = world.customer("anna")
    basic, pro = world.plan("Basic", usd=10), world.plan("Pro", usd=30)
    plan = plans(
        anna,
        {"items": of(basic), "end_date": seconds("2025-04-16")},
        {"items": of(pro), "duration": months(3), "trial_end": seconds("2025-04-30")},
    )
    world.at("2025-04-16 01:00")
    assert plan.subscription.status == "trialing"
    assert plan.subscription.period == ("2025-04-16", "2025-04-30")
    world.at("2025-04-30 01:00")
    assert plan.subscription.status == "active"
    anna.last_invoice.reads("""
        Unused time on Basic after 16 Apr 2025   -5.00
        1 × Pro (at $30.00 / month)              30.00
        Total 25.00                              paid""")


def test_what_a_phase_charges_once_is_on_its_next_invoice(world: World) -> None:
    world.at("2025-01-01")
    anna, gold = world.customer("anna"), world.plan("Gold", usd=10)
    product = world.post("/v1/products", name="Setup")["id"]
    once = {"price_data": {"currency": "usd", "product": product, "unit_amount": 700}}
    whole = {"period": {"start": {"type": "phase_start"}, "end": {"type": "phase_end"}}}
    plan = plans(
        anna,
        {"items": of(gold), "duration": months(2), "add_invoice_items": [once]},
        {"items": of(gold), "duration": months(2), "add_invoice_items": [{**once, **whole}]},
    )
    world.at("2025-02-01 01:00")
    assert [invoice.data["total"] for invoice in anna.invoices] == [1700, 1000]
    world.at("2025-03-01 01:00")
    anna.last_invoice.reads("""
        Setup                         7.00
        1 × Gold (at $10.00 / month)  10.00
        Total 17.00                   paid""")
    line = world.get(f"/v1/invoices/{anna.last_invoice.data['id']}/lines")["data"][0]
    assert (day(line["period"]["start"]), day(line["period"]["end"])) == plan.dates[1]


@pytest.mark.parametrize(("anchor", "period", "bills"), [
    (None, ("2025-04-01", "2025-05-01"), []),
    ("phase_start", ("2025-04-16", "2025-05-16"), [2500]),
])  # fmt: skip
def test_phase_start_moves_the_anchor_to_the_phase(
    world: World, anchor: str | None, period: tuple[str, str], bills: list[int]
) -> None:
    world.at("2025-04-01")
    anna = world.customer("anna")
    basic, pro = world.plan("Basic", usd=10), world.plan("Pro", usd=30)
    plan = plans(
        anna,
        {"items": of(basic), "end_date": seconds("2025-04-16")},
        {"items": of(pro), "duration": months(1), "billing_cycle_anchor": anchor},
    )
    world.at("2025-04-16 01:00")
    assert plan.subscription.period == period
    assert [invoice.data["total"] for invoice in anna.invoices][1:] == bills


def test_phase_start_on_a_boundary_of_all_periods_is_the_renewal(world: World) -> None:
    world.at("2025-01-31")
    anna = world.customer("anna")
    basic, pro = world.plan("Basic", usd=10), world.plan("Pro", usd=120, every="year")
    plan = plans(
        anna,
        {"items": of(basic), "duration": months(1)},
        {"items": of(pro), "duration": months(12), "billing_cycle_anchor": "phase_start"},
    )
    world.at("2025-02-28 01:00")
    assert plan.subscription.now["billing_cycle_anchor"] == seconds("2025-02-28")
    assert plan.subscription.period == ("2025-02-28", "2026-02-28")
    assert [invoice.data["total"] for invoice in anna.invoices] == [1000, 12000]
    assert anna.last_invoice.data["billing_reason"] == "subscription_cycle"


def test_in_classic_another_interval_begins_a_new_period(world: World) -> None:
    world.at("2025-04-01")
    anna = world.customer("anna")
    basic, pro = world.plan("Basic", usd=10), world.plan("Pro", usd=120, every="year")
    plan = plans(
        anna,
        {"items": of(basic), "end_date": seconds("2025-04-16")},
        {"items": of(pro), "duration": {"interval": "year"}},
        billing_mode={"type": "classic"},
    )
    world.at("2025-04-16 01:00")
    assert plan.subscription.period == ("2025-04-16", "2026-04-16")
    anna.last_invoice.reads("""
        Unused time on Basic after 16 Apr 2025   -5.00
        1 × Pro (at $120.00 / year)              120.00
        Total 115.00                             paid""")


def test_in_classic_a_phase_that_costs_something_after_a_free_one_begins_a_new_period(world: World) -> None:
    """§5.8.5."""
    world.at("2025-04-01")
    anna = world.customer("anna")
    free, pro = world.plan("Free", usd=0), world.plan("Pro", usd=30)
    plan = plans(
        anna,
        {"items": of(free), "end_date": seconds("2025-04-16")},
        {
            "items": of(pro),
            "duration": months(2),
            "add_invoice_items": [{"price": world.once("Setup", usd=5)}],
        },
        billing_mode={"type": "classic"},
    )
    world.at("2025-04-16 01:00")
    assert plan.subscription.period == ("2025-04-16", "2025-05-16")
    anna.last_invoice.reads("""
        Unused time on Free after 16 Apr 2025   0.00
        Setup                                   5.00
        1 × Pro (at $30.00 / month)             30.00
        Total 35.00                             paid""")
    _, setup, _ = world.get(f"/v1/invoices/{anna.last_invoice.data['id']}/lines")["data"]
    assert setup["period"] == {"start": seconds("2025-04-16"), "end": seconds("2025-05-16")}


@pytest.mark.parametrize("steps", [["2025-06-20"], ["2025-02-10", "2025-03-15", "2025-04-01", "2025-06-20"]])
def test_the_steps_of_the_clock_change_nothing(world: World, steps: list[str]) -> None:
    world.at("2025-01-10")
    anna = world.customer("anna")
    basic, pro = world.plan("Basic", usd=10), world.plan("Pro", usd=30)
    plan = plans(
        anna,
        {"items": of(basic), "duration": months(1)},
        {"items": of(pro), "end_date": seconds("2025-03-15")},
        {"items": of(pro, basic), "duration": months(2), "proration_behavior": "always_invoice"},
        {"items": of(basic), "duration": {"interval": "day", "interval_count": 30}},
        end_behavior="cancel",
    )
    if len(steps) == 1:
        steps = ["2025-03-01", "2025-04-20", "2025-06-10", *steps]
    for step in (
        steps if len(steps) > 4 else ["2025-02-10", "2025-03-10", "2025-03-15", "2025-05-01", *steps[-1:]]
    ):
        world.at(step)
    assert plan.status == "completed"
    assert [invoice.data["total"] for invoice in anna.invoices] == [1000, 3000, 3000, 839, 4000, 4000, -2383]


@pytest.mark.parametrize("changes", ["2025-05-01", "2025-04-16"])
def test_use_is_billed_at_the_price_of_its_phase_and_once(world: World, changes: str) -> None:
    """On one invoice, whenever the phase begins (§6)."""
    world.at("2025-04-01")
    anna, calls = world.customer("anna"), world.meter("calls")
    cheap, dear = world.metered("Calls", calls, cents="1"), world.metered("More calls", calls, cents="5")
    base = world.plan("Base", usd=10)
    plans(
        anna,
        {"items": of(base, cheap), "end_date": seconds(changes)},
        {"items": of(base, dear), "end_date": seconds("2025-07-01")},
    )
    world.at("2025-04-20")
    anna.uses("calls", 100, "2025-04-02")
    anna.uses("calls", 10, "2025-04-17")
    world.at("2025-05-01 01:00")
    late = changes == "2025-05-01"
    calls_of = {
        True: "110 × Calls (at $0.01 / month)  1.10",
        False: "100 × Calls (at $0.01 / month)  1.00\n10 × More calls (at $0.05 / month)  0.50",
    }[late]
    total = "Total 11.10  paid" if late else "Total 11.50  paid"
    anna.last_invoice.reads(f"{calls_of}\n1 × Base (at $10.00 / month)  10.00\n{total}")
    world.at("2025-05-20")
    anna.uses("calls", 4, "2025-05-03")
    world.at("2025-06-01 01:00")
    anna.last_invoice.reads("""
        4 × More calls (at $0.05 / month)  0.20
        1 × Base (at $10.00 / month)       10.00
        Total 10.20                        paid""")


@pytest.mark.parametrize("behavior", ["create_prorations", "always_invoice"])
@pytest.mark.parametrize("ends", ["2025-04-16", "2025-05-01"])
def test_the_next_invoice_is_previewed_with_the_phases_until_then(
    world: World, behavior: str, ends: str
) -> None:
    world.at("2025-04-01")
    anna = world.customer("anna")
    basic, pro = world.plan("Basic", usd=10), world.plan("Pro", usd=30)
    plan = plans(
        anna,
        {"items": of(basic), "end_date": seconds(ends)},
        {"items": of(pro), "end_date": seconds("2025-06-01"), "proration_behavior": behavior},
    )
    world.at("2025-04-10")
    shown = world.post("/v1/invoices/create_preview", subscription=plan.now["subscription"])
    world.check_events([])
    world.at(f"{ends} 01:00")
    if len(anna.invoices) == 1:
        world.at("2025-05-01 01:00")
    done = world.get(f"/v1/invoices/{anna.last_invoice.data['id']}/lines")["data"]
    names = ("amount", "description", "period")
    lines = [
        [{name: line[name] for name in names} for line in them] for them in (shown["lines"]["data"], done)
    ]
    assert lines[0] == lines[1]


def off(world: World, percent: int) -> str:
    return str(world.post("/v1/coupons", percent_off=percent, duration="forever")["id"])


def test_the_coupons_of_a_phase_replace_those_before(world: World) -> None:
    world.at("2025-01-01")
    anna, gold = world.customer("anna"), world.plan("Gold", usd=10)
    half, tenth, fifth = off(world, 50), off(world, 10), off(world, 20)
    plan = plans(
        anna,
        {"items": of(gold), "duration": months(1), "discounts": [{"coupon": half}]},
        {"items": of(gold), "duration": months(1), "discounts": [{"coupon": tenth}]},
        {"items": of({"price": gold, "discounts": [{"coupon": fifth}]}), "duration": months(1)},
        {"items": of(gold), "duration": months(1)},
    )
    assert plan.now["phases"][0]["discounts"] == [{"coupon": half, "discount": None, "promotion_code": None}]
    for when in ("2025-02-01 01:00", "2025-03-01 01:00", "2025-04-01 01:00"):
        world.at(when)
    assert [invoice.data["total"] for invoice in anna.invoices] == [500, 900, 800, 1000]
    assert plan.subscription.now["discounts"] == []


def test_a_repeating_coupon_counts_from_the_start_of_its_phase(world: World) -> None:
    world.at("2025-01-01")
    anna, gold = world.customer("anna"), world.plan("Gold", usd=10)
    coupon = world.post("/v1/coupons", percent_off=50, duration="repeating", duration_in_months=2)["id"]
    plans(
        anna,
        {"items": of(gold), "duration": months(1)},
        {"items": of(gold), "duration": months(4), "discounts": [{"coupon": coupon}]},
    )
    for when in ("2025-02-01 01:00", "2025-03-01 01:00", "2025-04-01 01:00"):
        world.at(when)
    assert [invoice.data["total"] for invoice in anna.invoices] == [1000, 500, 500, 1000]


def test_a_coupon_that_nobody_can_redeem_any_more_is_passed_over(world: World) -> None:
    world.at("2025-01-01")
    anna, gold = world.customer("anna"), world.plan("Gold", usd=10)
    gone, half = off(world, 10), off(world, 50)
    plan = plans(
        anna,
        {"items": of(gold), "duration": months(1)},
        {"items": of(gold), "duration": months(1), "discounts": [{"coupon": gone}, {"coupon": half}]},
    )
    world.delete(f"/v1/coupons/{gone}")
    world.at("2025-02-01 01:00")
    assert plan.status == "active"
    assert anna.last_invoice.data["total"] == 500


def test_tax_rates_of_a_phase_are_those_of_its_invoices_though_archived_since(world: World) -> None:
    world.at("2025-01-01")
    anna, gold = world.customer("anna"), world.plan("Gold", usd=10)
    old, new = (
        world.post("/v1/tax_rates", display_name="VAT", percentage=rate, inclusive=False)["id"]
        for rate in (10, 20)
    )
    plan = plans(
        anna,
        {"items": of(gold), "duration": months(1), "default_tax_rates": [old]},
        {"items": of({"price": gold, "tax_rates": [new]}), "duration": months(1)},
        {"items": of(gold), "duration": months(1)},
        start="2025-01-02",
    )
    shown = plan.now["phases"]
    assert [rate["percentage"] for rate in shown[0]["default_tax_rates"]] == [10]
    assert [rate["percentage"] for rate in shown[1]["items"][0]["tax_rates"]] == [20]
    for rate in (old, new):
        world.post(f"/v1/tax_rates/{rate}", active=False)
    for when in ("2025-01-02 01:00", "2025-02-02 01:00", "2025-03-02 01:00"):
        world.at(when)
    assert [invoice.data["total"] for invoice in anna.invoices] == [1100, 1200, 1000]
