"""Do the metrics show how late deliveries are, in a format that Prometheus reads?"""

from datetime import UTC, datetime, timedelta
from typing import Any

import flask
import psycopg
import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as open_metrics
from prometheus_client.parser import text_string_to_metric_families as plain_text

from billow.app import App
from billow.pages import metrics
from billow.store import migrate, webhook_queue
from tests.support.installation import new_database
from tests.support.webhook_receivers import DeliveryWorld, Receiver

TOKEN = "a-token-of-the-tests"
AT = datetime(2026, 1, 1, tzinfo=UTC)


def read(app: App, accept: str = "") -> dict[str, float]:
    """What a scrape reads: the value of each series, by its name without labels where it has none."""
    site = flask.Flask("metrics")
    metrics.add(site, app.db, TOKEN)
    headers = {"Authorization": f"Bearer {TOKEN}", "Accept": accept}
    answer = site.test_client().get("/metrics", headers=headers)
    assert answer.status_code == 200
    is_open = answer.content_type.startswith("application/openmetrics-text")
    families = (open_metrics if is_open else plain_text)(answer.text)
    return {sample.name: sample.value for family in families for sample in family.samples}


@pytest.fixture
def alone(app: App) -> App:
    """Nothing of other tests waits."""
    with app.db.connection() as conn:
        conn.execute("delete from webhook_queue")
    return app


def test_the_lag_of_deliveries_is_that_of_the_oldest_event(
    alone: App, world: DeliveryWorld, api: Any, receiver: Receiver
) -> None:
    assert read(alone)["billow_webhooks_pending"] == 0
    assert read(alone)["billow_webhooks_oldest_pending_seconds"] == 0
    world.endpoint(receiver, "customer.created")
    receiver.status = 500
    api.post("/v1/customers", {"name": "Ann"})
    world.run("events")
    world.ahead += timedelta(seconds=100)
    api.post("/v1/customers", {"name": "Ben"})
    world.run("events")
    found = read(alone)
    assert (found["billow_webhooks_pending"], found["billow_webhooks_due"]) == (2, 2)
    assert 100 <= found["billow_webhooks_oldest_pending_seconds"] < 130
    assert 100 <= found["billow_webhooks_oldest_due_seconds"] < 130

    world.run("webhooks")
    found = read(alone)
    assert found["billow_webhooks_pending"] == 2, "a receiver that fails is behind"
    assert found["billow_webhooks_oldest_pending_seconds"] >= 100
    assert (found["billow_webhooks_due"], found["billow_webhooks_oldest_due_seconds"]) == (0, 0), "we are not"

    receiver.status = 200
    world.pass_by(timedelta(minutes=1))
    found = read(alone)
    assert found["billow_webhooks_pending"] == found["billow_webhooks_oldest_pending_seconds"] == 0


def test_what_an_older_version_queued_is_counted_and_has_no_age(alone: App) -> None:
    now = alone.db.wall()
    with alone.db.transaction("acct_old/test") as tx:
        tx.run(
            "insert into webhook_queue (delivery, receiver, due_at, sequence)"
            " values ('whd_old', 'we_old', %(due)s, 1)",
            due=now + timedelta(hours=1),
        )
    with alone.db.connection() as conn:
        assert webhook_queue.lag(conn, now) == webhook_queue.Lag(pending=1, due=0, oldest=0, oldest_due=0)
        conn.execute("delete from webhook_queue")


@pytest.mark.parametrize(
    "accept", ["", "text/plain;version=0.0.4", "application/openmetrics-text;version=1.0.0"]
)
def test_each_form_that_prometheus_asks_for_is_readable(alone: App, accept: str) -> None:
    found = read(alone, accept)
    assert {
        "billow_jobs_due",
        "billow_jobs_parked",
        "billow_webhooks_due",
        "billow_log_dropped_total",
    } <= set(found)


def test_what_waits_during_the_migration_has_an_age_after_it(server_url: str) -> None:
    url, every = new_database(server_url), migrate.available()
    [number] = [one.number for one in every if one.name.endswith("_webhook_lag")]
    migrate.migrate(url, every[: number - 1])
    with psycopg.connect(url) as conn:
        migrate.become_owner(conn)
        for tenant in ("acct_a/test", "acct_b/live"):
            conn.execute("select set_config('billow.tenant', %s, false)", (tenant,))
            conn.execute(
                "insert into events (id, created, api_version, data, request, type, told_at, sequence)"
                " values ('evt_' || %(tenant)s, %(at)s, '', '{}', '{}', 'ping', %(at)s, 1)",
                {"tenant": tenant, "at": AT},
            )
            conn.execute(
                "insert into webhook_deliveries (id, created, event, receiver, status, next_attempt_at)"
                " values ('whd_' || %(tenant)s, %(at)s, 'evt_' || %(tenant)s, 'we', 'pending', %(at)s)",
                {"tenant": tenant, "at": AT},
            )
            conn.execute(
                "insert into webhook_queue (delivery, receiver, due_at, sequence)"
                " values ('whd_' || %(tenant)s, 'we', %(at)s, 1)",
                {"tenant": tenant, "at": AT},
            )
    migrate.migrate(url)
    with psycopg.connect(url) as conn:
        conn.execute("set search_path = billow")
        assert conn.execute("select count(*), min(written_at) from webhook_queue").fetchone() == (2, AT)
