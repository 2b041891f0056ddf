"""Is cash that a customer has transferred returned once, to where it came from, and do the books say so?"""

from typing import Any

import pytest
import stripe

from billow.api import rows
from billow.core.errors import Refused
from billow.flows.bank import apply, cash_refunds, queue
from billow.reports.invariants import books
from billow.resources.customer import Customer
from tests.flows.bank.test_cash_applied import available, fund
from tests.flows.bank.test_import import IBAN
from tests.support.bank_statements import Booking
from tests.support.invariants import check_all
from tests.support.world import World

OTHER = "DE75512108001245126199"


@pytest.fixture
def anna(bank: Any) -> str:
    return str(bank.customer())


def refund(world: World, customer: str, amount: int = 500, **more: Any) -> Any:
    sent = {"amount": amount, "currency": "eur", "customer": customer, "origin": "customer_balance"}
    return world.post("/v1/refunds", **{**sent, **more})


def read(world: World, id: str) -> Any:
    return world.get(f"/v1/refunds/{id}")


def transferred(bank: Any, customer: str, *amounts: int, iban: str | None = IBAN) -> None:
    """What a customer has transferred in advance, of which the queue says whose it is."""
    count = len(bank.entries())
    for number, amount in enumerate(amounts, count):
        bank.statement(Booking(amount, f"IN{number}", text="in advance", iban=iban), id=f"I{number}")
    with bank.app.db.transaction(bank.tenant) as tx:
        for entry in bank.entries("queued"):
            if entry.customer is None:
                apply.hold(tx, entry, rows.find(tx, Customer, customer))


def types(world: World, customer: str) -> list[tuple[str, int, int]]:
    found = world.get(f"/v1/customers/{customer}/cash_balance_transactions")["data"]
    return [(one["type"], one["net_amount"], one["ending_balance"]) for one in reversed(found)]


def test_test_mode_sends_cash_back_by_itself(bank, world, anna):
    fund(world, anna, 600)
    fund(world, anna, 300)
    world.forget()
    made = refund(world, anna, 700, reason="requested_by_customer", metadata={"why": "moved"})
    assert (made["status"], made["amount"], made["charge"], made["payment_intent"]) == (
        "pending",
        700,
        None,
        None,
    )
    assert (made["customer"], made["balance_transaction"]) == (anna, None)
    assert made["destination_details"] == {
        "eu_bank_transfer": {"reference": None, "reference_status": "pending"},
        "type": "eu_bank_transfer",
    }
    assert available(world, anna) == {"eur": 200}
    assert bank.balances() == {"bank": 900, "unapplied_cash": -200, "refunds_payable": -700}
    check_all(bank.app.db, bank.tenant)
    world.work()
    done = read(world, made["id"])
    assert (done["status"], done["destination_details"]["eu_bank_transfer"]["reference_status"]) == (
        "succeeded",
        "available",
    )
    assert done["metadata"] == {"why": "moved"} and done["reason"] == "requested_by_customer"
    assert bank.balances() == {"bank": 200, "unapplied_cash": -200}
    assert types(world, anna)[2:] == [("return_initiated", -600, 300), ("return_initiated", -100, 200)]
    assert world.emitted() == [
        "customer_cash_balance_transaction.created",
        "customer_cash_balance_transaction.created",
        "refund.created",
        "refund.updated",
    ]
    check_all(bank.app.db, bank.tenant)


@pytest.mark.parametrize(
    ("more", "param", "code"),
    [
        ({"amount": 601}, "amount", "insufficient_funds"),
        ({"currency": "usd"}, "amount", "insufficient_funds"),
        ({"amount": None}, "amount", "parameter_missing"),
        ({"currency": None}, "currency", "parameter_missing"),
        ({"customer": None}, "customer", "parameter_missing"),
        ({"origin": None}, "origin", "parameter_missing"),
        ({"customer": "cus_none"}, "customer", "resource_missing"),
        ({"charge": "ch_1"}, "charge", None),
        ({"payment_intent": "pi_1"}, "payment_intent", None),
        ({"reverse_transfer": True}, "reverse_transfer", None),
        ({"origin": "card"}, "origin", None),
    ],
)
def test_what_cannot_be_returned_is_refused(bank, world, anna, more, param, code):
    fund(world, anna, 600)
    sent = {"amount": 500, "currency": "eur", "customer": anna, "origin": "customer_balance", **more}
    error = world.refused("/v1/refunds", **{name: value for name, value in sent.items() if value is not None})
    assert (error.get("param"), error.get("code")) == (param, code)
    assert available(world, anna) == {"eur": 600}


def test_the_official_client_returns_cash(sdk):
    anna = sdk.v1.customers.create({"name": "Anna"}).id
    sdk.v1.test_helpers.customers.fund_cash_balance(anna, {"amount": 600, "currency": "eur"})
    wanted = {"amount": 600, "currency": "eur", "customer": anna, "origin": "customer_balance"}
    made = sdk.v1.refunds.create({**wanted, "expand": ["customer"]})
    assert (made.status, made.customer.id) == ("pending", anna)
    assert made.destination_details.type == "eu_bank_transfer"
    with pytest.raises(stripe.InvalidRequestError, match="greater than the customer's cash balance"):
        sdk.v1.refunds.create(wanted)


def test_a_statement_settles_the_transfer_that_it_names(bank, world, anna):
    transferred(bank, anna, 800)
    made = refund(world, anna, 500)
    assert made["status"] == "pending" and made["next_action"] is None
    world.work()
    assert read(world, made["id"])["status"] == "pending", "only a statement knows of a real transfer"
    name = made["id"].replace("_", "-")
    bank.statement(Booking(-400, "OUT0", end_to_end=name, iban=IBAN), id="S2")
    assert read(world, made["id"])["status"] == "pending", "of another amount, it is another payment"
    bank.statement(Booking(-500, "OUT1", end_to_end=name, iban=IBAN), id="S3")
    done = read(world, made["id"])
    assert (done["status"], done["destination_details"]["eu_bank_transfer"]["reference"]) == (
        "succeeded",
        "OUT1",
    )
    assert bank.balances() == {"bank": 300, "unapplied_cash": -300}
    assert bank.entry("OUT1").state == "outgoing"
    check_all(bank.app.db, bank.tenant)


def test_a_transfer_that_was_marked_as_sent_is_booked_once(bank, world, anna):
    transferred(bank, anna, 500)
    made = refund(world, anna, 500)
    with bank.app.db.transaction(bank.tenant) as tx:
        assert [one.id for one in cash_refunds.unsent(tx)] == [made["id"]]
        cash_refunds.mark_sent(tx, made["id"])
    assert bank.balances() == {}
    bank.statement(Booking(-500, "OUT1", text=f"Refund {made['id'].replace('_', '-')}"), id="S2")
    assert bank.balances() == {} and read(world, made["id"])["status"] == "succeeded"
    with bank.app.db.transaction(bank.tenant) as tx, pytest.raises(Refused, match="is succeeded"):
        cash_refunds.mark_failed(tx, made["id"])
    check_all(bank.app.db, bank.tenant)


@pytest.mark.parametrize("reversed_", [True, False])
def test_a_transfer_that_comes_back_is_the_customers_cash_again(bank, world, anna, reversed_):
    transferred(bank, anna, 500)
    made = refund(world, anna, 500)
    name = made["id"].replace("_", "-")
    bank.statement(Booking(-500, "OUT1", end_to_end=name), id="S2")
    world.forget()
    again = Booking(
        500, "OUT1" if reversed_ else "B9", reversal=reversed_, end_to_end="" if reversed_ else name
    )
    bank.statement(again, id="S3")
    done = read(world, made["id"])
    assert (done["status"], done["failure_reason"]) == ("failed", "unknown")
    assert available(world, anna) == {"eur": 500}
    assert bank.balances() == {"bank": 500, "unapplied_cash": -500}
    assert types(world, anna)[-1] == ("return_canceled", 500, 500)
    assert world.emitted()[-2:] == ["refund.updated", "refund.failed"]
    check_all(bank.app.db, bank.tenant)


def test_a_customer_whose_account_is_not_known_is_asked_for_it(bank, world, anna):
    transferred(bank, anna, 500, iban=None)
    made = refund(world, anna, 500, instructions_email="ann@example.test")
    asked = made["next_action"]["display_details"]
    assert (made["status"], made["next_action"]["type"]) == ("requires_action", "display_details")
    assert asked["email_sent"] == {"email_sent_at": made["created"], "email_sent_to": "ann@example.test"}
    assert asked["expires_at"] == made["created"] + 45 * 86400
    with bank.app.db.transaction(bank.tenant) as tx:
        assert tx.tuples("select facts->>'to' from mails where about = %(id)s", id=made["id"]) == [
            ("ann@example.test",)
        ]
        named = cash_refunds.send_to(tx, made["id"], OTHER)
    assert (named.status, named.send_to, named.next_action) == ("pending", OTHER, None)
    with bank.app.db.transaction(bank.tenant) as tx:
        cash_refunds.mark_failed(tx, made["id"])
    assert (read(world, made["id"])["status"], available(world, anna)) == ("failed", {"eur": 500})
    check_all(bank.app.db, bank.tenant)


def test_a_transfer_that_was_made_before_the_customer_answered_settles_its_refund(bank, world, anna):
    transferred(bank, anna, 500, iban=None)
    made = refund(world, anna, 500, instructions_email="ann@example.test")
    assert made["status"] == "requires_action"
    bank.statement(Booking(-500, "OUT1", end_to_end=made["id"].replace("_", "-")), id="S2")
    done = read(world, made["id"])
    assert (done["status"], done["next_action"]) == ("succeeded", None)
    assert bank.balances() == {}
    check_all(bank.app.db, bank.tenant)


def test_cash_of_two_accounts_is_sent_to_neither_unasked(bank, world, anna):
    transferred(bank, anna, 300)
    transferred(bank, anna, 300, iban=OTHER)
    assert refund(world, anna, 300)["status"] == "pending"
    assert refund(world, anna, 200)["status"] == "pending"
    transferred(bank, anna, 300)
    assert refund(world, anna, 400)["status"] == "requires_action"


def test_without_any_address_nobody_can_be_asked(bank, world):
    nobody = world.post("/v1/customers", name="Nobody")["id"]
    transferred(bank, nobody, 500, iban=None)
    sent = {"amount": 500, "currency": "eur", "customer": nobody, "origin": "customer_balance"}
    assert world.refused("/v1/refunds", **sent)["param"] == "instructions_email"
    assert available(world, nobody) == {"eur": 500}


def test_a_refund_that_waits_can_be_canceled_and_ends_after_45_days(bank, world):
    world.at("2026-01-01")
    anna = bank.customer()
    transferred(bank, anna, 500, iban=None)
    first = refund(world, anna, 300)
    second = refund(world, anna, 200)
    world.post(f"/v1/refunds/{first['id']}/cancel")
    assert read(world, first["id"])["status"] == "canceled"
    assert available(world, anna) == {"eur": 300}
    assert "canceled" in world.refused(f"/v1/refunds/{first['id']}/cancel")["message"]
    world.at("2026-02-14")
    assert read(world, second["id"])["status"] == "requires_action"
    world.at("2026-02-16")
    ended = read(world, second["id"])
    assert (ended["status"], ended["next_action"], available(world, anna)) == ("canceled", None, {"eur": 500})
    assert bank.balances() == {"bank": 500, "unapplied_cash": -500}
    check_all(bank.app.db, bank.tenant)


def test_the_bank_takes_back_what_is_being_returned_or_was(bank, world, anna):
    transferred(bank, anna, 500, 400)
    waits = refund(world, anna, 700)
    bank.statement(Booking(-500, "IN0", reversal=True), id="R1")
    assert read(world, waits["id"])["status"] == "failed"
    assert available(world, anna) == {"eur": 400}
    assert bank.balances() == {"bank": 400, "unapplied_cash": -400}
    sent = refund(world, anna, 400)
    bank.statement(Booking(-400, "OUT1", end_to_end=sent["id"]), id="R2")
    [entry] = [one for one in bank.entries("applied") if one.bank_reference == "IN1"]
    with bank.app.db.transaction(bank.tenant) as tx, pytest.raises(Refused, match="sent back"):
        queue.undo(tx, entry.id)
    bank.statement(Booking(-400, "IN1", reversal=True), id="R3")
    assert bank.balances() == {"bank": -400, "bad_debt": 400}
    assert (read(world, sent["id"])["status"], available(world, anna)) == ("succeeded", None)
    check_all(bank.app.db, bank.tenant)


def test_a_refund_that_the_books_do_not_know_is_found(bank, world, anna):
    transferred(bank, anna, 500)
    made = refund(world, anna, 500)["id"]
    with bank.app.db.transaction(bank.tenant) as tx:
        assert list(books.returned_cash_is_booked(tx, [made])) == []
        tx.run("update refunds set status = 'succeeded' where id = %(id)s", id=made)
        [found] = books.returned_cash_is_booked(tx, [made])
        assert (found.expected, found.found) == ("0 owed, 500 sent", "{'owed': 500, 'sent': 0}")
        tx.run("update refunds set status = 'pending' where id = %(id)s", id=made)
