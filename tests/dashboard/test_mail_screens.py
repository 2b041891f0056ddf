"""Is an e-invoice that could not be made named where people look, until the mail goes with it?"""

from dataclasses import replace
from email import message_from_bytes
from pathlib import Path

import pytest
from lxml import etree

from billow import mailing
from billow.app import App
from billow.providers.mail.outbox import Outbox
from tests.dashboard.conftest import Person
from tests.flows.papers.test_einvoices import billed, customer, seller
from tests.support import en16931
from tests.support.world import World

__all__ = ["seller"]
GERMAN = {"e_invoice": "xrechnung", "buyer_reference": "11-1234567890-01"}
NEEDS = "Mails without the e-invoice that the customer wants"


@pytest.fixture
def letters(app: App, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(app.db, "outside", replace(app.db.outside, mailer=Outbox(tmp_path)))
    return tmp_path


def xml_of(folder: Path) -> list[bytes]:
    parts = [part for one in folder.glob("*.eml") for part in message_from_bytes(one.read_bytes()).walk()]
    return [
        bytes(part.get_payload(decode=True)) for part in parts if part.get_content_type() == "application/xml"
    ]


@pytest.mark.parametrize(
    ("metadata", "reason"),
    [
        ({"e_invoice": "xrechnung"}, "went without xrechnung: The format xrechnung needs metadata"),
        ({"e_invoice": "xrechnungg"}, "went without xrechnungg: There is no format xrechnungg."),
    ],
)
def test_what_a_mail_went_without_is_named_until_it_goes_with_it(
    app: App, world: World, seller: None, letters: Path, owner: Person, metadata: dict[str, str], reason: str
) -> None:
    assert "No mail was ordered yet" in owner.reads("/mails")
    who = customer(world, metadata=metadata)
    made = billed(world, who, {"amount": 5000}, default_tax_rates=[world.tax(25, "Moms")])
    world.post(f"/v1/invoices/{made['id']}/send")
    world.work()
    assert xml_of(letters) == []
    for path in ("/mails", "/mails?tab=lacking", f"/invoices/{made['id']}"):
        assert reason in owner.reads(path), path
    assert f"{NEEDS} 1" in owner.reads("")
    built = App(app.db, app.keys, app.server, world.api.account, None)
    [line] = mailing.listed(built, "test", 10)
    assert any(reason in str(one) for one in line)
    world.post(f"/v1/customers/{who}", metadata=GERMAN)
    world.post(f"/v1/invoices/{made['id']}/send")
    world.work()
    assert len(xml_of(letters)) == 1
    assert NEEDS not in owner.reads("") and reason not in owner.reads(f"/invoices/{made['id']}")
    assert "Every mail had the e-invoice" in owner.reads("/mails", tab="lacking")
    assert made["number"] in owner.reads("/mails")


def test_an_xrechnung_goes_to_the_mail_address_of_who_has_no_other_one(
    world: World, seller: None, letters: Path
) -> None:
    """BT-49 has the scheme EM then; one that is known by another number keeps that."""
    address = {"line1": "Hauptstr. 5", "postal_code": "10115", "city": "Berlin", "country": "DE"}
    made = world.post("/v1/customers", name="Stadt", email="ap@stadt.test", address=address, metadata=GERMAN)
    invoice = billed(world, made["id"], {"amount": 5000}, default_tax_rates=[world.tax(25, "Moms")])
    world.post(f"/v1/invoices/{invoice['id']}/send")
    world.work()
    [xml] = xml_of(letters)
    assert en16931.failed(xml) == []
    [buyer] = etree.fromstring(xml).findall("{*}AccountingCustomerParty//{*}EndpointID")
    assert (buyer.get("schemeID"), buyer.text) == ("EM", "ap@stadt.test")
    [own] = etree.fromstring(xml).findall("{*}AccountingSupplierParty//{*}EndpointID")
    assert own.get("schemeID") == "0007"
