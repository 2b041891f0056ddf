"""Is money that came outside, or without an invoice, attached to one: in part, in full, too much (§7.4)?"""

from typing import Any

import pytest

from billow.api import rows
from billow.flows.papers import invoice_document
from billow.resources.invoice import Invoice as Row
from tests.support.world import Customer, Invoice, World, seconds

RECORDS = "/v1/payment_records"


@pytest.fixture
def anna(world: World) -> Customer:
    world.at("2025-01-01")
    return world.customer("anna")


def opened(anna: Customer, amount: int = 10000, **more: Any) -> Invoice:
    anna.owes(amount)
    invoice = anna.bills(**more)
    invoice.does("finalize")
    return invoice


def told(value: int, currency: str = "usd", **more: Any) -> dict[str, Any]:
    """A check of so much, of which nothing is known yet."""
    return {
        "amount_requested": {"currency": currency, "value": value},
        "initiated_at": seconds("2025-01-03"),
        "payment_method_details": {"type": "custom", "custom": {"display_name": "Check"}},
        "processor_details": {"type": "custom", "custom": {"payment_reference": "No. 117"}},
        **more,
    }


def cashed(world: World, value: int, **more: Any) -> str:
    """A check that has been cashed."""
    there = {"outcome": "guaranteed", "guaranteed": {"guaranteed_at": seconds("2025-01-03")}}
    return str(world.post(f"{RECORDS}/report_payment", **told(value, **there, **more))["id"])


def booked(world: World, account: str) -> int:
    with world.api.app.db.transaction(world.api.tenant) as tx:
        [(sum_of,)] = tx.tuples(
            "select coalesce(sum(case when debit = %(a)s then amount else -amount end), 0)::bigint"
            " from ledger_transfers where %(a)s in (debit, credit)",
            a=account,
        )
    return int(sum_of)


def test_checks_pay_an_invoice_in_parts(world: World, anna: Customer) -> None:
    invoice, first = opened(anna), cashed(world, 6000)
    world.forget()
    invoice.does("attach_payment", payment_record=first)
    world.check_events(["invoice_payment.paid", "invoice.updated"])
    shown = invoice.data
    assert (shown["status"], shown["amount_paid"], shown["amount_remaining"]) == ("open", 6000, 4000)
    assert (shown["amount_paid_off_stripe"], shown["amount_overpaid"]) == (6000, 0)
    payments = world.get("/v1/invoice_payments", invoice=shown["id"])["data"]
    own, part = sorted(payments, key=lambda one: str(one["status"]))
    assert (own["is_default"], own["amount_requested"]) == (True, 4000)
    assert (part["payment"]["type"], part["payment"]["payment_record"]) == ("payment_record", first)
    named = {"type": "payment_record", "payment_record": first}
    assert [one["id"] for one in world.get("/v1/invoice_payments", payment=named)["data"]] == [part["id"]]
    invoice.does("attach_payment", payment_record=cashed(world, 4000))
    assert (invoice.data["status"], invoice.data["amount_remaining"]) == ("paid", 0)
    assert booked(world, "bank") == 10000
    with world.api.app.db.transaction(world.api.tenant) as tx:
        paper = invoice_document.document_of(tx, rows.find(tx, Row, shown["id"]))
    assert ("Paid Jan 3, 2025, Check, No. 117", "-$60.00") in paper.totals


def test_the_rest_is_charged(world: World, anna: Customer) -> None:
    invoice = opened(anna)
    invoice.does("attach_payment", payment_record=cashed(world, 6000))
    invoice.does("pay")
    assert (invoice.data["status"], invoice.data["amount_paid"]) == ("paid", 10000)
    assert world.get("/v1/charges", customer=anna.id)["data"][0]["amount"] == 4000


def test_what_is_paid_too_much_is_credited_to_the_balance(world: World, anna: Customer) -> None:
    invoice, record = opened(anna), cashed(world, 12500)
    world.forget()
    invoice.does("attach_payment", payment_record=record)
    assert (invoice.data["status"], invoice.data["amount_paid"]) == ("paid", 10000)
    assert invoice.data["amount_overpaid"] == 2500 and anna.now["balance"] == -2500
    assert [event["type"] for event in world.events()][-1] == "invoice.overpaid"
    [credit] = world.get(f"/v1/customers/{anna.id}/balance_transactions")["data"]
    assert (credit["type"], credit["amount"], credit["invoice"]) == (
        *("invoice_overpaid", -2500, invoice.data["id"]),
    )


def test_a_payment_without_an_invoice_is_no_sale_any_more(world: World, anna: Customer) -> None:
    card = world.get(f"/v1/customers/{anna.id}/payment_methods")["data"][0]["id"]
    paid = {"amount": 3000, "currency": "usd", "customer": anna.id, "payment_method": card, "confirm": True}
    intent = world.post("/v1/payment_intents", **paid)["id"]
    assert booked(world, "revenue:none") == -3000
    invoice = opened(anna)
    invoice.does("attach_payment", payment_intent=intent)
    assert (invoice.data["amount_paid"], invoice.data["amount_paid_off_stripe"]) == (3000, 0)
    assert booked(world, "revenue:none") == -10000  # of the invoice, whose item has no product
    path = f"/v1/invoices/{invoice.data['id']}/attach_payment"
    assert "already pays" in world.refused(path, payment_intent=intent)["message"]
    ended = world.post("/v1/payment_intents", amount=100, currency="usd", customer=anna.id)["id"]
    world.post(f"/v1/payment_intents/{ended}/cancel")
    error = world.refused(path, payment_intent=ended)
    assert error["code"] == "payment_intent_unexpected_state"


def test_x102_a_credit_note_of_an_invoice_that_is_paid_in_part(world: World, anna: Customer) -> None:
    """X102: open 100, paid 60, credited 50: 40 lower what remains, and 10 are given back."""
    invoice = opened(anna)
    invoice.does("attach_payment", payment_record=cashed(world, 6000))
    noted = {"invoice": invoice.data["id"], "amount": 5000}
    assert world.refused("/v1/credit_notes", **noted)["status"] == 400
    note = world.post("/v1/credit_notes", **noted, credit_amount=1000)
    assert (note["type"], note["pre_payment_amount"], note["post_payment_amount"]) == ("mixed", 4000, 1000)
    assert (invoice.status, invoice.data["amount_due"], invoice.data["amount_paid"]) == ("paid", 6000, 6000)
    assert anna.now["balance"] == -1000


def test_what_does_not_fit_is_refused(world: World, anna: Customer) -> None:
    invoice, ben = opened(anna), world.customer("ben")
    path = f"/v1/invoices/{invoice.data['id']}/attach_payment"
    assert world.refused(path)["param"] == "payment_intent"
    assert "eur" in world.refused(path, payment_record=cashed(world, 100, currency="eur"))["message"]
    theirs = cashed(world, 100, customer_details={"customer": ben.id})
    assert "another customer" in world.refused(path, payment_record=theirs)["message"]
    waiting = world.post(f"{RECORDS}/report_payment", **told(100))["id"]
    assert "money is there" in world.refused(path, payment_record=waiting)["message"]
    assert world.refused(path, payment_record="pr_none")["code"] == "resource_missing"
    invoice.does("pay")
    assert "paid" in world.refused(path, payment_record=theirs)["message"]


# ------------------------------------------------------------------------------------- records


def test_a_payment_is_reported_attempt_by_attempt(world: World, anna: Customer) -> None:
    at = seconds("2025-01-04")
    record = world.post(f"{RECORDS}/report_payment", **told(5000, description="Order 7", metadata={"a": "1"}))
    path = f"{RECORDS}/{record['id']}"
    assert record["amount_requested"] == {"currency": "usd", "value": 5000}
    assert record["amount_guaranteed"]["value"] == 0
    failed = world.post(f"{path}/report_payment_attempt_failed", failed_at=at)
    assert failed["amount_failed"]["value"] == 5000
    again = world.refused(f"{path}/report_payment_attempt_canceled", canceled_at=at)
    assert again["code"] == "payment_record_unexpected_state"
    second = world.post(f"{path}/report_payment_attempt", initiated_at=at)
    assert second["amount_failed"]["value"] == 0
    assert second["latest_payment_attempt_record"] != record["latest_payment_attempt_record"]
    error = world.refused(f"{path}/report_payment_attempt_guaranteed", guaranteed_at=at - 1)
    assert error["param"] == "guaranteed_at"
    done = world.post(f"{path}/report_payment_attempt_guaranteed", guaranteed_at=at, metadata={"b": "2"})
    assert (done["amount_guaranteed"]["value"], done["metadata"]) == (5000, {"a": "1", "b": "2"})
    assert world.refused(f"{path}/report_payment_attempt", initiated_at=at)["status"] == 400
    more = {"customer_details": {"customer": anna.id, "name": "Ann"}, "description": ""}
    known = world.post(f"{path}/report_payment_attempt_informational", **more)
    assert (known["customer_details"]["customer"], known["description"]) == (anna.id, None)
    attempts = world.get("/v1/payment_attempt_records", payment_record=record["id"])["data"]
    assert [one["amount_failed"]["value"] for one in attempts] == [0, 5000]
    assert world.get(f"/v1/payment_attempt_records/{attempts[0]['id']}")["payment_record"] == record["id"]
    assert [one["id"] for one in world.get(RECORDS)["data"]] == [record["id"]]


def test_an_outcome_comes_with_its_instant(world: World, anna: Customer) -> None:
    path = f"{RECORDS}/report_payment"
    error = world.refused(path, **told(100, outcome="guaranteed"))
    assert (error["code"], error["param"]) == ("parameter_missing", "guaranteed[guaranteed_at]")
    wrong = {"outcome": "failed", "canceled": {"canceled_at": seconds("2025-01-03")}}
    assert world.refused(path, **told(100, **wrong))["param"] == "canceled"


def test_a_refund_elsewhere_lowers_what_a_record_can_pay(world: World, anna: Customer) -> None:
    record = cashed(world, 5000)
    path = f"{RECORDS}/{record}/report_refund"
    sent = {
        "outcome": "refunded",
        "processor_details": {"type": "custom", "custom": {"refund_reference": "R1"}},
        "refunded": {"refunded_at": seconds("2025-01-04")},
    }
    shown = world.post(path, **sent, amount={"currency": "usd", "value": 2000})
    assert shown["amount_refunded"]["value"] == 2000
    assert "already reported" in world.refused(path, **sent)["message"]
    assert world.refused(path, **sent, amount={"currency": "eur", "value": 1})["param"] == "amount[currency]"
    assert world.refused(path, **sent, amount={"currency": "usd", "value": 3001})["param"] == "amount[value]"
    invoice = opened(anna)
    invoice.does("attach_payment", payment_record=record)
    assert invoice.data["amount_paid"] == 3000


def test_one_refund_amount_is_split_over_the_charges_the_newest_first(world: World, anna: Customer) -> None:
    charges = []
    invoice = opened(anna)
    for amount in (3000, 7000):
        sold = {"amount": amount, "currency": "usd", "customer": anna.id, "confirm": True}
        intent = world.post("/v1/payment_intents", **sold, payment_method="pm_card_visa", off_session=True)
        world.post(f"/v1/invoices/{invoice.data['id']}/attach_payment", payment_intent=intent["id"])
        charges.append(intent["latest_charge"])
        world.at(f"2025-01-0{len(charges) + 1}")
    assert invoice.status == "paid"
    note: dict[str, Any] = {"invoice": invoice.data["id"]}
    small = world.post("/v1/credit_notes", **note, amount=1000, refund_amount=1000)
    both = world.post("/v1/credit_notes", **note, amount=8000, refund_amount=8000)
    refunds = [world.get(f"/v1/refunds/{one['refund']}") for one in (*small["refunds"], *both["refunds"])]
    made = [(one["charge"], one["amount"]) for one in refunds]
    assert made == [(charges[1], 1000), (charges[1], 6000), (charges[0], 2000)]
    assert [one["amount_refunded"] for one in both["refunds"]] == [6000, 2000]
    wanted = {**note, "amount": 1000, "refund_amount": 1000}
    world.post("/v1/refunds", charge=charges[0], amount=500)
    assert world.refused("/v1/credit_notes", **{**wanted, "amount": 600, "refund_amount": 600})
