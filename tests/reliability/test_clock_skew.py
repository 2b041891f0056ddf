"""F10: processes whose clocks are wrong stand beside right ones: nothing is billed early or late.

The wrong clocks are libfaketime's, in processes of their own over the same database.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from billow import app as application
from billow import settings
from billow.app import App
from billow.core import calendar
from billow.store import jobs, migrate
from billow.store.embedded import Embedded
from tests.conftest import Api
from tests.reliability.test_kill import free_port, wait
from tests.support.world import flat

LIBRARY = next(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"), None)
SKEWS = os.environ.get("BILLOW_SKEWS", "+45d,-45d").split(",")
"""Two of F10's four by default; tests/store/test_clocks.py has all of them without processes."""


@dataclass
class Site:
    """A database with a right clock, an application on it, and processes with clocks of their own."""

    folder: Path
    app: App
    api: Api
    url: str
    running: list["subprocess.Popen[bytes]"] = field(default_factory=list)

    def start(self, command: str, clock: dict[str, str], *more: str) -> Path:
        """Start `billow COMMAND` with a clock as libfaketime is told; its log."""
        assert LIBRARY is not None, "libfaketime is not installed; see .ci/run"
        log = self.folder / f"{command}{len(self.running)}.log"
        environment = {
            **os.environ,
            "LD_PRELOAD": str(LIBRARY),
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            **clock,
            "BILLOW_DATABASE_URL": self.url,
            "BILLOW_DATA": str(self.folder / "data"),
        }
        with log.open("wb") as stream:
            words = [sys.executable, "-m", "billow", command, *more]
            self.running.append(subprocess.Popen(words, env=environment, stdout=stream, stderr=stream))
        return log

    def stop(self) -> None:
        for process in self.running:
            process.terminate()
        for process in self.running:
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def invoices(self) -> int:
        with self.app.db.connection() as conn:
            conn.execute("select set_config('billow.tenant', %s, false)", (self.api.tenant,))
            row = conn.execute("select count(*) from invoices").fetchone()
        return int(row[0]) if row else 0


@pytest.fixture
def site() -> Iterator[Site]:
    # Not pytest's tmp_path: its parents are closed to other users, and as root postgres is another user.
    folder = Path(tempfile.mkdtemp(prefix="billow-skew-"))
    server = Embedded(folder / "postgres")
    server.start()
    migrate.migrate(server.url)
    built = application.build(settings.load({"BILLOW_DATA": str(folder / "data")}), server.url)
    tenant = f"{built.account}/test"
    made = Site(folder, built, Api(built, built.new_key or "", tenant), server.url)
    try:
        yield made
    finally:
        made.stop()
        built.close()
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


def subscribed(api: Api) -> None:
    """A monthly and a daily subscription, of which neither has a renewal due."""
    paying = {
        "payment_method": "pm_card_visa",
        "invoice_settings": {"default_payment_method": "pm_card_visa"},
    }
    customer = api.post("/v1/customers", flat(paying))["id"]
    for interval in ("day", "month"):
        form = {"currency": "usd", "unit_amount": 2000, "product_data": {"name": "Pro"}}
        price = api.post("/v1/prices", flat({**form, "recurring": {"interval": interval}}))["id"]
        answer = api.post("/v1/subscriptions", flat({"customer": customer, "items": [{"price": price}]}))
        assert answer["status"] == "active", answer


def says(log: Path, words: str) -> Callable[[], bool]:
    return lambda: words in log.read_text(errors="replace")


def asked(port: int, path: str, key: str, form: dict[str, str] | None = None) -> int:
    """The status of an answer; 0 where nobody answers yet."""
    data = urllib.parse.urlencode(form).encode() if form is not None else None
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", data=data)
    request.add_header("Authorization", f"Bearer {key}")
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return 0


def test_a_worker_whose_clock_is_wrong_bills_nothing(site: Site) -> None:
    """Nothing kept the worker that was 45 days ahead from renewing both for all of that time."""
    subscribed(site.api)
    logs = [site.start("work", {"FAKETIME": skew}) for skew in SKEWS]
    for skew, log in zip(SKEWS, logs, strict=True):
        side = "ahead of" if skew.startswith("+") else "behind"
        wait(says(log, f"{side} the database's"), f"the worker at {skew} has said so", 90)
    time.sleep(1.5)
    assert site.invoices() == 2
    text = "".join(log.read_text(errors="replace") for log in logs)
    assert "Traceback" not in text and text.count("nothing is done until they agree") == len(SKEWS)


def test_a_server_stops_when_its_clock_jumps_and_goes_on_when_it_is_back(site: Site) -> None:
    port = free_port()
    clock = site.folder / "clock"
    clock.write_text("+0")
    site.start(
        "serve", {"FAKETIME_TIMESTAMP_FILE": str(clock), "FAKETIME_NO_CACHE": "1"}, "--port", str(port)
    )

    def answers(status: int) -> Callable[[], bool]:
        return lambda: asked(port, "/v1/customers", site.api.key, {}) == status

    wait(answers(200), "the server answers", 90)
    for skew in ("-1h", "+45d"):
        clock.write_text(skew)
        wait(answers(503), f"it refuses at {skew}", 20)
        assert asked(port, "/readyz", site.api.key) == 503
        assert asked(port, "/healthz", site.api.key) == 200
        clock.write_text("+0")
        wait(answers(200), f"it is back after {skew}", 20)
    ids = [row["id"] for row in site.api.get("/v1/customers", {"limit": 100})["data"]]
    assert ids == sorted(ids, reverse=True), "ids are in the order of creation, whatever the clock did"


# ------------------------------------------------------------------------------------- one clock, set back


def test_a_clock_that_is_set_back_with_its_database_bills_nothing_twice(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The machine and its database go back together: what was billed stays billed, once."""
    subscribed(site.api)
    real = site.app.db.wall

    def at(instant: timedelta) -> int:
        """Do what is due then; how many invoices there are after it."""
        monkeypatch.setattr(site.app.db, "wall", lambda: real() + instant)
        while jobs.run_due(site.app.db, clock="wall", until=site.app.db.wall()):
            pass
        return site.invoices()

    later = timedelta(days=1, hours=2)
    assert at(later) == 3, "the day has been renewed"
    for jump in (timedelta(hours=1), timedelta(minutes=5), timedelta(days=45)):
        assert at(later - jump) == 3, jump
    assert at(later) == 3
    sequences = [event["sequence"] for event in site.api.get("/v1/events/feed", {"limit": 100})["data"]]
    assert sequences == sorted(set(sequences))
    assert at(later + timedelta(days=1)) == 4, "and goes on with the next"


# ------------------------------------------------------------------------------------- special days


@pytest.mark.parametrize("zone", ["UTC", "America/New_York", "Europe/Berlin", "Australia/Lord_Howe"])
def test_where_a_machine_stands_changes_no_boundary(zone: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Days on which clocks are set for summer and back, and leap days: periods are counted in UTC."""
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        for text, interval, following in (
            ("2024-02-29T02:30:00+00:00", "year", "2025-02-28T02:30:00+00:00"),
            ("2024-03-09T07:30:00+00:00", "day", "2024-03-10T07:30:00+00:00"),
            ("2024-03-30T01:30:00+00:00", "day", "2024-03-31T01:30:00+00:00"),
            ("2024-10-26T01:30:00+00:00", "day", "2024-10-27T01:30:00+00:00"),
            ("2024-01-31T23:30:00+00:00", "month", "2024-02-29T23:30:00+00:00"),
        ):
            anchor = datetime.fromisoformat(text)
            assert calendar.boundary(anchor, interval, 1, 1).isoformat() == following
    finally:
        monkeypatch.undo()
        time.tzset()
