"""Refund intents that were paid by bank transfer: the customer's cash balance gets its cash back."""

from billow.api import rows
from billow.api.params import merged
from billow.core.errors import Refused, require
from billow.core.money import show
from billow.flows.bank import cash_balance
from billow.flows.invoices import refund_grants
from billow.flows.payments import postings, refunds
from billow.ledger import entries, post
from billow.resources.bank_application import BankApplication
from billow.resources.bank_entry import BankEntry
from billow.resources.payment_intent import PaymentIntent
from billow.resources.refund import Refund
from billow.store import clocks
from billow.store.tx import Tx

TYPE = "customer_balance"


def is_of_cash(tx: Tx, wanted: refunds.Create) -> bool:
    """Check whether a request is to refund an intent that succeeded without a charge, by transfers."""
    if wanted.charge or not wanted.payment_intent:
        return False
    intent = rows.find(tx, PaymentIntent, wanted.payment_intent, param="payment_intent")
    return intent.status == "succeeded" and intent.latest_charge is None and intent.customer is not None


def create(tx: Tx, wanted: refunds.Create) -> Refund:
    """Give the cash that an intent has used back to its customer's cash balance, at once.

    Locks the customer and the transfers. Emits `refund.created`, then
    `customer_cash_balance_transaction.created` for each transfer.
    """
    intent = rows.find(tx, PaymentIntent, wanted.payment_intent or "", param="payment_intent")
    require(
        intent.invoice is None,
        "This PaymentIntent has paid an invoice by bank transfer: give it back by a credit note.",
        param="payment_intent",
    )
    for name in ("reverse_transfer", "refund_application_fee"):
        require(not getattr(wanted, name), "A bank transfer was divided with nobody.", param=name)
    tx = clocks.of_customer(tx, intent.customer or "")
    left = left_of(tx, intent)
    amount = checked(intent, wanted.amount, sum(left.values()))
    refund = rows.insert(
        tx,
        Refund(
            amount=amount,
            currency=intent.currency,
            customer=intent.customer,
            emitted=True,
            granted=refund_grants.without_tax(amount),
            instructions_email=wanted.instructions_email,
            metadata=merged({}, wanted.metadata),
            method_type=TYPE,
            payment_intent=intent.id,
            reason=wanted.reason,
            status="succeeded",
        ),
        event="created",
    )
    granted = postings.transfers_of_grant(refund, refund_grants.granted_of(refund))
    postings.post_events(tx, refund, {"refund.granted": granted})
    for entry in rows.lock_many(tx, BankEntry, list(left)):
        if part := min(left[entry.id], amount):
            give(tx, entry, refund, part)
            amount -= part
    return refund


def checked(intent: PaymentIntent, wanted: int | None, left: int) -> int:
    """Return the amount of a refund; refuse more than is left of what the intent has used."""
    if not left:
        raise Refused(
            f"There is nothing to refund of this PaymentIntent ({intent.id}).", code="charge_already_refunded"
        )
    amount = left if wanted is None else wanted
    require(
        amount <= left,
        f"Refund amount ({show(amount, intent.currency)}) is greater than what is left of the payment"
        f" ({show(left, intent.currency)})",
        param="amount",
    )
    return amount


def left_of(tx: Tx, intent: PaymentIntent) -> dict[str, int]:
    """Return what can be given back of each transfer that an intent has used."""
    return dict(
        tx.tuples(
            "select entry, sum(case when kind = 'intent' then amount else -amount end)::bigint"
            " from bank_applications where undone_at is null and (payment_intent = %(id)s"
            " or kind = 'given_back'"
            " and refund in (select r.id from refunds r where r.payment_intent = %(id)s))"
            " group by entry order by entry",
            id=intent.id,
        )
    )


def give(tx: Tx, entry: BankEntry, refund: Refund, amount: int) -> None:
    """Give a part of a transfer, which is locked, back to the customer's cash balance."""
    made = rows.insert(
        tx,
        BankApplication(
            amount=amount, customer=refund.customer, entry=entry.id, kind="given_back", refund=refund.id
        ),
    )
    moved = entries.cash_returned(refund.currency, -amount)
    post.post(tx, [post.Posting("bank.given_back", made.id, tx.now, moved, refund.customer)])
    rows.update(tx, entry, event=None, state="queued", unapplied=entry.unapplied + amount)
    said = {"refund": refund.id}
    cash_balance.record(
        tx, entry, refund.customer or "", amount, "refunded_from_payment", refunded_from_payment=said
    )


def undo(tx: Tx, application: BankApplication) -> None:
    """Take back what was given back of a transfer that is not there any more: nothing was paid with it.

    Emits `refund.updated` and `refund.failed`.
    """
    refund = rows.lock(tx, Refund, application.refund or "")
    undone = {
        "bank.given_back.undone": entries.cash_returned(refund.currency, application.amount),
        "refund.revoked": entries.refund_granted(refund.currency, -application.amount),
    }
    whose = (application.id, tx.now)
    post.post(tx, [post.Posting(event, *whose, moved, refund.customer) for event, moved in undone.items()])
    if refund.status == "succeeded":
        events = ("updated", "failed")
        rows.update(tx, refund, event=events, status="failed", failure_reason="insufficient_funds")
