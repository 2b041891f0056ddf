"""Do the payment settings of an invoice say how it is paid?"""

from typing import Any

import pytest


@pytest.fixture
def ann(api: Any) -> str:
    made = api.post("/v1/customers", {"name": "Ann"})["id"]
    default = {"invoice_settings[default_payment_method]": "pm_usBankAccount_success"}
    assert api.post(f"/v1/customers/{made}", default).status == 200
    return str(made)


def invoice(api: Any, customer: str, **more: str) -> Any:
    api.post("/v1/invoiceitems", {"customer": customer, "amount": "2000", "currency": "usd"})
    sent = {"customer": customer, "pending_invoice_items_behavior": "include", **more}
    return api.post("/v1/invoices", sent)


def test_what_is_set_is_shown_and_offered_by_the_intent(api: Any, ann: str) -> None:
    types = {"payment_settings[payment_method_types][]": "us_bank_account"}
    option = {"payment_settings[payment_method_options][us_bank_account][verification_method]": "instant"}
    made = invoice(api, ann, **types, **option)
    assert made["payment_settings"] == {
        "default_mandate": None,
        "payment_method_options": {"us_bank_account": {"verification_method": "instant"}},
        "payment_method_types": ["us_bank_account"],
    }
    path = f"/v1/invoices/{made['id']}"
    cleared = api.post(path, {"payment_settings[payment_method_options]": ""})["payment_settings"]
    assert cleared["payment_method_options"] is None
    assert cleared["payment_method_types"] == ["us_bank_account"]
    final = api.post(f"{path}/finalize", {"expand[]": "confirmation_secret"})
    intent = final["confirmation_secret"]["client_secret"].partition("_secret_")[0]
    assert api.get(f"/v1/payment_intents/{intent}")["payment_method_types"] == ["us_bank_account"]


def test_an_invoice_that_takes_cards_only_is_not_paid_by_a_bank_account(api: Any, ann: str) -> None:
    made = invoice(api, ann, **{"payment_settings[payment_method_types][]": "card"})
    refused = api.post(f"/v1/invoices/{made['id']}/pay")
    assert refused.status == 402
    assert api.get(f"/v1/invoices/{made['id']}")["status"] == "open"


def test_an_invoice_without_settings_is_paid_by_whatever_the_customer_has(api: Any, ann: str) -> None:
    made = invoice(api, ann)
    api.post(f"/v1/invoices/{made['id']}/pay")
    after = api.get(f"/v1/invoices/{made['id']}", {"expand[]": "payments"})
    intent = after["payments"]["data"][0]["payment"]["payment_intent"]
    found = api.get(f"/v1/payment_intents/{intent}")
    assert (found["status"], found["payment_method_types"]) == ("processing", ["card", "us_bank_account"])
