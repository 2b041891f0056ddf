"""Does each charge have a receipt, for those who have its address and nobody else?"""

from typing import Any
from urllib.parse import urlsplit

from tests.conftest import Reply


def charged(api: Any, token: str = "tok_visa", **more: Any) -> Reply:
    wanted = {"amount": 5000, "currency": "usd", "source": token, "description": "Setup", **more}
    return api.post("/v1/charges", wanted)  # type: ignore[no-any-return]


def page(app: Any, url: str) -> tuple[int, str]:
    answer = app.wsgi.test_client().get(urlsplit(url).path)
    return answer.status_code, answer.get_data(as_text=True)


def test_a_receipt_says_what_was_paid_and_with_what(app: Any, api: Any) -> None:
    made = charged(api)
    status, text = page(app, made["receipt_url"])
    assert status == 200
    for word in ("Receipt", made["id"], "Setup", "$50.00", "Visa ending in 4242", "Nimbus Ltd"):
        assert word in text
    assert "Refunded" not in text


def test_a_receipt_follows_refunds_and_captures_of_its_charge(app: Any, api: Any) -> None:
    made = charged(api)
    api.post("/v1/refunds", {"charge": made["id"], "amount": 2000})
    _, text = page(app, made["receipt_url"])
    assert "-$20.00" in text.replace("\N{MINUS SIGN}", "-") and "$50.00" in text
    api.post("/v1/refunds", {"charge": made["id"]})
    assert "Refunded" in page(app, made["receipt_url"])[1]
    uncaptured = charged(api, capture="false")
    assert "Uncaptured" in page(app, uncaptured["receipt_url"])[1]
    api.post(f"/v1/charges/{uncaptured['id']}/capture", {"amount": 1500})
    assert "$15.00" in page(app, uncaptured["receipt_url"])[1]


def test_a_receipt_without_an_invoice_is_in_the_customers_language(app: Any, api: Any) -> None:
    address = {"address[line1]": "Storgatan 1", "address[city]": "Umeå", "address[country]": "SE"}
    ann = api.post(
        "/v1/customers", {"name": "Ann", "preferred_locales[0]": "sv", "source": "tok_visa", **address}
    )
    made = api.post("/v1/charges", {"amount": 5000, "currency": "sek", "customer": ann["id"]})
    _, text = page(app, made["receipt_url"])
    for word in ("Kvitto", "Betalning", "Storgatan 1", "Sverige", "Visa som slutar på 4242"):
        assert word in text
    assert "Payment" not in text


def test_the_receipt_of_an_invoice_shows_its_lines(app: Any, api: Any) -> None:
    ann = api.post(
        "/v1/customers",
        {
            "name": "Ann",
            "payment_method": "pm_card_visa",
            "invoice_settings[default_payment_method]": "pm_card_visa",
        },
    )
    for text in ("Training", "Travel"):
        api.post(
            "/v1/invoiceitems", {"customer": ann["id"], "amount": 700, "currency": "usd", "description": text}
        )
    invoice = api.post("/v1/invoices", {"customer": ann["id"], "pending_invoice_items_behavior": "include"})
    paid = api.post(f"/v1/invoices/{invoice['id']}/pay")
    [charge] = api.get("/v1/charges", {"customer": ann["id"]})["data"]
    _, text = page(app, charge["receipt_url"])
    for word in ("Ann", "Training", "Travel", "$14.00", f"Invoice {paid['number']}"):
        assert word in text


def test_a_failed_charge_has_no_receipt_and_no_address_can_be_guessed(app: Any, api: Any, other: Any) -> None:
    charged(api, "tok_chargeCustomerFail")
    [failed] = api.get("/v1/charges")["data"]
    assert (failed["status"], failed["receipt_url"]) == ("failed", None)
    url = charged(api)["receipt_url"]
    assert page(app, url[:-1] + ("a" if url[-1] != "a" else "b"))[0] == 404
    foreign = url.replace(api.account, other.account)
    assert page(app, foreign)[0] == 404
    assert page(app, url.replace("/r/", "/i/"))[0] == 404, "a seal opens one kind of paper"


def test_a_charge_has_the_codes_of_bank_and_network(api: Any) -> None:
    card = charged(api)["payment_method_details"]["card"]
    assert len(card["authorization_code"]) == 6 and len(card["network_transaction_id"]) == 15
    charged(api, "tok_chargeCustomerFail")
    failed = api.get("/v1/charges")["data"][0]["payment_method_details"]["card"]
    assert failed["authorization_code"] is None


def test_a_card_is_checked_when_it_is_attached(api: Any) -> None:
    made = api.post("/v1/payment_methods", {"type": "card", "card[token]": "tok_visa"})
    assert made["card"]["checks"]["cvc_check"] == "unchecked"
    ann = api.post("/v1/customers")
    attached = api.post(f"/v1/payment_methods/{made['id']}/attach", {"customer": ann["id"]})
    assert attached["card"]["checks"]["cvc_check"] == "pass"
    named = api.post("/v1/payment_methods/pm_card_visa/attach", {"customer": ann["id"]})
    assert named["card"]["checks"]["cvc_check"] == "pass"
