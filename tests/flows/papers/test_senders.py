"""Do mails and pages name the account to ask, and say of it in the language of the reader what papers say?"""

from dataclasses import replace
from email.utils import parseaddr
from pathlib import Path
from typing import Any

import pytest

from billow import selling
from billow.app import App
from billow.core.errors import Refused
from billow.flows.papers.send_mail import named
from billow.providers.letters import Sender
from billow.providers.letters.layout import LANGUAGES
from billow.providers.mail import Message
from billow.providers.mail.letter import envelope
from tests.flows.papers.test_customer_mails import text_of
from tests.flows.papers.test_mail import letters, read
from tests.flows.platform.test_sellers import Of
from tests.support.page_visits import Visitor
from tests.support.world import World

__all__ = ["letters"]
SELLER = (
    "name=Acme GmbH", "line1=Hauptstr. 5", "postal_code=10115", "city=Berlin", "country=DE",
    "tax_id=eu_vat:de 136 695 976", "tax_id=de_stn:1234567890", "company_number=HRB 12345",
    "statement=Sitz: Berlin · Geschäftsführer: Kim Beispiel", "footer=Gemäß § 19 UStG keine Umsatzsteuer.",
)  # fmt: skip


@pytest.fixture
def acme(app: App, world: World, monkeypatch: pytest.MonkeyPatch, letters: Path) -> Of:
    """An account whose installation sends from an address with a name."""
    sent_from = replace(app.db.outside, mail_from="Nimbus Billing <billing@nimbus.example>")
    monkeypatch.setattr(app.db, "outside", sent_from)
    return Of(app, world.api)


def mailed(world: World, folder: Path, **customer: Any) -> Any:
    """Bill a customer by mail, and return the mail."""
    before = len(read(folder))
    to = world.customer("anna", card=None, **customer)
    to.owes(1000)
    made = to.bills(collection_method="send_invoice", days_until_due=14)
    made.does("finalize")
    made.does("send")
    world.work()
    found = sorted(read(folder), key=lambda one: str(one["Message-ID"]))
    assert len(found) == before + 1
    return found[-1], made


def test_answers_go_to_the_accounts_address_and_the_mail_is_sent_from_the_installations(
    acme: Of, world: World, letters: Path
) -> None:
    acme.sets(*SELLER)
    mail, _ = mailed(world, letters)
    assert mail["From"] == "Nimbus Billing <billing@nimbus.example>" and mail["Reply-To"] is None
    assert "write to billing@nimbus.example" in text_of(mail)
    acme.sets("email=kim@acme.example")
    mail, _ = mailed(world, letters)
    assert mail["Reply-To"] == "kim@acme.example" and "write to kim@acme.example" in text_of(mail)
    acme.api.post("/v1/account", {"business_profile[support_email]": "help@acme.example"})
    mail, made = mailed(world, letters)
    assert mail["Reply-To"] == "help@acme.example" and mail["From"].endswith("<billing@nimbus.example>")
    assert "write to help@acme.example" in text_of(mail)
    page = Visitor(acme.app).opens(made.now["hosted_invoice_url"]).words()
    assert "Ask help@acme.example" in page and "nimbus.example" not in page


def test_the_name_in_the_setting_is_that_of_the_account_which_the_settings_describe() -> None:
    address = "Nimbus Billing <billing@nimbus.example>"
    assert named(address, Sender("Acme", named_by_settings=True)) == address
    assert named(address, Sender("Acme")) == '"Acme" <billing@nimbus.example>'
    assert named("billing@nimbus.example", Sender("Acme", named_by_settings=True)).startswith('"Acme"')


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_mail_says_of_the_seller_what_its_paper_says_in_the_readers_language(
    acme: Of, world: World, letters: Path, language: str
) -> None:
    acme.sets(*SELLER)
    mail, made = mailed(world, letters, preferred_locales=[language])
    acme.made = made.now
    paper, lines = acme.again(), text_of(mail).split("\r\n-- \r\n")[1].splitlines()
    said = lines[1 : lines.index("")]
    assert any("DE136695976" in line for line in said) and any("Geschäftsführer" in line for line in said)
    for line in said:
        assert set(line.split()) <= set(paper.split()), line
    if language != "en":
        assert not {"Germany", "VAT number"} & set(" ".join(said).replace("DE136695976", "|").split(" |"))
    assert lines[0] == "Acme GmbH" and "Gemäß § 19 UStG keine Umsatzsteuer." in said


def test_without_a_preferred_language_a_mail_speaks_as_its_paper(
    acme: Of, world: World, letters: Path
) -> None:
    acme.sets(*SELLER, "language=de")
    mail, _ = mailed(world, letters)
    assert mail["Subject"].startswith("Rechnung ") and "Deutschland" in text_of(mail)


def test_an_account_sends_from_an_address_of_its_own_in_domains_that_are_allowed(
    acme: Of, world: World, letters: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    acme.sets(*SELLER)
    own = "mail_from=billing@acme.example"
    with pytest.raises(Refused, match="BILLOW_MAIL_SENDERS"):
        acme.sets(own)
    with pytest.raises(Refused, match="no mail address"):
        acme.sets("mail_from=nobody")
    before = acme.app.db.outside
    monkeypatch.setattr(acme.app.db, "outside", replace(before, mail_senders=("acme.example",)))
    acme.sets(own)
    mail, _ = mailed(world, letters)
    assert mail["From"] == "Acme GmbH <billing@acme.example>" and mail["Reply-To"] is None
    assert "write to billing@acme.example" in text_of(mail)
    monkeypatch.setattr(acme.app.db, "outside", before)
    mail, _ = mailed(world, letters)
    assert parseaddr(mail["From"])[1] == "billing@nimbus.example"
    with acme.db.snapshot(world.api.tenant) as tx:
        shown = dict(selling.rows_of(tx))["mails come from"]
    assert shown == "billing@acme.example, which BILLOW_MAIL_SENDERS does not allow"


def test_mails_that_do_not_arrive_come_back_to_the_installation() -> None:
    made = Message(
        "a@x.example", "Acme <b@acme.example>", "Hi", "Hi", None, (), "1", returned_to="N <n@n.example>"
    )
    assert (envelope(made), envelope(replace(made, returned_to=""))) == ("n@n.example", "b@acme.example")
