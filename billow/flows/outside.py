"""What lies outside the database: the gateway, the mail, receivers of webhooks, and who is selling."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime

from billow.core.dunning import SMART, Policy
from billow.providers.gateways import Gateway
from billow.providers.mail import Mailer
from billow.providers.posting import Post
from billow.store.tx import Tx


@dataclass(frozen=True, slots=True)
class Outside:
    """Put together by app.py."""

    gateway: Gateway
    mailer: Mailer
    seller_name: str
    seller_address: tuple[str, ...]
    seller_tax_id: str
    base_url: str
    mail_from: str
    posting: Callable[[], AbstractAsyncContextManager[Post]]
    """Opens what posts webhooks, on connections that are kept as long as it is open."""
    run_clock: Callable[[str, datetime], bool]
    """Runs what is due on a test clock up to an instant; False when somebody else is at it."""
    secret: bytes
    """Signs the addresses of hosted invoices."""
    dunning: Policy = SMART
    """When a failed payment is tried again, and what becomes of the subscription in the end."""


def of(tx: Tx) -> Outside:
    assert isinstance(tx.outside, Outside), "the database was opened without its outside"
    return tx.outside
