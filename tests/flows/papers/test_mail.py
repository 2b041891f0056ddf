"""A finalized invoice is mailed once, with its PDF."""

import email
import email.policy
import shutil
import subprocess
from dataclasses import replace
from email.message import EmailMessage
from pathlib import Path

import pytest

from billow import commands
from billow.app import App
from billow.providers.mail.outbox import Outbox
from tests.support.page_visits import PAYER, Visitor
from tests.support.world import World


@pytest.fixture
def letters(app: App, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder to which this test's mail is written."""
    monkeypatch.setattr(app.db, "outside", replace(app.db.outside, mailer=Outbox(tmp_path)))
    return tmp_path


def read(folder: Path) -> list[EmailMessage]:
    parse = email.message_from_bytes
    found = [parse(path.read_bytes(), policy=email.policy.default) for path in sorted(folder.glob("*.eml"))]
    return [letter for letter in found if isinstance(letter, EmailMessage)]


def test_the_letter_names_the_invoice_and_carries_it(world: World, letters: Path, tmp_path: Path) -> None:
    world.at("2025-01-01")
    anna = world.customer("anna")
    anna.subscribes_to(world.plan("Pro", usd=20))
    world.work()
    [letter] = read(letters)
    number = anna.last_invoice.data["number"]
    assert letter["To"] == "anna@example.com"
    assert letter["Subject"] == f"Invoice {number} from Nimbus Ltd: US$20.00"
    [paper] = letter.iter_attachments()
    assert paper.get_filename() == f"{number}.pdf"
    assert paper.get_content_type() == "application/pdf"
    text = letter.get_body(("plain",))
    assert text is not None
    assert "20.00" in text.get_content()
    file = tmp_path / "paper.pdf"
    file.write_bytes(paper.get_content())
    if shutil.which("pdftotext"):
        read_back = subprocess.run(
            ["pdftotext", "-layout", file, "-"], capture_output=True, text=True, check=True
        )
        assert number in read_back.stdout
        assert "20.00" in read_back.stdout


def test_one_letter_for_each_invoice_and_none_for_drafts(world: World, letters: Path) -> None:
    world.at("2025-01-01")
    anna = world.customer("anna", card=None)
    anna.subscribes_to(world.plan("Pro", usd=20), collection_method="send_invoice", days_until_due=3)
    world.work()
    assert read(letters) == []
    world.at("2025-01-01 01:00")
    assert len(read(letters)) == 1
    world.at("2025-02-01 01:00")
    assert len(read(letters)) == 2
    anna.last_invoice.does("send")
    world.work()
    assert len(read(letters)) == 2  # the same letter has the same name


def test_a_stored_text_that_is_no_address_parks_no_job_and_is_reported(
    app: App, world: World, letters: Path
) -> None:
    """As older versions stored any text as an address."""
    world.at("2025-01-01")
    anna = world.customer("anna", card=None)
    with app.db.transaction(world.api.tenant) as tx:
        tx.run("update customers set email = %(bad)s", bad="anna@example.com\nBcc: all@example.com")
    anna.subscribes_to(world.plan("Pro", usd=20), collection_method="send_invoice", days_until_due=3)
    world.at("2025-01-01 01:00")
    world.work()
    id = anna.last_invoice.data["id"]
    reason = "'anna@example.com\\nBcc: all@example.com' is not a mail address."
    assert read(letters) == [] and f"  not mailed   {reason}" in commands.explain(app, id)
    with app.db.transaction(world.api.tenant) as tx:
        waiting = tx.all("select 1 from jobs where tenant = %(t)s and kind = 'mail.send'", t=tx.tenant)
    assert waiting == []
    report = f"{world.api.tenant} open invoices whose mail cannot arrive: 1 ({id}: {reason})"
    assert list(commands.undeliverable(app.db, world.api.tenant)) == [(False, report)]
    world.api.post(f"/v1/customers/{anna.id}", {"email": "anna@example.com"})
    anna.last_invoice.does("send")
    world.work()
    assert [letter["To"] for letter in read(letters)] == ["anna@example.com"]
    assert list(commands.undeliverable(app.db, world.api.tenant)) == []


def test_a_customer_without_an_address_gets_none(world: World, letters: Path) -> None:
    world.at("2025-01-01")
    anna = world.customer("anna", email=None)
    anna.subscribes_to(world.plan("Pro", usd=20))
    world.work()
    assert read(letters) == []


def test_a_checkout_mails_its_invoice_once_it_is_paid_and_none_of_a_failed_one(
    app: App, world: World, letters: Path
) -> None:
    made = world.post(
        "/v1/checkout/sessions",
        mode="subscription",
        success_url="https://shop.example/ok",
        line_items=[{"price": world.plan("Pro", usd=20), "quantity": 1}],
    )
    visitor = Visitor(app, world.work)
    visitor.opens(made["url"]).sends(**{**PAYER, "number": "4000000000000341"})
    visitor.sends(**{**PAYER, "number": "4000002760003184"})
    world.work()
    assert read(letters) == []
    visitor.sends(answer="yes")
    world.work()
    [letter] = read(letters)
    text = letter.get_body(("plain",))
    assert text is not None
    assert "has billed you US$20.00, and it is paid" in " ".join(text.get_content().split())
