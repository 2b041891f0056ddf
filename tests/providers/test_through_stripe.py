"""billow charges through billow: the gateway `stripe` against a second process, notices included."""

import time

from billow.app import App
from billow.core import signing
from tests.conftest import Api, Reply
from tests.support.other_server import Other, eventually


def subscribed(api: Api, card: str) -> Reply:
    customer = api.post("/v1/customers", {"name": "Ann"})["id"]
    method = api.post(f"/v1/payment_methods/{card}/attach", {"customer": customer})
    assert method.status == 200, method
    price = api.post(
        "/v1/prices",
        {
            "unit_amount": "2000",
            "currency": "usd",
            "recurring[interval]": "month",
            "product_data[name]": "Pro",
        },
    )["id"]
    sent = {"customer": customer, "items[0][price]": price, "default_payment_method": method["id"]}
    return api.post("/v1/subscriptions", sent)


def test_a_subscription_is_paid_refunded_and_disputed_at_the_other_server(
    app: App, api: Api, other_server: Other
) -> None:
    made = subscribed(api, "pm_card_createDispute")
    assert made["status"] == "active", made
    [charge] = api.get("/v1/charges")["data"]
    [theirs] = other_server.get("/v1/charges", limit=1)["data"]
    assert (charge["amount"], charge["payment_method_details"]["card"]["last4"]) == (2000, "0259")
    assert (theirs["amount"], theirs["status"]) == (2000, "succeeded")
    with app.db.transaction(api.tenant, reads=True) as tx:
        [(reference, gateway)] = tx.tuples("select reference, gateway from charges")
    assert (reference, gateway) == (theirs["id"], "stripe")
    [moved] = api.get("/v1/balance_transactions")["data"]
    [booked] = other_server.get("/v1/balance_transactions", source=theirs["id"])["data"]
    assert (moved["amount"], moved["fee"]) == (booked["amount"], booked["fee"])

    [dispute] = eventually(app, lambda: api.get("/v1/disputes")["data"])
    assert (dispute["charge"], dispute["status"]) == (charge["id"], "needs_response")
    assert [one["amount"] for one in dispute["balance_transactions"]] == [-2000]
    sent = {"evidence[uncategorized_text]": "winning_evidence"}
    assert api.post(f"/v1/disputes/{dispute['id']}", sent)["status"] == "won"
    refund = api.post("/v1/refunds", {"charge": charge["id"], "amount": "500"})
    assert refund["status"] == "succeeded"
    assert other_server.get("/v1/refunds", charge=theirs["id"])["data"][0]["amount"] == 500


def test_a_hold_at_the_other_server_is_raised_and_captured_in_parts(
    app: App, api: Api, other_server: Other
) -> None:
    asked = {
        f"payment_method_options[card][request_{wish}]": "if_available"
        for wish in ("incremental_authorization", "multicapture", "overcapture")
    }
    sent = {"amount": 1000, "currency": "usd", "payment_method": "pm_card_visa", "confirm": "true"}
    held = api.post("/v1/payment_intents", {**sent, **asked, "capture_method": "manual"})
    path = f"/v1/payment_intents/{held['id']}"
    assert api.post(f"{path}/increment_authorization", {"amount": 2000})["amount_capturable"] == 2000
    first = api.post(f"{path}/capture", {"amount_to_capture": 700, "final_capture": "false"})
    assert (first["status"], first["amount_capturable"]) == ("requires_capture", 1300), first
    assert api.post(f"{path}/capture", {"amount_to_capture": 1600})["amount_received"] == 2300
    [charge] = other_server.get("/v1/charges", limit=1)["data"]
    assert (charge["amount"], charge["amount_captured"]) == (2300, 2300)
    moved = api.get("/v1/balance_transactions")["data"]
    booked = other_server.get("/v1/balance_transactions", source=charge["id"])["data"]
    assert [(one["amount"], one["fee"]) for one in moved] == [(1600, 76), (700, 50)]
    assert [(one["amount"], one["fee"]) for one in booked] == [(1600, 76), (700, 50)]
    rest = api.post("/v1/payment_intents", {**sent, **asked, "capture_method": "manual"})
    path = f"/v1/payment_intents/{rest['id']}"
    api.post(f"{path}/capture", {"amount_to_capture": 700, "final_capture": "false"})
    assert api.post(f"{path}/cancel")["status"] == "succeeded"
    [charge] = other_server.get("/v1/charges", limit=1)["data"]
    assert (charge["captured"], charge["amount_captured"], charge["amount_refunded"]) == (True, 700, 300)


def test_the_terms_of_one_payment_reach_the_other_server(api: Api, other_server: Other) -> None:
    card = "payment_method_options[card]"
    sent = {"amount": 90000, "currency": "mxn", "payment_method": "pm_card_mx", "confirm": "true"}
    chosen = {"type": "fixed_count", "count": "6", "interval": "month"}
    passed = {"cryptogram": "M2vQ" * 7, "transaction_id": "9d6d", "version": "2.2.0"}
    plan = {f"{card}[installments][plan][{name}]": value for name, value in chosen.items()}
    result = {f"{card}[three_d_secure][{name}]": value for name, value in passed.items()}
    for more in (plan, result, {f"{card}[moto]": "true"}):
        paid = api.post("/v1/payment_intents", {**sent, **more})
        assert paid["status"] == "succeeded", paid
    shown = [
        one["payment_method_details"]["card"] for one in other_server.get("/v1/charges", limit=3)["data"]
    ]
    assert (shown[0]["moto"], shown[1]["three_d_secure"]["transaction_id"]) == (True, "9d6d")
    assert shown[2]["installments"]["plan"] == {**chosen, "count": 6}


def test_a_decline_at_the_other_server_is_a_decline_here(api: Api, other_server: Other) -> None:
    made = subscribed(api, "pm_card_chargeCustomerFail")
    assert made["status"] == "incomplete"
    [charge] = api.get("/v1/charges")["data"]
    assert (charge["status"], charge["failure_code"]) == ("failed", "card_declined")
    refused = api.post("/v1/charges", {"amount": "500", "currency": "usd", "source": "tok_chargeDeclined"})
    assert refused.status == 402


def test_a_refund_that_is_pending_at_the_other_server_arrives_by_its_notice(
    app: App, api: Api, other_server: Other
) -> None:
    subscribed(api, "pm_card_pendingRefund")
    [charge] = api.get("/v1/charges")["data"]
    made = api.post("/v1/refunds", {"charge": charge["id"]})
    assert made["status"] == "pending"
    path = f"/v1/refunds/{made['id']}"
    eventually(app, lambda: api.get(path)["status"] == "succeeded")


def test_a_notice_that_was_signed_minutes_ago_or_by_another_is_refused(
    app: App, api: Api, other_server: Other
) -> None:
    body = b'{"type": "payment_intent.succeeded", "data": {"object": {"id": "pi_1", "metadata": {}}}}'
    with app.db.transaction(api.tenant, reads=True) as tx:
        [route] = app.db.outside.configured.routes(tx)
    now = int(time.time())
    for secret, at, status in (
        (route.signing_secret, now, 200),
        (route.signing_secret, now - 301, 400),
        ("whsec_another", now, 400),
    ):
        sent = app.wsgi.test_client().post(
            f"/gateways/{api.tenant}/stripe",
            headers={"Stripe-Signature": signing.stripe([secret], at, body)},
            data=body,
        )
        assert sent.status_code == status, (at, sent.get_json())
