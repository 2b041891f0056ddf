"""Read decimals as programs write them: 0.00000083, and 8.3E-7 for the same."""

import re
from decimal import Decimal

from billow.core.money import decimal_text

_WITH_EXPONENT = re.compile(r"[+-]?(?=\.?[0-9])[0-9]{0,40}(?:\.[0-9]{0,40})?[eE]([+-]?[0-9]{1,3})")
FARTHEST = 50
"""The largest exponent that is written out: every limit on digits is below it."""


def written_out(text: str) -> str:
    """Return a decimal without its exponent: 8.3E-7 is 0.00000083, and 1.2e3 is 1200.

    Whatever is not a decimal with an exponent, or has a larger one, is returned as it is: the bound comes
    first, because 1E999999999 would take a gigabyte.
    """
    found = _WITH_EXPONENT.fullmatch(text)
    if found is None or abs(int(found[1])) > FARTHEST:
        return text
    return decimal_text(Decimal(text))
