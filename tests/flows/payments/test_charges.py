"""Are payments without an invoice charged, held, captured and refunded, and posted to the books?"""

from collections.abc import Iterator
from datetime import timedelta
from types import ModuleType
from typing import Any

import pytest

from billow.core.payments import Declined, NeedsAction, Pending
from billow.ledger import balances
from tests.flows.conftest import run_later
from tests.support.world import World

USD = {"currency": "usd"}


@pytest.fixture
def ann(api: Any) -> str:
    return str(api.post("/v1/customers", {"source": "tok_visa"})["id"])


def charge(api: Any, amount: int = 5000, **more: str) -> Any:
    sent = more if {"source", "customer"} & more.keys() else {"source": "tok_visa", **more}
    return api.post("/v1/charges", {"amount": str(amount), **USD, **sent})


def refund(api: Any, id: str, **more: Any) -> Any:
    return api.post("/v1/refunds", {"charge": id, **more})


def books(api: Any) -> dict[str, int]:
    """The accounts that are not empty; debits and credits are equal."""
    with api.app.db.transaction(api.tenant) as tx:
        found = {row.account: row.balance for row in balances.trial_balance(tx) if row.balance}
    assert sum(found.values()) == 0
    return found


def run_jobs(api: Any, **later: float) -> None:
    run_later(api.app.db, timedelta(**later))


@pytest.fixture
def gateway(api: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """What the gateway says to a question, replaced: `gateway("refund", answer)`; silence is an exception."""
    real = api.app.db.outside.gateways["test"]

    def says(question: str, answer: Any) -> None:
        def asked(wish: Any) -> Any:
            if isinstance(answer, Exception):
                raise answer
            return answer

        monkeypatch.setattr(real, question, asked)

    yield says
    monkeypatch.undo()


# ------------------------------------------------------------------------------------- charges


def test_a_token_is_charged_as_the_contract_has_it(api: Any, contract: ModuleType) -> None:
    made = charge(api, description="Tea", **{"metadata[a]": "1"})
    assert (made.status, contract.problems(made), contract.absent(made)) == (200, [], ["refunds"])
    assert (made["status"], made["paid"], made["captured"], made["amount_captured"]) == (
        "succeeded",
        True,
        True,
        5000,
    )
    assert made["payment_intent"] is None and made["customer"] is None
    assert made["payment_method"].startswith("card_") and made["source"]["id"] == made["payment_method"]
    assert (made["source"]["brand"], made["source"]["last4"]) == ("Visa", "4242")
    assert made["payment_method_details"]["card"]["amount_authorized"] == 5000
    assert made["outcome"]["network_status"] == "approved_by_network"
    assert (made["description"], made["metadata"]) == ("Tea", {"a": "1"})
    assert api.get(f"/v1/charges/{made['id']}") == made == api.get("/v1/charges")["data"][0]
    assert api.event_types() == ["charge.succeeded"]


def test_a_charge_is_a_sale_in_the_books_less_the_fee(api: Any) -> None:
    made = charge(api)
    assert books(api) == {"clearing:simulated": 5000 - 175, "gateway_fees": 175, "revenue:none": -5000}
    moved = api.get(f"/v1/balance_transactions/{made['balance_transaction']}")
    assert (moved["amount"], moved["fee"], moved["net"], moved["type"]) == (5000, 175, 4825, "charge")
    assert (moved["source"], moved["status"]) == (made["id"], "pending")


def test_a_customer_pays_with_the_default_card_or_with_one_that_is_named(api: Any, ann: str) -> None:
    first = charge(api, customer=ann)
    assert first["customer"] == ann and first["source"]["customer"] == ann
    card = api.post("/v1/payment_methods/pm_card_mastercard/attach", {"customer": ann})["id"]
    assert charge(api, customer=ann, source=card)["payment_method"] == card
    refused = charge(api, customer=ann, source="tok_visa")
    assert (refused.status, refused["error"]["code"], refused["error"]["param"]) == (402, "missing", "source")
    bob = api.post("/v1/customers")["id"]
    assert charge(api, customer=bob)["error"]["code"] == "missing"
    assert charge(api, customer=bob, source=card)["error"]["code"] == "missing"
    listed = api.get("/v1/charges", {"customer": ann})["data"]
    assert len(listed) == 2 and books(api)["revenue:none"] == -10000


def test_a_charge_needs_somebody_who_pays(api: Any) -> None:
    assert api.post("/v1/charges", {"amount": "5000", **USD})["error"]["code"] == "parameter_missing"
    assert charge(api, customer="cus_none")["error"]["code"] == "resource_missing"
    assert api.post("/v1/charges", {"source": "tok_visa", **USD})["error"]["param"] == "amount"
    assert charge(api, 49)["error"]["code"] == "amount_too_small"
    assert charge(api, 100_000_000)["error"]["code"] == "amount_too_large"


def test_a_declined_charge_is_answered_with_402_and_kept(api: Any, contract: ModuleType) -> None:
    ann = api.post("/v1/customers", {"source": "tok_chargeCustomerFail"})["id"]
    refused = charge(api, customer=ann)
    error = refused["error"]
    assert (refused.status, error["type"], error["code"]) == (402, "card_error", "card_declined")
    assert error["decline_code"] == "generic_decline"
    kept = api.get(f"/v1/charges/{error['charge']}")
    assert (kept["status"], kept["paid"], kept["failure_code"]) == ("failed", False, "card_declined")
    assert kept["outcome"]["type"] == "issuer_declined" and contract.problems(kept) == []
    assert api.event_types()[-1] == "charge.failed" and books(api) == {}
    assert refund(api, kept["id"])["error"]["code"] == "charge_not_refundable"


def test_a_token_that_is_declined_leaves_a_failed_charge(api: Any) -> None:
    refused = charge(api, source="tok_chargeDeclined")
    assert (refused.status, refused["error"]["code"]) == (402, "card_declined")
    [kept] = api.get("/v1/charges")["data"]
    assert (kept["id"], kept["status"]) == (refused["error"]["charge"], "failed") and books(api) == {}
    assert api.event_types(type="charge.*") == ["charge.failed"]


def test_a_card_that_must_be_authenticated_is_declined_where_nobody_is_there(api: Any) -> None:
    error = charge(api, source="tok_authenticationRequired")["error"]
    assert error["code"] == "authentication_required"


@pytest.mark.parametrize("answer", [NeedsAction("x")])
def test_a_gateway_that_asks_for_action_is_told_that_nobody_is_there(
    api: Any, gateway: Any, answer: Any
) -> None:
    gateway("charge", answer)
    assert charge(api)["error"]["code"] == "authentication_required"


def test_what_is_said_with_a_charge_is_shown(api: Any, contract: ModuleType) -> None:
    said = {
        "receipt_email": "ann@x.ch",
        "statement_descriptor_suffix": "Tea 7",
        "transfer_group": "G1",
        "shipping[name]": "Ann",
        "shipping[address][line1]": "Street 1",
    }
    made = charge(api, **said)
    assert contract.problems(made) == [] and made["shipping"]["address"]["line1"] == "Street 1"
    assert (made["receipt_email"], made["transfer_group"]) == ("ann@x.ch", "G1")
    assert made["calculated_statement_descriptor"] == "NIMBUS LTD* TEA 7"
    assert charge(api)["calculated_statement_descriptor"] == "NIMBUS LTD"
    assert [row["id"] for row in api.get("/v1/charges", {"transfer_group": "G1"})["data"]] == [made["id"]]
    for name in ("statement_descriptor", "statement_descriptor_suffix"):
        assert charge(api, **{name: "<7>"})["error"]["param"] == name


def test_what_is_noted_on_a_charge_can_be_changed(api: Any, ann: str) -> None:
    path = f"/v1/charges/{charge(api)['id']}"
    sent = {"description": "D", "metadata[a]": "1", "receipt_email": "a@x.ch", "transfer_group": "G"}
    changed = api.post(path, {**sent, "fraud_details[user_report]": "safe", "customer": ann})
    assert (changed["description"], changed["metadata"], changed["customer"]) == ("D", {"a": "1"}, ann)
    assert (changed["receipt_email"], changed["transfer_group"]) == ("a@x.ch", "G")
    assert changed["fraud_details"] == {"user_report": "safe"} and api.event_types()[-1] == "charge.updated"
    bob = api.post("/v1/customers")["id"]
    assert api.post(path, {"customer": bob})["error"]["param"] == "customer"
    assert api.post(path, {"amount": "1"})["error"]["code"] == "parameter_unknown"


def test_the_same_key_charges_once(api: Any, ann: str) -> None:
    sent = {"amount": "5000", **USD, "customer": ann}
    one, two = (api.post("/v1/charges", sent, Idempotency_Key="k") for _ in range(2))
    assert one == two and len(api.get("/v1/charges")["data"]) == 1


def test_a_charge_whose_answer_was_lost_is_found_out_and_taken_once(app: Any, api: Any, ann: str) -> None:
    real = app.db.outside.gateways["test"]
    real._fault = lambda attempt: "drop_reply"
    assert charge(api, customer=ann).status == 500
    real._fault = None
    [pending] = api.get("/v1/charges")["data"]
    assert (pending["status"], pending["paid"]) == ("pending", False)
    run_jobs(api, minutes=2)
    [settled] = api.get("/v1/charges")["data"]
    assert (settled["id"], settled["status"]) == (pending["id"], "succeeded")
    run_jobs(api, minutes=5)
    assert books(api)["revenue:none"] == -5000


# ------------------------------------------------------------------------------------- captures


def test_a_charge_is_held_and_captured(api: Any, contract: ModuleType) -> None:
    held = charge(api, capture="false")
    assert (held["status"], held["captured"], held["paid"]) == ("succeeded", False, True)
    assert (held["amount_captured"], held["balance_transaction"]) == (0, None) and books(api) == {}
    path = f"/v1/charges/{held['id']}/capture"
    assert api.post(path, {"amount": "5001"})["error"]["code"] == "amount_too_large"
    taken = api.post(path, {"receipt_email": "a@x.ch", "statement_descriptor_suffix": "LATE"})
    assert (taken["captured"], taken["amount_captured"], taken["amount_refunded"]) == (True, 5000, 0)
    assert taken["receipt_email"] == "a@x.ch" and taken["statement_descriptor_suffix"] == "LATE"
    assert contract.problems(taken) == [] and books(api)["revenue:none"] == -5000
    assert api.event_types() == ["charge.succeeded", "charge.captured"]
    assert api.post(path)["error"]["code"] == "charge_already_captured"


def test_what_is_not_captured_is_let_go(api: Any) -> None:
    held = charge(api, capture="false")["id"]
    taken = api.post(f"/v1/charges/{held}/capture", {"amount": "2000"})
    assert (taken["amount_captured"], taken["amount_refunded"], taken["refunded"]) == (2000, 3000, False)
    assert books(api)["revenue:none"] == -2000
    assert refund(api, held, amount="2001").status == 400
    assert refund(api, held)["amount"] == 2000
    assert api.get(f"/v1/charges/{held}")["refunded"] is True
    assert books(api)["clearing:simulated"] == -88


def test_a_hold_is_refunded_whole_and_moves_no_money(api: Any) -> None:
    held = charge(api, capture="false")["id"]
    assert refund(api, held, amount="100")["error"]["param"] == "amount"
    assert refund(api, held)["balance_transaction"] is None
    assert books(api) == {} and api.get(f"/v1/charges/{held}")["refunded"] is True
    assert api.post(f"/v1/charges/{held}/capture")["error"]["code"] == "charge_expired_for_capture"


def test_a_hold_that_nobody_captures_is_let_go_after_seven_days(api: Any) -> None:
    clock = api.post("/v1/test_helpers/test_clocks", {"frozen_time": "1800000000"})["id"]
    ann = api.post("/v1/customers", {"source": "tok_visa", "test_clock": clock})["id"]
    held = charge(api, customer=ann, capture="false")["id"]
    advance(api, clock, 1800000000 + 6 * 86400)
    assert api.get(f"/v1/charges/{held}")["refunded"] is False
    advance(api, clock, 1800000000 + 8 * 86400)
    assert api.get(f"/v1/charges/{held}")["refunded"] is True
    assert api.event_types()[-4:-1] == ["refund.created", "charge.expired", "charge.refunded"]
    assert books(api) == {}


def advance(api: Any, clock: str, to: int) -> None:
    api.post(f"/v1/test_helpers/test_clocks/{clock}/advance", {"frozen_time": str(to)})
    run_jobs(api)
    assert api.get(f"/v1/test_helpers/test_clocks/{clock}")["status"] == "ready"


def test_a_capture_that_the_gateway_refuses_is_refused(api: Any, gateway: Any) -> None:
    held = charge(api, capture="false")["id"]
    gateway("capture", Declined("charge_expired_for_capture", None, "Too late.", retry=False))
    assert api.post(f"/v1/charges/{held}/capture")["error"]["code"] == "charge_expired_for_capture"
    assert api.get(f"/v1/charges/{held}")["captured"] is False and books(api) == {}


# ------------------------------------------------------------------------------------- refunds


def test_a_refund_is_as_the_contract_has_it(api: Any, ann: str, contract: ModuleType) -> None:
    paid = charge(api, customer=ann)
    made = refund(api, paid["id"], reason="duplicate", **{"metadata[a]": "1"})
    assert (made.status, contract.problems(made), contract.absent(made)) == (200, [], [])
    assert (made["amount"], made["status"], made["reason"]) == (5000, "succeeded", "duplicate")
    assert made["destination_details"]["type"] == "card" and made["metadata"] == {"a": "1"}
    after = api.get(f"/v1/charges/{paid['id']}", {"expand[]": "refunds"})
    assert (after["refunded"], after["amount_refunded"]) == (True, 5000)
    assert after["refunds"]["data"] == [made] and contract.problems(after) == []
    assert api.get(f"/v1/charges/{paid['id']}/refunds")["data"] == [made]
    assert (
        api.get(f"/v1/charges/{paid['id']}/refunds/{made['id']}")
        == made
        == api.get(f"/v1/refunds/{made['id']}")
    )
    assert api.event_types()[-2:] == ["refund.created", "charge.refunded"]
    moved = api.get(f"/v1/balance_transactions/{made['balance_transaction']}")
    assert (moved["amount"], moved["fee"], moved["net"], moved["type"]) == (-5000, 0, -5000, "refund")
    assert moved["source"] == made["id"] and contract.problems(moved) == []
    assert books(api) == {
        "clearing:simulated": -175,
        "gateway_fees": 175,
        "revenue_adjustments": 5000,
        "revenue:none": -5000,
    }


def test_a_charge_is_refunded_in_parts_and_never_beyond_the_rest(api: Any) -> None:
    id = charge(api)["id"]
    assert refund(api, id, amount="2000")["amount"] == 2000
    assert api.get(f"/v1/charges/{id}")["refunded"] is False
    beyond = refund(api, id, amount="3001")
    assert (beyond.status, beyond["error"]["param"]) == (400, "amount")
    assert "$30.01" in beyond["error"]["message"] and "$30.00" in beyond["error"]["message"]
    assert refund(api, id)["amount"] == 3000
    assert refund(api, id)["error"]["code"] == "charge_already_refunded"
    assert refund(api, id, amount="0").status == 400
    assert len(api.get("/v1/refunds", {"charge": id})["data"]) == 2


def test_a_payment_of_an_invoice_is_refunded_by_its_intent(api: Any) -> None:
    ann = api.post("/v1/customers", {"source": "tok_visa"})["id"]
    api.post("/v1/invoiceitems", {"customer": ann, "amount": "1000", **USD})
    draft = api.post("/v1/invoices", {"customer": ann, "pending_invoice_items_behavior": "include"})["id"]
    assert api.post(f"/v1/invoices/{draft}/pay")["status"] == "paid"
    [paid] = api.get("/v1/charges")["data"]
    made = api.post("/v1/refunds", {"payment_intent": paid["payment_intent"], "amount": "400"})
    assert (made["charge"], made["payment_intent"], made["amount"]) == (
        paid["id"],
        paid["payment_intent"],
        400,
    )
    assert (
        api.post("/v1/refunds", {"payment_intent": paid["payment_intent"], "charge": paid["id"]})["amount"]
        == 600
    )
    assert len(api.get("/v1/refunds", {"payment_intent": paid["payment_intent"]})["data"]) == 2
    assert api.get(f"/v1/invoices/{draft}")["status"] == "paid"
    found = books(api)
    assert found["revenue_adjustments"] == 1000 and f"receivable:{ann}" not in found


def test_an_intent_without_an_invoice_leaves_nothing_receivable(api: Any) -> None:
    ann = api.post("/v1/customers", {"source": "tok_visa"})["id"]
    sent = {"amount": "700", **USD, "customer": ann, "confirm": "true"}
    assert api.post("/v1/payment_intents", sent)["status"] == "succeeded"
    assert books(api)["revenue:none"] == -700 and f"receivable:{ann}" not in books(api)


def test_a_refund_must_say_of_what(api: Any) -> None:
    one, two = charge(api)["id"], charge(api)["id"]
    assert api.post("/v1/refunds")["error"]["code"] == "parameter_missing"
    assert refund(api, "ch_none")["error"]["code"] == "resource_missing"
    assert api.post("/v1/refunds", {"payment_intent": "pi_none"})["error"]["param"] == "payment_intent"
    assert refund(api, one, reason="mood")["error"]["param"] == "reason"
    made = refund(api, one)["id"]
    assert api.get(f"/v1/charges/{two}/refunds/{made}").status == 404


def test_only_the_metadata_of_a_refund_changes_and_it_is_not_canceled(api: Any) -> None:
    made = refund(api, charge(api)["id"])
    path = f"/v1/refunds/{made['id']}"
    assert api.post(path, {"metadata[a]": "1"})["metadata"] == {"a": "1"}
    assert api.event_types()[-1] == "refund.updated"
    assert api.post(path, {"amount": "1"})["error"]["code"] == "parameter_unknown"
    assert api.post(f"{path}/cancel").status == 400


def test_a_deleted_customer_gets_money_back(api: Any, ann: str) -> None:
    paid = charge(api, customer=ann)["id"]
    api.delete(f"/v1/customers/{ann}")
    assert refund(api, paid)["status"] == "succeeded"


def test_a_refund_whose_answer_was_lost_is_found_out_and_sent_once(app: Any, api: Any) -> None:
    id, real = charge(api)["id"], app.db.outside.gateways["test"]
    real._fault = lambda attempt: "drop_reply"
    assert refund(api, id).status == 500
    real._fault = None
    assert api.get("/v1/refunds")["data"][0]["status"] == "pending"
    assert refund(api, id)["error"]["code"] == "charge_already_refunded"
    run_jobs(api, minutes=2)
    assert api.get("/v1/refunds")["data"][0]["status"] == "succeeded"
    run_jobs(api, minutes=5)
    assert books(api)["revenue_adjustments"] == 5000
    assert api.event_types()[-2:] == ["refund.created", "charge.refunded"]


def test_a_refund_that_takes_days_is_pending_and_told_again(api: Any, gateway: Any, monkeypatch: Any) -> None:
    id = charge(api)["id"]
    gateway("refund", Pending("re_1"))
    made = refund(api, id)
    assert (made["status"], made["pending_reason"]) == ("pending", "processing")
    assert api.post(f"/v1/refunds/{made['id']}/cancel").status == 400
    assert api.get(f"/v1/charges/{id}")["amount_refunded"] == 0
    monkeypatch.undo()
    run_jobs(api, minutes=2)
    assert api.get(f"/v1/refunds/{made['id']}")["status"] == "succeeded"
    assert api.event_types()[-3:] == ["refund.created", "refund.updated", "charge.refunded"]


def test_a_refund_that_fails_can_be_tried_again(api: Any, gateway: Any, monkeypatch: Any) -> None:
    id = charge(api)["id"]
    gateway("refund", Declined("expired_or_canceled_card", None, "The card is gone.", retry=False))
    made = refund(api, id)
    assert (made["status"], made["failure_reason"]) == ("failed", "expired_or_canceled_card")
    assert api.event_types()[-2:] == ["refund.created", "refund.failed"]
    assert "revenue_adjustments" not in books(api)
    monkeypatch.undo()
    assert refund(api, id)["status"] == "succeeded"


def test_a_refund_that_waits_for_its_receiver_is_canceled(api: Any, gateway: Any, monkeypatch: Any) -> None:
    id = charge(api)["id"]
    gateway("refund", NeedsAction("re_1"))
    made = refund(api, id)
    assert made["status"] == "requires_action"
    assert refund(api, id)["error"]["code"] == "charge_already_refunded"
    assert api.post(f"/v1/refunds/{made['id']}/cancel")["status"] == "canceled"
    monkeypatch.undo()
    assert refund(api, id)["status"] == "succeeded"


# ------------------------------------------------------------------------------------- account and balance


def test_the_balance_is_the_sum_of_what_moved_it(api: Any, contract: ModuleType) -> None:
    empty = api.get("/v1/balance")
    assert contract.problems(empty) == [] and empty["available"][0]["amount"] == 0
    paid = charge(api)["id"]
    refund(api, paid, amount="1000")
    api.post("/v1/charges", {"amount": "900", "currency": "eur", "source": "tok_visa"})
    shown = api.get("/v1/balance")
    assert contract.problems(shown) == []
    assert {row["currency"]: row["amount"] for row in shown["pending"]} == {"eur": 844, "usd": 4825}
    assert {row["currency"]: row["amount"] for row in shown["available"]} == {"eur": 0, "usd": -1000}
    with api.app.db.transaction(api.tenant) as tx:
        tx.run("update balance_transactions set available_on = created")
    assert {row["currency"]: row["amount"] for row in api.get("/v1/balance")["available"]} == {
        "eur": 844,
        "usd": 3825,
    }
    assert {row["status"] for row in api.get("/v1/balance_transactions")["data"]} == {"available"}


def test_movements_are_found_by_what_caused_them(api: Any) -> None:
    paid = charge(api)["id"]
    back = refund(api, paid)["id"]
    path = "/v1/balance_transactions"
    assert [row["type"] for row in api.get(path)["data"]] == ["refund", "charge"]
    assert [row["source"] for row in api.get(path, {"type": "refund"})["data"]] == [back]
    assert [row["type"] for row in api.get(path, {"source": paid})["data"]] == ["charge"]
    assert [row["type"] for row in api.get(path, {"source": back})["data"]] == ["refund"]
    assert (
        api.get(path, {"currency": "eur"})["data"]
        == []
        == api.get(path, {"created[gt]": "4000000000"})["data"]
    )


def test_the_account_of_the_key_is_shown_and_no_other(api: Any, other: Any, contract: ModuleType) -> None:
    own = api.get("/v1/account")
    assert (contract.problems(own), contract.absent(own)) == ([], [])
    assert (own["id"], own["default_currency"]) == (api.account, "usd")
    assert api.get(f"/v1/accounts/{api.account}") == own
    refused = api.get(f"/v1/accounts/{other.account}")
    assert (refused.status, refused["error"]["code"]) == (403, "account_invalid")


def test_another_account_sees_none_of_it(api: Any, other: Any) -> None:
    paid = charge(api)["id"]
    back = refund(api, paid)["id"]
    assert other.get(f"/v1/refunds/{back}").status == 404 and other.get(f"/v1/charges/{paid}").status == 404
    assert refund(other, paid).status == 400 and other.get("/v1/balance")["pending"][0]["amount"] == 0


def test_the_official_client_charges_and_refunds(sdk: Any) -> None:
    customer = sdk.v1.customers.create(
        {"source": "tok_visa", "tax_id_data": [{"type": "zw_tin", "value": "1000"}]}
    )
    paid = sdk.v1.charges.create({"amount": 5000, "currency": "cad", "customer": customer.id})
    back = sdk.v1.refunds.create({"charge": paid.id})
    assert sdk.v1.charges.retrieve(paid.id, {"expand": ["refunds"]}).refunds.data[0].id == back.id
    assert sdk.v1.balance.retrieve().object == "balance"
    assert sdk.v1.accounts.retrieve_current().object == "account"
    assert (
        sdk.v1.customers.balance_transactions.create(customer.id, {"amount": -5, "currency": "usd"}).amount
        == -5
    )
    assert sdk.v1.customers.tax_ids.list(customer.id).data[0].value == "1000"


def test_the_charge_of_an_invoice_has_a_line_on_the_statement(world: World) -> None:
    anna = world.customer("anna")
    anna.owes(5000)
    invoice = anna.bills(statement_descriptor="Hosting").does("finalize")
    world.post(f"/v1/invoices/{invoice['id']}/pay")
    [made] = world.get("/v1/charges", customer=anna.id)["data"]
    assert made["calculated_statement_descriptor"] == "NIMBUS LTD* HOSTING"
