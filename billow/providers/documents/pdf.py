"""Render a document as PDF, in a form that stays readable for decades.

The file conforms to PDF/A-3a (archives) and PDF/UA-1 (screen readers), and the same document issued at the
same instant gives the same bytes.
"""

import json
import re
import threading
from contextlib import nullcontext
from dataclasses import asdict, replace
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import typst

from billow.core.errors import Inconsistent
from billow.providers.documents import InvoiceDocument
from billow.providers.documents.printable import printable, with_each_text
from billow.providers.documents.qr import svg
from billow.providers.documents.stamp import stamped
from billow.providers.documents.wording import facts, language_of, notes, stamp, title, transfer, word, words

TEMPLATE = Path(__file__).with_name("invoice.typ")
STANDARDS: "list[typst.PDFStandard]" = ["a-3a", "ua-1"]

# Both standards forbid characters that no font can draw; the compiler reports all of them at once.
MISSING_GLYPH = re.compile(r'the text `"(.+?)"` could not be displayed')
ESCAPED = re.compile(r"\\u\{([0-9a-f]+)\}")
SUBSTITUTE = "\N{REPLACEMENT CHARACTER}"

compilers = threading.local()

# Ten thousand lines take half a gigabyte to render, so large documents are rendered one at a time.
LARGE = 1000
LARGE_ONES = threading.Lock()


def render(document: InvoiceDocument, issued_at: datetime, xml: bytes | None = None) -> bytes:
    """Render a document, with its machine format inside where there is one (providers/documents/stamp.py).

    Characters that no font can draw are replaced, with a note, and a logo that cannot be drawn is left out:
    no name and no image stops a billing run.
    """
    made = drawn(printable(document), issued_at, xml)
    return stamped(made) if xml else made


def drawn(paper: InvoiceDocument, issued_at: datetime, xml: bytes | None) -> bytes:
    try:
        return compiled(paper, issued_at, xml)
    except typst.TypstError as error:
        unknown = missing(error)
        if not unknown and paper.logo is None:
            raise
        if not unknown:
            return drawn(replace(paper, logo=None), issued_at, xml)
    try:
        return compiled(without(paper, unknown), issued_at, xml)
    except typst.TypstError as error:
        # A character can depend on its neighbors: then keep only what the first font surely has.
        if not missing(error):
            raise
    return compiled(without(paper, {each for each in text_of(paper) if ord(each) > 0xFF}), issued_at, xml)


def missing(error: typst.TypstError) -> set[str]:
    """Return the characters that the compiler reports as missing; none if it reports another error."""
    texts = (
        ESCAPED.sub(lambda match: chr(int(match[1], 16)), text)
        for text in MISSING_GLYPH.findall(error.diagnostic)
    )
    return {each for text in texts for each in text if not each.isascii()}


def without(paper: InvoiceDocument, unknown: set[str]) -> InvoiceDocument:
    table = dict.fromkeys(map(ord, unknown), SUBSTITUTE)
    drawn = with_each_text(paper, lambda text: text.translate(table))
    return replace(drawn, notes=(*drawn.notes, word(drawn, "unprintable")))


def text_of(paper: InvoiceDocument) -> str:
    return json.dumps(sheet(paper), ensure_ascii=False)


def compiled(paper: InvoiceDocument, issued_at: datetime, xml: bytes | None = None) -> bytes:
    with LARGE_ONES if len(paper.lines) > LARGE else nullcontext():
        made = compiler().compile(
            sys_inputs={"paper": json.dumps({**sheet(paper), "xml": xml.decode() if xml else None})},
            format="pdf",
            pdf_standards=STANDARDS,
            timestamp=issued_at,
        )
    if not isinstance(made, bytes):
        raise Inconsistent("A PDF is one file.")
    return made


def sheet(paper: InvoiceDocument) -> dict[str, Any]:
    """Return the values that the template reads."""
    return {
        "title": title(paper),
        "number": paper.number,
        "stamp": stamp(paper),
        "facts": facts(paper),
        "language": language_of(paper),
        "page": paper.page,
        "header": paper.header,
        "words": words(paper),
        "seller": asdict(paper.seller),
        "buyer": asdict(paper.buyer),
        "lines": [asdict(line) for line in paper.lines],
        "totals": paper.totals,
        "notes": notes(paper),
        "transfer": transfer(paper),
        "qr": svg(paper.transfer.qr) if paper.transfer and paper.transfer.qr else None,
        "footer": paper.footer,
        "taxes": [asdict(row) for row in paper.taxes],
        "sections": [asdict(one) for one in paper.sections],
        "pay_at": paper.pay_at,
        "pay_qr": svg(paper.pay_at) if paper.pay_at else None,
        "color": paper.color,
        "second_color": paper.second_color,
        "logo": list(paper.logo.body) if paper.logo else None,
        "logo_type": paper.logo.type if paper.logo else None,
        "widest": {name: widest(paper, name) for name in ("quantity", "unit_amount", "amount")},
    }


def widest(paper: InvoiceDocument, name: str) -> list[str]:
    """Return the texts of a column that can be its widest: those with the most characters."""
    texts = {getattr(line, name) for line in paper.lines}
    if name == "amount":
        texts |= {text for line in paper.lines for _, text in line.reductions}
    return sorted(texts, key=lambda text: (-len(text), text))[:5]


def compiler() -> typst.Compiler:
    """Return the compiler of this thread. It keeps the template, and threads never wait for each other."""
    if not hasattr(compilers, "own"):
        compilers.own = typst.Compiler(TEMPLATE, font_paths=fonts())
    own: typst.Compiler = compilers.own
    return own


@cache
def fonts() -> typst.Fonts:
    return typst.Fonts()
