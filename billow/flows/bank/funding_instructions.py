"""Say to which account a customer can transfer money in advance."""

from typing import Any

from billow.api import fields as f
from billow.api.params import Params
from billow.core.errors import require
from billow.flows.outside.seller import seller_of
from billow.flows.payments import transfer_instructions
from billow.flows.payments.transfer_instructions import TRANSFER
from billow.resources.customer import Customer
from billow.resources.customer_cash_balance_transaction import CustomerCashBalanceTransaction
from billow.store.tx import Tx

TYPES = (TRANSFER, "gb_bank_transfer", "jp_bank_transfer", "mx_bank_transfer", "us_bank_transfer")


class EuTransfer(Params):
    country: str = f.text(required=True, max=2)


class BankTransfer(Params):
    eu_bank_transfer: EuTransfer | None = f.nested(shape=EuTransfer)
    requested_address_types: list[str] | None = f.array(
        item=f.choice(f.SHOWN, "iban", "sort_code", "spei", "zengin")
    )
    type: str = f.choice(f.SHOWN, *TYPES, required=True)


class Wanted(Params):
    bank_transfer: BankTransfer = f.nested(shape=BankTransfer, required=True)
    currency: str = f.currency(required=True)
    funding_type: str = f.choice(f.SHOWN, "bank_transfer", required=True)


@Customer.below("POST", "funding_instructions", Wanted, of=CustomerCashBalanceTransaction)
def retrieve(tx: Tx, customer: Customer, wanted: Wanted) -> dict[str, Any]:
    """Say to which account a customer can transfer money in advance: the seller's, which is the same for all.

    Whose a transfer is, is known by the account that it comes from, or decided by hand.
    """
    asked = wanted.bank_transfer
    require(
        asked.type == TRANSFER,
        f"The seller's account takes transfers of the type {TRANSFER} only.",
        param="bank_transfer[type]",
    )
    account = seller_of(tx).account
    accepted = not asked.requested_address_types or "iban" in asked.requested_address_types
    country = account.iban[:2] if account else ""
    country = country or (asked.eu_bank_transfer or EuTransfer(country="")).country
    return {
        "object": "funding_instructions",
        "bank_transfer": {
            "country": country,
            "financial_addresses": transfer_instructions.addresses(account) if accepted else [],
            "type": TRANSFER,
        },
        "currency": wanted.currency,
        "funding_type": "bank_transfer",
        "livemode": tx.livemode,
    }
