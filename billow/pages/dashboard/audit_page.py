"""Show who did what, when and from where, and whether the chain holds of what is shown."""

import flask
import msgspec

from billow.flows.operators import audit_log
from billow.pages.dashboard import facts, layout
from billow.pages.dashboard.layout import Cell
from billow.pages.dashboard.lists import Column
from billow.pages.dashboard.visit import Desk, Visit, screen

ON_A_PAGE = 100


def add(app: flask.Flask, desk: Desk) -> None:
    screen(app, desk, "/audit", "audit.read", shown)


def shown(visit: Visit) -> flask.Response:
    given = flask.request.args.get("before", "")
    before = int(given) if given.isascii() and given.isdigit() and len(given) < 18 else None
    with visit.reads() as tx:
        zone = facts.place_of(visit, tx).zone
        found = audit_log.entries(tx.conn, visit.account, before, ON_A_PAGE)
    lines = [
        [
            Cell(str(one.number)),
            Cell(layout.when(one.at, zone)),
            Cell(one.who, below=one.address),
            Cell(one.action, below=one.about or ""),
            Cell(msgspec.json.encode(one.details).decode() if one.details else ""),
        ]
        for one in found
    ]
    return layout.page(
        visit,
        "audit.html",
        "Audit log",
        columns=(Column("Number"), Column("At"), Column("Who"), Column("Did"), Column("Details")),
        lines=lines,
        broken=audit_log.broken_among(found),
        older=visit.to("/audit", before=found[-1].number) if found and found[-1].number > 1 else None,
    )
