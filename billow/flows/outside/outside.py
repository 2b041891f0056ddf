"""Reach what lies outside the database: gateways, mail, webhook receivers; know the seller."""

from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from billow.core.bank.matching import Rules
from billow.core.bank.seller import SellerAccount
from billow.core.dunning import SMART, Policy
from billow.core.errors import Inconsistent, Refused
from billow.providers.gateways import Gateway, accounts
from billow.providers.mail import Mailer
from billow.providers.posting import Post
from billow.providers.registers import Register
from billow.store.tx import Tx

NO_GATEWAY = (
    "Your account cannot currently make live charges: live mode has no payment gateway. Invoices can be sent"
    " (collection_method=send_invoice) and marked as paid (paid_out_of_band=true); cards are taken in test"
    " mode only."
)
"""The error in live mode without a gateway: Stripe's text for an account that is not activated, and what the
merchant can do instead."""
MAIL_PATIENCE = timedelta(days=3)
"""How long a mail that no server takes is tried again."""
MAIL_SENDING = timedelta(minutes=15)
"""Longer than sending a mail can take (providers/mail/smtp.py)."""


@dataclass(frozen=True, slots=True)
class Outside:
    """What a transaction reaches outside the database; built by app.py."""

    gateways: Mapping[str, Gateway]
    """The payment gateway of each mode, test and live. A mode that is not in it takes no payments."""
    mailer: Mailer
    seller_name: str
    seller_address: tuple[str, ...]
    seller_tax_id: str
    base_url: str
    mail_from: str
    posting: Callable[[], AbstractAsyncContextManager[Post]]
    """Opens a sender of webhooks, which keeps its connections as long as it is open."""
    run_clock: Callable[[str, datetime], bool]
    """Runs what is due on a test clock up to an instant; False while another worker runs it."""
    secret: bytes
    """Signs the addresses of hosted invoices."""
    register: Register | None = None
    """The register that tax ids are verified in; None where they are not verified."""
    account: SellerAccount | None = None
    """The bank account that invoices are paid to; None where they name none."""
    bank: Rules = field(default_factory=Rules)
    """How payments by bank are applied that are not exactly what is owed."""
    dunning: Policy = SMART
    """When a failed payment is tried again, and what happens to the subscription after the last retry."""


def outside_of(tx: Tx) -> Outside:
    """Return the outside that the transaction carries."""
    if not isinstance(tx.outside, Outside):
        raise Inconsistent("The database was opened without its outside.")
    return tx.outside


def has_gateway(tx: Tx) -> bool:
    """Check whether payments can be taken in the transaction's mode."""
    return mode_of(tx) in outside_of(tx).gateways


def gateway(tx: Tx) -> Gateway:
    """Return the gateway of the transaction's mode; refuse the request where there is none."""
    if not has_gateway(tx):
        raise Refused(NO_GATEWAY, code="testmode_charges_only")
    return outside_of(tx).gateways[mode_of(tx)]


def gateway_named(tx: Tx, name: str | None) -> Gateway:
    """Return the gateway that an attempt or a dispute names; without a name, the one of the mode."""
    return gateway(tx)


def refuse_test_card(tx: Tx, token: str, param: str | None = None) -> None:
    """Refuse a test card in live mode, named by its token or by its number."""
    if not tx.livemode or not accounts.is_test_method(token):
        return
    if not token.startswith(("pm_", "tok_")):
        raise declined_test_card(param)
    noun = "PaymentMethod" if token.startswith("pm_") else "token"
    raise Refused(
        f"No such {noun}: '{token}'; a similar object exists in test mode, but a live mode key was used to"
        " make this request.",
        param=param or "id",
        code="resource_missing",
        status=400 if param else 404,
    )


def declined_test_card(param: str | None = None) -> Refused:
    """Return the error of a test card that is used in live mode."""
    return Refused(
        "Your card was declined. Your request was in live mode, but used a known test card.",
        status=402,
        type="card_error",
        code="card_declined",
        decline_code="live_mode_test_card",
        param=param,
    )


def mode_of(tx: Tx) -> str:
    return "live" if tx.livemode else "test"
