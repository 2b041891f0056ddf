"""SEPA collections: direct debits in files, and what the bank said of each."""

from billow.api import fields as f
from billow.api.fields import SHOWN
from billow.api.resource import Resource

STATES = ("exported", "settled", "rejected", "returned")


class SepaCollection(Resource, object="sepa_collection", prefix="sco_", events=()):
    """A direct debit in a file. The API never shows it."""

    amount: int = f.amount(required=True)
    attempt: str = f.text(required=True)
    """The attempt that it collects, in one file only."""
    batch: str = f.text(required=True)
    booked_as: str = f.text(required=True)
    """Our name of the part of the file that the bank books as one sum."""
    collect_on: str = f.text(required=True)
    end_to_end: str = f.text(required=True)
    mandate: str = f.text(required=True)
    reason: str | None = f.text()
    """The reason of the bank that rejected or returned it."""
    sequence: str = f.choice(SHOWN, "FRST", "RCUR", required=True)
    state: str = f.choice(SHOWN, *STATES, default="exported")
