"""Book what was given back of payments that were made elsewhere, and let credit notes take it over."""

from dataclasses import dataclass
from typing import Any

from billow.api import rows
from billow.core.errors import Refused, require
from billow.core.money import show
from billow.flows.credits import purchases
from billow.flows.invoices import credit_case, credit_notes, refund_grants
from billow.flows.invoices.credit_params import RefundTerm
from billow.flows.invoices.refund_grants import Granted
from billow.flows.payments import postings
from billow.ledger import entries, post
from billow.resources.credit_note import CreditNote
from billow.resources.invoice import Invoice
from billow.resources.payment_record import PaymentRecord
from billow.store import clocks
from billow.store.tx import Tx


@dataclass(frozen=True, slots=True)
class RecordLink:
    """A refund of a payment record, how much of it a credit note takes over, and what that had granted."""

    record: PaymentRecord
    refund_group: str
    amount: int
    granted: Granted

    @property
    def part(self) -> dict[str, Any]:
        """Return it as the credit note shows it."""
        return credit_notes.record_part(self.record.id, self.refund_group, self.amount)


def grant(tx: Tx, record: PaymentRecord, id: str, reference: str, amount: int) -> Granted:
    """Book what was given back of a payment of an invoice: goodwill and its part of the tax.

    It counts when it is reported, in the period that is open then. The record is locked after its customer.
    """
    invoice = rows.find(tx, Invoice, id)
    tx = clocks.of_customer(tx, invoice.customer)
    granted = refund_grants.of_part(credit_case.load(tx, invoice), amount)
    purchases.take_back(tx, invoice, granted["net"])
    source = source_of(record, reference)
    moved = {
        "payment_record.granted": postings.transfers_of_grant(record, granted),
        "payment_record.refunded": entries.refund_sent_from_bank(record.currency, amount),
    }
    whose = (invoice.customer, invoice.id)
    post.post(tx, [post.Posting(event, source, tx.now, sent, *whose) for event, sent in moved.items()])
    postings.declare_taxes(tx, record, "payment_record.granted", source, granted)
    return granted


def source_of(record: PaymentRecord, reference: str) -> str:
    return f"{record.id}@{reference}"


def link_of(tx: Tx, invoice: Invoice, wanted: RefundTerm, at: str) -> RecordLink:
    """Find the refund of a payment record that a credit note takes over; refuse what is not left of it."""
    named = wanted.payment_record_refund
    path = f"{at}[payment_record_refund]"
    record_id, group = (named.payment_record, named.refund_group) if named else ("", "")
    rows.find(tx, PaymentRecord, record_id, param=f"{path}[payment_record]")
    record = rows.lock(tx, PaymentRecord, record_id)
    require(
        record.invoice == invoice.id,
        f"The payment record {record.id} has not paid the invoice {invoice.id}.",
        param=f"{path}[payment_record]",
    )
    found = next((one for one in credit_case.parts_of(record) if one["refund_group"] == group), None)
    if found is None:
        raise Refused(
            f"No refund {group} of the payment record {record.id} was reported since it pays this invoice.",
            param=f"{path}[refund_group]",
            code="resource_missing",
        )
    left = found["amount"] - found["credited"]
    amount = left if wanted.amount_refunded is None else wanted.amount_refunded
    require(
        0 < amount <= left,
        f"The amount ({show(amount, record.currency)}) is more than what is left of the refund {group}"
        f" ({show(left, record.currency)}).",
        param=f"{at}[amount_refunded]",
    )
    return RecordLink(record, group, amount, refund_grants.part_of(found["granted"], amount))


def take_over(tx: Tx, note: CreditNote, link: RecordLink) -> None:
    """Book the refund of a record as that of a credit note, which owes it: its grant is taken back."""
    record = rows.find(tx, PaymentRecord, link.record.id)
    rows.update(tx, record, refunds=[credited(one, link) for one in record.refunds])
    transfers = entries.invoice_voided(postings.transfers_of_grant(record, link.granted))
    source = f"{note.id}@{source_of(record, link.refund_group)}"
    whose = (note.customer, note.invoice)
    post.post(tx, [post.Posting("payment_record.credited", source, tx.now, transfers, *whose)])
    postings.declare_taxes(tx, record, "payment_record.credited", source, link.granted, sign=-1)


def credited(part: dict[str, Any], link: RecordLink) -> dict[str, Any]:
    """Return a refund of a record after a credit note has taken over what a link says of it."""
    if part["refund_group"] != link.refund_group:
        return part
    rest = refund_grants.rest_of(part["granted"], link.granted)
    return {**part, "credited": part["credited"] + link.amount, "granted": rest}
