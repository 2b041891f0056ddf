"""Does live mode refuse simulated payments, and do live invoices wait to be paid out of band?"""

import logging
from datetime import timedelta
from typing import Any

import pytest

from billow import commands
from billow.app import App
from billow.flows.platform import missing_timers
from billow.ledger import balances
from tests.conftest import Api, Reply, new_caller
from tests.flows.conftest import Wall, do_what_is_due
from tests.support.live_gateway import live_gateway

NOT_LIVE = "Your account cannot currently make live charges"
PRICE = {
    "currency": "eur",
    "unit_amount": "1000",
    "recurring[interval]": "month",
    "product_data[name]": "Plan",
}
CHARGE = {"amount": "5000", "currency": "eur"}


class Shop:
    """A merchant in live mode, with a customer and a monthly price."""

    def __init__(self, app: App) -> None:
        self.app, self.api = app, new_caller(app, "live")
        self.customer = self.api.post("/v1/customers", {"email": "ann@example.com"})["id"]
        self.price = self.api.post("/v1/prices", PRICE)["id"]

    def subscribe(self, **more: str) -> Reply:
        sent = {"customer": self.customer, "items[0][price]": self.price, **more}
        return self.api.post("/v1/subscriptions", sent)

    def invoice(self, **more: str) -> Reply:
        """A finalized invoice over 10.00."""
        item = {"customer": self.customer, "amount": "1000", "currency": "eur"}
        self.api.post("/v1/invoiceitems", item)
        sent = {"customer": self.customer, "pending_invoice_items_behavior": "include", **more}
        draft = self.api.post("/v1/invoices", sent)
        return self.api.post(f"/v1/invoices/{draft['id']}/finalize")

    def accounts(self) -> dict[str, int]:
        """The accounts of the live books that are not empty."""
        with self.app.db.transaction(self.api.tenant) as tx:
            return {row.account: row.balance for row in balances.trial_balance(tx) if row.balance}


@pytest.fixture
def shop(app: App) -> Shop:
    return Shop(app)


def error(reply: Reply) -> tuple[int, str, str | None]:
    return reply.status, reply["error"]["type"], reply["error"].get("code")


def refused(reply: Reply) -> bool:
    said = str(reply["error"]["message"])
    return said.startswith(NOT_LIVE) and error(reply) == (
        400,
        "invalid_request_error",
        "testmode_charges_only",
    )


# ------------------------------------------------------------------------------------- test cards

TOKENS = {
    "/v1/customers": {"payment_method": "pm_card_visa"},
    "/v1/customers/{customer}": {"source": "tok_visa"},
    "/v1/payment_methods": {"type": "card", "card[token]": "tok_mastercard"},
    "/v1/payment_methods/pm_card_visa/attach": {"customer": "{customer}"},
    "/v1/charges": {**CHARGE, "source": "tok_visa"},
}


@pytest.mark.parametrize("path", TOKENS)
def test_a_test_token_is_unknown_in_live_mode(shop: Shop, path: str) -> None:
    sent = {name: text.format(customer=shop.customer) for name, text in TOKENS[path].items()}
    reply = shop.api.post(path.format(customer=shop.customer), sent)
    assert error(reply)[1:] == ("invalid_request_error", "resource_missing")
    assert "a similar object exists in test mode, but a live mode key was used" in reply["error"]["message"]
    assert shop.api.get(f"/v1/customers/{shop.customer}/payment_methods")["data"] == []
    assert shop.api.get("/v1/charges")["data"] == [] and shop.accounts() == {}


def test_a_test_card_is_declined_and_another_card_has_no_gateway(shop: Shop) -> None:
    card = {"type": "card", "card[exp_month]": "1", "card[exp_year]": "2050"}
    reply = shop.api.post("/v1/payment_methods", {**card, "card[number]": "4242 4242 4242 4242"})
    assert error(reply) == (402, "card_error", "card_declined")
    assert reply["error"]["decline_code"] == "live_mode_test_card" and "4242" not in str(reply)
    assert refused(shop.api.post("/v1/payment_methods", {**card, "card[number]": "4242424242424241"}))
    assert refused(shop.api.post("/v1/payment_methods", {"type": "card", "card[token]": "tok_1abc"}))
    assert error(shop.api.get("/v1/payment_methods/pm_card_visa"))[0] == 404


# ------------------------------------------------------------------------------------- whatever would charge


def test_what_would_charge_is_refused_and_changes_nothing(shop: Shop) -> None:
    intent = shop.api.post("/v1/payment_intents", {**CHARGE, "customer": shop.customer})
    invoice = shop.invoice()
    assert refused(shop.api.post("/v1/charges", {**CHARGE, "customer": shop.customer}))
    assert refused(shop.api.post(f"/v1/payment_intents/{intent['id']}/confirm"))
    assert refused(
        shop.api.post("/v1/payment_intents", {**CHARGE, "customer": shop.customer, "confirm": "true"})
    )
    assert refused(shop.api.post(f"/v1/invoices/{invoice['id']}/pay"))
    assert refused(shop.subscribe())
    assert refused(shop.subscribe(payment_behavior="error_if_incomplete"))
    assert shop.api.get("/v1/subscriptions", {"status": "all"})["data"] == []
    assert [one["id"] for one in shop.api.get("/v1/payment_intents")["data"]].count(intent["id"]) == 1
    with shop.app.db.transaction(shop.api.tenant) as tx:
        assert missing_timers.wrong_timers(tx) == [], (
            "nothing can be done at the time that a timer would tell"
        )
    after = shop.api.get(f"/v1/invoices/{invoice['id']}")
    assert (after["status"], after["attempted"], after["attempt_count"]) == ("open", False, 0)
    assert shop.api.get("/v1/account")["charges_enabled"] is False


def test_what_was_simulated_before_is_neither_charged_nor_refunded_nor_captured(
    shop: Shop, wall: Wall
) -> None:
    """Live data of a version whose live mode simulated payments."""
    method, paid, held = with_a_past(shop)
    assert refused(shop.api.post("/v1/charges", {**CHARGE, "customer": shop.customer, "source": method}))
    assert refused(shop.api.post("/v1/refunds", {"charge": paid}))
    assert refused(shop.api.post(f"/v1/charges/{held}/capture"))
    wall.now += timedelta(days=8)  # when what is held is let go
    do_what_is_due(shop.app)
    assert shop.api.get(f"/v1/charges/{held}")["refunded"] is False


def with_a_past(shop: Shop) -> tuple[str, str, str]:
    """A card of live mode with two charges, and the card's token as an earlier version simulated it."""
    with live_gateway(shop.app):
        shop.api.post(f"/v1/customers/{shop.customer}", {"source": "tok_past"})
        customer = shop.api.get(f"/v1/customers/{shop.customer}")
        sent = {**CHARGE, "customer": shop.customer}
        charges = [shop.api.post("/v1/charges", {**sent, "capture": taken}) for taken in ("true", "false")]
    with shop.app.db.transaction(shop.api.tenant) as tx:
        tx.run("update payment_methods set token = 'pm_card_visa'")
    return customer["default_source"], charges[0]["id"], charges[1]["id"]


def test_a_simulated_card_stays_unused_when_live_mode_gets_a_gateway(shop: Shop) -> None:
    method, _, _ = with_a_past(shop)
    asked: list[Any] = []
    real = type("Real", (), {"name": "real", "charge": lambda _, charge: asked.append(charge)})()
    with live_gateway(shop.app, real):
        reply = shop.api.post("/v1/charges", {**CHARGE, "customer": shop.customer, "source": method})
        invoice = shop.invoice(auto_advance="true")
        do_what_is_due(shop.app)
    assert reply["error"]["decline_code"] == "live_mode_test_card" and asked == []
    after = shop.api.get(f"/v1/invoices/{invoice['id']}")
    assert (after["status"], after["attempt_count"]) == ("open", 1)


# ------------------------------------------------------------------------------------- invoices


def test_an_automatic_invoice_stays_open_without_an_attempt_and_is_paid_out_of_band(
    shop: Shop, wall: Wall, caplog: pytest.LogCaptureFixture
) -> None:
    invoice = shop.invoice(auto_advance="true")
    with caplog.at_level(logging.WARNING):
        for _ in range(4):
            do_what_is_due(shop.app)
            wall.now += timedelta(days=15)
    assert [r.message for r in caplog.records if invoice["id"] in r.message] == [
        f"{shop.api.tenant} invoice {invoice['id']} stays open: live mode has no payment gateway"
    ]
    after = shop.api.get(f"/v1/invoices/{invoice['id']}")
    assert (after["status"], after["attempted"], after["attempt_count"]) == ("open", False, 0)
    assert after["next_payment_attempt"] is None and "invoice.payment_failed" not in shop.api.event_types()
    assert shop.api.get(f"/v1/customers/{shop.customer}")["delinquent"] is False
    paid = shop.api.post(f"/v1/invoices/{invoice['id']}/pay", {"paid_out_of_band": "true"})
    assert (paid["status"], paid["amount_paid"]) == ("paid", 1000)
    assert {name: sum for name, sum in shop.accounts().items() if name.startswith("clearing")} == {}
    assert shop.api.get("/v1/charges")["data"] == []


def test_a_sent_invoice_is_finalized_mailed_and_paid_out_of_band(shop: Shop) -> None:
    invoice = shop.invoice(collection_method="send_invoice", days_until_due="14")
    sent = shop.api.post(f"/v1/invoices/{invoice['id']}/send")
    do_what_is_due(shop.app)
    assert sent["status"] == "open" and "invoice.sent" in shop.api.event_types()
    assert refused(shop.api.post(f"/v1/invoices/{invoice['id']}/pay"))
    paid = shop.api.post(f"/v1/invoices/{invoice['id']}/pay", {"paid_out_of_band": "true"})
    assert paid["status"] == "paid"


def test_a_live_subscription_renews_with_open_invoices_and_stays_active(shop: Shop, wall: Wall) -> None:
    begun = shop.subscribe(payment_behavior="default_incomplete")
    assert begun["status"] == "incomplete"
    shop.api.post(f"/v1/invoices/{begun['latest_invoice']}/pay", {"paid_out_of_band": "true"})
    for _ in range(3):
        wall.now += timedelta(days=31)
        do_what_is_due(shop.app)
        wall.now += timedelta(hours=2)
        do_what_is_due(shop.app)
    after = shop.api.get(f"/v1/subscriptions/{begun['id']}")
    assert after["status"] == "active"
    invoices = shop.api.get("/v1/invoices", {"subscription": begun["id"]})["data"]
    assert [one["status"] for one in invoices] == ["open", "open", "open", "paid"]
    assert {one["attempt_count"] for one in invoices} == {0}
    assert shop.api.get("/v1/charges")["data"] == []


def test_check_says_that_live_mode_has_no_gateway(shop: Shop) -> None:
    shop.invoice()
    found = list(commands.check(shop.app.db, commands.Checked(shop.api.tenant)))
    said = [what for _, what in found if shop.api.tenant in what and "gateway" in what]
    assert said == [f"{shop.api.tenant} has no payment gateway: 1 open invoice waits to be paid out of band"]
    assert all(good for good, what in found if "gateway" in what)


def test_test_mode_has_the_simulated_gateway_and_live_mode_none(app: App, api: Api) -> None:
    assert {mode: gateway.name for mode, gateway in app.db.outside.gateways.items()} == {"test": "simulated"}
    assert api.get("/v1/account")["charges_enabled"] is True
