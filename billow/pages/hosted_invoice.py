"""Serve an invoice as a page and as a PDF to anyone who has its address."""

from collections.abc import Callable

import flask

from billow.api import rows
from billow.core.errors import Refused
from billow.flows.outside.outside import Outside
from billow.flows.papers import invoice_document, links
from billow.providers.documents import InvoiceDocument, html, pdf
from billow.resources.invoice import Invoice
from billow.store.tx import Database

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; img-src data:;"
    " base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "private, no-store",
}
ADDRESS = "/i/<account>/<mode>/<invoice>/<seal>"


def add(app: flask.Flask, db: Database, outside: Outside) -> None:
    """Add the two addresses of an invoice. A wrong seal is answered like an unknown address.

    The document is rendered after the transaction, since a long one takes seconds.
    """

    def shown(render: Callable[[Invoice, InvoiceDocument], flask.Response]) -> Callable[..., flask.Response]:
        def view(account: str, mode: str, invoice: str, seal: str) -> flask.Response:
            tenant = f"{account}/{mode}"
            if not links.is_sealed(outside, tenant, invoice, seal):
                return flask.Response(
                    "There is no such invoice.", status=404, mimetype="text/plain", headers=HEADERS
                )
            try:
                with db.transaction(tenant) as tx:
                    found = rows.find(tx, Invoice, invoice)
                    document = invoice_document.document_of(tx, found)
            except Refused as refused:
                return flask.Response(refused.message, status=404, mimetype="text/plain", headers=HEADERS)
            return render(found, document)

        return view

    app.add_url_rule(ADDRESS, "hosted invoice", shown(page))
    app.add_url_rule(f"{ADDRESS}/pdf", "invoice pdf", shown(file))


def page(invoice: Invoice, document: InvoiceDocument) -> flask.Response:
    return flask.Response(html.render(document), mimetype="text/html", headers=HEADERS)


def file(invoice: Invoice, document: InvoiceDocument) -> flask.Response:
    name = f"{invoice.number or invoice.id}.pdf"
    disposition = {"Content-Disposition": f'inline; filename="{name}"'}
    return flask.Response(
        pdf.render(document, invoice_document.issued_at(invoice)),
        mimetype="application/pdf",
        headers={**HEADERS, **disposition},
    )
