"""The status of a subscription follows its latest finalized invoice that is not void (§5.2)."""

import pytest

from tests.support.world import Customer, Subscription, World


def two_unpaid_invoices(world: World) -> tuple[Customer, Subscription]:
    """Subscribe a customer whose January invoice is overdue and whose February invoice is not due yet."""
    world.at("2025-01-01")
    anna = world.customer("anna", card=None)
    plan = anna.subscribes_to(world.plan("Pro", usd=20), collection_method="send_invoice", days_until_due=14)
    world.at("2025-02-01 01:00")
    assert plan.status == "past_due"
    return anna, plan


def test_after_voiding_the_latest_invoice_the_overdue_one_before_decides(world: World) -> None:
    anna, plan = two_unpaid_invoices(world)
    january, february = anna.invoices
    february.does("void")
    assert plan.status == "past_due"
    january.does("void")
    assert plan.status == "active"


def test_after_voiding_the_latest_invoice_a_paid_one_before_makes_it_active(world: World) -> None:
    anna, plan = two_unpaid_invoices(world)
    january, february = anna.invoices
    january.does("pay", paid_out_of_band=True)
    assert plan.status == "past_due"  # an older invoice does not count
    world.forget()
    february.does("void")
    assert world.emitted() == ["invoice.voided", "customer.subscription.updated"]
    assert plan.status == "active"


def test_voiding_an_older_invoice_changes_nothing(world: World) -> None:
    anna, plan = two_unpaid_invoices(world)
    anna.invoices[0].does("void")
    assert plan.status == "past_due"


def test_marking_the_latest_invoice_uncollectible_makes_it_active_until_it_is_void(world: World) -> None:
    anna, plan = two_unpaid_invoices(world)
    february = anna.last_invoice
    february.does("mark_uncollectible")
    assert plan.status == "active"
    february.does("void")
    assert plan.status == "past_due"


@pytest.mark.parametrize("verb", ["mark_uncollectible", "pay"])
def test_an_older_invoice_that_is_uncollectible_or_paid_changes_nothing(world: World, verb: str) -> None:
    anna, plan = two_unpaid_invoices(world)
    anna.invoices[0].does(verb, **({"paid_out_of_band": True} if verb == "pay" else {}))
    assert plan.status == "past_due"


def test_a_draft_is_not_the_latest_invoice(world: World) -> None:
    anna, plan = two_unpaid_invoices(world)
    world.at("2025-03-01")  # March is a draft for another hour
    draft, february = anna.last_invoice, anna.invoices[1]
    assert (draft.status, plan.now["latest_invoice"]) == ("draft", draft.data["id"])
    february.does("pay", paid_out_of_band=True)
    assert plan.status == "active"


def test_after_voiding_the_latest_invoice_paying_the_one_before_makes_it_active(world: World) -> None:
    anna, plan = two_unpaid_invoices(world)
    january, february = anna.invoices
    february.does("void")
    january.does("pay", paid_out_of_band=True)
    assert plan.status == "active"


def test_an_invoice_with_retries_left_does_not_decide(world: World) -> None:
    world.at("2025-01-01")
    anna = world.customer("anna")
    plan = anna.subscribes_to(world.plan("Pro", usd=20, every="week"))
    anna.pays_with("declining")
    world.at("2025-01-08 01:00")
    world.at("2025-01-15 01:00")
    assert plan.status == "past_due"
    assert [invoice.data["status"] for invoice in anna.invoices] == ["paid", "open", "open"]
    anna.last_invoice.does("void")
    assert plan.status == "active"
    world.at("2025-01-17 01:00")  # the next retry of the second invoice fails
    assert plan.status == "past_due"


def test_an_invoice_made_by_hand_does_not_change_the_status(world: World) -> None:
    anna, plan = two_unpaid_invoices(world)
    anna.owes(500, subscription=plan.id)
    extra = anna.bills(subscription=plan.id, collection_method="send_invoice", days_until_due=1)
    extra.does("finalize")
    extra.does("pay", paid_out_of_band=True)
    assert plan.status == "past_due"
