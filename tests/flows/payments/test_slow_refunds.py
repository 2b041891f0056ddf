"""Refunds that take time: pending first, failed afterwards, and what the balance and the books say."""

from typing import Any

import pytest

from billow.app import App
from tests.flows.payments.test_disputes import balance_of, charged
from tests.support.world import World

FEE = 175
"""Of a charge of 5,000."""


@pytest.fixture
def refunded(world: World) -> Any:
    """Charge a card of this name, and refund an amount of it."""

    def refund(card: str, amount: int) -> dict[str, Any]:
        world.at("2026-01-10")
        charge = charged(world, card)
        world.forget()
        return world.post(
            "/v1/refunds",
            charge=charge["id"],
            amount=amount,
            reason="requested_by_customer",
            instructions_email="ann@example.com",
        )

    return refund


def test_a_pending_refund_moves_nothing_until_it_succeeds(app: App, world: World, refunded: Any) -> None:
    made = refunded("pendingRefund", 2000)
    assert (made["status"], made["pending_reason"], made["balance_transaction"]) == (
        "pending",
        "processing",
        None,
    )
    assert (made["reason"], made["instructions_email"]) == ("requested_by_customer", "ann@example.com")
    assert world.get(f"/v1/charges/{made['charge']}")["amount_refunded"] == 0
    assert balance_of(app, world, "clearing:simulated") == 5000 - FEE
    world.work()
    after = world.get(f"/v1/refunds/{made['id']}")
    assert (after["status"], after["pending_reason"]) == ("succeeded", None)
    assert world.emitted() == ["refund.created", "refund.updated", "charge.refunded"]
    assert world.get(f"/v1/charges/{made['charge']}")["amount_refunded"] == 2000
    assert balance_of(app, world, "clearing:simulated") == 3000 - FEE


def test_a_refund_that_fails_afterwards_brings_the_money_back(app: App, world: World, refunded: Any) -> None:
    made = refunded("refundFail", 5000)
    assert made["status"] == "succeeded"
    assert world.get(f"/v1/charges/{made['charge']}")["refunded"] is True
    assert balance_of(app, world, "clearing:simulated") == -FEE
    world.work()
    after = world.get(f"/v1/refunds/{made['id']}", expand=["failure_balance_transaction"])
    assert (after["status"], after["failure_reason"]) == ("failed", "expired_or_canceled_card")
    returned = after["failure_balance_transaction"]
    assert (returned["amount"], returned["type"]) == (5000, "refund_failure")
    assert after["balance_transaction"] != returned["id"]
    charge = world.get(f"/v1/charges/{made['charge']}")
    assert (charge["amount_refunded"], charge["refunded"]) == (0, False)
    for account, amount in (("clearing:simulated", 5000 - FEE), ("refunds_payable", 0)):
        assert balance_of(app, world, account) == amount
    assert balance_of(app, world, "revenue_adjustments") == 0
    assert world.emitted() == [
        "refund.created",
        "charge.refunded",
        "refund.updated",
        "refund.failed",
        "charge.refund.updated",
        "charge.updated",
    ]


def test_what_failed_to_be_refunded_can_be_refunded_again_and_never_more_than_captured(
    app: App, world: World, refunded: Any
) -> None:
    made = refunded("refundFail", 5000)
    world.work()
    again = world.post("/v1/refunds", charge=made["charge"], amount=3000)
    assert again["status"] == "succeeded"
    refused = world.refused("/v1/refunds", charge=made["charge"], amount=2001)
    assert refused["status"] == 400
    assert balance_of(app, world, "clearing:simulated") == 2000 - FEE
    world.work()


def test_the_balance_is_the_sum_of_its_transactions_in_each_currency(world: World, refunded: Any) -> None:
    refunded("pendingRefund", 2000)
    world.work()
    shown = world.get("/v1/balance")
    moved = world.get("/v1/balance_transactions", limit=100)["data"]
    total = sum(one["amount"] for part in ("available", "pending") for one in shown[part])
    assert total == sum(one["net"] for one in moved) == 3000 - FEE
    for kind in ("charge", "refund"):
        found = world.get("/v1/balance_transactions", type=kind)["data"]
        assert [one["type"] for one in found] == [kind]
