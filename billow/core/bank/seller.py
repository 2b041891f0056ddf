"""Define the seller's bank account, which invoices are paid to."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SellerAccount:
    """A bank account. `bic` and `bankgiro` may be empty; `reference` says how references are written."""

    holder: str
    iban: str
    bic: str = ""
    bankgiro: str = ""
    reference: str = "rf"
    creditor_id: str = ""
    """The creditor identifier under which the seller debits accounts; empty: none are debited."""
    notice_days: int = 14
    """How many days before a debit its payer hears of it."""
