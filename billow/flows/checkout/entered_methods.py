"""Store the method that a customer entered: in a form of ours, or on a page of the gateway's."""

from typing import Any

from billow.api.params import made
from billow.flows.checkout.purchase import Payer
from billow.flows.customers import payment_methods
from billow.flows.payments import mandates
from billow.resources.intent_shapes import Acceptance, Online
from billow.resources.payment_method import PaymentMethod
from billow.store.perform import Steps
from billow.store.tx import Tx


def store(tx: Tx, payer: Payer, currency: str | None, *, check: bool = True) -> Steps:
    """Store what was entered at the gateway: `tx, answer = yield from store(…)`; None where nothing was.

    Without `check` a card that declines is stored all the same: the payment that follows is declined.
    """
    if payer.iban:
        named = ("sepa_debit[iban]", "sepa_debit", True, currency)
        tx, answer = yield from payment_methods.store(tx, payer.iban, *named)
        return tx, answer
    if payer.card:
        tx, answer, _ = yield from payment_methods.store_token(tx, payer.card.number, "card[number]", check)
        return tx, answer
    return tx, payer.stored


def typed(method: PaymentMethod, payer: Payer) -> PaymentMethod:
    """Return a new method with the expiry and the billing details that were typed in."""
    card = payer.card
    expiry = {"exp_month": card.exp_month, "exp_year": card.exp_year} if card else {}
    billing = {name: value for name, value in details_of(payer).items() if value is not None}
    shown = {**method.card, **expiry} if method.card else method.card
    return method.but(card=shown, billing_details={**method.billing_details, **billing})


def details_of(payer: Payer) -> dict[str, Any]:
    blank = dict.fromkeys(("city", "country", "line1", "line2", "postal_code", "state"))
    address = {**blank, **payer.address} if payer.address else None
    return {"address": address, "email": payer.email, "name": payer.name, "phone": payer.phone}


def agree(tx: Tx, method: PaymentMethod, payer: Payer) -> None:
    """Write the mandate that a customer gives with a method that is debited by one."""
    if not mandates.needs_one(method) or mandates.in_force(tx, method) is not None:
        return
    online = made(Online, **payer.accepted) if payer.accepted else None
    mandates.write(tx, method, made(Acceptance, type="online" if online else "offline", online=online))
