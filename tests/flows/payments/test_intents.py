"""Are payment intents confirmed, held, captured, changed and canceled as Stripe does it?"""

from typing import Any

import pytest

from tests.support.world import World

PATH = "/v1/payment_intents"
DUE = {"amount": "2000", "currency": "usd"}
CARD = {**DUE, "payment_method": "pm_card_visa"}
ASKS = {**DUE, "payment_method": "pm_card_authenticationRequired", "confirm": "true"}
FIXED = {"automatic_payment_methods[enabled]": "false"}
UNEXPECTED = "payment_intent_unexpected_state"


@pytest.fixture
def ann(api: Any) -> str:
    return str(api.post("/v1/customers", {"name": "Ann"})["id"])


def gateway_of(api: Any) -> Any:
    return api.app.db.outside.gateways["test"]


def act(api: Any, intent: str, passed: bool = True) -> None:
    """Authenticate at the bank, and let billow find out."""
    from billow.flows.payments import actions
    from billow.store.perform import perform

    with api.app.db.transaction(api.tenant) as tx:
        found = tx.one(
            "select id from attempts where (payment_intent = %(id)s or setup_intent = %(id)s)"
            " and state = 'requires_action'",
            id=intent,
        )
    assert found
    gateway_of(api).authenticate(found["id"], passed)
    perform(lambda: api.app.db.transaction(api.tenant), actions.complete, intent)


def test_an_intent_without_a_customer_is_paid_by_a_test_card(api: Any) -> None:
    made = api.post(PATH, CARD)
    assert (made["status"], made["customer"]) == ("requires_confirmation", None)
    assert (made["capture_method"], made["confirmation_method"]) == ("automatic_async", "automatic")
    assert made["payment_method_types"] == ["card", "link"]
    assert made["automatic_payment_methods"] == {"allow_redirects": "always", "enabled": True}
    assert made["payment_method_configuration_details"]["id"].startswith("pmc_")
    done = api.post(f"{PATH}/{made['id']}/confirm")
    assert (done["status"], done["amount_received"], done["amount_capturable"]) == ("succeeded", 2000, 0)
    again = api.post(PATH, {**DUE, "payment_method": made["payment_method"]})
    assert again["error"]["param"] == "payment_method" and "previously used" in again["error"]["message"]
    assert api.event_types(type="payment_intent.*") == ["payment_intent.created", "payment_intent.succeeded"]


def test_a_declining_card_is_declined_when_it_is_charged_and_not_before(api: Any) -> None:
    made = api.post(PATH, {**DUE, "payment_method": "pm_card_visa_chargeDeclined"})
    assert made["status"] == "requires_confirmation"
    declined = api.post(f"{PATH}/{made['id']}/confirm")
    error = declined["error"]
    assert (declined.status, error["code"], error["decline_code"]) == (
        402,
        "card_declined",
        "generic_decline",
    )
    assert error["payment_intent"]["status"] == "requires_payment_method"
    assert error["payment_intent"]["last_payment_error"]["payment_method"]["id"] == made["payment_method"]
    assert api.get(f"/v1/charges/{error['charge']}")["status"] == "failed"


def test_a_charge_says_what_its_intent_said_when_it_was_made(api: Any) -> None:
    said = {
        "metadata[order]": "7",
        "receipt_email": "ann@example.com",
        "shipping[name]": "Ann",
        "shipping[address][line1]": "Street 1",
        "statement_descriptor_suffix": "BOOK",
        "transfer_group": "orders",
    }
    made = api.post(PATH, {**CARD, **said, "capture_method": "manual", "confirm": "true"})
    api.post(f"{PATH}/{made['id']}", {"metadata[order]": "8"})
    charge = api.get(f"/v1/charges/{made['latest_charge']}")
    for name in ("receipt_email", "shipping", "statement_descriptor_suffix", "transfer_group"):
        assert charge[name] == made[name] is not None
    assert charge["metadata"] == {"order": "7"}
    until = charge["payment_method_details"]["card"]["capture_before"]
    assert until == charge["created"] + 7 * 24 * 60 * 60


def test_the_default_method_of_a_customer_pays_no_intent_that_names_none(api: Any, ann: str) -> None:
    card = api.post("/v1/payment_methods/pm_card_visa/attach", {"customer": ann})["id"]
    api.post(f"/v1/customers/{ann}", {"invoice_settings[default_payment_method]": card})
    made = api.post(PATH, {**DUE, "customer": ann})
    error = api.post(f"{PATH}/{made['id']}/confirm")["error"]
    assert error["code"] == UNEXPECTED and "missing a payment method" in error["message"]
    api.post(f"/v1/customers/{ann}/sources", {"source": "tok_visa"})
    assert api.post(f"{PATH}/{made['id']}/confirm")["status"] == "succeeded"


@pytest.mark.parametrize(
    ("name", "value", "code", "param"),
    [
        ("exp_month", "13", "invalid_expiry_month", "exp_month"),
        ("cvc", "1", "invalid_cvc", "cvc"),
        ("number", "4242424242424241", "incorrect_number", "number"),
    ],
)
def test_a_card_that_is_typed_wrongly_is_a_card_error(
    api: Any, name: str, value: str, code: str, param: str
) -> None:
    card = {"number": "4242424242424242", "exp_month": "12", "exp_year": "2050", "cvc": "123", name: value}
    sent = {f"card[{key}]": one for key, one in card.items()}
    for answer in (api.post("/v1/payment_methods", {"type": "card", **sent}), api.post("/v1/tokens", sent)):
        error = answer["error"]
        assert (answer.status, error["type"], error["code"], error["param"]) == (
            402,
            "card_error",
            code,
            param,
        )


def test_what_is_held_is_captured_in_part_once_and_counts_as_received(api: Any, ann: str) -> None:
    sent = {**CARD, "capture_method": "manual", "confirm": "true"}
    held = api.post(PATH, sent)
    assert (held["status"], held["amount_capturable"], held["amount_received"]) == (
        "requires_capture",
        2000,
        0,
    )
    charge = api.get(f"/v1/charges/{held['latest_charge']}")
    assert (charge["captured"], charge["amount_captured"]) == (False, 0)
    path = f"{PATH}/{held['id']}/capture"
    assert api.post(path, {"amount_to_capture": "2001"})["error"]["param"] == "amount_to_capture"
    assert api.post(path, {"final_capture": "false"})["error"]["param"] == "final_capture"
    done = api.post(path, {"amount_to_capture": "1500", "metadata[a]": "1", "statement_descriptor": "BOOKS"})
    assert (done["status"], done["amount_received"], done["amount_capturable"]) == ("succeeded", 1500, 0)
    assert (done["metadata"], done["statement_descriptor"]) == ({"a": "1"}, "BOOKS")
    charge = api.get(f"/v1/charges/{held['latest_charge']}")
    assert (charge["captured"], charge["amount_captured"], charge["amount_refunded"]) == (True, 1500, 500)
    again = api.post(path)
    assert again["error"]["code"] == UNEXPECTED and "status of succeeded" in again["error"]["message"]
    types = api.event_types()
    assert types[-2:] == ["charge.captured", "payment_intent.succeeded"]
    assert "payment_intent.amount_capturable_updated" in types


def test_a_hold_is_let_go_when_its_intent_is_canceled(api: Any) -> None:
    held = api.post(PATH, {**CARD, "capture_method": "manual", "confirm": "true"})
    path = f"{PATH}/{held['id']}"
    done = api.post(f"{path}/cancel", {"cancellation_reason": "abandoned"})
    assert (done["status"], done["cancellation_reason"], done["amount_capturable"]) == (
        "canceled",
        "abandoned",
        0,
    )
    charge = api.get(f"/v1/charges/{held['latest_charge']}")
    assert (charge["refunded"], charge["amount_refunded"], charge["captured"]) == (True, 2000, False)
    for action in ("cancel", "capture", "confirm"):
        refused = api.post(f"{path}/{action}")["error"]
        assert refused["code"] == UNEXPECTED and refused["payment_intent"]["id"] == held["id"]
        assert "status of canceled" in refused["message"]


def test_an_increment_is_refused_because_no_card_allows_it(api: Any) -> None:
    held = api.post(PATH, {**CARD, "capture_method": "manual", "confirm": "true"})
    path = f"{PATH}/{held['id']}/increment_authorization"
    assert api.post(path, {"amount": "1000"})["error"]["param"] == "amount"
    assert "incremental_authorization" in api.post(path, {"amount": "3000"})["error"]["message"]


def test_a_customer_who_must_act_is_sent_to_a_page_or_to_the_sdk(api: Any) -> None:
    browser = api.post(PATH, ASKS)
    assert browser["status"] == "requires_action" and browser["next_action"]["type"] == "use_stripe_sdk"
    sent = api.post(PATH, {**ASKS, "return_url": "https://shop.example/done"})
    redirect = sent["next_action"]["redirect_to_url"]
    assert redirect["return_url"] == "https://shop.example/done" and sent["id"] in redirect["url"]
    act(api, sent["id"])
    done = api.get(f"{PATH}/{sent['id']}")
    assert (done["status"], done["next_action"], done["amount_received"]) == ("succeeded", None, 2000)
    act(api, browser["id"], passed=False)
    failed = api.get(f"{PATH}/{browser['id']}")
    assert failed["status"] == "requires_payment_method" and failed["next_action"] is None
    assert failed["last_payment_error"]["code"] == "payment_intent_authentication_failure"
    assert failed["latest_charge"] is None and "charge" not in failed["last_payment_error"]
    assert api.event_types(type="charge.*") == ["charge.succeeded"]


def test_an_action_that_is_refused_is_a_decline(api: Any) -> None:
    answer = api.post(PATH, {**ASKS, "error_on_requires_action": "true"})
    assert (answer.status, answer["error"]["code"]) == (402, "authentication_required")
    assert answer["error"]["payment_intent"]["status"] == "requires_payment_method"
    off = api.post(PATH, {**ASKS, "off_session": "one_off"})
    assert (off.status, off["error"]["code"]) == (402, "authentication_required")


def test_an_intent_that_is_confirmed_by_hand_waits_for_it_after_the_action(api: Any) -> None:
    made = api.post(PATH, {**ASKS, "confirmation_method": "manual"})
    assert made["status"] == "requires_action"
    act(api, made["id"])
    assert api.get(f"{PATH}/{made['id']}")["status"] == "requires_confirmation"
    done = api.post(f"{PATH}/{made['id']}/confirm")
    assert (done["status"], done["amount_received"]) == ("succeeded", 2000)
    assert len(api.get("/v1/charges", {"payment_intent": made["id"]})["data"]) == 1


def test_a_method_is_kept_for_later_where_the_intent_says_so(api: Any, ann: str) -> None:
    sent = {**CARD, "customer": ann, "setup_future_usage": "off_session", "confirm": "true"}
    made = api.post(PATH, sent)
    assert made["setup_future_usage"] == "off_session"
    assert api.get(f"/v1/payment_methods/{made['payment_method']}")["customer"] == ann
    own = {"payment_method_options[card][setup_future_usage]": "off_session"}
    other = api.post(PATH, {**CARD, "customer": ann, "confirm": "true", **own})
    assert api.get(f"/v1/payment_methods/{other['payment_method']}")["customer"] == ann
    once = api.post(PATH, {**CARD, "customer": ann, "confirm": "true"})
    assert api.get(f"/v1/payment_methods/{once['payment_method']}")["customer"] is None


def test_the_method_of_another_customer_is_refused(api: Any, ann: str) -> None:
    bob = api.post("/v1/customers")["id"]
    card = api.post("/v1/payment_methods/pm_card_visa/attach", {"customer": ann})["id"]
    for customer in ({}, {"customer": bob}):
        refused = api.post(PATH, {**DUE, **customer, "payment_method": card})["error"]
        assert refused["param"] == "payment_method" and card in refused["message"]
    api.post(f"/v1/payment_methods/{card}/detach")
    detached = api.post(PATH, {**DUE, "customer": ann, "payment_method": card})["error"]
    assert "detached from a Customer" in detached["message"]
    unknown = api.post(PATH, {**DUE, "payment_method": "pm_1nothing"})
    assert (unknown.status, unknown["error"]["param"]) == (400, "payment_method")
    assert unknown["error"]["message"].startswith("No such PaymentMethod: 'pm_1nothing'; It's possible")


def test_an_intent_is_changed_until_it_is_confirmed(api: Any, ann: str) -> None:
    made = api.post(PATH, DUE)
    assert made["status"] == "requires_payment_method"
    path = f"{PATH}/{made['id']}"
    bare = api.post(f"{path}/confirm")["error"]
    assert bare["code"] == UNEXPECTED and "missing a payment method" in bare["message"]
    changed = api.post(
        path,
        {
            "amount": "2500",
            "currency": "eur",
            "customer": ann,
            "description": "Books",
            "payment_method": "pm_card_visa",
            "receipt_email": "ann@x.ch",
        },
    )
    assert (changed["amount"], changed["currency"], changed["customer"]) == (2500, "eur", ann)
    assert (changed["status"], changed["receipt_email"]) == ("requires_confirmation", "ann@x.ch")
    assert api.post(f"{path}/confirm")["amount_received"] == 2500
    refused = api.post(path, {"amount": "1"})["error"]
    assert refused["code"] == "amount_too_small" or refused["code"] == UNEXPECTED
    late = api.post(path, {"amount": "3000"})["error"]
    assert late["code"] == UNEXPECTED and "amount could not be updated" in late["message"]
    assert api.post(path, {"metadata[a]": "1", "description": "Late"})["metadata"] == {"a": "1"}


@pytest.mark.parametrize(
    ("sent", "code", "words"),
    [
        ({"amount": "49", "currency": "usd"}, "amount_too_small", "Amount must be at least $0.50 usd"),
        ({"amount": "100000000", "currency": "usd"}, "amount_too_large", "Amount must be no more than"),
        ({**DUE, "off_session": "true"}, None, "cannot be passed"),
        ({**DUE, "application_fee_amount": "5"}, None, "Can only apply"),
        ({**DUE, "transfer_data[destination]": "acct_1"}, "resource_missing", "No such destination:"),
        ({**DUE, **FIXED, "allowed_payment_method_types[]": "sepa_debit"}, None, "does not support"),
    ],
)
def test_what_no_payment_can_be_is_refused(api: Any, sent: dict[str, str], code: str, words: str) -> None:
    error = api.post(PATH, sent)["error"]
    assert error.get("code") == code and words in error["message"]


def test_a_debit_is_processing_until_the_bank_has_paid(api: Any, ann: str) -> None:
    debit = {
        "amount": "2000",
        "currency": "usd",
        "customer": ann,
        "confirm": "true",
        "payment_method": "pm_usBankAccount_processing",
        "setup_future_usage": "off_session",
        "automatic_payment_methods[enabled]": "false",
        "allowed_payment_method_types[]": "us_bank_account",
    }
    without = api.post(PATH, debit)["error"]
    assert without["code"] == "payment_intent_mandate_invalid"
    online = {"[type]": "online", "[online][ip_address]": "192.0.2.1", "[online][user_agent]": "test"}
    agreed = {f"mandate_data[customer_acceptance]{name}": value for name, value in online.items()}
    made = api.post(PATH, {**debit, **agreed})
    assert (made["status"], made["amount_received"]) == ("processing", 0)
    charge = api.get(f"/v1/charges/{made['latest_charge']}")
    assert (charge["status"], charge["paid"]) == ("pending", False)
    assert charge["payment_method_details"]["us_bank_account"]["last4"] == "0009"
    with api.app.db.transaction(api.tenant) as tx:
        [attempt] = [row[0] for row in tx.tuples("select id from attempts where state = 'processing'")]
    gateway_of(api).arrive(attempt)
    from billow.flows.payments import collect
    from billow.store.perform import perform

    perform(lambda: api.app.db.transaction(api.tenant), collect.find_out, [attempt])
    done = api.get(f"{PATH}/{made['id']}")
    assert (done["status"], done["latest_charge"]) == ("succeeded", made["latest_charge"])
    assert api.get(f"/v1/charges/{made['latest_charge']}")["status"] == "succeeded"
    types = [one for one in api.event_types() if one.startswith(("charge", "payment_intent"))]
    later = ["charge.pending", "payment_intent.processing", "charge.succeeded", "payment_intent.succeeded"]
    assert types == ["payment_intent.created", *later]


def test_a_browser_confirms_with_the_secret_and_sees_no_metadata(api: Any) -> None:
    made = api.post(PATH, {**CARD, "metadata[a]": "1"})
    key = api.post("/v1/api_keys", {"kind": "publishable"})["secret"]
    secret = {"client_secret": made["client_secret"]}
    done = api.post(f"{PATH}/{made['id']}/confirm", secret, Authorization=f"Bearer {key}")
    assert done["status"] == "succeeded" and "metadata" not in done


def test_a_first_invoice_is_paid_after_its_customer_has_authenticated(api: Any, ann: str) -> None:
    card = api.post("/v1/payment_methods/pm_card_authenticationRequired/attach", {"customer": ann})["id"]
    plan = {
        "currency": "usd",
        "unit_amount": "900",
        "recurring[interval]": "month",
        "product_data[name]": "P",
    }
    price = api.post("/v1/prices", plan)["id"]
    sent = {"customer": ann, "items[0][price]": price, "default_payment_method": card}
    made = api.post("/v1/subscriptions", {**sent, "expand[]": "latest_invoice.confirmation_secret"})
    assert made["status"] == "incomplete"
    secret = made["latest_invoice"]["confirmation_secret"]["client_secret"]
    intent = secret.partition("_secret_")[0]
    key = api.post("/v1/api_keys", {"kind": "publishable"})["secret"]
    seen = api.get(f"{PATH}/{intent}", {"client_secret": secret}, Authorization=f"Bearer {key}")
    assert seen["status"] == "requires_action"
    act(api, intent)
    after = api.get(f"/v1/subscriptions/{made['id']}", {"expand[]": "latest_invoice"})
    assert (after["status"], after["latest_invoice"]["status"]) == ("active", "paid")
    types = api.event_types()
    order = [
        "payment_intent.requires_action",
        "payment_intent.succeeded",
        "invoice.paid",
        "customer.subscription.updated",
    ]
    assert sorted(order, key=types.index) == order


def test_a_hold_that_nobody_captures_expires_with_its_intent(world: World) -> None:
    world.at("2025-01-01")
    anna = world.customer("anna")
    sent = {**CARD, "capture_method": "manual", "confirm": "true", "customer": anna.id}
    held = world.post(PATH, **sent)
    world.at("2025-01-07 23:00")
    assert world.get(f"{PATH}/{held['id']}")["status"] == "requires_capture"
    world.at("2025-01-08 01:00")
    after = world.get(f"{PATH}/{held['id']}")
    assert (after["status"], after["cancellation_reason"], after["amount_capturable"]) == (
        "canceled",
        "automatic",
        0,
    )


@pytest.mark.parametrize("noun", ["setup_intents", "payment_intents"])
def test_a_confirmation_that_is_sent_again_is_answered_alike(api: Any, noun: str) -> None:
    due = {} if noun == "setup_intents" else DUE
    sent = {**due, "payment_method": "pm_card_visa", "confirm": "true"}
    first = api.post(f"/v1/{noun}", sent, Idempotency_Key="a")
    assert first["status"] == "succeeded" and api.post(f"/v1/{noun}", sent, Idempotency_Key="a") == first
