"""Do invoices that are paid by bank transfer say how to pay them?"""

import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from billow.api import rows
from billow.app import App
from billow.core.bank import references
from billow.core.bank.seller import SellerAccount
from billow.core.errors import Refused
from billow.flows.bank import direct_debits
from billow.flows.outside import seller
from billow.flows.papers import invoice_document
from billow.flows.payments import transfer_instructions
from billow.flows.platform import set_up
from billow.providers.documents import html, pdf, text, wording
from billow.resources.invoice import Invoice
from tests.support.world import World

ACCOUNT = SellerAccount("Nimbus Ltd", "DE02120300000000202051", "BYLADEM1001", "991-2346", "rf")


@pytest.fixture
def account(app: App) -> Iterator[None]:
    """The seller has a bank account."""
    before = app.db.outside
    app.db.outside = replace(before, account=ACCOUNT)
    yield
    app.db.outside = before


def sent(world: World, currency: str = "eur", amount: int = 12500, **more: object) -> dict[str, object]:
    customer = world.post("/v1/customers", name="Anna", email="anna@example.test")["id"]
    how = {"collection_method": "send_invoice", "days_until_due": 30, **more}
    world.post("/v1/invoiceitems", customer=customer, amount=amount, currency=currency)
    draft = world.post(
        "/v1/invoices", customer=customer, currency=currency, pending_invoice_items_behavior="include", **how
    )
    return world.post(f"/v1/invoices/{draft['id']}/finalize")


def paper(app: App, world: World, invoice: dict[str, object]):
    with app.db.transaction(world.api.tenant) as tx:
        return invoice_document.document_of(tx, rows.find(tx, Invoice, str(invoice["id"])))


def test_each_paper_shows_iban_reference_and_qr_code(app, world, account):
    document = paper(app, world, sent(world))
    transfer = document.transfer
    assert transfer and references.is_rf(transfer.reference)
    qr = f"BCD\n002\n1\nSCT\n\nNimbus Ltd\n{ACCOUNT.iban}\nEUR125.00\n\n{transfer.reference}"
    assert transfer.qr == qr
    page, plain = html.render(document), text.render(document)
    for shown in ("DE02 1203 0000 0000 2020 51", references.grouped(transfer.reference), "991-2346"):
        assert shown in page and shown in plain
    assert re.search(r'class="qr" role="img" aria-label="[^"]+"><svg', page)
    file = pdf.render(document, datetime(2025, 2, 1, tzinfo=UTC))
    if shutil.which("pdftotext"):
        asked = subprocess.run(
            ["pdftotext", "-layout", "-", "-"], input=file, capture_output=True, check=True
        )
        assert "DE02 1203 0000 0000 2020 51" in asked.stdout.decode()


def test_there_is_no_qr_code_for_other_currencies(app, world, account):
    transfer = paper(app, world, sent(world, "usd")).transfer
    assert transfer and transfer.qr == "" and transfer.iban == ACCOUNT.iban


def test_a_swedish_seller_shows_an_ocr_number(app, world, account):
    app.db.outside = replace(app.db.outside, account=replace(ACCOUNT, reference="ocr"))
    invoice = sent(world, "sek")
    transfer = paper(app, world, invoice).transfer
    assert transfer and references.is_ocr(transfer.reference)


def test_a_paid_invoice_says_no_more_how_to_pay(app, world, account):
    invoice = sent(world)
    world.post(f"/v1/invoices/{invoice['id']}/pay", paid_out_of_band=True)
    assert paper(app, world, invoice).transfer is None


def test_invoices_that_are_charged_or_have_no_account_have_no_number(app, world, worlds):
    assert paper(app, world, sent(world)).transfer is None


def test_payment_numbers_are_unique(app, world, account):
    numbers = {paper(app, world, sent(world)).transfer.reference for _ in range(5)}
    assert len(numbers) == 5


GIRO = SellerAccount("Nimbus AB", bankgiro="9912346")


def test_a_bankgiro_alone_is_enough_to_be_paid_to(app, world, account):
    app.db.outside = replace(app.db.outside, account=GIRO)
    invoice = sent(world, "sek")
    transfer = paper(app, world, invoice).transfer
    assert transfer and references.is_ocr(transfer.reference) and not transfer.qr
    assert wording.transfer(paper(app, world, invoice)) == [
        ("Payee", "Nimbus AB"),
        ("Bankgiro", "991-2346"),
        ("OCR", transfer.reference),
    ]
    assert paper(app, world, sent(world, "eur")).transfer.qr == ""


def test_what_needs_an_iban_goes_without_a_bankgiro(app, world, account):
    app.db.outside = replace(app.db.outside, account=replace(GIRO, creditor_id="DE98ZZZ09999999999"))
    assert transfer_instructions.addresses(app.db.outside.account) == []
    customer = world.post("/v1/customers", name="Anna")["id"]
    wanted = {"currency": "sek", "funding_type": "bank_transfer"}
    where = {"type": "eu_bank_transfer", "eu_bank_transfer": {"country": "SE"}}
    said = world.post(f"/v1/customers/{customer}/funding_instructions", bank_transfer=where, **wanted)
    assert said["bank_transfer"] == {"country": "SE", "financial_addresses": [], "type": "eu_bank_transfer"}
    with app.db.transaction(world.api.tenant) as tx:
        assert "way" not in set_up.uncollectible(tx)
        assert next(one for one in set_up.steps(tx) if one.key == "bank").done
        with pytest.raises(Refused, match="BILLOW_SELLER_IBAN"):
            direct_debits.creditor_of(tx)


def test_what_an_account_leaves_out_of_its_bank_the_settings_say():
    settings = replace(ACCOUNT, creditor_id="DE98ZZZ09999999999")
    own = seller.account_of({"bankgiro": "5050-1055", "reference": "ocr"}, "Own AB", settings)
    assert own == replace(settings, holder="Own AB", bankgiro="5050-1055", reference="ocr")
    other = seller.account_of({"iban": "SE3550000000054910000003"}, "Own AB", settings)
    assert other and (other.iban, other.bic) == ("SE3550000000054910000003", "")
    assert seller.account_of({"bankgiro": "991-2346"}, "Own AB") == replace(
        GIRO, holder="Own AB", bankgiro="991-2346"
    )
    assert seller.account_of({"reference": "ocr"}, "Own AB") is None
