"""Write and show the charge that an attempt made."""

from typing import Any

from billow.api import rows
from billow.core.payments import Succeeded
from billow.flows.papers import receipt
from billow.flows.payments import postings
from billow.flows.payments.locked_attempt import Case
from billow.resources import payment_method as methods
from billow.resources.charge import Charge
from billow.store.ids import new_id
from billow.store.tx import Tx

AGREED = {
    "advice_code": None,
    "network_advice_code": None,
    "network_decline_code": None,
    "network_status": "approved_by_network",
    "reason": None,
    "risk_level": "normal",
    "risk_score": 0,
    "seller_message": "Payment complete.",
    "type": "authorized",
}


def charged(tx: Tx, case: Case, outcome: Succeeded) -> Charge:
    """The charge that took the money, or holds it, and what of it reached our balance."""
    attempt = case.attempt
    id = attempt.charge or new_id(Charge.prefix)
    facts = {
        "status": "succeeded",
        "paid": True,
        "outcome": AGREED,
        "reference": outcome.reference,
        "receipt_url": receipt.url_of(tx, id),
        "payment_method_details": details_of(case, outcome),
    }
    if attempt.capture:
        movement = postings.insert_charge_transaction(tx, id, attempt.amount, attempt.currency, outcome.fee)
        facts |= {"captured": True, "amount_captured": attempt.amount, "balance_transaction": movement.id}
    return write(tx, case, id, "succeeded", facts)


def write(tx: Tx, case: Case, id: str, event: str, facts: dict[str, Any]) -> Charge:
    """A charge of an intent is new; one without was pending until now."""
    if case.charge:
        known = ("amount", "currency", "customer", "payment_method", "description", "payment_intent")
        said = {name: value for name, value in of_case(case).items() if name not in known}
        return rows.update(tx, case.charge, event=event, **{**said, **facts})
    return rows.insert(tx, Charge(id=id, **{**of_case(case), **facts}), event=event)


def of_case(case: Case) -> dict[str, Any]:
    """What a charge says of the try that it was."""
    method = case.method
    return {
        "amount": case.attempt.amount,
        "currency": case.attempt.currency,
        "customer": case.customer.id if case.customer else None,
        "payment_intent": case.intent.id if case.intent else None,
        "payment_method": method.id if method else None,
        "description": case.intent.description if case.intent else None,
        "payment_method_details": details_of(case),
        **({"billing_details": method.billing_details} if method else {}),
    }


def details_of(case: Case, said: Succeeded | None = None) -> dict[str, Any] | None:
    """The card of a try, and the names that bank and network gave it."""
    if case.method is None:
        return None
    card = {**methods.checked(case.method.card), "amount_authorized": case.attempt.amount}
    named = (
        {"authorization_code": said.authorization_code, "network_transaction_id": said.network_transaction_id}
        if said
        else {}
    )
    return {"card": {**charge_card(card), **named}, "type": "card"}


def charge_card(card: dict[str, Any]) -> dict[str, Any]:
    """A card as a charge remembers it: some of what the method knows, and what the network said."""
    kept = (
        "amount_authorized",
        "brand",
        "checks",
        "country",
        "exp_month",
        "exp_year",
        "fingerprint",
        "funding",
        "last4",
        "regulated_status",
        "wallet",
    )
    unused = dict.fromkeys(
        ("authorization_code", "installments", "mandate", "network_transaction_id", "three_d_secure")
    )
    most = {"maximum_amount_capturable": card.get("amount_authorized"), "status": "unavailable"}
    return {
        **{name: card.get(name) for name in kept},
        **unused,
        "extended_authorization": {"status": "disabled"},
        "incremental_authorization": {"status": "unavailable"},
        "multicapture": {"status": "unavailable"},
        "overcapture": most,
        "network": card.get("brand"),
        "network_token": {"used": False},
    }
