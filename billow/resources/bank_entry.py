"""Bank entries: payments on bank statements, and payments that were recorded by hand."""

from billow.api import fields as f
from billow.api.fields import SHOWN
from billow.api.resource import Resource

STATES = ("new", "queued", "applied", "ignored", "outgoing", "reversed")
MANUAL = "manual"
"""The account of payments that were recorded by hand."""
PRETENDED = "pretended"
"""The account of transfers that no bank has made."""


class BankEntry(Resource, object="bank_entry", prefix="bte_", table="bank_entries", events=()):
    """A payment on a bank statement, and what became of it. The API never shows it."""

    account: str = f.text(required=True)
    amount: int = f.amount(required=True)
    """In minor units; negative where money left the account."""
    bank_reference: str | None = f.text()
    batch: str | None = f.text()
    booked_on: str = f.text(required=True)
    code: str | None = f.text()
    currency: str = f.currency(required=True)
    customer: str | None = f.text()
    end_to_end: str | None = f.text()
    iban: str | None = f.text()
    """The account of the payer, or of the payee where money left."""
    identity: str = f.text(required=True)
    """What the entry is recognized by when it is imported again (core/bank/statement.py)."""
    mandate: str | None = f.text()
    name: str | None = f.text()
    part: int = f.integer(default=0)
    reason: str | None = f.text()
    """Why nobody knows yet what it pays, or why it was ignored."""
    refund: str | None = f.text()
    """The refund of a cash balance whose transfer it is, or which it brings back."""
    return_reason: str | None = f.text()
    reversal: bool = f.boolean(default=False)
    reversed_by: str | None = f.text()
    rule: str | None = f.text()
    """How what it pays was found: a rule of core/bank/matching.py, or by hand."""
    state: str = f.choice(SHOWN, *STATES, default="new")
    statement: str | None = f.text()
    structured: str | None = f.text()
    text: str | None = f.text()
    unapplied: int = f.amount(default=0)
    """The part that is in the books as unapplied cash."""
    value_on: str | None = f.text()
    version: int = f.integer(default=0)
    """How often its state was changed by hand: each change is posted under its own source."""
