"""Compare what an answer shows with what was sent."""

from decimal import Decimal
from typing import Any


def agrees(sent: Any, shown: Any) -> bool:
    """Check whether a shown value is the one sent: every key sent of a hash, every element of a list."""
    if sent == {}:  # a form cannot send a hash of which nothing is said
        return not shown
    if isinstance(shown, dict) and isinstance(sent, dict):
        return all(name in shown and agrees(value, shown[name]) for name, value in sent.items())
    if isinstance(shown, list) and isinstance(sent, list):
        return len(sent) == len(shown) and all(map(agrees, sent, shown))
    if isinstance(shown, bool):
        return bool(sent == str(shown).lower())
    if isinstance(shown, int | float) or (isinstance(shown, str) and isinstance(sent, str)):
        return sent == str(shown) or (_number(sent) is not None and _number(sent) == _number(shown))
    if isinstance(shown, dict) and isinstance(sent, str):
        return bool(shown.get("id") == sent)
    return False


def _number(text: Any) -> Decimal | None:
    try:
        return Decimal(str(text))
    except ArithmeticError:
        return None
