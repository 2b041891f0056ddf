"""Are bank statements imported once and whole, and do their payments pay the right invoices?"""

import json

import pytest

from billow.api import rows
from billow.flows.bank import process
from billow.resources.bank_statement import BankStatement
from tests.conftest import shared
from tests.support.bank_statements import Booking, statement

IBAN = "DE89370400440532013000"
FUNDED = "customer_cash_balance_transaction.created"
PAID = [
    FUNDED,
    "payment_intent.created",
    "payment_intent.succeeded",
    "invoice_payment.paid",
    FUNDED,
    "invoice.updated",
    "invoice.paid",
    "invoice.payment_succeeded",
]


def test_a_transfer_with_the_reference_pays_the_invoice(bank, world):
    anna = bank.customer()
    invoice = bank.invoice(anna)
    world.forget()
    done = bank.statement(Booking(12500, "B1", structured=bank.reference(invoice)))
    assert (done.entries, done.applied, done.queued) == (1, 1, 0)
    assert bank.paid(invoice) == ("paid", 12500, 0)
    world.check_events(PAID)
    found = world.get(f"/v1/invoices/{invoice}", expand=["payments.data.payment.payment_intent"])
    [payment] = found["payments"]["data"]
    assert (payment["status"], payment["amount_paid"], payment["is_default"]) == ("paid", 12500, False)
    intent = payment["payment"]["payment_intent"]
    assert (intent["status"], intent["amount_received"]) == ("succeeded", 12500)
    assert bank.balances() == {"bank": 12500, "revenue": -12500}


def test_the_sample_is_booked_as_unapplied_cash(bank):
    done = bank.file(shared("standards", "payments", "camt.053.001.08.xml").read_bytes())
    assert (done.statements, done.entries, done.queued, done.set_aside) == (1, 1, 1, None)
    [entry] = bank.entries("queued")
    expected = json.loads(shared("standards", "payments", "camt.053.expected.json").read_text())[0]
    assert (entry.account, entry.structured, entry.name) == (
        expected["account"],
        expected["rf"],
        expected["debtor"],
    )
    assert entry.unapplied == 12500 and "not known" in (entry.reason or "")
    assert bank.balances() == {"bank": 12500, "unapplied_cash": -12500}


def test_the_same_file_twice_changes_nothing(bank, app):
    invoice = bank.invoice(bank.customer())
    data = statement([Booking(12500, "B1", structured=bank.reference(invoice)), Booking(5), Booking(5)])
    first = bank.file(data)
    before = bank.entries(), bank.balances()
    again = bank.file(data)
    assert (first.entries, first.repeated) == (3, 0) and (again.entries, again.repeated) == (0, 3)
    assert (again.applied, again.queued, again.outgoing) == (0, 0, 0)
    assert (bank.entries(), bank.balances()) == before
    with app.db.transaction(bank.tenant) as tx:
        assert len(rows.select(tx, BankStatement, "true")) == 1


def test_an_overlapping_statement_brings_in_only_what_is_new(bank):
    one, two = Booking(100, "B1"), Booking(200, "B2")
    bank.statement(one, id="S1")
    done = bank.statement(one, two, id="S2")
    assert (done.entries, done.repeated, done.queued) == (1, 1, 1)
    assert bank.balances()["bank"] == 300


@pytest.mark.parametrize(
    ("second", "reason"),
    [
        ({"closing": "1"}, "does not add up"),
        ({"bookings": [Booking(999, "B1")]}, "was that of another payment"),
    ],
)
def test_a_file_that_cannot_be_booked_is_set_aside_whole(bank, app, second, reason):
    bank.statement(Booking(100, "B1"))
    bookings = second.pop("bookings", [Booking(5, "B2")])
    for _ in range(2):
        done = bank.file(statement([*bookings, Booking(7, "B9")], **second))
        assert done.set_aside and reason in done.set_aside
    assert [one.bank_reference for one in bank.entries()] == ["B1"]
    with app.db.transaction(bank.tenant) as tx:
        aside = rows.select(tx, BankStatement, "state = 'set_aside'")
    assert [one.reason for one in aside] == [done.set_aside], "once, with the reason"


def test_entries_that_are_not_booked_yet_wait_for_the_next_statement(bank):
    assert bank.statement(Booking(100, "B1", status="PDNG")).entries == 0
    assert bank.statement(Booking(100, "B1")).entries == 1


def test_money_that_leaves_is_none_of_our_books(bank):
    done = bank.statement(Booking(-700, "B1", text="Account fee"))
    assert (done.outgoing, bank.balances()) == (1, {})


def test_a_partial_payment_leaves_the_invoice_open(bank, world):
    invoice = bank.invoice(bank.customer())
    reference = bank.reference(invoice)
    world.forget()
    bank.statement(Booking(5000, "B1", structured=reference))
    assert bank.paid(invoice) == ("open", 5000, 7500)
    world.check_events(PAID[:6])
    bank.statement(Booking(7500, "B2", text=f"rest of {reference}"))
    assert bank.paid(invoice) == ("paid", 12500, 0)
    found = world.get(f"/v1/invoices/{invoice}", expand=["payments"])["payments"]["data"]
    assert sorted(one["amount_paid"] for one in found) == [5000, 7500]


def test_what_is_paid_too_much_becomes_the_customers_balance(bank, world):
    anna = bank.customer()
    invoice = bank.invoice(anna)
    world.forget()
    bank.statement(Booking(13000, "B1", structured=bank.reference(invoice)))
    world.check_events([*PAID, "customer.updated", "invoice.updated", "invoice.overpaid"])
    assert world.get(f"/v1/customers/{anna}")["balance"] == -500
    [movement] = world.get(f"/v1/customers/{anna}/balance_transactions")["data"]
    assert (movement["type"], movement["amount"], movement["invoice"]) == ("invoice_overpaid", -500, invoice)
    assert world.get(f"/v1/invoices/{invoice}")["amount_overpaid"] == 500
    following = bank.invoice(anna, 2000)
    assert world.get(f"/v1/invoices/{following}")["amount_due"] == 1500


def test_paying_twice_becomes_the_customers_balance_too(bank, world):
    anna = bank.customer()
    invoice = bank.invoice(anna)
    reference = bank.reference(invoice)
    bank.statement(Booking(12500, "B1", structured=reference), Booking(12500, "B2", structured=reference))
    assert world.get(f"/v1/customers/{anna}")["balance"] == -12500


def test_what_is_paid_too_much_can_wait_in_the_queue(bank, world):
    bank.rules(overpayment="unapplied")
    anna = bank.customer()
    invoice = bank.invoice(anna)
    bank.statement(Booking(13000, "B1", structured=bank.reference(invoice)))
    [entry] = bank.entries("queued")
    assert (entry.unapplied, entry.customer, bank.paid(invoice)[0]) == (500, anna, "paid")
    assert bank.balances()["unapplied_cash"] == -500
    assert world.get(f"/v1/customers/{anna}")["balance"] == 0


@pytest.mark.parametrize(("amount", "rounding"), [(12401, -99), (12599, 99)])
def test_a_small_difference_is_posted_as_rounding(bank, world, amount, rounding):
    bank.rules(tolerance=100)
    anna = bank.customer()
    invoice = bank.invoice(anna)
    bank.statement(Booking(amount, "B1", structured=bank.reference(invoice)))
    assert bank.paid(invoice) == ("paid", 12500, 0)
    assert bank.balances()["rounding"] == -rounding and "unapplied_cash" not in bank.balances()
    assert world.get(f"/v1/customers/{anna}")["balance"] == 0


def test_an_exact_amount_from_a_known_account_is_matched_and_never_an_amount_alone(bank):
    anna, bert = bank.customer("Anna"), bank.customer("Bert")
    first = bank.invoice(anna)
    bank.statement(Booking(12500, "B1", structured=bank.reference(first), iban=IBAN))
    second, of_bert = bank.invoice(anna, 9900), bank.invoice(bert, 9900)
    bank.statement(Booking(9900, "B2", text="thanks"))
    assert bank.paid(second)[0] == bank.paid(of_bert)[0] == "open"
    bank.statement(Booking(9900, "B3", text="thanks", iban=IBAN))
    assert bank.paid(second)[0] == "paid" and bank.paid(of_bert)[0] == "open"
    assert bank.entry("B3").rule == "amount_and_account"


def test_a_batch_is_applied_payment_by_payment(bank):
    anna = bank.customer()
    one, two = bank.invoice(anna, 1000), bank.invoice(anna, 2500)
    parts = (Booking(1000, structured=bank.reference(one)), Booking(2500, text=bank.reference(two)))
    done = bank.statement(Booking(3500, "B1", parts=parts), version="02")
    assert (done.entries, done.applied) == (2, 2)
    assert bank.paid(one)[0] == bank.paid(two)[0] == "paid"


def test_a_charged_invoice_that_is_paid_by_transfer_is_not_charged_too(bank, world):
    world.at("2026-02-01")
    customer = bank.customer()
    draft = world.post("/v1/invoices", customer=customer, currency="eur", auto_advance=False)
    world.post("/v1/invoiceitems", customer=customer, amount=900, currency="eur", invoice=draft["id"])
    opened = world.post(f"/v1/invoices/{draft['id']}/finalize", expand=["payments"])
    [default] = opened["payments"]["data"]
    bank.statement(Booking(400, "B1", end_to_end=default["payment"]["payment_intent"]))
    assert bank.paid(draft["id"]) == ("open", 400, 500)
    bank.statement(Booking(500, "B2", end_to_end=draft["id"]))
    assert bank.paid(draft["id"]) == ("paid", 900, 0)
    intent = world.get(f"/v1/payment_intents/{default['payment']['payment_intent']}")
    assert intent["status"] == "canceled"


def test_an_uncollectible_invoice_recovers_its_loss(bank, world):
    invoice = bank.invoice(bank.customer())
    reference = bank.reference(invoice)
    world.post(f"/v1/invoices/{invoice}/mark_uncollectible")
    bank.statement(Booking(2500, "B1", structured=reference))
    assert bank.balances()["bad_debt"] == 10000
    bank.statement(Booking(10000, "B2", structured=reference))
    assert bank.paid(invoice)[0] == "paid" and "bad_debt" not in bank.balances()


def test_a_transfer_in_another_currency_waits_for_a_person(bank):
    invoice = bank.invoice(bank.customer(), 900, "usd")
    bank.statement(Booking(900, "B1", structured=bank.reference(invoice)))
    assert "in usd" in (bank.entry("B1").reason or "") and bank.paid(invoice)[0] == "open"


def test_a_subscription_is_active_again_when_its_overdue_invoice_is_paid(bank, world):
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
    invoice = made["latest_invoice"]
    world.at("2026-01-10")
    assert world.get(f"/v1/subscriptions/{made['id']}")["status"] == "past_due"
    bank.statement(Booking(2000, "B1", structured=bank.reference(invoice)))
    assert world.get(f"/v1/subscriptions/{made['id']}")["status"] == "active"
    assert world.get(f"/v1/customers/{anna}")["delinquent"] is False


def test_a_customers_cash_balance_shows_what_was_transferred_and_what_it_paid(bank, world):
    bank.rules(overpayment="unapplied")
    anna = bank.customer()
    invoice = bank.invoice(anna)
    bank.statement(Booking(13000, "B1", structured=bank.reference(invoice), iban=IBAN, name="Anna"))
    balance = world.get(f"/v1/customers/{anna}/cash_balance")
    assert (balance["object"], balance["available"]) == ("cash_balance", {"eur": 500})
    found = world.get(f"/v1/customers/{anna}/cash_balance_transactions")["data"]
    assert [(one["type"], one["net_amount"], one["ending_balance"]) for one in found] == [
        ("applied_to_payment", -12500, 500),
        ("funded", 13000, 13000),
    ]
    sender = found[1]["funded"]["bank_transfer"]["eu_bank_transfer"]
    assert (sender["iban_last4"], sender["sender_name"]) == (IBAN[-4:], "Anna") and "funded" not in found[0]
    intent = world.get(f"/v1/payment_intents/{found[0]['applied_to_payment']['payment_intent']}")
    assert intent["amount_received"] == 12500
    one = world.get(f"/v1/customers/{anna}/cash_balance_transactions/{found[0]['id']}")
    assert one["id"] == found[0]["id"]
    bank.statement(Booking(-13000, "B1", reversal=True))
    assert world.get(f"/v1/customers/{anna}/cash_balance")["available"] is None
    types = [one["type"] for one in world.get(f"/v1/customers/{anna}/cash_balance_transactions")["data"]]
    assert types[:2] == ["funding_reversed", "unapplied_from_payment"]


def test_a_pretended_transfer_pays_by_reference_or_stays_as_cash(bank, world):
    anna, bert = bank.customer(), bank.customer("Bert")
    invoice = bank.invoice(anna)
    path = f"/v1/test_helpers/customers/{anna}/fund_cash_balance"
    made = world.post(path, amount=12500, currency="eur", reference=bank.reference(invoice))
    assert (made["type"], made["net_amount"], bank.paid(invoice)[0]) == ("funded", 12500, "paid")
    world.post(path, amount=700, currency="eur")
    assert world.get(f"/v1/customers/{anna}/cash_balance")["available"] == {"eur": 700}
    other = bank.reference(bank.invoice(bert))
    error = world.refused(path, amount=100, currency="eur", reference=other)
    assert "another customer" in error["message"]


def test_an_import_that_dies_is_finished_by_the_next_one_and_books_nothing_twice(bank, monkeypatch):
    anna = bank.customer()
    one, two = bank.invoice(anna, 1000), bank.invoice(anna, 2000)
    found = Booking(1000, "B1", structured=bank.reference(one))
    data = statement([found, Booking(2000, "B2", structured=bank.reference(two))])
    real, calls = process.process, []

    def dies_at_the_second(tx, entry):
        calls.append(entry.id)
        if len(calls) == 2:
            raise RuntimeError("killed")
        return real(tx, entry)

    monkeypatch.setattr(process, "process", dies_at_the_second)
    with pytest.raises(RuntimeError):
        bank.file(data)
    assert (bank.paid(one)[0], bank.paid(two)[0]) == ("paid", "open")
    monkeypatch.setattr(process, "process", real)
    again = bank.file(data)
    assert (again.repeated, again.applied, bank.paid(two)[0]) == (2, 1, "paid")
    assert bank.balances()["bank"] == 3000


def test_a_statement_that_was_imported_with_another_end_is_set_aside(bank, app):
    """A bank's id names one statement: of two ends one is forged or mistaken."""
    bank.statement(Booking(12500, "B1"), id="2026-02")
    done = bank.statement(Booking(12500, "B1"), Booking(700, "B2"), id="2026-02")
    assert (
        done.set_aside
        and "2026-02 of DE02120300000000202051 was imported before, from s.xml" in done.set_aside
    )
    assert "closing balance 112500, and here it has 113200" in done.set_aside
    assert [one.bank_reference for one in bank.entries()] == ["B1"]
    assert bank.balances() == {"bank": 12500, "unapplied_cash": -12500}
    with app.db.transaction(bank.tenant) as tx:
        [aside] = rows.select(tx, BankStatement, "state = 'set_aside'")
    assert aside.reason == done.set_aside
    again = bank.statement(Booking(12500, "B1"), id="2026-02")
    assert (again.set_aside, again.repeated, again.entries) == (None, 1, 0)


def test_pages_of_a_statement_have_its_id_and_follow_each_other(bank):
    bank.statement(Booking(12500, "B1"), id="2026-02")
    second = bank.statement(Booking(700, "B2"), id="2026-02", opening=112_500)
    assert (second.set_aside, second.entries) == (None, 1)
