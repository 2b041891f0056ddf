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
from billow.flows.papers import invoice_document
from billow.providers.documents import html, pdf, text
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
