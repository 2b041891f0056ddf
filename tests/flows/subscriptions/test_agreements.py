"""What can be agreed when a subscription begins: prices, extras, currencies, payment, what invoices say?"""

from types import ModuleType
from typing import Any

import pytest

from tests.support.connected import enabled
from tests.support.world import OPENED, REFUSED, World, moment


def stamp(text: str) -> int:
    return int(moment(text).timestamp())


def product(world: World, name: str) -> str:
    return str(world.post("/v1/products", name=name)["id"])


def totals(customer: Any) -> list[int]:
    return [invoice.data["total"] for invoice in customer.invoices]


# ------------------------------------------------------------------------------------- prices


def test_a_price_may_be_made_on_the_spot_and_is_not_listed(world: World) -> None:
    world.at("2025-01-01")
    anna, pro = world.customer("anna"), product(world, "Pro")
    data = {"currency": "usd", "product": pro, "recurring": {"interval": "week"}, "unit_amount": 700}
    made = anna.subscribes_to({"price_data": data, "quantity": 2})
    anna.last_invoice.reads("""
        2 × Pro (at $7.00 / week)   14.00
        Total 14.00                 paid""")
    price = made.now["items"]["data"][0]["price"]
    assert price["active"] is False
    assert world.get("/v1/prices", product=pro)["data"] == []
    error = world.refused("/v1/subscriptions", customer=anna.id, items=[{"price": price["id"]}])
    assert error["param"] == "items[0][price]"
    assert made.period == ("2025-01-01", "2025-01-08")


@pytest.mark.parametrize(
    ("item", "param"),
    [
        ({"quantity": 1}, "items[0][price]"),
        ({"price": "price_none"}, "items[0][price]"),
        ({"plan": "price_none"}, "items[0][plan]"),
        ({"price": "a", "plan": "b"}, "items[0][plan]"),
        (
            {"price_data": {"currency": "usd", "product": "prod_none", "recurring": {"interval": "month"}}},
            "items[0][price_data][product]",
        ),
        ({"price_data": {"currency": "usd", "product": "x"}}, "items[0][price_data][recurring]"),
    ],
)
def test_an_item_names_its_price_once_and_rightly(world: World, item: Any, param: str) -> None:
    world.at("2025-01-01")
    anna = world.customer("anna")
    error = world.refused("/v1/subscriptions", customer=anna.id, items=[item])
    assert (error["status"], error["param"]) == (400, param)


def test_a_price_made_on_the_spot_needs_an_amount(world: World) -> None:
    world.at("2025-01-01")
    anna = world.customer("anna")
    data = {"currency": "usd", "product": product(world, "Pro"), "recurring": {"interval": "month"}}
    error = world.refused("/v1/subscriptions", customer=anna.id, items=[{"price_data": data}])
    assert error["param"] == "items[0][price_data][unit_amount]"
    assert world.get("/v1/prices")["data"] == []


def test_an_item_may_name_a_plan(world: World) -> None:
    world.at("2025-01-01")
    anna, price = world.customer("anna"), world.plan("Pro", usd=20)
    assert anna.subscribes_to({"plan": price}).now["items"]["data"][0]["price"]["id"] == price


def test_a_subscription_may_be_in_another_currency_of_its_prices(world: World) -> None:
    world.at("2025-01-10")
    meter = world.meter("calls")
    options = {"eur": {"unit_amount": 1550}}
    pro = world.post(
        "/v1/prices",
        currency="usd",
        unit_amount=2000,
        currency_options=options,
        product_data={"name": "Pro"},
        recurring={"interval": "month"},
    )["id"]
    tiers = [{"up_to": 10, "unit_amount": 5}, {"up_to": "inf", "unit_amount": 4}]
    cheaper = [{"up_to": 10, "unit_amount": 4}, {"up_to": "inf", "unit_amount": 3}]
    calls = world.post(
        "/v1/prices",
        currency="usd",
        billing_scheme="tiered",
        tiers_mode="graduated",
        tiers=tiers,
        currency_options={"eur": {"tiers": cheaper}},
        product_data={"name": "Calls"},
        recurring={"interval": "month", "usage_type": "metered", "meter": meter},
    )["id"]
    anna = world.customer("anna")
    made = anna.subscribes_to(pro, calls, currency="eur", billing_cycle_anchor=stamp("2025-02-01"))
    assert (made.now["currency"], anna.now["currency"]) == ("eur", "eur")
    anna.last_invoice.reads("""
        1 × Pro (at €15.50 / month)    11.00
        Total 11.00                    paid""")
    world.at("2025-01-20")
    anna.uses("calls", 12, "2025-01-20")
    world.at("2025-02-01 02:00")
    anna.last_invoice.reads("""
        1 × Pro (at €15.50 / month)               15.50
        10 × Calls (Tier 1 at €0.04 / month)      0.40
        2 × Calls (Tier 2 at €0.03 / month)       0.06
        Total 15.96                               paid""")
    assert {anna.last_invoice.data["currency"]} == {"eur"}


def test_a_currency_that_a_price_lacks_is_refused(world: World) -> None:
    world.at("2025-01-01")
    anna = world.customer("anna")
    items = [{"price": world.plan("Pro", usd=20)}]
    error = world.refused("/v1/subscriptions", customer=anna.id, items=items, currency="eur")
    assert (error["param"], error["message"]) == ("currency", "The price specified only supports `usd`.")


# ------------------------------------------------------------------------------------- extras


def once(world: World, name: str, cents: int) -> str:
    return str(world.post("/v1/prices", currency="usd", unit_amount=cents, product_data={"name": name})["id"])


def test_extras_stand_on_the_first_invoice_for_the_period_of_the_items(world: World) -> None:
    world.at("2025-01-01")
    anna, setup, pro = world.customer("anna"), once(world, "Setup", 5000), product(world, "Goodwill")
    data = {"currency": "usd", "product": pro, "unit_amount": -1000}
    anna.subscribes_to(
        world.plan("Pro", usd=20),
        add_invoice_items=[
            {"price": setup, "quantity": 2, "metadata": {"why": "start"}},
            {"price_data": data},
        ],
    )
    anna.last_invoice.reads("""
        Goodwill                      -10.00
        Setup                         100.00
        1 × Pro (at $20.00 / month)   20.00
        Total 110.00                  paid""")
    lines = world.get(f"/v1/invoices/{anna.last_invoice.data['id']}/lines")["data"]
    assert lines[1]["metadata"] == {"why": "start"}
    assert lines[1]["period"] == {"start": stamp("2025-01-01"), "end": stamp("2025-02-01")}
    assert [line["discountable"] for line in lines] == [False, True, True]


def test_extras_are_charged_at_once_even_in_a_trial(world: World) -> None:
    world.at("2025-01-01")
    anna, setup = world.customer("anna"), once(world, "Setup", 5000)
    span = {"start": {"type": "now"}, "end": {"type": "timestamp", "timestamp": stamp("2025-03-01")}}
    made = anna.subscribes_to(
        world.plan("Pro", usd=20),
        trial_period_days=7,
        add_invoice_items=[{"price": setup, "period": span, "discountable": False}],
    )
    assert made.status == "trialing"
    anna.last_invoice.reads("""
        Setup                    50.00
        Free trial for 1 × Pro   0.00
        Total 50.00              paid""")
    [line, _] = world.get(f"/v1/invoices/{anna.last_invoice.data['id']}/lines")["data"]
    assert line["period"] == {"start": stamp("2025-01-01"), "end": stamp("2025-03-01")}
    assert line["discountable"] is False


def test_a_trial_whose_extras_are_not_paid_has_not_begun(world: World) -> None:
    world.at("2025-01-01")
    anna, setup = world.customer("anna", card="declining"), once(world, "Setup", 5000)
    made = anna.subscribes_to(
        world.plan("Pro", usd=20), trial_period_days=7, add_invoice_items=[{"price": setup}]
    )
    assert made.status == "incomplete"
    anna.pays_with("visa")
    anna.last_invoice.does("pay")
    assert made.status == "trialing"
    world.at("2025-01-08 02:00")
    assert (made.status, totals(anna)) == ("active", [5000, 2000])


def test_a_first_period_that_ended_unpaid_is_caught_up_with(world: World) -> None:
    world.at("2025-01-01")
    anna = world.customer("anna", card="declining")
    plan = world.plan("Pro", usd=310)
    made = anna.subscribes_to(plan, billing_cycle_anchor=stamp("2025-01-01 12:00"))
    assert (made.status, totals(anna)) == ("incomplete", [500])
    world.at("2025-01-01 18:00")
    anna.pays_with("visa")
    anna.last_invoice.does("pay")
    world.at("2025-01-01 20:00")
    assert made.status == "active"
    assert made.period == ("2025-01-01", "2025-02-01")
    assert totals(anna) == [500, 31000]


@pytest.mark.parametrize(
    ("extra", "param"),
    [
        ({"quantity": 1}, "[price]"),
        ({"price": "price_none"}, "[price]"),
        ({"price": "recurring"}, "[price]"),
        ({"price": "eur"}, None),
        (
            {"price": "once", "period": {"start": {"type": "timestamp"}, "end": {"type": "timestamp"}}},
            "[period][start][timestamp]",
        ),
        (
            {
                "price": "once",
                "period": {"start": {"type": "now", "timestamp": 1}, "end": {"type": "min_item_period_end"}},
            },
            "[period][start][timestamp]",
        ),
        (
            {
                "price": "once",
                "period": {"start": {"type": "now"}, "end": {"type": "timestamp", "timestamp": 1}},
            },
            "[period][end]",
        ),
    ],
)
def test_extras_that_cannot_be_are_refused_by_name(world: World, extra: Any, param: str | None) -> None:
    world.at("2025-01-01")
    anna, pro = world.customer("anna"), world.plan("Pro", usd=20)
    eur = world.post("/v1/prices", currency="eur", unit_amount=1, product_data={"name": "E"})["id"]
    known = {"recurring": pro, "eur": eur, "once": once(world, "Setup", 100)}
    extra = {**extra, "price": known.get(extra.get("price", ""), extra.get("price"))}
    error = world.refused(
        "/v1/subscriptions", customer=anna.id, items=[{"price": pro}], add_invoice_items=[extra]
    )
    assert error["param"] == (f"add_invoice_items[0]{param}" if param else "currency")
    assert anna.invoices == []


# ------------------------------------------------------------------------------------- payment


@pytest.mark.parametrize(
    ("card", "code"),
    [("declining", "card_declined"), ("always 3DS", "subscription_payment_intent_requires_action")],
)
def test_error_if_incomplete_leaves_nothing_but_a_void_invoice(world: World, card: str, code: str) -> None:
    world.at("2025-01-01")
    anna = world.customer("anna", card=card, balance=-500)
    owed = anna.owes(1000)
    world.forget()
    error = world.refused(
        "/v1/subscriptions",
        customer=anna.id,
        items=[{"price": world.plan("Pro", usd=20)}],
        add_invoice_items=[{"price": once(world, "Setup", 5000)}],
        payment_behavior="error_if_incomplete",
    )
    assert (error["status"], error["type"], error["code"]) == (402, "card_error", code)
    assert world.get("/v1/subscriptions", customer=anna.id, status="all")["data"] == []
    assert [event for event in world.emitted() if event.startswith("customer.subscription")] == []
    [invoice] = anna.invoices
    assert (invoice.status, invoice.data["amount_due"]) == ("void", 7500)
    # The balance is the customer's again, and what waited for an invoice waits on.
    assert anna.now["balance"] == -500
    assert [item["id"] for item in world.get("/v1/invoiceitems", pending=True)["data"]] == [owed]
    world.at("2025-03-01")
    assert len(anna.invoices) == 1


def test_error_if_incomplete_is_told_in_order_when_it_succeeds_and_when_it_fails(world: World) -> None:
    world.at("2025-01-01")
    pro = world.plan("Pro", usd=20)
    made = world.customer("anna").subscribes_to(pro, payment_behavior="error_if_incomplete")
    assert made.status == "active"
    anna = world.customer("beth", card="declining")
    items = [{"price": pro}]
    world.refused("/v1/subscriptions", customer=anna.id, items=items, payment_behavior="error_if_incomplete")
    world.check_events(["invoice.created", *OPENED, *REFUSED, "payment_intent.canceled", "invoice.voided"])


def test_pending_if_incomplete_is_for_updates(world: World) -> None:
    world.at("2025-01-01")
    anna = world.customer("anna")
    items = [{"price": world.plan("Pro", usd=20)}]
    error = world.refused(
        "/v1/subscriptions", customer=anna.id, items=items, payment_behavior="pending_if_incomplete"
    )
    assert error["param"] == "payment_behavior"


def test_a_sent_invoice_does_not_ask_how_to_pay(world: World) -> None:
    world.at("2025-01-01")
    anna = world.customer("anna", card=None)
    made = anna.subscribes_to(
        world.plan("Pro", usd=20),
        collection_method="send_invoice",
        days_until_due=7,
        payment_behavior="error_if_incomplete",
    )
    assert (made.status, anna.last_invoice.status) == ("active", "draft")


def test_a_card_as_default_source_pays(world: World) -> None:
    world.at("2025-01-01")
    anna = world.customer("anna", card=None)
    card = world.post("/v1/payment_methods/pm_card_visa/attach", customer=anna.id)["id"]
    made = anna.subscribes_to(world.plan("Pro", usd=20), default_source=card)
    assert (made.status, made.now["default_source"]) == ("active", card)


# ------------------------------------------------------------------------------------- what invoices say


def test_its_invoices_say_what_was_agreed(world: World) -> None:
    world.at("2025-01-01")
    shop = enabled(world.api)
    anna = world.customer("anna", invoice_settings={"footer": "Of the customer"})
    tax_id = world.post("/v1/tax_ids", type="eu_vat", value="DE136695976")["id"]
    settings = {
        "account_tax_ids": [tax_id],
        "custom_fields": [{"name": "PO", "value": "42"}],
        "description": "As agreed",
        "footer": "Thank you",
        "issuer": {"type": "self"},
    }
    payment = {
        "payment_method_types": ["card"],
        "payment_method_options": {"card": {"request_three_d_secure": "any"}},
    }
    made = anna.subscribes_to(
        world.plan("Pro", usd=20),
        invoice_settings=settings,
        payment_settings=payment,
        on_behalf_of=shop,
        transfer_data={"destination": shop, "amount_percent": "12.5"},
        application_fee_percent=2.5,
    ).now
    assert made["invoice_settings"] == {**settings, "issuer": {"type": "self", "account": None}}
    assert made["payment_settings"]["payment_method_types"] == ["card"]
    assert made["payment_settings"]["payment_method_options"]["card"]["request_three_d_secure"] == "any"
    assert made["transfer_data"] == {"destination": shop, "amount_percent": 12.5}
    assert (made["application_fee_percent"], made["on_behalf_of"]) == (2.5, shop)
    world.at("2025-02-01 02:00")
    for invoice in anna.invoices:
        data = invoice.data
        assert {name: data[name] for name in settings if name != "issuer"} == {
            name: value for name, value in settings.items() if name != "issuer"
        }
        assert data["payment_settings"]["payment_method_types"] == ["card"]
        assert data["on_behalf_of"] == shop


def test_a_subscription_with_everything_is_shown_as_the_contract_has_it(
    world: World, contract: ModuleType
) -> None:
    world.at("2025-01-01")
    shop = enabled(world.api)
    anna, card = world.customer("anna"), "pm_card_visa"
    method = world.post(f"/v1/payment_methods/{card}/attach", customer=anna.id)["id"]
    made = anna.subscribes_to(
        world.plan("Pro", usd=20),
        add_invoice_items=[{"price": once(world, "Setup", 100)}],
        application_fee_percent=1,
        billing_cycle_anchor_config={"day_of_month": 5, "hour": 1, "minute": 2, "second": 3, "month": 1},
        cancel_at=stamp("2025-06-01"),
        default_payment_method=method,
        invoice_settings={"custom_fields": [{"name": "PO", "value": "1"}], "issuer": {"type": "self"}},
        payment_settings={"payment_method_options": {"card": {"mandate_options": {"amount": 1}}}},
        transfer_data={"destination": shop},
        trial_settings={"end_behavior": {"missing_payment_method": "pause"}},
    )
    for shown in (made.now, anna.last_invoice.now):
        assert contract.problems(shown) == []
        assert set(contract.absent(shown)) <= {"confirmation_secret", "payments"}  # includable


def test_without_settings_of_its_own_those_of_the_customer_are_taken(world: World) -> None:
    world.at("2025-01-01")
    anna = world.customer("anna", invoice_settings={"footer": "Of the customer"})
    anna.subscribes_to(world.plan("Pro", usd=20), invoice_settings={"description": "As agreed"})
    assert anna.last_invoice.data["footer"] == "Of the customer"
    assert anna.last_invoice.data["description"] == "As agreed"


@pytest.mark.parametrize(
    ("wrong", "param"),
    [
        ({"automatic_tax": {"enabled": True}}, "automatic_tax[enabled]"),
        ({"automatic_tax": {"enabled": False, "liability": {"type": "account"}}}, "automatic_tax[liability]"),
        ({"customer_account": "acct_none"}, "customer_account"),
        (
            {"payment_settings": {"payment_method_types": ["cowries"]}},
            "payment_settings[payment_method_types][0]",
        ),
        ({"invoice_settings": {"issuer": {"type": "account", "account": "a"}}}, "invoice_settings[issuer]"),
        ({"invoice_settings": {"account_tax_ids": ["x"]}}, "invoice_settings[account_tax_ids][0]"),
        ({"billing_mode": {"type": "classic", "flexible": {}}}, "billing_mode[type]"),
        ({"default_source": "card_none"}, "default_source"),
    ],
)
def test_what_is_not_there_is_refused_by_name(world: World, wrong: Any, param: str) -> None:
    world.at("2025-01-01")
    anna = world.customer("anna")
    items = [{"price": world.plan("Pro", usd=20)}]
    if param == "billing_mode[type]":
        wrong = {"billing_mode": {"flexible": {"proration_discounts": "itemized"}}}
    error = world.refused("/v1/subscriptions", customer=anna.id, items=items, **wrong)
    assert (error["status"], error["param"]) == (400, param)


def test_automatic_tax_may_be_declined_in_so_many_words(world: World) -> None:
    world.at("2025-01-01")
    anna = world.customer("anna")
    made = anna.subscribes_to(world.plan("Pro", usd=20), automatic_tax={"enabled": False})
    assert made.now["automatic_tax"]["enabled"] is False


def test_how_discounts_of_prorations_are_shown_is_part_of_the_mode(world: World) -> None:
    world.at("2025-01-01")
    mode = {"type": "flexible", "flexible": {"proration_discounts": "itemized"}}
    made = world.customer("anna").subscribes_to(world.plan("Pro", usd=20), billing_mode=mode)
    assert made.now["billing_mode"] == {**mode, "updated_at": stamp("2025-01-01")}
