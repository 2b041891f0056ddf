"""What happens to a subscription after its last retry fails, by the merchant's setting (§5.2)?"""

from dataclasses import replace

import pytest

from billow.app import App
from billow.core import dunning
from tests.flows.payments.test_dunning import failed_renewal
from tests.support.world import Customer, Subscription, World


def given_up(
    app: App, monkeypatch: pytest.MonkeyPatch, world: World, word: str
) -> tuple[Customer, Subscription]:
    """Anna's renewal of February 1 has failed nine times; it is February 16."""
    policy = replace(dunning.SMART, finally_=dunning.FINALLY[word])
    monkeypatch.setattr(app.db, "outside", replace(app.db.outside, dunning=policy))
    anna, plan = failed_renewal(world)
    world.at("2025-02-16")
    assert anna.last_invoice.data["attempt_count"] == 9
    return anna, plan


@pytest.mark.parametrize(
    ("word", "status"), [("cancel", "canceled"), ("unpaid", "unpaid"), ("past_due", "past_due")]
)
def test_it_becomes_what_is_set(
    app: App, monkeypatch: pytest.MonkeyPatch, world: World, word: str, status: str
) -> None:
    anna, plan = given_up(app, monkeypatch, world, word)
    assert plan.status == status
    assert anna.last_invoice.status == "open"
    assert anna.last_invoice.data["next_payment_attempt"] is None


def test_unpaid_its_invoices_stay_drafts_and_paying_the_latest_alone_brings_it_back(
    app: App, monkeypatch: pytest.MonkeyPatch, world: World
) -> None:
    anna, plan = given_up(app, monkeypatch, world, "unpaid")
    world.at("2025-03-05")
    assert (plan.status, plan.period) == ("unpaid", ("2025-03-01", "2025-04-01"))
    february, march = anna.invoices[1:]
    assert (march.status, march.data["auto_advance"]) == ("draft", False)
    anna.pays_with("visa")
    world.at("2025-03-10")
    assert march.status == "draft"
    march.does("pay")
    assert (plan.status, february.status) == ("active", "open")
    world.at("2025-04-01 01:00")
    assert anna.last_invoice.status == "paid"
    february.does("pay")
    assert plan.status == "active"


def test_unpaid_the_older_invoice_brings_it_back_while_newer_ones_are_drafts(
    app: App, monkeypatch: pytest.MonkeyPatch, world: World
) -> None:
    anna, plan = given_up(app, monkeypatch, world, "unpaid")
    world.at("2025-03-05")
    anna.pays_with("visa")
    anna.invoices[1].does("pay")
    assert plan.status == "active"


def test_past_due_the_next_invoice_is_charged_as_usual(
    app: App, monkeypatch: pytest.MonkeyPatch, world: World
) -> None:
    anna, plan = given_up(app, monkeypatch, world, "past_due")
    anna.pays_with("visa")
    world.at("2025-03-01 01:00")
    assert (anna.last_invoice.status, plan.status) == ("paid", "active")


@pytest.mark.parametrize(("word", "status"), [("unpaid", "unpaid"), ("past_due", "past_due")])
def test_a_voided_latest_invoice_leads_back_to_what_is_set(
    app: App, monkeypatch: pytest.MonkeyPatch, world: World, word: str, status: str
) -> None:
    """Of the two open invoices the newer is void: the older one has been tried to the end (§5.2)."""
    anna, plan = given_up(app, monkeypatch, world, word)
    world.at("2025-03-05")
    latest = anna.last_invoice
    if latest.status == "draft":
        latest.does("finalize")
    latest.does("void")
    assert plan.status == status


def test_an_unpaid_subscription_can_be_paused_resumed_and_canceled(
    app: App, monkeypatch: pytest.MonkeyPatch, world: World
) -> None:
    anna, plan = given_up(app, monkeypatch, world, "unpaid")
    world.post(f"/v1/subscriptions/{plan.id}/pause")
    assert plan.status == "paused"
    anna.pays_with("visa")
    assert world.post(f"/v1/subscriptions/{plan.id}/resume")["status"] == "active"
    world.at("2025-02-17")
    assert plan.status == "active"
    plan.cancels()
    assert plan.status == "canceled"


def test_an_older_invoice_that_was_tried_to_the_end_does_not_cancel_what_is_paid_since(world: World) -> None:
    world.at("2025-01-01")
    anna = world.customer("anna")
    plan = anna.subscribes_to(world.plan("Pro", usd=20, every="day", count=10))
    anna.pays_with("declining")
    world.at("2025-01-11 01:00")
    world.at("2025-01-21 01:00")
    assert [invoice.data["status"] for invoice in anna.invoices] == ["paid", "open", "open"]
    anna.last_invoice.does("pay", paid_out_of_band=True)
    assert plan.status == "active"
    world.at("2025-01-25 01:00")
    assert anna.invoices[1].data["attempt_count"] == 9
    assert plan.status == "active"


def test_what_is_paused_does_not_hear_the_last_word(world: World) -> None:
    world.at("2025-01-01")
    anna = world.customer("anna")
    plan = anna.subscribes_to(world.plan("Pro", usd=20, every="day", count=20))
    anna.pays_with("declining")
    world.at("2025-01-21 01:00")
    world.post(f"/v1/subscriptions/{plan.id}/pause")
    world.at("2025-02-05")
    assert anna.last_invoice.data["attempt_count"] == 9
    assert plan.status == "paused"
