"""Serve a receipt to anyone who has its address."""

import flask

from billow.api import rows
from billow.core.errors import Refused
from billow.flows.outside.outside import Outside
from billow.flows.papers import links, receipt
from billow.pages.machine_formats import HEADERS
from billow.providers.documents import html
from billow.resources.charge import Charge
from billow.store.tx import Database

ADDRESS = "/r/<account>/<mode>/<charge>/<seal>"


def add(app: flask.Flask, db: Database, outside: Outside) -> None:
    """Add the address of a receipt. A wrong seal is answered like an unknown address."""

    def view(account: str, mode: str, charge: str, seal: str) -> flask.Response:
        tenant = f"{account}/{mode}"
        unknown = flask.Response(
            "There is no such receipt.", status=404, mimetype="text/plain", headers=HEADERS
        )
        if not links.is_sealed(outside, tenant, charge, seal, receipt.KIND):
            return unknown
        try:
            with db.transaction(tenant) as tx:
                document = receipt.document_of(tx, rows.find(tx, Charge, charge))
        except Refused:
            return unknown
        return flask.Response(html.render(document), mimetype="text/html", headers=HEADERS)

    app.add_url_rule(ADDRESS, "hosted receipt", view)
