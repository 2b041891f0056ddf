"""Read what the hold of a charge allows, and by when it is captured."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from billow.api.fields import seconds
from billow.core import holds
from billow.core.payments import Succeeded
from billow.resources.charge import Charge
from billow.resources.payment_intent import PaymentIntent
from billow.resources.payment_method import PaymentMethod

AVAILABLE = ("available", "enabled")


def wishes_of(intent: PaymentIntent, method: PaymentMethod) -> list[str]:
    """Return what the options of an intent ask of the hold of a card.

    A payment that is shared is captured once: its share is transferred with its only capture.
    """
    options = (intent.payment_method_options or {}).get("card") or {} if method.type == "card" else {}
    asked = [wish for wish in holds.WISHES if options.get(f"request_{wish}") == "if_available"]
    shared = intent.transfer_data or intent.application_fee_amount
    return [wish for wish in asked if not (shared and wish == holds.MULTICAPTURE)]


def card_of(charge: Charge) -> dict[str, Any]:
    """Return the card of a charge as the charge shows it; empty for another type of method."""
    return (charge.payment_method_details or {}).get("card") or {}


def allows(charge: Charge, wish: str) -> bool:
    """Check whether the card of a charge has granted a wish for its hold."""
    return (card_of(charge).get(wish) or {}).get("status") in AVAILABLE


def hold_of(charge: Charge) -> holds.Hold:
    """Return the hold of a charge that was not captured for the last time."""
    over = card_of(charge).get(holds.OVERCAPTURE) or {}
    more = over["maximum_amount_capturable"] if allows(charge, holds.OVERCAPTURE) else charge.amount
    return holds.Hold(charge.amount, charge.amount_captured, more)


def until(charge: Charge) -> datetime:
    """Return when a hold expires that is not captured."""
    by = card_of(charge).get("capture_before")
    return datetime.fromtimestamp(by, UTC) if by else charge.created + holds.HELD


def granted(said: Succeeded, amount: int) -> dict[str, Any]:
    """Return what a charge shows of the wishes that its card has granted."""
    can = {wish: "available" if wish in said.allows else "unavailable" for wish in holds.WISHES}
    return {
        "amount_authorized": amount,
        holds.EXTENDED: {"status": "enabled" if holds.EXTENDED in said.allows else "disabled"},
        holds.INCREMENT: {"status": can[holds.INCREMENT]},
        holds.MULTICAPTURE: {"status": can[holds.MULTICAPTURE]},
        holds.OVERCAPTURE: {
            "maximum_amount_capturable": said.most or amount,
            "status": can[holds.OVERCAPTURE],
        },
    }


def held_until(details: dict[str, Any] | None, now: datetime, allows: Sequence[str]) -> dict[str, Any] | None:
    """Return the details of a charge that is held on a card, with the time by which it is captured."""
    if details is None or details["type"] != "card":
        return details
    kept = holds.HELD_LONGER if holds.EXTENDED in allows else holds.HELD
    return {**details, "card": {**details["card"], "capture_before": seconds(now + kept)}}
