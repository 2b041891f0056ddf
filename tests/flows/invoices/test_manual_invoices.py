"""How do manual invoices work: pending items, drafts, and every way in which an invoice ends (§7.2, §7.7)?"""

from datetime import timedelta
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.flows.conftest import Worlds
from tests.support.world import FREE, OPENED, PAID, Customer, Invoice, World, moment


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


def test_an_invoice_of_a_subscription_takes_up_its_pending_items_alone(world: World) -> None:
    """§7.1: it needs no `pending_invoice_items_behavior`, and refuses it."""
    anna = merchant(world)
    plan, other = anna.subscribes_to(world.plan("Pro", usd=30)), anna.subscribes_to(world.plan("Base", usd=9))
    world.at("2025-01-16 12:00")
    plan.update(items=[{"id": plan.now["items"]["data"][0]["id"], "quantity": 2}])
    anna.owes(500, "Set-up", subscription=plan.id)
    anna.owes(700, "Of the other", subscription=other.id)
    anna.owes(900, "Of none")
    world.forget()
    invoice = Invoice(world, world.post("/v1/invoices", customer=anna.id, subscription=plan.id))
    world.check_events(["invoice.created"])
    invoice.reads("""
        Set-up                                     5.00
        Unused time on Pro after 16 Jan 2025       -15.00
        Remaining time on 2 × Pro after 16 Jan 2025   30.00
        Total 20.00                                draft""")
    assert invoice.data["billing_reason"] == "manual"
    assert invoice.data["parent"]["subscription_details"]["subscription"] == plan.id
    invoice.does("finalize")
    invoice.does("pay")
    assert invoice.status == "paid"
    assert plan.period == ("2025-01-01", "2025-02-01")
    world.at("2025-02-01 01:00")
    totals = sorted(one.data["total"] for one in anna.invoices[-2:])
    assert sum(totals) == 6000 + 900 + 700 + 900


def test_the_pending_items_of_a_subscription_are_no_choice(world: World) -> None:
    """§7.1."""
    anna = merchant(world)
    plan = anna.subscribes_to(world.plan("Pro", usd=30))
    for behavior in ("include", "exclude"):
        error = world.refused(
            "/v1/invoices", customer=anna.id, subscription=plan.id, pending_invoice_items_behavior=behavior
        )
        assert (error["status"], error["param"]) == (400, "pending_invoice_items_behavior")


def test_a_subscription_of_somebody_else_is_refused(world: World) -> None:
    anna = merchant(world)
    ben = world.customer("ben")
    plan = ben.subscribes_to(world.plan("Pro", usd=30))
    for path, more in (("/v1/invoices", {}), ("/v1/invoiceitems", {"amount": 500, "currency": "usd"})):
        error = world.refused(path, customer=anna.id, subscription=plan.id, **more)
        assert (error["status"], error["code"], error["param"]) == (400, "resource_missing", "subscription")


@settings(
    max_examples=8,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    owed=st.lists(st.tuples(st.sampled_from(["one", "other", None]), st.integers(-500, 5000)), max_size=6),
    many=st.integers(0, 5),
    at=st.integers(1, 30 * 86400),
)
def test_each_pending_item_is_billed_once_and_by_its_own_subscription(
    worlds: Worlds, owed: list[tuple[str | None, int]], many: int, at: int
) -> None:
    """§7.1, §5.16: an invoice by hand takes what is of its subscription, and the rest stays."""
    world = worlds()
    anna = merchant(world)
    plan, other = anna.subscribes_to(world.plan("Pro", usd=30)), anna.subscribes_to(world.plan("Base", usd=9))
    owner = {"one": plan.id, "other": other.id, None: None}
    world.at((moment("2025-01-01") + timedelta(seconds=at)).strftime("%Y-%m-%d %H:%M:%S"))
    plan.update(items=[{"id": plan.now["items"]["data"][0]["id"], "quantity": many}])
    for whose, amount in owed:
        anna.owes(amount, subscription=owner[whose])
    before = pending(anna)
    made = world.post("/v1/invoices", customer=anna.id, subscription=plan.id)
    page = world.get(f"/v1/invoices/{made['id']}/lines", limit=100)["data"]
    taken = [item for item in before if of(item) == plan.id]
    assert [line["amount"] for line in page] == [item["amount"] for item in taken]
    assert made["total"] == sum(item["amount"] for item in taken)
    assert [item["id"] for item in pending(anna)] == [item["id"] for item in before if of(item) != plan.id]


def pending(customer: Customer) -> list[dict[str, Any]]:
    page = customer.world.get("/v1/invoiceitems", customer=customer.id, pending=True, limit=100)
    return list(page["data"])


def of(item: dict[str, Any]) -> str | None:
    """Return the subscription that an invoice item names."""
    found: str | None = ((item["parent"] or {}).get("subscription_details") or {}).get("subscription")
    return found


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
