"""Divide a payment between a platform and a connected account, and take it back with a refund."""

from collections.abc import Mapping
from typing import Any

from billow.api import rows
from billow.core.errors import require
from billow.core.money import proportional
from billow.flows.payments import able_accounts, application_fees, transfers
from billow.resources.application_fee import ApplicationFee, find_of
from billow.resources.charge import Charge
from billow.resources.payment_intent import PaymentIntent
from billow.resources.refund import Refund
from billow.resources.transfer import Transfer
from billow.store.ids import new_id
from billow.store.platforms import platform_of
from billow.store.tx import Tx

OF_INTENTS = (
    "application_fee_amount", "metadata", "on_behalf_of", "radar_options", "receipt_email", "shipping",
    "statement_descriptor", "statement_descriptor_suffix", "transfer_data", "transfer_group",
)  # fmt: skip
"""What the charge of an intent says as its intent does."""


def terms_of(intent: PaymentIntent) -> dict[str, Any]:
    """Return what a charge takes over from its intent."""
    terms = {name: getattr(intent, name) for name in OF_INTENTS}
    if terms["transfer_data"]:
        given = terms["transfer_data"]
        terms["transfer_data"] = {"amount": given.get("amount"), "destination": given["destination"]}
    return terms


def check_terms(tx: Tx, wanted: Any, amount: int, called: str) -> None:
    """Check the accounts that a payment names, and the shares of it: no more than the payment."""
    account, transfer = getattr(wanted, "on_behalf_of", None), wanted.transfer_data
    if account:
        able_accounts.check_on_behalf_of(tx, account)
    if transfer and getattr(transfer, "destination", None):
        able_accounts.find_destination(tx, transfer.destination, "transfer_data[destination]")
    fee = wanted.application_fee_amount
    require(
        not fee or transfer or is_connected(tx),
        f"Can only apply an application_fee_amount when the {called} is attempting a direct payment (using an"
        " OAuth key or Stripe-Account header) or destination payment (using `transfer_data[destination]`).",
        param="application_fee_amount",
    )
    require(
        fee is None or fee <= amount,
        "The application fee must be less than or equal to the payment amount.",
        param="application_fee_amount",
    )
    check_amount(transfer.amount if transfer else None, amount)


def check_amount(share: int | None, amount: int) -> None:
    require(
        share is None or share <= amount,
        "The transfer_data[amount] must be less than or equal to the payment amount.",
        param="transfer_data[amount]",
    )


def at_capture(tx: Tx, held: Charge | PaymentIntent, wanted: Any, amount: int) -> dict[str, Any]:
    """Return what a capture says of the shares of the platform and the account that it is transferred to."""
    shared: dict[str, Any] = {}
    if wanted.application_fee_amount is not None:
        require(
            held.transfer_data or is_connected(tx),
            "The application_fee_amount can be set where a payment with transfer_data is captured, or with"
            " the Stripe-Account header.",
            param="application_fee_amount",
        )
        require(
            wanted.application_fee_amount <= amount,
            "The application fee must be less than or equal to the payment amount.",
            param="application_fee_amount",
        )
        shared["application_fee_amount"] = wanted.application_fee_amount
    if wanted.transfer_data:
        require(
            held.transfer_data,
            "The transfer_data can be set where a payment with transfer_data is created.",
            param="transfer_data",
        )
        check_amount(wanted.transfer_data.amount, amount)
        shared["transfer_data"] = {**(held.transfer_data or {}), "amount": wanted.transfer_data.amount}
    return shared


def is_connected(tx: Tx) -> bool:
    """Check whether the account is connected to a platform, which may keep a fee of its payments."""
    return platform_of(tx) is not None


def names(terms: Charge | PaymentIntent) -> dict[str, Any]:
    """Return the ids that a captured charge gives to its transfer and its fee."""
    found = {}
    if terms.transfer_data:
        found["transfer"] = new_id(Transfer.prefix)
    if terms.application_fee_amount:
        found["application_fee"] = new_id(ApplicationFee.prefix)
    return found


def own_fee(terms: Charge | PaymentIntent | None, captured: int) -> int:
    """Return the fee that the account of a charge owes its platform itself: that of a direct charge.

    It is at most what is captured.
    """
    return min(terms.application_fee_amount or 0, captured) if terms and not terms.transfer_data else 0


def divide(tx: Tx, charge: Charge) -> None:
    """Transfer the share of a captured charge, and keep the platform's fee, in the books of both.

    Emits `transfer.created` and `application_fee.created`.
    """
    if charge.transfer and charge.transfer_data:
        send(tx, charge, charge.transfer, charge.transfer_data)
    elif charge.application_fee and (platform := platform_of(tx)):
        with tx.within(platform) as there:
            application_fees.keep(there, fee_of(charge, tx.account, charge.id, None))


def send(tx: Tx, charge: Charge, transfer: str, data: Mapping[str, Any]) -> None:
    """Transfer the share of a charge to its destination, at most what was captured, less the fee."""
    amount = min(data.get("amount") or charge.amount_captured, charge.amount_captured)
    fee = min(charge.application_fee_amount or 0, amount)
    made = transfers.move(
        tx,
        Transfer(
            id=transfer,
            amount=amount,
            currency=charge.currency,
            destination=data["destination"],
            destination_payment=new_id(transfers.PAYMENT),
            source_transaction=charge.id,
            transfer_group=transfers.group_of(charge),
        ),
        fee,
    )
    if fee and charge.application_fee:
        kept = fee_of(charge, data["destination"], made.destination_payment or "", charge.id)
        application_fees.keep(tx, kept.but(amount=fee))


def fee_of(charge: Charge, account: str, payment: str, origin: str | None) -> ApplicationFee:
    return ApplicationFee(
        id=charge.application_fee or "",
        account=account,
        amount=min(charge.application_fee_amount or 0, charge.amount_captured),
        charge=payment,
        currency=charge.currency,
        originating_transaction=origin,
    )


def check_refund(charge: Charge, reverse: bool, fee: bool) -> None:
    """Refuse to take back a share or a fee of a charge that has none."""
    require(
        not reverse or charge.transfer,
        f"Charge {charge.id} does not have an associated transfer, so it cannot be reversed.",
        param="reverse_transfer",
    )
    require(
        not fee or charge.application_fee,
        f"Charge {charge.id} does not have an associated application fee to refund.",
        param="refund_application_fee",
    )


def take_back(tx: Tx, charge: Charge, refund: Refund) -> dict[str, Any]:
    """Take back what a refund asks for, in proportion to it; return what it changes on the refund.

    Emits `transfer.reversed` and `application_fee.refunded`.
    """
    changes: dict[str, Any] = {}
    if refund.reverse_transfer and charge.transfer:
        transfer = rows.lock(tx, Transfer, charge.transfer)
        share = proportional(transfer.amount, refund.amount, charge.amount_captured)
        amount = min(share, transfer.amount - transfer.amount_reversed)
        if amount:
            made = transfers.take_back(tx, transfer, amount, {}, refund.id)
            changes["transfer_reversal"] = made.id
    if refund.refund_application_fee:
        give_back_fee(tx, charge, refund)
    return changes


def give_back_fee(tx: Tx, charge: Charge, refund: Refund) -> None:
    """Refund the platform's fee in proportion to a refund of its charge."""
    found = find_of(tx, charge.id)
    if found is None:
        return
    fee = rows.lock(tx, ApplicationFee, found.id)
    share = proportional(fee.amount, refund.amount, charge.amount_captured)
    amount = min(share, fee.amount - fee.amount_refunded)
    if amount:
        application_fees.give_back(tx, fee, amount, {})
