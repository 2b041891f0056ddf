"""Can all that a test has issued be written by EN 16931, or is the reason one that is known?"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from billow.api import rows
from billow.core.einvoice import limits
from billow.core.einvoice.model import EInvoice
from billow.core.errors import Refused
from billow.flows.papers import credit_note_einvoice, einvoice
from billow.providers.documents import cii, ubl
from billow.resources.credit_note import CreditNote
from billow.resources.invoice import Invoice
from billow.store.tx import Tx
from tests.support import en16931

MOST = 12
"""How many of a noun are written in a test, the latest first: a year of renewals is one kind of invoice."""
CANNOT_SAY = ("EN 16931 ", "What is not subject to tax")
"""How the reasons begin for which an invoice has no machine format."""


WRITTEN: tuple[tuple[type[Any], str, Callable[[Tx, Any], EInvoice]], ...] = (
    (Invoice, "status <> 'draft'", einvoice.einvoice_of),
    (CreditNote, "true", credit_note_einvoice.einvoice_of),
)
"""The nouns that have machine formats, which of their rows, and what builds them."""


def machine_formats_are_valid(tx: Tx) -> Iterator[str]:
    """Check that what is issued keeps the official rules, or that the standard has no words for it.

    Tests seldom say where their sellers and customers are: what is missing of them is filled in.
    """
    for noun, which, build in WRITTEN:
        latest = "order by created desc, id desc limit %(most)s"
        for row in rows.select(tx, noun, which, latest, most=MOST):
            yield from (f"{row.id} {row.number}: {fault}" for fault in faults(tx, row, build))


def faults(tx: Tx, row: Any, build: Callable[[Tx, Any], EInvoice]) -> Iterator[str]:
    try:
        made = completed(build(tx, row))
        limits.check(made, "ubl")
    except Refused as refused:
        if not refused.message.startswith(CANNOT_SAY):
            yield refused.message
        return
    for xml in (ubl.write(made), cii.write(made)) if en16931.is_there() else ():
        yield from (f"breaks {rule}" for rule in en16931.failed(xml))


def completed(made: EInvoice) -> EInvoice:
    """Return an invoice whose parties have what the standard asks for."""
    outside = any(one.category.code == "O" for one in made.subtotals)
    vat = "" if outside else "SE556000475501"
    seller = replace(made.seller, country=made.seller.country or "SE", vat_id=made.seller.vat_id or vat)
    buyer = replace(made.buyer, country=made.buyer.country or "DE")
    if any(one.category.code == "AE" for one in made.subtotals):
        buyer = replace(buyer, vat_id=buyer.vat_id or "DE136695976")
    return replace(made, seller=seller, buyer=buyer)
