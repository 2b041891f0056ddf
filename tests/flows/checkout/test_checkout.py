"""Can a customer pay, subscribe and save a card on the checkout page, and is nothing made before (§9.1)?"""

from typing import Any

import pytest

from tests.support.page_visits import CARD, PAYER, Visitor
from tests.support.world import World

OK = "https://shop.example/ok?session={CHECKOUT_SESSION_ID}"
SUBSCRIBED = [
    "customer.created", "payment_intent.created", "payment_method.attached", "charge.succeeded",
    "payment_intent.succeeded", "invoice.created", "invoice.finalized", "invoice_payment.paid",
    "invoice.updated", "invoice.paid", "invoice.payment_succeeded", "customer.subscription.created",
    "customer.updated", "checkout.session.completed",
]  # fmt: skip
THREE_D_SECURE, DECLINED = "4000002760003184", "4000000000000002"


@pytest.fixture
def visitor(app: Any, world: World) -> Visitor:
    """A customer at the pages of a merchant whose worker does meanwhile what is due."""
    return Visitor(app, world.work)


def session(world: World, mode: str, price: str | None = None, **more: Any) -> dict[str, Any]:
    lines = {"line_items": [{"price": price, "quantity": 1}]} if price else {}
    return world.post("/v1/checkout/sessions", mode=mode, success_url=OK, **lines, **more)


def read(world: World, made: dict[str, Any]) -> dict[str, Any]:
    return world.get(f"/v1/checkout/sessions/{made['id']}")


def types(world: World) -> list[str]:
    left_out = ("product.", "price.", "plan.")
    return [event["type"] for event in world.events() if not event["type"].startswith(left_out)]


def test_a_subscription_is_bought(world: World, visitor: Visitor) -> None:
    made = session(world, "subscription", world.plan("Pro", usd=20))
    assert visitor.opens(made["url"]).status == 200
    assert "Subscribe to Pro" in visitor.words() and "US$20.00" in visitor.words()
    assert world.get("/v1/customers")["data"] == []
    world.forget()
    visitor.sends(**PAYER)
    done = read(world, made)
    assert (done["status"], done["payment_status"], done["url"]) == ("complete", "paid", None)
    subscription = world.get(f"/v1/subscriptions/{done['subscription']}")
    invoice = world.get(f"/v1/invoices/{done['invoice']}")
    assert (subscription["status"], invoice["status"], invoice["total"]) == ("active", "paid", 2000)
    assert subscription["default_payment_method"]
    assert done["customer_details"]["email"] == "ann@example.com"
    assert f"https://shop.example/ok?session={made['id']}" in visitor.text
    found = types(world)
    assert found == SUBSCRIBED


def test_a_declined_card_leaves_the_session_open_and_nothing_behind(world: World, visitor: Visitor) -> None:
    made = session(world, "subscription", world.plan("Pro", usd=20))
    visitor.opens(made["url"]).sends(**{**PAYER, "number": DECLINED})
    assert visitor.status == 422 and "Your card was declined." in visitor.words()
    assert DECLINED not in visitor.text
    assert read(world, made)["status"] == "open"
    visitor.sends(**{**PAYER, "number": "4000000000000341"})
    assert visitor.status == 422
    assert world.get("/v1/subscriptions", status="all")["data"] == []
    visitor.sends(**PAYER)
    assert read(world, made)["status"] == "complete"
    assert len(world.get("/v1/subscriptions")["data"]) == 1


@pytest.mark.parametrize(
    ("mode", "failed"),
    [
        ("payment", ["payment_intent.created", "charge.failed", "payment_intent.payment_failed"]),
        ("subscription", ["payment_intent.created", "charge.failed", "payment_intent.payment_failed"]),
        ("setup", ["setup_intent.setup_failed"]),
    ],
)
def test_a_card_that_is_declined_leaves_a_payment_that_failed(
    world: World, visitor: Visitor, mode: str, failed: list[str]
) -> None:
    ann = world.post("/v1/customers", email="ann@example.com")["id"]
    price = None if mode == "setup" else world.plan("Pro", usd=12)
    price = world.once("Book", usd=12) if mode == "payment" else price
    made = session(world, mode, price, customer=ann, **({} if price else {"currency": "usd"}))
    world.forget()
    visitor.opens(made["url"]).sends(**{**PAYER, "number": DECLINED})
    assert visitor.status == 422 and "Your card was declined." in visitor.words()
    assert types(world) == failed and read(world, made)["status"] == "open"
    assert world.get(f"/v1/customers/{ann}/payment_methods")["data"] == []
    visitor.sends(**PAYER)
    assert read(world, made)["status"] == "complete"


def test_a_bank_that_asks_is_answered_on_a_page_of_its_own(world: World, visitor: Visitor) -> None:
    made = session(world, "subscription", world.plan("Pro", usd=20))
    visitor.opens(made["url"]).sends(**{**PAYER, "number": THREE_D_SECURE})
    assert visitor.address.endswith("/confirm") and "Your bank asks you to confirm" in visitor.words()
    visitor.sends(answer="no")
    assert visitor.status == 422 and "did not go through" in visitor.words()
    assert read(world, made)["status"] == "open"
    assert world.get("/v1/subscriptions", status="all")["data"] == []
    visitor.opens(made["url"]).sends(**{**PAYER, "number": THREE_D_SECURE}).sends(answer="yes")
    done = read(world, made)
    assert (done["status"], done["payment_status"]) == ("complete", "paid")
    assert world.get(f"/v1/subscriptions/{done['subscription']}")["status"] == "active"


def test_a_payment_is_taken_once_however_often_the_form_is_sent(world: World, visitor: Visitor) -> None:
    made = session(world, "payment", world.once("Book", usd=12), customer_creation="always")
    visitor.opens(made["url"])
    page = visitor.text
    visitor.sends(**PAYER)
    done = read(world, made)
    assert (done["status"], done["amount_total"]) == ("complete", 1200)
    intent = world.get(f"/v1/payment_intents/{done['payment_intent']}")
    assert (intent["status"], intent["amount_received"]) == ("succeeded", 1200)
    visitor.text = page
    visitor.sends(**PAYER)
    assert "Thank you" in visitor.words()
    assert len(world.get("/v1/charges")["data"]) == 1


def test_a_payment_has_an_invoice_where_it_asks_for_one(world: World, visitor: Visitor) -> None:
    vat = world.tax(20)
    price = world.once("Book", usd=12)
    lines = [{"price": price, "quantity": 2, "tax_rates": [vat]}]
    made = session(
        world,
        "payment",
        line_items=lines,
        invoice_creation={"enabled": True, "invoice_data": {"footer": "Thanks"}},
    )
    assert (made["amount_subtotal"], made["total_details"]["amount_tax"], made["amount_total"]) == (
        2400,
        480,
        2880,
    )
    visitor.opens(made["url"]).sends(**PAYER)
    done = read(world, made)
    invoice = world.get(f"/v1/invoices/{done['invoice']}")
    assert (invoice["status"], invoice["total"], invoice["footer"]) == ("paid", 2880, "Thanks")


def test_a_card_is_saved_for_later(world: World, visitor: Visitor) -> None:
    ann = world.post("/v1/customers", email="ann@example.com")["id"]
    made = session(world, "setup", customer=ann, currency="usd")
    assert (made["payment_status"], made["amount_total"]) == ("no_payment_required", None)
    intent = world.get(f"/v1/setup_intents/{made['setup_intent']}")
    assert (intent["status"], intent["customer"]) == ("requires_payment_method", ann)
    visitor.opens(made["url"]).sends(**{**CARD, "country": "CH", "number": THREE_D_SECURE})
    assert "wants to save your payment method" in visitor.words()
    visitor.sends(answer="no")
    assert visitor.status == 422 and read(world, made)["status"] == "open"
    visitor.sends(**{**CARD, "country": "CH"})
    done = read(world, made)
    assert (done["status"], done["setup_intent"]) == ("complete", made["setup_intent"])
    assert world.get(f"/v1/setup_intents/{made['setup_intent']}")["status"] == "succeeded"
    [method] = world.get(f"/v1/customers/{ann}/payment_methods")["data"]
    assert (method["card"]["last4"], method["card"]["exp_year"]) == ("4242", 2049)


def test_a_guest_pays_without_a_customer(world: World, visitor: Visitor) -> None:
    data = {"description": "One book", "metadata": {"a": "1"}, "capture_method": "manual"}
    made = session(world, "payment", world.once("Book", usd=12), payment_intent_data=data)
    visitor.opens(made["url"]).sends(**{**PAYER, "number": THREE_D_SECURE}).sends(answer="yes")
    done = read(world, made)
    assert (done["status"], done["customer"]) == ("complete", None)
    intent = world.get(f"/v1/payment_intents/{done['payment_intent']}")
    found = (intent["status"], intent["customer"], intent["description"])
    assert found == ("requires_capture", None, "One book")
    assert world.get("/v1/customers")["data"] == []


def test_a_trial_is_free_today(world: World, visitor: Visitor) -> None:
    made = session(
        world, "subscription", world.plan("Pro", usd=20), subscription_data={"trial_period_days": 14}
    )
    assert made["amount_total"] == 0
    visitor.opens(made["url"])
    assert "Free for 14 days, then US$20.00 per month" in visitor.words()
    visitor.sends(**PAYER)
    done = read(world, made)
    assert done["payment_status"] == "no_payment_required"
    assert world.get(f"/v1/subscriptions/{done['subscription']}")["status"] == "trialing"


def test_what_is_wrong_stands_beside_its_field(world: World, visitor: Visitor) -> None:
    made = session(world, "subscription", world.plan("Pro", usd=20))
    visitor.opens(made["url"]).sends(**{**PAYER, "email": "nobody", "expiry": "01/20", "number": "12"})
    assert visitor.status == 422
    for text in ("Enter a mail address", "This card has expired.", "as it is printed"):
        assert text in visitor.words()
    assert 'value="nobody"' in visitor.text
    assert read(world, made)["status"] == "open"


def test_a_form_from_elsewhere_changes_nothing(world: World, visitor: Visitor) -> None:
    made = session(world, "payment", world.once("Book", usd=12))
    visitor.opens(made["url"]).sends(**PAYER, token="forged")
    assert read(world, made)["status"] == "open"


# ------------------------------------------------------------------------------------- the session itself


def test_the_total_is_that_of_the_invoice_to_the_cent(world: World, visitor: Visitor) -> None:
    world.at("2025-01-10 12:00")
    ann = world.customer("ann", card=None)
    coupon = world.coupon(percent_off=33, duration="once")
    made = session(
        world,
        "subscription",
        customer=ann.id,
        discounts=[{"coupon": coupon}],
        line_items=[
            {"price": world.plan("Pro", usd=19.99), "quantity": 3, "tax_rates": [world.tax(19)]},
            {
                "price": world.once("Setup", usd=7.77),
                "quantity": 1,
                "tax_rates": [world.tax(7, inclusive=True)],
            },
        ],
        subscription_data={"billing_cycle_anchor_config": {"day_of_month": 1}},
    )
    visitor.opens(made["url"]).sends(**PAYER)
    done = read(world, made)
    invoice = world.get(f"/v1/invoices/{done['invoice']}")
    assert made["amount_total"] == done["amount_total"] == invoice["total"] != 0
    assert made["amount_subtotal"] == invoice["subtotal"]
    discounted = sum(one["amount"] for one in invoice["total_discount_amounts"])
    taxed = sum(one["amount"] for one in invoice["total_taxes"])
    details = made["total_details"]
    assert (details["amount_discount"], details["amount_tax"]) == (discounted, taxed)
    assert invoice["status"] == "paid"


def test_a_code_takes_off_what_it_says(world: World, visitor: Visitor) -> None:
    coupon = world.coupon(amount_off=500, duration="once")
    world.post("/v1/promotion_codes", promotion={"type": "coupon", "coupon": coupon}, code="FIVE")
    made = session(world, "payment", world.once("Book", usd=12), allow_promotion_codes=True)
    visitor.opens(made["url"]).sends(action="apply", code="nothing")
    assert visitor.status == 422 and "This code is not valid." in visitor.words()
    visitor.sends(action="apply", code="five")
    assert visitor.status == 200 and "US$7.00" in visitor.words()
    visitor.sends(**PAYER)
    done = read(world, made)
    assert (done["amount_total"], done["total_details"]["amount_discount"]) == (700, 500)
    assert world.get(f"/v1/payment_intents/{done['payment_intent']}")["amount"] == 700
    assert world.get(f"/v1/coupons/{coupon}")["times_redeemed"] == 1


def test_a_customer_chooses_how_many(world: World, visitor: Visitor) -> None:
    price, adjustable = world.once("Book", usd=12), {"enabled": True, "minimum": 1, "maximum": 5}
    made = session(
        world, "payment", line_items=[{"price": price, "quantity": 1, "adjustable_quantity": adjustable}]
    )
    [line] = world.get(f"/v1/checkout/sessions/{made['id']}/line_items")["data"]
    name = f"quantity-{line['id']}"
    visitor.opens(made["url"]).sends(action="update", **{name: "3"})
    assert "US$36.00" in visitor.words()
    visitor.sends(action="update", **{name: "99"})
    assert read(world, made)["amount_total"] == 5 * 1200


def test_a_session_expires_and_can_be_begun_again(world: World, visitor: Visitor) -> None:
    world.at("2025-01-01")
    ann = world.customer("ann", card=None)
    price, recovery = world.plan("Pro", usd=20), {"recovery": {"enabled": True}}
    made = session(world, "subscription", price, customer=ann.id, after_expiration=recovery)
    world.forget()
    world.at("2025-01-02", ["checkout.session.expired"])
    gone = read(world, made)
    assert (gone["status"], gone["url"]) == ("expired", None)
    assert "has expired" in visitor.opens(made["url"]).words()
    visitor.opens(gone["after_expiration"]["recovery"]["url"])
    assert "Subscribe to Pro" in visitor.words()
    [again] = world.get("/v1/checkout/sessions", status="open")["data"]
    assert (again["recovered_from"], again["amount_total"]) == (made["id"], 2000)


def test_a_deleted_customer_cannot_pay_any_more(world: World, visitor: Visitor) -> None:
    ann = world.customer("ann", card=None)
    made = session(world, "payment", world.once("Book", usd=12), customer=ann.id)
    world.delete(f"/v1/customers/{ann.id}")
    assert read(world, made)["status"] == "expired"
    assert "has expired" in visitor.opens(made["url"]).words()


def test_only_an_open_session_is_expired(world: World) -> None:
    made = session(world, "payment", world.once("Book", usd=12))
    assert world.post(f"/v1/checkout/sessions/{made['id']}/expire")["status"] == "expired"
    again = world.refused(f"/v1/checkout/sessions/{made['id']}/expire")
    assert again["message"].startswith('Only Checkout Sessions with a status in ["open"] can be expired.')


def test_what_cannot_be_sold_is_refused_in_words(world: World) -> None:
    month, once = world.plan("Pro", usd=20), world.once("Book", usd=12)
    line = {"line_items": [{"price": once, "quantity": 1}]}
    plan, bare = [{"price": month, "quantity": 1}], [{"price": once}]
    cases: list[tuple[dict[str, Any], str, str]] = [
        ({}, "mode", "Missing required param: mode."),
        ({"mode": "payment", "line_items": plan}, "line_items", "recurring price"),
        ({"mode": "subscription", **line}, "line_items", "at least one recurring price"),
        ({"mode": "payment", "line_items": bare}, "line_items[0][quantity]", "Quantity is required"),
        (
            {"mode": "payment", **line, "subscription_data": {"trial_period_days": 3}},
            "subscription_data",
            "You can not pass `subscription_data` in `payment` mode.",
        ),
        ({"mode": "payment", **line, "success_url": "nowhere"}, "success_url", "Not a valid URL"),
        ({"mode": "payment", **line, "expires_at": 1}, "expires_at", "at least 30 minutes"),
        (
            {"mode": "payment", **line, "automatic_tax": {"enabled": True}},
            "automatic_tax[enabled]",
            "valid head office address",
        ),
        ({"mode": "payment", **line, "ui_mode": "embedded_page"}, "return_url", "Missing required param"),
    ]
    for sent, param, text in cases:
        urls = {} if "ui_mode" in sent else {"success_url": OK}
        refused = world.refused("/v1/checkout/sessions", **{**urls, **sent})
        assert refused["param"] == param and text in refused["message"], refused
    assert world.get("/v1/checkout/sessions")["data"] == []


def test_a_request_of_an_older_version_is_read_and_shown_as_then(world: World) -> None:
    sent = {
        "mode": "payment",
        "success_url": "https://shop.example",
        "payment_method_types[0]": "card",
        "line_items[0][name]": "Book",
        "line_items[0][amount]": "1200",
        "line_items[0][currency]": "usd",
        "line_items[0][quantity]": "1",
    }
    made = world.api.post("/v1/checkout/sessions", sent, Stripe_Version="2020-08-27")
    assert made.status == 200, made
    assert (made["ui_mode"], made["amount_total"], made["customer_creation"]) == ("hosted", 1200, "always")
    assert (made["shipping"], made["shipping_rate"], made["payment_method_types"]) == (None, None, ["card"])


@pytest.mark.parametrize(("wish", "asks"), [("any", True), ("automatic", False)])
def test_options_of_methods_are_those_of_the_payment(
    world: World, visitor: Visitor, wish: str, asks: bool
) -> None:
    """The card authenticates its holder only where it is asked to."""
    options = {"card": {"request_three_d_secure": wish, "capture_method": "automatic"}}
    made = session(world, "payment", world.once("Book", usd=20), payment_method_options=options)
    visitor.opens(made["url"]).sends(**{**PAYER, "number": "4000000000003055"})
    [intent] = world.get("/v1/payment_intents")["data"]
    assert intent["status"] == ("requires_action" if asks else "succeeded")
    card = intent["payment_method_options"]["card"]
    assert card["request_three_d_secure"] == wish and "capture_method" not in card
