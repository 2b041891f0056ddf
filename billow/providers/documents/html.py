"""Render a document as one HTML page, without other files or scripts."""

from base64 import b64encode
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from billow.core.file_types import MEDIA
from billow.providers.documents import InvoiceDocument
from billow.providers.documents.printable import printable
from billow.providers.documents.qr import svg
from billow.providers.documents.wording import facts, language_of, notes, stamp, title, transfer, words

ENVIRONMENT = Environment(
    loader=FileSystemLoader(Path(__file__).parent),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def render(document: InvoiceDocument) -> str:
    """Render a document as HTML. Every text is escaped: a customer's name is never markup."""
    paper = printable(document)
    return ENVIRONMENT.get_template("invoice.html").render(
        document=paper,
        title=title(paper),
        facts=facts(paper),
        stamp=stamp(paper),
        words=words(paper),
        language=language_of(paper),
        notes=notes(paper),
        transfer=transfer(paper),
        logo=logo_of(paper),
        pay_qr=Markup(svg(paper.pay_at)) if paper.pay_at else None,  # noqa: S704
        qr=Markup(svg(paper.transfer.qr)) if paper.transfer and paper.transfer.qr else None,  # noqa: S704
    )


def logo_of(paper: InvoiceDocument) -> str | None:
    """Return the logo as an address that holds it; as an image it runs no script, also as SVG."""
    if paper.logo is None:
        return None
    return f"data:{MEDIA[paper.logo.type]};base64,{b64encode(paper.logo.body).decode()}"
