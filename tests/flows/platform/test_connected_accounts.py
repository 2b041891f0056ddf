"""Does a platform bill for the accounts that are connected to its own, each with books of its own?"""

import re
from datetime import timedelta
from types import ModuleType
from typing import Any

import pytest

from billow.core.routing import Route
from billow.flows.outside import gateways
from billow.flows.platform import connected_accounts
from tests.conftest import Api, new_caller
from tests.flows.conftest import run_later
from tests.support.connected import ACCEPTED
from tests.support.invariants import check_all

NO_REDIRECTS = {
    "automatic_payment_methods[enabled]": "true",
    "automatic_payment_methods[allow_redirects]": "never",
}
EXPRESS = {"type": "express", "country": "SE", "email": "ann@example.com"}


@pytest.fixture
def connected(api: Api) -> str:
    return str(api.post("/v1/accounts", EXPRESS)["id"])


def test_an_account_is_shown_as_the_contract_has_it(api: Api, contract: ModuleType) -> None:
    made = api.post("/v1/accounts", {**EXPRESS, "metadata[shop]": "1"})
    assert (made.status, contract.problems(made)) == (200, [])
    shown = (made["type"], made["country"], made["default_currency"], made["metadata"])
    assert shown == ("express", "SE", "sek", {"shop": "1"})
    assert made["controller"]["fees"] == {"payer": "application_express"}
    assert made["capabilities"] == {"card_payments": "inactive", "transfers": "inactive"}
    states = ("charges_enabled", "details_submitted", "payouts_enabled")
    assert [made[name] for name in states] == [False, False, False]
    assert made["requirements"]["disabled_reason"] == "requirements.past_due"
    assert api.get(f"/v1/accounts/{made['id']}") == made == api.get("/v1/accounts")["data"][0]


def test_an_account_can_charge_once_its_holder_has_accepted_the_terms(api: Api, connected: str) -> None:
    after = api.post(f"/v1/accounts/{connected}", {**ACCEPTED, "business_profile[name]": "Ann's Shop"})
    assert (after["details_submitted"], after["charges_enabled"]) == (True, True)
    assert set(after["capabilities"].values()) == {"active"} and after["requirements"]["currently_due"] == []
    assert after["business_profile"]["name"] == "Ann's Shop"
    [event] = api.get("/v1/events", {"type": "account.updated"})["data"]
    assert event["data"]["previous_attributes"]["charges_enabled"] is False
    rejected = api.post(f"/v1/accounts/{connected}/reject", {"reason": "fraud"})
    assert rejected["charges_enabled"] is False
    assert rejected["requirements"]["disabled_reason"] == "rejected.fraud"


SOLD = {"amount": 900, "currency": "sek", "payment_method": "pm_card_visa", "confirm": "true", **NO_REDIRECTS}


def test_an_account_cannot_charge_before_its_holder_has_accepted_the_terms(api: Api, connected: str) -> None:
    as_shop: dict[str, Any] = {"Stripe_Account": connected}
    of_shop = {"amount": 900, "currency": "sek", "source": "tok_visa"}
    refused = [
        api.post("/v1/payment_intents", SOLD, **as_shop),
        api.post("/v1/charges", of_shop, **as_shop),
        api.post("/v1/payment_intents", {**SOLD, "on_behalf_of": connected}),
        api.post("/v1/setup_intents", {"on_behalf_of": connected}),
    ]
    for answer in refused:
        assert (answer.status, answer["error"]["type"]) == (400, "invalid_request_error")
        assert answer["error"]["message"] == "Your account cannot currently make charges."
    waiting = {name: value for name, value in SOLD.items() if name != "confirm"}
    intent = api.post("/v1/payment_intents", waiting, **as_shop)
    assert intent["status"] == "requires_confirmation"
    path = f"/v1/payment_intents/{intent['id']}/confirm"
    assert api.post(path, {}, **as_shop).status == 400
    api.post(f"/v1/accounts/{connected}", ACCEPTED)
    assert api.post(path, {}, **as_shop)["status"] == "succeeded"
    api.post(f"/v1/accounts/{connected}/reject", {"reason": "fraud"})
    assert api.post("/v1/charges", of_shop, **as_shop).status == 400


@pytest.mark.parametrize("accepted", [{}, {**ACCEPTED, "capabilities[card_payments][requested]": "true"}])
def test_nothing_is_transferred_to_an_account_without_the_capability(
    api: Api, accepted: dict[str, Any]
) -> None:
    shop = api.post("/v1/accounts", {**EXPRESS, **accepted})["id"]
    charge = api.post("/v1/charges", {"amount": 900, "currency": "sek", "source": "tok_visa"})["id"]
    share = {"amount": 1, "currency": "sek", "destination": shop, "source_transaction": charge}
    for path, sent in (
        ("/v1/transfers", share),
        ("/v1/payment_intents", {**SOLD, "transfer_data[destination]": shop}),
    ):
        answer = api.post(path, sent)
        assert (answer.status, answer["error"]["code"]) == (400, "insufficient_capabilities_for_transfer")


def test_an_account_with_transfers_alone_charges_nobody(api: Api) -> None:
    only = {**EXPRESS, **ACCEPTED, "capabilities[transfers][requested]": "true"}
    shop = api.post("/v1/accounts", only)["id"]
    answer = api.post("/v1/payment_intents", {**SOLD, "on_behalf_of": shop})
    assert "without the `card_payments` capability" in answer["error"]["message"]
    assert api.post("/v1/payment_intents", SOLD, Stripe_Account=shop).status == 400


def test_invoices_of_an_account_that_cannot_charge_stay_open(api: Api, connected: str, wall: Any) -> None:
    as_shop: dict[str, Any] = {"Stripe_Account": connected}
    customer = api.post("/v1/customers", {"payment_method": "pm_card_visa"}, **as_shop)["id"]
    default = {"invoice_settings[default_payment_method]": method_of(api, customer, as_shop)}
    api.post(f"/v1/customers/{customer}", default, **as_shop)
    api.post("/v1/invoiceitems", {"customer": customer, "amount": 900, "currency": "sek"}, **as_shop)
    billed = {"customer": customer, "auto_advance": "true", "pending_invoice_items_behavior": "include"}
    made = api.post("/v1/invoices", billed, **as_shop)
    api.post(f"/v1/invoices/{made['id']}/finalize", {}, **as_shop)
    run_later(api.app.db, timedelta(hours=2), lane="outside")
    after = api.get(f"/v1/invoices/{made['id']}", **as_shop)
    assert (after["status"], after["attempt_count"]) == ("open", 0)
    assert api.post(f"/v1/invoices/{made['id']}/pay", {}, **as_shop).status == 400


def test_what_a_change_does_not_name_stays(api: Api, connected: str) -> None:
    path = f"/v1/accounts/{connected}"
    api.post(path, {"settings[branding][primary_color]": "#112233", "company[address][city]": "Malmo"})
    api.post(path, {"settings[payouts][schedule][interval]": "manual"})
    more = {"settings[branding][secondary_color]": "#445566", "company[address][line1]": "Gatan 1"}
    after = api.post(path, {**more, "settings[payouts][schedule][delay_days]": 5})
    branding = after["settings"]["branding"]
    assert (branding["primary_color"], branding["secondary_color"]) == ("#112233", "#445566")
    assert after["settings"]["payouts"]["schedule"]["interval"] == "manual"
    assert (after["company"]["address"]["city"], after["company"]["address"]["line1"]) == ("Malmo", "Gatan 1")


def test_a_request_acts_for_the_account_that_it_names(api: Api, connected: str) -> None:
    own = api.post("/v1/customers", {"name": "of the platform"})
    there = api.post("/v1/customers", {"name": "of the shop"}, Stripe_Account=connected)
    assert [one["id"] for one in api.get("/v1/customers")["data"]] == [own["id"]]
    found = api.get("/v1/customers", Stripe_Account=connected)["data"]
    assert [one["id"] for one in found] == [there["id"]]
    assert api.get(f"/v1/customers/{there['id']}").status == 404
    assert api.get(f"/v1/customers/{own['id']}", Stripe_Account=connected).status == 404
    assert api.get("/v1/customers", Stripe_Context=connected)["data"] == found
    assert api.get("/v1/account", Stripe_Account=connected)["id"] == connected


def test_a_connected_account_bills_into_its_own_books(api: Api, connected: str) -> None:
    as_shop: dict[str, Any] = {"Stripe_Account": connected}
    api.post(f"/v1/accounts/{connected}", ACCEPTED)
    customer = api.post("/v1/customers", {"payment_method": "pm_card_visa"}, **as_shop)
    api.post(
        f"/v1/customers/{customer['id']}",
        {"invoice_settings[default_payment_method]": method_of(api, customer["id"], as_shop)},
        **as_shop,
    )
    api.post("/v1/invoiceitems", {"customer": customer["id"], "amount": 900, "currency": "sek"}, **as_shop)
    invoice = api.post("/v1/invoices", {"customer": customer["id"]}, **as_shop)
    paid = api.post(f"/v1/invoices/{invoice['id']}/pay", {}, **as_shop)
    assert paid["status"] == "paid"
    assert api.get("/v1/events", {"type": "invoice.paid"})["data"] == []
    assert len(api.get("/v1/events", {"type": "invoice.paid"}, **as_shop)["data"]) == 1
    for tenant in (api.tenant, f"{connected}/test"):
        check_all(api.app.db, tenant)


def method_of(api: Api, customer: str, headers: dict[str, Any]) -> str:
    return str(api.get(f"/v1/customers/{customer}/payment_methods", **headers)["data"][0]["id"])


def test_nobody_acts_for_an_account_that_is_not_connected(api: Api, other: Api, connected: str) -> None:
    for name in (connected, api.account, "acct_none", "x' or true --", ""):
        answer = other.get("/v1/customers", Stripe_Account=name)
        assert (answer.status, answer["error"]["code"]) == (403, "account_invalid")
    assert other.get("/v1/customers", Stripe_Account=other.account).status == 200
    assert other.get(f"/v1/accounts/{connected}").status == 403
    assert other.get("/v1/accounts")["data"] == []
    two = api.get("/v1/customers", Stripe_Account=connected, Stripe_Context=api.account)
    assert two.status == 403


def test_a_deleted_account_can_no_longer_be_named(api: Api, connected: str) -> None:
    assert api.delete(f"/v1/accounts/{connected}")["deleted"] is True
    assert api.get("/v1/customers", Stripe_Account=connected).status == 403


@pytest.mark.parametrize(
    ("sent", "param"),
    [
        ({"country": "XX"}, "country"),
        ({"type": "express", "controller[losses][payments]": "stripe"}, "type"),
        ({"capabilities[Card][requested]": "true"}, "capabilities[Card]"),
        ({"type": "other"}, "type"),
        ({"company[tax_id]": "1"}, "company[tax_id]"),
    ],
)
def test_what_an_account_cannot_be_is_refused(api: Api, sent: dict[str, str], param: str) -> None:
    answer = api.post("/v1/accounts", sent)
    assert (answer.status, answer["error"]["param"]) == (400, param)


# ------------------------------------------------------------------------------------- the holder's page

ENTERED = {"kind": "company", "business_name": "Ann's Shop", "email": "ann@example.com", "terms": "yes"}


def link(api: Api, account: str) -> str:
    leads = {"return_url": "https://platform.example/back", "refresh_url": "https://platform.example/again"}
    made = api.post("/v1/account_links", {"account": account, "type": "account_onboarding", **leads})
    assert (made.status, made["object"], made["expires_at"] - made["created"]) == (200, "account_link", 300)
    return "/" + made["url"].split("/", 3)[3]


def browse(api: Api, path: str, form: dict[str, str] | None = None) -> Any:
    client = api.app.wsgi.test_client()
    if form is None:
        return client.get(path)
    token = re.search(r'name="token" value="(\w+)"', client.get(path).text)
    return client.post(path, data={"token": token[1] if token else "", **form})


def test_the_holder_of_an_account_accepts_the_terms_on_a_page(api: Api, connected: str) -> None:
    path = link(api, connected)
    page = browse(api, path)
    assert page.status_code == 200 and "Sweden" in page.text and "ann@example.com" in page.text
    answer = browse(api, path, ENTERED)
    assert answer.status_code == 200 and "https://platform.example/back" in answer.text
    account = api.get(f"/v1/accounts/{connected}")
    assert (account["details_submitted"], account["charges_enabled"]) == (True, True)
    assert account["business_profile"]["name"] == "Ann's Shop" and account["tos_acceptance"]["date"]


def test_the_page_says_what_is_missing_and_keeps_what_was_entered(api: Api, connected: str) -> None:
    answer = browse(api, link(api, connected), {**ENTERED, "terms": "", "business_name": ""})
    assert answer.status_code == 422 and "Please accept the terms." in answer.text
    assert api.get(f"/v1/accounts/{connected}")["details_submitted"] is False


def test_an_address_of_an_account_is_for_once_and_for_minutes(
    api: Api, connected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = link(api, connected), link(api, connected)
    assert browse(api, first).status_code == 410 and browse(api, second).status_code == 200
    assert browse(api, second[:-1] + ("y" if second.endswith("x") else "x")).status_code == 404
    third, now = link(api, connected), api.app.db.wall()
    monkeypatch.setattr(api.app.db, "wall", lambda: now + timedelta(minutes=6))
    gone = browse(api, third)
    assert gone.status_code == 410 and "https://platform.example/again" in gone.text


def test_a_form_of_an_account_from_elsewhere_changes_nothing(api: Api, connected: str) -> None:
    path, client = link(api, connected), api.app.wsgi.test_client()
    assert client.post(path, data=ENTERED).status_code == 303
    assert client.post(path, data=ENTERED, headers={"Sec-Fetch-Site": "cross-site"}).status_code == 303
    assert api.get(f"/v1/accounts/{connected}")["details_submitted"] is False


def test_a_login_link_is_for_express_accounts_that_are_ready(api: Api, connected: str) -> None:
    assert api.post(f"/v1/accounts/{connected}/login_links").status == 400
    api.post(f"/v1/accounts/{connected}", ACCEPTED)
    made = api.post(f"/v1/accounts/{connected}/login_links")
    assert (made.status, made["object"]) == (200, "login_link")
    assert browse(api, "/" + made["url"].split("/", 3)[3]).status_code == 200
    standard = api.post("/v1/accounts", {"type": "standard", "country": "US"})["id"]
    assert api.post(f"/v1/accounts/{standard}/login_links").status == 400


@pytest.mark.parametrize("name", ["return_url", "refresh_url"])
def test_an_account_link_leads_somewhere(api: Api, connected: str, name: str) -> None:
    sent = {
        "account": connected,
        "type": "account_onboarding",
        "return_url": "https://a.example",
        "refresh_url": "https://a.example",
    }
    for wrong in (None, "javascript:alert(1)", "a"):
        answer = api.post(
            "/v1/account_links",
            {**sent, name: wrong} if wrong else {key: value for key, value in sent.items() if key != name},
        )
        assert (answer.status, answer["error"]["param"]) == (400, name)


def test_an_account_charges_as_its_gateways_come_and_go(api: Api) -> None:
    """In live mode there is no gateway until one is configured."""
    live = new_caller(api.app, "live", api.account)
    made = live.post("/v1/accounts", {**EXPRESS, **ACCEPTED})
    assert made["charges_enabled"] is False
    with api.app.db.transaction(live.tenant) as tx:
        gateways.write(tx, Route("bank", "manual", 1))
        connected_accounts.follow_gateways(tx)
    assert live.get(f"/v1/accounts/{made['id']}")["charges_enabled"] is True
    with api.app.db.transaction(live.tenant) as tx:
        gateways.stop(tx, "bank")
        connected_accounts.follow_gateways(tx)
        connected_accounts.follow_gateways(tx)
    assert live.get(f"/v1/accounts/{made['id']}")["charges_enabled"] is False
    assert [one for one in live.event_types() if one == "account.updated"] == ["account.updated"] * 3
