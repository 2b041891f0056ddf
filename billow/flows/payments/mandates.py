"""Write the mandates that customers give for later debits, and find those that are in force."""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from billow.api import rows
from billow.api.fields import seconds
from billow.api.params import Params
from billow.core.errors import Refused, require
from billow.flows.papers import links
from billow.resources.intent_shapes import Acceptance, MandateData
from billow.resources.mandate import Mandate
from billow.resources.payment_intent import PaymentIntent
from billow.resources.payment_method import PaymentMethod
from billow.resources.payment_method_types import BY_NAME
from billow.resources.setup_intent import SetupIntent
from billow.store.ids import new_id
from billow.store.tx import Tx

PREFIXED = ("bacs_debit", "sepa_debit")
"""The types whose mandates have a reference that the seller may begin."""
PREFIX = re.compile(r"[A-Z0-9/_\-&. ]{1,12}")
NO_TERMS: Mapping[str, Any] = MappingProxyType({})
SHOWN_TERMS = {
    "acss_debit": ("default_for", "interval_description", "payment_schedule", "transaction_type"),
    "us_bank_account": ("collection_method",),
}
"""What a mandate shows of the options that it was given with."""


def in_force(tx: Tx, method: PaymentMethod) -> Mandate | None:
    """Find the mandate by which a payment method may be debited."""
    found = rows.select(
        tx, Mandate, "payment_method = %(id)s and status = 'active' and type = 'multi_use'", id=method.id
    )
    return found[0] if found else None


def needs_one(method: PaymentMethod) -> bool:
    """Check whether a method is debited by a mandate: a bank account, but neither card nor wallet."""
    kind = BY_NAME[method.type]
    return kind.mandate is not None and kind.delayed


def of_intent(
    tx: Tx, method: PaymentMethod, sent: MandateData | None, intent: PaymentIntent | SetupIntent
) -> Mandate | None:
    """Return the mandate of a confirmation: one that is given with it, or that is in force.

    Refuses a method that needs a mandate and has none.
    """
    if sent:
        return write(tx, method, sent.customer_acceptance, terms=terms_of(intent, method))
    found = in_force(tx, method)
    if found is None and needs_one(method):
        noun = intent.noun
        called = "PaymentIntent" if noun == "payment_intent" else "SetupIntent"
        raise Refused(
            f"This {called} requires a mandate, but no existing mandate was found. Collect mandate"
            " acceptance from"
            " the customer and try again, providing acceptance data in the mandate_data parameter.",
            param="mandate_data",
            code=f"{noun}_mandate_invalid",
        )
    return found


def write_single_use(
    tx: Tx, method: PaymentMethod, sent: MandateData | None, once: dict[str, Any]
) -> Mandate:
    """Write the mandate of one payment, of this amount and currency."""
    acceptance = sent.customer_acceptance if sent else Acceptance(type="offline")
    return write(tx, method, acceptance, once)


def write(
    tx: Tx,
    method: PaymentMethod,
    acceptance: Acceptance,
    once: dict[str, Any] | None = None,
    terms: Mapping[str, Any] = NO_TERMS,
) -> Mandate:
    """Write the mandate that a customer gives for later debits of a payment method, or for one of them.

    `terms` are the mandate's options of the intent.
    """
    id = new_id(Mandate.prefix)
    online = acceptance.online.shown() if acceptance.online else None
    accepted = {
        "accepted_at": seconds(acceptance.accepted_at or tx.now),
        acceptance.type: online if acceptance.type == "online" else {},
        "type": acceptance.type,
    }
    return rows.insert(
        tx,
        Mandate(
            id=id,
            customer_acceptance=accepted,
            multi_use=None if once else {},
            single_use=once,
            type="single_use" if once else "multi_use",
            payment_method=method.id,
            payment_method_details={method.type: details_of(tx, method, id, terms), "type": method.type},
        ),
        event=None,
    )


def terms_of(intent: PaymentIntent | SetupIntent, method: PaymentMethod) -> dict[str, Any]:
    """Return what the options of an intent say of the mandate of a payment method."""
    options = (intent.payment_method_options or {}).get(method.type) or {}
    return {name: value for name, value in (options.get("mandate_options") or {}).items() if value}


def check_prefixes(options: Params | None) -> None:
    """Refuse a prefix of mandate references that banks do not take, or that is Stripe's."""
    for type in PREFIXED:
        one = getattr(options, type, None)
        prefix = one.mandate_options.reference_prefix if one and one.mandate_options else None
        require(
            not prefix or (PREFIX.fullmatch(prefix) and not prefix.startswith("STRIPE")),
            "The mandate reference prefix must consist of only uppercase letters, numbers, spaces, or the"
            " following special characters: '/', '_', '-', '&', '.', and cannot begin with 'STRIPE'.",
            param=f"payment_method_options[{type}][mandate_options][reference_prefix]",
        )


def details_of(tx: Tx, method: PaymentMethod, id: str, terms: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a mandate shows of its type: its reference, its terms, and the page where its text is."""
    details = dict(BY_NAME[method.type].mandate or {})
    details |= {name: terms[name] for name in SHOWN_TERMS.get(method.type, ()) if name in terms}
    if "reference" in details:
        own = id.removeprefix(Mandate.prefix)[:16].upper()
        details["reference"] = f"{terms.get('reference_prefix', '')}{own}"
    if "url" in details:
        details["url"] = links.mandate(tx, id)
    return details


def covering(tx: Tx, id: str, method: str) -> Mandate:
    """Find a mandate that a request names; refuse one that does not cover the method now."""
    given = rows.find(tx, Mandate, id, param="mandate")
    require(
        given.payment_method == method and given.status == "active",
        f"The mandate {given.id} does not cover the payment method {method}.",
        param="mandate",
        code="payment_intent_mandate_invalid",
    )
    return given
