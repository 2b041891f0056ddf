"""Serve the papers of a customer in the billing portal: invoices, credit notes and receipts."""

from typing import Any

import flask

from billow.api import rows
from billow.flows.papers import credit_note_document, receipt
from billow.pages import checkout_view, frame, portal_layout
from billow.pages.portal_entry import Entry
from billow.resources.charge import Charge
from billow.resources.credit_note import CreditNote
from billow.resources.invoice import Invoice
from billow.store.tx import Tx

MOST = 60
"""How many papers of a kind the page lists."""
TONES = {"paid": "good", "open": "info", "uncollectible": "bad"}
LATEST = "order by created desc, id desc limit %(most)s"


def shown(tx: Tx, entry: Entry) -> flask.Response:
    """Show the papers, where the configuration allows to see invoices."""
    if not entry.configuration.features["invoice_history"]["enabled"]:
        return frame.see(entry.home)
    return portal_layout.page(
        tx,
        entry,
        "portal_papers.html",
        "papers",
        credit_notes=credit_notes(tx, entry),
        invoices=invoices(tx, entry),
        receipts=receipts(tx, entry),
    )


def invoices(tx: Tx, entry: Entry) -> list[dict[str, Any]]:
    id, words = entry.customer.id, entry.words
    found = rows.select(tx, Invoice, "customer = %(id)s and status <> 'draft'", LATEST, id=id, most=MOST)
    return [
        {
            "amount": frame.money(one.total, one.currency, words),
            "date": checkout_view.day(tx, one.effective_at or one.finalized_at or one.created, words),
            "number": one.number or one.id,
            "pdf": f"{one.hosted_invoice_url}/pdf",
            "pays": one.status == "open" and one.amount_due > one.amount_paid,
            "status": words(f"status_{one.status}"),
            "tone": TONES.get(one.status, ""),
            "url": one.hosted_invoice_url,
            "xml": f"{one.hosted_invoice_url}/xrechnung",
        }
        for one in found
    ]


def credit_notes(tx: Tx, entry: Entry) -> list[dict[str, Any]]:
    id, words = entry.customer.id, entry.words
    found = rows.select(tx, CreditNote, "customer = %(id)s", LATEST, id=id, most=MOST)
    return [
        {
            "amount": frame.money(one.total, one.currency, words),
            "date": checkout_view.day(tx, one.effective_at, words),
            "number": one.number,
            "pdf": credit_note_document.pdf_of(tx, one.id),
            "url": credit_note_document.url_of(tx, one.id),
            "xml": f"{credit_note_document.url_of(tx, one.id)}/xrechnung",
        }
        for one in found
    ]


def receipts(tx: Tx, entry: Entry) -> list[dict[str, Any]]:
    id, words = entry.customer.id, entry.words
    where = "customer = %(id)s and status = 'succeeded' and captured"
    found = rows.select(tx, Charge, where, LATEST, id=id, most=MOST)
    return [
        {
            "amount": frame.money(one.amount_captured, one.currency, words),
            "date": checkout_view.day(tx, one.created, words),
            "url": receipt.url_of(tx, one.id),
        }
        for one in found
    ]
