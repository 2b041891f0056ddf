"""What if several periods are billed in advance, and something changes before they begin (§5.16)?"""

from datetime import UTC, datetime, timedelta
from types import ModuleType
from typing import Any

import pytest

from billow.app import App
from billow.ledger.balances import trial_balance
from tests.world import Customer, Subscription, World, day, moment

Rows = list[tuple[Any, ...]]


def stamp(text: str) -> int:
    return int(moment(text).timestamp())


def until(text: str, *prices: str, **more: Any) -> dict[str, Any]:
    """A billing schedule until an instant, of all items or those with these prices."""
    named = [{"type": "price", "price": price} for price in prices]
    only: dict[str, Any] = {"applies_to": named} if named else {}
    return {"bill_until": {"type": "timestamp", "timestamp": stamp(text)}, **only, **more}


def lasting(count: int, interval: str = "month") -> dict[str, Any]:
    return {"bill_until": {"type": "duration", "duration": {"interval": interval, "interval_count": count}}}


def lines(invoice: dict[str, Any]) -> Rows:
    """What a line costs, and for which days."""
    return [
        (line["amount"], day(line["period"]["start"]), day(line["period"]["end"]))
        for line in invoice["lines"]["data"]
    ]


def bills(anna: Customer) -> list[Rows]:
    return [lines(invoice.data) for invoice in anna.invoices]


def billed_until(plan: Subscription) -> list[str | None]:
    return [item["billed_until"] and day(item["billed_until"]) for item in plan.now["items"]["data"]]


def waiting(world: World, anna: Customer) -> Rows:
    page = world.get("/v1/invoiceitems", customer=anna.id, pending=True, limit=100)
    return [
        (item["amount"], day(item["period"]["start"]), day(item["period"]["end"])) for item in page["data"]
    ]


JANUARY = (3100, "2025-01-01", "2025-02-01")
FEBRUARY = (3100, "2025-02-01", "2025-03-01")
MARCH = (3100, "2025-03-01", "2025-04-01")
APRIL = (3100, "2025-04-01", "2025-05-01")


def quarter(world: World, *extra: str, **more: Any) -> tuple[Customer, Subscription, str]:
    """Pro at 31 dollars a month from January on, billed for three months."""
    world.at("2025-01-01")
    anna, pro = world.customer("anna"), world.plan("Pro", usd=31)
    plan = anna.subscribes_to(pro, *extra, **{"billing_schedules": [lasting(3)], **more})
    return anna, plan, pro


def wait(world: World, when: str) -> None:
    """A test clock goes no further than two intervals at once."""
    at = datetime.fromtimestamp(world.seconds, UTC)
    while (at := at + timedelta(days=25)) < moment(when):
        world.at(f"{at:%Y-%m-%d %H:%M}")
    world.at(when)


# ------------------------------------------------------------------------------------- from the beginning


def test_the_first_invoice_has_a_line_for_each_period_and_renewals_wait(world: World) -> None:
    anna, plan, _ = quarter(world)
    assert bills(anna) == [[JANUARY, FEBRUARY, MARCH]]
    assert billed_until(plan) == ["2025-04-01"]
    world.forget()
    world.at("2025-02-01 02:00", expect=["customer.subscription.updated"])
    assert plan.period == ("2025-02-01", "2025-03-01")
    world.at("2025-03-01 02:00")
    assert len(anna.invoices) == 1
    world.at("2025-04-01 02:00")
    assert bills(anna)[1:] == [[APRIL]]
    assert billed_until(plan) == [None]


def test_a_schedule_is_shown_with_the_instant_that_it_means(world: World) -> None:
    _, plan, pro = quarter(world)
    [shown] = plan.now["billing_schedules"]
    assert shown.pop("key").isalnum()
    assert shown == {
        "applies_to": None,
        "bill_until": {
            "computed_timestamp": stamp("2025-04-01"),
            "duration": {"interval": "month", "interval_count": 3},
            "timestamp": None,
            "type": "duration",
        },
    }
    other = world.customer("otto").subscribes_to(pro, billing_schedules=[until("2025-02-15", pro, key="q1")])
    assert other.now["billing_schedules"] == [
        {
            "key": "q1",
            "applies_to": [{"price": pro, "type": "price"}],
            "bill_until": {
                "computed_timestamp": stamp("2025-02-15"),
                "duration": None,
                "timestamp": stamp("2025-02-15"),
                "type": "timestamp",
            },
        }
    ]


def test_other_items_and_use_renew_as_usual(world: World) -> None:
    world.at("2025-01-01")
    anna, pro = world.customer("anna"), world.plan("Pro", usd=31)
    seats, calls = world.plan("Seats", usd=10), world.metered("Calls", world.meter("calls"), cents="2")
    plan = anna.subscribes_to(pro, seats, calls, billing_schedules=[until("2025-03-01", pro)])
    assert bills(anna) == [[JANUARY, FEBRUARY, (1000, "2025-01-01", "2025-02-01")]]
    assert sorted(map(str, billed_until(plan))) == ["2025-03-01", "None", "None"]
    world.at("2025-01-11")
    anna.uses("calls", 50, "2025-01-10")
    world.at("2025-02-01 02:00")
    assert bills(anna)[-1] == [(1000, "2025-02-01", "2025-03-01"), (100, "2025-01-01", "2025-02-01")]
    world.at("2025-03-01 02:00")
    assert bills(anna)[-1] == [MARCH, (1000, "2025-03-01", "2025-04-01"), (0, "2025-02-01", "2025-03-01")]


def test_billed_for_45_days_the_renewal_bills_the_rest_of_the_second_period(world: World) -> None:
    anna, plan, _ = quarter(world, billing_schedules=[until("2025-02-15")])
    assert bills(anna) == [[JANUARY, (1550, "2025-02-01", "2025-02-15")]]
    world.at("2025-02-01 02:00")
    assert bills(anna)[1:] == [[(1550, "2025-02-15", "2025-03-01")]]
    assert billed_until(plan) == [None]
    world.at("2025-03-01 02:00")
    assert bills(anna)[2:] == [[MARCH]]


def test_a_stub_and_what_has_gone_by_come_before_what_is_ahead(world: World) -> None:
    world.at("2025-01-11")
    anna, pro = world.customer("anna"), world.plan("Pro", usd=31)
    anna.subscribes_to(pro, billing_cycle_anchor=stamp("2025-02-01"), billing_schedules=[until("2025-04-01")])
    assert bills(anna) == [[(2100, "2025-01-11", "2025-02-01"), FEBRUARY, MARCH]]
    otto = world.customer("otto")
    otto.subscribes_to(pro, backdate_start_date=stamp("2024-12-01"), billing_schedules=[until("2025-03-01")])
    assert bills(otto) == [[(3100, "2024-12-01", "2025-01-01"), JANUARY, FEBRUARY]]


def test_a_percentage_once_is_off_all_that_is_billed_in_advance(world: World) -> None:
    anna, _, _ = quarter(world, discounts=[{"coupon": world.coupon(percent_off=50, duration="once")}])
    assert anna.last_invoice.data["total"] == 4650
    wait(world, "2025-04-01 02:00")
    assert anna.last_invoice.data["total"] == 3100


def test_what_is_earned_is_earned_period_by_period(world: World, app: App) -> None:
    quarter(world)
    for when, left in (("2025-02-01", 6200), ("2025-03-01", 3100), ("2025-04-01", 3100)):
        world.at(f"{when} 03:00")
        with app.db.transaction(world.api.tenant) as tx:
            deferred = [-row.balance for row in trial_balance(tx) if row.account == "deferred_revenue"]
        assert deferred == [left]


# ------------------------------------------------------------------------------------- changes


def item_of(plan: Subscription) -> str:
    return str(plan.now["items"]["data"][0]["id"])


def test_more_seats_reverse_each_period_and_charge_again_as_far(world: World) -> None:
    anna, plan, _ = quarter(world)
    world.at("2025-01-17 12:00")
    plan.update(items=[{"id": item_of(plan), "quantity": 2}], proration_behavior="always_invoice")
    assert bills(anna)[-1] == [
        (-1450, "2025-01-17", "2025-02-01"),
        (-3100, "2025-02-01", "2025-03-01"),
        (-3100, "2025-03-01", "2025-04-01"),
        (2900, "2025-01-17", "2025-02-01"),
        (6200, "2025-02-01", "2025-03-01"),
        (6200, "2025-03-01", "2025-04-01"),
    ]
    assert billed_until(plan) == ["2025-04-01"]
    wait(world, "2025-04-01 02:00")
    assert bills(anna)[2:] == [[(6200, "2025-04-01", "2025-05-01")]]


def test_an_item_that_is_added_is_billed_as_far_as_the_schedules_say(world: World) -> None:
    anna, plan, _ = quarter(world)
    world.at("2025-02-15")
    plan.update(items=[{"price": world.plan("Seats", usd=28)}])
    assert waiting(world, anna) == [(1400, "2025-02-15", "2025-03-01"), (2800, "2025-03-01", "2025-04-01")]
    assert billed_until(plan) == ["2025-04-01", "2025-04-01"]
    assert len(anna.invoices) == 1


def test_schedules_that_come_later_bill_what_is_missing_at_once(world: World) -> None:
    anna, plan, _ = quarter(world, billing_schedules=[])
    world.at("2025-01-25")
    plan.update(billing_schedules=[until("2025-03-01", key="a")])
    assert bills(anna)[1:] == [[FEBRUARY]]
    assert anna.last_invoice.data["billing_reason"] == "subscription_update"
    assert anna.last_invoice.data["status"] == "paid"
    world.at("2025-02-10")
    plan.update(billing_schedules=[until("2025-05-01", key="a")])
    assert bills(anna)[2:] == [[MARCH, APRIL]]
    assert billed_until(plan) == ["2025-05-01"]


def test_what_is_billed_stays_billed_when_its_schedule_is_cut_or_removed(world: World) -> None:
    anna, plan, _ = quarter(world)
    plan.update(billing_schedules=[until("2025-03-01", key="short")])
    assert billed_until(plan) == ["2025-04-01"]
    plan.update(billing_schedules="")
    assert plan.now["billing_schedules"] == []
    assert (billed_until(plan), waiting(world, anna), len(anna.invoices)) == (["2025-04-01"], [], 1)
    wait(world, "2025-04-01 02:00")
    assert bills(anna)[1:] == [[APRIL]]


def test_a_schedule_named_by_its_key_alone_stays_as_it_is(world: World) -> None:
    anna, plan, _ = quarter(world, billing_schedules=[until("2025-04-01", key="a")])
    before = plan.now["billing_schedules"]
    world.at("2025-01-10")
    plan.update(billing_schedules=[{"key": "a"}])
    assert plan.now["billing_schedules"] == before
    assert len(anna.invoices) == 1


def test_a_new_anchor_gives_all_back_and_bills_as_far_again(world: World) -> None:
    anna, plan, _ = quarter(world)
    world.at("2025-02-15")
    plan.update(billing_cycle_anchor={"type": "now"}, proration_behavior="always_invoice")
    assert bills(anna)[1:] == [
        [
            (-1550, "2025-02-15", "2025-03-01"),
            (-3100, "2025-03-01", "2025-04-01"),
            (3100, "2025-02-15", "2025-03-15"),
            (1700, "2025-03-15", "2025-04-01"),
        ]
    ]
    assert billed_until(plan) == ["2025-04-01"]


def test_a_longer_interval_is_billed_once(world: World) -> None:
    anna, plan, _ = quarter(world)
    world.at("2025-02-01")
    yearly = world.plan("Yearly", every="year", usd=365)
    plan.update(items=[{"id": item_of(plan), "price": yearly}], proration_behavior="always_invoice")
    assert sum(amount for amount, *_ in bills(anna)[-1]) == 36500 - 3100 - 6200
    assert billed_until(plan) == [None]


# ------------------------------------------------------------------------------------- the end


def test_canceled_with_proration_all_the_rest_is_credited(world: World) -> None:
    anna, plan, _ = quarter(world)
    world.at("2025-02-15")
    plan.cancels(prorate=True)
    assert waiting(world, anna) == [(-1550, "2025-02-15", "2025-03-01"), (-3100, "2025-03-01", "2025-04-01")]


def test_max_billed_until_is_resolved_at_once(world: World) -> None:
    anna, plan, _ = quarter(world, cancel_at="max_billed_until")
    assert day(plan.now["cancel_at"]) == "2025-04-01"
    wait(world, "2025-04-01 02:00")
    assert plan.status == "canceled"
    assert bills(anna) == [[JANUARY, FEBRUARY, MARCH]]


def test_a_running_one_ends_when_all_that_is_billed_is_used(world: World) -> None:
    anna, plan, _ = quarter(world)
    world.at("2025-01-20")
    plan.update(cancel_at="max_billed_until")
    assert day(plan.now["cancel_at"]) == "2025-04-01"
    assert waiting(world, anna) == []


def test_an_end_with_the_period_credits_what_is_billed_beyond_it(world: World) -> None:
    anna, plan, _ = quarter(world)
    world.at("2025-01-20")
    plan.update(cancel_at_period_end=True)
    assert waiting(world, anna) == [(-3100, "2025-02-01", "2025-03-01"), (-3100, "2025-03-01", "2025-04-01")]
    plan.update(cancel_at_period_end=False)
    world.at("2025-02-01 02:00")
    assert sum(amount for amount, *_ in bills(anna)[-1]) == 3100 - 6200


def test_an_end_in_mid_period_credits_from_there(world: World) -> None:
    anna, plan, _ = quarter(world)
    plan.update(cancel_at=stamp("2025-02-15"))
    assert waiting(world, anna) == [(-1550, "2025-02-15", "2025-03-01"), (-3100, "2025-03-01", "2025-04-01")]
    assert billed_until(plan) == ["2025-02-15"]
    world.at("2025-02-15 02:00")
    assert plan.status == "canceled"


def test_a_pause_gives_back_all_that_is_not_used(world: World) -> None:
    anna, plan, _ = quarter(world)
    world.at("2025-02-15")
    world.post(f"/v1/subscriptions/{plan.id}/pause")
    assert waiting(world, anna) == [(-1550, "2025-02-15", "2025-03-01"), (-3100, "2025-03-01", "2025-04-01")]
    assert (billed_until(plan), plan.now["billing_schedules"]) == ([None], [])
    world.post(f"/v1/subscriptions/{plan.id}/resume")
    assert sum(amount for amount, *_ in bills(anna)[-1]) == 3100 - 4650


# ------------------------------------------------------------------------------------- previews


def test_what_is_previewed_is_what_is_billed(world: World) -> None:
    world.at("2025-01-01")
    anna, pro = world.customer("anna"), world.plan("Pro", usd=31)
    details: dict[str, Any] = {"items": [{"price": pro}], "billing_schedules": [lasting(3)]}
    shown = world.post("/v1/invoices/create_preview", customer=anna.id, subscription_details=details)
    plan = anna.subscribes_to(pro, billing_schedules=[lasting(3)])
    assert lines(shown) == bills(anna)[0]
    further: dict[str, Any] = {"billing_schedules": [until("2025-05-01")]}
    shown = world.post("/v1/invoices/create_preview", subscription=plan.id, subscription_details=further)
    plan.update(**further)
    assert lines(shown) == bills(anna)[1] == [APRIL]


def test_the_next_invoice_is_that_of_the_first_period_that_is_not_billed(world: World) -> None:
    _, plan, _ = quarter(world)
    shown = world.post("/v1/invoices/create_preview", subscription=plan.id)
    assert lines(shown) == [APRIL]
    shown = world.post(
        "/v1/invoices/create_preview",
        subscription=plan.id,
        preview_mode="recurring",
        subscription_details={"items": [{"id": item_of(plan), "quantity": 2}]},
    )
    assert lines(shown) == [(6200, "2025-04-01", "2025-05-01")]


# ------------------------------------------------------------------------------------- what is refused


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"billing_schedules": [until("2025-01-20")]}, "billing_schedules[0][bill_until]"),
    ({"billing_schedules": [until("2026-01-02")]}, "billing_schedules[0][bill_until]"),
    ({"billing_schedules": [lasting(13)]}, "billing_schedules[0][bill_until]"),
    (
        {"billing_schedules": [lasting(3)], "cancel_at": stamp("2025-03-01")},
        "billing_schedules[0][bill_until]",
    ),
    ({"billing_schedules": [{"key": "a"}]}, "billing_schedules[0][bill_until]"),
    (
        {"billing_schedules": [{"bill_until": {"type": "duration"}}]},
        "billing_schedules[0][bill_until][duration]",
    ),
    (
        {"billing_schedules": [{"bill_until": {"type": "timestamp"}}]},
        "billing_schedules[0][bill_until][timestamp]",
    ),
    ({"billing_schedules": [lasting(2) | {"key": "a b"}]}, "billing_schedules[0][key]"),
    (
        {"billing_schedules": [lasting(2) | {"key": "a"}, lasting(3) | {"key": "a"}]},
        "billing_schedules[1][key]",
    ),
    ({"billing_schedules": [lasting(2)], "billing_mode": {"type": "classic"}}, "billing_schedules"),
    ({"billing_schedules": [lasting(2)], "trial_period_days": 7}, "billing_schedules"),
    ({"billing_schedules": [lasting(2)], "proration_behavior": "none"}, "proration_behavior"),
]


@pytest.mark.parametrize(("asked", "param"), WRONG)
def test_what_cannot_be_billed_in_advance_is_refused(world: World, asked: dict[str, Any], param: str) -> None:
    world.at("2025-01-01")
    anna, pro = world.customer("anna"), world.plan("Pro", usd=31)
    refused = world.refused("/v1/subscriptions", customer=anna.id, items=[{"price": pro}], **asked)
    assert (refused["status"], refused["param"]) == (400, param)
    assert anna.invoices == []


def test_use_cannot_be_billed_in_advance(world: World) -> None:
    world.at("2025-01-01")
    anna, pro = world.customer("anna"), world.plan("Pro", usd=31)
    calls = world.metered("Calls", world.meter("calls"), cents="2")
    form: dict[str, Any] = {"customer": anna.id, "items": [{"price": calls}]}
    refused = world.refused("/v1/subscriptions", **form, billing_schedules=[lasting(2)])
    assert refused["param"] == "billing_schedules"
    form["items"].append({"price": pro})
    refused = world.refused("/v1/subscriptions", **form, billing_schedules=[until("2025-03-01", pro, calls)])
    assert refused["param"] == "billing_schedules[0][applies_to][1][price]"


@pytest.mark.parametrize(
    "coupon", [{"amount_off": 100}, {"percent_off": 10, "duration": "repeating", "duration_in_months": 3}]
)
def test_only_percentages_once_or_forever_go_with_it(world: World, coupon: dict[str, Any]) -> None:
    world.at("2025-01-01")
    anna, pro, off = world.customer("anna"), world.plan("Pro", usd=31), [{"coupon": world.coupon(**coupon)}]
    form: dict[str, Any] = {"customer": anna.id, "items": [{"price": pro}], "discounts": off}
    refused = world.refused("/v1/subscriptions", **form, billing_schedules=[lasting(2)])
    assert refused["param"] == "discounts"
    plan = anna.subscribes_to(pro, billing_schedules=[lasting(2)])
    assert world.refused(f"/v1/subscriptions/{plan.id}", discounts=off)["param"] == "discounts"


def test_a_running_one_is_not_changed_without_proration_nor_planned(world: World) -> None:
    _, plan, _ = quarter(world)
    path = f"/v1/subscriptions/{plan.id}"
    change = {"items": [{"id": item_of(plan), "quantity": 2}], "proration_behavior": "none"}
    assert world.refused(path, **change)["param"] == "proration_behavior"
    waits = {"payment_behavior": "pending_if_incomplete", "billing_schedules": [lasting(4)]}
    assert world.refused(path, **waits)["param"] == "billing_schedules"
    refused = world.refused("/v1/subscription_schedules", from_subscription=plan.id)
    assert refused["param"] == "from_subscription"


def test_one_that_is_planned_is_not_billed_in_advance(world: World) -> None:
    _, plan, _ = quarter(world, billing_schedules=[])
    world.post("/v1/subscription_schedules", from_subscription=plan.id)
    refused = world.refused(f"/v1/subscriptions/{plan.id}", billing_schedules=[lasting(2)])
    assert refused["param"] == "billing_schedules"


def test_an_update_that_must_be_paid_bills_in_advance_only_then(world: World) -> None:
    anna, plan, _ = quarter(world, billing_schedules=[])
    anna.pays_with("declining")
    more = {"billing_schedules": [lasting(3)], "payment_behavior": "error_if_incomplete"}
    assert world.refused(f"/v1/subscriptions/{plan.id}", **more)["status"] == 402
    assert (billed_until(plan), plan.now["billing_schedules"]) == ([None], [])
    anna.pays_with("visa")
    plan.update(**more)
    assert (billed_until(plan), bills(anna)[-1]) == (["2025-04-01"], [FEBRUARY, MARCH])
    world.at("2025-02-01 02:00")
    assert bills(anna)[-1] == [FEBRUARY, MARCH]


# ------------------------------------------------------------------------------------- with all the rest


def test_a_second_change_reverses_what_the_first_charged(world: World) -> None:
    anna, plan, _ = quarter(world)
    for when, many in (("2025-01-10", 2), ("2025-02-15", 5)):
        world.at(when)
        plan.update(items=[{"id": item_of(plan), "quantity": many}], proration_behavior="always_invoice")
    assert bills(anna)[-1] == [
        (-3100, "2025-02-15", "2025-03-01"),
        (-6200, "2025-03-01", "2025-04-01"),
        (7750, "2025-02-15", "2025-03-01"),
        (15500, "2025-03-01", "2025-04-01"),
    ]


def test_a_trial_in_between_gives_all_back_and_afterwards_it_renews(world: World) -> None:
    anna, plan, _ = quarter(world)
    world.at("2025-01-17")
    plan.update(trial_end=stamp("2025-02-17"))
    assert sum(amount for amount, *_ in waiting(world, anna)) == -1500 - 3100 - 3100
    assert (billed_until(plan), plan.now["billing_schedules"]) == ([None], [])
    plan.update(items=[{"price": world.plan("Seats", usd=28)}])
    assert billed_until(plan) == [None, None]
    world.at("2025-02-17 02:00")
    assert (3100, "2025-02-17", "2025-03-17") in bills(anna)[-1]
    assert (2800, "2025-02-17", "2025-03-17") in bills(anna)[-1]


def test_an_item_that_is_removed_is_credited_for_all_its_periods(world: World) -> None:
    world.at("2025-01-01")
    anna, pro, seats = world.customer("anna"), world.plan("Pro", usd=31), world.plan("Seats", usd=28)
    plan = anna.subscribes_to(pro, seats, billing_schedules=[lasting(3)])
    world.at("2025-02-15")
    [gone] = [item["id"] for item in plan.now["items"]["data"] if item["price"]["id"] == seats]
    world.delete(f"/v1/subscription_items/{gone}")
    assert waiting(world, anna) == [(-1400, "2025-02-15", "2025-03-01"), (-2800, "2025-03-01", "2025-04-01")]


def test_schedules_of_their_own_reach_differently_far(world: World) -> None:
    world.at("2025-01-01")
    anna, pro = world.customer("anna"), world.plan("Pro", usd=31)
    yearly = world.plan("Yearly", every="year", usd=365)
    anna.subscribes_to(pro, yearly, billing_schedules=[until("2025-03-01", pro), until("2027-01-01", yearly)])
    assert bills(anna) == [
        [JANUARY, FEBRUARY, (36500, "2025-01-01", "2026-01-01"), (36500, "2026-01-01", "2027-01-01")]
    ]
    refused = world.refused(
        "/v1/subscriptions",
        customer=anna.id,
        items=[{"price": pro}, {"price": yearly}],
        billing_schedules=[lasting(3)],
    )
    assert refused["param"] == "billing_schedules[0][bill_until]"


def test_a_change_and_a_schedule_at_once_prorate_what_was_billed_and_bill_the_rest(world: World) -> None:
    anna, plan, _ = quarter(world, billing_schedules=[])
    world.at("2025-01-17")
    plan.update(items=[{"id": item_of(plan), "quantity": 2}], billing_schedules=[until("2025-03-01")])
    assert bills(anna)[-1] == [
        (-1500, "2025-01-17", "2025-02-01"),
        (3000, "2025-01-17", "2025-02-01"),
        (6200, "2025-02-01", "2025-03-01"),
    ]


def test_a_threshold_that_resets_the_anchor_bills_as_far_again(world: World) -> None:
    world.at("2025-01-01")
    anna, pro = world.customer("anna"), world.plan("Pro", usd=31)
    calls = world.metered("Calls", world.meter("calls"), cents="2")
    limit = {"amount_gte": 1000, "reset_billing_cycle_anchor": True}
    plan = anna.subscribes_to(pro, calls, billing_schedules=[lasting(2)], billing_thresholds=limit)
    world.at("2025-01-11")
    anna.uses("calls", 600, "2025-01-10")
    world.at("2025-01-11 01:00")
    assert "2025-03-01" in billed_until(plan)
    assert day(plan.now["billing_cycle_anchor"]) == "2025-01-11"
    flat = [row for row in bills(anna)[-1] if row[0] != 1200]
    assert flat == [
        (-2100, "2025-01-11", "2025-02-01"),
        (-3100, "2025-02-01", "2025-03-01"),
        (3100, "2025-01-11", "2025-02-11"),
        (1993, "2025-02-11", "2025-03-01"),
    ]


def test_what_is_sent_in_advance_has_its_hour_as_any_draft(world: World) -> None:
    anna, plan, _ = quarter(world, collection_method="send_invoice", days_until_due=30)
    assert (anna.last_invoice.data["status"], bills(anna)) == ("draft", [[JANUARY, FEBRUARY, MARCH]])
    world.at("2025-01-20")
    plan.update(billing_schedules=[until("2025-05-01")])
    assert (anna.last_invoice.data["status"], bills(anna)[1:]) == ("draft", [[APRIL]])
    world.at("2025-01-20 02:00")
    assert anna.last_invoice.data["status"] == "open"


def test_its_first_payment_failed_nothing_is_owed_for_what_is_ahead(world: World) -> None:
    world.at("2025-01-01")
    anna, pro = world.customer("anna", card="declining"), world.plan("Pro", usd=31)
    plan = anna.subscribes_to(pro, billing_schedules=[lasting(3)])
    assert (plan.status, anna.last_invoice.data["amount_due"]) == ("incomplete", 9300)
    world.at("2025-01-02 02:00")
    assert (plan.status, anna.last_invoice.data["status"]) == ("incomplete_expired", "void")


def test_a_trial_that_is_ended_may_be_followed_by_months_in_advance(world: World) -> None:
    anna, plan, _ = quarter(world, billing_schedules=[], trial_period_days=14)
    world.at("2025-01-11")
    path = f"/v1/subscriptions/{plan.id}"
    assert world.refused(path, billing_schedules=[lasting(2)])["param"] == "billing_schedules"
    plan.update(trial_end="now", billing_schedules=[lasting(2)])
    assert bills(anna)[-1] == [(3100, "2025-01-11", "2025-02-11"), (3100, "2025-02-11", "2025-03-11")]


def test_a_paused_one_is_not_billed_in_advance(world: World) -> None:
    _, plan, _ = quarter(world)
    world.post(f"/v1/subscriptions/{plan.id}/pause")
    refused = world.refused(f"/v1/subscriptions/{plan.id}", billing_schedules=[lasting(2)])
    assert refused["param"] == "billing_schedules"


def test_a_change_that_waits_for_its_payment_leaves_what_is_billed_until_then(world: World) -> None:
    anna, plan, _ = quarter(world)
    anna.pays_with("declining")
    world.at("2025-01-17")
    change = {"items": [{"id": item_of(plan), "quantity": 2}], "proration_behavior": "always_invoice"}
    plan.update(**change, payment_behavior="pending_if_incomplete")
    assert plan.now["pending_update"]
    anna.pays_with("visa")
    world.post(f"/v1/invoices/{anna.last_invoice.data['id']}/pay")
    world.at("2025-01-17 01:00")
    assert (plan.now["pending_update"], plan.now["items"]["data"][0]["quantity"]) == (None, 2)
    assert (billed_until(plan), anna.last_invoice.data["total"]) == (["2025-04-01"], 1500 + 6200)
    plan.cancels(prorate=True)
    assert sum(amount for amount, *_ in waiting(world, anna)) == -2992 - 12400


def test_a_discount_that_the_customer_gets_later_stops_no_update(world: World) -> None:
    anna, plan, _ = quarter(world)
    other = anna.subscribes_to(
        world.plan("Other", usd=5), discounts=[{"coupon": world.coupon(amount_off=50)}]
    )
    assert other.status == "active"
    plan.update(metadata={"a": "b"})
    plan.update(items=[{"id": item_of(plan), "quantity": 2}])
    assert billed_until(plan) == ["2025-04-01"]


def test_schedules_are_shown_as_the_contract_has_them(world: World, contract: ModuleType) -> None:
    _, plan, pro = quarter(world, billing_schedules=[])
    plan.update(billing_schedules=[until("2025-03-01", pro)])
    shown = world.get(f"/v1/subscriptions/{plan.id}", expand=["billing_schedules.applies_to.price"])
    assert (contract.problems(plan.now), contract.problems(shown)) == ([], [])
    assert shown["billing_schedules"][0]["applies_to"][0]["price"]["object"] == "price"
