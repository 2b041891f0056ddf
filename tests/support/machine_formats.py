"""Can every invoice that a test has finalized be written by EN 16931, or is the reason one that is known?"""

from collections.abc import Iterator
from dataclasses import replace

from billow.api import rows
from billow.core.einvoice import limits
from billow.core.einvoice.model import EInvoice
from billow.core.errors import Refused
from billow.flows.papers import einvoice
from billow.providers.documents import cii, ubl
from billow.resources.invoice import Invoice
from billow.store.tx import Tx
from tests.support import en16931

MOST = 12
"""How many invoices of a test are written, the latest first: a year of renewals is one kind of invoice."""
CANNOT_SAY = ("EN 16931 ", "What is not subject to tax")
"""How the reasons begin for which an invoice has no machine format."""


def machine_formats_are_valid(tx: Tx) -> Iterator[str]:
    """Check that finalized invoices keep the official rules, or that the standard has no words for them.

    Tests seldom say where their sellers and customers are: what is missing of them is filled in.
    """
    found = rows.select(
        tx, Invoice, "status <> 'draft'", "order by created desc, id desc limit %(most)s", most=MOST
    )
    for invoice in found:
        try:
            made = completed(einvoice.einvoice_of(tx, invoice))
            limits.check(made, "ubl")
        except Refused as refused:
            if not refused.message.startswith(CANNOT_SAY):
                yield f"{invoice.id} {invoice.number}: {refused.message}"
            continue
        for xml in (ubl.write(made), cii.write(made)) if en16931.is_there() else ():
            yield from (f"{invoice.id} {invoice.number} breaks {rule}" for rule in en16931.failed(xml))


def completed(made: EInvoice) -> EInvoice:
    """Return an invoice whose parties have what the standard asks for."""
    outside = any(one.category.code == "O" for one in made.subtotals)
    vat = "" if outside else "SE556000475501"
    seller = replace(made.seller, country=made.seller.country or "SE", vat_id=made.seller.vat_id or vat)
    buyer = replace(made.buyer, country=made.buyer.country or "DE")
    if any(one.category.code == "AE" for one in made.subtotals):
        buyer = replace(buyer, vat_id=buyer.vat_id or "DE136695976")
    return replace(made, seller=seller, buyer=buyer)
