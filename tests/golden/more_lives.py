"""More lives: pauses, plans, discounts, taxes and classic billing mode; test_subscriptions.py uses them."""

from typing import Any

from tests.golden.lives import Life, change, first_item, seconds, story
from tests.support.world import Quote, Schedule, Subscription, World


def acts(life: Life, text: str, verb: str, **how: Any) -> Any:
    """What is asked of the subscription by name: to pause, to resume."""
    assert life.plan
    path = f"/v1/subscriptions/{life.plan.id}/{verb}"
    return life.does(text, lambda: life.world.post(path, **how))


# ------------------------------------------------------------------------------------- pauses


@story("subscriptions")
def paused_for_the_summer(world: World) -> Life:
    life = Life(world, "X74: paused in June, resumed in September with a period of its own", "2025-05-01")
    base = world.plan("Base", usd=31)
    life.does("subscribes to Base", lambda: life.anna.subscribes_to(base))
    life.at("2025-06-11")
    acts(life, "pauses", "pause")
    life.at("2025-09-04")
    acts(life, "resumes", "resume")
    life.at("2025-10-04 02:00")
    return life


@story("subscriptions")
def paused_and_back_on_the_same_day(world: World) -> Life:
    life = Life(world, "X75: resumed where its periods are by now, and charged for the rest", "2025-01-01")
    base = world.plan("Base", usd=28)
    calls = world.metered("Calls", world.meter("calls"), cents="100")
    life.does("subscribes to Base and Calls", lambda: life.anna.subscribes_to(base, calls))
    life.at("2025-01-11")
    life.does("calls 4 times", lambda: life.anna.uses("calls", 4, "2025-01-10"))
    acts(life, "pauses, and has its use billed", "pause", invoicing_behavior="invoice")
    life.at("2025-02-15")
    acts(life, "resumes, its anchor as it was", "resume", billing_cycle_anchor={"type": "unchanged"})
    life.at("2025-03-01 02:00")
    return life


@story("invoices")
def a_month_that_nobody_pays_for(world: World) -> Life:
    life = Life(world, "Collection is paused for two months: one is void, one is not collected", "2025-01-01")
    base = world.plan("Base", usd=30)
    life.does("subscribes to Base", lambda: life.anna.subscribes_to(base))
    life.at("2025-01-20")
    change(
        life,
        "collects nothing until the middle of February",
        pause_collection={"behavior": "void", "resumes_at": seconds("2025-02-15")},
    )
    life.at("2025-02-20")
    change(life, "writes what comes off", pause_collection={"behavior": "mark_uncollectible"})
    life.at("2025-03-10")
    change(life, "collects again", pause_collection="")
    life.at("2025-04-01 02:00")
    return life


# ------------------------------------------------------------------------------------- plans and offers


@story("schedules")
def three_phases_and_an_end(world: World) -> Life:
    life = Life(
        world, "Planned: a trial, a month at half price, two at the full one, and an end", "2025-01-01"
    )
    gold, seat = world.plan("Gold", usd=100), world.plan("Seat", usd=10)
    half = world.coupon(percent_off=50, duration="forever")

    def plan() -> Schedule:
        phases: list[dict[str, Any]] = [
            {"items": [{"price": gold}], "trial": True, "duration": {"interval": "month"}},
            {"items": [{"price": gold}], "duration": {"interval": "month"}, "discounts": [{"coupon": half}]},
            {
                "items": [{"price": gold}, {"price": seat, "quantity": 3}],
                "duration": {"interval": "month", "interval_count": 2},
            },
        ]
        form = {"customer": life.anna.id, "start_date": "now", "end_behavior": "cancel", "phases": phases}
        made = Schedule(world, world.post("/v1/subscription_schedules", **form)["id"])
        life.plan = made.subscription
        return made

    life.does("plans three phases", plan)
    life.at("2025-05-01 02:00")
    return life


@story("schedules")
def planned_from_what_runs(world: World) -> Life:
    life = Life(world, "A running subscription is planned, changed by hand, and let go", "2025-04-01")
    basic, pro = world.plan("Basic", usd=30), world.plan("Pro", usd=60)
    life.does("subscribes to Basic", lambda: life.anna.subscribes_to(basic))
    life.at("2025-04-11")
    assert life.plan
    form = {"from_subscription": life.plan.id}
    made = life.does("is planned", lambda: world.post("/v1/subscription_schedules", **form))
    [first] = made["phases"]
    now = {"items": [{"price": basic}], "start_date": first["start_date"], "end_date": first["end_date"]}
    later = {"items": [{"price": pro}], "duration": {"interval": "month"}}
    path = f"/v1/subscription_schedules/{made['id']}"
    life.does("is to be Pro in May", lambda: world.post(path, phases=[now, later]))
    life.at("2025-04-16")
    change(life, "takes a second Basic by hand", items=[{"id": first_item(life), "quantity": 2}])
    life.at("2025-05-11")
    life.does("is let go", lambda: world.post(f"{path}/release"))
    life.at("2025-06-01 02:00")
    return life


@story("quotes")
def offered_and_accepted(world: World) -> Life:
    life = Life(world, "A quote: drafted, sent, accepted, and what became of it", "2025-04-01")
    seat, setup = world.plan("Seat", usd=15), world.once("Setup", usd=50)
    quote: Quote = life.does(
        "is offered 4 seats and a setup", lambda: life.anna.is_offered({"price": seat, "quantity": 4}, setup)
    )
    life.does("is sent the quote", lambda: world.post(f"/v1/quotes/{quote.id}/finalize"))
    life.at("2025-04-10")
    accepted = life.does("accepts", lambda: world.post(f"/v1/quotes/{quote.id}/accept"))
    life.plan = Subscription(world, accepted["subscription"])
    life.at("2025-05-10 02:00")
    return life


@story("subscription_terms")
def a_first_week_for_a_dollar(world: World) -> Life:
    life = Life(world, "X76: a trial offer, one dollar for a week, then twenty a month", "2025-01-01")
    first, then = world.plan("First week", every="day", count=7, usd=1), world.plan("Pro", usd=20)
    offer = world.post(
        "/v1/product_catalog/trial_offers",
        price=first,
        duration={"type": "relative", "relative": {"iterations": 1}},
        end_behavior={"type": "transition", "transition": {"price": then}},
    )["id"]
    item = {"price": first, "current_trial": {"trial_offer": offer}}
    life.does("takes the offer", lambda: life.anna.subscribes_to(item))
    life.at("2025-01-08 02:00")
    life.at("2025-02-08 02:00")
    return life


@story("subscription_terms")
def paid_for_a_quarter_ahead(world: World) -> Life:
    life = Life(world, "Three months are billed in advance, and a seat is added in the second", "2025-01-01")
    seat = world.plan("Seat", usd=31)
    until = {"type": "duration", "duration": {"interval": "month", "interval_count": 3}}
    ahead = [{"key": "quarter", "bill_until": until}]
    life.does("subscribes", lambda: life.anna.subscribes_to(seat, billing_schedules=ahead))
    life.at("2025-02-15")
    change(
        life,
        "takes a second seat, invoiced at once",
        items=[{"id": first_item(life), "quantity": 2}],
        proration_behavior="always_invoice",
    )
    life.at("2025-04-01 02:00")
    return life


# ------------------------------------------------------------------------------------- discounts and taxes


@story("billing")
def two_discounts_in_their_order(world: World) -> Life:
    life = Life(world, "Half off twice, then five dollars off once, under a tax", "2025-01-01")
    gold = world.plan("Gold", usd=100)
    coupons = [
        world.coupon(percent_off=50, duration="repeating", duration_in_months=2),
        world.coupon(amount_off=500, duration="once"),
    ]
    terms = [{"coupon": coupon} for coupon in coupons]
    rates = [world.tax(20)]
    life.does(
        "subscribes to Gold", lambda: life.anna.subscribes_to(gold, discounts=terms, default_tax_rates=rates)
    )
    life.at("2025-03-01 02:00")
    return life


@story("subscription_changes")
def discounts_are_given_back_as_they_were(world: World) -> Life:
    life = Life(world, "X45: a coupon over two items, one of which goes in the middle", "2025-04-01")
    ten, twenty = world.plan("Ten", usd=10), world.plan("Twenty", usd=20)
    coupon = world.coupon(amount_off=500, duration="forever")
    life.does(
        "subscribes to both", lambda: life.anna.subscribes_to(ten, twenty, discounts=[{"coupon": coupon}])
    )
    life.at("2025-04-16")
    assert life.plan
    items = {item["price"]["id"]: item["id"] for item in life.plan.now["items"]["data"]}
    change(life, "gives Ten up", items=[{"id": items[ten], "deleted": True}])
    life.at("2025-05-01 02:00")
    return life


@story("billing")
def tax_inside_the_price(world: World) -> Life:
    life = Life(world, "An upgrade where the tax is in the price", "2025-05-01")
    basic, pro = world.plan("Basic", usd=100), world.plan("Pro", usd=200)
    rates = [world.tax(7.7, inclusive=True)]
    life.does("subscribes to Basic", lambda: life.anna.subscribes_to(basic, default_tax_rates=rates))
    life.at("2025-05-16 12:00")
    change(life, "moves to Pro", items=[{"id": first_item(life), "price": pro}])
    life.at("2025-06-01 02:00")
    return life


# ------------------------------------------------------------------------------------- measured, classic


@story("subscriptions")
def a_threshold_is_reached(world: World) -> Life:
    life = Life(world, "Use is billed as soon as it comes to fifty dollars", "2025-01-01")
    calls = world.metered("Calls", world.meter("calls"), cents="10")
    limit = {"amount_gte": 5000}
    life.does("subscribes to Calls", lambda: life.anna.subscribes_to(calls, billing_thresholds=limit))
    for day, many in (("2025-01-05", 300), ("2025-01-12", 250), ("2025-01-25", 100)):
        life.at(day)
        uses = (many, f"{day} 00:00")
        life.does(f"calls {many} times", lambda uses=uses: life.anna.uses("calls", *uses))
    life.at("2025-02-01 02:00")
    return life


@story("subscription_changes")
def a_metered_price_changes(world: World) -> Life:
    life = Life(world, "X29: use at the price of its time, and of an item that goes", "2025-01-01")
    meter = world.meter("calls")
    old = world.metered("Calls", meter, cents="10", per=100)
    new = world.metered("Calls", meter, cents="15", per=100)
    base = world.plan("Base", usd=10)
    life.does("subscribes to Calls and Base", lambda: life.anna.subscribes_to(old, base))
    life.at("2025-01-16")
    life.does("calls 1000 times", lambda: life.anna.uses("calls", 1000, "2025-01-15"))
    change(life, "is priced anew", items=[{"id": first_item(life), "price": new}])
    life.at("2025-01-20")
    life.does("calls 500 times", lambda: life.anna.uses("calls", 500, "2025-01-19"))
    life.at("2025-02-10")
    life.does("calls 300 times", lambda: life.anna.uses("calls", 300, "2025-02-09"))
    change(life, "gives Calls up", items=[{"id": first_item(life), "deleted": True}])
    life.at("2025-03-01 02:00")
    return life


@story("subscription_changes")
def the_classic_way(world: World) -> Life:
    life = Life(world, "X41, classic: a credit at the current price, then a year from today", "2025-04-01")
    ten, twenty = world.plan("Ten", usd=10), world.plan("Twenty", usd=20)
    yearly = world.plan("Yearly", every="year", usd=300)
    mode = {"type": "classic"}
    life.does("subscribes to Ten", lambda: life.anna.subscribes_to(ten, billing_mode=mode))
    for when, text, price, behavior in (
        ("2025-04-11", "moves to Twenty, without proration", twenty, "none"),
        ("2025-04-21", "moves back to Ten, invoiced at once", ten, "always_invoice"),
        ("2025-05-16", "moves to Yearly", yearly, "create_prorations"),
    ):
        life.at(when)
        item = {"id": first_item(life), "price": price}
        change(life, text, items=[item], proration_behavior=behavior)
    return life


@story("subscriptions")
def begun_in_the_past(world: World) -> Life:
    life = Life(world, "X57: begun in September, billed in October until November", "2025-10-15")
    base = world.plan("Base", usd=31)
    life.does(
        "subscribes, since September",
        lambda: life.anna.subscribes_to(
            base, backdate_start_date=seconds("2025-09-01"), billing_cycle_anchor=seconds("2025-11-01")
        ),
    )
    life.at("2025-11-01 02:00")
    return life
