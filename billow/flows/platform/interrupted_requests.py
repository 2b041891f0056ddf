"""Answer a request that is sent again after a crash interrupted it."""

from functools import partial

from billow.api import rows
from billow.api.operation import Call, Unsettled
from billow.api.resource import Resource
from billow.core import lifecycle
from billow.core.errors import Refused
from billow.flows.payments import charges, collect, setup_intents
from billow.flows.payments.pay_invoice import decline_error
from billow.flows.subscriptions.create import conclude, keep_if_paid
from billow.resources.attempt import Attempt
from billow.resources.charge import Charge
from billow.resources.invoice import Invoice
from billow.resources.payment_intent import PaymentIntent
from billow.resources.setup_intent import SetupIntent
from billow.resources.subscription import Subscription
from billow.store import idempotency
from billow.store.tx import Tx


def outcome_of(tx: Tx, call: Call, request: str) -> Resource | Refused | None:
    """Find what an interrupted request did: its object as it is now, or the decline.

    Returns None if it changed nothing and may run again. While an attempt to take money is processing, the
    gateway is asked once more; an attempt that it leaves in processing is answered as processing.
    """
    key = call.idempotency_key or ""
    attempts = rows.select(tx, Attempt, "request = %(request)s", request=request)
    unsettled = [attempt.id for attempt in attempts if attempt.state == "processing"]
    if unsettled and not call.asked:
        raise Unsettled(partial(collect.find_out, ids=unsettled))
    traces = tx.one("select 1 from events where request->>'id' = %(id)s limit 1", id=request)
    if not attempts and not traces:
        return None
    found = object_of(tx, call.verb.resource, attempts[-1]) if attempts else None
    if found is not None:
        return answer(tx, found)
    if attempts and call.verb.resource is Subscription and attempts[-1].payment_intent:
        # The subscription was taken back, since its first payment failed (error_if_incomplete).
        return decline_error(tx, rows.find(tx, PaymentIntent, attempts[-1].payment_intent))
    raise idempotency.unknown(key, request)


def object_of(tx: Tx, cls: type[Resource] | None, attempt: Attempt) -> Resource | None:
    """Find the object that a request created or changed, from the attempt to take money that it made."""
    intent = rows.find_many(tx, PaymentIntent, [attempt.payment_intent or ""])
    invoice = rows.find_many(tx, Invoice, [attempt.invoice or ""])
    charge = rows.find_many(tx, Charge, [attempt.charge or ""])
    ids = {
        "payment_intent": attempt.payment_intent
        or next((one.payment_intent for one in charge.values()), None),
        "setup_intent": attempt.setup_intent,
        "charge": attempt.charge or next((row.latest_charge for row in intent.values()), None),
        "credit_note": credit_note_of(tx, attempt.refund) if attempt.refund else None,
        "refund": attempt.refund,
        "invoice": attempt.invoice,
        "subscription": next((row.subscription for row in invoice.values()), None),
    }
    id = ids.get(cls.object) if cls else None
    return rows.find_many(tx, cls, [id]).get(id) if cls and id else None


def credit_note_of(tx: Tx, refund: str) -> str | None:
    """Find the credit note that a refund was made for."""
    row = tx.one(
        "select id from credit_notes where refunds @> jsonb_build_array(jsonb_build_object('refund',"
        " %(id)s::text)) limit 1",
        id=refund,
    )
    return row["id"] if row else None


def answer(tx: Tx, found: Resource) -> Resource | Refused:
    """Answer as the verb would have: with the object, or with 402 if its payment was declined."""
    if isinstance(found, Subscription) and found.provisional:
        return keep_if_paid(tx, found.id)
    if isinstance(found, Subscription):
        return conclude(tx, found.id)
    if isinstance(found, Charge) and found.status == "failed":
        return charges.decline_error(found)
    if isinstance(found, SetupIntent):
        return setup_intents.answer_of(tx, found.id)
    if isinstance(found, PaymentIntent) and found.status == "requires_payment_method":
        return decline_error(tx, found)
    if isinstance(found, Invoice) and found.status in lifecycle.PAYABLE and found.payment_intent:
        return decline_error(tx, rows.find(tx, PaymentIntent, found.payment_intent))
    return found
