"""Does what was given back of a payment made elsewhere correct its tax, until a credit note takes it over?"""

from typing import Any

import pytest

from billow.app import App
from billow.flows.outside import books
from tests.flows.invoices.test_credited_books import balances
from tests.flows.payments.test_part_payments import cashed, opened
from tests.support.world import Customer, Invoice, World, seconds

RECORDS = "/v1/payment_records"


@pytest.fixture
def paid(world: World) -> tuple[Customer, Invoice, str]:
    """100.00 and 25.00 VAT, paid by check."""
    world.at("2025-01-01")
    anna = world.customer("anna")
    invoice = opened(anna, default_tax_rates=[world.tax(25, jurisdiction="SE")])
    record = cashed(world, 12500)
    invoice.does("attach_payment", payment_record=record)
    return anna, invoice, record


def given_back(world: World, record: str, value: int, reference: str = "R1") -> None:
    custom = {"refund_reference": reference}
    path = f"{RECORDS}/{record}/report_refund"
    money = {"currency": "usd", "value": value}
    sent = {"outcome": "refunded", "processor_details": {"type": "custom", "custom": custom}}
    world.post(path, **sent, amount=money, initiated_at=seconds("2025-01-04"))


def linked(record: str, reference: str = "R1", **more: Any) -> dict[str, Any]:
    named = {"payment_record": record, "refund_group": reference}
    return {"type": "payment_record_refund", "payment_record_refund": named, **more}


def declared(world: World) -> list[tuple[str, int, int]]:
    """The base and the tax that each month declares."""
    with world.api.app.db.transaction(world.api.tenant) as tx:
        found = tx.tuples(
            "select to_char(at at time zone 'UTC', 'MM'), sum(base)::bigint, sum(tax)::bigint"
            " from tax_entries group by 1 having sum(tax) <> 0 order by 1"
        )
    return [(month, int(base), int(tax)) for month, base, tax in found]


def test_it_corrects_its_part_of_the_tax(app: App, world: World, paid: tuple[Customer, Invoice, str]) -> None:
    _, invoice, record = paid
    before = balances(app, world)
    given_back(world, record, 5000)
    after = balances(app, world)
    assert after["tax_payable"] - before["tax_payable"] == 1000
    assert (after["revenue_adjustments"], after["bank"]) == (4000, 7500)
    assert "refunds_payable" not in after
    assert declared(world) == [("01", 6000, 1500)]
    # What can be credited is less by it.
    wanted = {"invoice": invoice.data["id"], "amount": 7501, "credit_amount": 7501}
    assert world.refused("/v1/credit_notes", **wanted)["status"] == 400
    given_back(world, record, 7500, "R2")
    assert "tax_payable" not in balances(app, world)


def test_a_credit_note_takes_it_over_and_leaves_closed_months_alone(
    app: App, world: World, paid: tuple[Customer, Invoice, str]
) -> None:
    _, invoice, record = paid
    given_back(world, record, 5000)
    world.at("2025-02-10")
    with app.db.transaction(world.api.tenant) as tx:
        books.close(tx, "2025-01", hard=False)
    note = world.post(
        "/v1/credit_notes",
        invoice=invoice.data["id"],
        amount=2500,
        refunds=[linked(record, amount_refunded=2500)],
    )
    [part] = note["refunds"]
    assert (part["amount_refunded"], part["refund"], part["type"]) == (2500, None, "payment_record_refund")
    assert part["payment_record_refund"] == {"payment_record": record, "refund_group": "R1"}
    world.at("2025-02-11")
    given_back(world, record, 1250, "R2")
    rest = {"invoice": invoice.data["id"], "amount": 3750}
    world.post("/v1/credit_notes", **rest, refunds=[linked(record), linked(record, "R2")])
    after = balances(app, world)
    assert "refunds_payable" not in after and after["tax_payable"] == -1250
    assert (after["bank"], after["revenue"] + after["revenue_adjustments"]) == (6250, -5000)
    assert declared(world) == [("01", 6000, 1500), ("02", -1000, -250)]


def test_what_was_given_back_before_it_was_attached_is_none_of_the_invoice(world: World) -> None:
    world.at("2025-01-01")
    anna, record = world.customer("anna"), cashed(world, 12500)
    given_back(world, record, 2500)
    invoice = opened(anna)
    invoice.does("attach_payment", payment_record=record)
    wanted = {"invoice": invoice.data["id"], "amount": 1000}
    error = world.refused("/v1/credit_notes", **wanted, refunds=[linked(record)])
    assert error["param"] == "refunds[0][payment_record_refund][refund_group]"


def test_what_does_not_fit_is_refused(world: World, paid: tuple[Customer, Invoice, str]) -> None:
    _, invoice, record = paid
    given_back(world, record, 5000)
    wanted = {"invoice": invoice.data["id"], "amount": 5000}

    def refused(*parts: dict[str, Any]) -> str:
        return str(world.refused("/v1/credit_notes", **wanted, refunds=list(parts))["param"])

    path = "refunds[0][payment_record_refund]"
    assert refused({"type": "payment_record_refund"}) == path
    assert refused(linked(record, refund="re_1")) == "refunds[0][refund]"
    assert refused({**linked(record), "type": "refund"}) == "refunds[0][refund]"
    assert refused(linked("pr_none")) == f"{path}[payment_record]"
    assert refused(linked(cashed(world, 5000))) == f"{path}[payment_record]"
    assert refused(linked(record, amount_refunded=5001)) == "refunds[0][amount_refunded]"
    assert refused(linked(record), linked(record)) == "refunds"
