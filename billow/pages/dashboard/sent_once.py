"""Act once on a form, however often it is sent, as by a double click."""

from collections.abc import Mapping

from billow.core.errors import Refused
from billow.store import idempotency
from billow.store.ids import new_id
from billow.store.tx import Tx

FORM = "form_"
"""The prefix of the number of each form that is shown."""


def number() -> str:
    """Return the number of a form that is shown."""
    return new_id(FORM)


def is_repeated(tx: Tx, address: str, form: Mapping[str, str]) -> bool:
    """Tell whether a form was sent before to this address.

    Its number is kept in the transaction that acts, so what was refused can be sent again.
    """
    given = form.get("form", "")
    if not given.startswith(FORM):
        raise Refused("The form is not whole. Open it again.")
    said = {name: value for name, value in form.items() if name != "token"}
    key = f"dashboard {given}"
    try:
        known = idempotency.begin(tx, key, idempotency.fingerprint("POST", address, said), given)
    except Refused:
        raise Refused("This form was sent before. Look at what it did before you send another.") from None
    if known is None:
        idempotency.keep(tx, key, idempotency.Answer(303, b"", given))
    return known is not None
