"""Say in a `next_action` how a customer pays by bank transfer."""

from typing import Any

from billow.api import rows
from billow.core.bank import references
from billow.core.bank.seller import SellerAccount
from billow.flows.outside.seller import seller_of
from billow.resources.invoice import Invoice
from billow.resources.payment_intent import PaymentIntent
from billow.store.tx import Tx

KIND = "display_bank_transfer_instructions"
TRANSFER = "eu_bank_transfer"


def of(tx: Tx, intent: PaymentIntent) -> dict[str, Any]:
    """Return the account, the amount and the reference to transfer with; none where the seller names none."""
    account, id = seller_of(tx).account, intent.invoice or ""
    invoice = rows.find_many(tx, Invoice, [id]).get(id)
    number = invoice.payment_number if invoice else None
    shown = {
        "amount_remaining": intent.amount,
        "currency": intent.currency,
        "financial_addresses": addresses(account),
        "hosted_instructions_url": invoice.hosted_invoice_url if invoice else None,
        "reference": references.reference(account.written_as, number) if account and number else None,
        "type": TRANSFER,
    }
    return {"type": KIND, KIND: shown}


def addresses(account: SellerAccount | None) -> list[dict[str, Any]]:
    """Return the accounts that can be transferred to: those with an IBAN, as Stripe knows no Bankgiro."""
    blank = dict.fromkeys(("city", "country", "line1", "line2", "postal_code", "state"))
    return [
        {
            "iban": {
                "account_holder_address": blank,
                "account_holder_name": account.holder,
                "bank_address": blank,
                "bic": account.bic,
                "country": account.iban[:2],
                "iban": account.iban,
            },
            "supported_networks": ["sepa"],
            "type": "iban",
        }
        for account in ([account] if account and account.iban else [])
    ]
