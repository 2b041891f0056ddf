"""How do sent invoices with a due date behave (§7.3, §7.4)?"""

from tests.support.world import BEGUN, Customer, Subscription, World, moment

SENT = ["invoice.finalized", "invoice.sent"]
SETTLED = ["invoice.updated", "invoice.paid"]


def subscribed(world: World) -> tuple[Customer, Subscription]:
    world.at("2025-01-01")
    pro = world.plan("Pro", usd=20)
    anna = world.customer("anna", card=None)
    plan = anna.subscribes_to(pro, collection_method="send_invoice", days_until_due=14)
    return anna, plan


def test_it_is_a_draft_for_an_hour_then_sent_with_a_due_date(world: World) -> None:
    anna, plan = subscribed(world)
    world.check_events(["invoice.created", *BEGUN])
    assert plan.status == "active"
    assert anna.last_invoice.status == "draft"
    world.at("2025-01-01 01:00", expect=SENT)
    invoice = anna.last_invoice.data
    assert (invoice["status"], invoice["amount_remaining"]) == ("open", 2000)
    assert invoice["due_date"] == moment("2025-01-15").timestamp()
    assert world.get("/v1/charges", customer=anna.id)["data"] == []


def test_unpaid_at_its_due_date_it_is_overdue_and_paid_elsewhere_it_is_put_right(world: World) -> None:
    anna, plan = subscribed(world)
    world.at("2025-01-14 23:59:59")
    assert plan.status == "active"
    late = ["invoice.overdue", "customer.subscription.updated", "customer.updated"]
    world.at("2025-01-15", expect=late)
    assert plan.status == "past_due"
    assert anna.now["delinquent"]
    anna.last_invoice.does("pay", paid_out_of_band=True)
    world.check_events([*SETTLED, "customer.subscription.updated", "customer.updated"])
    assert plan.status == "active"
    invoice = anna.last_invoice.data
    assert (invoice["amount_paid"], invoice["amount_paid_off_stripe"]) == (2000, 2000)
    assert world.get("/v1/charges", customer=anna.id)["data"] == []


def test_paid_in_time_nothing_is_overdue(world: World) -> None:
    anna, plan = subscribed(world)
    world.at("2025-01-10")
    anna.last_invoice.does("pay", paid_out_of_band=True)
    world.forget()
    world.at("2025-01-20", expect=[])
    assert plan.status == "active"


def test_it_may_be_paid_by_card_after_all(world: World) -> None:
    anna, _ = subscribed(world)
    world.at("2025-01-10")
    anna.pays_with("visa")
    anna.last_invoice.does("pay")
    assert anna.last_invoice.status == "paid"
    assert len(world.get("/v1/charges", customer=anna.id)["data"]) == 1


def test_each_renewal_is_sent_and_paying_the_latest_one_is_what_counts(world: World) -> None:
    anna, plan = subscribed(world)
    world.at("2025-02-01 01:00")
    world.at("2025-02-15 01:00")
    assert [invoice.data["status"] for invoice in anna.invoices] == ["open", "open"]
    assert plan.status == "past_due"
    anna.last_invoice.does("pay", paid_out_of_band=True)
    assert plan.status == "active"
    anna.invoices[0].does("pay", paid_out_of_band=True)
    assert not anna.now["delinquent"]


def test_only_what_is_sent_has_days_until_it_is_due(world: World) -> None:
    world.at("2025-01-01")
    plan = world.customer("anna").subscribes_to(world.plan("Pro", usd=20))
    error = world.refused(f"/v1/subscriptions/{plan.id}", days_until_due=14)
    assert (error["status"], error["param"]) == (400, "days_until_due")
    assert plan.update(collection_method="send_invoice", days_until_due=14)["days_until_due"] == 14
    assert plan.update(days_until_due=7)["days_until_due"] == 7
    error = world.refused(
        f"/v1/subscriptions/{plan.id}", collection_method="charge_automatically", days_until_due=3
    )
    assert error["param"] == "days_until_due"


def test_how_it_is_collected_may_change_and_counts_from_the_next_invoice(world: World) -> None:
    world.at("2025-01-01")
    anna = world.customer("anna")
    plan = anna.subscribes_to(world.plan("Pro", usd=20))
    plan.update(collection_method="send_invoice", days_until_due=14)
    world.at("2025-02-01 02:00")
    sent = anna.last_invoice
    due = int(moment("2025-02-15").timestamp())
    assert (sent.status, sent.data["collection_method"], sent.data["due_date"]) == (
        "open",
        "send_invoice",
        due,
    )
    assert len(world.get("/v1/charges", customer=anna.id)["data"]) == 1
    plan.update(collection_method="charge_automatically")
    assert plan.now["days_until_due"] is None
    world.at("2025-03-01 02:00")
    assert [invoice.status for invoice in anna.invoices] == ["paid", "open", "paid"]
    assert anna.last_invoice.data["collection_method"] == "charge_automatically"
    assert plan.status == "active"
