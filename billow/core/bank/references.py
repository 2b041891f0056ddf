"""Make and recognize the references by which a bank transfer names the invoice that it pays.

An invoice has a payment number, digits only. Customers see it as an RF creditor reference (ISO 11649), or in
Sweden as an OCR number; both lead back to the number.
"""

import re
from collections.abc import Sequence

from stdnum import iso11649, luhn

from billow.core.errors import ensure

DIGITS = 10
"""The length of a payment number: long enough that a mistyped number meets no other invoice."""
KINDS = ("rf", "ocr")

MOST = 25
"""The longest reference of either kind, written without spaces."""


def rf(base: str) -> str:
    """Return the RF creditor reference of up to 21 letters and digits: 539007547034 is RF18539007547034."""
    ensure(re.fullmatch("[A-Z0-9]{1,21}", base), "An RF reference has 1 to 21 letters and digits.")
    number = int("".join(str(int(each, 36)) for each in f"{base}RF00"))
    return f"RF{98 - number % 97:02}{base}"


def ocr(base: str) -> str:
    """Return the Swedish OCR number with length digit and check digit: 2026000001 is 202600000121."""
    ensure(re.fullmatch("[0-9]{1,23}", base), "An OCR number has 1 to 23 digits of its own.")
    counted = f"{base}{(len(base) + 2) % 10}"
    return counted + luhn.calc_check_digit(counted)


def reference(kind: str, number: str) -> str:
    """Return a payment number as customers quote it, as `rf` or `ocr`."""
    return ocr(number) if kind == "ocr" else rf(number)


def grouped(text: str) -> str:
    """Return a reference in groups of four, as people read it: RF18 5390 0754 7034."""
    return " ".join(text[at : at + 4] for at in range(0, len(text), 4))


def is_rf(text: str) -> bool:
    return bool(iso11649.is_valid(text))


def is_ocr(text: str) -> bool:
    """Check an OCR number of up to 25 digits: the last is Luhn's check digit, the one before the length's."""
    fits = re.fullmatch("[0-9]{3,25}", text) and int(text[-2]) == len(text) % 10
    return bool(fits) and bool(luhn.is_valid(text))


def is_bankgiro(text: str) -> bool:
    """Check a Bankgiro number: seven or eight digits with Luhn's check digit, perhaps with its hyphen."""
    return bool(re.fullmatch(r"\d{3,4}-?\d{4}", text)) and bool(luhn.is_valid(text.replace("-", "")))


def bankgiro(text: str) -> str:
    """Return a Bankgiro number as people write it, with the hyphen before its last four digits.

    >>> bankgiro("9912346"), bankgiro("50501055")
    ('991-2346', '5050-1055')
    """
    digits = text.replace("-", "")
    return f"{digits[:-4]}-{digits[-4:]}" if digits else ""


def is_plusgiro(text: str) -> bool:
    """Check a Plusgiro number: two to eight digits with Luhn's check digit, in groups before its hyphen."""
    digits = re.sub("[ -]", "", text)
    shape = re.fullmatch(r"[\d ]+(-\d)?", text) and re.fullmatch(r"\d{2,8}", digits)
    return bool(shape) and bool(luhn.is_valid(digits))


def payment_number(text: str | None) -> str | None:
    """Return the payment number of a reference, as the field for references has it; None if it has none."""
    plain = re.sub("[ .-]", "", text or "").upper()
    if plain.startswith("RF"):
        number = plain[4:].lstrip("0") if is_rf(plain) else ""
    else:
        number = plain[:-2].lstrip("0") if is_ocr(plain) else ""
    return number if re.fullmatch(f"[0-9]{{{DIGITS}}}", number) else None


def payment_numbers_in(text: str | None) -> list[str]:
    """Return the payment numbers of the valid references in a free text, in order, each once.

    A reference may be written in groups; what stands beside it may be digits as well.
    """
    words = re.split(r"[^A-Z0-9]+", (text or "").upper())
    found, at = [], 0
    while at < len(words):
        number, at = _reference_at(words, at)
        found.append(number)
    return list(dict.fromkeys(number for number in found if number))


def _reference_at(words: Sequence[str], at: int) -> tuple[str | None, int]:
    """Return the number of the reference that begins at a word, if one does, and where to continue."""
    written = ""
    for end in range(at, len(words)):
        written += words[end]
        if len(written) > MOST:
            break
        number = payment_number(written) if len(written) >= DIGITS + 2 else None
        if number:
            return number, end + 1
    return None, at + 1
