"""Bank statements that were imported, and files that were set aside."""

from billow.api import fields as f
from billow.api.fields import SHOWN
from billow.api.resource import Resource


class BankStatement(Resource, object="bank_statement", prefix="bst_", events=()):
    """A statement of the seller's bank account, or a file that is none. The API never shows it."""

    account: str | None = f.text()
    """The account: an IBAN, or another number. A file that was set aside may name none."""
    closed_on: str | None = f.text()
    closing: int | None = f.amount()
    currency: str | None = f.currency()
    digest: str = f.text(required=True)
    """The SHA-256 of the file."""
    file: str = f.text(required=True)
    name: str | None = f.text()
    """The bank's own id of the statement."""
    opening: int | None = f.amount()
    reason: str | None = f.text()
    """Why the file was set aside."""
    state: str = f.choice(SHOWN, "imported", "set_aside", required=True)
