"""Read what one payment by card is made with, and no later one: by mail order, or in installments."""

from typing import Any

from billow.api import rows
from billow.core import installments
from billow.core.errors import Refused, require
from billow.core.payments import MethodTerms
from billow.flows.outside.outside import gateway_of
from billow.flows.payments import intent_methods
from billow.resources import method_options, token
from billow.resources.attempt import Attempt
from billow.resources.payment_intent import PaymentIntent
from billow.resources.payment_method import PaymentMethod
from billow.resources.setup_intent import SetupIntent
from billow.store.tx import Tx

Intent = PaymentIntent | SetupIntent
Sent = dict[str, Any]
ONCE = ("cvc_token", "moto", "three_d_secure")
AT = "payment_method_options[card]"
NAMED = ("cryptogram", "transaction_id", "version")
"""What the result of 3D Secure must name to pay with it."""
RESULTS = {
    "A": ("attempt_acknowledged", None),
    "I": ("data_share_only", None),
    "N": ("failed", "rejected"),
    "R": ("failed", "rejected"),
    "U": ("processing_error", "protocol_error"),
}
"""What a charge says of the status that the bank has answered, and why; any other is authenticated."""


def said(options: Any, *, confirming: bool, browser: bool = False) -> Sent:
    """Return what the options of a request say of one payment; refuse what only a confirmation may say.

    A browser's key may not say that its customer needs no authentication.
    """
    card = (intent_methods.options_sent(options) if options else {}).get("card") or {}
    plan = (card.get("installments") or {}).get("plan")
    for name, value in (("cvc_token", card.get("cvc_token")), ("moto", card.get("moto"))):
        check_confirming(confirming or value is None, name)
    check_confirming(confirming or not plan, "installments][plan")
    for name in ("moto", "three_d_secure"):
        require(
            not (browser and card.get(name)),
            f"The parameter `{AT}[{name}]` can only be sent with a secret key.",
            param=f"{AT}[{name}]",
        )
    check_plan_named(plan)
    check_networks(card)
    terms = {name: card[name] for name in ONCE if card.get(name) is not None}
    own = of_other_types(options)
    return {**terms, "own": own} if own else terms


def of_other_types(options: Any) -> Sent:
    """Return what is said once of methods of other types, by type, which only their gateway understands."""
    sent = intent_methods.options_sent(options) if options else {}
    hidden = {name: keys for name, keys in method_options.NOT_SHOWN.items() if name != "card"}
    found = {
        name: {key: one[key] for key in hidden[name] if one.get(key) is not None}
        for name, one in sent.items()
        if name in hidden
    }
    return {name: own for name, own in found.items() if own}


def check_confirming(good: bool, name: str) -> None:
    path = f"{AT}[{name}]"
    require(good, f"The parameter `{path}` can only be provided during confirmation.", param=path)


def check_plan_named(plan: Sent | None) -> None:
    """Refuse a fixed plan that does not say how many payments it has, or how often they are."""
    for name in ("count", "interval"):
        require(
            not plan or plan.get("type") != "fixed_count" or plan.get(name),
            f"Missing required param: {AT}[installments][plan][{name}].",
            param=f"{AT}[installments][plan][{name}]",
            code="parameter_missing",
        )


def check_networks(card: Sent) -> None:
    """Refuse what only one network knows, where the request does not choose that network."""
    own = ((card.get("three_d_secure") or {}).get("network_options") or {}).get("cartes_bancaires")
    require(
        not own or card.get("network") == "cartes_bancaires",
        f"The parameter `{AT}[network]` must be `cartes_bancaires` for options of that network.",
        param=f"{AT}[network]",
    )


def check_payable(tx: Tx, intent: PaymentIntent, method: PaymentMethod) -> None:
    """Refuse terms that a card cannot be charged with; take a security code that was typed again."""
    terms, card = intent.card_terms or {}, (intent.payment_method_options or {}).get("card") or {}
    for name in NAMED:
        require(
            "three_d_secure" not in terms or terms["three_d_secure"].get(name),
            f"Missing required param: {AT}[three_d_secure][{name}].",
            param=f"{AT}[three_d_secure][{name}]",
            code="parameter_missing",
        )
    if method.type != "card":
        return
    require(
        not card.get("require_cvc_recollection") or method.customer is None or terms.get("cvc_token"),
        "This PaymentIntent requires the security code of a saved card again: provide it with"
        f" `{AT}[cvc_token]`.",
        param=f"{AT}[cvc_token]",
        code="parameter_missing",
    )
    chosen = card.get("installments") or {}
    require(
        not chosen.get("enabled") or not chosen.get("plan") or chosen["plan"] in chosen["available_plans"],
        "The selected installment plan is not available for this PaymentIntent. Choose one of its"
        f" `{AT}[installments][available_plans]`.",
        param=f"{AT}[installments][plan]",
    )
    if code := terms.get("cvc_token"):
        use_code(tx, intent, method, code)


def use_code(tx: Tx, intent: PaymentIntent, method: PaymentMethod, code: str) -> None:
    """Use the token of a security code once. Where another gateway has the card, the token is its own."""
    ours = token.use(tx, code, f"{AT}[cvc_token]", "cvc_update")
    if ours is None and gateway_of(tx, method.gateway, intent.currency, "card").name == "simulated":
        raise Refused(f"No such token: '{code}'", param=f"{AT}[cvc_token]", code="resource_missing")


def with_plans(tx: Tx, intent: PaymentIntent, method: PaymentMethod | None = None) -> Sent | None:
    """Return the options of an intent with the plans that its card can pay it in, where they are enabled."""
    if method is None and intent.payment_method and chosen_of(intent):
        method = rows.find(tx, PaymentMethod, intent.payment_method)
    return with_plans_of(intent, method)


def with_plans_of(intent: PaymentIntent, method: PaymentMethod | None) -> Sent | None:
    """Return the options of an intent with the plans that this card can pay it in."""
    options, chosen = intent.payment_method_options, chosen_of(intent)
    if not options or not chosen:
        return options
    plans = plans_for(intent, method) if chosen.get("enabled") else []
    shown = {**chosen, "available_plans": plans}
    return {**options, "card": {**options["card"], "installments": shown}}


def chosen_of(intent: Intent) -> Sent:
    """Return how an intent is paid in installments, as its options say."""
    return ((intent.payment_method_options or {}).get("card") or {}).get("installments") or {}


def plans_for(intent: PaymentIntent, method: PaymentMethod | None) -> list[Sent]:
    """Return the plans that the card of a method can pay an intent in."""
    if method is None or method.type != "card":
        return []
    card = method.card or {}
    return installments.plans(card.get("country"), card.get("funding"), intent.currency, intent.amount)


def of_attempt(intent: Intent, method: PaymentMethod) -> Sent | None:
    """Return what an attempt to pay or to set up a card says of it, once: the next one says it anew.

    The plan of an invoice is left out where the card that pays it has no such plan.
    """
    own = ((intent.card_terms or {}).get("own") or {}).get(method.type)
    if method.type != "card":
        return {"own": own} if own else None
    said = intent.card_terms or {}
    terms, chosen = {name: said[name] for name in ONCE if name in said}, chosen_of(intent)
    if isinstance(intent, PaymentIntent) and chosen.get("enabled"):
        terms |= {"plan": chosen["plan"]} if chosen.get("plan") in plans_for(intent, method) else {}
    return terms or None


def terms_of(attempt: Attempt) -> MethodTerms:
    """Return the terms of an attempt as the gateway gets them."""
    return MethodTerms(**(attempt.card_terms or {}))


def shown(attempt: Attempt) -> Sent:
    """Return what a charge or a setup attempt shows of the terms of its card."""
    terms = attempt.card_terms or {}
    found: Sent = {}
    if terms.get("moto"):
        found["moto"] = True
    if result := terms.get("three_d_secure"):
        outcome, why = RESULTS.get(result.get("ares_trans_status") or "Y", ("authenticated", None))
        found["three_d_secure"] = {
            "authentication_flow": "challenge" if result.get("ares_trans_status") == "C" else None,
            "electronic_commerce_indicator": result.get("electronic_commerce_indicator"),
            "exemption_indicator": result.get("exemption_indicator"),
            "exemption_indicator_applied": None,
            "result": outcome,
            "result_reason": why,
            "transaction_id": result.get("transaction_id"),
            "version": result.get("version"),
        }
    return found
