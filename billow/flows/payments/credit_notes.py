"""Create credit notes at the request of a caller, with the refund that they give."""

from collections.abc import Mapping, Sequence
from typing import Any

from billow.api import rows
from billow.api.params import merged
from billow.core.errors import Refused, require
from billow.core.money import show
from billow.flows.credits import purchases
from billow.flows.invoices import credit_case, credit_lines, credit_notes
from billow.flows.invoices.credit_notes import Issue
from billow.flows.invoices.credit_params import Terms, check
from billow.flows.outside.seller import day_of
from billow.flows.payments import collect, credit_refunds, refunds, settle
from billow.resources.attempt import Attempt
from billow.resources.charge import Charge
from billow.resources.credit_note import CreditNote
from billow.resources.invoice import Invoice
from billow.store import clocks
from billow.store.ids import new_id
from billow.store.perform import Steps, ask
from billow.store.tx import Tx

REASONS = {"duplicate": "duplicate", "fraudulent": "fraudulent"}
"""The reason of the refund by that of its credit note; the others are `requested_by_customer`."""
WAYS = ("credit_amount", "out_of_band_amount", "refund_amount", "refunds")


@CreditNote.create(Terms)
def create(tx: Tx, wanted: Terms) -> Steps:
    """Issue a credit note for a finalized invoice: by lines, or by an amount that includes tax.

    It first reduces what remains to pay of the invoice. What exceeds that was paid before, and is refunded,
    credited to the customer's balance, or given back outside; these amounts must add up to it.
    """
    tx, invoice = lock_invoice(tx, wanted)
    note, attempts = issue(tx, invoice, wanted, strict=True)
    if not attempts:
        return note
    tx, outcomes = yield ask(collect.carry_out_each, collect.gateways_of(tx, attempts), attempts)
    for attempt, outcome in outcomes.items():
        settle.settle(tx, rows.lock(tx, Attempt, attempt), outcome)
    return rows.find(tx, CreditNote, note.id)


def lock_invoice(tx: Tx, wanted: Terms) -> tuple[Tx, Invoice]:
    """Lock the invoice after its customer, enter the customer's time, and check that it can be credited."""
    check(wanted)
    invoice = rows.lock(tx, Invoice, wanted.invoice, param="invoice")
    tx = clocks.of_customer(tx, invoice.customer)
    require(
        invoice.status in credit_notes.CREDITABLE,
        "You can only create a credit note for an open, paid or uncollectible invoice. This one is"
        f" {invoice.status}.",
        param="invoice",
    )
    at = wanted.effective_at
    since = invoice.effective_at or invoice.created
    require(
        at is None or day_of(tx, at) >= day_of(tx, since),
        "The credit note cannot be in effect before its invoice.",
        param="effective_at",
    )
    return tx, invoice


def issue(tx: Tx, invoice: Invoice, wanted: Terms, *, strict: bool) -> tuple[CreditNote, list[Attempt]]:
    """Issue a credit note as the params say; return it with the refunds that are to be carried out.

    Not `strict`, what was paid before may go nowhere yet, as in a preview of the amounts.
    """
    links = credit_refunds.links_of(tx, invoice, wanted.refunds or [])
    case = credit_refunds.case_without(credit_case.load(tx, invoice, wanted), links)
    lines = credit_lines.calculate(case, wanted)
    settled = credit_notes.settled_of(invoice, lines)
    if strict or any(getattr(wanted, name) for name in WAYS):
        check_sum(wanted, links, settled.post_payment, invoice.currency)
    attempts = begin_refunds(tx, invoice, wanted) if wanted.refund_amount else []
    parts = [credit_notes.refund_part(attempt.refund or "", attempt.amount) for attempt in attempts]
    note = credit_notes.issue(
        tx,
        Issue(
            new_id(CreditNote.prefix),
            case,
            lines,
            settled,
            credit=wanted.credit_amount or 0,
            out_of_band=wanted.out_of_band_amount or 0,
            refunds=[*parts, *(link.part for link in links)],
            terms=terms_of(wanted),
            mailed=wanted.email_type == "credit_note",
            posted=strict,
        ),
    )
    credit_refunds.take_over(tx, note, links)
    if strict:
        take_credits(tx, invoice, note, links)
    return note, attempts


def take_credits(tx: Tx, invoice: Invoice, note: CreditNote, links: Sequence[credit_refunds.AnyLink]) -> None:
    """Take unused credits of a top-up back for its net; refunds that it takes over have done so already."""
    net = sum(note.taken_back.values()) - sum(link.granted["net"] for link in links)
    purchases.take_back(tx, invoice, net)


def terms_of(wanted: Terms) -> dict[str, Any]:
    """Return the fields of a credit note that are taken as they were sent."""
    terms = {"memo": wanted.memo, "metadata": merged({}, wanted.metadata), "reason": wanted.reason}
    return terms if wanted.effective_at is None else {**terms, "effective_at": wanted.effective_at}


def check_sum(
    wanted: Terms, links: Sequence[credit_refunds.AnyLink], post_payment: int, currency: str
) -> None:
    """Require that what was paid before goes somewhere, whole (X101)."""
    given = (wanted.credit_amount or 0) + (wanted.out_of_band_amount or 0) + (wanted.refund_amount or 0)
    given += sum(link.amount for link in links)
    require(
        given == post_payment,
        f"The sum of credit amount, refund amount and out of band amount ({show(given, currency)}) must equal"
        f" the post payment credit note amount ({show(post_payment, currency)}).",
        param=next((name for name in WAYS if getattr(wanted, name)), "amount"),
    )


def begin_refunds(tx: Tx, invoice: Invoice, wanted: Terms) -> list[Attempt]:
    """Write down the refunds of a credit note, which belong to it as a whole, each of one charge.

    The newest charge that has enough left is refunded alone; where none has, they are refunded one after
    another, the newest first.
    """
    amount = wanted.refund_amount or 0
    charges = credit_refunds.charges_of(tx, invoice)
    charges = [rows.lock(tx, Charge, charge.id) for charge in charges]
    left = {one.id: refunds.left_to_refund(tx, one) for one in charges}
    shares = split(amount, left)
    if sum(shares.values()) < amount:  # refused with the largest charge, whose error says why
        largest = max(charges, key=lambda one: left[one.id])
        refunds.check(tx, largest, amount, param="refund_amount")
        raise Refused(
            f"Refund amount ({show(amount, invoice.currency)}) is greater than what can be refunded of the"
            f" charges of this invoice ({show(sum(left.values()), invoice.currency)}).",
            param="refund_amount",
        )
    reason = REASONS.get(wanted.reason or "", "requested_by_customer")
    return [
        refunds.begin(tx, charge, shares[charge.id], credited=shares[charge.id], reason=reason)
        for charge in charges
        if shares.get(charge.id)
    ]


def split(amount: int, left: Mapping[str, int]) -> dict[str, int]:
    """Split an amount over what is left of charges, in their order; one that has enough takes it alone.

    >>> split(50, {"new": 30, "old": 60}), split(80, {"new": 30, "old": 60})
    ({'old': 50}, {'new': 30, 'old': 50})
    """
    enough = next((id for id, most in left.items() if most >= amount), None)
    if enough:
        return {enough: amount}
    found: dict[str, int] = {}
    for id, most in left.items():
        found[id] = min(most, amount - sum(found.values()))
    return {id: share for id, share in found.items() if share}
