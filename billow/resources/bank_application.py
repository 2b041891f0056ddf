"""Bank applications: what the parts of a bank entry were used for."""

from datetime import datetime

from billow.api import fields as f
from billow.api.fields import SHOWN
from billow.api.resource import Resource

KINDS = ("balance", "given_back", "intent", "invoice", "refund", "rounding")


class BankApplication(Resource, object="bank_application", prefix="bap_", events=()):
    """A part of a bank entry that pays an invoice, is kept on a balance or returned, until it is undone.

    The API never shows it.
    """

    amount: int = f.amount(required=True)
    customer: str | None = f.text()
    entry: str = f.text(required=True)
    invoice: str | None = f.text()
    invoice_payment: str | None = f.text()
    kind: str = f.choice(SHOWN, *KINDS, required=True)
    payment_intent: str | None = f.text()
    """The intent without an invoice that it pays."""
    refund: str | None = f.text()
    """The refund that returns it to the customer, or gives it back to the customer's cash balance."""
    rounding: int = f.amount(default=0)
    """What was written off to settle the invoice, which was paid that much too little."""
    undone_at: datetime | None = f.timestamp()
