"""Does the request log show what a program asked and was answered, without secrets, for a month?"""

import io
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import msgspec
import psycopg
import pytest

from billow.app import App
from billow.flows.platform import retention
from billow.store import request_log
from billow.store.request_log import RequestLog
from tests.conftest import Api
from tests.dashboard.conftest import Person


@pytest.fixture
def log(app: App) -> Iterator[RequestLog]:
    app.server.log = made = RequestLog(app.db)
    yield made
    app.server.log = None


def test_a_request_that_wrote_is_shown_with_its_parameters_and_events(
    log: RequestLog, api: Api, owner: Person
) -> None:
    made = api.post("/v1/customers", {"name": "Ann", "description": "pays with 4242 4242 4242 4242"})
    api.get(f"/v1/customers/{made['id']}")
    log.write()
    listed = owner.reads("/requests")
    assert "POST /v1/customers 200 OK" in listed and made["id"] in listed and "GET" not in listed
    [(id, key)] = entries(log, api, "id, key")
    shown = owner.reads(f"/requests/{id}")
    assert '"description": "pays with [hidden]"' in shown and "4242" not in shown
    assert "customer.created" in shown and key in shown
    event = api.get("/v1/events", {"type": "customer.created"})["data"][0]
    assert event["request"]["id"] == id
    assert f"/requests/{id}" in owner.opens(f"/events/{event['id']}").text


def test_a_refused_request_is_shown_with_its_error(log: RequestLog, api: Api, owner: Person) -> None:
    api.post("/v1/customers", {"nmae": "Ann"})
    api.get("/v1/customers/cus_nobody")
    log.write()
    failed = owner.reads("/requests", tab="failed")
    assert "Received unknown parameter: nmae" in failed and "404 Not Found" in failed
    assert "Nothing matches" in owner.reads("/requests", tab="errors")
    assert owner.reads("/requests", q="cus_nobody").count("404 Not Found") == 0
    assert owner.reads("/requests", q="/v1/customers/cus_nobody").count("404 Not Found") == 1


def test_what_could_not_be_written_waits_and_the_oldest_is_dropped(
    log: RequestLog, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: Any, **__: Any) -> Any:
        raise psycopg.OperationalError("away")

    api.post("/v1/products", {"name": "Gold"})
    with monkeypatch.context() as patched:
        patched.setattr(log, "_write", away)
        log._try()
    assert entries(log, api, "address") == []
    log.write()
    assert entries(log, api, "address") == [("/v1/products",)]


def test_what_postgresql_cannot_keep_loses_nobody_an_entry(log: RequestLog, api: Api) -> None:
    assert api.post("/v1/products", {"name": "Go\x00ld"})["error"]
    [(_, refused)] = list(log._waiting)
    planted = {**msgspec.json.decode(refused), "sent": {"name": "\x00"}}
    log._waiting.appendleft(("acct_other/test", msgspec.json.encode(planted)))
    log._try()
    assert entries(log, api, "address, status, sent") == [("/v1/products", 400, None)]
    assert not log._waiting


def test_a_process_keeps_no_more_than_its_bound_and_drops_the_oldest(
    log: RequestLog, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: Any) -> None:
        for number in range(3):  # what comes in while the database is asked
            api.post("/v1/products", {"name": f"Later {number}"})
        raise psycopg.OperationalError("away")

    monkeypatch.setattr(request_log, "MOST_WAITING", 4)
    for number in range(3):
        api.post("/v1/products", {"name": f"Early {number}"})
    with monkeypatch.context() as patched:
        patched.setattr(log, "_write", away)
        log._try()
    assert log._bytes == sum(len(content) for _, content in log._waiting)
    log.write()
    names = [sent["name"] for (sent,) in entries(log, api, "sent")]
    assert names == ["Early 2", "Later 0", "Later 1", "Later 2"] and log._bytes == 0
    monkeypatch.setattr(request_log, "MOST_BYTES", 600)
    for number in range(5):
        api.post("/v1/products", {"name": f"Large {number}"})
    assert 0 < len(log._waiting) < 3 and log._bytes <= 600


def test_a_request_that_cannot_be_noted_is_answered_all_the_same(
    log: RequestLog, api: Api, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: Any) -> None:
        raise TypeError("no JSON")

    monkeypatch.setattr(log, "add", broken)
    made = api.post("/v1/products", {"name": "Gold"})
    assert made.status == 200 and made["name"] == "Gold"
    assert "is not in the request log" in caplog.text


def test_no_file_is_kept(log: RequestLog, api: Api) -> None:
    sent = {"purpose": "dispute_evidence", "file": (io.BytesIO(b"%PDF-1.4 private words"), "bill.pdf")}
    assert api.ask("POST", "/v1/files", data=sent, content_type="multipart/form-data").status == 200
    log.write()
    [(sent,)] = entries(log, api, "sent")
    assert sent == {"purpose": "dispute_evidence", "file": "[hidden]"}


def test_entries_are_deleted_after_a_month(log: RequestLog, api: Api, app: App) -> None:
    api.post("/v1/products", {"name": "Gold"})
    log.write()
    for days, left in ((29, 1), (31, 0)):
        with app.db.transaction(api.tenant) as tx:
            later = tx.at("wall", tx.now)
            object.__setattr__(later, "wall", tx.wall + timedelta(days=days))
            retention.prune_requests(later)
        assert len(entries(log, api, "id")) == left


def entries(log: RequestLog, api: Api, what: str) -> list[tuple[Any, ...]]:
    with log.db.transaction(api.tenant) as tx:
        return tx.tuples(f"select {what} from api_requests order by created, id")
