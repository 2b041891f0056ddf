"""Tokens: what was typed into a form and is used once: a test card, or the security code of one."""

from typing import Any

from billow.api import fields as f
from billow.api import rows
from billow.api.resource import Resource
from billow.core.errors import Refused
from billow.store.tx import Tx


class Token(Resource, object="token", prefix="tok_", events=()):
    """A card that can be attached or charged once, or a security code. Only test mode makes tokens."""

    bank_account: dict[str, Any] | None = f.absent()
    card: dict[str, Any] | None = f.nested()
    client_ip: str | None = f.absent()
    type: str = f.choice(f.SHOWN, "card", "cvc_update", default="card")
    used: bool = f.boolean(default=False)

    reference: str = f.text(required=True, hidden=True)
    """The name of the test card, as the gateway knows it."""


def use(tx: Tx, id: str, param: str | None, type: str = "card") -> Token | None:
    """Return a token and mark it as used; refuse one that was used, or of another type.

    A ready token (tok_visa) is no row.
    """
    if not rows.find_many(tx, Token, [id]):
        return None
    found = rows.lock(tx, Token, id)
    if found.type != type:
        raise Refused(f"The token {id} is of the type {found.type}, not {type}.", param=param)
    if found.used:
        raise Refused(
            f"You cannot use a Stripe token more than once: {id}.", param=param, code="token_already_used"
        )
    return rows.update(tx, found, used=True)
