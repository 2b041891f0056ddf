"""Which coupons may be redeemed, and what the discounts made of them take (§2.6 to §2.8, §5.7)."""

from types import ModuleType
from typing import Any

import pytest

from billow.app import App
from tests.api.test_contract import INCLUDABLE
from tests.flows.billing.discount_stories import MADE, by_hand, code, granted, merchant, off, totals
from tests.support.world import World

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
    assert ("off)" in item["description"]) == (mode == "flexible")  # §5.7


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


def test_what_reverses_a_discounted_proration_says_so_too(world: World) -> None:
    anna = merchant(world, "2025-04-01")
    plan = anna.subscribes_to(world.plan("Gold", usd=10))
    item = plan.now["items"]["data"][0]["id"]
    coupon = world.coupon(percent_off=35, duration="forever")
    world.at("2025-04-16")
    plan.update(items=[{"id": item, "quantity": 2}], discounts=[{"coupon": coupon}])
    debit = world.get("/v1/invoiceitems", customer=anna.id, pending=True)["data"][1]
    world.post(f"/v1/invoiceitems/{debit['id']}", description="A second one")  # its words are not data
    world.at("2025-04-21")
    plan.update(items=[{"id": item, "quantity": 1}], discounts="")
    waiting = world.get("/v1/invoiceitems", customer=anna.id, pending=True)["data"]
    assert [(one["amount"], one["description"]) for one in waiting] == [
        (-433, "Unused time on 2 \u00d7 Gold after 21 Apr 2025 (with 35.0% off)"),
        (333, "Remaining time on Gold after 21 Apr 2025"),
        (-500, "Unused time on Gold after 16 Apr 2025"),
        (650, "A second one"),
    ]


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
    world.check_events([*MADE, "customer.subscription.updated"])
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
    world.check_events([*MADE, "customer.subscription.updated"])
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
    params = {
        "foreign": "discounts[0][discount]",
        "both": "discounts[0]",
        "none": "discounts[0][coupon]",
        "gone": "discounts[0][promotion_code]",
    }
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
    assert world.emitted()[:3] == ["coupon.updated", "promotion_code.updated", "customer.discount.created"]
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


def test_everything_that_shows_a_discount_or_a_tax_keeps_to_the_contract(
    app: App, world: World, contract: ModuleType
) -> None:
    anna = merchant(world)
    granted(app, anna, coupon=world.coupon(percent_off=1, duration="forever"))
    promo = code(world, world.coupon(percent_off=10, duration="repeating", duration_in_months=2))
    rates = [world.tax(5, inclusive=True), world.tax(19, country="DE")]
    own = [{"coupon": world.coupon(amount_off=100, duration="forever")}]
    item = {"price": world.plan("Gold", usd=10), "discounts": own, "tax_rates": rates[:1]}
    terms = [{"promotion_code": promo}]
    plan = anna.subscribes_to(item, discounts=terms, default_tax_rates=rates)
    waiting = anna.owes(500, discounts=own, tax_rates=rates)
    shown = [
        anna.now,
        plan.now,
        anna.last_invoice.data,
        world.get(f"/v1/invoiceitems/{waiting}"),
        *world.get(f"/v1/invoices/{anna.last_invoice.data['id']}/lines")["data"],
        *plan.now["items"]["data"],
        world.get(f"/v1/invoiceitems/{waiting}", expand=["discounts"])["discounts"][0],
        world.post("/v1/invoices/create_preview", subscription=plan.id, discounts=terms),
        world.get(f"/v1/subscriptions/{plan.id}", expand=["discounts.promotion_code.promotion.coupon"]),
        world.delete(f"/v1/subscriptions/{plan.id}/discount"),
        *[event["data"]["object"] for event in world.events() if ".discount." in event["type"]],
    ]
    assert [contract.problems(one) for one in shown] == [[]] * len(shown)
    left_out = {
        "customer": {*INCLUDABLE["customer"]},
        "discount": {"deleted"},
        "invoice": {"payments", "confirmation_secret"},
    }
    for one in shown:
        assert set(contract.absent(one)) <= left_out.get(one["object"], set()), one
