"""One file, for whoever has the address of a link to it."""

import flask

from billow.core.errors import Refused
from billow.flows import upload
from billow.store.tx import Database

ADDRESS = "/links/<account>/<mode>/<link>/<seal>"
HEADERS = {"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "Cache-Control": "no-store"}


def add(app: flask.Flask, db: Database) -> None:
    """The address of a link. One that has ended is answered like one that never was."""

    def view(account: str, mode: str, link: str, seal: str) -> flask.Response:
        try:
            with db.transaction(f"{account}/{mode}") as tx:
                found = upload.linked(tx, link, seal)
        except Refused:
            message = "There is no such file, or no longer."
            return flask.Response(message, status=404, mimetype="text/plain", headers=HEADERS)
        return flask.Response(found.body, headers=found.headers)

    app.add_url_rule(ADDRESS, "shared file", view)
