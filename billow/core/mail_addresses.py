"""Check that a text is one mail address, or one line that can become the header of a mail."""

import re
import unicodedata

_ADDRESS = re.compile(r"(?P<mailbox>[^@,;:<>()\[\]\\\"]{1,64})@(?P<domain>[^@,;:<>()\[\]\\\"]+)")
_LABEL = re.compile(r"[\w](?:[\w-]{0,61}[\w])?")
INVISIBLE = ("Cc", "Cf", "Cs", "Co", "Cn", "Zs", "Zl", "Zp")
"""Categories of Unicode that no address has: control and format characters, and white space."""
BREAKING = ("Cc", "Cs", "Zl", "Zp")
"""Categories of Unicode that no single line has. Names may have spaces, joiners and marks of direction."""


def is_address(text: str) -> bool:
    """Return whether a text is exactly one address, without a name or quotes; letters of any script.

    >>> is_address("ann@example.com"), is_address("ü@bücher.example"), is_address("ann@localhost")
    (True, True, True)
    >>> is_address("a@x.ch,b@x.ch"), is_address("Ann <a@x.ch>"), is_address("a@x.ch\\nBcc: b")
    (False, False, False)
    """
    found = _ADDRESS.fullmatch(text)
    if found is None or any(unicodedata.category(letter) in INVISIBLE for letter in text):
        return False
    return all(_LABEL.fullmatch(label) for label in found["domain"].split("."))


def is_line(text: str) -> bool:
    """Return whether a text is one line: no line break, no tab, no NUL and no escape code."""
    return not any(unicodedata.category(letter) in BREAKING for letter in text)
