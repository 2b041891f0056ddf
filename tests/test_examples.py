"""Do the examples and the demonstration do what they say?"""

import importlib.util
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType

import pytest
from rich.console import Console

from billow import demonstration
from billow.app import App
from billow.core import signing
from billow.demonstration import calendar_year, company, machine, measured, timeline
from billow.demonstration.receiver import listening
from billow.demonstration.stories import stories_of
from tests.conftest import SHARED, Api
from tests.support.worker_threads import running_worker

EXAMPLES = Path(__file__).parents[1] / "examples"
DATA = SHARED / "data"


@pytest.fixture
def worker(app: App) -> Iterator[None]:
    with running_worker(app):
        yield


@pytest.fixture
def real_usage() -> Iterator[ModuleType]:
    """The example as a module; dataclasses want it to be known by name."""
    spec = importlib.util.spec_from_file_location("real_usage", EXAMPLES / "real_usage.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name]


@pytest.mark.usefixtures("worker")
def test_real_usage_becomes_two_paid_invoices(
    api: Api, http_url: str, real_usage: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    # The address in an invoice is that of the settings, and the server of the tests has a port of its own.
    fetched: list[str] = []
    genuine = real_usage.urllib.request.urlopen

    def fetch(request: object, **more: object) -> object:
        if isinstance(request, str):
            fetched.append(request)
            request = http_url + request[request.index("/i/") :]
        return genuine(request, **more)

    monkeypatch.setattr(real_usage.urllib.request, "urlopen", fetch)
    real = (DATA / "azure_llm_inference_2023_code.csv").exists()
    customers = real_usage.azure(DATA) if real else real_usage.built_in()
    real_usage.Story(http_url, api.key).run(customers, told.append)
    said = "\n".join(told)
    totals = ("57.87 USD, paid", "128.42 USD, paid") if real else ("9.30 USD, paid", "2.83 USD, paid")
    assert all(total in said for total in totals), said
    assert len(fetched) == 2 and all(url.endswith("/pdf") for url in fetched)
    invoices = api.get("/v1/invoices", {"limit": 100})["data"]
    assert sorted(invoice["amount_paid"] for invoice in invoices if invoice["total"]) == sorted(
        sum(customer.lines) for customer in customers
    )


@pytest.mark.usefixtures("worker")
def test_the_example_complains_about_an_invoice_that_is_a_cent_off(
    api: Api, http_url: str, real_usage: ModuleType
) -> None:
    [code, _] = real_usage.built_in()
    wrong = real_usage.Customer(code.name, code.requests, (code.lines[0] + 1, code.lines[1]))
    with pytest.raises(AssertionError):
        real_usage.Story(http_url, api.key).run([wrong], lambda said: None)


def test_the_example_without_arguments_tells_how_it_is_called() -> None:
    called = subprocess.run(
        [sys.executable, str(EXAMPLES / "real_usage.py")], capture_output=True, text=True, check=False
    )
    assert called.returncode == 1 and "examples/real_usage.py http" in called.stderr


# ------------------------------------------------------------------------------------- the demonstration


@pytest.fixture
def above() -> Iterator[Path]:
    """Not pytest's tmp_path: its parents are closed to other users, and as root postgres is another user."""
    folder = Path(tempfile.mkdtemp(prefix="billow-demo-"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


def test_the_demonstration_ends_well_with_a_third_of_its_year_and_a_hundredth_of_its_events(
    above: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BILLOW_DATA", str(above))
    for module in (timeline, demonstration):
        monkeypatch.setattr(module, "EVENTS", 40)
    processes: list[subprocess.Popen[bytes]] = []
    genuine = machine.stop
    monkeypatch.setattr(machine, "stop", lambda process: (processes.append(process), genuine(process)))
    exported: list[str] = []
    keep, export = demonstration.keep_pdf, ("books", "export", "--format=csv", "--home", "--from=2023-11")
    monkeypatch.setattr(
        demonstration,
        "keep_pdf",
        lambda on, invoice: (exported.append(on.ask(*export)), keep(on, invoice))[1],
    )
    console = Console(record=True, width=100, file=(above / "told").open("w"))
    demonstration.run(console, 4, once=True)
    assert "usd" in exported[0], "there is a rate for each day on which dollars are booked"
    assert ("2023-12-16" in exported[0]) == measured.there()
    told = console.export_text()
    assert "  800 " in told and "40 of them were sent twice" in told
    assert "of these after retries            1   Kite Travel" in told
    assert "of these in dunning               1   Lumen School" in told
    [delivered, wanted] = told.split("webhooks delivered")[1].split()[0:3:2]
    assert int(delivered) == int(wanted) > 100
    zeros = told.split("Trial balance")[1].split("\n total")[1].split("\n")[0].split()[1:]
    assert zeros == ["€0.00", "£0.00", "$0.00"]
    assert ("$57.87" in told and "$128.42" in told) if measured.there() else "Left out" in told
    assert [path.read_bytes()[:5] for path in (above / "demo-1").glob("*.pdf")] == [b"%PDF-"]
    assert len(processes) == 1 and processes[0].returncode is not None
    assert not machine.Embedded(above / "demo-1" / "postgres").running


def test_a_folder_in_use_is_left_alone(tmp_path: Path) -> None:
    with machine.own_folder(tmp_path) as first:
        (first / "kept").touch()
        with machine.own_folder(tmp_path) as second:
            assert (first.name, second.name) == ("demo-1", "demo-2")
        assert (first / "kept").exists()
    with machine.own_folder(tmp_path) as again:
        assert again == first and not (first / "kept").exists()
    with machine.own_folder(tmp_path / "data"):
        assert (tmp_path / "data").stat().st_mode & 0o777 == 0o700


def test_a_port_in_use_is_passed_over() -> None:
    with listening() as receiver:
        taken = int(receiver.url.split(":")[2].split("/")[0])
        assert machine.free_port(taken) > taken


def test_the_receiver_counts_a_genuine_event_once_and_a_forged_one_never() -> None:
    with listening() as receiver:
        receiver.secret = "whsec_test"
        body = b'{"id":"evt_1","type":"invoice.paid"}'
        for _ in range(2):
            assert receiver.take(body, signing.stripe(["whsec_test"], 1700000000, body))
        assert not receiver.take(body, signing.stripe(["whsec_other"], 1700000000, body))
        assert not receiver.take(body.replace(b"1", b"2"), signing.stripe(["whsec_test"], 1700000000, body))
        assert not receiver.take(body, "")
        assert receiver.counts == {"invoice.paid": 1}


def test_the_same_seed_makes_the_same_use() -> None:
    year = calendar_year.year_until(datetime(2026, 11, 30, 17, 5, tzinfo=UTC))
    nimbus = company.Nimbus("clock", {}, {name: name for name in company.BY_NAME})
    since, until = year.months[:2]
    first, second = (
        list(timeline.measured(timeline.Random(2026), nimbus, year, since, until)) for _ in range(2)
    )
    assert first == second
    assert all(since.timestamp() <= event["timestamp"] < until.timestamp() for event in first)
    nights, noons = (
        sum(1 for event in first if datetime.fromtimestamp(event["timestamp"], UTC).hour in hours)
        for hours in ((1, 2, 3), (11, 12, 13))
    )
    sundays, mondays = (
        sum(1 for event in first if datetime.fromtimestamp(event["timestamp"], UTC).weekday() == day)
        for day in (6, 0)
    )
    assert noons > 8 * nights and mondays > 2 * sundays


@pytest.mark.parametrize(
    "now", ["2026-11-30T17:05Z", "2026-12-01T00:10Z", "2028-02-29T12:00Z", "2026-03-02T09:00Z"]
)
def test_the_year_of_the_demonstration_ends_now_whenever_that_is(now: str) -> None:
    year = calendar_year.year_until(datetime.fromisoformat(now))
    assert len(year.months) == 13 and all(month.day == 1 for month in year.months)
    borders = list(year.borders())
    assert borders == sorted(set(borders)) and borders[-1] == year.end
    stories = stories_of(year)
    assert {story.name for story in stories} == set(company.BY_NAME)
    assert all(year.start <= story.at <= year.end for story in stories)
