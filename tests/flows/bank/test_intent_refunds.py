"""Does the refund of an intent that was paid by bank transfer give the customer their cash back?"""

from typing import Any

import pytest

from billow.flows.bank import take_back
from tests.flows.bank.test_cash_applied import available, charged_invoice, fund, intent
from tests.flows.bank.test_cash_refunds import types
from tests.support.invariants import check_all
from tests.support.world import World


@pytest.fixture
def anna(bank: Any) -> str:
    return str(bank.customer())


def paid(world: World, customer: str, *funds: int) -> str:
    """An intent of 9.00 that was paid from transfers."""
    for amount in funds or (900,):
        fund(world, customer, amount)
    made = intent(world, customer)
    world.post(f"/v1/payment_intents/{made}/apply_customer_balance")
    return made


def test_a_part_and_the_rest_come_back_to_the_cash_balance(bank, world, anna):
    made = paid(world, anna, 600, 300)
    world.forget()
    part = world.post("/v1/refunds", payment_intent=made, amount=400, reason="requested_by_customer")
    assert (part["status"], part["amount"], part["payment_intent"], part["charge"]) == (
        "succeeded",
        400,
        made,
        None,
    )
    assert part["destination_details"] == {"customer_cash_balance": {}, "type": "customer_cash_balance"}
    assert world.emitted() == ["refund.created", "customer_cash_balance_transaction.created"]
    assert available(world, anna) == {"eur": 400}
    assert types(world, anna)[-1] == ("refunded_from_payment", 400, 400)
    [newest, *_] = world.get(f"/v1/customers/{anna}/cash_balance_transactions")["data"]
    assert newest["refunded_from_payment"] == {"refund": part["id"]}
    books = {"bank": 900, "revenue": -900, "revenue_adjustments": 400, "unapplied_cash": -400}
    assert bank.balances() == books
    check_all(bank.app.db, bank.tenant)
    error = world.refused("/v1/refunds", payment_intent=made, amount=501)
    assert error["param"] == "amount"
    assert world.post("/v1/refunds", payment_intent=made)["amount"] == 500
    assert world.refused("/v1/refunds", payment_intent=made)["code"] == "charge_already_refunded"
    assert available(world, anna) == {"eur": 900}
    assert len(world.get("/v1/refunds", payment_intent=made)["data"]) == 2
    check_all(bank.app.db, bank.tenant)


def test_what_came_back_pays_again_and_is_returned_to_the_bank(bank, world, anna):
    made = paid(world, anna)
    world.post("/v1/refunds", payment_intent=made)
    again = intent(world, anna, 500)
    world.post(f"/v1/payment_intents/{again}/apply_customer_balance")
    sent = {"amount": 400, "currency": "eur", "customer": anna, "origin": "customer_balance"}
    returned = world.post("/v1/refunds", **sent)
    world.work()
    assert world.get(f"/v1/refunds/{returned['id']}")["status"] == "succeeded"
    assert (available(world, anna), bank.balances()["bank"]) == (None, 500)
    check_all(bank.app.db, bank.tenant)


def test_a_transfer_that_the_bank_takes_back_leaves_neither_sale_nor_refund(bank, world, anna):
    made = paid(world, anna)
    given = world.post("/v1/refunds", payment_intent=made, amount=400)
    [entry] = [one for one in bank.entries() if one.amount == 900]
    with bank.app.db.transaction(bank.tenant) as tx:
        take_back.undo_applications(tx, entry)
    assert bank.balances() == {"bank": 900, "unapplied_cash": -900}
    done = world.get(f"/v1/refunds/{given['id']}")
    assert (done["status"], done["failure_reason"]) == ("failed", "insufficient_funds")
    check_all(bank.app.db, bank.tenant)
    assert "nothing to refund" in world.refused("/v1/refunds", payment_intent=made)["message"]


def test_an_invoice_is_given_back_by_a_credit_note(bank, world, anna):
    fund(world, anna, 900)
    _, wanted = charged_invoice(bank, world, anna, 900)
    world.post(f"/v1/payment_intents/{wanted}/apply_customer_balance")
    error = world.refused("/v1/refunds", payment_intent=wanted)
    assert "credit note" in error["message"] and error["param"] == "payment_intent"
