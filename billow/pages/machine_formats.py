"""Serve a document in the machine formats; what a format cannot say is answered in words."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import flask

from billow.api import rows
from billow.core.errors import Refused
from billow.pages import sealed
from billow.providers.documents import InvoiceDocument, pdf
from billow.store.tx import Database, Tx

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; img-src data:;"
    " base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "private, no-store",
    "X-Robots-Tag": "noindex",
}


@dataclass(frozen=True, slots=True)
class Formats:
    """How the documents of a noun are laid out, dated and written in a format."""

    noun: type[Any]
    document_of: Callable[[Tx, Any], InvoiceDocument]
    issued_at: Callable[[Any], datetime]
    written: Callable[[Tx, Any, str], bytes]


def view(db: Database, profile: str, formats: Formats) -> sealed.View:
    """Return the view of a document in a format: XML, or the PDF with the XML inside."""

    def shown(tenant: str, id: str, address: str) -> flask.Response:
        with db.transaction(tenant) as tx:
            found = rows.find(tx, formats.noun, id)
            document = formats.document_of(tx, found)
            try:
                xml = formats.written(tx, found, profile)
            except Refused as refused:
                plain = {**HEADERS, "Content-Type": "text/plain; charset=utf-8"}
                return flask.Response(f"{refused.message}\n", 422, plain)
        hybrid = profile == "factur-x"
        body = pdf.render(document, formats.issued_at(found), xml) if hybrid else xml
        name = f"{found.number}-{profile}.{'pdf' if hybrid else 'xml'}"
        return flask.Response(
            body,
            mimetype="application/pdf" if hybrid else "application/xml",
            headers={**HEADERS, "Content-Disposition": f'attachment; filename="{name}"'},
        )

    return shown
