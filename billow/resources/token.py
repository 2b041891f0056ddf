"""Tokens: test cards that were typed into a form, to be attached or charged once."""

from typing import Any

from billow.api import fields as f
from billow.api import rows
from billow.api.resource import Resource
from billow.core.errors import Refused
from billow.store.tx import Tx


class Token(Resource, object="token", prefix="tok_", events=()):
    """A card that can be attached to a customer or charged once. Only test mode makes tokens."""

    bank_account: dict[str, Any] | None = f.absent()
    card: dict[str, Any] = f.nested(required=True)
    client_ip: str | None = f.absent()
    type: str = f.absent("card")
    used: bool = f.boolean(default=False)

    reference: str = f.text(required=True, hidden=True)
    """The name of the test card, as the gateway knows it."""


def use(tx: Tx, id: str, param: str | None) -> Token | None:
    """Return a token and mark it as used; refuse one that was used. A ready token (tok_visa) is no row."""
    if not rows.find_many(tx, Token, [id]):
        return None
    found = rows.lock(tx, Token, id)
    if found.used:
        raise Refused(
            f"You cannot use a Stripe token more than once: {id}.", param=param, code="token_already_used"
        )
    return rows.update(tx, found, used=True)
