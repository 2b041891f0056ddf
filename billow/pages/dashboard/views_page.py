"""Keep a list as somebody has narrowed it, or forget one that was kept."""

from collections.abc import Mapping
from urllib.parse import parse_qsl, urlencode

import flask

from billow.core.errors import Refused, require
from billow.flows.operators import views
from billow.pages import frame
from billow.pages.dashboard import layout, lists
from billow.pages.dashboard.visit import Desk, Visit, screen

LONGEST = 500
"""The longest query that is kept."""


def add(app: flask.Flask, desk: Desk) -> None:
    screen(app, desk, "/views", "customers.read", shown, writes=acted)


def shown(visit: Visit, problem: str | None = None) -> flask.Response:
    """Show all views of whoever asks, by their lists."""
    who = (visit.session.operator.id, visit.account)
    with visit.desk.db.connection() as conn:
        kept = [(title, path, views.of(conn, who, path)) for path, title in sorted(lists.PATHS.items())]
    found = [
        {
            "title": title,
            "path": path,
            "views": [{"name": name, "link": visit.to(path) + f"?{query}"} for name, query in own],
        }
        for title, path, own in kept
        if own
    ]
    return layout.page(
        visit, "views.html", "Saved views", 422 if problem else 200, found=found, problem=problem
    )


def acted(visit: Visit, form: Mapping[str, str]) -> flask.Response:
    """Save or remove a view; it is nobody else's, so the audit log does not have it."""
    path, name, who = form.get("path", ""), form.get("name", ""), (visit.session.operator.id, visit.account)
    try:
        require(path in lists.PATHS, "There is no such list.")
        query = urlencode([one for one in parse_qsl(form.get("query", "")[:LONGEST]) if one[0] in lists.KEPT])
        with visit.desk.db.connection() as conn, conn.transaction():
            if form.get("act") == "remove":
                views.remove(conn, who, path, name)
            else:
                views.save(conn, who, path, name, query, visit.now)
    except Refused as error:
        return shown(visit, error.message)
    if form.get("act") == "remove":
        return frame.see(visit.to("/views"))
    return frame.see(visit.to(path) + f"?{query}")
