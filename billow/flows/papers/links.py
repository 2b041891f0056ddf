"""Make and check the sealed links of hosted pages."""

import base64
import hmac

from billow.core.errors import Inconsistent
from billow.flows.outside.outside import Outside, outside_of
from billow.store.tx import Tx


def seal(outside: Outside, tenant: str, id: str, kind: str = "invoice") -> str:
    """Return the seal that makes the address of a hosted page unguessable: a keyed hash of tenant and id."""
    if not outside.secret:
        raise Inconsistent("Links cannot be signed without the installation's secret.")
    digest = hmac.digest(outside.secret, f"{kind} {tenant} {id}".encode(), "sha256")
    return base64.urlsafe_b64encode(digest[:18]).decode()


def url_of(tx: Tx, invoice: str) -> str:
    """Return the public address of an invoice; `/pdf` below it is its PDF."""
    outside = outside_of(tx)
    return f"{outside.base_url}/i/{tx.tenant}/{invoice}/{seal(outside, tx.tenant, invoice)}"


def is_sealed(outside: Outside, tenant: str, id: str, given: str, kind: str = "invoice") -> bool:
    """Check the seal of an address, in constant time; `given` may be any text."""
    return hmac.compare_digest(seal(outside, tenant, id, kind).encode(), given.encode())


def checkout(tx: Tx, session: str) -> str:
    """Return the public address of a checkout session."""
    return address(tx, "c", session, "checkout session")


def recovery(tx: Tx, session: str) -> str:
    """Return the address at which an expired checkout session can be begun again."""
    return f"{address(tx, 'c', session, 'checkout session')}/recover"


def payment_link(tx: Tx, link: str) -> str:
    """Return the public address of a payment link; each visit creates a checkout session."""
    return address(tx, "b", link, "payment link")


def portal(tx: Tx, session: str) -> str:
    """Return the address of a session of the billing portal."""
    return address(tx, "p", session, "portal session")


def login(tx: Tx, login: str) -> str:
    """Return the address of a mail that leads into the billing portal once."""
    return address(tx, "l", login, "portal login")


def authentication(tx: Tx, intent: str) -> str:
    """Return the address at which a customer confirms a payment or setup intent to the bank."""
    return address(tx, "a", intent, "action")


def collection(tx: Tx, id: str) -> str:
    """Return the address that leads a customer to the gateway's page; below it, `/back` takes them back."""
    return address(tx, "g", id, "method collection")


def mandate(tx: Tx, mandate: str) -> str:
    """Return the address of the page that says what a mandate allows."""
    return address(tx, "d", mandate, "mandate")


def account(tx: Tx, about: str) -> str:
    """Return the address at which the holder of a connected account says what is missing."""
    return address(tx, "o", about, "connected account")


def address(tx: Tx, page: str, id: str, kind: str) -> str:
    """Return the sealed address of a page about an object; the seal of one kind opens no other."""
    outside = outside_of(tx)
    return f"{outside.base_url}/{page}/{tx.tenant}/{id}/{seal(outside, tx.tenant, id, kind)}"
