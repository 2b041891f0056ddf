"""How do the jobs and the archive of the log do? GET /metrics, in the text format that Prometheus reads."""

import hmac
from collections.abc import Iterator

import flask

from billow.store import archive_lag, backlog
from billow.store.archive_lag import Position
from billow.store.backlog import Backlog
from billow.store.jobs import KINDS
from billow.store.tx import Database

TYPE = "text/plain; version=0.0.4; charset=utf-8"
SAMPLES = {
    "due": "Jobs whose time has come.",
    "overdue": "Jobs that are due for more than a minute.",
    "waiting": "Jobs that ask an outside again which does not answer.",
    "parked": "Jobs that were given up and wait for a person.",
    "lag": "Seconds for which the oldest due job is due.",
}
ARCHIVE = {
    "bytes": "Bytes of the database's log that are not in the archive (BILLOW_WAL_ARCHIVE).",
    "seconds": "Seconds since a part of the log was first seen that is not in the archive.",
}
NAMES = {"lag": "billow_jobs_oldest_due_seconds"}


def add(app: flask.Flask, db: Database, token: str) -> None:
    """Without a token in the settings there is no such page: a proxy may make everybody look local."""
    watch = archive_lag.Watch()

    def metrics() -> flask.Response:
        given = flask.request.headers.get("Authorization", "").removeprefix("Bearer ").encode()
        if not token or not hmac.compare_digest(given, token.encode()):
            return flask.Response("", status=401 if token else 404)
        with db.connection() as conn:
            found, archive = backlog.backlog(conn, db.wall()), archive_lag.position(conn)
        late = watch.seconds(archive, db.wall()) if archive else 0
        return flask.Response(
            "\n".join([*lines(found), *archive_lines(archive, late), ""]), content_type=TYPE
        )

    app.add_url_rule("/metrics", "/metrics", metrics)


def lines(found: list[Backlog]) -> Iterator[str]:
    """A gauge for each kind; those that have nothing to do say 0, so that no series ends."""
    have = {one.kind: one for one in found}
    idle = [Backlog(kind, backlog.lane_of(kind), 0, 0, 0, 0, 0) for kind in KINDS if kind not in have]
    every = sorted([*found, *idle], key=lambda one: one.kind)
    for field, meaning in SAMPLES.items():
        name = NAMES.get(field, f"billow_jobs_{field}")
        yield f"# HELP {name} {meaning}"
        yield f"# TYPE {name} gauge"
        for one in every:
            yield f'{name}{{kind="{one.kind}",lane="{one.lane}"}} {getattr(one, field)}'


def archive_lines(archive: Position | None, seconds: int) -> Iterator[str]:
    """Two gauges, where the log of the embedded database is archived."""
    if archive:
        for unit, value in (("bytes", archive.behind), ("seconds", seconds)):
            name = f"billow_wal_archive_lag_{unit}"
            yield from (f"# HELP {name} {ARCHIVE[unit]}", f"# TYPE {name} gauge", f"{name} {value}")
