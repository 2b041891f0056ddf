"""Serve the logos of accounts, which their pages show beside their names."""

import hashlib

import flask

from billow.core.file_types import MEDIA, type_of
from billow.flows.outside.seller import seller_of
from billow.store.tx import TENANT, Database, Tx

ADDRESS = "/logo/<account>/<digest>"
HEADERS = {
    "Cache-Control": "public, max-age=31536000, immutable",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox",
    "X-Content-Type-Options": "nosniff",
}
"""An SVG runs nothing either, where somebody opens it by itself."""


def address_of(tx: Tx) -> str | None:
    """Return the address of the account's logo, another one whenever it changes; None where it has none."""
    logo = seller_of(tx).logo
    return f"/logo/{tx.account}/{digest_of(logo.body)}" if logo else None


def digest_of(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()[:16]


def add(app: flask.Flask, db: Database) -> None:
    """Add the address of a logo. An earlier logo is answered like an unknown one."""

    def view(account: str, digest: str) -> flask.Response:
        tenant, row = f"{account}/live", None
        if TENANT.fullmatch(tenant):
            with db.transaction(tenant, reads=True) as tx:
                row = tx.one("select logo from accounts where id = %(id)s and logo is not null", id=account)
        body = bytes(row["logo"]) if row else b""
        if not body or digest_of(body) != digest:
            return flask.Response("", status=404)
        return flask.Response(body, mimetype=MEDIA[type_of("", body) or "png"], headers=HEADERS)

    app.add_url_rule(ADDRESS, "logo", view)
