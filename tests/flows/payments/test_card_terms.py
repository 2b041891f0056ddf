"""Does what is said of one payment by card act on it: installments, mail orders, 3D Secure, codes?"""

from typing import Any

import pytest

from billow.core import installments
from tests.flows.payments.test_intents import act

PAY, SET = "/v1/payment_intents", "/v1/setup_intents"
OPTIONS = "payment_method_options[card]"
MEXICAN = {"amount": "90000", "currency": "mxn", "payment_method": "pm_card_mx"}
ASKS = {"amount": "2000", "currency": "usd", "payment_method": "pm_card_authenticationRequired"}
CONFIRM = {"confirm": "true", "return_url": "https://a.example"}
ENABLED = {f"{OPTIONS}[installments][enabled]": "true"}
PLAN = f"{OPTIONS}[installments][plan]"
PASSED = {
    f"{OPTIONS}[three_d_secure][{name}]": value
    for name, value in {
        "ares_trans_status": "Y",
        "cryptogram": "M2vQ" * 7,
        "electronic_commerce_indicator": "05",
        "transaction_id": "9d6d0c3f-0b1c-4e1e-8c1b-1f2f3f4f5f6f",
        "version": "2.2.0",
    }.items()
}


def plan(count: int) -> dict[str, str]:
    sent = {"type": "fixed_count", "count": str(count), "interval": "month"}
    return {f"{PLAN}[{name}]": value for name, value in sent.items()}


def card_of(api: Any, intent: Any) -> Any:
    return api.get(f"/v1/charges/{intent['latest_charge']}")["payment_method_details"]["card"]


def refused(api: Any, path: str, sent: dict[str, str]) -> Any:
    answer = api.post(path, sent)
    assert answer.status == 400, answer
    return answer["error"]


# ------------------------------------------------------------------------------------- installments


@pytest.mark.parametrize(
    ("country", "funding", "currency", "amount", "counts"),
    [
        ("MX", "credit", "mxn", 29999, []),
        ("MX", "credit", "mxn", 30000, [3]),
        ("MX", "credit", "mxn", 119999, [3, 6, 9]),
        ("MX", "credit", "mxn", 240000, [3, 6, 9, 12, 18, 24]),
        ("MX", "debit", "mxn", 240000, []),
        ("MX", "credit", "usd", 240000, []),
        ("US", "credit", "mxn", 240000, []),
    ],
)
def test_a_card_has_the_plans_of_its_bank(country, funding, currency, amount, counts):
    assert [one["count"] for one in installments.plans(country, funding, currency, amount)] == counts


def test_plans_are_shown_once_a_card_is_known_and_one_is_chosen(api: Any) -> None:
    made = api.post(PAY, {"amount": "90000", "currency": "mxn", **ENABLED})
    shown = made["payment_method_options"]["card"]["installments"]
    assert shown == {"available_plans": [], "enabled": True, "plan": None}
    path = f"{PAY}/{made['id']}"
    known = api.post(path, {"payment_method": "pm_card_mx"})["payment_method_options"]["card"]["installments"]
    assert [one["count"] for one in known["available_plans"]] == [3, 6, 9]
    more = api.post(path, {"amount": "120000"})["payment_method_options"]["card"]["installments"]
    assert [one["count"] for one in more["available_plans"]] == [3, 6, 9, 12]
    error = refused(api, path, plan(6))
    assert error["param"] == PLAN and "during confirmation" in error["message"]
    error = refused(api, f"{path}/confirm", {**plan(18), "return_url": "https://a.example"})
    assert error["param"] == PLAN and "not available" in error["message"]
    error = refused(api, f"{path}/confirm", {f"{PLAN}[type]": "fixed_count", f"{PLAN}[count]": "6"})
    assert error["param"] == f"{PLAN}[interval]"
    paid = api.post(f"{path}/confirm", {**plan(12), "return_url": "https://a.example"})
    wanted = {"count": 12, "interval": "month", "type": "fixed_count"}
    assert (paid["status"], paid["payment_method_options"]["card"]["installments"]["plan"]) == (
        "succeeded",
        wanted,
    )
    assert card_of(api, paid)["installments"] == {"plan": wanted}


def test_disabled_installments_apply_no_plan_and_other_cards_have_none(api: Any) -> None:
    off = {f"{OPTIONS}[installments][enabled]": "false"}
    paid = api.post(PAY, {**MEXICAN, **CONFIRM, **plan(6), **off})
    assert (paid["status"], card_of(api, paid)["installments"]) == ("succeeded", None)
    usual = {**MEXICAN, "payment_method": "pm_card_visa"}
    assert refused(api, PAY, {**usual, **CONFIRM, **plan(6)})["param"] == PLAN
    assert card_of(api, api.post(PAY, {**usual, **CONFIRM, **ENABLED}))["installments"] is None


def test_an_invoice_is_paid_by_its_plan_where_the_card_has_it(api: Any) -> None:
    ann = api.post("/v1/customers", {"name": "Ann"})["id"]
    settings = "payment_settings[payment_method_options][card][installments]"
    chosen = {f"{settings}[plan][{name}]": value for name, value in (("type", "fixed_count"), ("count", "9"))}
    chosen |= {f"{settings}[plan][interval]": "month", f"{settings}[enabled]": "true"}
    found = []
    for card in ("pm_card_mx", "pm_card_visa"):
        method = api.post(f"/v1/payment_methods/{card}/attach", {"customer": ann})["id"]
        draft = api.post("/v1/invoices", {"customer": ann, "currency": "mxn", **chosen})
        assert draft["payment_settings"]["payment_method_options"]["card"]["installments"] == {
            "enabled": True
        }
        line = {"customer": ann, "invoice": draft["id"], "amount": "90000", "currency": "mxn"}
        api.post("/v1/invoiceitems", line)
        api.post(f"/v1/invoices/{draft['id']}/finalize", {"auto_advance": "false"})
        paid = api.post(f"/v1/invoices/{draft['id']}/pay", {"payment_method": method})
        assert paid["status"] == "paid", paid
        [charge] = api.get("/v1/charges", {"customer": ann, "limit": "1"})["data"]
        found.append(charge["payment_method_details"]["card"]["installments"])
    assert found == [{"plan": {"count": 9, "interval": "month", "type": "fixed_count"}}, None]


# ------------------------------------------------------------------------------------- authentication


def test_a_mail_order_asks_nobody_to_authenticate(api: Any) -> None:
    assert api.post(PAY, {**ASKS, **CONFIRM})["status"] == "requires_action"
    paid = api.post(PAY, {**ASKS, **CONFIRM, f"{OPTIONS}[moto]": "true"})
    assert paid["status"] == "succeeded", paid
    assert card_of(api, paid)["moto"] is True
    assert "moto" not in paid["payment_method_options"]["card"]


def test_a_mail_order_is_said_once_and_never_by_a_browser(api: Any) -> None:
    error = refused(api, PAY, {**ASKS, f"{OPTIONS}[moto]": "true"})
    assert error["param"] == f"{OPTIONS}[moto]" and "during confirmation" in error["message"]
    made = api.post(PAY, ASKS)
    path, browser = f"{PAY}/{made['id']}/confirm", {"client_secret": made["client_secret"]}
    for sent in ({f"{OPTIONS}[moto]": "true"}, PASSED):
        error = refused(api, path, {**browser, **sent, "return_url": "https://a.example"})
        assert "secret key" in error["message"]
    held = {**ASKS, **CONFIRM, f"{OPTIONS}[moto]": "true", "payment_method": "pm_card_visa_chargeDeclined"}
    declined = api.post(PAY, held)["error"]["payment_intent"]["id"]
    again = {"payment_method": ASKS["payment_method"], "return_url": "https://a.example"}
    assert api.post(f"{PAY}/{declined}/confirm", again)["status"] == "requires_action", "said of one attempt"


def test_3d_secure_that_was_passed_elsewhere_is_shown_and_not_asked_again(api: Any) -> None:
    paid = api.post(PAY, {**ASKS, **CONFIRM, **PASSED})
    assert paid["status"] == "succeeded", paid
    assert card_of(api, paid)["three_d_secure"] == {
        "authentication_flow": None,
        "electronic_commerce_indicator": "05",
        "exemption_indicator": None,
        "exemption_indicator_applied": None,
        "result": "authenticated",
        "result_reason": None,
        "transaction_id": "9d6d0c3f-0b1c-4e1e-8c1b-1f2f3f4f5f6f",
        "version": "2.2.0",
    }
    said_before = api.post(PAY, {**ASKS, **PASSED})
    kept = api.post(f"{PAY}/{said_before['id']}/confirm", {"return_url": "https://a.example"})
    assert kept["status"] == "succeeded"
    failed = {**PASSED, f"{OPTIONS}[three_d_secure][ares_trans_status]": "N"}
    asked = api.post(PAY, {**ASKS, **CONFIRM, **failed})
    assert asked["status"] == "requires_action"
    act(api, asked["id"])
    done = card_of(api, api.get(f"{PAY}/{asked['id']}"))["three_d_secure"]
    assert (done["result"], done["result_reason"]) == ("failed", "rejected")


def test_a_result_of_3d_secure_names_what_proves_it(api: Any) -> None:
    for name in ("cryptogram", "transaction_id", "version"):
        path = f"{OPTIONS}[three_d_secure][{name}]"
        less = {key: value for key, value in PASSED.items() if key != path}
        error = refused(api, PAY, {**ASKS, **CONFIRM, **less})
        assert (error["param"], error["code"]) == (path, "parameter_missing")
    own = {f"{OPTIONS}[three_d_secure][network_options][cartes_bancaires][cb_avalgo]": "1"}
    assert refused(api, PAY, {**ASKS, **CONFIRM, **PASSED, **own})["param"] == f"{OPTIONS}[network]"


def test_a_set_up_takes_both_and_its_attempt_shows_them(api: Any) -> None:
    card = {"payment_method": ASKS["payment_method"], "confirm": "true", "return_url": "https://a.example"}
    assert api.post(SET, card)["status"] == "requires_action"
    for more, field in (({f"{OPTIONS}[moto]": "true"}, "moto"), (PASSED, "three_d_secure")):
        made = api.post(SET, {**card, **more})
        assert made["status"] == "succeeded", made
        [attempt] = api.get("/v1/setup_attempts", {"setup_intent": made["id"]})["data"]
        assert attempt["payment_method_details"]["card"][field]
    assert refused(api, SET, {f"{OPTIONS}[moto]": "true"})["param"] == f"{OPTIONS}[moto]"


# ------------------------------------------------------------------------------------- security codes


def saved(api: Any) -> dict[str, str]:
    ann = api.post("/v1/customers", {"name": "Ann"})["id"]
    method = api.post("/v1/payment_methods/pm_card_visa/attach", {"customer": ann})["id"]
    again = {f"{OPTIONS}[require_cvc_recollection]": "true"}
    return {"amount": "2000", "currency": "usd", "customer": ann, "payment_method": method, **again}


def test_a_saved_card_may_ask_for_its_code_again(api: Any) -> None:
    wanted, at = {**saved(api), **CONFIRM}, f"{OPTIONS}[cvc_token]"
    error = refused(api, PAY, wanted)
    assert (error["param"], error["code"]) == (at, "parameter_missing")
    code = api.post("/v1/tokens", {"cvc_update[cvc]": "123"})
    assert (code["type"], code["card"], code["id"][:7]) == ("cvc_update", None, "cvctok_")
    paid = api.post(PAY, {**wanted, at: code["id"]})
    assert (paid["status"], card_of(api, paid)["checks"]["cvc_check"]) == ("succeeded", "pass")
    assert "cvc_token" not in paid["payment_method_options"]["card"]
    assert refused(api, PAY, {**wanted, at: code["id"]})["code"] == "token_already_used"
    assert refused(api, PAY, {**wanted, at: "cvctok_none"})["code"] == "resource_missing"
    card = api.post(
        "/v1/tokens", {"card[number]": "4242424242424242", "card[exp_month]": "12", "card[exp_year]": "2032"}
    )
    assert "not cvc_update" in refused(api, PAY, {**wanted, at: card["id"]})["message"]


def test_a_code_is_no_card_and_must_be_one(api: Any) -> None:
    code = api.post("/v1/tokens", {"cvc_update[cvc]": "123"})["id"]
    ann = api.post("/v1/customers", {"name": "Ann"})["id"]
    assert "not card" in refused(api, f"/v1/customers/{ann}/sources", {"source": code})["message"]
    wrong = api.post("/v1/tokens", {"cvc_update[cvc]": "12"})
    assert wrong["error"]["code"] == "invalid_cvc"
    assert (
        refused(api, PAY, {**saved(api), f"{OPTIONS}[cvc_token]": code})["param"] == f"{OPTIONS}[cvc_token]"
    )
