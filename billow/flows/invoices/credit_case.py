"""Load what a credit note depends on: the invoice, what was credited of it, and what was refunded."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from billow.api import rows
from billow.flows.invoices import refund_grants
from billow.flows.invoices.credit_amounts import Case, named_rates
from billow.flows.invoices.credit_params import Terms
from billow.flows.invoices.refund_grants import Granted
from billow.resources.credit_note import CreditNote
from billow.resources.credit_note_line import CreditNoteLine
from billow.resources.invoice import Invoice
from billow.resources.invoice_line import InvoiceLine
from billow.resources.payment_record import PaymentRecord
from billow.resources.refund import Refund
from billow.store.tx import Tx

OF_INVOICE = (
    "charge in (select c.id from charges c join payment_intents p on p.id = c.payment_intent"
    " where p.invoice = %(invoice)s)"
)
STANDING = ("pending", "requires_action", "succeeded")
"""The statuses of a refund whose money has left or is about to."""


def load(tx: Tx, invoice: Invoice, wanted: Terms | None = None) -> Case:
    """Load the case of an invoice, which the caller has locked.

    A refund without a credit note lowers what can be credited, as Stripe says; one that belongs to a credit
    note is counted there.
    """
    notes = rows.select(tx, CreditNote, "invoice = %(id)s and status = 'issued'", id=invoice.id)
    of_notes = "credit_note = any(%(ids)s)"
    refunds = [one for one in refunds_of(tx, invoice.id) if one.status in STANDING]
    granted = [refund_grants.granted_of(one) for one in refunds if one.status == "succeeded"]
    outside = [part for record in records_of(tx, invoice.id) for part in parts_of(record)]
    granted += [part["granted"] for part in outside]
    return Case(
        invoice=invoice,
        lines=rows.below(tx, InvoiceLine, "invoice", [invoice.id])[invoice.id],
        notes=notes,
        note_lines=rows.select(tx, CreditNoteLine, of_notes, ids=[note.id for note in notes]),
        rates=named_rates(tx, invoice, wanted),
        creditable=invoice.total
        - sum(note.total for note in notes)
        - sum(one.amount - one.credited for one in refunds)
        - sum(part["amount"] - part["credited"] for part in outside),
        granted=sum(one["net"] for one in granted),
        granted_taxes=dict(summed(granted)),
    )


def summed(granted: Sequence[Granted]) -> Counter[str]:
    """Add up the taxes that refunds have corrected, by rate."""
    found = Counter[str]()
    for one in granted:
        found.update(refund_grants.taxes_of(one))
    return found


def refunds_of(tx: Tx, invoice: str) -> list[Refund]:
    """Return the refunds of the charges that have paid an invoice."""
    return rows.select(tx, Refund, OF_INVOICE, invoice=invoice)


def records_of(tx: Tx, invoice: str) -> list[PaymentRecord]:
    """Return the payment records that pay an invoice."""
    return rows.select(tx, PaymentRecord, "invoice = %(id)s", "order by id", id=invoice)


def parts_of(record: PaymentRecord) -> list[dict[str, Any]]:
    """Return what was given back of a payment record since it was attached; before, it paid less."""
    return [part for part in record.refunds if "granted" in part]


def without(case: Case, refunded: int, granted: Granted) -> Case:
    """Return the case as if a part of a refund, and what it has corrected, had not been."""
    left = Counter(case.granted_taxes)
    left.subtract(refund_grants.taxes_of(granted))
    return replace(
        case,
        creditable=case.creditable + refunded,
        granted=case.granted - granted["net"],
        granted_taxes=dict(left),
    )
