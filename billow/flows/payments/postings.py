"""Post payments and refunds to the balance and the ledger."""

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


def insert_charge_transaction(
    tx: Tx, charge: str, amount: int, currency: str, fee: int
) -> BalanceTransaction:
    """Insert the balance transaction of a captured charge, with the gateway's fee."""
    fee_detail = {
        "amount": fee,
        "application": None,
        "currency": currency,
        "description": "Gateway processing fees",
        "type": "payment_fee",
    }
    return insert_transaction(tx, charge, amount, currency, "charge", fee=fee, fee_details=[fee_detail])


def insert_refund_transaction(tx: Tx, refund: Refund) -> BalanceTransaction:
    """Insert the balance transaction of a refund; the gateway does not return its fee."""
    return insert_transaction(
        tx, refund.id, -refund.amount, refund.currency, "refund", description="REFUND FOR CHARGE"
    )


def insert_transaction(
    tx: Tx, source: str, amount: int, currency: str, type: str, **more: Any
) -> BalanceTransaction:
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


def post_payment(tx: Tx, charge: Charge, fee: int, invoice: str | None) -> None:
    """Post a captured charge and its fee to the ledger.

    The payment of an invoice settles what the customer owes; without an invoice it is a sale.
    """
    name, amount, currency = gateway(tx).name, charge.amount_captured, charge.currency
    if invoice and charge.customer:
        payment = entries.payment_succeeded(name, charge.customer, currency, amount)
    else:
        payment = entries.sold(name, currency, amount)
    gateway_fee = entries.fee_charged(name, currency, fee)
    post.post(
        tx,
        [
            post.Posting(event, charge.id, tx.now, transfers, charge.customer, invoice)
            for event, transfers in (("payment.succeeded", payment), ("gateway.fee", gateway_fee))
        ],
    )


def post_refund(tx: Tx, refund: Refund) -> None:
    """Post a refund to the ledger: granted as goodwill, since it has no credit note, and sent."""
    sent = entries.refund_sent(gateway(tx).name, refund.currency, refund.amount)
    granted = entries.refund_granted(refund.currency, refund.amount)
    post.post(
        tx,
        [
            post.Posting(event, refund.id, tx.now, transfers, refund.customer)
            for event, transfers in (("refund.granted", granted), ("refund.sent", sent))
        ],
    )
