"""Serve a credit note as a document and as a PDF, to anyone who has its address."""

from collections.abc import Callable
from functools import partial

import flask

from billow.api import rows
from billow.core.einvoice.limits import PROFILES
from billow.flows.outside.outside import Outside
from billow.flows.papers import credit_note_document, credit_note_einvoice
from billow.pages import machine_formats, sealed
from billow.pages.machine_formats import HEADERS
from billow.providers.documents import InvoiceDocument, html, pdf
from billow.resources.credit_note import CreditNote
from billow.store.tx import Database

FORMATS = machine_formats.Formats(
    CreditNote, credit_note_document.document_of, credit_note_document.issued_at, credit_note_einvoice.written
)
in_format = partial(machine_formats.view, formats=FORMATS)
ADDRESS = "/n/<account>/<mode>/<note>/<seal>"


def add(app: flask.Flask, db: Database, outside: Outside) -> None:
    """Add the addresses of a credit note. A wrong seal is answered like an unknown address.

    A document is rendered after the transaction, since a long one takes seconds.
    """

    def shown(render: Callable[[CreditNote, InvoiceDocument], flask.Response]) -> sealed.View:
        def view(tenant: str, id: str, address: str) -> flask.Response:
            with db.transaction(tenant) as tx:
                found = rows.find(tx, CreditNote, id)
                document = credit_note_document.document_of(tx, found)
            return render(found, document)

        return view

    for path, name, view in (
        (ADDRESS, "credit note", shown(page)),
        (f"{ADDRESS}/pdf", "credit note pdf", shown(file)),
        *((f"{ADDRESS}/{one}", f"credit note {one}", in_format(db, one)) for one in PROFILES),
    ):
        app.add_url_rule(
            path,
            name,
            sealed.page(outside, credit_note_document.KIND, view),
            methods=["GET"],
            provide_automatic_options=False,
        )


def page(note: CreditNote, document: InvoiceDocument) -> flask.Response:
    return flask.Response(html.render(document), mimetype="text/html", headers=HEADERS)


def file(note: CreditNote, document: InvoiceDocument) -> flask.Response:
    disposition = {"Content-Disposition": f'inline; filename="{note.number}.pdf"'}
    return flask.Response(
        pdf.render(document, credit_note_document.issued_at(note)),
        mimetype="application/pdf",
        headers={**HEADERS, **disposition},
    )
