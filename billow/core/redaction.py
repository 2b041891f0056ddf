"""Leave out of parameters what nobody may read later: card and account numbers, security codes, secrets."""

import re
from collections.abc import Mapping
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
DIGITS = re.compile(r"\d(?:[ -]?\d){11,18}")
TOKEN = re.compile(r"\b(?:sk|rk|ek|whsec)_[A-Za-z0-9_]{8,}|\b[A-Za-z0-9_]+_secret_[A-Za-z0-9]{8,}")


def redacted(value: Any) -> Any:
    """Return parameters with their secrets hidden: by the name, and by what a text looks like.

    >>> redacted({"card": {"number": "4242 4242 4242 4242", "exp_year": "2049", "cvc": "123"}})
    {'card': {'number': '[hidden]', 'exp_year': '2049', 'cvc': '[hidden]'}}
    >>> redacted({"description": "paid with 4242424242424242, order 1234567890123456"})
    {'description': 'paid with [hidden], order 1234567890123456'}
    """
    if isinstance(value, Mapping):
        return {name: HIDDEN if name in SECRETS else redacted(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [redacted(each) for each in value]
    return redacted_text(value) if isinstance(value, str) else value


def redacted_text(text: str) -> str:
    """Hide card numbers (12 to 19 digits with a right check digit, PCI DSS 3.4), keys and client secrets."""
    return TOKEN.sub(HIDDEN, DIGITS.sub(_hidden_card, text))


def _hidden_card(found: re.Match[str]) -> str:
    digits = re.sub(r"\D", "", found[0])
    return HIDDEN if luhn.is_valid(digits) else found[0]
