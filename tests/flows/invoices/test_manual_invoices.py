"""How do manual invoices work: pending items, drafts, and every way in which an invoice ends (§7.2, §7.7)?"""

from tests.support.world import FREE, OPENED, PAID, Customer, World


def merchant(world: World, card: str | None = "visa") -> Customer:
    world.at("2025-01-01")
    return world.customer("anna", card=card)


def test_items_wait_and_are_billed_together_newest_first(world: World) -> None:
    anna = merchant(world)
    anna.owes(5000, "Set-up")
    anna.owes(1250, "Training")
    world.check_events(["invoiceitem.created", "customer.updated", "invoiceitem.created"])
    invoice = anna.bills()
    world.check_events(["invoice.created"])
    invoice.reads("""
        Training      12.50
        Set-up        50.00
        Total 62.50   draft""")
    assert invoice.data["billing_reason"] == "manual"
    assert not invoice.data["auto_advance"]
    invoice.does("finalize")
    world.check_events(OPENED)
    assert invoice.data["status"] == "open"
    world.at("2025-01-05", expect=[])
    invoice.does("pay")
    world.check_events(PAID)
    assert (invoice.data["status"], invoice.data["amount_paid"], invoice.data["attempt_count"]) == (
        "paid",
        6250,
        1,
    )


def test_with_auto_advance_it_is_finalized_and_charged_in_an_hour(world: World) -> None:
    anna = merchant(world)
    anna.owes(5000)
    anna.bills(auto_advance=True)
    world.forget()
    world.at("2025-01-01 00:59:59", expect=[])
    world.at("2025-01-01 01:00", expect=[*OPENED, *PAID])


def test_items_come_and_go_while_it_is_a_draft(world: World) -> None:
    anna = merchant(world)
    invoice = anna.bills()
    first = anna.owes(5000, "Set-up", invoice=invoice.data["id"])
    anna.owes(1000, "Training", invoice=invoice.data["id"])
    world.post(f"/v1/invoiceitems/{first}", amount=4000)
    assert invoice.now["total"] == 5000
    world.delete(f"/v1/invoiceitems/{first}")
    assert invoice.now["total"] == 1000
    invoice.reads("""
        Training      10.00
        Total 10.00   draft""")
    invoice.does("finalize")
    error = world.refused(
        "/v1/invoiceitems", customer=anna.id, invoice=invoice.data["id"], amount=1, currency="usd"
    )
    assert error["code"] == "invoice_not_editable"


def test_waiting_items_join_the_next_invoice_of_a_subscription(world: World) -> None:
    anna = merchant(world)
    anna.subscribes_to(world.plan("Pro", usd=20))
    anna.owes(500, "Setup fee")
    world.at("2025-02-01 01:00")
    anna.last_invoice.reads("""
        Setup fee                      5.00
        1 × Pro (at $20.00 / month)    20.00
        Total 25.00                    paid""")
    world.at("2025-03-01 01:00")
    assert anna.last_invoice.data["total"] == 2000


def test_void_is_as_if_it_had_never_been_but_keeps_its_number(world: World) -> None:
    anna = merchant(world)
    anna.owes(5000)
    invoice = anna.bills()
    invoice.does("finalize")
    world.forget()
    invoice.does("void")
    world.check_events(["payment_intent.canceled", "invoice.voided"])
    assert invoice.data["status"] == "void"
    error = world.refused(f"/v1/invoices/{invoice.data['id']}/pay")
    assert error["status"] == 400
    anna.owes(700)
    second = anna.bills()
    second.does("finalize")
    assert [invoice.data["number"][-4:], second.data["number"][-4:]] == ["0001", "0002"]


def test_what_was_given_up_can_still_be_paid(world: World) -> None:
    anna = merchant(world)
    anna.owes(5000)
    invoice = anna.bills()
    invoice.does("finalize")
    world.forget()
    invoice.does("mark_uncollectible")
    world.check_events(["invoice.marked_uncollectible", "invoice.updated"])
    assert invoice.data["status"] == "uncollectible"
    world.at("2025-02-01", expect=[])
    invoice.does("pay")
    world.check_events(PAID)
    assert invoice.data["status"] == "paid"


def test_what_was_given_up_can_be_paid_elsewhere_or_be_voided(world: World) -> None:
    anna = merchant(world)
    for verb, how in (("pay", {"paid_out_of_band": True}), ("void", {})):
        anna.owes(5000)
        invoice = anna.bills()
        invoice.does("finalize")
        invoice.does("mark_uncollectible")
        invoice.does(verb, **how)
    assert [invoice.data["status"] for invoice in anna.invoices] == ["paid", "void"]


def test_an_invoice_of_nothing_is_paid_when_it_is_finalized(world: World) -> None:
    anna = merchant(world)
    invoice = anna.bills()
    world.forget()
    invoice.does("finalize")
    world.check_events(FREE)
    assert (invoice.data["status"], invoice.data["attempted"]) == ("paid", True)


def test_a_draft_can_be_deleted_and_nothing_of_it_is_left(world: World) -> None:
    anna = merchant(world)
    anna.owes(5000)
    invoice = anna.bills(auto_advance=True)
    world.forget()
    world.delete(f"/v1/invoices/{invoice.data['id']}")
    world.check_events(["invoiceitem.deleted", "invoice.deleted"])
    world.at("2025-01-02", expect=[])
    assert anna.invoices == []


def test_a_declined_payment_is_answered_with_402_and_the_invoice_stays_open(world: World) -> None:
    anna = merchant(world, "declining")
    anna.owes(5000)
    invoice = anna.bills()
    invoice.does("finalize")
    error = world.refused(f"/v1/invoices/{invoice.data['id']}/pay")
    assert (error["status"], error["code"], error["decline_code"]) == (
        402,
        "card_declined",
        "generic_decline",
    )
    assert error["payment_intent"]["status"] == "requires_payment_method"
    assert invoice.status == "open"


def test_one_currency_for_each_customer(world: World) -> None:
    anna = merchant(world)
    anna.owes(5000)
    error = world.refused("/v1/invoiceitems", customer=anna.id, amount=500, currency="eur")
    assert (error["status"], error["param"]) == (400, "currency")
