"""Do reversals, returns and people take payments back, and are the books right after each?"""

import pytest

from billow.core.errors import Refused
from billow.flows.bank import queue
from tests.flows.bank.test_import import IBAN
from tests.support.bank_statements import Booking


def by_hand(bank, verb, *given):
    with bank.app.db.transaction(bank.tenant) as tx:
        return verb(tx, *given)


@pytest.mark.parametrize(
    "reversal",
    [
        Booking(-12500, "B1", reversal=True),
        Booking(-12500, "B2", reversal=True, structured="RF"),
        Booking(-12500, "B2", end_to_end="E1", reversal=True),
        Booking(-12500, "B2", end_to_end="E1", reason="AC04"),
    ],
)
def test_a_reversal_opens_the_invoice_again(bank, world, reversal):
    anna = bank.customer()
    invoice = bank.invoice(anna)
    reference = bank.reference(invoice)
    bank.statement(Booking(13000 if not reversal else 12500, "B1", end_to_end="E1", structured=reference))
    assert bank.paid(invoice)[0] == "paid"
    world.forget()
    if reversal.structured:
        reversal = Booking(-12500, "B2", reversal=True, structured=reference)
    done = bank.statement(reversal)
    assert (done.applied, done.queued) == (1, 0)
    assert bank.paid(invoice) == ("open", 0, 12500)
    assert next(one for one in world.emitted() if "cash" not in one) == "invoice.updated"
    assert "bank" not in bank.balances() and "unapplied_cash" not in bank.balances()
    [payment] = world.get(f"/v1/invoices/{invoice}", expand=["payments"])["payments"]["data"]
    assert (payment["status"], payment["amount_paid"]) == ("canceled", None)
    bank.statement(Booking(12500, "B7", structured=reference))
    assert bank.paid(invoice) == ("paid", 12500, 0), "and it can be paid again"


def test_a_reversal_takes_an_overpayment_off_the_balance(bank, world):
    anna = bank.customer()
    invoice = bank.invoice(anna)
    bank.statement(Booking(13000, "B1", structured=bank.reference(invoice)))
    bank.statement(Booking(-13000, "B1", reversal=True))
    assert world.get(f"/v1/customers/{anna}")["balance"] == 0
    found = world.get(f"/v1/invoices/{invoice}")
    assert (found["amount_overpaid"], found["status"]) == (0, "open")


def test_a_reversal_of_nothing_known_waits_in_the_queue(bank):
    bank.statement(Booking(-100, "B1", reversal=True), Booking(-200, "B2", reason="AM04", end_to_end="x"))
    assert [one.unapplied for one in bank.entries("queued")] == [-100, -200]
    assert bank.balances() == {"bank": -300, "unapplied_cash": 300}


def test_a_reversed_payment_of_ours_is_none_of_our_books(bank):
    bank.statement(Booking(-700, "B1", text="rent", iban=IBAN))
    done = bank.statement(Booking(700, "B1", reversal=True, text="rent", iban=IBAN))
    assert (done.outgoing, bank.balances()) == (1, {})


def test_an_overdue_invoice_is_overdue_again_and_its_subscription_past_due(bank, world):
    world.at("2026-01-01")
    anna, price = bank.customer(), world.plan("Pro", eur=20)
    made = world.post(
        "/v1/subscriptions",
        customer=anna,
        items=[{"price": price}],
        collection_method="send_invoice",
        days_until_due=5,
    )
    world.at("2026-01-02")
    bank.statement(Booking(2000, "B1", structured=bank.reference(made["latest_invoice"])))
    world.at("2026-01-10")
    assert world.get(f"/v1/subscriptions/{made['id']}")["status"] == "active"
    bank.statement(Booking(-2000, "B1", reversal=True))
    world.at("2026-01-11")
    assert world.get(f"/v1/subscriptions/{made['id']}")["status"] == "past_due"
    assert world.get(f"/v1/customers/{anna}")["delinquent"] is True


def test_a_person_applies_an_entry_and_takes_it_back(bank, world):
    anna = bank.customer()
    invoice = bank.invoice(anna)
    bank.statement(Booking(12600, "B1", text="no reference", iban=IBAN))
    entry = bank.entry("B1")
    by_hand(bank, queue.apply_to_invoice, entry.id, invoice)
    assert bank.paid(invoice)[0] == "paid" and world.get(f"/v1/customers/{anna}")["balance"] == -100
    with pytest.raises(Refused, match="nothing to apply"):
        by_hand(bank, queue.apply_to_invoice, entry.id, invoice)
    by_hand(bank, queue.undo, entry.id)
    assert bank.paid(invoice) == ("open", 0, 12500) and world.get(f"/v1/customers/{anna}")["balance"] == 0
    by_hand(bank, queue.apply_to_customer, entry.id, anna)
    assert world.get(f"/v1/customers/{anna}")["balance"] == -12600
    by_hand(bank, queue.undo, entry.id)
    assert bank.balances()["unapplied_cash"] == -12600


def test_an_entry_is_ignored_and_restored_any_number_of_times(bank):
    bank.statement(Booking(100, "B1"))
    entry = bank.entry("B1").id
    for _ in range(2):
        by_hand(bank, queue.ignore, entry, "a transfer of our own")
        assert bank.balances() == {} and bank.entry("B1").reason == "a transfer of our own"
        by_hand(bank, queue.undo, entry)
        assert bank.balances() == {"bank": 100, "unapplied_cash": -100}
    with pytest.raises(Refused, match="Nothing of"):
        by_hand(bank, queue.undo, entry)


def test_open_invoices_of_the_amount_are_suggested(bank):
    invoice = bank.invoice(bank.customer())
    bank.statement(Booking(12500, "B1"))
    with bank.app.db.transaction(bank.tenant) as tx:
        [entry] = queue.waiting(tx)
        assert queue.suggestions(tx, entry) == [invoice]
