"""Settle the gateway's answer to a capture, or to the raise of a hold: charge, balance, ledger, intent."""

from typing import Any

from billow.api import rows
from billow.core import lifecycle
from billow.core.payments import Outcome, Pending, Succeeded
from billow.flows.mails import outbox
from billow.flows.payments import attached, holds, payment_mails, postings, shares
from billow.flows.payments.settle_refund import close, load
from billow.resources.attempt import Attempt
from billow.resources.charge import Charge
from billow.resources.payment_intent import PaymentIntent
from billow.store import jobs
from billow.store.tx import Tx


def settle_capture(tx: Tx, attempt: Attempt, outcome: Outcome) -> None:
    """Apply the gateway's answer to a capture; what is left after the last one is released.

    Locks the customer and the charge. Emits `charge.captured`, or `charge.updated` if more captures follow.
    """
    tx, charge = load(tx, attempt)
    if isinstance(outcome, Pending):
        return
    close(tx, attempt, "succeeded" if isinstance(outcome, Succeeded) else "failed")
    if not isinstance(outcome, Succeeded):
        return
    changes = taken(tx, charge, attempt, outcome) if attempt.amount else {}
    if attempt.final:
        finish(tx, charge, attempt.amount, changes)
    else:
        go_on(tx, charge, attempt.amount, changes)


def taken(tx: Tx, charge: Charge, attempt: Attempt, outcome: Succeeded) -> dict[str, Any]:
    """Post what a capture has taken; return what that changes on the charge, which shows its first movement.

    Each capture has a balance transaction and postings of its own.
    """
    share = shares.own_fee(charge, charge.amount_captured + attempt.amount) if attempt.final else 0
    part = postings.Captured(charge.id, attempt.amount, charge.currency, outcome.fee, share, outcome.at_once)
    movement = postings.insert_charge_transactions(tx, [part])[charge.id]
    rows.update(tx, attempt, event=None, movement=movement.id)
    again = charge.amount_captured > 0
    paid = postings.Payment(
        charge, outcome.fee + share, None, attempt.amount, movement.id if again else charge.id
    )
    postings.post_payments(tx, [paid])
    for one in postings.exchanged_charge(charge, outcome, attempt.amount, paid.source):
        postings.post_exchanged(tx, one)
    return {
        "amount_captured": charge.amount_captured + attempt.amount,
        **({} if again else {"balance_transaction": movement.id}),
    }


def go_on(tx: Tx, charge: Charge, amount: int, changes: dict[str, Any]) -> None:
    """Record a capture that others follow: the rest stays held until it expires.

    Emits `charge.updated` and `payment_intent.amount_capturable_updated`.
    """
    charge = rows.update(tx, charge, event="updated", **changes)
    jobs.put(tx, "charge.expire", charge.id, holds.until(charge))
    intent = rows.lock(tx, PaymentIntent, charge.payment_intent or "")
    rows.update(
        tx,
        intent,
        event="payment_intent.amount_capturable_updated",
        amount_capturable=holds.hold_of(charge).left(),
        amount_received=intent.amount_received + amount,
    )


def finish(tx: Tx, charge: Charge, amount: int, changes: dict[str, Any]) -> None:
    """Record the last capture of a charge, or that the rest of its hold was let go after other captures.

    More than was held can have been taken: the charge and its intent are of that amount then.
    Emits `charge.captured` and `payment_intent.succeeded`.
    """
    whole = holds.hold_of(charge).whole(amount)
    given_back = charge.amount_refunded + whole - charge.amount_captured - amount
    captured = rows.update(
        tx,
        charge,
        event="charge.captured",
        **changes,
        **shares.names(charge),
        amount=whole,
        amount_refunded=given_back,
        captured=True,
        refunded=given_back == whole,
    )
    shares.divide(tx, captured)
    outbox.order(tx, [payment_mails.receipt_of(captured)])
    jobs.cancel(tx, "charge.expire", charge.id)
    if charge.payment_intent:
        intent = rows.lock(tx, PaymentIntent, charge.payment_intent)
        rows.update(
            tx,
            intent,
            event="payment_intent.succeeded",
            amount=whole,
            amount_capturable=0,
            amount_received=captured.amount_captured,
            status=lifecycle.after(lifecycle.PAYMENT_INTENT, intent.status, "capture"),
        )
        attached.settle_succeeded(tx, [intent.id])


def settle_increment(tx: Tx, attempt: Attempt, outcome: Outcome) -> None:
    """Apply the gateway's answer to the raise of a hold; one that was declined changes nothing.

    Locks the customer and the charge. Emits `charge.updated` and `payment_intent.amount_capturable_updated`.
    """
    tx, charge = load(tx, attempt)
    if isinstance(outcome, Pending):
        return
    close(tx, attempt, "succeeded" if isinstance(outcome, Succeeded) else "failed")
    if not isinstance(outcome, Succeeded):
        return
    amount = attempt.amount
    card = {**holds.card_of(charge), "amount_authorized": amount}
    most = {**card["overcapture"], "maximum_amount_capturable": outcome.most or amount}
    details = {**(charge.payment_method_details or {}), "card": {**card, "overcapture": most}}
    terms = attempt.terms or {}
    on_charge = {name: terms[name] for name in shares.OF_INTENTS if name in terms}
    rows.update(tx, charge, event="updated", **on_charge, amount=amount, payment_method_details=details)
    intent = rows.lock(tx, PaymentIntent, charge.payment_intent or "")
    rows.update(
        tx,
        intent,
        event="payment_intent.amount_capturable_updated",
        **terms,
        amount=amount,
        amount_capturable=amount,
    )
