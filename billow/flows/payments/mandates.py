"""Write the mandates that customers give for later debits, and find those that are in force."""

from typing import Any

from billow.api import rows
from billow.api.fields import seconds
from billow.core.errors import Refused, require
from billow.flows.papers import links
from billow.resources.intent_shapes import Acceptance, MandateData
from billow.resources.mandate import Mandate
from billow.resources.payment_method import PaymentMethod
from billow.resources.payment_method_types import BY_NAME
from billow.store.ids import new_id
from billow.store.tx import Tx


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


def of_intent(tx: Tx, method: PaymentMethod, sent: MandateData | None, noun: str) -> Mandate | None:
    """Return the mandate of a confirmation: one that is given with it, or that is in force.

    Refuses a method that needs a mandate and has none. `noun` is that of the intent: `payment_intent`.
    """
    if sent:
        return write(tx, method, sent.customer_acceptance)
    found = in_force(tx, method)
    if found is None and needs_one(method):
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
    tx: Tx, method: PaymentMethod, acceptance: Acceptance, once: dict[str, Any] | None = None
) -> Mandate:
    """Write the mandate that a customer gives for later debits of a payment method, or for one of them."""
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
            payment_method_details={method.type: details_of(tx, method, id), "type": method.type},
        ),
        event=None,
    )


def details_of(tx: Tx, method: PaymentMethod, id: str) -> dict[str, Any]:
    """Return what a mandate shows of its type: its reference, and the page where its text is."""
    details = dict(BY_NAME[method.type].mandate or {})
    if "reference" in details:
        details["reference"] = id.removeprefix(Mandate.prefix)[:16].upper()
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
