"""Are the options of every type of payment methods those of the library, shown, carried on and honoured?"""

from types import ModuleType
from typing import Any

import pytest

from billow.api.fields import Field
from billow.api.params import PARSERS, Params, specs
from billow.resources.method_option_shapes import payments, setups
from billow.resources.method_option_shapes.settings import OfInvoices, OfSubscriptions
from billow.resources.method_options import NOT_SHOWN_OF_PAYMENTS, NOT_SHOWN_OF_SET_UPS, PaymentOptions
from billow.resources.method_options import SetUpOptions as SetUps
from billow.resources.payment_method_types import BY_NAME
from tests.api.test_left_out import within
from tests.api.test_nested_parameters import declared
from tests.flows.payments.test_intents import act
from tests.support import one_of_each
from tests.support.world import World

PAY, SET = "/v1/payment_intents", "/v1/setup_intents"
SETTINGS = "ParamsPaymentSettings"


def form(sent: dict[str, Any]) -> dict[str, Any]:
    return {at: leaf for name, value in sent.items() for at, leaf in one_of_each.form(value, name).items()}


def names_of(shape: type[Params]) -> set[str]:
    parts = {name: spec for name, spec in specs(shape).items() if spec.kind in PARSERS}
    return {path for name, spec in parts.items() for path in declared(spec, name)}


@pytest.mark.parametrize(
    ("noun", "shape", "left"),
    [
        ("PaymentIntentCreateParams", PaymentOptions, set()),
        ("PaymentIntentUpdateParams", PaymentOptions, set()),
        ("PaymentIntentConfirmParams", PaymentOptions, set()),
        ("SetupIntentCreateParams", SetUps, {"card.three_d_secure.exemption_indicator"}),
        ("SetupIntentUpdateParams", SetUps, {"card.three_d_secure.exemption_indicator"}),
        ("SetupIntentConfirmParams", SetUps, {"card.three_d_secure.exemption_indicator"}),
        (f"InvoiceCreate{SETTINGS}", OfInvoices, set()),
        (f"SubscriptionCreate{SETTINGS}", OfSubscriptions, set()),
    ],
)
def test_the_options_are_those_of_the_library(
    contract: ModuleType, noun: str, shape: type[Params], left: set[str]
) -> None:
    assert names_of(shape) ^ within(contract, f"{noun}PaymentMethodOptions") == left


def example(spec: Field) -> Any:
    """A value that a field takes."""
    if spec.shape and spec.kind == "hash":
        return {name: example(one) for name, one in specs(spec.shape).items()}
    if spec.kind == "array":
        return (
            [{name: example(one) for name, one in specs(spec.shape).items()} if spec.shape else "x"]
            if (spec.item is None)
            else [example(spec.item)]
        )
    if spec.kind == "choice":
        return spec.choices[-1]
    if spec.kind == "integer":
        return max(int(spec.min or 0), 1)
    if spec.kind == "text":
        return "https://a.example/x" if spec.format == "url" else "2026-12-31"[: int(spec.max or 10)]
    return {"boolean": True, "timestamp": 1900000000, "currency": "eur"}[spec.kind]


SOLD = [name for name in BY_NAME if specs(payments.SHAPES[name])]
KEPT = [name for name in BY_NAME if BY_NAME[name].reusable and name in setups.SHAPES]
KEPT = [name for name in KEPT if specs(setups.SHAPES[name])]


def options_of(shapes: dict[str, type[Params]], name: str) -> dict[str, Any]:
    said = {key: example(spec) for key, spec in specs(shapes[name]).items()}
    if "reference_prefix" in (said.get("mandate_options") or {}):
        said["mandate_options"]["reference_prefix"] = "SHOP-"
    if name == "card":  # the rest is said when a payment is confirmed, and of one network
        said.pop("cvc_token", None), said.pop("moto")
        said.get("installments", {}).pop("plan", None)
        said["network"] = "cartes_bancaires"
    return said


def agrees(shown: Any, sent: Any) -> bool:
    if isinstance(sent, dict):
        return all(agrees(shown[name], value) for name, value in sent.items())
    return bool(shown == sent)


def unlike(api: Any, contract: ModuleType, path: str, name: str) -> list[str]:
    """What is wrong with how an intent shows the options of a type."""
    shapes, hides = (
        (payments.SHAPES, NOT_SHOWN_OF_PAYMENTS) if path == PAY else (setups.SHAPES, NOT_SHOWN_OF_SET_UPS)
    )
    sent = options_of(shapes, name)
    made = intent(api, path, name, sent)
    hidden = hides.get(name, ())
    shown = (made["payment_method_options"] or {}).get(name, {})
    wrong: list[str] = contract.problems(dict(made))
    if not agrees(shown, {key: value for key, value in sent.items() if key not in hidden}):
        wrong.append(f"{shown} where {sent} was sent")
    return wrong + [f"{key} is shown" for key in set(shown) & set(hidden)]


@pytest.mark.parametrize(("path", "types"), [(PAY, SOLD), (SET, KEPT)])
def test_what_is_set_is_shown_as_the_library_knows_it(
    api: Any, contract: ModuleType, path: str, types: list[str]
) -> None:
    found = {name: unlike(api, contract, path, name) for name in types}
    assert {name: wrong for name, wrong in found.items() if wrong} == {}


def intent(api: Any, path: str, name: str, options: dict[str, Any]) -> Any:
    due = {"amount": "2000", "currency": (*BY_NAME[name].currencies, "usd")[0]} if path == PAY else {}
    types = {"allowed_payment_method_types": [name], "automatic_payment_methods": {"enabled": "false"}}
    answer = api.post(path, {**due, **form(types), **form({"payment_method_options": {name: options}})})
    assert answer.status == 200, answer
    return answer


def test_a_date_is_kept_when_the_options_are_updated(api: Any) -> None:
    made = intent(api, PAY, "konbini", {"expires_at": "1900000000"})
    path = f"{PAY}/{made['id']}"
    more = {"payment_method_options[konbini][product_description]": "Books"}
    shown = api.post(path, more)["payment_method_options"]["konbini"]
    assert (shown["expires_at"], shown["product_description"]) == (1900000000, "Books")
    reset = api.post(path, {"payment_method_options[konbini][expires_at]": ""})
    assert reset["payment_method_options"]["konbini"]["expires_at"] is None


BEGINS = "[mandate_options][reference_prefix]"


@pytest.mark.parametrize(
    ("options", "param"),
    [
        ("[sepa_debit][verification_method]=instant", "[sepa_debit][verification_method]"),
        ("[eps][setup_future_usage]=off_session", "[eps][setup_future_usage]"),
        (f"[sepa_debit]{BEGINS}=shop", f"[sepa_debit]{BEGINS}"),
        (f"[bacs_debit]{BEGINS}=STRIPE1", f"[bacs_debit]{BEGINS}"),
        ("[card][mandate_options][amount]=7", "[card][mandate_options][amount_type]"),
        ("[oxxo][expires_after_days]=8", "[oxxo][expires_after_days]"),
    ],
)  # fmt: skip
def test_what_a_type_does_not_have_is_refused(api: Any, options: str, param: str) -> None:
    name, value = options.split("=")
    sent = {"amount": "2000", "currency": "eur", f"payment_method_options{name}": value}
    refused = api.post(PAY, sent)
    assert (refused.status, refused["error"]["param"]) == (400, f"payment_method_options{param}"), refused


# ------------------------------------------------------------------------------------- 3D Secure

ASK = {"payment_method_options[card][request_three_d_secure]": "any"}
CARD = {"amount": "2000", "currency": "usd", "payment_method": "pm_card_threeDSecureOptional"}
CONFIRM = {"confirm": "true", "return_url": "https://a.example"}


def test_a_holder_authenticates_because_the_request_asks_for_it(api: Any) -> None:
    assert api.post(PAY, {**CARD, **CONFIRM})["status"] == "succeeded"
    for wish in ("any", "challenge"):
        made = api.post(PAY, {**CARD, **CONFIRM, next(iter(ASK)): wish})
        assert made["status"] == "requires_action", made
        act(api, made["id"])
        assert api.get(f"{PAY}/{made['id']}")["status"] == "succeeded"


def test_nobody_is_asked_off_session_or_of_a_card_that_is_not_enrolled(api: Any) -> None:
    assert api.post(PAY, {**CARD, **CONFIRM, **ASK, "off_session": "true"})["status"] == "succeeded"
    plain = {**CARD, "payment_method": "pm_card_visa"}
    assert api.post(PAY, {**plain, **CONFIRM, **ASK})["status"] == "succeeded"


def test_a_set_up_asks_too_and_a_confirmation_may_say_so(api: Any) -> None:
    made = api.post(SET, {"payment_method": CARD["payment_method"]})
    asked = api.post(f"{SET}/{made['id']}/confirm", {**ASK, "return_url": "https://a.example"})
    assert asked["status"] == "requires_action", asked
    act(api, made["id"])
    assert api.get(f"{SET}/{made['id']}")["status"] == "succeeded"


# ------------------------------------------------------------------------------------- mandates, keeping

DEBIT = {
    "payment_method_data[type]": "sepa_debit",
    "payment_method_data[sepa_debit][iban]": "DE89370400440532013000",
    "payment_method_data[billing_details][name]": "Ann",
    "payment_method_data[billing_details][email]": "ann@example.com",
    "allowed_payment_method_types[]": "sepa_debit",
    "automatic_payment_methods[enabled]": "false",
    "mandate_data[customer_acceptance][type]": "offline",
    "confirm": "true",
}
PREFIX = {"payment_method_options[sepa_debit][mandate_options][reference_prefix]": "SHOP-"}


@pytest.mark.parametrize("path", [PAY, SET])
def test_the_reference_of_a_mandate_begins_as_the_seller_says(api: Any, path: str) -> None:
    ann = api.post("/v1/customers", {"name": "Ann"})["id"]
    due = {"amount": "2000", "currency": "eur"} if path == PAY else {}
    made = api.post(path, {**DEBIT, **PREFIX, **due, "customer": ann})
    assert made.status == 200, made
    id = (
        made["mandate"]
        if path == SET
        else api.get(f"/v1/charges/{made['latest_charge']}")["payment_method_details"]["sepa_debit"][
            "mandate"
        ]
    )
    reference = api.get(f"/v1/mandates/{id}")["payment_method_details"]["sepa_debit"]["reference"]
    assert reference.startswith("SHOP-") and 5 < len(reference) <= 35


def test_a_mandate_of_a_canadian_account_shows_its_terms(api: Any) -> None:
    account = {"account_number": "000123456789", "institution_number": "000", "transit_number": "11000"}
    terms = {
        "payment_schedule": "interval",
        "interval_description": "monthly",
        "transaction_type": "business",
    }
    said = {"allowed_payment_method_types": ["acss_debit"], "confirm": "true"}
    method = {"acss_debit": account, "billing_details": {"name": "Ann", "email": "ann@example.com"}}
    options = {"acss_debit": {"currency": "cad", "mandate_options": terms}}
    asked = {
        **said,
        "automatic_payment_methods": {"enabled": "false"},
        "mandate_data": {"customer_acceptance": {"type": "offline"}},
        "payment_method_data": {"type": "acss_debit", **method},
        "payment_method_options": options,
    }
    made = api.post(SET, form(asked))
    assert made.status == 200, made
    shown = api.get(f"/v1/mandates/{made['mandate']}")["payment_method_details"]["acss_debit"]
    assert {name: shown[name] for name in terms} == terms


def test_a_method_is_kept_where_the_options_of_its_type_say_so(api: Any) -> None:
    ann = api.post("/v1/customers", {"name": "Ann"})["id"]
    sent = {**CARD, **CONFIRM, "customer": ann, "payment_method": "pm_card_visa"}
    keep = "payment_method_options[card][setup_future_usage]"
    assert api.post(PAY, {**sent, keep: "none", "setup_future_usage": "off_session"})["status"] == "succeeded"
    assert api.get("/v1/payment_methods", {"customer": ann})["data"] == []
    assert api.post(PAY, {**sent, keep: "off_session"})["status"] == "succeeded"
    assert len(api.get("/v1/payment_methods", {"customer": ann})["data"]) == 1


# ------------------------------------------------------------------------------------- settings

AGREED: dict[str, Any] = {
    "acss_debit": {"mandate_options": {"transaction_type": "business"}, "verification_method": "instant"},
    "bancontact": {"preferred_language": "nl"},
    "billie": {"company_details": {"registered_name": "Ann AG", "registered_address": {"city": "Bern"}}},
    "blik": {"mandate_options": {"expires_at": 1900000000}},
    "card": {"mandate_options": {"amount": 7}, "network": "visa", "request_three_d_secure": "any"},
    "customer_balance": {
        "bank_transfer": {"eu_bank_transfer": {"country": "DE"}, "type": "eu_bank_transfer"},
        "funding_type": "bank_transfer",
    },
    "payto": {"mandate_options": {"amount": 7, "purpose": "utility"}},
    "pix": {"expires_after_seconds": 60, "mandate_options": {"end_date": "2026-12-31"}},
    "upi": {"mandate_options": {"amount": 7, "end_date": 1900000000}},
    "us_bank_account": {
        "financial_connections": {"filters": {"account_subcategories": ["checking"]}},
        "verification_method": "microdeposits",
    },
}


def test_a_subscription_hands_its_options_to_its_invoices_and_these_to_their_payments(
    world: World, contract: ModuleType
) -> None:
    world.at("2025-01-01")
    anna = world.customer("Anna", card="pm_card_threeDSecureOptional")
    types = ["card", "us_bank_account", "customer_balance"]
    settings = {"payment_method_options": AGREED, "payment_method_types": types}
    made = anna.subscribes_to(
        world.plan("Pro", usd=20), payment_settings=settings, payment_behavior="allow_incomplete"
    ).now
    assert made["status"] == "incomplete"  # its first payment asks for 3D Secure
    assert contract.problems(made) == []
    shown = made["payment_settings"]["payment_method_options"]
    assert agrees(shown, AGREED), shown
    assert set(shown) == {*AGREED, "konbini", "sepa_debit"}
    invoice = anna.last_invoice.now
    assert contract.problems(invoice) == []
    carried = invoice["payment_settings"]["payment_method_options"]
    assert carried["card"] == {"installments": None, "request_three_d_secure": "any"}
    assert "mandate_options" not in {**carried["blik"], **carried["pix"]}
    rest = {name: value for name, value in AGREED.items() if name not in ("blik", "card", "pix")}
    assert agrees(carried, rest), carried
    paid = world.api.get(f"/v1/invoices/{invoice['id']}", {"expand[]": "payments"})
    intent = world.api.get(f"{PAY}/{paid['payments']['data'][0]['payment']['payment_intent']}")
    assert contract.problems(dict(intent)) == []
    offered = intent["payment_method_options"]
    assert offered["card"]["request_three_d_secure"] == "any"
    assert agrees(offered, {name: AGREED[name] for name in ("us_bank_account", "customer_balance")}), offered


def test_a_set_up_for_a_subscription_takes_its_options(world: World, contract: ModuleType) -> None:
    world.at("2025-01-01")
    anna = world.customer("Anna", card=None)
    made = anna.subscribes_to(
        world.plan("Pro", usd=20), trial_period_days=7, payment_settings={"payment_method_options": AGREED}
    ).now
    intent = world.api.get(f"{SET}/{made['pending_setup_intent']}")
    assert contract.problems(dict(intent)) == []
    assert intent["payment_method_options"]["card"]["request_three_d_secure"] == "any"
    assert intent["payment_method_options"]["card"]["mandate_options"] is None


def test_a_renewal_is_not_asked_for_3d_secure(world: World) -> None:
    world.at("2025-01-01")
    anna = world.customer("Anna", card="pm_card_threeDSecureOptional")
    made = anna.subscribes_to(world.plan("Pro", usd=20))
    card = {"card": {"request_three_d_secure": "any"}}
    changed = world.api.post(
        f"/v1/subscriptions/{made.now['id']}", form({"payment_settings": {"payment_method_options": card}})
    )
    assert changed["payment_settings"]["payment_method_options"]["card"]["request_three_d_secure"] == "any"
    world.at("2025-02-02")
    assert [one.data["status"] for one in anna.invoices] == ["paid", "paid"]
