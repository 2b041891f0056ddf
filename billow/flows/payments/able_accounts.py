"""Check that a connected account may charge, or be paid: its holder has said what is due."""

from typing import Any

from billow.api import rows
from billow.core.errors import Refused
from billow.resources.connected_account import ConnectedAccount
from billow.store.tx import Tx

CANNOT = "Your account cannot currently make charges."
CANNOT_LIVE = (
    "This Connect account cannot currently make live charges. The `requirements.disabled_reason` property on"
    " the account will provide information about why this account is currently disabled. If you are a"
    " customer trying to make a purchase, please contact the owner of this site. Your transaction has not"
    " been processed."
)
NO_CARDS = "You cannot create a charge on a connected account without the `card_payments` capability enabled."
NO_TRANSFERS = (
    "Your destination account needs to have at least one of the following capabilities enabled: transfers,"
    " crypto_transfers, legacy_payments"
)


def may_charge(tx: Tx) -> bool:
    """Check whether the account of the transaction may charge: only one that is connected may not."""
    found = tx.one("select may_charge from accounts where id = %(id)s", id=tx.account)
    return found is None or bool(found["may_charge"])


def check_charges(tx: Tx) -> None:
    """Refuse a charge of an account whose holder has not said what is due, or that was rejected."""
    if not may_charge(tx):
        raise cannot(tx)


def cannot(tx: Tx) -> Refused:
    return Refused(CANNOT_LIVE if tx.livemode else CANNOT)


def check_on_behalf_of(tx: Tx, id: str) -> None:
    """Refuse a payment on behalf of an account that could not charge itself."""
    account = rows.find(tx, ConnectedAccount, id, param="on_behalf_of")
    if account.rejected or not account.details_submitted:
        raise cannot(tx)
    if account.capabilities.get("card_payments") != "active":
        raise Refused(NO_CARDS, param="on_behalf_of")


def check_agreed(tx: Tx, transfer: Any, on_behalf_of: str | None) -> None:
    """Refuse to agree on shares of a subscription, quote or session with an account that cannot have any."""
    if on_behalf_of:
        rows.find(tx, ConnectedAccount, on_behalf_of, param="on_behalf_of")
    if transfer:
        find_destination(tx, transfer.destination, "transfer_data[destination]")


def find_destination(tx: Tx, id: str, param: str) -> ConnectedAccount:
    """Find the account that a share goes to; refuse one that cannot be paid."""
    found = rows.find_many(tx, ConnectedAccount, [id]).get(id)
    if found is None:
        raise Refused(f"No such destination: '{id}'", param=param, code="resource_missing")
    if found.capabilities.get("transfers") != "active":
        raise Refused(NO_TRANSFERS, code="insufficient_capabilities_for_transfer")
    return found
