"""Is a text one mail address, or one line, as what becomes a header of a mail or a line of a bank must be?"""

import re
import unicodedata

_ADDRESS = re.compile(r"(?P<mailbox>[^@,;:<>()\[\]\\\"]{1,64})@(?P<domain>[^@,;:<>()\[\]\\\"]+)")
_LABEL = re.compile(r"[\w](?:[\w-]{0,61}[\w])?")
INVISIBLE = ("Cc", "Cf", "Cs", "Co", "Cn", "Zs", "Zl", "Zp")
"""Categories of Unicode that no address has: control and format characters, and white space."""
BREAKING = ("Cc", "Cs", "Zl", "Zp")
"""Categories of Unicode that no single line has. Names may have spaces, joiners and marks of direction."""


def is_address(text: str) -> bool:
    """Whether a text is exactly one address, without a name: letters of any script, and no quoted mailbox.

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
    """Whether a text is one line: no line break, no tab, no NUL and no escape code."""
    return not any(unicodedata.category(letter) in BREAKING for letter in text)
