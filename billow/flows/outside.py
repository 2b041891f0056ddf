"""What lies outside the database: the gateway, the mail, receivers of webhooks, and who is selling."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from billow.core.dunning import SMART, Policy
from billow.providers.gateways import Gateway
from billow.providers.mail import Mailer
from billow.store.tx import Tx


@dataclass(frozen=True, slots=True)
class Outside:
    """Put together by app.py. `send` posts a webhook (URL, headers, body) and returns the status."""

    gateway: Gateway
    mailer: Mailer
    seller_name: str
    seller_address: tuple[str, ...]
    seller_tax_id: str
    base_url: str
    mail_from: str
    send: Callable[[str, dict[str, str], bytes], int]
    run_clock: Callable[[str, datetime], bool]
    """Runs what is due on a test clock up to an instant; False when somebody else is at it."""
    secret: bytes
    """Signs the addresses of hosted invoices."""
    dunning: Policy = SMART
    """When a failed payment is tried again, and what becomes of the subscription in the end."""


def of(tx: Tx) -> Outside:
    assert isinstance(tx.outside, Outside), "the database was opened without its outside"
    return tx.outside
