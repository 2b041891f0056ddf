"""Jobs that are due now on a test clock run now, without an advance (§5.13, §11)."""

import pytest

from tests.support.world import PAID, World


def test_an_invoice_that_is_finalized_by_hand_and_advances_is_charged_at_once(world: World) -> None:
    world.at("2025-01-01")
    anna = world.customer("anna")
    anna.owes(500)
    invoice = anna.bills(auto_advance=False)
    invoice.does("finalize", auto_advance=True)
    world.forget()
    world.work()
    assert invoice.status == "paid"
    assert world.emitted()[: len(PAID)] == PAID
    assert invoice.data["status_transitions"]["paid_at"] == world.seconds


def test_a_resumption_is_charged_at_once(world: World) -> None:
    world.at("2025-01-01")
    anna = world.customer("anna")
    plan = anna.subscribes_to(world.plan("Pro", usd=20))
    world.at("2025-01-11")
    world.post(f"/v1/subscriptions/{plan.id}/pause", bill_for={"unused_time_from": {"type": "none"}})
    world.at("2025-02-15")
    world.post(f"/v1/subscriptions/{plan.id}/resume")
    assert anna.last_invoice.status == "open"
    world.work()
    assert anna.last_invoice.status == "paid"


def test_a_trial_that_is_shortened_is_announced_at_once(world: World) -> None:
    world.at("2025-01-01")
    anna = world.customer("anna")
    anna.subscribes_to(world.plan("Pro", usd=20), trial_period_days=2)
    world.forget()
    world.work()
    assert world.emitted() == ["customer.subscription.trial_will_end"]


@pytest.mark.parametrize("advances", [True, False])
def test_an_advance_that_comes_first_runs_the_job(world: World, advances: bool) -> None:
    world.at("2025-01-01")
    anna = world.customer("anna")
    anna.owes(500)
    invoice = anna.bills(auto_advance=False)
    invoice.does("finalize", auto_advance=True)
    if not advances:
        world.work()
    world.at("2025-01-02")
    assert invoice.status == "paid"
    paid_at = invoice.data["status_transitions"]["paid_at"]
    assert paid_at == invoice.data["status_transitions"]["finalized_at"]
