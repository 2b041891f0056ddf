"""Leave out of parameters what nobody may read later: card and account numbers, security codes, secrets."""

import re
from collections.abc import Mapping, Sequence
from numbers import Number
from typing import Any, Final

from stdnum import luhn

HIDDEN: Final = "[hidden]"
SECRETS: Final = frozenset(
    {
        "account_number",
        "bank_account_number",
        "client_secret",
        "cvc",
        "iban",
        "id_number",
        "password",
        "personal_id_number",
        "secret",
        "ssn_last_4",
    }
)
"""Names of parameters whose values are hidden, wherever they stand."""
GROUP = re.compile(r"\d+")
RUN = re.compile(r"\d+(?:[\s.-]{1,2}\d+)*")
SHORTEST, LONGEST = 12, 19
"""How many digits the number of a card has."""
TOKEN = re.compile(r"\b(?:sk|rk|ek|whsec)_[A-Za-z0-9_]{8,}|\b[A-Za-z0-9_]+_secret_[A-Za-z0-9]{8,}")


def redacted(value: Any) -> Any:
    """Return parameters with their secrets hidden: by the name, and by what a text looks like; files, too.

    >>> redacted({"card": {"number": "4242 4242 4242 4242", "exp_year": "2049", "cvc": "123"}})
    {'card': {'number': '[hidden]', 'exp_year': '2049', 'cvc': '[hidden]'}}
    >>> redacted({"description": "paid with 4242424242424242, order 1234567890123456"})
    {'description': 'paid with [hidden], order 1234567890123456'}
    """
    if isinstance(value, Mapping):
        hidden = SECRETS | {"number"} if "exp_month" in value else SECRETS  # a card's, also one mistyped
        return {name: HIDDEN if name in hidden else redacted(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [redacted(each) for each in value]
    if isinstance(value, str):
        return redacted_text(value)
    return value if value is None or isinstance(value, Number) else HIDDEN


def redacted_text(text: str) -> str:
    """Hide card numbers (12 to 19 digits with a right check digit, PCI DSS 3.4), keys and client secrets.

    >>> redacted_text("no. 12 4242 4242 4242 4242 12/34")
    'no. 12 [hidden] 12/34'
    """
    return TOKEN.sub(HIDDEN, RUN.sub(_without_cards, text))


def _without_cards(found: re.Match[str]) -> str:
    """Hide the card numbers in groups of digits, of which others may stand before or after a card's."""
    run, groups = found[0], list(GROUP.finditer(found[0]))
    kept, done, first = "", 0, 0
    while first < len(groups):
        last = _last_of_card([one[0] for one in groups[first : first + LONGEST]])
        if last is not None:
            kept += run[done : groups[first].start()] + HIDDEN
            done = groups[first + last].end()
        first += 1 if last is None else last + 1
    return kept + run[done:]


def _last_of_card(groups: Sequence[str]) -> int | None:
    """Return the last of the groups that are a card's number from the first on; None where they are none."""
    digits, found = "", None
    for place, group in enumerate(groups):
        digits += group
        if len(digits) > LONGEST:
            break
        if len(digits) >= SHORTEST and luhn.is_valid(digits):
            found = place
    return found
