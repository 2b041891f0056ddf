"""Reach what lies outside the database: gateways, mail, webhook receivers; know the seller."""

from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from billow.core.bank.matching import Rules
from billow.core.bank.seller import SellerAccount
from billow.core.dunning import SMART, Policy
from billow.core.errors import Inconsistent, Refused, Unavailable
from billow.flows.outside.gateways import Configured, missing
from billow.providers.gateways import Gateway, accounts
from billow.providers.mail import Mailer
from billow.providers.places import Places
from billow.providers.posting import Post
from billow.providers.registers import Register
from billow.providers.taxes import TaxSource
from billow.store.clocks import utc_now
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
    places: Places | None = None
    """Says where IP addresses are; None where there is no database of them."""
    tax_source: TaxSource | None = None
    """Decides automatic tax in place of billow's own sources; None where these do."""
    account: SellerAccount | None = None
    """The bank account that invoices are paid to; None where they name none."""
    bank: Rules = field(default_factory=Rules)
    """How payments by bank are applied that are not exactly what is owed."""
    configured: Configured = field(default_factory=Configured)
    """The gateways that accounts have configured besides."""
    mail_senders: tuple[str, ...] = ()
    """The domains that accounts may send mails from; a star is any of them."""
    now: Callable[[], datetime] = utc_now
    """The time on the wall."""
    dunning: Policy = SMART
    """When a failed payment is tried again, and what happens to the subscription after the last retry."""


def outside_of(tx: Tx) -> Outside:
    """Return the outside that the transaction carries."""
    if not isinstance(tx.outside, Outside):
        raise Inconsistent("The database was opened without its outside.")
    return tx.outside


def has_gateway(tx: Tx) -> bool:
    """Check whether payments can be taken: by the gateway of the mode, or by one of the account's own."""
    found = outside_of(tx)
    return mode_of(tx) in found.gateways or any(one.active for one in found.configured.routes(tx))


def gateway(tx: Tx) -> Gateway:
    """Return the first gateway of the account, or that of its mode; refuse where there is none."""
    return gateway_for(tx)


def gateway_for(tx: Tx, *, currency: str | None = None, type: str | None = None) -> Gateway:
    """Return the gateway that takes payments of a currency and method type; refuse where none does.

    It is the first of those that the account has configured; the next one takes over while it does not
    answer. Without one of its own it is the gateway of the account's mode.
    """
    found = outside_of(tx)
    chosen = found.configured.choose(tx, currency, type)
    if chosen is None and mode_of(tx) in found.gateways:
        return found.gateways[mode_of(tx)]
    if chosen is None and any(one.active for one in found.configured.routes(tx)):
        raise missing(currency, type)
    if chosen is None:
        raise Refused(NO_GATEWAY, code="testmode_charges_only")
    return chosen


def gateway_of(tx: Tx, name: str | None, currency: str | None, type: str) -> Gateway:
    """Return the gateway that charges or sets up a method: the one that stores it, by its name.

    A method that no gateway stores, such as a bank transfer, is charged by the one that is configured for it.
    Refuses where no gateway takes payments.
    """
    if name is None or not has_gateway(tx):
        return gateway_for(tx, currency=currency, type=type)
    route = next((one for one in outside_of(tx).configured.routes(tx) if one.name == name), None)
    if route is not None and route.active and not route.takes(currency, type):
        raise missing(currency, type)
    return gateway_named(tx, name)


def gateway_named(tx: Tx, name: str | None) -> Gateway:
    """Return the gateway that holds a method, an attempt or a dispute; without a name, that of the mode.

    One that takes no new payments any more is still found. Raises `Unavailable` for one that is gone.
    """
    found = outside_of(tx)
    of_mode = found.gateways.get(mode_of(tx))
    if of_mode is not None and name in (None, of_mode.name):
        return of_mode
    route = next((one for one in found.configured.routes(tx) if name in (None, one.name)), None)
    if route is not None:
        return found.configured.gateway(tx, route)
    if of_mode is not None:
        return of_mode
    if name is None:
        raise Refused(NO_GATEWAY, code="testmode_charges_only")
    raise Unavailable(f"The gateway {name} is not configured any more.")


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
