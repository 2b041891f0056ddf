"""Do the commands about costs and exports say what they did, and refuse what is no day?"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from billow import measuring
from billow.app import App
from tests.conftest import Api
from tests.test_command_line import Run, here, run

__all__ = ["here", "run"]


@pytest.fixture
def told(here: App, run: Run, monkeypatch: pytest.MonkeyPatch) -> Run:
    @contextmanager
    def opened(*args: Any, **more: Any) -> Iterator[App]:
        yield here

    monkeypatch.setattr(measuring, "open_installation", opened)
    return run


def test_costs_of_a_meter_are_set_and_shown(told: Run, api: Api) -> None:
    form = {"display_name": "Calls", "event_name": "calls", "default_aggregation[formula]": "sum"}
    assert "id" in api.post("/v1/billing/meters", form)
    assert told("costs", "set", "calls", "0.0025", "usd", "--since", "2026-01-01")[0] == 0
    status, said = told("costs")
    assert status == 0 and "calls" in said and "0.0025" in said and "2026-01-01" in said
    assert "is no day" in told("costs", "set", "calls", "1", "usd", "--since", "soon")[1]
    assert "no currency" in told("costs", "set", "calls", "1", "xxq")[1]


def test_an_export_is_printed_or_written(told: Run, api: Api, tmp_path: Path) -> None:
    customer = api.post("/v1/customers", {"name": "Ann"})["id"]
    days = ("--customer", customer, "--from", "2026-01-01", "--to", "2026-12-31")
    status, said = told("export", "focus", *days)
    assert status == 0 and said.startswith("BilledCost,")
    status, said = told("export", "focus", *days, "-o", str(tmp_path / "charges.csv"))
    assert status == 0 and "0 charges" in said
    assert (tmp_path / "charges.csv").read_text().startswith("BilledCost,")
    assert told("export", "focus", "--customer", "cus_none", *days[2:])[0] != 0
