"""What do credit notes and refunds take back in the books, and are they bounded and exact there?"""

import random
from typing import Any

import pytest

from billow.app import App
from tests.flows.invoices.test_credit_notes import billed, credit, custom, lines_of, of
from tests.support.world import Customer, Invoice, World, flat, moment


def balances(app: App, world: World) -> dict[str, int]:
    """The balance of each account, debits less credits; the customer and the product are left out."""
    with app.db.transaction(world.api.tenant) as tx:
        found = tx.tuples(
            "select account, sum(amount)::bigint from (select split_part(debit, ':', 1) as account, amount"
            " from ledger_transfers union all select split_part(credit, ':', 1), -amount"
            " from ledger_transfers) sides group by 1"
        )
    return {account: amount for account, amount in found if amount}


def paid_with_tax(world: World, **more: Any) -> tuple[Customer, Invoice]:
    """100.00 and 25.00 VAT, paid by card."""
    world.at("2025-01-01")
    rate = world.tax(25, jurisdiction="SE")
    anna = world.customer("anna")
    anna.owes(10000)
    invoice = anna.bills(default_tax_rates=[rate], **more)
    invoice.does("finalize")
    invoice.does("pay")
    return anna, invoice


def charge_of(world: World, customer: Customer) -> str:
    return str(world.get("/v1/charges", customer=customer.id)["data"][0]["id"])


def test_a_refund_without_a_credit_note_corrects_its_tax(app: App, world: World) -> None:
    anna, _ = paid_with_tax(world)
    before = balances(app, world)
    world.post("/v1/refunds", charge=charge_of(world, anna), amount=5000)
    after = balances(app, world)
    assert after["tax_payable"] - before["tax_payable"] == 1000
    assert after["revenue_adjustments"] == 4000
    world.post("/v1/refunds", charge=charge_of(world, anna))
    assert "tax_payable" not in balances(app, world)


def test_a_refund_that_fails_puts_its_tax_back(app: App, world: World) -> None:
    world.at("2025-01-01")
    rate = world.tax(25)
    anna = world.customer("anna", card=None)
    method = world.post("/v1/payment_methods", type="card", card={"token": "tok_refundFail"})["id"]
    world.post(f"/v1/payment_methods/{method}/attach", customer=anna.id)
    world.post(f"/v1/customers/{anna.id}", invoice_settings={"default_payment_method": method})
    anna.owes(10000)
    invoice = anna.bills(default_tax_rates=[rate])
    invoice.does("finalize")
    invoice.does("pay")
    before = balances(app, world)
    world.post("/v1/refunds", charge=charge_of(world, anna), amount=5000)
    world.at("2025-01-03")
    [refund] = world.get("/v1/refunds")["data"]
    assert refund["status"] == "failed"
    assert balances(app, world) == before


def test_a_charge_without_an_invoice_has_no_tax_to_correct(app: App, world: World) -> None:
    world.at("2025-01-01")
    anna = world.customer("anna")
    world.post("/v1/charges", customer=anna.id, amount=5000, currency="usd")
    world.post("/v1/refunds", charge=charge_of(world, anna), amount=2000)
    assert balances(app, world)["revenue_adjustments"] == 2000


def test_a_linked_refund_is_booked_as_its_credit_note(app: App, world: World) -> None:
    """The refund has taken back 10 of tax; the credit note of a line without tax leaves the tax as it was."""
    anna, invoice = paid_with_tax(world)
    before = balances(app, world)
    refund = world.post("/v1/refunds", charge=charge_of(world, anna), amount=5000)
    note = credit(world, invoice, lines=[custom(5000)], refunds=[{"refund": refund["id"]}])
    assert note["total_taxes"] == []
    after = balances(app, world)
    assert after["tax_payable"] == before["tax_payable"]
    assert "refunds_payable" not in after


def test_a_credit_note_takes_back_what_is_not_earned_yet_in_proportion(app: App, world: World) -> None:
    """Of a year from January, three months are earned when half of it is credited: half of both goes back."""
    world.at("2025-01-01")
    anna = world.customer("anna", card="visa")
    plan = anna.subscribes_to(world.plan("Pro", every="year", usd=365))
    world.at("2025-04-01")
    earned = balances(app, world)
    assert (earned["revenue"], earned["deferred_revenue"]) == (-9000, -27500)
    invoice = anna.last_invoice
    credit(world, invoice, amount=18250, credit_amount=18250)
    after = balances(app, world)
    assert (after["revenue_adjustments"], after["deferred_revenue"]) == (4500, -13750)
    world.at("2025-12-31 23:00")
    plan.cancels()
    world.at("2026-01-01")
    end = balances(app, world)
    assert end["revenue"] + end["revenue_adjustments"] == -36500 + 18250
    assert "deferred_revenue" not in end


def test_voiding_a_credit_note_puts_everything_back(app: App, world: World) -> None:
    world.at("2025-01-01")
    rate = world.tax(25)
    anna = world.customer("anna", card=None)
    price = world.plan("Pro", every="year", usd=365)
    anna.subscribes_to(price, collection_method="send_invoice", days_until_due=30, default_tax_rates=[rate])
    world.at("2025-02-01")
    invoice = anna.last_invoice
    before = balances(app, world)
    note = credit(world, invoice, amount=30000)
    world.at("2025-03-01")
    world.forget()
    voided = world.post(f"/v1/credit_notes/{note['id']}/void")
    world.check_events(["credit_note.voided", "invoice.updated"])
    assert (voided["status"], voided["voided_at"]) == ("void", moment("2025-03-01").timestamp())
    assert invoice.now["amount_due"] == 45625
    after = balances(app, world)
    assert after["receivable"] == before["receivable"] and after["tax_payable"] == before["tax_payable"]
    world.at("2026-01-01")
    again = world.refused(f"/v1/credit_notes/{note['id']}/void")
    assert "already void" in again["message"]
    last = credit(world, invoice, amount=45625)
    assert last["number"].endswith("CN-02") and invoice.status == "paid"
    assert "receivable" not in balances(app, world)


def test_what_was_paid_with_it_cannot_be_voided(world: World) -> None:
    _, invoice = paid_with_tax(world)
    note = credit(world, invoice, amount=1000, credit_amount=1000)
    assert "post_payment" in world.refused(f"/v1/credit_notes/{note['id']}/void")["message"]


def test_the_loss_of_an_uncollectible_invoice_is_taken_back(app: App, world: World) -> None:
    world.at("2025-01-01")
    anna = world.customer("anna", card=None)
    anna.owes(10000)
    invoice = billed(anna)
    invoice.does("mark_uncollectible")
    credit(world, invoice, amount=4000)
    assert balances(app, world)["bad_debt"] == 6000
    credit(world, invoice, amount=6000)
    assert invoice.status == "paid" and "bad_debt" not in balances(app, world)


def test_an_invoice_with_a_credit_note_is_voided_whole(app: App, world: World) -> None:
    world.at("2025-01-01")
    anna = world.customer("anna", card=None)
    anna.owes(10000)
    invoice = billed(anna, default_tax_rates=[world.tax(25)])
    note = credit(world, invoice, amount=5000)
    invoice.does("void")
    assert balances(app, world) == {}
    assert world.get(f"/v1/credit_notes/{note['id']}")["status"] == "issued"


@pytest.mark.parametrize("seed", range(4))
def test_credit_notes_in_any_order_are_bounded_and_come_to_the_invoice(
    app: App, world: World, seed: int
) -> None:
    """By lines, by amounts and as lines of their own, until nothing is left: every unit is back."""
    chance = random.Random(seed)
    world.at("2025-01-01")
    rates = [world.tax(19), world.tax(7.25, inclusive=True), world.tax(2.5)]
    anna = world.customer("anna", card=None)
    for _ in range(4):
        own = chance.sample(rates, chance.randint(0, 3))
        anna.owes(chance.randint(-300, 4000), **({"tax_rates": own} if own else {}))
    anna.owes(5001)
    off = [{"coupon": world.coupon(percent_off=chance.choice([12.5, 33.3]), duration="once")}]
    invoice = billed(anna, **({"discounts": off} if seed % 2 else {}))
    total = invoice.now["total"]
    left = {line["id"]: line["amount"] for line in lines_of(world, invoice)}
    credited = 0
    for _ in range(6):
        rest = total - credited
        line = chance.choice([id for id, amount in left.items() if amount > 0] or [None])
        part = chance.randint(1, max(left[line] // 2, 1)) if line else 0
        ways = [{"amount": chance.randint(1, max(rest // 2, 1))}, {"lines": [custom(1)]}]
        ways += [{"lines": [of({"id": line}, amount=part)]}] * 3 if line else []
        answer = world.api.post("/v1/credit_notes", flat_of(invoice, chance.choice(ways)))
        if answer.status == 200:
            credited += answer["total"]
            for one in answer["lines"]["data"]:
                if one["invoice_line_item"]:
                    left[one["invoice_line_item"]] -= one["amount"]
        if credited == total:
            break
    if credited < total:
        credited += credit(world, invoice, amount=total - credited)["total"]
    assert credited == total and invoice.status == "paid"
    assert "tax_payable" not in balances(app, world)
    assert balances(app, world).get("receivable", 0) == 0


def flat_of(invoice: Invoice, form: dict[str, Any]) -> Any:
    return flat({"invoice": invoice.data["id"], **form})
