"""Disputes from the charge to the decision: the object, the events, the money and the books."""

from typing import Any

import pytest

from billow.app import App
from billow.resources.dispute import FILES, Evidence
from tests.support.world import World

CREATED = ["charge.dispute.created", "charge.updated", "charge.dispute.funds_withdrawn"]


def charged(world: World, card: str, amount: int = 5000) -> dict[str, Any]:
    """Charge a customer's test card, and let what follows happen."""
    customer = world.customer("Ann", card=None)
    method = world.post(f"/v1/payment_methods/pm_card_{card}/attach", customer=customer.id)["id"]
    world.forget()
    intent = world.post(
        "/v1/payment_intents",
        amount=amount,
        currency="usd",
        customer=customer.id,
        payment_method=method,
        confirm="true",
    )
    world.work()
    return world.get(f"/v1/charges/{intent['latest_charge']}")


def only_dispute(world: World) -> dict[str, Any]:
    [found] = world.get("/v1/disputes")["data"]
    return found


def balance_of(app: App, world: World, account: str) -> int:
    with app.db.transaction(world.api.tenant) as tx:
        [(total,)] = tx.tuples(
            "select coalesce(sum(case when debit = %(account)s then amount else -amount end), 0)::bigint"
            " from ledger_transfers where %(account)s in (debit, credit)",
            account=account,
        )
    return int(total)


def balances(app: App, world: World) -> dict[str, int]:
    names = ("clearing:simulated", "disputed", "gateway_fees", "bad_debt")
    return {name: balance_of(app, world, name) for name in names}


FEE = 175
"""Of a charge of 5,000."""


@pytest.mark.parametrize(
    ("card", "reason", "code"),
    [
        ("createDispute", "fraudulent", "10.4"),
        ("createDisputeProductNotReceived", "product_not_received", "13.1"),
    ],
)
def test_a_disputed_payment_is_taken_back_with_a_fee(app: App, world: World, card, reason, code) -> None:
    world.at("2027-01-10")
    charge = charged(world, card)
    assert world.emitted()[-3:] == CREATED
    dispute = only_dispute(world)
    assert charge["disputed"] is True and dispute["charge"] == charge["id"]
    assert (dispute["amount"], dispute["currency"], dispute["status"]) == (5000, "usd", "needs_response")
    assert (dispute["reason"], dispute["network_reason_code"]) == (reason, code)
    assert dispute["payment_intent"] == charge["payment_intent"] and not dispute["is_charge_refundable"]
    assert dispute["payment_method_details"]["card"]["case_type"] == "chargeback"
    [moved] = dispute["balance_transactions"]
    assert (moved["amount"], moved["fee"], moved["net"]) == (-5000, 1500, -6500)
    assert (moved["type"], moved["reporting_category"]) == ("adjustment", "dispute")
    assert world.get("/v1/balance_transactions", source=dispute["id"])["data"] == [moved]
    details = dispute["evidence_details"]
    assert (details["has_evidence"], details["past_due"], details["submission_count"]) == (False, False, 0)
    assert details["due_by"] == 1800230399  # the end of January 17
    assert balances(app, world) == {
        "clearing:simulated": -FEE - 1500,
        "disputed": 5000,
        "gateway_fees": FEE + 1500,
        "bad_debt": 0,
    }


@pytest.mark.parametrize(
    ("words", "status", "events", "disputed", "lost"),
    [
        (
            "winning_evidence",
            "won",
            ["charge.dispute.updated", "charge.dispute.funds_reinstated", "charge.dispute.closed"],
            0,
            0,
        ),
        ("losing_evidence", "lost", ["charge.dispute.updated", "charge.dispute.closed"], 0, 5000),
        ("We shipped it.", "under_review", ["charge.dispute.updated"], 5000, 0),
    ],
)
def test_the_evidence_decides(app: App, world: World, words, status, events, disputed, lost) -> None:
    world.at("2026-01-10")
    charged(world, "createDispute")
    id = only_dispute(world)["id"]
    world.forget()
    sent = {"uncategorized_text": words, "customer_name": "Ann"}
    answered = world.post(f"/v1/disputes/{id}", evidence=sent)
    world.work()
    assert answered == only_dispute(world)
    assert (answered["status"], answered["evidence"]["customer_name"]) == (status, "Ann")
    assert answered["evidence_details"]["submission_count"] == 1
    assert world.emitted() == events
    found = balances(app, world)
    assert (found["disputed"], found["bad_debt"]) == (disputed, lost)
    assert found["clearing:simulated"] == (3325 if status == "won" else -1675)
    refused = world.refused(f"/v1/disputes/{id}", evidence={"uncategorized_text": "More."})
    assert refused["status"] == 400


def test_evidence_is_staged_until_it_is_submitted(world: World) -> None:
    world.at("2026-01-10")
    charged(world, "createDispute")
    id = only_dispute(world)["id"]
    world.forget()
    staged = world.post(
        f"/v1/disputes/{id}", evidence={"uncategorized_text": "winning_evidence"}, submit="false"
    )
    assert (staged["status"], staged["evidence_details"]["has_evidence"]) == ("needs_response", True)
    assert staged["evidence_details"]["submission_count"] == 0
    more = world.post(f"/v1/disputes/{id}", evidence={"customer_name": "Ann"}, submit="false")
    assert more["evidence"]["uncategorized_text"] == "winning_evidence"
    assert world.post(f"/v1/disputes/{id}", submit="true")["status"] == "won"


def test_a_dispute_is_closed_as_lost(app: App, world: World) -> None:
    world.at("2026-01-10")
    charged(world, "createDispute")
    id = only_dispute(world)["id"]
    world.forget()
    assert world.post(f"/v1/disputes/{id}/close")["status"] == "lost"
    assert world.emitted() == ["charge.dispute.closed"]
    assert balance_of(app, world, "bad_debt") == 5000
    assert world.refused(f"/v1/disputes/{id}/close")["status"] == 400


def test_an_inquiry_moves_no_money_until_it_becomes_a_dispute(app: App, world: World) -> None:
    world.at("2026-01-10")
    charge = charged(world, "createDisputeInquiry")
    inquiry = only_dispute(world)
    assert (inquiry["status"], inquiry["is_charge_refundable"]) == ("warning_needs_response", True)
    assert inquiry["balance_transactions"] == [] and charge["disputed"] is False
    assert inquiry["payment_method_details"]["card"]["case_type"] == "inquiry"
    assert balance_of(app, world, "disputed") == 0
    world.forget()
    told = {"uncategorized_text": "escalate_inquiry_evidence"}
    escalated = world.post(f"/v1/disputes/{inquiry['id']}", evidence=told)
    assert (escalated["status"], escalated["is_charge_refundable"]) == ("needs_response", False)
    assert world.get(f"/v1/charges/{charge['id']}")["disputed"] is True
    assert balance_of(app, world, "disputed") == 5000
    won = world.post(f"/v1/disputes/{inquiry['id']}", evidence={"uncategorized_text": "winning_evidence"})
    assert (won["status"], balance_of(app, world, "disputed")) == ("won", 0)


def test_an_inquiry_that_is_answered_well_closes_without_a_dispute(world: World) -> None:
    world.at("2026-01-10")
    charged(world, "createDisputeInquiry")
    id = only_dispute(world)["id"]
    closed = world.post(f"/v1/disputes/{id}", evidence={"uncategorized_text": "winning_evidence"})
    assert (closed["status"], closed["balance_transactions"]) == ("warning_closed", [])


def test_a_warning_of_fraud_is_recorded_once(world: World) -> None:
    world.at("2026-01-10")
    charge = charged(world, "createIssuerFraudRecord")
    world.work()
    [warning] = world.get("/v1/radar/early_fraud_warnings")["data"]
    assert (warning["charge"], warning["actionable"]) == (charge["id"], True)
    assert warning["fraud_type"] == "made_with_stolen_card"
    assert world.emitted()[-1] == "radar.early_fraud_warning.created"
    assert world.get(f"/v1/radar/early_fraud_warnings/{warning['id']}") == warning


def test_a_charge_that_was_charged_back_is_not_refunded_unless_the_dispute_is_won(world: World) -> None:
    world.at("2026-01-10")
    charge = charged(world, "createDispute")
    refused = world.refused("/v1/refunds", charge=charge["id"])
    assert (refused["status"], refused["code"]) == (400, "charge_disputed")
    id = only_dispute(world)["id"]
    world.post(f"/v1/disputes/{id}", evidence={"uncategorized_text": "winning_evidence"})
    assert world.post("/v1/refunds", charge=charge["id"])["status"] == "succeeded"


def test_disputes_are_listed_by_charge_and_intent_and_found_in_search(world: World) -> None:
    world.at("2026-01-10")
    charge = charged(world, "createDispute")
    charged(world, "visa")
    id = only_dispute(world)["id"]
    for filters in ({"charge": charge["id"]}, {"payment_intent": charge["payment_intent"]}):
        assert [one["id"] for one in world.get("/v1/disputes", **filters)["data"]] == [id]
    found = world.get("/v1/charges/search", query='disputed:"true"')["data"]
    assert [one["id"] for one in found] == [charge["id"]]
    shown = world.get(f"/v1/disputes/{id}", expand=["charge", "payment_intent"])
    assert shown["charge"]["id"] == charge["id"] and shown["payment_intent"]["object"] == "payment_intent"


def test_evidence_files_must_exist_and_texts_together_have_a_limit(world: World) -> None:
    world.at("2026-01-10")
    charged(world, "createDispute")
    id = only_dispute(world)["id"]
    refused = world.refused(f"/v1/disputes/{id}", evidence={"receipt": "file_missing"})
    assert (refused["status"], refused["param"]) == (400, "evidence[receipt]")
    others = (*FILES, "appeal", "enhanced_evidence")
    texts = [name for name in Evidence.__annotations__ if name not in others]
    long = {name: "x" * 19_900 for name in texts[:8]}
    refused = world.refused(f"/v1/disputes/{id}", evidence=long)
    assert refused["status"] == 400 and "150000" in refused["message"]
