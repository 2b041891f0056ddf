"""Is an invoice paid by the source and under the mandate that a request names?"""

from typing import Any

import pytest

from tests.conftest import Api


@pytest.fixture
def invoice(api: Api) -> Any:
    customer = api.post("/v1/customers", {"name": "Ann"})["id"]
    api.post("/v1/invoiceitems", {"customer": customer, "amount": 900, "currency": "eur"})
    with_items = {"customer": customer, "pending_invoice_items_behavior": "include", "auto_advance": "false"}
    return api.post("/v1/invoices", with_items)


def test_a_source_pays_an_invoice_as_a_payment_method_does(api: Api, invoice: Any) -> None:
    path = f"/v1/invoices/{invoice['id']}/pay"
    card = api.post(f"/v1/customers/{invoice['customer']}/sources", {"source": "tok_visa"})["id"]
    both = api.post(path, {"source": card, "payment_method": card})["error"]
    assert (both["code"], both["param"]) == ("parameters_exclusive", "source")
    assert api.post(path, {"source": "card_none"})["error"]["param"] == "source"
    assert api.post(path, {"source": card})["status"] == "paid"
    [charge] = api.get("/v1/charges", {"customer": invoice["customer"]})["data"]
    assert charge["payment_method"] == card


def test_a_debit_of_an_invoice_names_its_mandate(api: Api, invoice: Any) -> None:
    path, customer = f"/v1/invoices/{invoice['id']}/pay", invoice["customer"]
    kept = {
        "customer": customer,
        "confirm": "true",
        "usage": "off_session",
        "allowed_payment_method_types[0]": "sepa_debit",
        "payment_method_data[type]": "sepa_debit",
        "payment_method_data[sepa_debit][iban]": "DE89370400440532013000",
        "payment_method_data[billing_details][name]": "Ann",
        "payment_method_data[billing_details][email]": "ann@example.com",
        "mandate_data[customer_acceptance][type]": "offline",
    }
    made = api.post("/v1/setup_intents", kept)
    assert made["status"] == "succeeded", made
    card = api.post("/v1/payment_methods/pm_card_visa/attach", {"customer": customer})["id"]
    wrong = api.post(path, {"payment_method": card, "mandate": made["mandate"]})["error"]
    assert (wrong["code"], wrong["param"]) == ("payment_intent_mandate_invalid", "mandate")
    paid = api.post(path, {"payment_method": made["payment_method"], "mandate": made["mandate"]})
    assert (paid.status, paid.get("object")) == (200, "invoice"), paid  # and no decline
    [intent] = api.get("/v1/payment_intents", {"customer": customer})["data"]
    with api.app.db.transaction(api.tenant) as tx:
        found = tx.one("select mandate from payment_intents where id = %(id)s", id=intent["id"])
    assert found and found["mandate"] == made["mandate"]
