"""Number the forms that are shown, so that one that is sent twice, as by a double click, acts once."""

from collections.abc import Mapping

from billow.core.errors import Refused
from billow.store import idempotency
from billow.store.ids import new_id
from billow.store.tx import Tx

FORM = "form_"
"""The prefix of the number of each form that is shown."""


def new() -> str:
    return new_id(FORM)


def is_repeated(tx: Tx, path: str, form: Mapping[str, str]) -> bool:
    """Tell whether a form was sent before, as by a double click, which must not act twice.

    Its number is kept in the transaction that acts, so what was refused can be sent again.
    """
    number = form.get("form", "")
    if not number.startswith(FORM):
        raise Refused("The form is not whole. Open it again.")
    said = {name: value for name, value in form.items() if name != "token"}
    key = f"dashboard {number}"
    try:
        known = idempotency.begin(tx, key, idempotency.fingerprint("POST", path, said), number)
    except Refused:
        raise Refused("This form was sent before. Look at what it did before you send another.") from None
    if known is None:
        idempotency.keep(tx, key, idempotency.Answer(303, b"", number))
    return known is not None
