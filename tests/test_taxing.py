"""Do the commands of `billow tax` say what they did, and refuse what is no rate?"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from billow import taxing
from billow.app import App
from tests.conftest import Api
from tests.test_command_line import Run, here, run
from tests.test_tidy import ROOT

__all__ = ["here", "run"]
RATES = ROOT / "examples" / "tax_rates.csv"


@pytest.fixture
def tax(here: App, run: Run, monkeypatch: pytest.MonkeyPatch) -> Run:
    """`billow tax` with these words, about the account of the test."""

    @contextmanager
    def opened(*args: Any, **more: Any) -> Iterator[App]:
        yield here

    monkeypatch.setattr(taxing, "open_installation", opened)
    return lambda *words: run("tax", *words)


def test_rates_are_loaded_and_replaced_by_country(tax: Run, tmp_path: Path) -> None:
    assert tax("load", str(RATES))[0] == 0
    status, said = tax("rates")
    assert status == 0 and "California state tax" in said and "QST" in said
    less = tmp_path / "ca.csv"
    less.write_text("country,level,name,percentage,valid_from\nCA,country,Federal,5,2008-01-01\n")
    assert tax("load", str(less))[0] == 0
    said = tax("rates")[1]
    assert "Federal" in said and "QST" not in said and "California" in said
    less.write_text("country,level,name,percentage,valid_from\nCA,planet,Federal,5,2008-01-01\n")
    status, said = tax("load", str(less))
    assert status == 2 and "Line 2" in said and "Federal" in tax("rates")[1]


def test_certificates_are_kept_and_those_that_expire_are_listed(tax: Run, api: Api) -> None:
    customer = api.post("/v1/customers")["id"]
    status, said = tax("certify", customer, "CERT-1", "--state", "CA", "--expires", "2027-12-31")
    assert status == 0 and "exempt in CA by CERT-1 until 2027-12-31" in said
    assert "CERT-1" in tax("certificates", "--before", "2028-01-01")[1]
    assert "CERT-1" not in tax("certificates", "--before", "2027-01-01")[1]
    for words, reason in (
        (["certify", "cus_none", "C"], "cus_none"),
        (["certify", customer, "C", "--expires", "soon"], "soon is no day"),
        (["certificates", "--before", "soon"], "soon is no day"),
        (["settings", "--rounding", "never"], "never"),
    ):
        status, said = tax(*words)
        assert status == 2 and reason in said, said


def test_how_tax_is_rounded_is_shown_and_changed(tax: Run) -> None:
    assert "once for each line" in tax("settings")[1]
    status, said = tax("settings", "--rounding", "invoice", "--small-enterprise")
    assert status == 0 and "once for the invoice; " in said and "is exempt of VAT" in said
    assert "once for the invoice; " in tax("settings")[1]
    status, said = tax("settings", "--rounding", "country", "--no-small-enterprise")
    assert "once for each line" in said and "not exempt" in said
