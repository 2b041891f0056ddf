"""Which invoices are mailed, emit `invoice.sent`, and get a timer for their due date (§7.3, §7.11)?"""

from pathlib import Path

import pytest

from tests.flows.papers.test_mail import letters, read
from tests.support.world import Customer, Invoice, World

__all__ = ["letters"]
DUE_IN_A_WEEK = {"collection_method": "send_invoice", "days_until_due": 7}


def billed(world: World, **how: object) -> tuple[Customer, Invoice]:
    world.at("2025-01-01")
    anna = world.customer("anna", card=None)
    anna.owes(5000)
    invoice = anna.bills(**how)
    world.forget()
    return anna, invoice


def test_sending_a_draft_finalizes_it_tells_of_it_once_and_watches_its_due_date(
    world: World, letters: Path
) -> None:
    anna, invoice = billed(world, **DUE_IN_A_WEEK)
    invoice.does("send")
    world.check_events(["invoice.finalized", "invoice.sent"])
    world.work()
    assert len(read(letters)) == 1
    world.at("2025-01-08", expect=["invoice.overdue", "customer.updated"])
    assert anna.now["delinquent"]


def test_sending_a_draft_that_would_go_out_by_itself_sends_it_once(world: World, letters: Path) -> None:
    _, invoice = billed(world, auto_advance=True, **DUE_IN_A_WEEK)
    invoice.does("send")
    world.check_events(["invoice.finalized", "invoice.sent"])
    world.at("2025-01-02", expect=[])
    assert len(read(letters)) == 1


def test_a_draft_with_a_card_to_charge_that_is_sent_is_charged_where_it_advances_by_itself(
    world: World,
) -> None:
    world.at("2025-01-01")
    anna = world.customer("anna")
    anna.owes(5000)
    anna.bills(auto_advance=True).does("send")
    anna.owes(5000)
    anna.bills().does("send")
    world.at("2025-01-02")
    assert sorted(invoice.data["status"] for invoice in anna.invoices) == ["open", "paid"]


@pytest.mark.parametrize("how", [{}, DUE_IN_A_WEEK])
def test_what_is_finalized_by_hand_and_does_not_advance_by_itself_is_not_mailed(
    world: World, letters: Path, how: dict[str, object]
) -> None:
    _, invoice = billed(world, **how)
    invoice.does("finalize")
    world.work()
    assert "invoice.sent" not in world.emitted()
    assert read(letters) == []
    invoice.does("send")
    world.work()
    assert len(read(letters)) == 1


def test_a_due_date_is_a_fact_however_the_invoice_was_finalized(world: World) -> None:
    _, invoice = billed(world, **DUE_IN_A_WEEK)
    invoice.does("finalize")
    world.forget()
    world.at("2025-01-08", expect=["invoice.overdue", "customer.updated"])


def test_what_is_finalized_by_hand_and_advances_by_itself_is_mailed(world: World, letters: Path) -> None:
    _, invoice = billed(world, **DUE_IN_A_WEEK)
    invoice.does("finalize", auto_advance=True)
    world.check_events(["invoice.finalized", "invoice.sent"])
    world.work()
    assert len(read(letters)) == 1


def test_paying_a_draft_at_once_mails_nothing_unless_it_advances_by_itself(
    world: World, letters: Path
) -> None:
    world.at("2025-01-01")
    anna = world.customer("anna")
    for advances, letters_then in ((False, 0), (True, 1)):
        anna.owes(5000)
        anna.bills(auto_advance=advances).does("pay")
        world.work()
        assert len(read(letters)) == letters_then


def test_a_draft_of_a_subscription_that_somebody_took_over_is_not_mailed(world: World, letters: Path) -> None:
    world.at("2025-01-01")
    anna = world.customer("anna", card=None)
    anna.subscribes_to(world.plan("Pro", usd=20), **DUE_IN_A_WEEK)
    draft = anna.last_invoice
    world.post(f"/v1/invoices/{draft.data['id']}", auto_advance=False)
    draft.does("finalize")
    world.at("2025-01-02")
    assert read(letters) == []


def test_the_invoices_of_a_subscription_are_mailed(world: World, letters: Path) -> None:
    world.at("2025-01-01")
    anna = world.customer("anna")
    anna.subscribes_to(world.plan("Pro", usd=20))
    world.work()
    assert len(read(letters)) == 1
    world.at("2025-02-01 01:00")
    assert len(read(letters)) == 2
