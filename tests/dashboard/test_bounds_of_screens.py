"""Screens wait for the database no longer than a request does; files may take longer."""

import re
from typing import Any

import pytest

from billow.flows.reporting import answers
from billow.pages.dashboard import facts, reports_page
from billow.pages.dashboard.lists import Place
from billow.pages.dashboard.visit import Visit
from billow.reports import Table
from billow.store.tx import Tx
from tests.dashboard.conftest import Person, text_of
from tests.support.world import World


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


def test_a_long_report_is_shown_in_pages_with_the_sums_of_all(
    shop: World, owner: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reports_page, "MOST", 2)
    days = {"from": "2026-01-01", "to": "2026-02-28", "at": "2026-02-28"}
    first, second = (owner.opens("/reports/trial_balance", **days, page=page) for page in ("1", "2"))
    assert "Rows 1 to 2 of" in text_of(first.text) and "Rows 3 to 4 of" in text_of(second.text)
    assert 'rel="next"' in first.text and 'rel="prev"' not in first.text and 'rel="prev"' in second.text
    foot = re.compile(r"Total USD.*?</tr>", re.S)
    assert foot.findall(first.text) == foot.findall(second.text) != []
    journal = owner.opens("/reports/journal", **days)
    assert "Rows 1 to 2;" in text_of(journal.text) and 'rel="next"' in journal.text
    assert owner.opens("/reports/journal.csv", **days).text.count("\r\n") > 10
    assert owner.opens("/reports/journal", **days, page="-1").status_code == 200


def test_a_preview_has_the_time_of_a_request(
    world: World, owner: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.at("2026-01-01")
    anna = world.customer("Anna")
    running = anna.subscribes_to(world.plan("Pro", usd=20)).now["id"]
    seen, place_of = [], facts.place_of

    def noted(visit: Visit, tx: Tx) -> Place:
        seen.append(tx.tuples("show statement_timeout")[0][0])
        return place_of(visit, tx)

    monkeypatch.setattr(facts, "place_of", noted)
    for path in (f"/subscriptions/{running}/change", f"/customers/{anna.id}/subscribe"):
        assert owner.opens(path).status_code == 200
    assert set(seen) == {"30s"} and len(seen) == 2


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
