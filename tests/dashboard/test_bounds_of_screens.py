"""Screens wait for the database no longer than a request does; files may take longer."""

from typing import Any

import pytest

from billow.flows.reporting import answers
from billow.reports import Table
from billow.store.tx import Tx
from tests.dashboard.conftest import Person, text_of


def test_a_screen_has_the_time_of_a_request_and_a_file_that_of_a_job(
    owner: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []

    def answer(tx: Tx, name: str, **params: Any) -> Table:
        seen.append(tx.tuples("show statement_timeout")[0][0])
        return Table(["currency"], [])

    monkeypatch.setattr(answers, "answer", answer)
    for path in ("/reports/cash", "/reports/cash.csv"):
        assert owner.opens(path).status_code == 200
    assert seen == ["30s", "10min"]


def test_what_takes_too_long_is_said(owner: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    def answer(tx: Tx, name: str, **params: Any) -> Table:
        tx.run("set local statement_timeout = 1")
        tx.tuples("select pg_sleep(5)")
        raise AssertionError("it was not cut off")

    monkeypatch.setattr(answers, "answer", answer)
    said = owner.opens("/reports/cash")
    assert said.status_code == 503
    assert "Ask for fewer days, or use billow report" in text_of(said.text)
    assert owner.opens("/customers").status_code == 200
