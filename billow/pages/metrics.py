"""Serve metrics of jobs, webhooks, log and archive to Prometheus at GET /metrics, with a token."""

import hmac
from collections.abc import Iterable
from dataclasses import asdict

import flask
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector, CollectorRegistry

from billow import streams
from billow.store import archive_lag, backlog, webhook_queue
from billow.store.archive_lag import Position
from billow.store.backlog import Backlog
from billow.store.jobs import KINDS
from billow.store.tx import Database
from billow.store.webhook_queue import Lag

JOBS = {
    "due": ("billow_jobs_due", "Jobs whose time has come."),
    "overdue": ("billow_jobs_overdue", "Jobs that are due for more than a minute."),
    "waiting": ("billow_jobs_waiting", "Jobs that try again to reach a gateway or mail server."),
    "parked": ("billow_jobs_parked", "Jobs that were given up and wait for an operator."),
    "lag": ("billow_jobs_oldest_due_seconds", "Seconds for which the oldest due job is due."),
}
WEBHOOKS = {
    "pending": ("billow_webhooks_pending", "Deliveries that have not succeeded yet and will be tried."),
    "due": ("billow_webhooks_due", "Deliveries whose time has come."),
    "oldest": ("billow_webhooks_oldest_pending_seconds", "Age of the oldest event that is not delivered."),
    "oldest_due": ("billow_webhooks_oldest_due_seconds", "Seconds for which the oldest due delivery is due."),
}
ARCHIVE = {
    "bytes": "Bytes of the database's log that are not in the archive (BILLOW_WAL_ARCHIVE).",
    "seconds": "Seconds since a part of the log was first seen that is not in the archive.",
}
DROPPED = (
    "billow_log_dropped",
    "Entries of the log that this server process dropped, since they could not be written.",
)


def add(app: flask.Flask, db: Database, token: str) -> None:
    """Add the page.

    Without a token in the settings it does not exist, since behind a proxy every request looks local.
    """
    registry = CollectorRegistry()
    registry.register(Installation(db))

    def metrics() -> flask.Response:
        given = flask.request.headers.get("Authorization", "").removeprefix("Bearer ").encode()
        if not token or not hmac.compare_digest(given, token.encode()):
            return flask.Response("", status=401 if token else 404)
        encode, media = choose_encoder(flask.request.headers.get("Accept", ""))
        return flask.Response(encode(registry), content_type=media)

    app.add_url_rule("/metrics", "/metrics", metrics)


class Installation(Collector):
    """Queries the database when it is read, so that every server process shows the same values."""

    def __init__(self, db: Database) -> None:
        self.db = db
        self.watch = archive_lag.Watch()

    def describe(self) -> Iterable[Metric]:
        """Describe no metrics, since registering a collector would query the database otherwise."""
        return ()

    def collect(self) -> Iterable[Metric]:
        now = self.db.wall()
        with self.db.connection() as conn:
            found, behind = backlog.backlog(conn, now), webhook_queue.lag(conn, now)
            log = archive_lag.position(conn)
        yield from jobs(found)
        yield from webhooks(behind)
        if log:
            yield from archive(log, self.watch.seconds(log, now))
        yield CounterMetricFamily(*DROPPED, value=streams.dropped())


def jobs(found: list[Backlog]) -> Iterable[Metric]:
    """Return a gauge for each kind of job; kinds without jobs have 0, so that no series ends."""
    have = {one.kind: one for one in found}
    idle = [Backlog(kind, backlog.lane_of(kind), 0, 0, 0, 0, 0) for kind in KINDS if kind not in have]
    for field, (name, meaning) in JOBS.items():
        gauge = GaugeMetricFamily(name, meaning, labels=("kind", "lane"))
        for one in sorted([*found, *idle], key=lambda one: one.kind):
            gauge.add_metric((one.kind, one.lane), getattr(one, field))
        yield gauge


def webhooks(behind: Lag) -> Iterable[Metric]:
    """Return gauges of the whole installation, since a series for each endpoint would be too many."""
    for field, value in asdict(behind).items():
        yield GaugeMetricFamily(*WEBHOOKS[field], value=value)


def archive(log: Position, seconds: int) -> Iterable[Metric]:
    """Return two gauges, if the log of the embedded database is archived."""
    for unit, value in (("bytes", log.behind), ("seconds", seconds)):
        yield GaugeMetricFamily(f"billow_wal_archive_lag_{unit}", ARCHIVE[unit], value=value)
