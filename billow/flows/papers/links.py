"""Make and check the sealed links of hosted pages."""

import base64
import hashlib
import hmac

from billow.core.errors import Inconsistent
from billow.flows.outside.outside import Outside, outside_of
from billow.store.tx import Tx


def seal(outside: Outside, tenant: str, id: str, kind: str = "invoice") -> str:
    """Return the seal that makes the address of a hosted page unguessable: a keyed hash of tenant and id."""
    if not outside.secret:
        raise Inconsistent("Links cannot be signed without the installation's secret.")
    digest = hmac.new(outside.secret, f"{kind} {tenant} {id}".encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest[:18]).decode()


def url_of(tx: Tx, invoice: str) -> str:
    """Return the public address of an invoice; `/pdf` below it is its PDF."""
    outside = outside_of(tx)
    return f"{outside.base_url}/i/{tx.tenant}/{invoice}/{seal(outside, tx.tenant, invoice)}"


def is_sealed(outside: Outside, tenant: str, id: str, given: str, kind: str = "invoice") -> bool:
    """Check the seal of an address, in constant time; `given` may be any text."""
    return hmac.compare_digest(seal(outside, tenant, id, kind).encode(), given.encode())
