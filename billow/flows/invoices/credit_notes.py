"""Issue and void credit notes: the document, the invoice, the customer's balance, the ledger."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from billow.api import listing, rows
from billow.api.resource import Where
from billow.core import credit_notes, lifecycle, numbering
from billow.core.errors import require
from billow.core.tax_ids import MEMBERS
from billow.flows.billing import totals
from billow.flows.billing.labels import rate_labels
from billow.flows.invoices import (
    credit_amounts,
    credit_case,
    credit_lines,
    invoice_intents,
    numbers,
    revenue_recognition,
)
from billow.flows.invoices.credit_amounts import Case
from billow.flows.invoices.credit_by_amount import by_amount
from billow.flows.invoices.paid import mark_paid
from billow.flows.mails import outbox
from billow.flows.outside.merchant import merchant_of
from billow.flows.papers import credit_note_document, invoice_document
from billow.ledger import entries, post
from billow.ledger.chart import Account, customer_balance, receivable, the
from billow.resources.credit_note import CreditNote
from billow.resources.credit_note_line import CreditNoteLine
from billow.resources.customer import Customer
from billow.resources.customer_balance_transaction import CustomerBalanceTransaction
from billow.resources.invoice import Invoice
from billow.resources.invoice_line import PREPAID
from billow.store.ids import new_id
from billow.store.tx import Tx

CREDITABLE = ("open", "paid", "uncollectible")
"""The statuses of an invoice that can be credited (§3.3)."""


@dataclass(frozen=True, slots=True)
class Issue:
    """A credit note that is to be issued: its lines, and where what was paid before goes."""

    id: str
    case: Case
    lines: Sequence[CreditNoteLine]
    settled: credit_notes.Settled
    credit: int = 0
    out_of_band: int = 0
    refunds: Sequence[dict[str, Any]] = ()
    """Its parts of refunds, as it shows them."""
    terms: Mapping[str, Any] = field(default_factory=dict)
    """Its memo, metadata, reason and date of effect."""
    mailed: bool = True
    posted: bool = True
    """Whether it is posted; a preview, whose amounts may go nowhere yet, is not."""


def settled_of(invoice: Invoice, lines: Sequence[CreditNoteLine]) -> credit_notes.Settled:
    """Split the total of a credit note into what lowers the amount that remains, and what comes after."""
    return credit_notes.settled(credit_amounts.total_of(lines), invoice.amount_due - invoice.amount_paid)


def issue(tx: Tx, wanted: Issue) -> CreditNote:
    """Issue a credit note of an invoice, which is locked after its customer.

    Emits `customer.updated` where the balance is credited, `credit_note.created` and `invoice.updated`; and
    `invoice.paid` where nothing is left to pay.
    """
    invoice = wanted.case.invoice
    transaction = credit_balance(tx, wanted)
    taken = credit_amounts.allocation(wanted.case, wanted.lines)
    note = write(tx, wanted, transaction, taken_back=taken)
    if wanted.posted:
        post_note(tx, wanted, note)
    reduce(tx, invoice, wanted.settled)
    if wanted.mailed:
        outbox.order(tx, [outbox.Mail("credit_note", note.id, note.customer)])
    return note


def write(tx: Tx, wanted: Issue, transaction: str | None, **more: Any) -> CreditNote:
    """Write a credit note with its number and its lines."""
    case, invoice = wanted.case, wanted.case.invoice
    language = invoice.labels.get(invoice_document.LANGUAGE, "en")
    lines = rows.insert_many(tx, [line.but(credit_note=wanted.id) for line in wanted.lines])
    note = CreditNote(
        id=wanted.id,
        currency=invoice.currency,
        customer=invoice.customer,
        customer_balance_transaction=transaction,
        invoice=invoice.id,
        labels={**rate_labels(case.rates, language), **invoice.labels},
        number=next_number(tx, invoice),
        out_of_band_amount=wanted.out_of_band or None,
        pdf=credit_note_document.pdf_of(tx, wanted.id),
        post_payment_amount=wanted.settled.post_payment,
        pre_payment_amount=wanted.settled.pre_payment,
        refunds=list(wanted.refunds),
        type=wanted.settled.type,
        **{"effective_at": tx.now, **wanted.terms},
        **credit_amounts.totals_of(case, lines),
        **more,
    )
    return rows.insert_many(tx, [note], lists={"lines": lines})[0]


def next_number(tx: Tx, invoice: Invoice) -> str:
    """Return the number of the next credit note of an invoice.

    Where the account numbers its documents, they have a series of their own, which is locked until the
    commit. Elsewhere they follow the invoice, as at Stripe: it is locked, so there is no gap either.
    """
    series = numbers.series_of(tx, "credit_note")
    if series.scheme == "account":
        return numbers.take(tx, series, 1)[0]
    [(earlier,)] = tx.tuples("select count(*) from credit_notes where invoice = %(id)s", id=invoice.id)
    return numbering.credit_note_number(invoice.number or "", earlier + 1)


def refund_part(refund: str, amount: int) -> dict[str, Any]:
    return {"amount_refunded": amount, "payment_record_refund": None, "refund": refund, "type": "refund"}


def record_part(record: str, group: str, amount: int) -> dict[str, Any]:
    named = {"payment_record": record, "refund_group": group}
    return {
        "amount_refunded": amount,
        "payment_record_refund": named,
        "refund": None,
        "type": "payment_record_refund",
    }


def credit_balance(tx: Tx, wanted: Issue) -> str | None:
    """Credit what a credit note gives to the customer's balance; return its transaction."""
    if not wanted.credit:
        return None
    invoice = wanted.case.invoice
    customer = rows.find(tx, Customer, invoice.customer)
    require(
        customer.currency in (None, invoice.currency),
        f"The balance of this customer is in {customer.currency}; it cannot be credited in"
        f" {invoice.currency}.",
        param="credit_amount",
    )
    after = rows.update(tx, customer, balance=customer.balance - wanted.credit, currency=invoice.currency)
    made = CustomerBalanceTransaction(
        amount=-wanted.credit,
        credit_note=wanted.id,
        currency=invoice.currency,
        customer=customer.id,
        ending_balance=after.balance,
        invoice=invoice.id,
        type="credit_note",
    )
    return rows.insert(tx, made).id


def post_note(tx: Tx, wanted: Issue, note: CreditNote) -> None:
    """Post a credit note: it takes back revenue and taxes, and goes to where its amounts say.

    The loss of an uncollectible invoice is taken back by as much as is not owed any more.
    """
    invoice = wanted.case.invoice
    postings = []
    if invoice.status == "uncollectible" and note.pre_payment_amount:
        back = entries.uncollectible(note.customer, note.currency, -note.pre_payment_amount)
        postings.append(("credit_note.recovered", back))
    taken = revenue_recognition.take_back(tx, wanted.case.lines, note.taken_back)
    if invoice.status == "uncollectible":
        prepaid = {line.id for line in wanted.case.lines if line.kind == PREPAID}
        deferred = sum(one.unearned for one in taken if one.line in prepaid)
        postings.append(("top_up.recovered", entries.prepaid_not_paid(note.currency, -deferred)))
    owed = totals.owed(note.total_taxes, wanted.case.rates)
    issued = entries.credit_issued(note.currency, taken, owed, destinations(wanted, note))
    post.post(
        tx,
        [
            post.Posting(event, note.id, tx.now, transfers, note.customer, invoice.id)
            for event, transfers in [*postings, ("credit_note.issued", issued)]
        ],
    )


def destinations(wanted: Issue, note: CreditNote) -> list[tuple[Account, int]]:
    """Return the accounts that a credit note is credited to, with the amount of each."""
    parts = [
        (receivable(note.customer, note.currency), note.pre_payment_amount),
        (the("refunds_payable", note.currency), sum(part["amount_refunded"] for part in wanted.refunds)),
        (customer_balance(note.customer, note.currency), wanted.credit),
        (the("bank", note.currency), wanted.out_of_band),
    ]
    return [(account, amount) for account, amount in parts if amount]


def reduce(tx: Tx, invoice: Invoice, settled: credit_notes.Settled) -> Invoice:
    """Reduce what an invoice asks for; it is paid where nothing is left. Cancels or lowers its intent."""
    due = invoice.amount_due - settled.pre_payment
    changes: dict[str, Any] = {
        "amount_due": due,
        "post_payment_credit_notes_amount": invoice.post_payment_credit_notes_amount + settled.post_payment,
        "pre_payment_credit_notes_amount": invoice.pre_payment_credit_notes_amount + settled.pre_payment,
    }
    if settled.pre_payment:
        changes |= follow(tx, invoice, due - invoice.amount_paid)
    if invoice.status not in lifecycle.PAYABLE or due > invoice.amount_paid:
        return rows.update(tx, invoice, **changes)
    return mark_paid(tx, invoice, changes)


def follow(tx: Tx, invoice: Invoice, remaining: int) -> dict[str, Any]:
    customer = rows.find(tx, Customer, invoice.customer, deleted=True)
    return invoice_intents.follow_remaining(tx, invoice, remaining, customer)


# ------------------------------------------------------------------------------------- void


@CreditNote.action("void")
def void(tx: Tx, note: CreditNote) -> CreditNote:
    """Void a credit note, so that its invoice asks for the amount again.

    Only while the invoice is open: what was refunded or credited to the balance is not taken back.
    """
    invoice = rows.lock(tx, Invoice, note.invoice)
    require(note.status == "issued", f"This credit note cannot be voided: it is already {note.status}.")
    require(
        note.type == "pre_payment" and invoice.status == "open",
        "You can only void a credit note that was issued before its invoice was paid, while the invoice is"
        f" open. This one is {note.type}, and its invoice is {invoice.status}.",
    )
    case = credit_case.load(tx, invoice)
    undone = {line: -net for line, net in note.taken_back.items()}
    back = revenue_recognition.take_back(tx, case.lines, undone)
    taken = [entries.Credit(one.line, -one.unearned, -one.earned) for one in back]
    owed = totals.owed(note.total_taxes, case.rates)
    to = [(receivable(note.customer, note.currency), note.pre_payment_amount)]
    reversed_transfers = entries.invoice_voided(entries.credit_issued(note.currency, taken, owed, to))
    post.post(
        tx,
        [post.Posting("credit_note.voided", note.id, tx.now, reversed_transfers, note.customer, invoice.id)],
    )
    voided = rows.update(tx, note, event="credit_note.voided", status="void", voided_at=tx.now)
    reduce(tx, invoice, credit_notes.Settled(-note.pre_payment_amount, 0))
    return voided


# ------------------------------------------------------------------------------------- voided invoices


def wanted_for_void(tx: Tx) -> bool:
    """Check whether voiding an invoice issues a credit note: by default where the seller is in the EU.

    There an issued invoice is corrected by a document that refers to it (art. 219 of Directive 2006/112).
    """
    own = merchant_of(tx).void_credit_notes
    if own is not None:
        return own
    row = tx.one("select country from accounts where id = %(id)s", id=tx.account)
    return (row or {}).get("country") in MEMBERS


def issue_for_void(tx: Tx, invoice: Invoice, transaction: CustomerBalanceTransaction | None) -> None:
    """Issue the credit note of an invoice that was voided, of all that was not credited before.

    It is the document of the voiding, whose postings have reversed those of the invoice: it has none of its
    own. `transaction` has returned the balance that the invoice had used. It is mailed if the invoice was.
    """
    if not wanted_for_void(tx):
        return
    case = credit_case.load(tx, invoice)
    if case.creditable <= 0:
        return
    if case.notes or case.granted:
        lines = credit_amounts.in_order(by_amount(case, case.creditable))
    else:
        lines = credit_lines.whole_lines(case)
    note = write(
        tx,
        Issue(new_id(CreditNote.prefix), case, lines, settled_of(invoice, lines)),
        transaction.id if transaction else None,
        voids=True,
    )
    if transaction:
        rows.update(tx, transaction, credit_note=note.id)
    rows.update(
        tx,
        rows.find(tx, Invoice, invoice.id),
        post_payment_credit_notes_amount=invoice.post_payment_credit_notes_amount + note.post_payment_amount,
        pre_payment_credit_notes_amount=invoice.pre_payment_credit_notes_amount + note.pre_payment_amount,
    )
    was_mailed = (
        "select 1 from mails where about = %(id)s and kind = 'invoice' and state <> 'not_sent' limit 1"
    )
    if tx.one(was_mailed, id=invoice.id):
        outbox.order(tx, [outbox.Mail("credit_note", note.id, note.customer)])


@CreditNote.below("GET", "lines", listing.Paging, of=CreditNote)
def lines(tx: Tx, note: CreditNote, wanted: listing.Paging) -> listing.Page:
    """List the lines of a credit note."""
    where = Where("credit_note = %(note)s and not shipping", note=note.id)
    return listing.below(tx, CreditNoteLine, where, wanted, f"/v1/credit_notes/{note.id}/lines")
