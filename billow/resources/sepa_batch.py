"""SEPA batches: files of direct debits that were written for the bank."""

from billow.api import fields as f
from billow.api.resource import Resource


class SepaBatch(Resource, object="sepa_batch", prefix="sbt_", table="sepa_batches", events=()):
    """A file of direct debits, which stays as it was written. The API never shows it."""

    amount: int = f.amount(required=True)
    """The sum of its debits, in cents."""
    content: str = f.text(required=True)
    count: int = f.integer(required=True)
