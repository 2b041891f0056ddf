"""Does each account have a seller of its own, and does an issued invoice keep its seller?"""

import re
from pathlib import Path
from typing import Any

import pytest

from billow import selling
from billow.api import rows
from billow.app import App
from billow.core.errors import Refused
from billow.flows.papers import invoice_document
from billow.pages import elsewhere
from billow.providers.documents import text
from billow.resources.invoice import Invoice
from tests.conftest import Api
from tests.support.world import World
from tests.test_tidy import ROOT

LOGO = (
    b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x06\x00\x00\x00\x1f\x15\xc4\x89"
    b"\x00\x00\x00\rIDATx\x9cc\xf8\xff\xff?\x00\x05\xfe\x02\xfe\xa75\x81\x84\x00\x00\x00\x00IEND\xaeB`\x82"
)


class Of:
    """An account of the command line, which `selling` is about."""

    def __init__(self, app: App, api: Api) -> None:
        self.app, self.db = app, app.db
        self.account = api.tenant.partition("/")[0]
        self.api = api

    def sets(self, *what: str) -> None:
        selling.change(self, selling.read(list(what)))  # type: ignore[arg-type]

    def paper(self, **more: Any) -> str:
        world = World(self.api, lambda: None)
        customer = world.post("/v1/customers", name="Anna")["id"]
        world.post("/v1/invoiceitems", customer=customer, amount=1000, currency="eur")
        made = world.post("/v1/invoices", customer=customer, pending_invoice_items_behavior="include", **more)
        self.made = world.post(f"/v1/invoices/{made['id']}/finalize")
        return self.again()

    def again(self) -> str:
        with self.db.transaction(self.api.tenant) as tx:
            return text.render(invoice_document.document_of(tx, rows.find(tx, Invoice, self.made["id"])))


@pytest.fixture
def acme(app: App, api: Api) -> Of:
    return Of(app, api)


@pytest.fixture
def nord(app: App, other: Api) -> Of:
    return Of(app, other)


def test_two_accounts_have_two_sellers_and_two_papers(acme: Of, nord: Of) -> None:
    acme.sets("name=Acme GmbH", "line1=Hauptstr. 5", "postal_code=10115", "city=Berlin", "country=DE")
    acme.sets("tax_id=eu_vat:de 136 695 976", "iban=DE02120300000000202051", "statement=HRB 12345 Berlin")
    nord.sets("name=Nord AB", "line1=Storgatan 1", "postal_code=111 22", "city=Stockholm", "country=SE")
    nord.sets("tax_id=eu_vat:SE556000475501", "statement=Godkänd för F-skatt", "footer=Tack!")
    german, swedish = acme.paper(), nord.paper()
    assert "Acme GmbH" in german and "10115 Berlin" in german and "DE136695976" in german
    assert "Nord AB" in swedish and "111 22 Stockholm" in swedish and "SE556000475501" in swedish
    assert "Acme" not in swedish and "Nord" not in german and "Nimbus" not in german + swedish
    assert acme.made["account_name"] == "Acme GmbH" and acme.made["account_country"] == "DE"


def test_money_and_customers_are_led_to_the_seller_of_the_account(acme: Of, nord: Of) -> None:
    acme.sets("name=Acme GmbH", "iban=DE02120300000000202051")
    nord.sets("name=Nord AB", "iban=SE4550000000058398257466")
    asked = {
        "currency": "eur",
        "funding_type": "bank_transfer",
        "bank_transfer[type]": "eu_bank_transfer",
        "bank_transfer[eu_bank_transfer][country]": "DE",
    }
    for account, iban in ((acme, "DE02120300000000202051"), (nord, "SE4550000000058398257466")):
        customer = account.api.post("/v1/customers", {"name": "Anna"})["id"]
        told = account.api.post(f"/v1/customers/{customer}/funding_instructions", asked)
        assert [one["iban"]["iban"] for one in told["bank_transfer"]["financial_addresses"]] == [iban]
        with account.db.transaction(account.api.tenant) as tx, account.app.wsgi.test_request_context():
            page = elsewhere.said(tx, "info", "busy", "Wait.").get_data(as_text=True)
        assert ("Nord AB" in page, "Acme GmbH" in page) == (account is nord, account is acme)


def test_only_the_seller_reads_the_settings_of_the_first_account() -> None:
    """What reads them elsewhere names the seller of another account."""
    its_own = re.compile(r"outside(_of\(tx\))?\.(seller_\w+|account)\b")
    found = {
        str(path.relative_to(ROOT))
        for folder in ("flows", "pages")
        for path in (ROOT / "billow" / folder).rglob("*.py")
        if its_own.search(path.read_text())
    }
    assert found == {"billow/flows/outside/seller.py"}


def test_an_issued_invoice_keeps_its_seller(acme: Of) -> None:
    acme.sets("name=Acme GmbH", "line1=Hauptstr. 5", "city=Berlin", "country=DE")
    before = acme.paper()
    acme.sets("name=Other GmbH", "city=Hamburg")
    assert acme.again() == before and "Other GmbH" in acme.paper()


def test_the_account_is_changed_through_the_api_as_stripe_has_it(acme: Of, contract: Any) -> None:
    sent = {
        "business_profile[name]": "Acme Cloud",
        "business_profile[support_phone]": "+46 8 123",
        "company[address][city]": "Stockholm",
        "company[address][line1]": "Storgatan 1",
        "company[name]": "Acme Cloud AB",
        "email": "billing@acme.test",
        "metadata[shop]": "1",
        "settings[branding][primary_color]": "#123456",
    }
    changed = acme.api.post(f"/v1/accounts/{acme.account}", sent)
    assert (changed.status, contract.problems(changed)) == (200, [])
    again = acme.api.post("/v1/account", {"settings[branding][secondary_color]": "#654321"})
    assert again["settings"]["branding"]["primary_color"] == "#123456" and again["metadata"] == {"shop": "1"}
    assert acme.api.get("/v1/account") == again
    assert again["company"]["address"]["city"] == "Stockholm" and again["email"] == "billing@acme.test"
    shown = acme.paper()
    assert "Acme Cloud" in shown and "Storgatan 1" in shown and "billing@acme.test" in shown


@pytest.mark.parametrize("name", ["business_type", "individual[first_name]", "tos_acceptance[ip]"])
def test_what_is_not_said_of_ones_own_account_is_refused(api: Api, name: str) -> None:
    value = "company" if name == "business_type" else "192.0.2.1"
    refused = api.post(f"/v1/accounts/{api.tenant.partition('/')[0]}", {name: value})
    assert (refused.status, refused["error"]["param"]) == (400, name.partition("[")[0])


def test_invoices_name_the_default_tax_ids_or_their_own(acme: Of) -> None:
    first, second = (
        acme.api.post("/v1/tax_ids", {"type": "eu_vat", "value": value})["id"]
        for value in ("SE556000475501", "DE136695976")
    )
    key = "settings[invoices][default_account_tax_ids]"
    changed = acme.api.post("/v1/account", {f"{key}[0]": first})
    assert changed["settings"]["invoices"]["default_account_tax_ids"] == [first]
    usual = acme.paper()
    assert acme.made["account_tax_ids"] == [first]
    assert "SE556000475501" in usual and "DE136695976" not in usual
    own = acme.paper(account_tax_ids=[second])
    assert "DE136695976" in own and "SE556000475501" not in own
    refused = acme.api.post(f"/v1/invoices/{acme.made['id']}", {"account_tax_ids[0]": first})
    assert refused["error"]["code"] == "invoice_not_editable"
    unknown = acme.api.post("/v1/account", {f"{key}[0]": "txi_none"})
    assert (unknown.status, unknown["error"]["param"]) == (400, f"{key}[0]")


def test_a_logo_is_kept_by_the_account_and_shown_on_its_papers(acme: Of, tmp_path: Path) -> None:
    file = tmp_path / "logo.png"
    file.write_bytes(LOGO)
    acme.sets("name=Acme", f"logo={file}")
    with acme.db.transaction(acme.api.tenant) as tx:
        from billow.flows.outside.seller import seller_of

        assert seller_of(tx).logo and seller_of(tx).logo.body == LOGO
    file.write_bytes(b"no image")
    with pytest.raises(Refused, match="PNG, JPEG or SVG"):
        acme.sets(f"logo={file}")


@pytest.mark.parametrize(
    "what",
    ["iban=DE02", "bic=X", "country=Sweden", "color=red", "time_zone=Mars", "tax_id=eu_vat:SE1", "shoe=42",
     "tax_id=moon:1", "bankgiro=991-2345", "reference=mine", "numbers=nobody", "number_format=INV",
     "number_prefix=Ä", "name", "logo=/does/not/exist"],
)  # fmt: skip
def test_what_no_paper_could_show_is_refused(acme: Of, what: str) -> None:
    with pytest.raises(Refused):
        acme.sets(what)
