"""Serve a file to anyone who has the address of a link to it."""

import flask

from billow.core.errors import Refused, require
from billow.flows.platform import files
from billow.store.tx import TENANT, Database

ADDRESS = "/links/<account>/<mode>/<link>/<seal>"
HEADERS = {"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "Cache-Control": "no-store"}


def add(app: flask.Flask, db: Database) -> None:
    """Add the address of a file link. An expired link is answered like an unknown one."""

    def view(account: str, mode: str, link: str, seal: str) -> flask.Response:
        tenant = f"{account}/{mode}"
        try:
            require(TENANT.fullmatch(tenant) and "\x00" not in link, "There is no such address.")
            with db.transaction(tenant) as tx:
                found = files.download_by_link(tx, link, seal)
        except Refused:
            message = "There is no such file, or no longer."
            return flask.Response(message, status=404, mimetype="text/plain", headers=HEADERS)
        return flask.Response(found.body, headers=found.headers)

    app.add_url_rule(ADDRESS, "shared file", view)
