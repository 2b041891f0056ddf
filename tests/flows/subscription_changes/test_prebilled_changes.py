"""What if something changes, or ends, before the periods that are billed begin (§5.16)?"""

from types import ModuleType

from tests.flows.subscription_terms.billing_in_advance import (
    APRIL,
    FEBRUARY,
    JANUARY,
    MARCH,
    billed_until,
    bills,
    item_of,
    lasting,
    quarter,
    stamp,
    until,
    wait,
    waiting,
)
from tests.support.world import World, day


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
    wait(world, "2025-04-10")
    plan.update(billing_schedules=[{"key": "a"}, until("2025-06-01", key="b")])
    assert plan.now["billing_schedules"][:1] == before
    assert bills(anna)[1:] == [[APRIL], [(3100, "2025-05-01", "2025-06-01")]]


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


def test_a_shorter_interval_is_billed_for_twelve_of_its_periods(world: World) -> None:
    world.at("2025-01-01")
    anna, yearly = world.customer("anna"), world.plan("Yearly", every="year", usd=365)
    plan = anna.subscribes_to(yearly, billing_schedules=[lasting(3, "year")])
    world.at("2025-01-02")
    daily = world.plan("Daily", every="day", usd=1)
    plan.update(items=[{"id": item_of(plan), "price": daily}], proration_behavior="always_invoice")
    assert anna.last_invoice.data["total"] == 1200 - 36400 - 2 * 36500
    assert billed_until(plan) == ["2025-01-14"]


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
    path = f"/v1/subscriptions/{plan.id}/pause"
    refused = world.refused(path, bill_for={"unused_time_from": {"type": "none"}})
    assert refused["param"] == "bill_for[unused_time_from][type]"
    world.post(path)
    assert waiting(world, anna) == [(-1550, "2025-02-15", "2025-03-01"), (-3100, "2025-03-01", "2025-04-01")]
    assert (billed_until(plan), plan.now["billing_schedules"]) == ([None], [])
    world.post(f"/v1/subscriptions/{plan.id}/resume")
    assert sum(amount for amount, *_ in bills(anna)[-1]) == 3100 - 4650


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


def test_who_is_billed_in_advance_is_left_out_where_others_are_renewed(world: World) -> None:
    anna, plan, pro = quarter(world)
    otto = world.customer("otto")
    otto.subscribes_to(pro)
    anna.owes(700)
    world.at("2025-02-01 02:00")
    assert [amount for amount, *_ in bills(anna)[-1]] == [700]
    assert bills(otto)[1:] == [[FEBRUARY]]
    world.at("2025-03-01 02:00")
    assert (len(anna.invoices), bills(otto)[2:]) == (2, [[MARCH]])
    assert plan.period == ("2025-03-01", "2025-04-01")
