"""Write texts in the characters that every SEPA bank takes, and cut them to their field."""

import re
from unicodedata import combining, normalize

# What has no decomposition, or another one than the banks' guides give.
SPELLED = str.maketrans({
    "ä": "ae", "ö": "oe", "ü": "ue", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue", "ß": "ss", "æ": "ae", "Æ": "Ae",
    "ø": "oe", "Ø": "Oe", "å": "a", "Å": "A", "đ": "d", "Đ": "D", "ł": "l", "Ł": "L", "þ": "th", "Þ": "Th",
    "ð": "d", "Ð": "D", "œ": "oe", "Œ": "Oe", "ı": "i", "ħ": "h", "Ħ": "H", "ŧ": "t", "Ŧ": "T", "ŋ": "n",
    "Ŋ": "N", "&": "+", "@": "(at)", "_": "-", "€": "EUR", "–": "-", "—": "-", "‐": "-", "’": "'", "‘": "'",
    "“": "'", "”": "'", '"': "'", "„": "'", "`": "'", "´": "'", ";": ",", "!": ".", "[": "(", "]": ")",
    "{": "(", "}": ")", "\\": "/", "|": "/", "*": ".", "#": ".", "=": "-", "~": "-", "%": ".", "$": ".",
})  # fmt: skip
FOREIGN = re.compile(r"[^A-Za-z0-9/?:().,'+ -]")


def sepa(text: str, most: int | None = None) -> str:
    """Return a text in the SEPA set: letters without accents, digits, space and / - ? : ( ) . , ' +.

    Any other character becomes a full stop, and it neither begins nor ends with a slash, nor holds two in
    a row, which mean something to banks.
    """
    plain = "".join(each for each in normalize("NFKD", text.translate(SPELLED)) if not combining(each))
    written = FOREIGN.sub(".", " ".join(plain.translate(SPELLED).split()))
    whole = re.sub("//+", "/", written).strip("/ ")
    return whole if most is None else whole[:most].rstrip("/ ")


def remittance(reference: str, text: str, most: int = 140) -> str:
    """Return the text of a payment: the reference first, so that whatever is cut, it is not the reference."""
    return sepa(f"{sepa(reference)} {sepa(text)}", most)
