"""The status of a subscription follows its latest finalized invoice that is not void (§5.2)."""

import pytest

from tests.support.world import Customer, Subscription, World


def unpaid_twice(world: World) -> tuple[Customer, Subscription]:
    """January is overdue; February is open and not due yet."""
    world.at("2025-01-01")
    anna = world.customer("anna", card=None)
    plan = anna.subscribes_to(world.plan("Pro", usd=20), collection_method="send_invoice", days_until_due=14)
    world.at("2025-02-01 01:00")
    assert plan.status == "past_due"
    return anna, plan


def test_voiding_the_latest_asks_the_one_before_which_is_overdue(world: World) -> None:
    anna, plan = unpaid_twice(world)
    january, february = anna.invoices
    february.does("void")
    assert plan.status == "past_due"
    january.does("void")
    assert plan.status == "active"


def test_what_was_paid_before_makes_it_active(world: World) -> None:
    anna, plan = unpaid_twice(world)
    january, february = anna.invoices
    january.does("pay", paid_out_of_band=True)
    assert plan.status == "past_due"  # an older one does not count
    world.forget()
    february.does("void")
    assert world.happened() == ["invoice.voided", "customer.subscription.updated"]
    assert plan.status == "active"


def test_voiding_an_older_one_says_nothing(world: World) -> None:
    anna, plan = unpaid_twice(world)
    anna.invoices[0].does("void")
    assert plan.status == "past_due"


def test_giving_up_the_latest_makes_it_active_and_voiding_it_then_asks_again(world: World) -> None:
    anna, plan = unpaid_twice(world)
    february = anna.last_invoice
    february.does("mark_uncollectible")
    assert plan.status == "active"
    february.does("void")
    assert plan.status == "past_due"


@pytest.mark.parametrize("verb", ["mark_uncollectible", "pay"])
def test_an_older_one_that_is_given_up_or_paid_says_nothing(world: World, verb: str) -> None:
    anna, plan = unpaid_twice(world)
    anna.invoices[0].does(verb, **({"paid_out_of_band": True} if verb == "pay" else {}))
    assert plan.status == "past_due"


def test_the_latest_is_the_latest_finalized_one_not_the_draft_after_it(world: World) -> None:
    anna, plan = unpaid_twice(world)
    world.at("2025-03-01")  # March is a draft for another hour
    draft, february = anna.last_invoice, anna.invoices[1]
    assert (draft.status, plan.now["latest_invoice"]) == ("draft", draft.data["id"])
    february.does("pay", paid_out_of_band=True)
    assert plan.status == "active"


def test_once_the_latest_is_void_paying_the_one_before_counts(world: World) -> None:
    anna, plan = unpaid_twice(world)
    january, february = anna.invoices
    february.does("void")
    january.does("pay", paid_out_of_band=True)
    assert plan.status == "active"


def test_what_is_still_tried_is_passed_over(world: World) -> None:
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
    world.at("2025-01-17 01:00")  # and is late again when the next try of the second fails
    assert plan.status == "past_due"


def test_an_invoice_made_by_hand_for_a_subscription_is_no_matter_of_its_status(world: World) -> None:
    anna, plan = unpaid_twice(world)
    anna.owes(500, subscription=plan.id)
    extra = anna.bills(subscription=plan.id, collection_method="send_invoice", days_until_due=1)
    extra.does("finalize")
    extra.does("pay", paid_out_of_band=True)
    assert plan.status == "past_due"
