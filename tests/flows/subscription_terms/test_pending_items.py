"""Items that wait are billed on a schedule of their own, where one is agreed (§5.16)."""

from tests.support.world import OPENED, PAID, World, day

WEEKLY = {"interval": "week"}


def test_what_waits_is_billed_on_its_dates_and_nothing_where_nothing_does(world: World) -> None:
    world.at("2025-01-01")
    anna = world.customer("anna")
    plan = anna.subscribes_to(world.plan("Pro", usd=20), pending_invoice_item_interval=WEEKLY)
    assert plan.now["pending_invoice_item_interval"] == {"interval": "week", "interval_count": 1}
    assert day(plan.now["next_pending_invoice_item_invoice"]) == "2025-01-08"
    world.at("2025-01-02")
    anna.owes(700)
    world.at("2025-01-08", expect=["invoiceitem.created", "invoice.created", "customer.subscription.updated"])
    invoice = anna.last_invoice.data
    assert (invoice["status"], invoice["total"]) == ("draft", 700)
    assert invoice["billing_reason"] == "automatic_pending_invoice_item_invoice"
    assert plan.now["latest_invoice"] == invoice["id"]
    world.at("2025-01-08 01:00", expect=[*OPENED, *PAID])
    world.at("2025-01-15", expect=["customer.subscription.updated"])
    assert len(anna.invoices) == 2
    assert day(plan.now["next_pending_invoice_item_invoice"]) == "2025-01-22"


def test_a_schedule_is_set_and_taken_away_by_an_update(world: World) -> None:
    world.at("2025-01-01")
    anna = world.customer("anna")
    plan = anna.subscribes_to(world.plan("Pro", usd=20, every="year"))
    assert plan.now["next_pending_invoice_item_invoice"] is None
    world.at("2025-01-20")
    changed = plan.update(pending_invoice_item_interval={"interval": "month", "interval_count": 2})
    assert day(changed["next_pending_invoice_item_invoice"]) == "2025-03-01"
    changed = plan.update(pending_invoice_item_interval="")
    assert changed["next_pending_invoice_item_invoice"] is None
    assert changed["pending_invoice_item_interval"] is None
    anna.owes(700)
    world.at("2025-03-02")
    assert len(anna.invoices) == 1


def test_it_ends_with_the_subscription_and_spans_a_year_at_most(world: World) -> None:
    world.at("2025-01-01")
    anna = world.customer("anna")
    plan = anna.subscribes_to(world.plan("Pro", usd=20), pending_invoice_item_interval=WEEKLY)
    anna.owes(700)
    long = {"interval": "month", "interval_count": 13}
    refused = world.refused(f"/v1/subscriptions/{plan.id}", pending_invoice_item_interval=long)
    assert refused["param"] == "pending_invoice_item_interval[interval_count]"
    plan.cancels()
    world.at("2025-01-09")
    assert len(anna.invoices) == 1


def test_a_paused_subscription_has_no_dates_until_it_goes_on(world: World) -> None:
    world.at("2025-01-01")
    anna = world.customer("anna")
    plan = anna.subscribes_to(world.plan("Pro", usd=20), pending_invoice_item_interval=WEEKLY)
    world.at("2025-01-02")
    paused = world.post(f"/v1/subscriptions/{plan.id}/pause", type="subscription")
    assert paused["next_pending_invoice_item_invoice"] is None
    world.at("2025-01-20")
    resumed = world.post(f"/v1/subscriptions/{plan.id}/resume")
    assert day(resumed["next_pending_invoice_item_invoice"]) == "2025-01-27"
    assert resumed["pending_invoice_item_interval"] == {"interval": "week", "interval_count": 1}
    world.at("2025-01-20 01:00")
