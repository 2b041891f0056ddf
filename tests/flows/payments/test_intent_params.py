"""Is every parameter of payment intents and setup intents honoured, be it shown, acted on or refused?"""

from typing import Any

import pytest

from billow.api.operation import verbs
from billow.api.resource import ROUTES
from billow.pages.description import accepted_by
from tests.support.connected import enabled

PAY, SET = "/v1/payment_intents", "/v1/setup_intents"
BASE = {"amount": "2000", "currency": "usd"}
CARD, ASKS = {"payment_method": "pm_card_visa"}, {"payment_method": "pm_card_authenticationRequired"}
CONFIRM = {**CARD, "confirm": "true"}
FIXED = {"automatic_payment_methods[enabled]": "false"}
HELD = {**CONFIRM, "capture_method": "manual"}
TYPED = {"payment_method_data[type]": "card", "payment_method_data[card][token]": "tok_visa"}
MANDATE = {"mandate_data[customer_acceptance][type]": "offline"}
SHIPPING = {"shipping[name]": "Ann", "shipping[address][city]": "Bern", "shipping[tracking_number]": "7"}
LINE = "amount_details[line_items][0]"
DETAILS = {
    f"{LINE}[product_name]": "Book", f"{LINE}[quantity]": "2", f"{LINE}[unit_cost]": "100",
    f"{LINE}[tax][total_tax_amount]": "9", "amount_details[discount_amount]": "5",
    "amount_details[enforce_arithmetic_validation]": "false",
}  # fmt: skip
REFERENCE = {"payment_details[order_reference]": "7", "payment_details[customer_reference]": "8"}
ORDER = {"payment_details": {"customer_reference": "8", "order_reference": "7"}}
HOOK = {"hooks[inputs][tax][calculation]": "taxcalc_1"}
HOOKED = {"hooks": {"inputs": {"tax": {"calculation": "taxcalc_1"}}}}
DETAILED = {"amount_details.discount_amount": 5, "amount_details.line_items.data.0.quantity": 2,
            "amount_details.line_items.data.0.tax.total_tax_amount": 9}  # fmt: skip
SHIPPED = {"shipping.name": "Ann", "shipping.address.city": "Bern", "shipping.tracking_number": "7"}
OPTIONS = {"payment_method_options[card][request_three_d_secure]": "any"}
OPTED = {"payment_method_options.card.request_three_d_secure": "any"}
TRANSFER = {"transfer_data[destination]": "{account}", "transfer_data[amount]": "100"}
TRANSFERRED = {"transfer_data.destination": "{account}", "transfer_data.amount": 100}
FEE = {**TRANSFER, "application_fee_amount": "7"}
CONFIGURED = {"payment_method_configuration": "{configuration}"}
CONFIGURATION = {"payment_method_configuration_details.id": "{configuration}"}

Shows = dict[str, Any]
#: By operation and parameter: how the intent is made, what is sent, and what it shows (or the error names).
COMMON: dict[str, tuple[Shows, Shows]] = {
    "allowed_payment_method_types": (
        {"allowed_payment_method_types[]": "card"}, {"payment_method_types": ["card"]}
    ),
    "amount_details": (DETAILS, DETAILED),
    "excluded_payment_method_types": (
        {"excluded_payment_method_types[]": "link"}, {"payment_method_types": ["card"]}
    ),
    "hooks": (HOOK, HOOKED),
    "payment_details": (REFERENCE, ORDER),
    "payment_method": (CARD, {"payment_method": "pm_"}),
    "payment_method_data": (TYPED, {"payment_method": "pm_"}),
    "payment_method_options": (OPTIONS, OPTED),
    "receipt_email": ({"receipt_email": "ann@x.ch"}, {"receipt_email": "ann@x.ch"}),
    "setup_future_usage": ({"setup_future_usage": "on_session"}, {"setup_future_usage": "on_session"}),
    "shipping": (SHIPPING, SHIPPED),
}  # fmt: skip
TERMS: dict[str, tuple[Shows, Shows]] = {
    "application_fee_amount": (FEE, {"application_fee_amount": 7}),
    "description": ({"description": "Books"}, {"description": "Books"}),
    "metadata": ({"metadata[a]": "1"}, {"metadata": {"a": "1"}}),
    "payment_method_configuration": (CONFIGURED, CONFIGURATION),
    "statement_descriptor": ({"statement_descriptor": "BOOKS"}, {"statement_descriptor": "BOOKS"}),
    "statement_descriptor_suffix": (
        {"statement_descriptor_suffix": "SEVEN"}, {"statement_descriptor_suffix": "SEVEN"}
    ),
    "transfer_data": (TRANSFER, TRANSFERRED),
    "transfer_group": ({"transfer_group": "seven"}, {"transfer_group": "seven"}),
}  # fmt: skip
TOKEN = {"confirmation_token": "{token}"}
CONFIRMING: dict[str, tuple[Shows, Shows]] = {
    "confirmation_token": ({**TOKEN, "return_url": "https://a.example"}, {"status": "succeeded"}),
    "error_on_requires_action": (
        {**ASKS, "error_on_requires_action": "true"}, {"error.code": "authentication_required"}
    ),
    "mandate": ({"mandate": "mandate_none"}, {"error.param": "mandate"}),
    "mandate_data": (MANDATE, {"status": "succeeded"}),
    "radar_options": ({"radar_options[session]": "rse_1"}, {"status": "succeeded"}),
    "off_session": ({**ASKS, "off_session": "true"}, {"error.code": "authentication_required"}),
    "return_url": (
        {**ASKS, "return_url": "https://a.example"},
        {"next_action.redirect_to_url.return_url": "https://a.example"},
    ),
    "use_stripe_sdk": ({**ASKS, "use_stripe_sdk": "true"}, {"next_action.type": "use_stripe_sdk"}),
}  # fmt: skip
OF_SETS = ("payment_method", "payment_method_data", "allowed_payment_method_types", "payment_method_options")
SETS = {name: COMMON[name] for name in OF_SETS}
SELF: dict[str, tuple[Shows, Shows]] = {
    **SETS,
    "attach_to_self": ({"attach_to_self": "true"}, {"attach_to_self": True}),
    "customer": ({"customer": "{customer}"}, {"customer": "{customer}"}),
    "excluded_payment_method_types": COMMON["excluded_payment_method_types"],
    "flow_directions": ({"flow_directions[]": "inbound"}, {"flow_directions": ["inbound"]}),
    **{name: TERMS[name] for name in ("description", "metadata", "payment_method_configuration")},
}
CREATED = {**CONFIRMING, **{name: ({**CONFIRM, **sent}, shown) for name, (sent, shown) in CONFIRMING.items()}}
SECRET = {"client_secret": "guess"}
WRONG = {"error.param": "client_secret"}

CASES: dict[str, tuple[tuple[str, Shows], dict[str, tuple[Shows, Shows]]]] = {
    PAY: ((PAY, {}), {
        **COMMON, **TERMS, **CREATED,
        "amount": ({"amount": "3000"}, {"amount": 3000}),
        "automatic_payment_methods": (FIXED, {"automatic_payment_methods": None}),
        "capture_method": ({"capture_method": "manual"}, {"capture_method": "manual"}),
        "confirm": (CONFIRM, {"status": "succeeded"}),
        "confirmation_method": ({"confirmation_method": "manual"}, {"confirmation_method": "manual"}),
        "currency": ({"currency": "eur"}, {"currency": "eur"}),
        "customer": ({"customer": "{customer}"}, {"customer": "{customer}"}),
        "on_behalf_of": ({"on_behalf_of": "{account}"}, {"on_behalf_of": "{account}"}),
    }),
    f"{PAY}/{{id}}": ((PAY, {}), {
        **COMMON, **TERMS,
        "amount": ({"amount": "3000"}, {"amount": 3000}),
        "capture_method": ({"capture_method": "manual"}, {"capture_method": "manual"}),
        "currency": ({"currency": "eur"}, {"currency": "eur"}),
        "customer": ({"customer": "{customer}"}, {"customer": "{customer}"}),
    }),
    f"{PAY}/{{id}}/confirm": ((PAY, CARD), {
        **COMMON, **CONFIRMING,
        "amount_to_confirm": ({"amount_to_confirm": "3"}, {"error.param": "amount_to_confirm"}),
        "capture_method": ({"capture_method": "manual"}, {"status": "requires_capture"}),
        "client_secret": (SECRET, WRONG),
    }),
    f"{PAY}/{{id}}/capture": ((PAY, HELD), {
        **{name: COMMON[name] for name in ("amount_details", "hooks", "payment_details")},
        **{name: TERMS[name] for name in ("metadata", "statement_descriptor", "statement_descriptor_suffix")},
        "amount_to_capture": ({"amount_to_capture": "500"}, {"amount_received": 500}),
        "application_fee_amount": (
            {"application_fee_amount": "5"}, {"error.param": "application_fee_amount"}
        ),
        "final_capture": ({"final_capture": "false"}, {"error.param": "final_capture"}),
        "transfer_data": ({"transfer_data[amount]": "5"}, {"error.param": "transfer_data"}),
    }),
    f"{PAY}/{{id}}/cancel": ((PAY, {}), {
        "cancellation_reason": ({"cancellation_reason": "duplicate"}, {"cancellation_reason": "duplicate"}),
        "client_secret": (SECRET, WRONG),
    }),
    f"{PAY}/{{id}}/apply_customer_balance": ((PAY, {"customer": "{customer}"}), {
        "amount": ({"amount": "5"}, {"error.code": "insufficient_funds"}),
        "currency": ({"currency": "eur"}, {"error.param": "currency"}),
    }),
    SET: ((SET, {}), {
        **SELF,
        "automatic_payment_methods": (FIXED, {"automatic_payment_methods": None}),
        "confirm": (CONFIRM, {"status": "succeeded"}),
        "confirmation_token": CREATED["confirmation_token"],
        "mandate_data": ({**CONFIRM, **MANDATE}, {"mandate": "mandate_"}),
        "on_behalf_of": ({"on_behalf_of": "{account}"}, {"on_behalf_of": "{account}"}),
        "return_url": CREATED["return_url"],
        "single_use": (
            {**CONFIRM, "single_use[amount]": "500", "single_use[currency]": "usd"},
            {"single_use_mandate": "mandate_"},
        ),
        "usage": ({"usage": "on_session"}, {"usage": "on_session"}),
        "use_stripe_sdk": CREATED["use_stripe_sdk"],
    }),
    f"{SET}/{{id}}": ((SET, {}), SELF),
    f"{SET}/{{id}}/confirm": ((SET, CARD), {
        **SETS,
        **{name: CONFIRMING[name] for name in ("confirmation_token", "return_url", "use_stripe_sdk")},
        "client_secret": (SECRET, WRONG),
        "mandate_data": (MANDATE, {"mandate": "mandate_"}),
    }),
    f"{SET}/{{id}}/cancel": ((SET, {}), {
        "cancellation_reason": ({"cancellation_reason": "duplicate"}, {"cancellation_reason": "duplicate"}),
    }),
}  # fmt: skip
EVERY = [(path, name) for path, (_, cases) in CASES.items() for name in cases]
ELSEWHERE = {"verify_microdeposits", "increment_authorization"}
"""Operations whose params test_setup_intents.py and test_intents.py send."""


def test_each_parameter_has_its_case() -> None:
    declared = {
        (verb.path, name)
        for verb in verbs(ROUTES)
        if verb.method == "POST"
        and verb.path.startswith((PAY, SET))
        and not verb.until
        and verb.path.rpartition("/")[2] not in ELSEWHERE
        for name in accepted_by(verb)
    }
    assert declared == set(EVERY)


@pytest.fixture
def known(api: Any) -> dict[str, str]:
    """What cases name: a customer, a connected account, and a configuration."""
    configuration = api.post("/v1/payment_method_configurations", {"name": "Mine"})
    customer = api.post("/v1/customers")
    return {
        "account": enabled(api, country="SE"),
        "configuration": configuration["id"],
        "customer": customer["id"],
        "token": api.post("/v1/test_helpers/confirmation_tokens", CARD)["id"],
    }


def at(shown: Any, path: str) -> Any:
    for part in path.split("."):
        shown = shown[int(part)] if isinstance(shown, list) else shown[part]
    return shown


@pytest.mark.parametrize(("path", "name"), EVERY)
def test_a_parameter_of_an_intent_is_honoured(api: Any, known: dict[str, str], path: str, name: str) -> None:
    (collection, made_with), cases = CASES[path]
    sent, shows = cases[name]
    base = BASE if collection == PAY else {}

    def filled(given: dict[str, Any]) -> dict[str, Any]:
        return {key: value.format(**known) if "{" in value else value for key, value in given.items()}

    if "{id}" in path:
        made = api.post(collection, {**base, **filled(made_with)})
        assert made.status == 200, made
        answer = api.post(path.format(id=made["id"]), filled(sent))
    else:
        made = api.post(path, base)
        answer = api.post(path, {**base, **filled(sent)})
    for place, value in shows.items():
        wanted = value.format(**known) if isinstance(value, str) and "{" in value else value
        found = at(answer, place)
        begins = isinstance(wanted, str) and wanted.endswith("_") and str(found).startswith(wanted)
        assert begins or found == wanted, (place, found, answer)
