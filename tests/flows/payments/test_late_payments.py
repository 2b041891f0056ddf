"""Is money in the books and returned, where a gateway says "succeeded" of what was declined or canceled?"""

from typing import Any

import pytest

from billow.api import rows
from billow.core.notices import AttemptChanged
from billow.core.payments import Succeeded
from billow.flows.payments import late_payments, notices, settle
from billow.flows.platform import missing_timers
from billow.providers.gateways.by_hand import REFUND
from billow.providers.gateways.simulated_answers import fee
from billow.providers.gateways.simulated_memory import keep
from billow.resources.attempt import Attempt
from billow.store import jobs
from tests.conftest import Api
from tests.support.invariants import check_all

FAILS = "pm_card_chargeCustomerFail"
ASKS = "pm_card_authenticationRequired"


@pytest.fixture
def gateway(app: Any) -> Any:
    return app.db.outside.gateways["test"]


def pays(api: Api, method: str, **more: Any) -> str:
    """An intent that is confirmed with a method."""
    sent = {"amount": 900, "currency": "usd", "payment_method": method, "confirm": "true", **more}
    made = api.post("/v1/payment_intents", sent)
    return str(made["error"]["payment_intent"]["id"] if "error" in made else made["id"])


def attempt_of(api: Api, intent: str, state: str = "failed") -> str:
    with api.app.db.transaction(api.tenant, reads=True) as tx:
        sql = "select id from attempts where payment_intent = %(id)s and state = %(state)s"
        [[found]] = tx.tuples(sql, id=intent, state=state)
    return str(found)


def succeeds_after_all(api: Api, gateway: Any, attempt: str) -> None:
    """The gateway says of an attempt that it has succeeded, tells us twice, and all that is due is done."""
    with gateway._transaction() as memory:
        [amount, reference] = memory.execute(
            "select amount, reference from attempts where attempt = ?", (attempt,)
        ).fetchone()
        keep(memory, attempt, Succeeded(reference, fee(amount)))
    for _ in range(2):
        with api.app.db.transaction(api.tenant) as tx:
            notices.receive(tx, "simulated", [AttemptChanged(attempt)])
        work(api)


def work(api: Api) -> None:
    for _ in range(3):
        jobs.run_due(api.app.db, clock="wall", until=api.app.db.wall(), lane="outside")


def late(api: Api) -> list[dict[str, Any]]:
    with api.app.db.transaction(api.tenant, reads=True) as tx:
        return late_payments.listed(tx, 10)


def in_the_books(api: Api) -> int:
    """What the gateway owes us, by the ledger."""
    with api.app.db.transaction(api.tenant, reads=True) as tx:
        [[total]] = tx.tuples(
            "select coalesce(sum(case when debit = 'clearing:simulated' then amount else -amount end), 0)"
            " from ledger_transfers where 'clearing:simulated' in (debit, credit)"
        )
    return int(total)


def test_a_payment_that_was_declined_and_succeeds_after_all_pays_its_intent(api: Api, gateway: Any) -> None:
    intent = pays(api, FAILS)
    succeeds_after_all(api, gateway, attempt_of(api, intent))
    paid = api.get(f"/v1/payment_intents/{intent}")
    assert (paid["status"], paid["amount_received"], paid["last_payment_error"]) == ("succeeded", 900, None)
    assert late(api) == [] and in_the_books(api) == 900 - fee(900)
    check_all(api.app.db, api.tenant)


def test_it_pays_the_invoice_that_is_still_open(api: Api, gateway: Any) -> None:
    customer = api.post("/v1/customers")["id"]
    bad = api.post(f"/v1/payment_methods/{FAILS}/attach", {"customer": customer})["id"]
    api.post("/v1/invoiceitems", {"customer": customer, "amount": 700, "currency": "usd"})
    said = {"customer": customer, "auto_advance": "false", "pending_invoice_items_behavior": "include"}
    invoice = api.post("/v1/invoices", said)["id"]
    refused = api.post(f"/v1/invoices/{invoice}/pay", {"payment_method": bad})
    intent = refused["error"]["payment_intent"]["id"]
    succeeds_after_all(api, gateway, attempt_of(api, intent))
    assert api.get(f"/v1/invoices/{invoice}")["status"] == "paid"
    check_all(api.app.db, api.tenant)


def test_it_is_refunded_where_another_card_has_paid_meanwhile(api: Api, gateway: Any) -> None:
    intent = pays(api, FAILS)
    first = attempt_of(api, intent)
    api.post(f"/v1/payment_intents/{intent}/confirm", {"payment_method": "pm_card_visa"})
    succeeds_after_all(api, gateway, first)
    assert api.get(f"/v1/payment_intents/{intent}")["amount_received"] == 900
    [found] = late(api)
    assert (found["late_for"], found["state"], found["amount"]) == (intent, "refunded", 900)
    charge = api.get(f"/v1/charges/{found['id']}")
    assert (charge["status"], charge["amount_refunded"], charge["payment_intent"]) == ("succeeded", 900, None)
    assert charge["description"] == f"Late payment for {intent}"
    assert in_the_books(api) == 900 - 2 * fee(900)
    check_all(api.app.db, api.tenant)


def test_the_rest_is_returned_of_one_that_was_refunded_in_part_by_hand(
    api: Api, gateway: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    intent = pays(api, ASKS)
    first = attempt_of(api, intent, "requires_action")
    api.post(f"/v1/payment_intents/{intent}/cancel")
    with monkeypatch.context() as away:
        away.setattr(type(gateway), "refund", lambda self, refund: REFUND)
        succeeds_after_all(api, gateway, first)
    [found] = late(api)
    assert found["state"] == "not refunded: refund_by_transfer"
    api.post("/v1/refunds", {"charge": found["id"], "amount": 300})
    work(api)
    assert api.get(f"/v1/charges/{found['id']}")["amount_refunded"] == 900
    given = [one["amount"] for one in api.get("/v1/refunds", {"charge": found["id"]})["data"]]
    assert given == [600, 300, 900] and late(api)[0]["state"] == "refunded"
    assert in_the_books(api) == -fee(900)
    check_all(api.app.db, api.tenant)


def test_it_is_refunded_while_the_customer_is_asked_for_another_card(api: Api, gateway: Any) -> None:
    intent = pays(api, FAILS)
    first = attempt_of(api, intent)
    again = api.post(f"/v1/payment_intents/{intent}/confirm", {"payment_method": ASKS})
    assert again["status"] == "requires_action"
    succeeds_after_all(api, gateway, first)
    assert api.get(f"/v1/payment_intents/{intent}")["status"] == "requires_action"
    assert [one["state"] for one in late(api)] == ["refunded"]
    gateway.authenticate(attempt_of(api, intent, "requires_action"))


def test_it_is_refunded_where_its_intent_was_canceled(api: Api, gateway: Any) -> None:
    intent = pays(api, ASKS)
    first = attempt_of(api, intent, "requires_action")
    api.post(f"/v1/payment_intents/{intent}/cancel")
    succeeds_after_all(api, gateway, first)
    assert api.get(f"/v1/payment_intents/{intent}")["status"] == "canceled"
    assert [(one["late_for"], one["state"]) for one in late(api)] == [(intent, "refunded")]
    check_all(api.app.db, api.tenant)


def test_what_a_customer_completed_before_the_invoice_was_voided_is_refunded(api: Api, gateway: Any) -> None:
    customer = api.post("/v1/customers")["id"]
    asked = api.post(f"/v1/payment_methods/{ASKS}/attach", {"customer": customer})["id"]
    api.post("/v1/invoiceitems", {"customer": customer, "amount": 700, "currency": "usd"})
    said = {"customer": customer, "auto_advance": "false", "pending_invoice_items_behavior": "include"}
    invoice = api.post("/v1/invoices", said)["id"]
    answer = api.post(f"/v1/invoices/{invoice}/pay", {"payment_method": asked, "off_session": "false"})
    intent = answer["error"]["payment_intent"]["id"]
    gateway.authenticate(attempt_of(api, intent, "requires_action"))
    api.post(f"/v1/invoices/{invoice}/void")
    work(api)
    assert api.get(f"/v1/invoices/{invoice}")["status"] == "void"
    assert [(one["late_for"], one["state"]) for one in late(api)] == [(intent, "refunded")]
    check_all(api.app.db, api.tenant)


def test_a_charge_that_had_failed_stays_so_and_its_money_is_returned(api: Api, gateway: Any) -> None:
    customer = api.post("/v1/customers")["id"]
    bad = api.post(f"/v1/payment_methods/{FAILS}/attach", {"customer": customer})["id"]
    sent = {"amount": 500, "currency": "usd", "customer": customer, "source": bad}
    failed = api.post("/v1/charges", sent)["error"]["charge"]
    with api.app.db.transaction(api.tenant, reads=True) as tx:
        [[attempt]] = tx.tuples("select id from attempts where charge = %(id)s", id=failed)
    succeeds_after_all(api, gateway, attempt)
    assert api.get(f"/v1/charges/{failed}")["status"] == "failed"
    assert [(one["late_for"], one["state"]) for one in late(api)] == [(failed, "refunded")]
    check_all(api.app.db, api.tenant)


def test_a_refund_that_the_gateway_refuses_is_seen_by_an_operator(
    api: Api, gateway: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    intent = pays(api, ASKS)
    first = attempt_of(api, intent, "requires_action")
    api.post(f"/v1/payment_intents/{intent}/cancel")
    monkeypatch.setattr(type(gateway), "refund", lambda self, refund: REFUND)
    succeeds_after_all(api, gateway, first)
    assert [one["state"] for one in late(api)] == ["not refunded: refund_by_transfer"]
    assert in_the_books(api) == 900 - fee(900)
    check_all(api.app.db, api.tenant)


def test_the_timer_of_a_late_payment_is_set_again_where_it_is_lost(api: Api, gateway: Any) -> None:
    intent = pays(api, ASKS)
    first = attempt_of(api, intent, "requires_action")
    api.post(f"/v1/payment_intents/{intent}/cancel")
    with api.app.db.transaction(api.tenant) as tx:
        settle.settle(tx, rows.lock(tx, Attempt, first), Succeeded(f"ch_sim_{first}", 0))
    with api.app.db.transaction(api.tenant) as tx:
        tx.run("delete from jobs where tenant = %(t)s and kind = 'charge.return'", t=tx.tenant)
        assert [one.kind for one in missing_timers.wrong_timers(tx)] == ["charge.return"]
        assert missing_timers.repair(tx) == 1
