"""Do payment methods, intents, charges, balances, events and endpoints work through the official library?"""

import pytest
import stripe

from tests.conformance.conftest import Shop, Whole


def test_a_card_is_made_attached_listed_noted_and_detached(shop: Shop, whole: Whole) -> None:
    card = {"number": "4242424242424242", "exp_month": 8, "exp_year": 2030, "cvc": "123"}
    method = whole(shop.v1.payment_methods.create(params={"type": "card", "card": card}))
    customer = shop.v1.customers.create()
    whole(shop.v1.payment_methods.attach(method.id, params={"customer": customer.id}))
    whole(shop.v1.payment_methods.retrieve(method.id))
    noted = shop.v1.payment_methods.update(method.id, params={"metadata": {"a": "1"}})
    assert noted.metadata["a"] == "1"
    of_customer = shop.v1.customers.payment_methods.list(customer.id, params={"type": "card"})
    listed = shop.v1.payment_methods.list(params={"customer": customer.id, "type": "card"})
    assert [found.id for found in of_customer.data] == [found.id for found in listed.data] == [method.id]
    whole(shop.v1.customers.payment_methods.retrieve(customer.id, method.id))
    assert shop.v1.payment_methods.detach(method.id).customer is None


def test_an_intent_is_made_confirmed_and_leads_to_a_charge_and_a_movement(shop: Shop, whole: Whole) -> None:
    customer = shop.customer()
    method = customer.invoice_settings.default_payment_method
    given = {"amount": 1500, "currency": "usd", "customer": customer.id, "payment_method": method}
    intent = whole(shop.v1.payment_intents.create(params=given))
    assert intent.status == "requires_confirmation"
    shop.v1.payment_intents.update(intent.id, params={"metadata": {"a": "1"}})
    done = whole(
        shop.v1.payment_intents.confirm(intent.id, params={"expand": ["latest_charge.balance_transaction"]})
    )
    assert (done.status, done.amount_received) == ("succeeded", 1500)
    charge = whole(done.latest_charge)
    movement = whole(charge.balance_transaction)
    assert movement.net == movement.amount - movement.fee == 1500 - 74
    assert [found.id for found in shop.v1.charges.list(params={"payment_intent": intent.id}).data] == [
        charge.id
    ]
    whole(shop.v1.charges.retrieve(charge.id))
    assert shop.v1.charges.update(charge.id, params={"description": "Book"}).description == "Book"
    whole(shop.v1.balance_transactions.retrieve(movement.id))
    assert [found.id for found in shop.v1.balance_transactions.list().data] == [movement.id]
    assert [found.id for found in shop.v1.payment_intents.list(params={"customer": customer.id}).data] == [
        intent.id
    ]


def test_an_intent_may_be_canceled(shop: Shop, whole: Whole) -> None:
    given = {"amount": 1500, "currency": "usd", "customer": shop.customer().id}
    intent = shop.v1.payment_intents.create(params=given)
    canceled = whole(shop.v1.payment_intents.cancel(intent.id, params={"cancellation_reason": "abandoned"}))
    assert (canceled.status, canceled.cancellation_reason) == ("canceled", "abandoned")


def test_a_decline_is_a_card_error_with_the_intent_in_it(shop: Shop, whole: Whole) -> None:
    customer = shop.v1.customers.create()
    method = shop.v1.payment_methods.attach("pm_card_chargeCustomerFail", params={"customer": customer.id})
    given = {
        "amount": 1500,
        "currency": "usd",
        "customer": customer.id,
        "payment_method": method.id,
        "confirm": True,
    }
    with pytest.raises(stripe.CardError) as declined:
        shop.v1.payment_intents.create(params=given)
    assert (declined.value.code, declined.value.http_status) == ("card_declined", 402)
    assert declined.value.error is not None
    assert declined.value.error.decline_code == "generic_decline"
    [charge] = shop.v1.charges.list(params={"customer": customer.id}).data
    assert (whole(charge).status, charge.failure_code) == ("failed", "card_declined")
    [intent] = shop.v1.payment_intents.list(params={"customer": customer.id}).data
    assert whole(intent).last_payment_error.decline_code == "generic_decline"


def test_events_are_listed_and_tell_what_changed(shop: Shop, whole: Whole) -> None:
    customer = shop.customer(name="Anna")
    shop.v1.customers.update(customer.id, params={"name": "Anne"})
    event = shop.v1.events.list(params={"type": "customer.updated"}).data[0]
    again = whole(shop.v1.events.retrieve(event.id))
    assert again.data.object["name"] == "Anne"
    assert again.data.to_dict()["previous_attributes"] == {"name": "Anna"}


def test_an_endpoint_is_created_changed_listed_and_deleted(shop: Shop, whole: Whole) -> None:
    endpoints = shop.v1.webhook_endpoints
    given = {"url": "https://example.com/hook", "enabled_events": ["invoice.paid"], "description": "Shop"}
    made = whole(endpoints.create(params=given))
    assert made.secret.startswith("whsec_")
    assert "secret" not in whole(endpoints.retrieve(made.id))
    assert whole(endpoints.update(made.id, params={"disabled": True})).status == "disabled"
    assert [found.id for found in endpoints.list().data] == [made.id]
    assert endpoints.delete(made.id).deleted


def test_setup_intents_attempts_mandates_and_configurations_are_whole(shop: Shop, whole: Whole) -> None:
    customer = shop.v1.customers.create()
    accepted = {"customer_acceptance": {"type": "offline"}}
    made = whole(shop.v1.setup_intents.create(params={"customer": customer.id}))
    given = {"payment_method": "pm_card_visa", "mandate_data": accepted}
    done = whole(shop.v1.setup_intents.confirm(made.id, params=given))
    assert done.status == "succeeded"
    whole(shop.v1.mandates.retrieve(done.mandate))
    for attempt in shop.v1.setup_attempts.list(params={"setup_intent": made.id}).data:
        whole(attempt)
    for found in shop.v1.setup_intents.list(params={"customer": customer.id}).data:
        whole(found)
    other = whole(shop.v1.setup_intents.create(params={"payment_method": "pm_card_authenticationRequired"}))
    waiting = whole(shop.v1.setup_intents.confirm(other.id, params={"return_url": "https://shop.example"}))
    assert waiting.next_action.redirect_to_url.return_url == "https://shop.example"
    whole(shop.v1.setup_intents.update(other.id, params={"description": "Later"}))
    whole(shop.v1.setup_intents.cancel(other.id, params={"cancellation_reason": "abandoned"}))
    for configuration in shop.v1.payment_method_configurations.list().data:
        whole(shop.v1.payment_method_configurations.retrieve(configuration.id))
        on = {"sepa_debit": {"display_preference": {"preference": "on"}}}
        assert whole(
            shop.v1.payment_method_configurations.update(configuration.id, params=on)
        ).sepa_debit.available
    whole(shop.v1.payment_method_configurations.create(params={"name": "Mine"}))


def test_methods_of_every_type_and_what_they_pay_are_whole(shop: Shop, whole: Whole) -> None:
    for token in (
        "pm_usBankAccount_success",
        "pm_success_de",
        "pm_bacsDebit_success",
        "pm_acssDebit_success",
        "pm_auBecsDebit_success",
    ):
        method = whole(shop.v1.payment_methods.attach(token, params={"customer": shop.customer().id}))
        assert method[method.type].last4
    for kind in ("link", "paypal", "klarna", "cashapp", "ideal", "customer_balance", "amazon_pay"):
        whole(shop.v1.payment_methods.create(params={"type": kind}))


def test_an_intent_is_held_captured_and_whole_in_every_state(shop: Shop, whole: Whole) -> None:
    held = whole(
        shop.v1.payment_intents.create(
            params={
                "amount": 2000,
                "currency": "usd",
                "payment_method": "pm_card_visa",
                "confirm": True,
                "capture_method": "manual",
                "shipping": {"name": "Ann", "address": {"city": "Bern"}},
                "amount_details": {"shipping": {"amount": 5}},
                "statement_descriptor_suffix": "BOOKS",
                "payment_details": {"order_reference": "7"},
                "receipt_email": "ann@x.ch",
                "transfer_group": "seven",
            }
        )
    )
    assert (held.status, held.amount_capturable, held.transfer_group) == ("requires_capture", 2000, "seven")
    whole(shop.v1.charges.retrieve(held.latest_charge))
    done = whole(shop.v1.payment_intents.capture(held.id, params={"amount_to_capture": 500}))
    assert done.amount_received == 500
    asked = whole(
        shop.v1.payment_intents.create(
            params={
                "amount": 2000,
                "currency": "usd",
                "payment_method": "pm_card_authenticationRequired",
                "confirm": True,
                "return_url": "https://shop.example",
            }
        )
    )
    assert asked.next_action.type == "redirect_to_url"
    whole(shop.v1.payment_intents.update(asked.id, params={"amount": 2500}))
    whole(shop.v1.payment_intents.cancel(asked.id))
