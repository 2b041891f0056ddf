"""Post payments and refunds to the balance and the ledger."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from billow.api import rows
from billow.core.payments import Exchange, Succeeded
from billow.flows.invoices import refund_grants
from billow.flows.outside.outside import gateway
from billow.ledger import entries, post
from billow.ledger.chart import account_of
from billow.resources.balance_transaction import BalanceTransaction
from billow.resources.charge import Charge
from billow.resources.payment_record import PaymentRecord
from billow.resources.refund import Refund
from billow.store import bulk
from billow.store.tx import Tx

AVAILABLE_AFTER = timedelta(days=2)


@dataclass(frozen=True, slots=True)
class Captured:
    """A captured charge, as its balance transaction shows it; `fee` is the gateway's."""

    charge: str
    amount: int
    currency: str
    fee: int
    share: int = 0
    """What the account pays its platform of it."""
    at_once: bool = False
    """Whether the gateway makes the money available without the usual wait."""


def insert_charge_transactions(tx: Tx, captured: Sequence[Captured]) -> dict[str, BalanceTransaction]:
    """Insert the balance transactions of captured charges, in one statement; return them by charge."""
    made = [
        transaction(
            tx,
            one.charge,
            one.amount,
            one.currency,
            "charge",
            fee=one.fee + one.share,
            fee_details=fee_details(tx, one),
        ).but(available_on=tx.now if one.at_once else tx.now + AVAILABLE_AFTER)
        for one in captured
    ]
    return {one.source or "": one for one in rows.insert_many(tx, made)}


def fee_details(tx: Tx, captured: Captured) -> list[dict[str, Any]]:
    """Return the gateway's fee and the platform's, as the balance transaction of a charge shows them."""
    own = {
        "amount": captured.fee,
        "application": None,
        "currency": captured.currency,
        "description": "Gateway processing fees",
        "type": "payment_fee",
    }
    shared = platform_fee(captured.share, captured.currency, tx.account)
    return [*([shared] if captured.share else []), own]


def platform_fee(amount: int, currency: str, account: str) -> dict[str, Any]:
    """Return a platform's fee as the balance transaction of the account shows it that pays it."""
    return {
        "amount": amount,
        "application": f"ca_{account.removeprefix('acct_')}",
        "currency": currency,
        "description": "Application fee",
        "type": "application_fee",
    }


def insert_refund_transaction(tx: Tx, refund: Refund) -> BalanceTransaction:
    """Insert the balance transaction of a refund; the gateway does not return its fee."""
    made = transaction(
        tx, refund.id, -refund.amount, refund.currency, "refund", description="REFUND FOR CHARGE"
    )
    return rows.insert(tx, made)


def insert_failed_refund_transaction(tx: Tx, refund: Refund) -> BalanceTransaction:
    """Insert the balance transaction of a refund that failed after it was sent: its amount comes back."""
    made = transaction(
        tx, refund.id, refund.amount, refund.currency, "refund_failure", description="REFUND FAILURE"
    )
    return rows.insert(tx, made)


def transaction(
    tx: Tx, source: str, amount: int, currency: str, type: str, **more: Any
) -> BalanceTransaction:
    """Return a balance transaction that is not written yet; what leaves the balance does so at once."""
    return BalanceTransaction(
        amount=amount,
        available_on=tx.now if amount < 0 else tx.now + AVAILABLE_AFTER,
        currency=currency,
        net=amount - more.get("fee", 0),
        reporting_category=type,
        source=source,
        type=type,
        **more,
    )


@dataclass(frozen=True, slots=True)
class Payment:
    """A captured charge, the gateway's fee, and the invoice that it pays, if any."""

    charge: Charge
    fee: int
    """The gateway's, and the platform's that the account owes it."""
    invoice: str | None
    amount: int | None = None
    """What a capture has taken, if not the whole charge; its postings are those of `source`."""
    source: str = ""


def post_payments(tx: Tx, payments: Sequence[Payment]) -> None:
    """Post captured charges and their fees to the ledger.

    The payment of an invoice settles what the customer owes; without an invoice it is a sale.
    """
    post.post(
        tx,
        [
            post.Posting(
                event, one.source or one.charge.id, tx.now, transfers, one.charge.customer, one.invoice
            )
            for one in payments
            for event, transfers in (
                ("payment.succeeded", money_in(name_of(tx, one.charge), one)),
                ("gateway.fee", entries.fee_charged(name_of(tx, one.charge), one.charge.currency, one.fee)),
            )
        ],
    )


def money_in(gateway_name: str, payment: Payment) -> Sequence[entries.Transfer]:
    charge = payment.charge
    amount = charge.amount_captured if payment.amount is None else payment.amount
    if payment.invoice and charge.customer:
        return entries.payment_succeeded(gateway_name, charge.customer, charge.currency, amount)
    return entries.sold(gateway_name, charge.currency, amount)


def post_refund(tx: Tx, refund: Refund, charge: Charge) -> None:
    """Post a refund to the ledger: granted as goodwill, as far as it is on no credit note, and sent."""
    sent = entries.refund_sent(name_of(tx, charge), refund.currency, refund.amount)
    granted = transfers_of_grant(refund, refund_grants.granted_of(refund))
    post_events(tx, refund, {"refund.granted": granted, "refund.sent": sent})
    declare_taxes(tx, refund, "refund.granted", refund.id, refund_grants.granted_of(refund))


def post_failed_refund(tx: Tx, refund: Refund, charge: Charge) -> None:
    """Reverse the postings of a refund that failed after it was sent."""
    returned = entries.refund_sent(name_of(tx, charge), refund.currency, -refund.amount)
    revoked = entries.invoice_voided(transfers_of_grant(refund, refund_grants.granted_of(refund)))
    post_events(tx, refund, {"refund.returned": returned, "refund.revoked": revoked})
    declare_taxes(tx, refund, "refund.revoked", refund.id, refund_grants.granted_of(refund), sign=-1)


@dataclass(frozen=True, slots=True)
class Exchanged:
    """What a gateway has turned into another currency: of a charge or refund, what was left after the fee.

    Negative amounts leave our balance. `source` names the posting, `movement` the charge or refund.
    """

    source: str
    movement: str
    gateway: str
    currency: str
    amount: int
    into: Exchange
    customer: str | None


CONVERSION = "conversion"
"""The reporting category of the two balance transactions of a conversion."""


def post_exchanged(tx: Tx, one: Exchanged) -> None:
    """Move converted money on the balance and in the books; what it wins or loses stays as a difference."""
    received = one.into.amount - one.into.fee
    for amount, currency, rate in (
        (-one.amount, one.currency, None),
        (received, one.into.currency, one.into.rate),
    ):
        made = transaction(tx, one.movement, amount, currency, "adjustment", description="Conversion")
        available = tx.now + AVAILABLE_AFTER
        row = made.but(available_on=available, exchange_rate=rate, reporting_category=CONVERSION)
        rows.insert(tx, row)
    turned = entries.exchanged(one.gateway, one.currency, one.amount, one.into.currency, received)
    post.post(tx, [post.Posting("gateway.exchanged", one.source, tx.now, turned, one.customer)])


def undo_exchanged(tx: Tx, refund: Refund) -> None:
    """Turn the money of a refund that has failed back into the currency that the gateway took it from."""
    turned = tx.all(
        "select debit, credit, amount, currency from ledger_transfers where source = %(id)s"
        " and event = 'gateway.exchanged' order by sequence",
        id=refund.id,
    )
    back = [
        entries.Transfer(
            account_of(row["credit"], row["currency"]),
            account_of(row["debit"], row["currency"]),
            row["amount"],
        )
        for row in turned
    ]
    post.post(tx, [post.Posting("gateway.exchanged.undone", refund.id, tx.now, back, refund.customer)])
    for row in rows.select(
        tx,
        BalanceTransaction,
        "source = %(id)s and reporting_category = %(kind)s",
        "order by created, id",
        id=refund.id,
        kind=CONVERSION,
    ):
        again = transaction(tx, refund.id, -row.amount, row.currency, "adjustment", description="Conversion")
        rows.insert(tx, again.but(exchange_rate=row.exchange_rate, reporting_category=CONVERSION))


def exchanged_charge(charge: Charge, outcome: Succeeded, amount: int, source: str) -> list[Exchanged]:
    """Return what a payment that succeeded has turned into another currency, if anything."""
    if outcome.exchange is None or charge.gateway is None:
        return []
    net = amount - outcome.fee
    about = (charge.id, charge.gateway, charge.currency, net)
    return [Exchanged(source, *about, outcome.exchange, charge.customer)]


def declare_taxes(
    tx: Tx,
    refund: Refund | PaymentRecord,
    event: str,
    source: str,
    granted: Mapping[str, Any],
    *,
    sign: int = 1,
) -> None:
    """Note which bases and taxes an event of a refund takes back, by rate; negative ones it gives again.

    What a month has declared stays as it is: each event counts when it is, in the period that is open then.
    """
    shared = {
        "created": tx.now,
        "event": event,
        "source": source,
        "refund": refund.id if isinstance(refund, Refund) else None,
        "payment_record": refund.id if isinstance(refund, PaymentRecord) else None,
        "currency": refund.currency,
        "invoice": granted.get("invoice"),
    }
    records = [
        {
            **shared,
            **one,
            "amount": sign * one["amount"],
            "base": None if one["base"] is None else sign * one["base"],
        }
        for one in refund_grants.declared(granted)
        if one["base"] or one["amount"]
    ]
    bulk.insert_many(tx, "refund_taxes", (*shared, "tax_rate", "reason", "base", "amount"), records)


def transfers_of_grant(refund: Refund | PaymentRecord, granted: Mapping[str, Any]) -> list[entries.Transfer]:
    """Return the transfers of what a refund grants without a credit note."""
    taxes = [entries.Tax(tax["jurisdiction"], tax["amount"]) for tax in granted["taxes"]]
    return entries.refund_granted(refund.currency, granted["net"], taxes, refund_grants.nets_of(granted))


def post_events(tx: Tx, refund: Refund, postings: Mapping[str, Sequence[entries.Transfer]]) -> None:
    """Post the transfers of a refund's events."""
    post.post(
        tx,
        [
            post.Posting(event, refund.id, tx.now, transfers, refund.customer)
            for event, transfers in postings.items()
        ],
    )


def name_of(tx: Tx, charge: Charge) -> str:
    """Return the name of the gateway that holds the money of a charge."""
    return charge.gateway or gateway(tx).name
