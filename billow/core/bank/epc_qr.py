"""Build the text of the QR code that fills in a SEPA transfer (EPC069-12)."""

from stdnum import iban as ibans

from billow.core.errors import require

MOST_BYTES, MOST_NAME, MOST_TEXT = 331, 70, 140
LARGEST_AMOUNT = 99_999_999_999
"""In cents: 999,999,999.99 euros."""


def payload(name: str, iban: str, amount: int, reference: str = "", text: str = "") -> str:
    """Return the text of the code, version 002 in UTF-8, for an amount in cents of the euro.

    It has a structured reference or a text for the payee, not both.
    """
    require(0 < amount <= LARGEST_AMOUNT, "A QR code is for 0.01 to 999,999,999.99 euros.")
    require(ibans.is_valid(iban), f"{iban} is not an IBAN.")
    require(not (reference and text), "A QR code has a reference or a text, not both.")
    require(len(reference) <= 35 and len(text) <= MOST_TEXT, "The reference or text is too long.")
    lines = [
        "BCD",
        "002",
        "1",
        "SCT",
        "",
        " ".join(name.split())[:MOST_NAME],
        ibans.compact(iban),
        f"EUR{amount // 100}.{amount % 100:02}",
        "",
        reference,
        " ".join(text.split()),
    ]
    built = "\n".join(lines).rstrip("\n")
    require(len(built.encode()) <= MOST_BYTES, f"The QR code holds at most {MOST_BYTES} bytes.")
    return built
