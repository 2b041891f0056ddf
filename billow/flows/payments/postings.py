"""Post taken and returned money to the balance and the ledger."""

from datetime import timedelta
from typing import Any

from billow.api import rows
from billow.flows.outside.outside import gateway
from billow.ledger import entries, post
from billow.resources.balance_transaction import BalanceTransaction
from billow.resources.charge import Charge
from billow.resources.refund import Refund
from billow.store.tx import Tx

AVAILABLE_AFTER = timedelta(days=2)


def arrived(tx: Tx, charge: str, amount: int, currency: str, fee: int) -> BalanceTransaction:
    """What of a charge reached our balance, less the gateway's fee."""
    kept = {
        "amount": fee,
        "application": None,
        "currency": currency,
        "description": "Gateway processing fees",
        "type": "payment_fee",
    }
    return moved(tx, charge, amount, currency, "charge", fee=fee, fee_details=[kept])


def left(tx: Tx, refund: Refund) -> BalanceTransaction:
    """What a refund took from our balance; the gateway keeps the fee that it had."""
    return moved(tx, refund.id, -refund.amount, refund.currency, "refund", description="REFUND FOR CHARGE")


def moved(tx: Tx, source: str, amount: int, currency: str, type: str, **more: Any) -> BalanceTransaction:
    return rows.insert(
        tx,
        BalanceTransaction(
            amount=amount,
            available_on=tx.now + AVAILABLE_AFTER,
            currency=currency,
            net=amount - more.get("fee", 0),
            reporting_category=type,
            source=source,
            type=type,
            **more,
        ),
    )


def post_taken(tx: Tx, charge: Charge, fee: int, invoice: str | None) -> None:
    """A payment settles what its invoice's customer owes; without an invoice it is a sale of its own."""
    name, amount, currency = gateway(tx).name, charge.amount_captured, charge.currency
    if invoice and charge.customer:
        taken = entries.payment_succeeded(name, charge.customer, currency, amount)
    else:
        taken = entries.sold(name, currency, amount)
    kept = entries.fee_charged(name, currency, fee)
    post.post(
        tx,
        [
            post.Posting(event, charge.id, tx.now, transfers, charge.customer, invoice)
            for event, transfers in (("payment.succeeded", taken), ("gateway.fee", kept))
        ],
    )


def post_returned(tx: Tx, refund: Refund) -> None:
    """Goodwill until a credit note says otherwise: granted, and sent."""
    sent = entries.refund_sent(gateway(tx).name, refund.currency, refund.amount)
    granted = entries.refund_granted(refund.currency, refund.amount)
    post.post(
        tx,
        [
            post.Posting(event, refund.id, tx.now, transfers, refund.customer)
            for event, transfers in (("refund.granted", granted), ("refund.sent", sent))
        ],
    )
