"""Does cash that a customer has transferred in advance pay what it is applied to, and only once?"""

from typing import Any

import pytest

from billow.flows.bank import queue
from tests.support.bank_statements import Booking
from tests.support.invariants import check_all
from tests.support.world import World


@pytest.fixture
def anna(bank: Any) -> str:
    return str(bank.customer())


def fund(world: World, customer: str, amount: int) -> None:
    world.post(f"/v1/test_helpers/customers/{customer}/fund_cash_balance", amount=amount, currency="eur")


def available(world: World, customer: str) -> Any:
    return world.get(f"/v1/customers/{customer}/cash_balance")["available"]


def intent(world: World, customer: str, amount: int = 900, **more: Any) -> str:
    made = world.post("/v1/payment_intents", customer=customer, amount=amount, currency="eur", **more)
    return str(made["id"])


def charged_invoice(bank: Any, world: World, customer: str, amount: int, **more: Any) -> tuple[str, str]:
    """An open invoice that is to be charged, and its intent."""
    by_itself = {"collection_method": "charge_automatically", "days_until_due": None, "auto_advance": False}
    invoice = bank.invoice(customer, amount, **by_itself, **more)
    found = world.get(f"/v1/invoices/{invoice}", expand=["payments"])
    return invoice, str(found["payments"]["data"][0]["payment"]["payment_intent"])


def test_an_intent_without_an_invoice_is_paid_whole(bank, world, anna):
    fund(world, anna, 600)
    fund(world, anna, 500)
    wanted = intent(world, anna)
    paid = world.post(f"/v1/payment_intents/{wanted}/apply_customer_balance")
    assert (paid["status"], paid["amount_received"]) == ("succeeded", 900)
    assert available(world, anna) == {"eur": 200}
    assert bank.balances() == {"bank": 1100, "revenue": -900, "unapplied_cash": -200}
    found = world.get(f"/v1/customers/{anna}/cash_balance_transactions")["data"]
    assert [(one["type"], one["net_amount"]) for one in found[:2]] == [
        ("applied_to_payment", -300),
        ("applied_to_payment", -600),
    ]
    assert found[0]["applied_to_payment"]["payment_intent"] == wanted
    error = world.refused(f"/v1/payment_intents/{wanted}/apply_customer_balance")
    assert error["code"] == "payment_intent_unexpected_state"
    check_all(bank.app.db, bank.tenant)


def test_more_than_there_is_is_refused(bank, world, anna):
    fund(world, anna, 600)
    path = f"/v1/payment_intents/{intent(world, anna)}/apply_customer_balance"
    for sent, code in (({}, "insufficient_funds"), ({"amount": 900}, "insufficient_funds")):
        assert world.refused(path, **sent)["code"] == code
    assert "greater than that of" in world.refused(path, amount=901)["message"]
    assert "paid whole" in world.refused(path, amount=500)["message"]
    assert available(world, anna) == {"eur": 600}


def test_an_invoice_is_paid_by_its_own_intent(bank, world, anna):
    fund(world, anna, 1000)
    invoice, wanted = charged_invoice(bank, world, anna, 700)
    world.forget()
    paid = world.post(f"/v1/payment_intents/{wanted}/apply_customer_balance")
    assert (paid["status"], paid["amount_received"], bank.paid(invoice)) == (
        "succeeded",
        700,
        ("paid", 700, 0),
    )
    events = world.emitted()
    assert events[:2] == ["payment_intent.succeeded", "invoice_payment.paid"]
    assert "invoice.paid" in events and available(world, anna) == {"eur": 300}
    check_all(bank.app.db, bank.tenant)


def test_an_invoice_takes_what_there_is_and_asks_for_the_rest(bank, world, anna):
    fund(world, anna, 300)
    invoice, wanted = charged_invoice(bank, world, anna, 700)
    rest = world.post(f"/v1/payment_intents/{wanted}/apply_customer_balance", amount=5)
    assert (rest["status"], rest["amount"]) == ("requires_payment_method", 400)
    assert bank.paid(invoice) == ("open", 300, 400) and available(world, anna) is None
    fund(world, anna, 250)
    fund(world, anna, 250)
    paid = world.post(f"/v1/payment_intents/{wanted}/apply_customer_balance")
    assert (paid["status"], bank.paid(invoice)[0], available(world, anna)) == (
        "succeeded",
        "paid",
        {"eur": 100},
    )
    check_all(bank.app.db, bank.tenant)


def test_what_was_applied_can_be_taken_back_and_asked_for_again(bank, world, anna):
    fund(world, anna, 900)
    invoice, wanted = charged_invoice(bank, world, anna, 900)
    world.post(f"/v1/payment_intents/{wanted}/apply_customer_balance")
    [entry] = bank.entries("applied")
    with bank.app.db.transaction(bank.tenant) as tx:
        queue.undo(tx, entry.id)
    assert bank.paid(invoice) == ("open", 0, 900)
    found = world.get(f"/v1/invoices/{invoice}", expand=["payments"])
    new = [one["payment"]["payment_intent"] for one in found["payments"]["data"] if one["status"] == "open"]
    assert len(new) == 1 and new[0] != wanted
    other = intent(world, anna)
    world.post(f"/v1/customers/{anna}/cash_balance", settings={"reconciliation_mode": "manual"})
    fund(world, anna, 900)
    world.post(f"/v1/payment_intents/{other}/apply_customer_balance")
    [used] = bank.entries("applied")
    with bank.app.db.transaction(bank.tenant) as tx:
        queue.undo(tx, used.id)
    assert bank.balances()["unapplied_cash"] == -1800 and "revenue" in bank.balances()
    check_all(bank.app.db, bank.tenant)


def test_transfers_of_a_customer_can_wait_until_they_are_applied_by_hand(bank, world, anna):
    path = f"/v1/customers/{anna}/cash_balance"
    assert world.get(path)["settings"] == {"reconciliation_mode": "automatic", "using_merchant_default": True}
    manual = {"reconciliation_mode": "manual", "using_merchant_default": False}
    changed = world.post(path, settings={"reconciliation_mode": "manual"})
    assert (changed["object"], changed["settings"], changed["available"]) == ("cash_balance", manual, None)
    invoice = bank.invoice(anna)
    done = bank.statement(Booking(12500, "B1", structured=bank.reference(invoice)))
    assert (done.queued, bank.paid(invoice)[0], available(world, anna)) == (1, "open", {"eur": 12500})
    shown = world.get(f"/v1/customers/{anna}", expand=["cash_balance"])["cash_balance"]
    assert shown == world.get(path)
    with bank.app.db.transaction(bank.tenant) as tx:
        queue.apply_to_invoice(tx, bank.entry("B1").id, invoice)
    assert bank.paid(invoice)[0] == "paid" and available(world, anna) is None
    assert world.get(f"/v1/customers/{anna}", expand=["cash_balance"])["cash_balance"] == world.get(path)
    back = world.post(path, settings={"reconciliation_mode": "merchant_default"})["settings"]
    assert back == {"reconciliation_mode": "automatic", "using_merchant_default": True}
    check_all(bank.app.db, bank.tenant)


def test_a_customer_is_created_and_updated_with_how_their_transfers_are_matched(bank, world):
    said = {"settings": {"reconciliation_mode": "manual"}}
    made = world.post("/v1/customers", name="Bert", cash_balance=said, expand=["cash_balance"])
    assert made["cash_balance"]["settings"]["reconciliation_mode"] == "manual"
    assert made["cash_balance"]["customer"] == made["id"]
    said = {"settings": {"reconciliation_mode": "automatic"}}
    changed = world.post(f"/v1/customers/{made['id']}", cash_balance=said, expand=["cash_balance"])
    settings = changed["cash_balance"]["settings"]
    assert settings == {"reconciliation_mode": "automatic", "using_merchant_default": False}


def test_the_account_to_transfer_to_is_named(bank, world, anna):
    path = f"/v1/customers/{anna}/funding_instructions"
    wanted = {
        "currency": "eur",
        "funding_type": "bank_transfer",
        "bank_transfer": {"type": "eu_bank_transfer", "eu_bank_transfer": {"country": "DE"}},
    }
    found = world.post(path, **wanted)
    account = bank.app.db.outside.account
    assert (found["object"], found["currency"]) == ("funding_instructions", "eur")
    assert found["bank_transfer"]["country"] == account.iban[:2]
    assert found["bank_transfer"]["financial_addresses"][0]["iban"]["iban"] == account.iban
    wanted["bank_transfer"] = {"type": "us_bank_transfer"}
    assert world.refused(path, **wanted)["param"] == "bank_transfer[type]"


def test_new_funds_that_pay_nothing_yet_are_told_once(bank, world, anna):
    fund(world, anna, 600)
    told = world.get("/v1/events", type="cash_balance.funds_available")["data"]
    assert [one["data"]["object"]["available"] for one in told] == [{"eur": 600}]
    assert told[0]["data"]["object"]["customer"] == anna
    invoice, wanted = charged_invoice(bank, world, anna, 600)
    world.post(f"/v1/payment_intents/{wanted}/apply_customer_balance")
    assert len(world.get("/v1/events", type="cash_balance.funds_available")["data"]) == 1
    assert bank.paid(invoice)[0] == "paid"


@pytest.mark.parametrize(("types", "told"), [(["card"], []), (["customer_balance"], [400])])
def test_an_intent_that_waits_for_transfers_says_when_a_part_has_come(bank, world, anna, types, told):
    settings = {"payment_method_types": types}
    invoice, wanted = charged_invoice(bank, world, anna, 700, payment_settings=settings)
    fund(world, anna, 300)
    world.post(f"/v1/payment_intents/{wanted}/apply_customer_balance")
    assert bank.paid(invoice) == ("open", 300, 400)
    found = world.get("/v1/events", type="payment_intent.partially_funded")["data"]
    assert [one["data"]["object"]["amount"] for one in found] == told
