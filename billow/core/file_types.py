"""Recognize the type of a file, and say what it can be used for.

Types, sizes and expiry are those of Stripe's file upload guide.
"""

import re
from dataclasses import dataclass

MEDIA = {
    "csv": "text/csv",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "gif": "image/gif",
    "jpg": "image/jpeg",
    "json": "application/json",
    "md": "text/markdown",
    "pdf": "application/pdf",
    "png": "image/png",
    "svg": "image/svg+xml",
    "txt": "text/plain",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
BEGINNINGS = {b"%PDF-": "pdf", b"\x89PNG\r\n\x1a\n": "png", b"\xff\xd8\xff": "jpg", b"GIF8": "gif"}
ZIPPED, WRITTEN = ("docx", "xlsx"), ("csv", "json", "md", "txt")
SVG = re.compile(rb"\s*(<\?xml[^>]*\?>\s*)?(<!--.*?-->\s*)*(<!DOCTYPE[^>]*>\s*)?<svg[\s>]", re.DOTALL)
PAPERS = ("pdf", "jpg", "png")
KIB, MIB = 1 << 10, 1 << 20


@dataclass(frozen=True, slots=True)
class Purpose:
    """Accepted `types` (empty: all), `days` until the file expires, `linked` if links are allowed."""

    types: tuple[str, ...]
    most: int
    days: int | None = None
    linked: bool = False


#: What callers may upload. Where Stripe takes more than 16 MiB, billow takes 16: files are in the database.
PURPOSES = {
    "account_requirement": Purpose(PAPERS, 16 * MIB),
    "additional_verification": Purpose(PAPERS, 16 * MIB),
    "business_icon": Purpose(("jpg", "png", "gif"), 512 * KIB, linked=True),
    "business_logo": Purpose(("jpg", "png", "gif"), 512 * KIB, linked=True),
    "customer_signature": Purpose(("jpg", "png", "svg"), 4 * MIB, 7, linked=True),
    "dispute_evidence": Purpose(PAPERS, 5 * MIB, 275, linked=True),
    "identity_document": Purpose(PAPERS, 16 * MIB),
    "issuing_regulatory_reporting": Purpose(("json",), 256 * KIB, 730, linked=True),
    "pci_document": Purpose(("pdf",), 16 * MIB, linked=True),
    "platform_terms_of_service": Purpose(("pdf", "txt", "md"), 16 * MIB),
    "tax_document_user_upload": Purpose(("pdf", "csv", "jpg", "png", "xlsx", "docx"), 16 * MIB, linked=True),
    "terminal_android_apk": Purpose((), 16 * MIB, linked=True),
    "terminal_reader_splashscreen": Purpose(("png", "jpg", "gif"), 2 * MIB, linked=True),
    "terminal_wifi_certificate": Purpose((), 16 * MIB),
    "terminal_wifi_private_key": Purpose((), 16 * MIB),
}
#: What a file may be for that nobody uploads, or that Stripe makes by itself.
MADE = {
    "document_provider_identity_document": False,
    "finance_report_run": True,
    "financial_account_statement": True,
    "identity_document_downloadable": True,
    "selfie": True,
    "sigma_scheduled_query": True,
}
ALL = tuple(sorted({*PURPOSES, *MADE}))
LINKED = {*(name for name, rule in PURPOSES.items() if rule.linked), *(name for name in MADE if MADE[name])}


def type_of(name: str, body: bytes) -> str | None:
    """Return the type of a file by its first bytes; by its name only where these say nothing.

    `a.png` that holds a PDF is a pdf; `a.csv` is a csv if it is text, and of no known type otherwise.
    """
    for beginning, type in BEGINNINGS.items():
        if body.startswith(beginning):
            return type
    if SVG.match(body[:KIB]):
        return "svg"
    ending = name.rsplit(".", 1)[-1].lower()
    if ending in ZIPPED and body.startswith(b"PK\x03\x04"):
        return ending
    return ending if ending in WRITTEN and _is_text(body) else None


def _is_text(body: bytes) -> bool:
    try:
        return "\x00" not in body.decode()
    except UnicodeDecodeError:
        return False


def media_of(type: str | None) -> str:
    return MEDIA.get(type or "", "application/octet-stream")
