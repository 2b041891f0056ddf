"""Does each of the test cards do what Stripe's does, with its events in order?"""

from typing import Any

import pytest

from tests.support.world import World

BEGUN = ["payment_intent.created"]
PAID = [*BEGUN, "charge.succeeded", "payment_intent.succeeded"]
DECLINED = [*BEGUN, "charge.failed", "payment_intent.payment_failed"]
ASKED = [*BEGUN, "payment_intent.requires_action"]
TAKEN = ["charge.dispute.created", "charge.updated", "charge.dispute.funds_withdrawn"]
ASKS = "requires_action"

#: The name of the card, what comes of its payment on session, and the events of it.
ROWS: tuple[tuple[str, str, list[str]], ...] = (
    ("visa", "succeeded", PAID),
    ("mastercard", "succeeded", PAID),
    ("amex", "succeeded", PAID),
    ("visa_debit", "succeeded", PAID),
    ("bypassPending", "succeeded", PAID),
    ("threeDSecureOptional", "succeeded", PAID),
    ("visa_chargeDeclined", "card_declined generic_decline", DECLINED),
    ("visa_chargeDeclinedInsufficientFunds", "card_declined insufficient_funds", DECLINED),
    ("visa_chargeDeclinedLostCard", "card_declined lost_card", DECLINED),
    ("visa_chargeDeclinedStolenCard", "card_declined stolen_card", DECLINED),
    ("visa_chargeDeclinedVelocityLimitExceeded", "card_declined card_velocity_exceeded", DECLINED),
    ("chargeDeclinedExpiredCard", "expired_card expired_card", DECLINED),
    ("chargeDeclinedIncorrectCvc", "incorrect_cvc incorrect_cvc", DECLINED),
    ("chargeDeclinedProcessingError", "processing_error processing_error", DECLINED),
    ("chargeCustomerFail", "card_declined generic_decline", DECLINED),
    ("radarBlock", "card_declined fraudulent", DECLINED),
    ("authenticationRequiredOnSetup", ASKS, ASKED),
    ("authenticationRequired", ASKS, ASKED),
    ("authenticationRequiredSetupForOffSession", ASKS, ASKED),
    ("authenticationRequiredChargeDeclinedInsufficientFunds", ASKS, ASKED),
    ("threeDSecure2Required", ASKS, ASKED),
    ("createDispute", "succeeded", [*PAID, *TAKEN]),
    ("createDisputeProductNotReceived", "succeeded", [*PAID, *TAKEN]),
    ("createDisputeInquiry", "succeeded", [*PAID, "charge.dispute.created", "charge.updated"]),
    ("createIssuerFraudRecord", "succeeded", [*PAID, "radar.early_fraud_warning.created"]),
)  # fmt: skip


def pay(world: World, name: str) -> dict[str, Any]:
    sold = {"amount": "2000", "currency": "usd", "confirm": "true", "payment_method": f"pm_card_{name}"}
    fixed = {
        "automatic_payment_methods[enabled]": "true",
        "automatic_payment_methods[allow_redirects]": "never",
    }
    answer: dict[str, Any] = world.api.post("/v1/payment_intents", {**sold, **fixed})
    return answer


@pytest.mark.parametrize(("name", "result", "events"), ROWS, ids=[row[0] for row in ROWS])
def test_a_card_does_what_the_table_says(world: World, name: str, result: str, events: list[str]) -> None:
    answer = pay(world, name)
    world.work()
    error = answer.get("error", {})
    assert (f"{error['code']} {error['decline_code']}" if error else answer["status"]) == result
    assert world.api.event_types() == events


def test_a_mistyped_number_is_refused_when_a_token_is_made(world: World) -> None:
    card = {"number": "4242424242424241", "exp_month": 5, "exp_year": 2049, "cvc": "123"}
    refused = world.refused("/v1/tokens", card=card)
    assert (refused["status"], refused["code"]) == (402, "incorrect_number")


def test_the_money_of_one_card_is_available_at_once(world: World) -> None:
    for name in ("visa", "bypassPending"):
        pay(world, name)
    by_state = {one: world.get("/v1/balance")[one][0]["amount"] for one in ("available", "pending")}
    assert by_state == {"available": 2000 - 88, "pending": 2000 - 88}


def test_an_inquiry_ends_with_the_refund_of_its_charge_and_never_becomes_a_dispute(world: World) -> None:
    charge = pay(world, "createDisputeInquiry")["latest_charge"]
    world.work()
    world.post("/v1/refunds", charge=charge)
    world.work()
    [inquiry] = world.get("/v1/disputes")["data"]
    assert (inquiry["status"], inquiry["balance_transactions"]) == ("warning_closed", [])
    world.api.post(
        f"/v1/disputes/{inquiry['id']}",
        {"evidence[uncategorized_text]": "escalate_inquiry_evidence", "submit": "true"},
    )
    world.work()
    assert world.get(f"/v1/disputes/{inquiry['id']}")["status"] == "warning_closed"


@pytest.mark.parametrize(("amount", "code"), [(5125, "invalid_charge_amount"), (5120, None)])
def test_an_amount_of_three_decimals_is_a_multiple_of_ten(
    world: World, amount: int, code: str | None
) -> None:
    answer = world.api.post("/v1/payment_intents", {"amount": amount, "currency": "kwd"})
    assert answer.get("error", {}).get("code") == code
