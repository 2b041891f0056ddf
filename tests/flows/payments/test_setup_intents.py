"""Are methods set up for later payments, with their attempts and mandates, as Stripe does it?"""

from typing import Any

import pytest

from tests.flows.payments.test_intents import act

PATH = "/v1/setup_intents"
ONLINE = {
    "mandate_data[customer_acceptance][type]": "online",
    "mandate_data[customer_acceptance][online][ip_address]": "192.0.2.1",
    "mandate_data[customer_acceptance][online][user_agent]": "test",
}
BANK = {"automatic_payment_methods[enabled]": "false", "allowed_payment_method_types[]": "us_bank_account"}


@pytest.fixture
def ann(api: Any) -> str:
    return str(api.post("/v1/customers", {"name": "Ann"})["id"])


def test_a_card_is_set_up_and_is_the_customers(api: Any, ann: str) -> None:
    made = api.post(PATH, {"customer": ann, "description": "Later", "metadata[a]": "1"})
    assert (made["status"], made["usage"]) == ("requires_payment_method", "off_session")
    assert made["client_secret"].startswith(f"{made['id']}_secret_")
    assert made["payment_method_options"]["card"]["request_three_d_secure"] == "automatic"
    changed = api.post(f"{PATH}/{made['id']}", {"payment_method": "pm_card_visa", "metadata[b]": "2"})
    assert changed["status"] == "requires_confirmation" and changed["metadata"] == {"a": "1", "b": "2"}
    done = api.post(f"{PATH}/{made['id']}/confirm")
    assert (done["status"], done["mandate"]) == ("succeeded", None)
    assert api.get(f"/v1/payment_methods/{done['payment_method']}")["customer"] == ann
    [tried] = api.get("/v1/setup_attempts", {"setup_intent": made["id"]})["data"]
    assert (tried["id"], tried["status"]) == (done["latest_attempt"], "succeeded")
    assert tried["payment_method_details"]["card"]["last4"] == "4242"
    mine = {"customer": ann, "payment_method": done["payment_method"]}
    assert [one["id"] for one in api.get(PATH, mine)["data"]] == [made["id"]]
    types = [one for one in api.event_types() if one.startswith(("setup_intent", "payment_method"))]
    assert types == ["setup_intent.created", "payment_method.attached", "setup_intent.succeeded"]


def test_a_declined_card_is_an_error_with_the_intent_in_it(api: Any, ann: str) -> None:
    sent = {"customer": ann, "confirm": "true", "payment_method": "pm_card_visa_chargeDeclined"}
    answer = api.post(PATH, sent)
    error = answer["error"]
    assert (answer.status, error["code"], error["decline_code"]) == (402, "card_declined", "generic_decline")
    intent = error["setup_intent"]
    assert (intent["status"], intent["payment_method"]) == ("requires_payment_method", None)
    assert intent["last_setup_error"]["code"] == "card_declined"
    [tried] = api.get("/v1/setup_attempts", {"setup_intent": intent["id"]})["data"]
    assert tried["status"] == "failed" and tried["setup_error"]["code"] == "card_declined"
    assert api.event_types(type="setup_intent.*")[-1] == "setup_intent.setup_failed"


@pytest.mark.parametrize("passed", [True, False])
def test_a_holder_who_must_authenticate_does_so_and_the_card_is_set_up(
    api: Any, ann: str, passed: bool
) -> None:
    sent = {"customer": ann, "confirm": "true", "payment_method": "pm_card_authenticationRequired"}
    made = api.post(PATH, {**sent, "return_url": "https://shop.example/done"})
    assert made["status"] == "requires_action"
    assert made["next_action"]["redirect_to_url"]["return_url"] == "https://shop.example/done"
    act(api, made["id"], passed)
    after = api.get(f"{PATH}/{made['id']}")
    if passed:
        assert (after["status"], after["next_action"]) == ("succeeded", None)
    else:
        assert after["status"] == "requires_payment_method"
        assert after["last_setup_error"]["code"] == "setup_intent_authentication_failure"
    assert "setup_intent.requires_action" in api.event_types()


def test_a_bank_account_needs_a_mandate_which_can_be_read(api: Any, ann: str) -> None:
    sent = {"customer": ann, "confirm": "true", "payment_method": "pm_usBankAccount_success", **BANK}
    assert api.post(PATH, sent)["error"]["code"] == "setup_intent_mandate_invalid"
    done = api.post(PATH, {**sent, **ONLINE})
    assert done["status"] == "succeeded"
    mandate = api.get(f"/v1/mandates/{done['mandate']}")
    assert (mandate["status"], mandate["type"], mandate["multi_use"]) == ("active", "multi_use", {})
    assert mandate["payment_method"] == done["payment_method"] and "single_use" not in mandate
    assert mandate["customer_acceptance"]["online"] == {"ip_address": "192.0.2.1", "user_agent": "test"}
    missing = api.get("/v1/mandates/mandate_none")
    assert missing.status == 404


def test_a_typed_in_bank_account_is_verified_by_its_deposits(api: Any, ann: str) -> None:
    account = {
        "type": "us_bank_account",
        "us_bank_account[account_number]": "000123456789",
        "us_bank_account[routing_number]": "110000000",
    }
    data = {
        f"payment_method_data[{k.split('[')[0]}]" + k[len(k.split("[")[0]) :]: v for k, v in account.items()
    }
    made = api.post(PATH, {"customer": ann, "confirm": "true", **BANK, **ONLINE, **data})
    assert made["next_action"]["type"] == "verify_with_microdeposits"
    path = f"{PATH}/{made['id']}/verify_microdeposits"
    wrong = api.post(path, {"amounts[0]": "1", "amounts[1]": "2"})["error"]
    assert (wrong["param"], wrong["code"]) == (
        "amounts",
        "payment_method_microdeposit_verification_amounts_mismatch",
    )
    assert api.post(path)["error"]["code"] == "parameter_missing"
    assert api.post(path, {"amounts[0]": "32", "amounts[1]": "45"})["status"] == "succeeded"
    assert api.post(path, {"descriptor_code": "SM11AA"})["error"]["code"] == "setup_intent_unexpected_state"


def test_an_intent_is_canceled_once_and_then_neither_confirmed_nor_changed(api: Any) -> None:
    made = api.post(PATH, {"usage": "on_session"})
    assert made["usage"] == "on_session" and made["customer"] is None
    path = f"{PATH}/{made['id']}"
    assert "missing a payment method" in api.post(f"{path}/confirm")["error"]["message"]
    done = api.post(f"{path}/cancel", {"cancellation_reason": "abandoned"})
    assert (done["status"], done["cancellation_reason"]) == ("canceled", "abandoned")
    later = {"payment_method": "pm_card_visa"}
    for answer in (api.post(f"{path}/cancel"), api.post(f"{path}/confirm"), api.post(path, later)):
        assert answer["error"]["code"] == "setup_intent_unexpected_state"
    assert api.post(path, {"description": "still"})["description"] == "still"
    unknown = api.get(f"{PATH}/seti_none")
    assert (unknown.status, unknown["error"]["message"], unknown["error"]["param"]) == (
        404,
        "No such setupintent: 'seti_none'",
        "intent",
    )


def test_a_browser_confirms_with_the_secret(api: Any, ann: str) -> None:
    made = api.post(PATH, {"customer": ann, "metadata[a]": "1"})
    key = api.post("/v1/api_keys", {"kind": "publishable"})["secret"]
    sent = {"client_secret": made["client_secret"], "payment_method": "pm_card_visa"}
    without = api.post(f"{PATH}/{made['id']}/confirm", {}, Authorization=f"Bearer {key}")
    assert without.status == 401
    done = api.post(f"{PATH}/{made['id']}/confirm", sent, Authorization=f"Bearer {key}")
    assert done["status"] == "succeeded" and not {"metadata", "customer"} & done.keys()


def test_the_configuration_decides_what_an_intent_offers(api: Any) -> None:
    [usual] = api.get("/v1/payment_method_configurations")["data"]
    assert usual["is_default"] and usual["link"]["available"] and not usual["klarna"]["available"]
    path = f"/v1/payment_method_configurations/{usual['id']}"
    off = api.post(path, {"link[display_preference][preference]": "off"})
    assert not off["link"]["available"] and api.get(path) == off
    assert api.post("/v1/payment_intents", {"amount": "500", "currency": "usd"})["payment_method_types"] == [
        "card"
    ]
    made = api.post(
        "/v1/payment_method_configurations",
        {"name": "Europe", "sepa_debit[display_preference][preference]": "on"},
    )
    sent = {"amount": "500", "currency": "eur", "payment_method_configuration": made["id"]}
    intent = api.post("/v1/payment_intents", sent)
    assert set(intent["payment_method_types"]) == {"card", "link", "sepa_debit"}
    assert intent["payment_method_configuration_details"] == {"id": made["id"], "parent": None}
    assert len(api.get("/v1/payment_method_configurations")["data"]) == 2
    assert api.post(path, {"active": "false"})["error"]["param"] == "active"


# ------------------------------------------------------------------------------------- subscriptions


def trial(api: Any, customer: str, **more: str) -> Any:
    price = api.post(
        "/v1/prices",
        {
            "currency": "usd",
            "unit_amount": "900",
            "recurring[interval]": "month",
            "product_data[name]": "Plan",
        },
    )["id"]
    sent = {"customer": customer, "items[0][price]": price, "trial_period_days": "14", **more}
    return api.post("/v1/subscriptions", {**sent, "expand[]": "pending_setup_intent"})


def test_a_trial_without_a_method_waits_for_one_which_then_pays(api: Any, ann: str) -> None:
    made = trial(api, ann)
    intent = made["pending_setup_intent"]
    assert (made["status"], intent["status"], intent["usage"]) == (
        "trialing",
        "requires_payment_method",
        "off_session",
    )
    assert (intent["customer"], intent["payment_method_types"]) == (ann, ["card"])
    types = api.event_types()
    assert types.index("setup_intent.created") < types.index("customer.subscription.created")
    done = api.post(f"{PATH}/{intent['id']}/confirm", {"payment_method": "pm_card_visa"})
    assert done["status"] == "succeeded"
    after = api.get(f"/v1/subscriptions/{made['id']}")
    assert (after["pending_setup_intent"], after["default_payment_method"]) == (None, done["payment_method"])


def test_a_subscription_that_ends_waits_no_longer(api: Any, ann: str) -> None:
    made = trial(api, ann)
    ended = api.delete(f"/v1/subscriptions/{made['id']}")
    assert ended["pending_setup_intent"] is None
    assert api.get(f"{PATH}/{made['pending_setup_intent']['id']}")["status"] == "canceled"


def test_who_has_a_method_or_gets_invoices_by_mail_is_asked_for_none(api: Any, ann: str) -> None:
    sent = trial(api, ann, collection_method="send_invoice", days_until_due="7")
    assert sent["pending_setup_intent"] is None
    api.post(f"/v1/customers/{ann}", {"invoice_settings[default_payment_method]": "pm_card_visa"})
    assert trial(api, ann)["pending_setup_intent"] is None
