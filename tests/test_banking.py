"""Do the commands of `billow bank` say what they did, and end with the status that scripts rely on?"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from billow import banking
from billow.app import App
from billow.core.bank.seller import SellerAccount
from billow.providers.gateways.sepa_debit import SepaDebit
from tests.conftest import Api
from tests.support.bank_statements import ACCOUNT, Booking, statement
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


@pytest.fixture
def sepa(here: App, run: Run, bank: Run) -> Run:
    """`billow sepa` with these words, about the account of the test."""
    return lambda *words: run("sepa", *words)


@pytest.fixture
def creditor(here: App) -> Iterator[None]:
    before = here.db.outside
    account = SellerAccount("Nimbus Ltd", ACCOUNT, creditor_id="DE98ZZZ09999999999", notice_days=1)
    here.db.outside = replace(before, gateways={"test": SepaDebit()}, account=account)
    yield
    here.db.outside = before


def debit(api: Api) -> str:
    """An invoice that is debited, which is under way."""
    customer = api.post("/v1/customers", {"name": "Anna"})["id"]
    given = {"type": "sepa_debit", "sepa_debit[iban]": "NL91ABNA0417164300"}
    method = api.post("/v1/payment_methods", given)["id"]
    api.post(f"/v1/payment_methods/{method}/attach", {"customer": customer})
    invoice = api.post("/v1/invoices", {"customer": customer, "currency": "eur"})["id"]
    api.post("/v1/invoiceitems", {"customer": customer, "amount": 900, "currency": "eur", "invoice": invoice})
    api.post(f"/v1/invoices/{invoice}/pay", {"payment_method": method})
    return str(invoice)


def test_a_file_is_written_once_and_again_as_it_was(
    sepa: Run, api: Api, creditor: None, tmp_path: Path
) -> None:
    assert sepa("export", str(tmp_path / "none.xml")) == (0, "No direct debit is due; no file was written.\n")
    invoice = debit(api)
    first, again = tmp_path / "first.xml", tmp_path / "again.xml"
    status, said = sepa("export", str(first), "--ahead", "5")
    assert status == 0 and "1 direct debit of €9.00" in said
    batch = next(word.strip(",") for word in said.split() if word.startswith("sbt_"))
    assert sepa("export", str(first), "--batch", batch)[0] == 2, "an existing file is not replaced"
    assert sepa("export", str(again), "--batch", batch)[0] == 0
    assert first.read_bytes() == again.read_bytes() and b"pain.008.001.08" in first.read_bytes()
    assert batch in sepa("list")[1]
    [id] = re.findall("<EndToEndId>(.*)</EndToEndId>", first.read_text())
    report = tmp_path / "report.xml"
    report.write_text(REPORT.replace("ID", id))
    assert sepa("reject", str(report)) == (0, "1 direct debit is rejected.\n")
    assert api.get(f"/v1/invoices/{invoice}")["status"] == "open"
    report.write_text(REPORT.replace("ID", "other"))
    status, said = sepa("reject", str(report))
    assert status == 1 and "other is none of ours" in said
    assert sepa("reject", str(first))[0] == 2


REPORT = (
    '<Document xmlns="urn:iso:std:iso:20022:tech:xsd:pain.002.001.10"><CstmrPmtStsRpt><OrgnlPmtInfAndSts>'
    "<TxInfAndSts><OrgnlEndToEndId>ID</OrgnlEndToEndId><TxSts>RJCT</TxSts>"
    "<StsRsnInf><Rsn><Cd>AC04</Cd></Rsn></StsRsnInf></TxInfAndSts>"
    "</OrgnlPmtInfAndSts></CstmrPmtStsRpt></Document>"
)
