"""Create and cancel refunds."""

from typing import Any

from billow.api import fields as f
from billow.api import listing, rows
from billow.api.fields import CREATE
from billow.api.params import Params, merged
from billow.api.resource import Where
from billow.core.errors import Inconsistent, Refused, require
from billow.core.money import show
from billow.flows.outside.outside import gateway_named, has_gateway
from billow.flows.payments import collect, credit_refunds, late_payments, settle, settle_capture, shares
from billow.flows.payments.settle_refund import EXPIRED
from billow.resources.attempt import Attempt
from billow.resources.charge import Charge
from billow.resources.customer import Customer
from billow.resources.dispute import Dispute
from billow.resources.payment_intent import PaymentIntent
from billow.resources.payment_method import PaymentMethod
from billow.resources.refund import Refund
from billow.store import clocks
from billow.store.jobs import job
from billow.store.perform import Steps, ask
from billow.store.tx import Tx


class Create(Params):
    amount: int | None = f.amount(min=1)
    charge: str | None = f.text()
    currency: str | None = f.currency()
    customer: str | None = f.text()
    instructions_email: str | None = f.email()
    metadata: dict[str, str] = f.metadata()
    origin: str | None = f.choice(CREATE, "customer_balance")
    payment_intent: str | None = f.text()
    refund_application_fee: bool = f.boolean(default=False)
    reverse_transfer: bool = f.boolean(default=False)
    reason: str | None = f.choice(CREATE, "duplicate", "fraudulent", "requested_by_customer")


def create(tx: Tx, wanted: Create) -> Steps:
    """Refund a charge, or the successful charge of a payment intent: an amount, or all that is left."""
    tx, charge = lock_charge(tx, charge_of(tx, wanted))
    amount = wanted.amount if wanted.amount is not None else refundable_amount(tx, charge)
    check(tx, charge, amount)
    shares.check_refund(charge, wanted.reverse_transfer, wanted.refund_application_fee)
    attempt = begin(
        tx,
        charge,
        amount,
        reason=wanted.reason,
        metadata=merged({}, wanted.metadata),
        instructions_email=wanted.instructions_email,
        refund_application_fee=wanted.refund_application_fee,
        reverse_transfer=wanted.reverse_transfer,
    )
    credit_refunds.repeat(tx, rows.find(tx, Refund, attempt.refund or ""), charge)
    tx, outcome = yield ask(collect.carry_out, gateway_named(tx, attempt.gateway), attempt)
    settle.settle(tx, rows.lock(tx, Attempt, attempt.id), outcome)
    return rows.find(tx, Refund, attempt.refund or "")


def charge_of(tx: Tx, wanted: Create) -> Charge:
    """Return the charge to refund; if charge and payment intent are both given, they must belong together."""
    require(
        wanted.charge or wanted.payment_intent,
        "One of the following params should be provided for this request: payment_intent or charge.",
        code="parameter_missing",
    )
    charge = rows.find(tx, Charge, wanted.charge, param="charge") if wanted.charge else None
    if wanted.payment_intent is None:
        if charge is None:
            raise Inconsistent("A refund names a charge or a payment intent.")
        return charge
    intent = rows.find(tx, PaymentIntent, wanted.payment_intent, param="payment_intent")
    require(
        charge is None or charge.payment_intent == intent.id,
        f"The charge {wanted.charge} does not belong to the payment intent {intent.id}.",
        param="charge",
    )
    require(
        intent.status in ("succeeded", "requires_capture") and intent.latest_charge,
        f"This PaymentIntent ({intent.id}) does not have a successful charge to refund.",
        param="payment_intent",
    )
    return charge or rows.find(tx, Charge, intent.latest_charge or "")


def lock_charge(tx: Tx, charge: Charge) -> tuple[Tx, Charge]:
    """Lock a charge after its customer, who may be deleted by now, and enter the customer's time."""
    for customer in rows.lock_many(tx, Customer, [charge.customer] if charge.customer else []):
        tx = clocks.enter(tx, customer.test_clock)
    return tx, rows.lock(tx, Charge, charge.id)


def refundable_amount(tx: Tx, charge: Charge) -> int:
    """Return the amount that can still be refunded, less refunds that are pending."""
    found = tx.one(
        "select coalesce(sum(amount), 0) as n from refunds"
        " where charge = %(id)s and status in ('pending', 'requires_action')",
        id=charge.id,
    )
    if found is None:
        raise Inconsistent("A query of aggregates has one row.")
    taken = charge.amount if charge.captured else charge.amount_captured or charge.amount
    return int(taken - charge.amount_refunded - found["n"])


def left_to_refund(tx: Tx, charge: Charge) -> int:
    """Return what can be refunded of a charge now: nothing of one that is disputed or was transferred."""
    if not charge.reference or (charge.disputed and not is_won(tx, charge)):
        return 0
    return max(refundable_amount(tx, charge), 0)


def check(tx: Tx, charge: Charge, amount: int, param: str = "amount") -> None:
    require(
        charge.status == "succeeded",
        f"Charge {charge.id} was not successful, so there is nothing to refund.",
        param="charge",
        code="charge_not_refundable",
    )
    require(
        charge.reference,
        f"Charge {charge.id} was transferred from a platform, which can reverse the transfer.",
        param="charge",
        code="charge_not_refundable",
    )
    if charge.disputed and not is_won(tx, charge):
        raise Refused(
            f"Charge {charge.id} has been charged back; cannot issue a refund.",
            param="charge",
            code="charge_disputed",
        )
    left = refundable_amount(tx, charge)
    if left <= 0:
        raise Refused(f"Charge {charge.id} has already been refunded.", code="charge_already_refunded")
    require(
        amount <= left,
        f"Refund amount ({show(amount, charge.currency)}) is greater than unrefunded amount on charge"
        f" ({show(left, charge.currency)})",
        param=param,
    )
    require(
        charge.amount_captured or amount == charge.amount,
        "You cannot partially refund an uncaptured charge. Instead, capture the charge for an amount less"
        " than the original amount.",
        param=param,
    )


def is_won(tx: Tx, charge: Charge) -> bool:
    """Check whether every dispute of a charge was won, so that its money is there to be refunded."""
    lost = "charge = %(id)s and status not in ('won', 'warning_closed')"
    return not rows.select(tx, Dispute, lost, id=charge.id)


def processing_capture(tx: Tx, charge: Charge) -> Attempt | None:
    """Find a capture that was begun and not settled, so that it is requested again under its own id."""
    found = rows.select(
        tx, Attempt, "charge = %(id)s and kind = 'capture' and state = 'processing'", id=charge.id
    )
    return found[0] if found else None


def is_changing(tx: Tx, charge: Charge) -> bool:
    """Check whether a hold is being raised, or let go: what a refund does of which nothing was captured."""
    kinds = ["increment"] if charge.amount_captured else ["increment", "refund"]
    changing = "charge = %(id)s and kind = any(%(kinds)s) and state = 'processing'"
    return bool(rows.select(tx, Attempt, changing, id=charge.id, kinds=kinds))


def in_use(charge: Charge) -> Refused:
    """Return the error of a request that finds a charge being captured or let go; it may be sent again."""
    return Refused(
        f"Charge {charge.id} is being captured or let go by another request.", code="lock_timeout", status=429
    )


def begin(tx: Tx, charge: Charge, amount: int, **more: Any) -> Attempt:
    """Write the refund, and the attempt that finds out its outcome if this process dies.

    Refuses a hold that is being captured: what is let go would be what was taken.
    """
    if not charge.captured and (processing_capture(tx, charge) or is_changing(tx, charge)):
        raise in_use(charge)
    if not charge.reference:
        raise Inconsistent(f"The charge {charge.id} succeeded without a reference of the gateway.")
    known = rows.find_many(tx, PaymentMethod, [charge.payment_method] if charge.payment_method else [])
    refund = rows.insert(
        tx,
        Refund(
            amount=amount,
            charge=charge.id,
            currency=charge.currency,
            customer=charge.customer,
            payment_intent=charge.payment_intent,
            method_type=(charge.payment_method_details or {}).get("type"),
            payment_method=charge.payment_method if known else None,
            **more,
        ),
        event=None,
    )
    return collect.write_down(
        tx,
        Attempt(
            kind="refund",
            customer=charge.customer,
            charge=charge.id,
            refund=refund.id,
            amount=amount,
            currency=charge.currency,
            token=charge.reference,
            automatic=False,
            gateway=charge.gateway,
        ),
    )


@job("charge.expire", lane="outside", settled_by="attempt.resolve")
def expire(tx: Tx, refs: list[str]) -> Steps:
    """Release the hold of a charge that was not captured in time. Locks the customer and the charge.

    The bank lets go by itself what is left of one that was captured in part.
    """
    [found] = rows.find_all(tx, Charge, refs).values()
    if not has_gateway(tx):
        return None
    tx, charge = lock_charge(tx, found)
    if charge.captured or processing_capture(tx, charge):
        return None
    if charge.amount_captured:
        settle_capture.finish(tx, charge, 0, {})
        return None
    if refundable_amount(tx, charge) != charge.amount:
        return None
    attempt = begin(tx, charge, charge.amount, reason=EXPIRED)
    tx, outcome = yield ask(collect.carry_out, gateway_named(tx, attempt.gateway), attempt)
    settle.settle(tx, rows.lock(tx, Attempt, attempt.id), outcome)
    return None


@job(late_payments.RETURN, lane="outside", settled_by="attempt.resolve")
def return_late(tx: Tx, refs: list[str]) -> Steps:
    """Refund what is left of a payment that came too late for what it was to pay, and take its shares back.

    Locks the customer and the charge.
    """
    [found] = rows.find_all(tx, Charge, refs).values()
    tx, charge = lock_charge(tx, found)
    left = refundable_amount(tx, charge)
    if charge.disputed or left <= 0:
        return None
    attempt = begin(
        tx,
        charge,
        left,
        reason="duplicate",
        refund_application_fee=charge.application_fee is not None,
        reverse_transfer=charge.transfer is not None,
    )
    tx, outcome = yield ask(collect.carry_out, gateway_named(tx, attempt.gateway), attempt)
    settle.settle(tx, rows.lock(tx, Attempt, attempt.id), outcome)
    return None


@Charge.below("GET", "refunds", listing.Paging, of=Refund)
def of_charge(tx: Tx, charge: Charge, wanted: listing.Paging) -> listing.Page:
    """List the refunds of a charge."""
    where = Where("charge = %(charge)s", charge=charge.id)
    return listing.below(tx, Refund, where, wanted, f"/v1/charges/{charge.id}/refunds")


@Charge.below("GET", "refunds/{refund}", of=Refund)
def one_of_charge(tx: Tx, charge: Charge, id: str) -> Refund:
    """Retrieve a refund of a charge."""
    found = rows.find(tx, Refund, id)
    if found.charge != charge.id:
        raise rows.no_such(tx, Refund, id)
    return found
