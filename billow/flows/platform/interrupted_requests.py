"""Answer a request that is sent again after a crash interrupted it."""

from functools import partial

from billow.api import rows
from billow.api.operation import Call, Unsettled
from billow.api.resource import Resource
from billow.core.errors import Refused
from billow.flows.payments import charges, collect
from billow.flows.payments.pay_invoice import decline_error
from billow.flows.subscriptions.create import conclude, kept_or_not
from billow.resources.attempt import Attempt
from billow.resources.charge import Charge
from billow.resources.invoice import Invoice
from billow.resources.payment_intent import PaymentIntent
from billow.resources.subscription import Subscription
from billow.store import idempotency
from billow.store.tx import Tx


def became(tx: Tx, call: Call, request: str) -> Resource | Refused | None:
    """The object as it is now, or the decline; None where the request left no trace and may begin again.

    While an attempt to take money is open, only the gateway knows: it is asked once more, and what it then
    leaves in processing is told as that.
    """
    key = call.idempotency_key or ""
    attempts = rows.select(tx, Attempt, "request = %(request)s", request=request)
    open = [attempt.id for attempt in attempts if attempt.state == "processing"]
    if open and not call.asked:
        raise Unsettled(partial(collect.find_out, ids=open))
    traces = tx.one("select 1 from events where request->>'id' = %(id)s limit 1", id=request)
    if not attempts and not traces:
        return None
    found = subject(tx, call.verb.resource, attempts[-1]) if attempts else None
    if found is not None:
        return answer(tx, found)
    if attempts and call.verb.resource is Subscription and attempts[-1].payment_intent:
        # It was taken back, since its first payment failed (error_if_incomplete).
        return decline_error(tx, rows.find(tx, PaymentIntent, attempts[-1].payment_intent))
    raise idempotency.unknown(key, request)


def subject(tx: Tx, cls: type[Resource] | None, attempt: Attempt) -> Resource | None:
    """What the request was about, found from the money that it tried to move."""
    intent = rows.find_many(tx, PaymentIntent, [attempt.payment_intent or ""])
    invoice = rows.find_many(tx, Invoice, [attempt.invoice or ""])
    ids = {
        "payment_intent": attempt.payment_intent,
        "charge": attempt.charge or next((row.latest_charge for row in intent.values()), None),
        "refund": attempt.refund,
        "invoice": attempt.invoice,
        "subscription": next((row.subscription for row in invoice.values()), None),
    }
    id = ids.get(cls.object) if cls else None
    return rows.find_many(tx, cls, [id]).get(id) if cls and id else None


def answer(tx: Tx, found: Resource) -> Resource | Refused:
    """As the verb itself would have said it: an intent or an invoice that could not be paid is a 402."""
    if isinstance(found, Subscription) and found.provisional:
        return kept_or_not(tx, found.id)
    if isinstance(found, Subscription):
        return conclude(tx, found.id)
    if isinstance(found, Charge) and found.status == "failed":
        return charges.decline_error(found)
    if isinstance(found, PaymentIntent) and found.status == "requires_payment_method":
        return decline_error(tx, found)
    if isinstance(found, Invoice) and found.status in ("open", "uncollectible") and found.payment_intent:
        return decline_error(tx, rows.find(tx, PaymentIntent, found.payment_intent))
    return found
