"""Receive the notices of gateways, which are signed by them and name no key of ours."""

import logging

import flask

from billow.core.errors import Refused, Unavailable
from billow.flows.outside.outside import gateway_named
from billow.flows.payments import notices
from billow.store.tx import TENANT, Database

log = logging.getLogger("billow.notices")
ADDRESS = "/gateways/<account>/<mode>/<name>"
LARGEST = 256 * 1024
"""Bytes of a notice; the largest of Stripe's are a tenth of that."""
HEADERS = {"Cache-Control": "no-store"}


def add(app: flask.Flask, db: Database) -> None:
    """Add the address that a gateway sends its notices to.

    A notice only says what to ask the gateway about (flows/payments/notices.py), so a second one changes
    nothing. 200 says that it is kept; after 4xx and 5xx gateways send it again.
    """

    def receive(account: str, mode: str, name: str) -> flask.Response:
        tenant, body = f"{account}/{mode}", flask.request.get_data(cache=False)
        if not TENANT.fullmatch(tenant) or len(body) > LARGEST:
            return answer(404, "There is no such address.")
        headers = dict(flask.request.headers)
        try:
            with db.transaction(tenant, reads=True) as tx:
                gateway = gateway_named(tx, name)
            found = gateway.read_notice(headers, body) if gateway.name == name else None
            if found is None:
                return answer(404, "There is no such address.")
            with db.transaction(tenant) as tx:
                notices.receive(tx, name, found)
        except Refused as refusal:
            log.warning("%s: a notice of %s was refused: %s", tenant, name, refusal.message)
            return answer(400, refusal.message)
        except Unavailable as error:
            return answer(503, str(error))
        return answer(200, "")

    app.add_url_rule(ADDRESS, "gateway notices", receive, methods=["POST"])


def answer(status: int, error: str) -> flask.Response:
    made = flask.jsonify(**({"error": error} if error else {"received": True}))
    made.status_code = status
    made.headers.update(HEADERS)
    return made
