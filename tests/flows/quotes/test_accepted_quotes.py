"""Does an accepted quote become an invoice, a subscription or a schedule (§7.12)?"""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any

from billow.api import rows
from billow.api.params import made
from billow.app import App
from billow.flows.billing import discounts
from billow.resources.customer import Customer as CustomerRow
from billow.store import clocks, jobs
from billow.store.tx import Tx
from tests.conftest import Api
from tests.support.world import BEGUN, OPENED, PAID, Customer, Quote, Subscription, World, moment

DAY = 86400


def merchant(world: World, when: str = "2025-01-01", **customer: Any) -> Customer:
    world.at(when)
    return world.customer("anna", **customer)


def seconds(when: str) -> int:
    return int(moment(when).timestamp())


# ------------------------------------------------------------------------------------- accepted


def test_what_is_bought_once_becomes_a_draft_invoice(world: World) -> None:
    anna = merchant(world)
    half = world.coupon(percent_off=50, duration="once")
    quote = anna.is_offered(
        {"price": world.once("Setup", usd=50), "quantity": 2},
        {"price": world.once("Course", usd=7), "discounts": [{"coupon": half}]},
        collection_method="send_invoice",
        discounts=[{"coupon": world.coupon(amount_off=300, duration="once")}],
        invoice_settings={
            "custom_fields": [{"name": "PO", "value": "7"}],
            "days_until_due": 14,
            "description": "As agreed",
            "footer": "Thank you",
        },
    )
    quote.does("finalize")
    world.forget()
    done = quote.does("accept")
    made = ["coupon.updated", "customer.discount.created"]
    items = ["invoiceitem.created", "invoiceitem.created"]
    world.check_events([*made, *made, *items, "invoice.created", "customer.updated", "quote.accepted"])
    assert (done["status"], done["subscription"]) == ("accepted", None)
    assert done["status_transitions"]["accepted_at"] == world.seconds
    invoice = anna.last_invoice
    assert invoice.data["id"] == done["invoice"]
    assert invoice.text() == [("Setup", "100.00"), ("Course", "7.00"), ("Total 100.50", "draft")]
    data = invoice.data
    assert (data["billing_reason"], data["auto_advance"]) == ("quote_accept", False)
    assert data["parent"]["quote_details"] == {"quote": quote.id}
    assert (data["description"], data["footer"]) == ("As agreed", "Thank you")
    assert data["custom_fields"] == [{"name": "PO", "value": "7"}]
    assert data["total"] == done["amount_total"]
    sent = invoice.does("finalize")
    assert sent["due_date"] == world.seconds + 14 * DAY


def test_the_draft_may_be_deleted_and_the_quote_says_what_it_was(world: World) -> None:
    anna = merchant(world)
    quote = anna.is_offered(world.once("Setup", usd=50))
    invoice = quote.is_accepted()["invoice"]
    world.delete(f"/v1/invoices/{invoice}")
    assert (quote.status, quote.now["invoice"]) == ("accepted", invoice)


def test_what_has_expired_is_not_accepted_though_its_timer_is_late(world: World, app: App) -> None:
    anna = merchant(world)
    quote = anna.is_offered(world.once("Setup", usd=50))
    quote.does("finalize")
    with app.db.transaction(world.api.tenant) as tx:
        [(before,)] = tx.tuples("select expires_at from quotes where id = %(id)s", id=quote.id)
        expires(tx, quote.id, moment("2025-01-01"))
    assert quote.refuses("accept")["message"] == "This quote has expired."
    with app.db.transaction(world.api.tenant) as tx:
        expires(tx, quote.id, before)


def expires(tx: Tx, quote: str, at: datetime) -> None:
    tx.run("update quotes set expires_at = %(at)s where id = %(id)s", at=at, id=quote)


def test_what_recurs_becomes_a_subscription_with_the_rest_on_its_first_invoice(world: World) -> None:
    anna = merchant(world)
    rate = world.tax(10)
    quote = anna.is_offered(
        {"price": world.plan("Pro", usd=20), "quantity": 3},
        world.once("Setup", usd=50),
        default_tax_rates=[rate],
        invoice_settings={"footer": "Thank you"},
        subscription_data={"description": "Gold", "metadata": {"deal": "7"}},
        metadata={"kept": "here"},
    )
    quote.does("finalize")
    world.forget()
    done = quote.does("accept")
    world.check_events(["invoiceitem.created", "invoice.created", *OPENED, *PAID, *BEGUN, "quote.accepted"])
    subscription = Subscription(world, done["subscription"]).now
    assert (subscription["status"], subscription["description"]) == ("active", "Gold")
    assert subscription["metadata"] == {"deal": "7"}
    assert [one["id"] for one in subscription["default_tax_rates"]] == [rate]
    assert subscription["items"]["data"][0]["quantity"] == 3
    assert (done["invoice"], done["subscription_schedule"]) == (None, None)
    anna.last_invoice.reads("""
        Setup                          50.00
        3 × Pro (at $20.00 / month)    60.00
        Total 121.00                   paid
    """)
    assert anna.last_invoice.data["footer"] == "Thank you"


def test_a_subscription_that_is_invoiced_gets_its_first_draft(world: World) -> None:
    anna = merchant(world, card=None)
    quote = anna.is_offered(
        world.plan("Pro", usd=20),
        collection_method="send_invoice",
        invoice_settings={"days_until_due": 7},
        subscription_data={"billing_mode": {"type": "classic"}},
    )
    assert quote.now["subscription_data"]["billing_mode"] == {"flexible": None, "type": "classic"}
    done = quote.is_accepted()
    subscription = Subscription(world, done["subscription"]).now
    assert (subscription["status"], subscription["days_until_due"]) == ("active", 7)
    assert subscription["billing_mode"]["type"] == "classic"
    assert anna.last_invoice.status == "draft"


def test_without_a_card_it_is_not_accepted_and_stays_open(world: World) -> None:
    anna = merchant(world, card=None)
    quote = anna.is_offered(world.plan("Pro", usd=20))
    quote.does("finalize")
    world.forget()
    assert quote.refuses("accept")["code"] == "resource_missing"
    world.check_events([])
    assert (quote.status, anna.invoices) == ("open", [])


def test_a_card_that_is_declined_leaves_an_accepted_quote_and_a_subscription_that_waits(world: World) -> None:
    anna = merchant(world, card="declining")
    done = anna.is_offered(world.plan("Pro", usd=20)).is_accepted()
    assert (done["status"], Subscription(world, done["subscription"]).status) == ("accepted", "incomplete")
    world.at("2025-01-03")


def test_an_accepted_quote_does_not_expire_and_is_not_accepted_again(world: World) -> None:
    anna = merchant(world)
    quote = anna.is_offered(world.plan("Pro", usd=20))
    quote.is_accepted()
    for verb in ("accept", "cancel", "finalize"):
        assert quote.refuses(verb)["status"] == 400
    world.at("2025-02-01")
    assert quote.status == "accepted"


def test_what_was_agreed_holds_when_prices_were_archived_since(world: World) -> None:
    anna = merchant(world)
    pro, setup = world.plan("Pro", usd=20), world.once("Setup", usd=50)
    quote = anna.is_offered(pro, setup)
    quote.does("finalize")
    for price in (pro, setup):
        world.post(f"/v1/prices/{price}", active=False)
    quote.does("accept")
    assert anna.last_invoice.data["total"] == 7000


def test_a_coupon_is_counted_when_the_quote_is_accepted_not_when_it_is_drawn_up(world: World) -> None:
    anna = merchant(world)
    coupon = world.coupon(percent_off=50, duration="repeating", duration_in_months=2, max_redemptions=1)
    first, second = (
        anna.is_offered(world.plan("Pro", usd=20), discounts=[{"coupon": coupon}]) for _ in range(2)
    )
    assert world.get(f"/v1/coupons/{coupon}")["times_redeemed"] == 0
    world.at("2025-01-20")
    done = first.is_accepted()
    assert world.get(f"/v1/coupons/{coupon}")["times_redeemed"] == 1
    [given] = Subscription(world, done["subscription"]).now["discounts"]
    shown = world.get(f"/v1/subscriptions/{done['subscription']}", expand=["discounts"])["discounts"][0]
    assert (shown["id"], shown["start"], shown["end"]) == (given, world.seconds, seconds("2025-03-20"))
    second.does("finalize")
    refused = second.refuses("accept")
    assert (refused["code"], second.status) == ("coupon_expired", "open")


def test_the_customers_own_discount_is_in_a_quote_that_names_it_or_none_and_stays_what_it_was(
    world: World, app: App
) -> None:
    anna = merchant(world)
    half = world.coupon(percent_off=50, duration="forever")
    with app.db.transaction(world.api.tenant) as tx:
        tx = clocks.of_customer(tx, anna.id)
        discounts.give_to_customer(
            tx, rows.lock(tx, CustomerRow, anna.id), made(discounts.DiscountTerm, coupon=half)
        )
    own = anna.now["discount"]["id"]
    inherits = anna.is_offered(world.plan("Pro", usd=20), world.once("Setup", usd=50))
    names = anna.is_offered(world.plan("Max", usd=40), discounts=[{"discount": own}])
    assert (inherits.now["amount_total"], inherits.now["discounts"]) == (3500, [])
    assert (names.now["amount_total"], names.now["discounts"]) == (2000, [own])
    for quote in (inherits, names):
        done = quote.is_accepted()
        assert anna.last_invoice.data["total"] == done["amount_total"]
    assert Subscription(world, done["subscription"]).now["discounts"] == [own]
    assert world.get(f"/v1/coupons/{half}")["times_redeemed"] == 1


def test_a_promotion_code_is_redeemed_with_its_minimum(world: World) -> None:
    anna = merchant(world)
    form = {
        "promotion": {"type": "coupon", "coupon": world.coupon(percent_off=50, duration="once")},
        "restrictions": {"minimum_amount": 6000, "minimum_amount_currency": "usd"},
    }
    code = world.post("/v1/promotion_codes", **form)["id"]
    price = world.once("Setup", usd=50)
    terms: dict[str, Any] = {"discounts": [{"promotion_code": code}]}
    little = world.refused("/v1/quotes", customer=anna.id, line_items=[{"price": price}], **terms)
    assert little["param"] == "discounts[0][promotion_code]"
    anna.is_offered({"price": price, "quantity": 2}, **terms).is_accepted()
    assert anna.last_invoice.data["total"] == 5000
    assert world.get(f"/v1/promotion_codes/{code}")["times_redeemed"] == 1


# ------------------------------------------------------------------------------------- accepted for later


def test_one_that_begins_later_becomes_a_schedule(world: World) -> None:
    anna = merchant(world)
    quote = anna.is_offered(
        {"price": world.plan("Pro", usd=20), "quantity": 2},
        world.once("Setup", usd=50),
        subscription_data={"effective_date": seconds("2025-02-01"), "metadata": {"deal": "7"}},
    )
    assert quote.now["subscription_data"]["effective_date"] == seconds("2025-02-01")
    quote.does("finalize")
    world.forget()
    done = quote.does("accept")
    world.check_events(["subscription_schedule.created", "quote.accepted"])
    assert (done["subscription"], done["invoice"]) == (None, None)
    world.at("2025-02-01 02:00")
    schedule = world.get(f"/v1/subscription_schedules/{done['subscription_schedule']}")
    subscription = Subscription(world, schedule["subscription"]).now
    assert (subscription["start_date"], subscription["metadata"]) == (seconds("2025-02-01"), {"deal": "7"})
    assert anna.last_invoice.data["total"] == 9000
    world.at("2025-03-01 02:00")
    assert (anna.last_invoice.data["total"], len(anna.invoices)) == (4000, 2)


def test_discounts_and_taxes_go_along_to_a_schedule(world: World) -> None:
    anna = merchant(world)
    own = {"discounts": [{"coupon": world.coupon(amount_off=300, duration="forever")}]}
    quote = anna.is_offered(
        {"price": world.plan("Pro", usd=20), **own},
        {"price": world.once("Setup", usd=50), "tax_rates": [world.tax(20)]},
        default_tax_rates=[world.tax(10)],
        discounts=[{"coupon": world.coupon(percent_off=50, duration="once")}],
        subscription_data={"effective_date": seconds("2025-02-01")},
    )
    done = quote.is_accepted()
    world.at("2025-03-01 02:00")
    assert [invoice.data["total"] for invoice in anna.invoices] == [
        done["amount_total"],
        done["computed"]["recurring"]["amount_total"],
    ]


def test_a_trial_goes_along_to_a_schedule(world: World) -> None:
    anna = merchant(world)
    data = {"effective_date": seconds("2025-02-01"), "trial_period_days": 45}
    done = anna.is_offered(world.plan("Pro", usd=20), subscription_data=data).is_accepted()
    world.at("2025-02-02")
    schedule = world.get(f"/v1/subscription_schedules/{done['subscription_schedule']}")
    assert Subscription(world, schedule["subscription"]).now["trial_end"] == seconds("2025-03-18")
    world.at("2025-03-18 02:00")
    assert [invoice.data["total"] for invoice in anna.invoices] == [0, 2000]


def test_a_date_that_has_gone_by_when_it_is_accepted_is_ignored(world: World) -> None:
    anna = merchant(world)
    quote = anna.is_offered(
        world.plan("Pro", usd=20), subscription_data={"effective_date": seconds("2025-01-05")}
    )
    world.at("2025-01-06")
    done = quote.is_accepted()
    assert Subscription(world, done["subscription"]).now["start_date"] == seconds("2025-01-06")


def test_with_the_current_period_end_it_begins_when_the_period_of_today_ends(world: World) -> None:
    anna = merchant(world)
    anna.subscribes_to(world.plan("Pro", usd=20))
    world.at("2025-01-10")
    data = {"effective_date": "current_period_end"}
    done = anna.is_offered(world.plan("Max", usd=50), subscription_data=data).is_accepted()
    schedule = world.get(f"/v1/subscription_schedules/{done['subscription_schedule']}")
    assert schedule["phases"][0]["start_date"] == seconds("2025-02-01")
    ben = world.customer("ben")
    at_once = ben.is_offered(world.plan("Max", usd=50), subscription_data=data).is_accepted()
    assert at_once["subscription"] and at_once["subscription_schedule"] is None


# ------------------------------------------------------------------------------------- copies


def test_a_copy_is_a_draft_of_its_own_with_a_number_of_its_own(world: World) -> None:
    anna = merchant(world)
    coupon = world.coupon(percent_off=50, duration="once")
    source = anna.is_offered(
        {"price": world.once("Setup", usd=50), "quantity": 2}, header="Ours", discounts=[{"coupon": coupon}]
    )
    source.does("finalize")
    world.at("2025-01-10")
    copy = Quote(world, world.post("/v1/quotes", from_quote={"quote": source.id})["id"])
    now = copy.now
    assert (now["status"], now["number"], now["header"], now["amount_total"]) == ("draft", None, "Ours", 5000)
    assert now["from_quote"] == {"is_revision": False, "quote": source.id}
    assert now["expires_at"] == world.seconds + 30 * DAY
    assert [line["quantity"] for line in copy.lines] == [2]
    assert copy.lines[0]["id"] != source.lines[0]["id"]
    assert world.refused("/v1/quotes", from_quote={"quote": "qt_none"})["param"] == "from_quote[quote]"
    refused = world.refused("/v1/quotes", from_quote={"quote": source.id}, header="Mine")
    assert refused["param"] == "header"
    copy.is_accepted()
    assert copy.now["number"].endswith("-0002-1")
    assert source.status == "open"


def test_of_a_quote_and_what_revises_it_only_one_is_accepted(world: World) -> None:
    anna = merchant(world)
    first = anna.is_offered(world.once("Setup", usd=50))
    wanted = {"from_quote": {"quote": first.id, "is_revision": True}}
    assert world.refused("/v1/quotes", **wanted)["param"] == "from_quote[is_revision]"
    first.does("finalize")
    second = Quote(world, world.post("/v1/quotes", expires_at=seconds("2025-06-01"), **wanted)["id"])
    third = Quote(world, world.post("/v1/quotes", **wanted)["id"])
    assert second.now["expires_at"] == seconds("2025-06-01")
    assert second.does("finalize")["number"] == first.now["number"].removesuffix("1") + "2"
    world.forget()
    second.does("accept")
    happened = world.emitted()
    assert happened.count("quote.canceled") == 2 and happened[-1] == "quote.accepted"
    assert [one.status for one in (first, second, third)] == ["canceled", "accepted", "canceled"]


# ------------------------------------------------------------------------------------- accidents


def test_who_dies_between_the_payment_and_the_word_is_made_up_for(world: World, app: App) -> None:
    """The acceptance is told by a timer, where the request that was to tell it has not come back."""
    anna = merchant(world)
    quote = anna.is_offered(world.plan("Pro", usd=20), subscription_data={"trial_period_days": 5})
    quote.does("finalize")
    quote.does("accept")
    world.forget()
    with app.db.transaction(world.api.tenant) as tx:
        tx.run("update quotes set emitted = false where id = %(id)s", id=quote.id)
        jobs.put(tx, "quote.emit_accepted", quote.id, moment("2025-01-01 01:00"), clock=world.clock)
    world.at("2025-01-01 01:00", expect=["quote.accepted"])


def test_of_many_who_accept_it_at_once_one_does(world: World, app: App) -> None:
    """Each has a connection of its own; the others hear that it is accepted, or that it is being accepted."""
    anna = merchant(world)
    quote = anna.is_offered(world.plan("Pro", usd=20), world.once("Setup", usd=50))
    quote.does("finalize")
    callers = [Api(app, world.api.key, world.api.tenant) for _ in range(8)]
    with ThreadPoolExecutor(len(callers)) as pool:
        answers = list(pool.map(lambda caller: caller.post(f"/v1/quotes/{quote.id}/accept"), callers))
    assert sorted({answer.status for answer in answers}) == [200, 400]
    assert [answer.status for answer in answers].count(200) == 1
    assert len(anna.invoices) == 1 and anna.last_invoice.data["total"] == 7000
