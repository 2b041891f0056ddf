"""Can quotes be created, updated, finalized and canceled, with correct amounts (§7.12)?"""

from typing import Any

import pytest

from tests.flows.conftest import Worlds
from tests.support.connected import enabled
from tests.support.world import Customer, Quote, Subscription, World, moment

DAY = 86400


def merchant(world: World, when: str = "2025-01-01", **customer: Any) -> Customer:
    world.at(when)
    return world.customer("anna", **customer)


def sums(found: dict[str, Any]) -> tuple[int, int, int, int]:
    """Subtotal, discount, tax and total."""
    details = found["total_details"]
    return (
        found["amount_subtotal"],
        details["amount_discount"],
        details["amount_tax"],
        found["amount_total"],
    )


def seconds(when: str) -> int:
    return int(moment(when).timestamp())


# ------------------------------------------------------------------------------------- drawn up


def test_a_quote_is_drawn_up_as_a_draft_that_holds_for_thirty_days(world: World) -> None:
    anna = merchant(world)
    quote = anna.is_offered(world.plan("Pro", usd=20), header="For you", metadata={"a": "1"})
    now = quote.now
    assert (now["status"], now["number"], now["currency"], now["header"]) == ("draft", None, "usd", "For you")
    assert now["expires_at"] == now["created"] + 30 * DAY
    assert now["test_clock"] == world.clock
    assert "line_items" not in now
    shown = world.get(f"/v1/quotes/{quote.id}", expand=["line_items"])["line_items"]
    [line] = shown["data"]
    assert (line["description"], line["quantity"], line["amount_total"]) == ("Pro", 1, 2000)
    assert shown["url"] == f"/v1/quotes/{quote.id}/line_items"
    world.check_events(["quote.created"])


def test_a_quote_may_be_drawn_up_before_it_is_known_for_whom(world: World) -> None:
    anna = merchant(world)
    quote = Quote(world, world.post("/v1/quotes", test_clock=world.clock)["id"])
    assert (quote.now["customer"], quote.now["currency"], quote.now["amount_total"]) == (None, None, 0)
    assert quote.refuses("finalize")["param"] == "customer"
    quote.update(customer=anna.id)
    assert quote.refuses("finalize")["param"] == "line_items"
    quote.update(line_items=[{"price": world.plan("Pro", usd=20)}])
    assert quote.does("finalize")["status"] == "open"
    ben = world.customer("ben")
    other = anna.is_offered(world.once("Setup", usd=50))
    assert other.refuses(customer=ben.id)["param"] == "customer"


def test_a_clock_takes_ten_quotes_without_a_customer(world: World) -> None:
    merchant(world)
    for _ in range(10):
        world.post("/v1/quotes", test_clock=world.clock)
    assert world.refused("/v1/quotes", test_clock=world.clock)["param"] == "test_clock"


def test_customer_and_quote_live_on_the_same_clock(world: World) -> None:
    anna = merchant(world)
    elsewhere = world.post("/v1/customers", name="ben")["id"]
    assert world.refused("/v1/quotes", customer=elsewhere, test_clock=world.clock)["param"] == "test_clock"
    free = Quote(world, world.post("/v1/quotes")["id"])
    assert free.refuses(customer=anna.id)["param"] == "customer"


def test_lines_are_replaced_but_for_those_that_are_named_by_their_id(world: World) -> None:
    anna = merchant(world)
    pro, setup = world.plan("Pro", usd=20), world.once("Setup", usd=50)
    quote = anna.is_offered({"price": pro, "quantity": 2}, setup)
    [first, second] = quote.lines
    quote.update(line_items=[{"id": second["id"], "quantity": 3}, {"price": world.once("Course", usd=7)}])
    found = [(line["id"] == second["id"], line["description"], line["quantity"]) for line in quote.lines]
    assert found == [(True, "Setup", 3), (False, "Course", 1)]
    assert quote.now["amount_total"] == 3 * 5000 + 700
    gone = quote.refuses(line_items=[{"id": first["id"]}])
    assert (gone["code"], gone["param"]) == ("resource_missing", "line_items[0][id]")


def test_prices_are_made_on_the_spot(world: World) -> None:
    anna = merchant(world)
    product = world.post("/v1/products", name="Gold")["id"]
    data = {"currency": "usd", "product": product, "unit_amount": 900}
    quote = anna.is_offered(
        {"price_data": {**data, "recurring": {"interval": "month"}}}, {"price_data": data}
    )
    assert [line["price"]["type"] for line in quote.lines] == ["recurring", "one_time"]
    done = quote.is_accepted()
    [item] = Subscription(world, done["subscription"]).now["items"]["data"]
    assert (item["price"]["unit_amount"], item["price"]["active"]) == (900, False)
    assert anna.last_invoice.data["total"] == 1800


# ------------------------------------------------------------------------------------- what is refused


def test_what_cannot_be_offered_is_refused_in_words(world: World) -> None:
    anna = merchant(world)
    month, euro = world.plan("Pro", usd=20), world.plan("Pro", eur=20)
    used = world.metered("Use", world.meter("calls"), cents="2")
    fortnight = world.plan("Odd", every="week", count=2, usd=5)
    week = world.plan("Odder", every="week", count=3, usd=5)
    old, setup = (world.once("Setup", usd=50) for _ in range(2))
    world.post(f"/v1/prices/{old}", active=False)
    shop = enabled(world.api)
    at = "line_items[0]"
    cases: list[tuple[dict[str, Any], str]] = [
        ({"line_items": [{"price": "price_none"}]}, f"{at}[price]"),
        ({"line_items": [{"quantity": 1}]}, f"{at}[price]"),
        ({"line_items": [{"price": old}]}, f"{at}[price]"),
        ({"line_items": [{"price": used, "quantity": 2}]}, f"{at}[quantity]"),
        ({"line_items": [{"price": month}, {"price": euro}]}, "line_items"),
        ({"line_items": [{"price": month}, {"price": month}]}, "line_items"),
        ({"line_items": [{"price": fortnight}, {"price": week}]}, "line_items"),
        ({"line_items": [{"price": month, "tax_rates": ["txr_none"]}]}, f"{at}[tax_rates][0]"),
        (
            {"line_items": [{"price": month, "discounts": [{"coupon": "none"}]}]},
            f"{at}[discounts][0][coupon]",
        ),
        ({"discounts": [{"coupon": "none"}]}, "discounts[0][coupon]"),
        ({"expires_at": seconds("2024-12-31")}, "expires_at"),
        ({"automatic_tax": {"enabled": True}}, "automatic_tax[enabled]"),
        ({"customer_account": "acct_1"}, "customer_account"),
        ({"invoice_settings": {"issuer": {"type": "account"}}}, "invoice_settings[issuer]"),
        ({"invoice_settings": {"days_until_due": 3}}, "invoice_settings[days_until_due]"),
        ({"line_items": [{"price": month}], "application_fee_amount": 5}, "application_fee_amount"),
        ({"line_items": [{"price": setup}], "application_fee_percent": 5}, "application_fee_percent"),
        (
            {"line_items": [{"price": month}], "transfer_data": {"destination": shop, "amount": 5}},
            "transfer_data[amount]",
        ),
        (
            {
                "subscription_data": {
                    "billing_mode": {"type": "classic", "flexible": {"proration_discounts": "itemized"}}
                }
            },
            "subscription_data[billing_mode][flexible]",
        ),
        ({"from_quote": {"quote": "qt_none"}}, "customer"),
    ]
    for sent, param in cases:
        refused = world.refused("/v1/quotes", customer=anna.id, **sent)
        assert (refused["status"], refused["param"]) == (400, param), (sent, refused)


def test_a_quote_in_another_currency_than_the_customers_is_not_finalized(world: World) -> None:
    anna = merchant(world)
    anna.subscribes_to(world.plan("Pro", usd=20))
    assert anna.is_offered(world.plan("Euro", eur=5)).refuses("finalize")["param"] == "currency"


def test_invoices_that_are_sent_need_their_days_before_it_is_finalized(world: World) -> None:
    anna = merchant(world)
    quote = anna.is_offered(world.once("Setup", usd=50), collection_method="send_invoice")
    assert quote.refuses("finalize")["param"] == "invoice_settings[days_until_due]"
    quote.update(invoice_settings={"days_until_due": 14})
    assert quote.does("finalize")["status"] == "open"


# ------------------------------------------------------------------------------------- its life


def test_a_finalized_quote_has_a_number_and_stays_as_it_was_shown(world: World) -> None:
    anna = merchant(world)
    quote = anna.is_offered(world.once("Setup", usd=50), expires_at=seconds("2025-02-01"))
    prefix = anna.now["invoice_prefix"]
    done = quote.does("finalize", expires_at=seconds("2025-01-20"))
    assert (done["status"], done["number"]) == ("open", f"QT-{prefix}-0001-1")
    assert done["status_transitions"]["finalized_at"] == world.seconds
    assert done["expires_at"] == seconds("2025-01-20")
    second = anna.is_offered(world.once("Setup", usd=50)).does("finalize")
    assert second["number"] == f"QT-{prefix}-0002-1"
    assert quote.refuses(header="Other")["param"] == "header"
    assert quote.refuses(line_items=[{"price": world.once("Setup", usd=50)}])["param"] == "line_items"
    assert quote.update(metadata={"a": "1"}, expires_at=seconds("2025-01-15"))["metadata"] == {"a": "1"}
    assert quote.refuses("finalize")["status"] == 400
    world.check_events(["quote.created", "quote.finalized"] * 2)
    world.at("2025-01-15", expect=["quote.canceled"])
    assert quote.status == "canceled"
    assert quote.refuses(expires_at=seconds("2025-03-01"))["param"] == "expires_at"
    assert quote.update(metadata={"a": "2"})["metadata"] == {"a": "2"}


def test_a_quote_that_nobody_accepts_is_canceled_when_it_expires_whether_open_or_draft(world: World) -> None:
    anna = merchant(world)
    draft, held = anna.is_offered(world.once("Setup", usd=50)), anna.is_offered(world.once("Setup", usd=50))
    held.does("finalize")
    world.at("2025-01-30 23:59:59")
    assert (draft.status, held.status) == ("draft", "open")
    world.at("2025-01-31", expect=["quote.canceled", "quote.canceled"])
    assert (draft.status, held.status) == ("canceled", "canceled")
    assert held.now["status_transitions"]["canceled_at"] == seconds("2025-01-31")


def test_a_quote_is_canceled_by_hand_and_then_neither_accepted_nor_expired(world: World) -> None:
    anna = merchant(world)
    quote = anna.is_offered(world.once("Setup", usd=50))
    assert quote.refuses("accept")["status"] == 400
    quote.does("cancel")
    for verb in ("accept", "cancel", "finalize"):
        assert quote.refuses(verb)["status"] == 400
    world.check_events(["quote.created", "quote.canceled"])
    world.at("2025-02-10", expect=[])


# ------------------------------------------------------------------------------------- what it comes to


def test_upfront_is_the_first_invoice_and_recurring_takes_off_what_lasts_for_ever(world: World) -> None:
    """20 % for ever and $5 once off a plan of $20 and a setup of $50, with 10 % tax on top."""
    anna = merchant(world)
    coupons = [
        world.coupon(percent_off=20, duration="forever"),
        world.coupon(amount_off=500, duration="once"),
    ]
    quote = anna.is_offered(
        world.plan("Pro", usd=20),
        world.once("Setup", usd=50),
        discounts=[{"coupon": one} for one in coupons],
        default_tax_rates=[world.tax(10)],
    )
    now = quote.now
    assert sums(now) == (7000, 1900, 510, 5610)
    assert sums(now["computed"]["upfront"]) == sums(now)
    assert sums(now["computed"]["recurring"]) == (2000, 400, 160, 1760)
    assert now["computed"]["recurring"]["interval"] == "month"
    parts = now["total_details"]["breakdown"]
    assert [(one["amount"], one["discount"]["source"]["coupon"]) for one in parts["discounts"]] == [
        (1400, coupons[0]),
        (500, coupons[1]),
    ]
    assert [(one["amount"], one["rate"]["percentage"], one["taxable_amount"]) for one in parts["taxes"]] == [
        (510, 10, 5100)
    ]
    lines = quote.lines
    assert [line["amount_total"] for line in lines] == [1603, 4007]
    quote.is_accepted()
    assert anna.last_invoice.data["total"] == 5610
    off = anna.last_invoice.data["total_discount_amounts"]
    assert [one["amount"] for one in off] == [1400, 500]
    world.at("2025-02-01 02:00")
    assert anna.last_invoice.data["total"] == 1760


def test_a_line_has_its_own_discounts_and_tax_rates(world: World) -> None:
    anna = merchant(world)
    half = world.coupon(percent_off=50, duration="forever")
    quote = anna.is_offered(
        {"price": world.plan("Pro", usd=20), "discounts": [{"coupon": half}], "tax_rates": [world.tax(20)]},
        {"price": world.once("Setup", usd=50), "tax_rates": [world.tax(25, inclusive=True)]},
        default_tax_rates=[world.tax(99)],
    )
    assert sums(quote.now) == (7000, 1000, 1200, 6200)
    expand = ["data.discounts", "data.taxes"]
    page = world.get(f"/v1/quotes/{quote.id}/line_items", expand=expand)["data"]
    assert [line["amount_tax"] for line in page] == [200, 1000]
    assert [len(line["discounts"]) for line in page] == [1, 0]
    assert page[0]["discounts"][0]["discount"]["source"]["coupon"] == half
    assert page[1]["taxes"][0]["rate"]["inclusive"] is True
    assert quote.update(discounts=[{"coupon": half}])["discounts"] != []
    assert quote.update(discounts="")["discounts"] == []
    quote.is_accepted()
    assert anna.last_invoice.data["total"] == 6200


def test_a_trial_is_free_at_first_and_only_then(world: World) -> None:
    anna = merchant(world)
    quote = anna.is_offered(
        world.plan("Pro", usd=20), world.once("Setup", usd=50), subscription_data={"trial_period_days": 14}
    )
    now = quote.now
    assert now["amount_total"] == 7000
    assert now["computed"]["upfront"]["amount_total"] == 5000
    assert now["computed"]["recurring"]["amount_total"] == 2000
    page = world.get(f"/v1/quotes/{quote.id}/computed_upfront_line_items")
    assert [line["amount_total"] for line in page["data"]] == [0, 5000]
    assert now["computed"]["upfront"]["line_items"]["data"] == page["data"]
    done = quote.is_accepted()
    subscription = Subscription(world, done["subscription"])
    assert subscription.now["trial_end"] == seconds("2025-01-15")
    assert anna.last_invoice.data["total"] == 5000


def test_tiers_come_to_what_the_invoice_says_and_use_to_nothing_yet(world: World) -> None:
    anna = merchant(world)
    tiers = [{"up_to": 5, "unit_amount": 333}, {"up_to": "inf", "unit_amount": 111}]
    seats = world.post(
        "/v1/prices",
        currency="usd",
        billing_scheme="tiered",
        tiers_mode="graduated",
        tiers=tiers,
        product_data={"name": "Seats"},
        recurring={"interval": "month"},
    )["id"]
    used = world.metered("Use", world.meter("calls"), cents="2")
    third = world.coupon(percent_off=33.33, duration="forever")
    quote = anna.is_offered({"price": seats, "quantity": 7}, used, discounts=[{"coupon": third}])
    assert [(line["quantity"], line["amount_subtotal"]) for line in quote.lines] == [(7, 1887), (None, 0)]
    total = quote.now["amount_total"]
    quote.is_accepted()
    assert anna.last_invoice.data["total"] == total


def test_of_several_intervals_the_shortest_is_what_recurs(world: World) -> None:
    anna = merchant(world)
    quote = anna.is_offered(world.plan("Pro", usd=20), world.plan("Care", every="year", usd=100))
    recurring = quote.now["computed"]["recurring"]
    assert (recurring["interval"], recurring["amount_total"]) == ("month", 2000)
    assert quote.now["computed"]["upfront"]["amount_total"] == 12000
    assert anna.is_offered(world.once("Setup", usd=50)).now["computed"]["recurring"] is None


def test_who_owes_no_tax_is_quoted_none(world: World) -> None:
    anna = merchant(world, tax_exempt="exempt")
    quote = anna.is_offered(world.once("Setup", usd=50), default_tax_rates=[world.tax(25, inclusive=True)])
    assert sums(quote.now) == (5000, 0, 0, 4000)
    assert quote.is_accepted()["invoice"]
    assert anna.last_invoice.data["total"] == 4000


# ------------------------------------------------------------------------------------- lists, ends


def test_lists_are_narrowed_by_customer_status_and_clock(world: World) -> None:
    anna = merchant(world)
    held, draft = anna.is_offered(world.once("Setup", usd=50)), anna.is_offered(world.once("Setup", usd=50))
    held.does("finalize")
    free = world.post("/v1/quotes")["id"]

    def ids(**query: Any) -> list[str]:
        return [one["id"] for one in world.get("/v1/quotes", **query)["data"]]

    assert ids() == [free]
    assert ids(customer=anna.id) == ids(test_clock=world.clock) == sorted((held.id, draft.id), reverse=True)
    assert ids(customer=anna.id, status="open") == [held.id]


@pytest.mark.parametrize("gone", ["customer", "clock"])
def test_quotes_end_with_whom_they_are_for(worlds: Worlds, gone: str) -> None:
    world = worlds()
    anna = merchant(world)
    quote = anna.is_offered(world.once("Setup", usd=50))
    quote.does("finalize")
    if gone == "customer":
        world.delete(f"/v1/customers/{anna.id}")
    else:
        world.delete(f"/v1/test_helpers/test_clocks/{world.clock}")
        world.clock = None
    assert quote.status == "canceled"
