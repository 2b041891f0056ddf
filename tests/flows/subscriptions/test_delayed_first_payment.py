"""Does a subscription begin while the bank debit of its first invoice is on its way, and stay if it fails?"""

from typing import Any

import pytest

from billow.app import App
from billow.flows.payments import collect
from billow.store.perform import perform
from tests.support.world import World

WAITS = {
    "payment_behavior": "default_incomplete",
    "payment_settings": {"payment_method_types": ["us_bank_account"]},
}
BEHAVIORS = ("allow_incomplete", "error_if_incomplete")
TAKING = ["charge.pending", "payment_intent.processing", "invoice.updated"]


def subscribe(world: World, method: str, **more: Any) -> dict[str, Any]:
    """Subscribe a customer who pays by this method; `started` checks the events since then."""
    world.at("2025-01-01")
    customer = world.post("/v1/customers", name="Ann", test_clock=world.clock)["id"]
    attached = world.post(f"/v1/payment_methods/{method}/attach", customer=customer)["id"]
    price = world.plan("Pro", usd=20)
    world.forget()
    form = {"customer": customer, "items": [{"price": price}], "default_payment_method": attached, **more}
    return world.post("/v1/subscriptions", **form)


@pytest.mark.parametrize("behavior", BEHAVIORS)
def test_it_is_active_while_the_debit_is_on_its_way_and_the_invoice_is_paid_later(
    world: World, behavior: str
) -> None:
    made = subscribe(world, "pm_usBankAccount_success", payment_behavior=behavior)
    assert made["status"] == "active"
    invoice = world.get(f"/v1/invoices/{made['latest_invoice']}")
    assert (invoice["status"], invoice["attempted"]) == ("open", True)
    emitted = world.emitted()
    world.forget()
    assert emitted == [
        *["invoice.created", "invoice.finalized", "payment_intent.created", *TAKING],
        *["customer.subscription.created", "customer.updated"],
    ]
    world.work()
    assert world.get(f"/v1/invoices/{made['latest_invoice']}")["status"] == "paid"
    assert world.emitted() == [
        *["charge.succeeded", "payment_intent.succeeded", "invoice_payment.paid", "invoice.updated"],
        *["invoice.paid", "invoice.payment_succeeded"],
    ]


def test_where_the_debit_fails_the_invoice_is_voided_and_the_subscription_goes_on(world: World) -> None:
    made = subscribe(world, "pm_usBankAccount_insufficientFunds")
    world.forget()
    world.work()
    invoice = world.get(f"/v1/invoices/{made['latest_invoice']}")
    assert (invoice["status"], invoice["attempt_count"]) == ("void", 1)
    assert world.get(f"/v1/subscriptions/{made['id']}")["status"] == "active"
    assert world.emitted() == [
        *["charge.failed", "payment_intent.payment_failed", "invoice.updated", "invoice.payment_failed"],
        *["payment_intent.canceled", "invoice.voided"],
    ]


def test_it_does_not_expire_after_a_day(world: World, app: App) -> None:
    made = subscribe(world, "pm_usBankAccount_processing")
    world.at("2025-01-03")
    assert world.get(f"/v1/subscriptions/{made['id']}")["status"] == "active"
    with app.db.transaction(world.api.tenant) as tx:
        [attempt] = [row[0] for row in tx.tuples("select id from attempts where state = 'processing'")]
    app.db.outside.gateways["test"].arrive(attempt)
    perform(lambda: app.db.transaction(world.api.tenant), collect.find_out, [attempt])


def test_one_that_waits_for_a_confirmation_begins_with_it(world: World) -> None:
    made = subscribe(world, "pm_usBankAccount_success", **WAITS)
    assert made["status"] == "incomplete"
    [payment] = world.get("/v1/invoice_payments", invoice=made["latest_invoice"])["data"]
    world.post(f"/v1/payment_intents/{payment['payment']['payment_intent']}/confirm")
    assert world.get(f"/v1/subscriptions/{made['id']}")["status"] == "active"
