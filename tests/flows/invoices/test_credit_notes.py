"""What does a credit note take back, where does it go, and what does it leave (§3.3)?"""

from typing import Any

from tests.support.world import Customer, Invoice, World


def custom(amount: int, **more: Any) -> dict[str, Any]:
    return {"type": "custom_line_item", "unit_amount": amount, "quantity": 1, "description": "Late", **more}


def of(line: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"type": "invoice_line_item", "invoice_line_item": line["id"], **more}


def billed(customer: Customer, **more: Any) -> Invoice:
    invoice = customer.bills(collection_method="send_invoice", days_until_due=14, **more)
    invoice.does("finalize")
    return invoice


def owing(world: World, *amounts: int, card: str | None = None, **more: Any) -> Invoice:
    """An open invoice of so many cents, a line for each amount."""
    world.at("2025-01-01")
    anna = world.customer("anna", card=card)
    for amount in amounts:
        anna.owes(amount, text=f"Work {amount}")
    return billed(anna, **more)


def lines_of(world: World, invoice: Invoice) -> list[dict[str, Any]]:
    page = world.get(f"/v1/invoices/{invoice.data['id']}/lines", limit=100)
    return sorted(page["data"], key=lambda line: line["description"])


def credit(world: World, invoice: Invoice, **form: Any) -> dict[str, Any]:
    return world.post("/v1/credit_notes", invoice=invoice.data["id"], **form)


def refused(world: World, invoice: Invoice, **form: Any) -> dict[str, Any]:
    return world.refused("/v1/credit_notes", invoice=invoice.data["id"], **form)


def paid(world: World, *amounts: int, **more: Any) -> Invoice:
    """An invoice that was paid by card."""
    invoice = owing(world, *amounts, card="visa", **more)
    invoice.does("pay")
    assert invoice.status == "paid"
    return invoice


# ------------------------------------------------------------------------------------- before payment


def test_x100_a_line_that_took_off_is_credited_beside_one_that_put_on(world: World) -> None:
    invoice = owing(world, 10000, -5000)
    discount, charge = lines_of(world, invoice)
    note = credit(world, invoice, lines=[of(charge, amount=10000), of(discount, amount=-5000)])
    assert (note["total"], invoice.now["amount_remaining"], invoice.status) == (5000, 0, "paid")


def test_x99_a_credit_note_of_an_open_invoice_lowers_what_is_due(world: World) -> None:
    invoice = owing(world, 10000)
    world.forget()
    note = credit(world, invoice, lines=[custom(2000)], memo="Sorry", reason="order_change")
    world.check_events(["credit_note.created", "invoice.updated"])
    assert (note["total"], note["type"], note["pre_payment_amount"]) == (2000, "pre_payment", 2000)
    assert (note["memo"], note["reason"], note["status"]) == ("Sorry", "order_change", "issued")
    assert note["number"] == f"{invoice.data['number']}-CN-01"
    now = invoice.now
    assert (now["amount_due"], now["amount_remaining"], now["total"]) == (8000, 8000, 10000)
    assert (now["pre_payment_credit_notes_amount"], now["status"]) == (2000, "open")


def test_x100_a_credited_credit_lowers_the_credit_note(world: World) -> None:
    invoice = owing(world, 20000, -5000)
    credited, charged = lines_of(world, invoice)
    note = credit(world, invoice, lines=[of(charged, amount=10000), of(credited, amount=-5000)])
    assert note["total"] == 5000
    assert [line["amount"] for line in note["lines"]["data"]] == [10000, -5000]


def test_an_invoice_of_which_all_is_credited_is_paid(world: World) -> None:
    invoice = owing(world, 10000)
    world.forget()
    note = credit(world, invoice, amount=10000)
    world.check_events(["credit_note.created", "invoice.updated", "invoice.paid"])
    assert note["type"] == "pre_payment"
    assert (invoice.now["status"], invoice.data["amount_paid"], invoice.data["amount_due"]) == ("paid", 0, 0)
    assert refused(world, invoice, amount=1)["param"] == "amount"


def test_the_intent_of_an_invoice_asks_for_what_is_left(world: World) -> None:
    world.at("2025-01-01")
    anna = world.customer("anna", card=None)
    anna.owes(10000)
    invoice = anna.bills()
    invoice.does("finalize")
    credit(world, invoice, amount=2500)
    assert invoice.intent["amount"] == 7500
    anna.pays_with("visa")
    invoice.does("pay")
    assert (invoice.now["amount_paid"], invoice.data["status"]) == (7500, "paid")


def test_crediting_all_cancels_the_intent(world: World) -> None:
    world.at("2025-01-01")
    anna = world.customer("anna", card=None)
    anna.owes(10000)
    invoice = anna.bills()
    invoice.does("finalize")
    credit(world, invoice, amount=10000)
    assert invoice.intent["status"] == "canceled"


def test_a_payment_that_waits_for_its_customer_is_replaced(world: World) -> None:
    world.at("2025-01-01")
    anna = world.customer("anna", card="always 3DS")
    anna.owes(10000)
    invoice = anna.bills()
    invoice.does("finalize")
    world.refused(f"/v1/invoices/{invoice.data['id']}/pay", off_session=False)
    assert invoice.intent["status"] == "requires_action"
    credit(world, invoice, amount=4000)
    payments = world.get("/v1/invoice_payments", invoice=invoice.data["id"])["data"]
    assert [(one["status"], one["amount_requested"]) for one in payments] == [
        ("open", 6000),
        ("canceled", 10000),
    ]
    anna.pays_with("visa")
    invoice.does("pay")
    assert invoice.now["amount_paid"] == 6000


# ------------------------------------------------------------------------------------- after payment


def test_x101_what_was_paid_goes_where_its_amounts_say(world: World) -> None:
    invoice = paid(world, 10000)
    for wrong in ({"refund_amount": 100}, {"credit_amount": 600}, {}):
        error = refused(world, invoice, amount=500, **wrong)
        assert "must equal" in error["message"], error
    world.forget()
    note = credit(world, invoice, amount=500, refund_amount=100, credit_amount=200, out_of_band_amount=200)
    world.check_events(
        ["customer.updated", "credit_note.created", "invoice.updated", "refund.created", "charge.refunded"]
    )
    assert (note["type"], note["post_payment_amount"], note["out_of_band_amount"]) == (
        "post_payment",
        500,
        200,
    )
    [part] = note["refunds"]
    assert part["amount_refunded"] == 100
    assert world.get(f"/v1/refunds/{part['refund']}")["status"] == "succeeded"
    customer = world.get(f"/v1/customers/{note['customer']}")
    assert customer["balance"] == -200
    path = f"/v1/customers/{note['customer']}/balance_transactions"
    transaction = world.get(f"{path}/{note['customer_balance_transaction']}")
    assert (transaction["type"], transaction["credit_note"], transaction["amount"]) == (
        "credit_note",
        note["id"],
        -200,
    )
    now = invoice.now
    assert (now["status"], now["amount_paid"], now["post_payment_credit_notes_amount"]) == (
        "paid",
        10000,
        500,
    )


def test_a_refund_that_was_made_before_is_linked(world: World) -> None:
    invoice = paid(world, 10000)
    [charge] = world.get("/v1/charges", customer=invoice.data["customer"])["data"]
    refund = world.post("/v1/refunds", charge=charge["id"], amount=3000)
    assert "8000" not in str(refused(world, invoice, amount=8000, credit_amount=8000)["param"])
    part = {"refund": refund["id"], "amount_refunded": 2500}
    note = credit(world, invoice, amount=4000, refunds=[part], credit_amount=1500)
    assert note["refunds"][0]["amount_refunded"] == 2500
    again = credit(world, invoice, amount=500, refunds=[{"refund": refund["id"]}])
    assert again["refunds"][0]["amount_refunded"] == 500
    error = refused(world, invoice, amount=500, refunds=[{"refund": refund["id"]}])
    assert error["param"] == "refunds[0][amount_refunded]"


def test_a_refund_without_a_credit_note_lowers_what_can_be_credited(world: World) -> None:
    invoice = paid(world, 10000)
    [charge] = world.get("/v1/charges", customer=invoice.data["customer"])["data"]
    world.post("/v1/refunds", charge=charge["id"], amount=3000)
    assert "$70.00" in refused(world, invoice, amount=7001, credit_amount=7001)["message"]
    credit(world, invoice, amount=7000, credit_amount=7000)


def test_a_refund_that_fails_stays_owed_until_another_takes_its_place(world: World) -> None:
    world.at("2025-01-01")
    anna = world.customer("anna", card=None)
    method = world.post("/v1/payment_methods", type="card", card={"token": "tok_refundFail"})["id"]
    world.post(f"/v1/payment_methods/{method}/attach", customer=anna.id)
    world.post(f"/v1/customers/{anna.id}", invoice_settings={"default_payment_method": method})
    anna.owes(10000)
    invoice = anna.bills()
    invoice.does("finalize")
    invoice.does("pay")
    note = credit(world, invoice, amount=4000, refund_amount=4000)
    world.at("2025-01-03")
    [part] = note["refunds"]
    assert world.get(f"/v1/refunds/{part['refund']}")["status"] == "failed"
    [charge] = world.get("/v1/charges", customer=anna.id)["data"]
    again = world.post("/v1/refunds", charge=charge["id"], amount=4000)
    assert world.get(f"/v1/credit_notes/{note['id']}")["refunds"][0]["refund"] == again["id"]


# ------------------------------------------------------------------------------------- lines


def test_x102_a_credit_note_of_a_partly_paid_invoice_is_mixed(world: World) -> None:
    invoice = owing(world, 10000)
    credit(world, invoice, amount=5000)
    invoice.does("pay", paid_out_of_band=True)
    note = credit(world, invoice, amount=5000, credit_amount=5000)
    assert (note["type"], note["number"][-5:]) == ("post_payment", "CN-02")


def test_tax_and_discounts_of_a_line_are_in_proportion(world: World) -> None:
    world.at("2025-01-01")
    rate = world.tax(25)
    anna = world.customer("anna", card=None)
    anna.owes(10000)
    off = world.coupon(percent_off=10, duration="once")
    invoice = billed(anna, default_tax_rates=[rate], discounts=[{"coupon": off}])
    [line] = lines_of(world, invoice)
    note = credit(world, invoice, lines=[of(line, amount=3333)])
    [shown] = note["lines"]["data"]
    assert (shown["amount"], shown["discount_amount"]) == (3333, 333)
    assert [(tax["amount"], tax["taxable_amount"]) for tax in shown["taxes"]] == [(750, 3000)]
    assert (note["subtotal"], note["discount_amount"], note["total"]) == (3333, 333, 3750)
    assert (note["total_excluding_tax"], note["subtotal_excluding_tax"]) == (3000, 3333)
    rest = credit(world, invoice, lines=[of(line, amount=6667)])
    assert rest["total"] == 11250 - 3750
    assert invoice.status == "paid"


def test_inclusive_tax_is_part_of_the_amount(world: World) -> None:
    world.at("2025-01-01")
    anna = world.customer("anna", card=None)
    anna.owes(500)
    invoice = billed(anna, default_tax_rates=[world.tax(25, inclusive=True)])
    [line] = lines_of(world, invoice)
    note = credit(world, invoice, lines=[of(line, amount=250)])
    assert (note["total"], note["total_excluding_tax"]) == (250, 200)
    assert note["total_taxes"][0]["amount"] == 50


def test_a_line_is_credited_by_quantity_and_the_last_units_take_the_rest(world: World) -> None:
    world.at("2025-01-01")
    anna = world.customer("anna", card=None)
    world.post("/v1/invoiceitems", customer=anna.id, currency="usd", quantity=3, unit_amount_decimal="33.4")
    invoice = billed(anna)
    [line] = lines_of(world, invoice)
    assert line["amount"] == 100
    amounts = [credit(world, invoice, lines=[of(line, quantity=1)])["total"] for _ in range(3)]
    assert amounts == [33, 33, 34]


def test_a_line_is_credited_in_one_way_only(world: World) -> None:
    invoice = owing(world, 10000)
    [line] = lines_of(world, invoice)
    credit(world, invoice, lines=[of(line, amount=100)])
    assert refused(world, invoice, lines=[of(line, quantity=1)])["param"] == "lines[0][quantity]"
    assert refused(world, invoice, lines=[of(line, amount=9901)])["param"] == "lines[0][amount]"


def test_an_amount_takes_a_part_of_each_treatment(world: World) -> None:
    """Of 100 at 25 % and 100 without tax, a credit of 90 has 10 of tax, as the invoice has 25 in 225."""
    world.at("2025-01-01")
    rate = world.tax(25)
    anna = world.customer("anna", card=None)
    anna.owes(10000, tax_rates=[rate])
    anna.owes(10000)
    invoice = billed(anna)
    note = credit(world, invoice, amount=9000)
    lines = note["lines"]["data"]
    assert sorted((line["amount"], sum(t["amount"] for t in line["taxes"])) for line in lines) == [
        (4000, 0),
        (4000, 1000),
    ]
    rest = credit(world, invoice, amount=13500)
    assert rest["total_taxes"][0]["amount"] == 1500


def test_a_custom_line_has_the_taxes_that_are_asked_for(world: World) -> None:
    world.at("2025-01-01")
    rate = world.tax(25)
    anna = world.customer("anna", card=None)
    anna.owes(10000)
    invoice = billed(anna, default_tax_rates=[rate])
    by_rate = credit(world, invoice, lines=[custom(1000, tax_rates=[rate])])
    assert (by_rate["total"], by_rate["total_taxes"][0]["amount"]) == (1250, 250)
    said = [{"amount": 240, "taxable_amount": 1000, "tax_rate": rate}]
    by_amount = credit(world, invoice, lines=[custom(1000, tax_amounts=said)])
    assert (by_amount["total"], by_amount["total_taxes"][0]["taxable_amount"]) == (1240, 1000)
    [line] = lines_of(world, invoice)
    replaced = credit(world, invoice, lines=[of(line, amount=1000, tax_amounts=said)])
    assert replaced["total"] == 1240
    decimal = credit(world, invoice, lines=[{**custom(0), "unit_amount": None, "unit_amount_decimal": "0.5"}])
    assert (decimal["total"], decimal["lines"]["data"][0]["unit_amount_decimal"]) == (1, "0.5")


def test_a_tax_that_the_invoice_has_not_left_is_not_credited(world: World) -> None:
    invoice = owing(world, 10000)
    rate = world.tax(25)
    assert "tax of the rate" in refused(world, invoice, lines=[custom(1000, tax_rates=[rate])])["message"]
