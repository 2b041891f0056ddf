"""Write and show the charges that attempts made."""

from collections.abc import Sequence
from typing import Any

from billow.api import rows
from billow.core.payments import Succeeded
from billow.flows.papers import receipt
from billow.flows.payments import card_terms, holds, postings, shares
from billow.flows.payments.locked_attempt import Case
from billow.flows.payments.statement_lines import statement_descriptors
from billow.resources import payment_method as methods
from billow.resources.balance_transaction import BalanceTransaction
from billow.resources.charge import Charge
from billow.resources.payment_method import PaymentMethod
from billow.resources.payment_method_types import BY_NAME
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


def write_succeeded(tx: Tx, paid: Sequence[tuple[Case, Succeeded]]) -> list[Charge]:
    """Write the charges that succeeded, with their balance transactions. Emits `charge.succeeded`.

    A fixed number of statements for any number of charges of intents.
    """
    ids = [case.attempt.charge or new_id(Charge.prefix) for case, _ in paid]
    movements = postings.insert_charge_transactions(
        tx,
        [
            postings.Captured(
                id,
                case.attempt.amount,
                case.attempt.currency,
                outcome.fee,
                shares.own_fee(case.intent or case.charge, case.attempt.amount),
                outcome.at_once,
            )
            for id, (case, outcome) in zip(ids, paid, strict=True)
            if case.attempt.capture
        ],
    )
    made = [
        (case, id, success_facts(tx, case, outcome, id, movements.get(id)))
        for id, (case, outcome) in zip(ids, paid, strict=True)
    ]
    return write_all(tx, made, "succeeded")


def success_facts(
    tx: Tx, case: Case, outcome: Succeeded, id: str, movement: BalanceTransaction | None
) -> dict[str, Any]:
    """Return what success adds to a charge; it is captured if it has a balance transaction."""
    facts: dict[str, Any] = {
        "status": "succeeded",
        "paid": True,
        "outcome": AGREED,
        "reference": outcome.reference,
        "receipt_url": receipt.url_of(tx, id),
        "payment_method_details": details_of(case, outcome),
    }
    if movement is None:
        held = holds.held_until(facts["payment_method_details"], tx.now, outcome.allows)
        return facts | {"payment_method_details": held}
    terms = case.intent or case.charge
    return facts | {
        "captured": True,
        "amount_captured": movement.amount,
        "balance_transaction": movement.id,
        **(shares.names(terms) if terms else {}),
    }


def write_all(tx: Tx, made: Sequence[tuple[Case, str, dict[str, Any]]], event: str) -> list[Charge]:
    """Write the charges of attempts, each with its id and its facts, and emit the event for each.

    The charge of an intent is inserted; a charge without an intent was pending until now, and is updated.
    """
    new = [
        Charge(id=id, **{**of_case(case), **line_of(tx, case), **facts})
        for case, id, facts in made
        if case.charge is None
    ]
    written = {charge.id: charge for charge in rows.insert_many(tx, new, event=event)}
    known = (
        "amount",
        "currency",
        "customer",
        "payment_method",
        "description",
        "payment_intent",
        *shares.OF_INTENTS,
    )
    for case, id, facts in made:
        if case.charge:
            said = {name: value for name, value in of_case(case).items() if name not in known}
            written[id] = rows.update(tx, case.charge, event=event, **{**said, **facts})
    return [written[id] for _, id, _ in made]


def of_case(case: Case) -> dict[str, Any]:
    """Return what a charge says of its attempt."""
    method = case.method
    return {
        "amount": case.attempt.amount,
        "currency": case.attempt.currency,
        "customer": case.customer.id if case.customer else None,
        "payment_intent": case.intent.id if case.intent else None,
        "payment_method": method.id if method else None,
        "description": case.intent.description if case.intent else None,
        "gateway": case.attempt.gateway,
        "payment_method_details": details_of(case),
        **({"billing_details": method.billing_details} if method else {}),
        **(shares.terms_of(case.intent) if case.intent else {}),
    }


def line_of(tx: Tx, case: Case) -> dict[str, Any]:
    """Return what the charge of an intent has on the statement of its card, where it is of a card."""
    intent = case.intent
    if intent is None or case.method is None or case.method.type != "card":
        return {}
    return statement_descriptors(tx, intent.statement_descriptor, intent.statement_descriptor_suffix)


def details_of(case: Case, said: Succeeded | None = None) -> dict[str, Any] | None:
    """Return the card of an attempt, with the codes that the bank and the network gave it if it succeeded."""
    if case.method is None:
        return None
    if case.method.type != "card":
        return details_of_account(case.method, case.intent.mandate if case.intent else None)
    card = {**(methods.checked(case.method.card) or {}), "amount_authorized": case.attempt.amount}
    named = (
        {
            "authorization_code": said.authorization_code,
            "network_transaction_id": said.network_transaction_id,
            **holds.granted(said, case.attempt.amount),
        }
        if said
        else {}
    )
    terms = case.attempt.card_terms or {}
    shown = {**charge_card(card), **named, **card_terms.shown(case.attempt)}
    if terms.get("plan"):
        shown["installments"] = {"plan": terms["plan"]}
    if said and terms.get("cvc_token"):
        shown["checks"] = {**(shown["checks"] or {}), "cvc_check": "pass"}
    return {"card": shown, "type": "card"}


def details_of_account(method: PaymentMethod, mandate: str | None) -> dict[str, Any]:
    """Return the bank account or wallet of an attempt as its charge shows it, with its mandate."""
    left_out = ("generated_from", "networks", "status_details", "financial_connections_account")
    shown = {name: value for name, value in methods.hash_of(method).items() if name not in left_out}
    more = {"mandate": mandate} if BY_NAME[method.type].mandate is not None else {}
    return {method.type: {**shown, **more}, "type": method.type}


def charge_card(card: dict[str, Any]) -> dict[str, Any]:
    """Return a card as a charge shows it: some fields of the payment method, and those of the network."""
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
