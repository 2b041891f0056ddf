"""Download a customer's invoiced cost and usage of a year or more in the FOCUS format."""

from datetime import timedelta

import flask

from billow import reports
from billow.flows.reporting import focus
from billow.pages import frame
from billow.pages.dashboard import facts
from billow.pages.dashboard.reports_page import instants, midnight
from billow.pages.dashboard.visit import Desk, Visit, screen
from billow.store.turns import JOB

NAMES = ("from", "to")


def add(app: flask.Flask, desk: Desk) -> None:
    screen(app, desk, "/customers/<id>/focus.csv", "exports.read", exported)


def exported(visit: Visit, id: str) -> flask.Response:
    """Write the charges from `from` to the end of `to`: this year so far, unless days are asked for."""
    with visit.reads(JOB) as tx:
        zone = facts.place_of(visit, tx).zone
        days = instants(tx, flask.request.args, NAMES, zone)
        start, end = (midnight(days[name], name, zone) for name in NAMES)
        table = focus.export(tx, id, start, max(end, start + timedelta(days=1)))
    with visit.desk.db.transaction(visit.tenant) as tx:
        visit.note(tx, "exports.read", f"customers/{id}/focus")
    headers = {**frame.HEADERS, "Content-Disposition": f'attachment; filename="focus-{id}.csv"'}
    return flask.Response(reports.csv(table), mimetype="text/csv", headers=headers)
