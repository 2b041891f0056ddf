"""Are the subscription and the invoice that a session sells made after the payment, and not without it?"""

from typing import Any

import pytest

from billow import selling
from billow.app import App
from billow.core.payments import Declined
from tests.flows.checkout.test_debits_on_pages import DEBIT
from tests.flows.conftest import do_what_is_due
from tests.flows.payments.test_intents import gateway_of
from tests.support.page_visits import PAYER, Visitor
from tests.support.world import World

OK = "https://shop.example/ok"
THREE_D_SECURE, DECLINED, FAILS = "4000002760003184", "4000000000000002", "4000000000000341"
ORDER = [
    "payment_intent.created", "charge.succeeded", "payment_intent.succeeded", "invoiceitem.created",
    "invoice.created", "customer.updated", "invoice.finalized", "invoice_payment.paid", "invoice.updated",
    "invoice.paid", "invoice.payment_succeeded", "checkout.session.completed",
]  # fmt: skip
INVOICE = {"invoice_creation": {"enabled": True}}


@pytest.fixture
def visitor(app: App, world: World) -> Visitor:
    return Visitor(app, world.work)


def session(world: World, mode: str, currency: str = "usd", **more: Any) -> dict[str, Any]:
    price = (
        world.plan("Pro", **{currency: 20})
        if mode == "subscription"
        else world.once("Book", **{currency: 20})
    )
    asks = INVOICE if mode == "payment" else {}
    lines = [{"price": price, "quantity": 1}]
    return world.post("/v1/checkout/sessions", mode=mode, success_url=OK, line_items=lines, **asks, **more)


def read(world: World, made: dict[str, Any]) -> dict[str, Any]:
    return world.get(f"/v1/checkout/sessions/{made['id']}")


def emitted(world: World) -> list[str]:
    left_out = ("product.", "price.", "plan.")
    return [one["type"] for one in world.events() if not one["type"].startswith(left_out)]


@pytest.mark.parametrize("mode", ["payment", "subscription"])
def test_a_declined_card_uses_up_no_number_of_the_series(
    world: World, app: App, visitor: Visitor, mode: str
) -> None:
    class Built:
        db, account = app.db, world.api.tenant.partition("/")[0]

    seller = selling.read(["name=Acme GmbH", "country=DE", "number_prefix=P"])
    selling.change(Built(), seller)  # type: ignore[arg-type]
    ann = world.customer("ann", card=None)
    made = session(world, mode, customer=ann.id)
    world.forget()
    visitor.opens(made["url"])
    for number in (DECLINED, FAILS):
        visitor.sends(**{**PAYER, "number": number})
        assert visitor.status == 422 and "Your card was declined." in visitor.words()
    visitor.sends(**{**PAYER, "number": THREE_D_SECURE}).sends(answer="no")
    assert world.get("/v1/invoices")["data"] == [] == world.get("/v1/subscriptions", status="all")["data"]
    assert world.get(f"/v1/customers/{ann.id}/payment_methods")["data"] == []
    declined = ["charge.failed", "payment_intent.payment_failed"]
    asked = ["payment_intent.requires_action", "payment_intent.payment_failed"]
    assert emitted(world) == ["payment_intent.created", *declined, *declined, *asked]
    visitor.opens(made["url"]).sends(**PAYER)
    invoice = world.get(f"/v1/invoices/{read(world, made)['invoice']}")
    assert (invoice["number"], invoice["status"], invoice["amount_paid"]) == ("P-0001", "paid", 2000)
    assert len(world.get("/v1/payment_intents")["data"]) == 1


def test_an_invoice_is_made_after_its_payment(world: World, visitor: Visitor) -> None:
    made = session(world, "payment", customer=world.customer("ann", card=None).id)
    world.forget()
    visitor.opens(made["url"]).sends(**PAYER)
    assert emitted(world) == ORDER
    done = read(world, made)
    [payment] = world.get("/v1/invoice_payments", invoice=done["invoice"])["data"]
    assert payment["payment"]["payment_intent"] == done["payment_intent"]
    assert (payment["status"], payment["amount_paid"]) == ("paid", 2000)


def test_nothing_is_made_while_the_bank_asks(world: World, visitor: Visitor) -> None:
    made = session(world, "subscription")
    visitor.opens(made["url"]).sends(**{**PAYER, "number": THREE_D_SECURE})
    assert world.get("/v1/invoices")["data"] == [] == world.get("/v1/subscriptions", status="all")["data"]
    world.post(f"/v1/checkout/sessions/{made['id']}/expire")
    [intent] = world.get("/v1/payment_intents")["data"]
    assert (intent["status"], read(world, made)["status"]) == ("canceled", "expired")


def test_the_balance_and_what_waits_are_part_of_the_first_payment(world: World, visitor: Visitor) -> None:
    ann = world.customer("ann", card=None)
    world.post(f"/v1/customers/{ann.id}", balance=-700)
    world.post("/v1/invoiceitems", customer=ann.id, amount=300, currency="usd")
    made = session(world, "subscription", customer=ann.id)
    visitor.opens(made["url"]).sends(**PAYER)
    invoice = world.get(f"/v1/invoices/{read(world, made)['invoice']}")
    assert (invoice["total"], invoice["amount_due"], invoice["amount_paid"]) == (2300, 1600, 1600)
    assert (ann.now["balance"], [one["amount"] for one in world.get("/v1/charges")["data"]]) == (0, [1600])


def test_a_change_of_the_total_while_the_bank_asks_goes_to_the_balance(
    world: World, visitor: Visitor
) -> None:
    ann = world.customer("ann", card=None)
    made = session(world, "subscription", customer=ann.id)
    visitor.opens(made["url"]).sends(**{**PAYER, "number": THREE_D_SECURE})
    world.post("/v1/invoiceitems", customer=ann.id, amount=300, currency="usd")
    visitor.sends(answer="yes")
    invoice = world.get(f"/v1/invoices/{read(world, made)['invoice']}")
    assert (invoice["status"], invoice["total"], invoice["amount_paid"]) == ("paid", 2300, 2000)
    assert ann.now["balance"] == 300


def test_a_code_for_first_payments_is_redeemed_once(world: World, visitor: Visitor) -> None:
    coupon = world.coupon(percent_off=10, duration="once")
    terms = {"promotion": {"type": "coupon", "coupon": coupon}, "max_redemptions": 1}
    code = world.post("/v1/promotion_codes", **terms, restrictions={"first_time_transaction": True})
    made = session(world, "subscription", discounts=[{"promotion_code": code["id"]}])
    visitor.opens(made["url"]).sends(**{**PAYER, "number": FAILS})
    assert world.get(f"/v1/promotion_codes/{code['id']}")["times_redeemed"] == 0
    visitor.sends(**{**PAYER, "number": THREE_D_SECURE})
    assert world.get(f"/v1/promotion_codes/{code['id']}")["times_redeemed"] == 1
    world.delete(f"/v1/coupons/{coupon}")
    visitor.sends(answer="yes")
    assert world.get(f"/v1/invoices/{read(world, made)['invoice']}")["total"] == 1800
    assert world.get(f"/v1/promotion_codes/{code['id']}")["times_redeemed"] == 1


def test_a_debit_has_its_invoice_when_its_money_has_come(world: World, app: App) -> None:
    types = {"allowed_payment_method_types": ["card", "sepa_debit"]}
    made = session(world, "payment", "eur", **types)
    Visitor(app).opens(made["url"]).sends(**DEBIT)
    assert (read(world, made)["status"], read(world, made)["invoice"]) == ("complete", None)
    follow(world, app)
    done = read(world, made)
    assert done["payment_status"] == "paid"
    assert world.get(f"/v1/invoices/{done['invoice']}")["status"] == "paid"
    assert emitted(world)[-1] == "checkout.session.async_payment_succeeded"


FAILS_LATER = "DE62370400440532013001"


def test_a_debit_that_is_refused_at_once_leaves_no_subscription(
    world: World, app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither a subscription nor an invoice nor a number; another account then buys it."""
    ann = world.customer("ann", card=None)
    types = {"allowed_payment_method_types": ["card", "sepa_debit"]}
    made = session(world, "subscription", "eur", customer=ann.id, **types)
    world.forget()
    visitor = Visitor(app).opens(made["url"])
    with monkeypatch.context() as patched:
        refusal = Declined("debit_not_authorized", "debit_not_authorized", "Refused.", False)
        patched.setattr(type(gateway_of(world.api)), "charge", lambda gateway, charge: refusal)
        visitor.sends(**DEBIT)
    assert read(world, made)["status"] == "open"
    assert not world.get("/v1/subscriptions", status="all")["data"] and not world.get("/v1/invoices")["data"]
    assert not [one for one in emitted(world) if one.startswith(("invoice", "customer.subscription"))]
    assert "Thank you" in visitor.sends(**DEBIT).words()
    done = read(world, made)
    [subscription] = world.get("/v1/subscriptions")["data"]
    [invoice] = world.get("/v1/invoices")["data"]
    assert (done["status"], done["payment_status"]) == ("complete", "unpaid")
    assert (done["subscription"], done["invoice"]) == (subscription["id"], invoice["id"])
    assert (subscription["status"], invoice["status"]) == ("active", "open")
    assert invoice["number"].endswith("-0001") and subscription["default_payment_method"]
    created = [one for one in emitted(world) if one in ("customer.subscription.created", "invoice.finalized")]
    assert created == ["invoice.finalized", "customer.subscription.created"]
    [intent] = world.get("/v1/payment_intents", customer=ann.id)["data"]
    assert intent["status"] == "processing"
    follow(world, app)
    assert read(world, made)["payment_status"] == "paid"
    paid = world.get(f"/v1/invoices/{invoice['id']}")
    assert (paid["status"], paid["amount_paid"]) == ("paid", 2000)
    assert len(world.get("/v1/charges")["data"]) == 2


def test_a_debit_that_fails_later_voids_its_invoice(world: World, app: App) -> None:
    types = {"allowed_payment_method_types": ["card", "sepa_debit"]}
    made = session(world, "subscription", "eur", **types)
    Visitor(app).opens(made["url"]).sends(**{**DEBIT, "iban": FAILS_LATER})
    assert read(world, made)["status"] == "complete"
    follow(world, app)
    assert world.get(f"/v1/invoices/{read(world, made)['invoice']}")["status"] == "void"
    assert emitted(world)[-1] == "checkout.session.async_payment_failed"


def follow(world: World, app: App) -> None:
    do_what_is_due(app)
    with app.db.transaction(world.api.tenant) as tx:
        tx.run("update jobs set run_at = %(now)s where kind = 'checkout.follow'", now=tx.wall)
    do_what_is_due(app)


def test_a_held_payment_has_its_invoice_when_it_is_captured(world: World, app: App, visitor: Visitor) -> None:
    made = session(world, "payment", payment_intent_data={"capture_method": "manual"})
    visitor.opens(made["url"]).sends(**PAYER)
    done = read(world, made)
    assert (done["status"], done["payment_status"], done["invoice"]) == ("complete", "unpaid", None)
    world.post(f"/v1/payment_intents/{done['payment_intent']}/capture")
    follow(world, app)
    done = read(world, made)
    invoice = world.get(f"/v1/invoices/{done['invoice']}")
    assert (done["payment_status"], invoice["status"], invoice["amount_paid"]) == ("paid", "paid", 2000)


def test_an_intent_that_is_paid_elsewhere_is_not_lost_when_its_session_expires(
    world: World, visitor: Visitor
) -> None:
    made = session(world, "subscription", customer=world.customer("ann", card=None).id)
    visitor.opens(made["url"]).sends(**{**PAYER, "number": FAILS})
    [intent] = world.get("/v1/payment_intents")["data"]
    world.post(f"/v1/payment_intents/{intent['id']}/confirm", payment_method="pm_card_visa")
    world.refused(f"/v1/checkout/sessions/{made['id']}/expire")
    done = read(world, made)
    assert (done["status"], done["payment_status"]) == ("complete", "paid")
    assert world.get(f"/v1/subscriptions/{done['subscription']}")["status"] == "active"
