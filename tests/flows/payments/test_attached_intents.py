"""Does an intent that is attached before it succeeds pay its invoice then, and nothing otherwise (§7.4)?"""

from typing import Any

import pytest

from billow.flows.payments import collect
from billow.store.perform import perform
from tests.flows.payments.test_intents import gateway_of
from tests.flows.payments.test_part_payments import booked, cashed, opened
from tests.support.world import Customer, World


@pytest.fixture
def anna(world: World) -> Customer:
    world.at("2025-01-01")
    return world.customer("anna")


def intent_of(world: World, anna: Customer, amount: int, **more: Any) -> str:
    wanted = {"amount": amount, "currency": "usd", "customer": anna.id, **more}
    return str(world.post("/v1/payment_intents", **wanted)["id"])


def confirmed(world: World, intent: str) -> None:
    world.post(f"/v1/payment_intents/{intent}/confirm", payment_method="pm_card_visa", off_session=True)


def payment_of(world: World, intent: str) -> dict[str, Any]:
    named = {"type": "payment_intent", "payment_intent": intent}
    [found] = world.get("/v1/invoice_payments", payment=named)["data"]
    return dict(found)


def test_it_pays_once_it_succeeds(world: World, anna: Customer) -> None:
    invoice, first = opened(anna), intent_of(world, anna, 6000)
    invoice.does("attach_payment", payment_intent=first)
    waiting = payment_of(world, first)
    assert (waiting["status"], waiting["amount_paid"], waiting["is_default"]) == ("open", None, False)
    assert (waiting["amount_requested"], invoice.now["amount_paid"]) == (6000, 0)
    path = f"/v1/invoices/{invoice.data['id']}/attach_payment"
    assert "already pays" in world.refused(path, payment_intent=first)["message"]
    confirmed(world, first)
    assert (invoice.now["status"], invoice.now["amount_paid"]) == ("open", 6000)
    assert (payment_of(world, first)["status"], payment_of(world, first)["amount_paid"]) == ("paid", 6000)
    second = intent_of(world, anna, 5000)
    invoice.does("attach_payment", payment_intent=second)
    confirmed(world, second)
    assert (invoice.status, invoice.now["amount_paid"], invoice.now["amount_overpaid"]) == (
        *("paid", 10000, 1000),
    )
    assert anna.now["balance"] == -1000
    assert booked(world, "revenue:none") == -10000


def test_it_pays_once_it_is_captured(world: World, anna: Customer) -> None:
    invoice, held = opened(anna), intent_of(world, anna, 10000, capture_method="manual")
    invoice.does("attach_payment", payment_intent=held)
    confirmed(world, held)
    assert invoice.status == "open"
    path = f"/v1/invoices/{invoice.data['id']}/void"
    assert "under way" in world.refused(path)["message"]
    world.post(f"/v1/payment_intents/{held}/capture")
    assert (invoice.status, payment_of(world, held)["status"]) == ("paid", "paid")


@pytest.mark.parametrize("how", ["pay", "void", "attach", "out of band", "cancel"])
def test_it_is_canceled_when_its_invoice_is_paid_otherwise_or_voided(
    world: World, anna: Customer, how: str
) -> None:
    invoice, waiting = opened(anna), intent_of(world, anna, 10000)
    invoice.does("attach_payment", payment_intent=waiting)
    if how == "attach":
        invoice.does("attach_payment", payment_record=cashed(world, 10000))
    elif how == "out of band":
        invoice.does("pay", paid_out_of_band=True)
    elif how == "cancel":
        world.post(f"/v1/payment_intents/{waiting}/cancel")
    else:
        invoice.does(how)
    assert payment_of(world, waiting)["status"] == "canceled"
    intent = world.get(f"/v1/payment_intents/{waiting}")
    reason = {"void": "void_invoice", "cancel": None}.get(how, "automatic")
    assert (intent["status"], intent["cancellation_reason"]) == ("canceled", reason)


def test_a_debit_under_way_is_credited_when_the_invoice_was_paid_meanwhile(world: World) -> None:
    world.at("2025-01-01")
    anna = world.customer("anna")
    invoice = opened(anna)
    debit = world.post(
        "/v1/payment_intents",
        amount=10000,
        currency="usd",
        customer=anna.id,
        payment_method="pm_usBankAccount_processing",
        allowed_payment_method_types=["us_bank_account"],
        automatic_payment_methods={"enabled": False},
        confirm=True,
        mandate_data={
            "customer_acceptance": {
                "type": "online",
                "online": {"ip_address": "192.0.2.1", "user_agent": "test"},
            }
        },
    )
    assert debit["status"] == "processing"
    invoice.does("attach_payment", payment_intent=debit["id"])
    invoice.does("pay")
    assert (invoice.status, payment_of(world, debit["id"])["status"]) == ("paid", "open")
    gateway = gateway_of(world.api)
    with world.api.app.db.transaction(world.api.tenant) as tx:
        [(attempt,)] = tx.tuples("select id from attempts where state = 'processing'")
    gateway.arrive(attempt)
    perform(lambda: world.api.app.db.transaction(world.api.tenant), collect.find_out, [attempt])
    assert payment_of(world, debit["id"])["status"] == "paid"
    assert (anna.now["balance"], invoice.now["amount_overpaid"]) == (-10000, 10000)
    assert invoice.now["amount_paid"] == 10000 and booked(world, "revenue:none") == -10000
