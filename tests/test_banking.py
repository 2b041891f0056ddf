"""Do the commands of `billow bank` say what they did, and end with the status that scripts rely on?"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from billow import banking
from billow.app import App
from tests.conftest import Api
from tests.support.bank_statements import Booking, statement
from tests.test_command_line import Run, here, run

__all__ = ["here", "run"]


@pytest.fixture
def bank(here: App, run: Run, monkeypatch: pytest.MonkeyPatch) -> Run:
    """`billow bank` with these words, about the account of the test."""

    @contextmanager
    def opened(*args: Any, **more: Any) -> Iterator[App]:
        yield here

    monkeypatch.setattr(banking, "open_installation", opened)
    return lambda *words: run("bank", *words)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    made = tmp_path / "s.xml"
    made.write_bytes(statement([Booking(12500, "B1", text="hello", name="Anna")]))
    return made


def test_an_import_counts_and_a_second_one_finds_nothing_new(bank: Run, file: Path) -> None:
    status, said = bank("import", str(file))
    assert status == 0 and [word for word in said.split() if word.isdigit()] == ["1", "1", "0", "0", "1", "0"]
    status, said = bank("import", str(file))
    assert status == 0 and [word for word in said.split() if word.isdigit()] == ["1", "0", "1", "0", "0", "0"]
    status, said = bank("list")
    assert status == 0 and "bte_" in said and "hello" in said and "€125.00" in said


def test_a_file_that_is_set_aside_ends_with_status_1_and_is_listed(bank: Run, file: Path) -> None:
    file.write_bytes(file.read_bytes().replace(b"1125.00", b"1125.01"))
    status, said = bank("import", str(file))
    assert status == 1 and "set aside" in said and "does not add up" in said
    assert "set_aside" in bank("statements")[1]
    assert bank("list") == (0, "The queue is empty.\n")


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["apply", "bte_1"], "Name an invoice or a customer"),
        (["apply", "bte_1", "--invoice", "in_1", "--customer", "cus_1"], "Name an invoice or a customer"),
        (["apply", "bte_1", "--invoice", "in_1"], "No such bank entry: 'bte_1'"),
        (["undo", "bte_1"], "No such bank entry"),
        (["ignore", "bte_1", "--reason", "x"], "No such bank entry"),
        (["record", "in_1", "--reference", "r"], "No such invoice"),
    ],
)
def test_what_a_command_cannot_mean_is_refused(bank: Run, words: list[str], reason: str) -> None:
    status, said = bank(*words)
    assert status == 2 and reason in said


@pytest.mark.parametrize(
    ("option", "value", "reason"),
    [
        ("--amount", "1.001", "more decimals than EUR"),
        ("--amount", "much", "is no amount"),
        ("--amount", "NaN", "is no amount"),
        ("--date", "yesterday", "is no date"),
    ],
)
def test_a_payment_by_hand_has_an_amount_and_a_day(
    bank: Run, api: Api, option: str, value: str, reason: str
) -> None:
    customer = api.post("/v1/customers")["id"]
    how = {"collection_method": "send_invoice", "days_until_due": 30, "currency": "eur"}
    invoice = api.post("/v1/invoices", {"customer": customer, **how})["id"]
    status, said = bank("record", invoice, "--reference", "r", option, value)
    assert status == 2 and reason in said, said
