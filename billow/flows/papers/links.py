"""Make and check the sealed links of hosted pages."""

import base64
import hashlib
import hmac

from billow.core.errors import Inconsistent
from billow.flows.outside.outside import Outside, of
from billow.store.tx import Tx


def seal(outside: Outside, tenant: str, id: str, kind: str = "invoice") -> str:
    """What makes the address of a hosted paper unguessable: a keyed hash of whose it is."""
    if not outside.secret:
        raise Inconsistent("Links cannot be signed without the installation's secret.")
    digest = hmac.new(outside.secret, f"{kind} {tenant} {id}".encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest[:18]).decode()


def url_of(tx: Tx, invoice: str) -> str:
    """The public address of an invoice; /pdf below it is the file."""
    outside = of(tx)
    return f"{outside.base_url}/i/{tx.tenant}/{invoice}/{seal(outside, tx.tenant, invoice)}"


def opens(outside: Outside, tenant: str, id: str, given: str, kind: str = "invoice") -> bool:
    """Whether an address ends in the right seal, which a caller may have written in any letters."""
    return hmac.compare_digest(seal(outside, tenant, id, kind).encode(), given.encode())
