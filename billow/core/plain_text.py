"""Make control characters visible, so that a text cannot control the terminal that shows it."""

import unicodedata

PICTURES = 0x2400
"""Where Unicode has a visible picture of each control character: ␛ for escape."""
DELETE, DELETE_PICTURE = 0x7F, "\N{SYMBOL FOR DELETE}"
DIRECTIONS = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Marks that turn the direction of writing, and so the order in which a line is read."""


def plain(text: object) -> str:
    """Return one line in which control characters, line ends and marks of direction are visible.

    >>> plain("a\\x1b[31mb\\nc\\x7f"), plain("1\\u202e2"), plain("\\x9b1m"), plain("Zoë\\u2028")
    ('a␛[31mb␊c␡', '1\\\\u202e2', '\\\\x9b1m', 'Zoë\\\\u2028')
    """
    shown = str(text)
    return shown if shown.isprintable() else "".join(map(_visible, shown))


def plain_lines(text: str) -> str:
    """Do the same for a text of several lines, and keep its newlines."""
    return "\n".join(plain(line) for line in text.split("\n"))


def _visible(letter: str) -> str:
    code = ord(letter)
    if code < 0x20:
        return chr(PICTURES + code)
    if code == DELETE:
        return DELETE_PICTURE
    if letter in DIRECTIONS or unicodedata.category(letter) in ("Cc", "Cs", "Zl", "Zp"):
        return letter.encode("unicode_escape").decode()
    return letter
