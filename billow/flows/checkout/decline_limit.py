"""Limit how often cards are declined on the pages of one customer, so that nobody tries stolen ones there."""

from datetime import timedelta

from billow.api import rows
from billow.api.fields import instant, seconds
from billow.core.errors import require
from billow.resources.customer import Customer
from billow.store.tx import Tx

MOST = 10
"""How many declines a customer's pages take within an hour."""
WITHIN = timedelta(hours=1)


def is_reached(tx: Tx, customer: Customer) -> bool:
    """Check whether too many cards were declined lately, by real time."""
    noted = customer.page_declines or {}
    since = instant(noted.get("since"))
    return since is not None and since > tx.wall - WITHIN and noted["count"] >= MOST


def check(tx: Tx, customer: str) -> None:
    """Refuse to ask a bank again for a customer whose cards were declined too often. Locks the customer."""
    found = rows.lock(tx, Customer, customer)
    require(not is_reached(tx, found), "Too many cards were declined. Please wait an hour.")


def note(tx: Tx, customer: str) -> None:
    """Count a decline; those of more than an hour ago are forgotten. Locks the customer."""
    found = rows.lock(tx, Customer, customer)
    noted = found.page_declines or {}
    since = instant(noted.get("since"))
    fresh = since is None or since <= tx.wall - WITHIN
    counted = {"count": 1, "since": seconds(tx.wall)} if fresh else {**noted, "count": noted["count"] + 1}
    rows.update(tx, found, event=None, page_declines=counted)
