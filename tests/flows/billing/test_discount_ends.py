"""How discounts end: used up, lapsed, taken off, and only ever once (§2.6, §2.8)."""

import contextlib
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from billow.app import App
from billow.flows.invoices import finalize
from billow.flows.subscriptions import renew
from billow.store import jobs
from billow.store.tx import Tx
from tests.flows.billing.discount_stories import MADE, by_hand, granted, merchant, off, totals
from tests.flows.conftest import Worlds
from tests.support.statement_counts import counted
from tests.support.world import BEGUN, FREE, OPENED, PAID, World, moment

# ------------------------------------------------------------------------------------- how they end


def test_for_one_invoice_it_is_used_up_by_the_first_that_is_finalized_t41(world: World) -> None:
    anna = merchant(world)
    plan = anna.subscribes_to(world.plan("Gold", usd=10))
    coupon = world.coupon(percent_off=50)
    world.forget()
    plan.update(discounts=[{"coupon": coupon}])
    world.check_events([*MADE, "customer.subscription.updated"])
    world.at("2025-02-01", expect=["customer.subscription.updated", "invoice.created"])
    assert len(plan.now["discounts"]) == 1, "a draft does not use it up"
    [finalized, *others] = OPENED
    gone = ["customer.discount.deleted", "customer.subscription.updated"]
    world.at("2025-02-01 01:00", expect=[finalized, *gone, *others, *PAID])
    assert plan.now["discounts"] == []
    world.at("2025-03-01 01:00")
    assert totals(anna) == [1000, 500, 1000]
    first = anna.invoices[1].data
    [di] = first["discounts"]
    path = f"/v1/invoices/{first['id']}"
    shown = world.get(path, expand=["discounts.source.coupon", "total_discount_amounts.discount"])
    assert shown["discounts"][0]["source"]["coupon"]["id"] == coupon
    assert shown["total_discount_amounts"][0]["discount"]["id"] == di


def test_the_first_invoice_of_a_subscription_uses_it_up_before_it_is_told(world: World) -> None:
    anna = merchant(world)
    coupon = world.coupon(percent_off=50)
    plan = anna.subscribes_to(world.plan("Gold", usd=10), discounts=[{"coupon": coupon}])
    [finalized, *others] = OPENED
    told = [*MADE, "invoice.created", finalized, "customer.discount.deleted", *others, *PAID, *BEGUN]
    world.check_events(told)
    assert (plan.now["discounts"], totals(anna)) == ([], [500])


def test_a_trial_does_not_use_it_up(world: World) -> None:
    anna = merchant(world)
    terms = [{"coupon": world.coupon(percent_off=50)}]
    plan = anna.subscribes_to(world.plan("Gold", usd=10), discounts=terms, trial_period_days=14)
    world.check_events([*MADE, "invoice.created", *FREE, *BEGUN])
    assert len(plan.now["discounts"]) == 1
    world.at("2025-01-15 01:00")
    assert totals(anna) == [0, 500]


def test_of_two_drafts_only_the_first_that_is_finalized_has_it(app: App, world: World) -> None:
    anna = merchant(world)
    granted(app, anna, coupon=world.coupon(percent_off=50))
    one, two = by_hand(anna, 1000), by_hand(anna, 3000)
    assert (one.data["total"], two.data["total"]) == (500, 1500)
    two.does("finalize")
    assert (one.now["total"], anna.now["discount"]) == (500, None)
    data = one.does("finalize")
    assert (data["total"], data["discounts"], data["total_discount_amounts"]) == (1000, [], [])


def test_two_drafts_that_are_finalized_together_share_it_not(app: App, world: World) -> None:
    anna = merchant(world)
    granted(app, anna, coupon=world.coupon(percent_off=50))
    by_hand(anna, 1000, auto_advance=True)
    by_hand(anna, 1000, auto_advance=True)
    world.at("2025-01-01 01:00")
    assert sorted(totals(anna)) == [500, 1000]


@pytest.mark.parametrize(
    ("every", "totals_then"),
    [("month", [500, 500, 500, 1000, 1000]), ("week", [500] * 13 + [1000] * 5), ("year", [500])],
)
def test_a_repeating_one_counts_in_a_window_of_the_calendar_t42(
    world: World, every: str, totals_then: list[int]
) -> None:
    anna = merchant(world)
    coupon = world.coupon(percent_off=50, duration="repeating", duration_in_months=3)
    plan = anna.subscribes_to(world.plan("Gold", usd=10, every=every), discounts=[{"coupon": coupon}])
    shown = world.get(f"/v1/subscriptions/{plan.id}", expand=["discounts"])["discounts"][0]
    assert shown["end"] == int(datetime(2025, 4, 1, tzinfo=UTC).timestamp())
    for day in range(5, 121, 5):
        world.at((moment("2025-01-01 01:00") + timedelta(days=day)).strftime("%Y-%m-%d %H:%M"))
    assert totals(anna) == totals_then
    assert plan.now["discounts"] == ([] if every != "year" else [shown["id"]])


def test_a_yearly_invoice_in_the_window_is_discounted_whole_x93(world: World) -> None:
    anna = merchant(world)
    plan = anna.subscribes_to(world.plan("Gold", usd=120, every="year"))
    for month in range(2, 13):
        world.at(f"2025-{month:02}-01")
    world.at("2025-12-15")
    plan.update(
        discounts=[{"coupon": world.coupon(percent_off=50, duration="repeating", duration_in_months=3)}]
    )
    world.at("2026-01-01 01:00")
    assert totals(anna) == [12000, 6000]


def test_one_that_lapsed_is_taken_off_with_the_next_invoice_and_the_customers_comes_back(
    app: App, world: World
) -> None:
    anna = merchant(world)
    granted(app, anna, coupon=world.coupon(percent_off=10, duration="forever"))
    coupon = world.coupon(percent_off=50, duration="repeating", duration_in_months=1)
    plan = anna.subscribes_to(world.plan("Gold", usd=10), discounts=[{"coupon": coupon}])
    world.forget()
    gone = ["customer.discount.deleted", "customer.subscription.updated"]
    world.at("2025-02-01", expect=["customer.subscription.updated", *gone, "invoice.created"])
    assert plan.now["discounts"] == []
    world.at("2025-02-01 01:00")
    assert totals(anna) == [500, 900]


@pytest.mark.parametrize(
    ("months", "total"), [pytest.param(2, 100 + 100 + 200, id="X58"), pytest.param(3, 300, id="X59")]
)
def test_a_start_that_is_set_back_sets_the_window_back(world: World, months: int, total: int) -> None:
    anna = merchant(world, "2025-03-01")
    coupon = world.coupon(percent_off=50, duration="repeating", duration_in_months=months)
    anna.subscribes_to(
        world.plan("Gold", usd=2),
        discounts=[{"coupon": coupon}],
        backdate_start_date=int(datetime(2025, 1, 1, tzinfo=UTC).timestamp()),
    )
    data = anna.last_invoice.data
    assert (len(data["lines"]["data"]), data["total"]) == (3, total)


def test_what_is_left_of_an_amount_is_lost_t43(world: World) -> None:
    anna = merchant(world)
    plan = anna.subscribes_to(
        world.plan("Gold", usd=10), discounts=[{"coupon": world.coupon(amount_off=5000)}]
    )
    world.at("2025-02-01 01:00")
    assert (totals(anna), plan.now["discounts"]) == ([0, 1000], [])


def test_one_for_ever_outlives_its_coupon(world: World) -> None:
    anna = merchant(world)
    coupon = world.coupon(percent_off=50, duration="forever")
    anna.subscribes_to(world.plan("Gold", usd=10), discounts=[{"coupon": coupon}])
    world.delete(f"/v1/coupons/{coupon}")
    world.at("2025-02-01 01:00")
    assert totals(anna) == [500, 500]


# ------------------------------------------------------------------------------------- taking them off


def test_the_discount_of_a_customer_is_replaced_and_removed(app: App, world: World) -> None:
    anna = merchant(world)
    old = granted(app, anna, coupon=world.coupon(percent_off=10, duration="forever"))
    world.check_events([*MADE, "customer.updated"])
    new = granted(app, anna, coupon=world.coupon(percent_off=20, duration="forever"))
    world.check_events(["coupon.updated", "customer.discount.updated", "customer.updated"])
    assert old["id"] != new["id"]
    answer = world.delete(f"/v1/customers/{anna.id}/discount")
    assert (answer["id"], answer["deleted"], answer["object"]) == (new["id"], True, "discount")
    world.check_events(["customer.discount.deleted", "customer.updated"])
    assert anna.now["discount"] is None
    error = world.api.delete(f"/v1/customers/{anna.id}/discount")
    assert (error.status, error["error"]["code"]) == (404, "resource_missing")


def test_the_discounts_of_a_subscription_are_removed(world: World) -> None:
    anna = merchant(world)
    coupon = world.coupon(percent_off=50, duration="forever")
    plan = anna.subscribes_to(world.plan("Gold", usd=10), discounts=[{"coupon": coupon}])
    world.forget()
    assert world.delete(f"/v1/subscriptions/{plan.id}/discount")["deleted"]
    world.check_events(["customer.discount.deleted", "customer.subscription.updated"])
    plan.update(discounts=[{"coupon": coupon}])
    world.forget()
    plan.update(discounts="")
    world.check_events(["customer.discount.deleted", "customer.subscription.updated"])
    world.at("2025-02-01 01:00")
    assert totals(anna) == [500, 1000]
    assert world.api.delete(f"/v1/subscriptions/{plan.id}/discount").status == 404


def test_removing_an_inherited_discount_from_a_draft_leaves_the_customers(app: App, world: World) -> None:
    anna = merchant(world)
    mine = granted(app, anna, coupon=world.coupon(percent_off=10, duration="forever"))
    invoice = by_hand(anna, 1000)
    world.forget()
    world.post(f"/v1/invoices/{invoice.data['id']}", discounts="")
    world.check_events(["invoice.updated"])
    assert (invoice.now["total"], anna.now["discount"]["id"]) == (1000, mine["id"])


# ------------------------------------------------------------------------------------- previews, batches


def test_a_preview_takes_discounts_and_redeems_nothing(world: World) -> None:
    anna = merchant(world)
    plan = anna.subscribes_to(world.plan("Gold", usd=10))
    coupon = world.coupon(percent_off=50)
    shown = world.post("/v1/invoices/create_preview", subscription=plan.id, discounts=[{"coupon": coupon}])
    assert (shown["total"], off(shown)) == (500, [500])
    assert world.get(f"/v1/coupons/{coupon}")["times_redeemed"] == 0
    items = [{"id": plan.now["items"]["data"][0]["id"], "tax_rates": [world.tax(10)]}]
    details = {"items": items}
    shown = world.post("/v1/invoices/create_preview", subscription=plan.id, subscription_details=details)
    assert shown["total"] == 1100
    details = {"items": [{"price": world.plan("Silver", usd=20)}], "default_tax_rates": [world.tax(50)]}
    ben = world.customer("ben")
    form = {"customer": ben.id, "subscription_details": details, "discounts": [{"coupon": coupon}]}
    shown = world.post("/v1/invoices/create_preview", **form)
    assert (shown["total"], off(shown), ben.invoices) == (1500, [1000], [])


def test_the_size_of_a_batch_does_not_matter_to_discounts_and_taxes(
    app: App, worlds: Worlds, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = []
    for batch in (500, 1, 2):

        def run_clock(clock: str, until: datetime, batch: int = batch) -> bool:
            jobs.run_due(app.db, clock=clock, until=until, batch=batch)
            return True

        monkeypatch.setattr(app.db, "outside", replace(app.db.outside, run_clock=run_clock))
        world = worlds()
        world.at("2025-01-01")
        gold, tax = world.plan("Gold", usd=10), world.tax(19, inclusive=True)
        coupons = [
            world.coupon(percent_off=10, duration="forever"),
            world.coupon(amount_off=250),
            world.coupon(percent_off=30, duration="repeating", duration_in_months=1),
        ]
        people = [world.customer(name) for name in ("anna", "ben", "cleo", "dan")]
        for place, person in enumerate(people):
            terms = [{"coupon": coupon} for coupon in coupons[: place % 4]]
            person.subscribes_to(gold, discounts=terms, default_tax_rates=[tax] if place % 2 else [])
        world.at("2025-02-01 01:00")
        world.at("2025-03-01 01:00")
        found.append([totals(person) for person in people])
    assert found[0] == found[1] == found[2]
    assert found[0] == [[1000] * 3, [900] * 3, [650, 900, 900], [455, 900, 900]]


def statements_of(
    app: App, world: World, verb: Callable[[Tx, list[str]], Any], refs: list[str], when: str
) -> int:
    """Count the statements of a batch, with those that write its events and timers; nothing of it is kept."""

    class Stop(Exception):
        pass

    clock = world.clock or "wall"
    with (
        contextlib.suppress(Stop),
        app.db.transaction(world.api.tenant, now=moment(when), clock=clock) as tx,
        counted() as count,
    ):
        verb(tx, refs)
        tx.end()
        raise Stop
    return len(count)


def test_statements_do_not_grow_with_discounts_and_taxes(app: App, world: World) -> None:
    world.at("2025-01-01")
    gold, tax = world.plan("Gold", usd=10), world.tax(19)
    coupon = world.coupon(percent_off=10, duration="forever")
    many: dict[str, list[str]] = {"plain": [], "reduced": []}
    for number in range(6):
        person, kind = world.customer(f"p{number}"), "reduced" if number % 2 else "plain"
        terms = {"discounts": [{"coupon": coupon}], "default_tax_rates": [tax]} if number % 2 else {}
        many[kind].append(person.subscribes_to(gold, **terms).id)
    renewed = {
        (kind, n): statements_of(app, world, renew.renew, ids[:n], "2025-02-01")
        for kind, ids in many.items()
        for n in (1, 3)
    }
    assert renewed["plain", 1] == renewed["plain", 3]
    # Discounts, coupons, rates; and the rates once more for each of the events that show invoices.
    assert renewed["plain", 3] < renewed["reduced", 1] == renewed["reduced", 3] <= renewed["plain", 3] + 6
    world.at("2025-02-01")
    drafts = {
        kind: [world.get(f"/v1/subscriptions/{id}")["latest_invoice"] for id in ids]
        for kind, ids in many.items()
    }
    finalized = {
        (kind, n): statements_of(app, world, finalize.finalize_many, ids[:n], "2025-02-01 01:00")
        for kind, ids in drafts.items()
        for n in (1, 3)
    }
    assert finalized["plain", 1] == finalized["plain", 3]
    assert finalized["plain", 3] < finalized["reduced", 1] == finalized["reduced", 3]


def test_a_void_invoice_has_used_it_up_all_the_same(world: World) -> None:
    world.at("2025-01-01")
    anna = world.customer("anna")
    coupon = world.coupon(percent_off=50)
    plan = anna.subscribes_to(
        world.plan("Gold", usd=10),
        discounts=[{"coupon": coupon}],
        collection_method="send_invoice",
        days_until_due=7,
    )
    world.at("2025-01-01 01:00")
    first = anna.last_invoice
    assert first.does("void")["total"] == 500
    assert plan.now["discounts"] == []
    assert world.get(f"/v1/coupons/{coupon}")["times_redeemed"] == 1
    world.at("2025-02-01 01:00")
    assert anna.last_invoice.data["total"] == 1000


def test_what_lapses_with_the_invoice_of_a_change_is_told_once(world: World) -> None:
    world.at("2025-01-01")
    anna = world.customer("anna")
    coupon = world.coupon(percent_off=50, duration="repeating", duration_in_months=2)
    plan = anna.subscribes_to(world.plan("Year", every="year", usd=365), discounts=[{"coupon": coupon}])
    world.at("2025-04-01")
    item = plan.now["items"]["data"][0]["id"]
    plan.update(items=[{"id": item, "quantity": 2}], proration_behavior="always_invoice")
    updates = [
        one["data"]["previous_attributes"] for one in world.events() if one["type"].endswith("n.updated")
    ]
    assert ["discounts" in one for one in updates] == [True, False]
