"""Coupons become discounts, take what they may, and end: used up, lapsed, or taken off (§2.6 to §2.8)."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from billow.api import rows
from billow.api.params import made
from billow.app import App
from billow.flows import discount
from billow.flows.discount import DiscountTerm
from billow.resources.customer import Customer as CustomerRow
from billow.store import clocks, jobs
from tests.scenarios.conftest import Worlds
from tests.world import BEGUN, FREE, OPENED, PAID, Customer, Invoice, World, moment

MADE = ["coupon.updated", "customer.discount.created"]


def merchant(world: World, when: str = "2025-01-01", **customer: Any) -> Customer:
    world.at(when)
    return world.customer("anna", **customer)


def granted(app: App, anna: Customer, **term: str) -> dict[str, Any]:
    """Give a customer a discount, as the dashboard does."""
    with app.db.transaction(anna.world.api.tenant) as tx:
        tx = clocks.of_customer(tx, anna.id)
        discount.grant(tx, rows.lock(tx, CustomerRow, anna.id), made(DiscountTerm, **term))
    found: dict[str, Any] = anna.now["discount"]
    return found


def code(world: World, coupon: str, **more: Any) -> str:
    form = {"promotion": {"type": "coupon", "coupon": coupon}, **more}
    return str(world.post("/v1/promotion_codes", **form)["id"])


def off(data: dict[str, Any]) -> list[int]:
    return [entry["amount"] for entry in data["total_discount_amounts"]]


def totals(anna: Customer) -> list[int]:
    return [invoice.data["total"] for invoice in anna.invoices]


def by_hand(anna: Customer, *amounts: int, **more: Any) -> Invoice:
    for place, amount in enumerate(amounts):
        anna.owes(amount, f"Work {place}")
    return anna.bills(**more)


# ------------------------------------------------------------------------------------- what is taken


@pytest.mark.parametrize(
    ("amounts", "coupons", "taken", "total"),
    [
        pytest.param([10000], [{"percent_off": 50}], [5000], 5000, id="X87"),
        pytest.param([10000], [{"amount_off": 20000}], [10000], 0, id="X88"),
        pytest.param([30000], [{"amount_off": 20000}], [20000], 10000, id="X89"),
        pytest.param([10000], [{"percent_off": 20}, {"amount_off": 500}], [2000, 500], 7500, id="X90 a"),
        pytest.param([10000], [{"amount_off": 500}, {"percent_off": 20}], [500, 1900], 7600, id="X90 b"),
        pytest.param([999], [{"percent_off": "33.33"}], [333], 666, id="X92"),
    ],
)
def test_discounts_on_an_invoice(
    world: World, amounts: list[int], coupons: list[dict[str, Any]], taken: list[int], total: int
) -> None:
    anna = merchant(world)
    terms = [{"coupon": world.coupon(**coupon)} for coupon in coupons]
    data = by_hand(anna, *amounts, discounts=terms).does("finalize")
    assert (off(data), data["total"], data["subtotal"]) == (taken, total, sum(amounts))


def test_an_amount_is_spread_over_three_lines_x91(world: World) -> None:
    anna = merchant(world)
    data = by_hand(anna, 100, 100, 100, discounts=[{"coupon": world.coupon(amount_off=100)}]).data
    lines = [line["discount_amounts"][0]["amount"] for line in data["lines"]["data"]]
    assert (lines, data["total"]) == ([33, 33, 34], 200)


def test_an_amount_is_spread_over_the_items_of_a_subscription_x43(world: World) -> None:
    anna = merchant(world)
    # Lines stand newest first, and the last of them takes the cent.
    prices = [world.plan("Ten", usd=10), world.plan("Twenty", usd=20)]
    anna.subscribes_to(*prices, discounts=[{"coupon": world.coupon(amount_off=500, duration="forever")}])
    data = anna.last_invoice.data
    assert (data["total"], data["subtotal"], off(data)) == (2500, 3000, [500])
    lines = {line["amount"]: line["discount_amounts"][0]["amount"] for line in data["lines"]["data"]}
    assert lines == {1000: 166, 2000: 334}


@pytest.mark.parametrize(
    ("mode", "credit"), [pytest.param("classic", -250, id="X44"), pytest.param("flexible", -417, id="X45")]
)
def test_removing_an_item_gives_back_what_its_discount_left(world: World, mode: str, credit: int) -> None:
    anna = merchant(world, "2025-04-01")
    prices = [world.plan("Ten", usd=10), world.plan("Twenty", usd=20)]
    coupon = world.coupon(amount_off=500, duration="forever")
    plan = anna.subscribes_to(*prices, discounts=[{"coupon": coupon}], billing_mode={"type": mode})
    [ten] = [item["id"] for item in plan.now["items"]["data"] if item["price"]["id"] == prices[0]]
    world.at("2025-04-16")
    plan.update(items=[{"id": ten, "deleted": True}])
    [item] = world.get("/v1/invoiceitems", customer=anna.id, pending=True)["data"]
    assert (item["amount"], item["net_amount"], item["discountable"]) == (credit, credit, False)


def test_a_change_is_charged_with_the_new_discounts_and_says_so(world: World) -> None:
    anna = merchant(world, "2025-04-01")
    plan = anna.subscribes_to(world.plan("Gold", usd=10))
    item = plan.now["items"]["data"][0]["id"]
    world.at("2025-04-16")
    coupon = world.coupon(percent_off=35, duration="forever")
    plan.update(items=[{"id": item, "quantity": 2}], discounts=[{"coupon": coupon}])
    waiting = world.get("/v1/invoiceitems", customer=anna.id, pending=True)["data"]
    assert [(one["amount"], one["description"]) for one in waiting] == [
        (-500, "Unused time on Gold after 16 Apr 2025"),
        (650, "Remaining time on 2 \u00d7 Gold after 16 Apr 2025 (with 35.0% off)"),
    ]
    assert not any(one["proration_details"]["discount_amounts"] for one in waiting)


def test_itemized_prorations_show_the_discounts_apart(world: World) -> None:
    anna = merchant(world, "2025-04-01")
    mode = {"type": "flexible", "flexible": {"proration_discounts": "itemized"}}
    terms = [{"coupon": world.coupon(percent_off=35, duration="forever")}]
    plan = anna.subscribes_to(world.plan("Gold", usd=10), discounts=terms, billing_mode=mode)
    item = plan.now["items"]["data"][0]["id"]
    world.at("2025-04-16")
    plan.update(items=[{"id": item, "quantity": 2}])
    waiting = world.get("/v1/invoiceitems", customer=anna.id, pending=True)["data"]
    [di] = plan.now["discounts"]
    assert [(one["amount"], one["net_amount"]) for one in waiting] == [(-500, -325), (1000, 650)]
    assert waiting[1]["proration_details"]["discount_amounts"] == [{"amount": 350, "discount": di}]
    assert waiting[1]["description"] == "Remaining time on 2 \u00d7 Gold after 16 Apr 2025"
    world.at("2025-05-01 01:00")
    data = anna.last_invoice.data
    assert (data["subtotal"], data["total"], off(data)) == (2500, 1625, [875])


def test_changing_only_discounts_bills_nothing(world: World) -> None:
    anna = merchant(world)
    plan = anna.subscribes_to(world.plan("Gold", usd=10))
    world.forget()
    coupon = world.coupon(percent_off=10, duration="forever")
    plan.update(discounts=[{"coupon": coupon}])
    world.told([*MADE, "customer.subscription.updated"])
    assert world.get("/v1/invoiceitems", customer=anna.id, pending=True)["data"] == []


def test_discounts_of_lines_come_before_those_of_the_invoice(world: World) -> None:
    anna = merchant(world)
    own, whole = world.coupon(amount_off=500), world.coupon(percent_off=20)
    anna.owes(10000, discounts=[{"coupon": own}])
    anna.owes(10000)
    invoice = anna.bills(discounts=[{"coupon": whole}])
    data = invoice.does("finalize")
    assert (data["subtotal"], off(data), data["total"]) == (19500, [500, 3900], 15600)
    plain, reduced = data["lines"]["data"]
    assert [entry["amount"] for entry in reduced["discount_amounts"]] == [500, 1900]
    assert len(reduced["discounts"]) == 1 and plain["discounts"] == []


def test_items_of_a_subscription_have_discounts_of_their_own(world: World) -> None:
    anna = merchant(world)
    own = world.coupon(percent_off=50, duration="forever")
    item = {"price": world.plan("Ten", usd=10), "discounts": [{"coupon": own}]}
    plan = anna.subscribes_to(item, world.plan("Twenty", usd=20))
    assert totals(anna) == [2500]
    [held] = [one for one in plan.now["items"]["data"] if one["discounts"]]
    world.post(f"/v1/subscription_items/{held['id']}", discounts="")
    added = world.post(
        "/v1/subscription_items",
        subscription=plan.id,
        price=world.plan("More", usd=40),
        discounts=[{"coupon": own}],
        proration_behavior="none",
    )
    [di] = added["discounts"]
    found = world.get(f"/v1/subscription_items/{added['id']}", expand=["discounts"])["discounts"]
    assert [(one["id"], one["subscription_item"], one["subscription"]) for one in found] == [
        (di, added["id"], None)
    ]
    world.at("2025-02-01 01:00")
    assert totals(anna)[-1] == 1000 + 2000 + 2000


def test_a_coupon_reaches_only_its_products(world: World) -> None:
    anna = merchant(world)
    gold, silver = world.plan("Gold", usd=10), world.plan("Silver", usd=20)
    product = world.get(f"/v1/prices/{gold}")["product"]
    coupon = world.coupon(percent_off=100, applies_to={"products": [product]}, duration="forever")
    anna.subscribes_to(gold, silver, discounts=[{"coupon": coupon}])
    assert totals(anna) == [2000]


def test_credits_are_not_discounted_t49(world: World) -> None:
    anna = merchant(world)
    anna.owes(-1000, "Sorry")
    anna.owes(500, "Stamp", discountable=False)
    anna.owes(2000, "Work")
    data = anna.bills(discounts=[{"coupon": world.coupon(percent_off=50)}]).data
    assert [line["discount_amounts"] != [] for line in data["lines"]["data"]] == [True, False, False]
    assert data["total"] == 500


# ------------------------------------------------------------------------------------- which discounts


def test_an_invoice_has_its_own_or_the_subscriptions_or_the_customers_t57(app: App, world: World) -> None:
    anna = merchant(world)
    mine = granted(app, anna, coupon=world.coupon(percent_off=10, duration="forever"))
    assert mine["source"]["type"] == "coupon" and mine["customer"] == anna.id
    gold = world.plan("Gold", usd=100)
    plan = anna.subscribes_to(gold)
    plan.update(discounts=[{"coupon": world.coupon(percent_off=50, duration="forever")}])
    world.at("2025-02-01 01:00")
    plan.update(discounts="")
    world.at("2025-03-01 01:00")
    assert totals(anna) == [9000, 5000, 9000]
    assert by_hand(anna, 1000).data["total"] == 900
    assert by_hand(anna, 1000, discounts="").data["total"] == 1000
    assert by_hand(anna, 1000, discounts=[{"coupon": world.coupon(percent_off=20)}]).data["total"] == 800


def test_a_discount_may_be_kept_by_its_id(app: App, world: World) -> None:
    anna = merchant(world)
    mine = granted(app, anna, coupon=world.coupon(percent_off=10, duration="forever"))["id"]
    plan = anna.subscribes_to(
        world.plan("Gold", usd=100), discounts=[{"discount": mine}, {"coupon": world.coupon(amount_off=100)}]
    )
    assert totals(anna) == [8900]
    other = world.coupon(percent_off=20, duration="forever")
    world.forget()
    plan.update(discounts=[{"coupon": other}, {"discount": mine}])
    world.told([*MADE, "customer.subscription.updated"])
    assert plan.now["discounts"][1] == mine
    world.at("2025-02-01 01:00")
    assert totals(anna)[-1] == 7200


@pytest.mark.parametrize("how", ["twice", "code", "kept", "foreign", "both", "none", "gone"])
def test_what_cannot_be_redeemed_together_is_refused(world: World, how: str) -> None:
    anna = merchant(world)
    coupon = world.coupon(percent_off=10, duration="forever")
    plan = anna.subscribes_to(world.plan("Gold", usd=10), discounts=[{"coupon": coupon}])
    [di] = plan.now["discounts"]
    promo = code(world, coupon)
    terms: dict[str, list[dict[str, str]]] = {
        "twice": [{"coupon": coupon}, {"coupon": coupon}],
        "code": [{"coupon": coupon}, {"promotion_code": promo}],
        "kept": [{"coupon": coupon}, {"discount": di}],
        "foreign": [{"discount": "di_another"}],
        "both": [{"coupon": coupon, "promotion_code": promo}],
        "none": [{"coupon": "never"}],
        "gone": [{"promotion_code": "promo_never"}],
    }
    params = {"foreign": "discounts[0][discount]", "both": "discounts[0]", "none": "discounts[0][coupon]",
              "gone": "discounts[0][promotion_code]"}  # fmt: skip
    answer = world.refused(f"/v1/subscriptions/{plan.id}", discounts=terms[how])
    assert (answer["status"], answer["param"]) == (400, params.get(how, "discounts"))
    assert plan.now["discounts"] == [di]


def test_an_amount_in_another_currency_is_refused_unless_the_coupon_has_it(world: World) -> None:
    anna = merchant(world)
    gold = world.plan("Gold", eur=10)
    items = [{"price": gold}]
    dollars = [{"coupon": world.coupon(amount_off=500)}]
    answer = world.refused("/v1/subscriptions", customer=anna.id, items=items, discounts=dollars)
    assert answer["param"] == "discounts[0][coupon]"
    both = world.coupon(amount_off=500, currency_options={"eur": {"amount_off": 300}})
    anna.subscribes_to(gold, discounts=[{"coupon": both}])
    assert totals(anna) == [700]


# ------------------------------------------------------------------------------------- promotion codes


def test_redemptions_are_counted_and_what_is_used_up_is_closed(world: World) -> None:
    anna, gold = merchant(world), world.plan("Gold", usd=10)
    coupon = world.coupon(percent_off=10, max_redemptions=2)
    once, other = code(world, coupon, code="ONCE", max_redemptions=1), code(world, coupon)
    world.forget()
    plan = anna.subscribes_to(gold, discounts=[{"promotion_code": once}])
    assert world.happened()[:3] == ["coupon.updated", "promotion_code.updated", "customer.discount.created"]
    found = world.get(f"/v1/promotion_codes/{once}")
    assert (found["times_redeemed"], found["active"]) == (1, False)
    assert world.get(f"/v1/coupons/{coupon}")["times_redeemed"] == 1
    terms = [{"promotion_code": once}]
    refused = world.refused(f"/v1/subscriptions/{plan.id}", discounts=terms)
    assert refused["param"] == "discounts[0][promotion_code]"
    plan.update(discounts=[{"coupon": coupon}])
    assert not world.get(f"/v1/coupons/{coupon}")["valid"]
    assert not world.get(f"/v1/promotion_codes/{other}")["active"]
    refused = world.refused(f"/v1/subscriptions/{plan.id}", discounts=[{"coupon": coupon}])
    assert refused["code"] == "coupon_expired"


def test_a_code_is_for_its_customer_the_first_time_and_enough(world: World) -> None:
    anna, ben = merchant(world), world.customer("ben")
    coupon, gold = world.coupon(percent_off=10), world.plan("Gold", usd=10)
    hers = code(world, coupon, customer=anna.id)
    first = code(world, coupon, restrictions={"first_time_transaction": True})
    least = {"minimum_amount": 1500, "minimum_amount_currency": "usd"}
    enough = code(world, coupon, restrictions=least)
    items = [{"price": gold}]
    for who, promo in ((ben, hers), (anna, enough)):
        terms = [{"promotion_code": promo}]
        answer = world.refused("/v1/subscriptions", customer=who.id, items=items, discounts=terms)
        assert answer["param"] == "discounts[0][promotion_code]"
    plan = anna.subscribes_to(gold, discounts=[{"promotion_code": first}])
    for promo in (first, enough):
        answer = world.refused(f"/v1/subscriptions/{plan.id}", discounts=[{"promotion_code": promo}])
        assert answer["status"] == 400
    ben.subscribes_to({"price": gold, "quantity": 2}, discounts=[{"promotion_code": enough}])
    assert totals(ben) == [1800]


def test_a_refused_first_payment_redeems_nothing(world: World) -> None:
    anna = merchant(world, card="declining")
    coupon = world.coupon(percent_off=10, max_redemptions=1)
    promo = code(world, coupon)
    form = {"customer": anna.id, "items": [{"price": world.plan("Gold", usd=10)}]}
    terms = [{"promotion_code": promo}]
    refused = world.refused(
        "/v1/subscriptions", **form, discounts=terms, payment_behavior="error_if_incomplete"
    )
    assert refused["status"] == 402
    assert world.get(f"/v1/coupons/{coupon}")["times_redeemed"] == 0
    assert world.get(f"/v1/promotion_codes/{promo}")["active"]
    anna.pays_with("visa")
    assert anna.subscribes_to(form["items"][0], discounts=terms).status == "active"


def test_a_refused_change_redeems_nothing(world: World) -> None:
    anna = merchant(world)
    plan = anna.subscribes_to(world.plan("Gold", usd=10))
    item = plan.now["items"]["data"][0]["id"]
    coupon = world.coupon(percent_off=10)
    anna.pays_with("declining")
    form = {
        "items": [{"id": item, "quantity": 5}],
        "discounts": [{"coupon": coupon}],
        "payment_behavior": "error_if_incomplete",
        "proration_behavior": "always_invoice",
    }
    assert world.refused(f"/v1/subscriptions/{plan.id}", **form)["status"] == 402
    assert (plan.now["discounts"], world.get(f"/v1/coupons/{coupon}")["times_redeemed"]) == ([], 0)
    anna.pays_with("visa")
    world.post(f"/v1/subscriptions/{plan.id}", **form)
    assert len(plan.now["discounts"]) == 0, "for one invoice, which was that of the change"
    assert world.get(f"/v1/coupons/{coupon}")["times_redeemed"] == 1


# ------------------------------------------------------------------------------------- how they end


def test_for_one_invoice_it_is_used_up_by_the_first_that_is_finalized_t41(world: World) -> None:
    anna = merchant(world)
    plan = anna.subscribes_to(world.plan("Gold", usd=10))
    coupon = world.coupon(percent_off=50)
    world.forget()
    plan.update(discounts=[{"coupon": coupon}])
    world.told([*MADE, "customer.subscription.updated"])
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
    world.told(told)
    assert (plan.now["discounts"], totals(anna)) == ([], [500])


def test_a_trial_does_not_use_it_up(world: World) -> None:
    anna = merchant(world)
    terms = [{"coupon": world.coupon(percent_off=50)}]
    plan = anna.subscribes_to(world.plan("Gold", usd=10), discounts=terms, trial_period_days=14)
    world.told([*MADE, "invoice.created", *FREE, *BEGUN])
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
    world.told([*MADE, "customer.updated"])
    new = granted(app, anna, coupon=world.coupon(percent_off=20, duration="forever"))
    world.told(["coupon.updated", "customer.discount.updated", "customer.updated"])
    assert old["id"] != new["id"]
    answer = world.delete(f"/v1/customers/{anna.id}/discount")
    assert (answer["id"], answer["deleted"], answer["object"]) == (new["id"], True, "discount")
    world.told(["customer.discount.deleted", "customer.updated"])
    assert anna.now["discount"] is None
    error = world.api.delete(f"/v1/customers/{anna.id}/discount")
    assert (error.status, error["error"]["code"]) == (404, "resource_missing")


def test_the_discounts_of_a_subscription_are_removed(world: World) -> None:
    anna = merchant(world)
    coupon = world.coupon(percent_off=50, duration="forever")
    plan = anna.subscribes_to(world.plan("Gold", usd=10), discounts=[{"coupon": coupon}])
    world.forget()
    assert world.delete(f"/v1/subscriptions/{plan.id}/discount")["deleted"]
    world.told(["customer.discount.deleted", "customer.subscription.updated"])
    plan.update(discounts=[{"coupon": coupon}])
    world.forget()
    plan.update(discounts="")
    world.told(["customer.discount.deleted", "customer.subscription.updated"])
    world.at("2025-02-01 01:00")
    assert totals(anna) == [500, 1000]
    assert world.api.delete(f"/v1/subscriptions/{plan.id}/discount").status == 404


def test_removing_an_inherited_discount_from_a_draft_leaves_the_customers(app: App, world: World) -> None:
    anna = merchant(world)
    mine = granted(app, anna, coupon=world.coupon(percent_off=10, duration="forever"))
    invoice = by_hand(anna, 1000)
    world.forget()
    world.post(f"/v1/invoices/{invoice.data['id']}", discounts="")
    world.told(["invoice.updated"])
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
