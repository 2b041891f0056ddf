"""Define the seller's bank account, which invoices are paid to."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SellerAccount:
    """A bank account, known by its IBAN, its Bankgiro number or both.

    `reference` says how references are written. A Bankgiro alone takes OCR numbers only.
    """

    holder: str
    iban: str = ""
    bic: str = ""
    bankgiro: str = ""
    reference: str = "rf"
    creditor_id: str = ""
    """The creditor identifier under which the seller debits accounts; empty: none are debited."""
    notice_days: int = 14
    """How many days before a debit its payer hears of it."""

    @property
    def takes_transfers(self) -> bool:
        """Whether it says enough for a customer to pay to it."""
        return bool(self.iban or self.bankgiro)

    @property
    def written_as(self) -> str:
        """Return how its references are written: rf or ocr."""
        return self.reference if self.iban else "ocr"
