"""Refund what credit notes give back: find the charge, link refunds, and repeat a refund that has failed."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from billow.api import rows
from billow.core.errors import Refused, require
from billow.core.money import show
from billow.flows.credits import purchases
from billow.flows.invoices import credit_case, credit_notes, refund_grants
from billow.flows.invoices.credit_amounts import Case
from billow.flows.invoices.credit_params import RefundTerm
from billow.flows.invoices.refund_grants import Granted
from billow.flows.papers import receipt
from billow.flows.payments import postings, record_refunds
from billow.ledger import entries, post
from billow.resources.charge import Charge
from billow.resources.credit_note import CreditNote
from billow.resources.invoice import Invoice
from billow.resources.refund import Refund
from billow.store.tx import Tx


@dataclass(frozen=True, slots=True)
class Link:
    """A refund that was made before, how much of it a credit note takes over, and what that had granted."""

    refund: Refund
    amount: int
    granted: Granted

    @property
    def part(self) -> dict[str, Any]:
        """Return it as the credit note shows it."""
        return credit_notes.refund_part(self.refund.id, self.amount)


AnyLink = Link | record_refunds.RecordLink


def links_of(tx: Tx, invoice: Invoice, wanted: Sequence[RefundTerm]) -> list[AnyLink]:
    """Find the refunds that a credit note takes over; refuse what is not left of one of this invoice."""
    known = {one.id: one for one in credit_case.refunds_of(tx, invoice.id)} if wanted else {}
    found: list[AnyLink] = []
    for place, one in enumerate(wanted):
        at = f"refunds[{place}]"
        outside = one.type == "payment_record_refund"
        found.append(
            record_refunds.link_of(tx, invoice, one, at) if outside else link_of(known, one, at, invoice)
        )
    return found


def link_of(known: dict[str, Refund], wanted: RefundTerm, at: str, invoice: Invoice) -> Link:
    refund = known.get(wanted.refund or "")
    if refund is None:
        raise Refused(
            f"The refund {wanted.refund} is of no charge that paid the invoice {invoice.id}.",
            param=f"{at}[refund]",
        )
    require(
        refund.status in credit_case.STANDING,
        f"The refund {refund.id} cannot be linked: it is {refund.status}.",
        param=f"{at}[refund]",
    )
    left = refund.amount - refund.credited
    amount = left if wanted.amount_refunded is None else wanted.amount_refunded
    require(
        0 < amount <= left,
        f"The amount ({show(amount, refund.currency)}) is more than what is left of the refund {refund.id}"
        f" ({show(left, refund.currency)}).",
        param=f"{at}[amount_refunded]",
    )
    if refund.status != "succeeded":  # nothing was booked yet
        return Link(refund, amount, refund_grants.without_tax(0))
    return Link(refund, amount, refund_grants.part_of(refund_grants.granted_of(refund), amount))


def case_without(case: Case, links: Sequence[AnyLink]) -> Case:
    """Return the case in which the linked parts of refunds do not count on their own."""
    for link in links:
        case = credit_case.without(case, link.amount, link.granted)
    return case


def take_over(tx: Tx, note: CreditNote, links: Sequence[AnyLink]) -> None:
    """Book refunds as those of a credit note: what they had granted is taken back.

    The caller posts the credit note, which owes them.
    """
    for link in links:
        if isinstance(link, record_refunds.RecordLink):
            record_refunds.take_over(tx, note, link)
            continue
        refund = link.refund
        rest = refund_grants.rest_of(refund_grants.granted_of(refund), link.granted)
        changes: dict[str, Any] = {"credited": refund.credited + link.amount}
        if refund.status == "succeeded":
            changes["granted"] = rest
        rows.update(tx, refund, event=None, **changes)
        transfers = entries.invoice_voided(postings.transfers_of_grant(refund, link.granted))
        source = f"{note.id}@{refund.id}"
        post.post(tx, [post.Posting("refund.credited", source, tx.now, transfers, note.customer)])
        postings.declare_taxes(tx, refund, "refund.credited", source, link.granted, sign=-1)


def charges_of(tx: Tx, invoice: Invoice) -> list[Charge]:
    """Return the charges that have paid an invoice, the newest first; refuse an invoice without any."""
    found = rows.select(
        tx,
        Charge,
        "status = 'succeeded' and captured and payment_intent in"
        " (select id from payment_intents where invoice = %(id)s)",
        "order by created desc, id desc",
        id=invoice.id,
    )
    if not found:
        raise Refused(
            "There is no charge of this invoice that could be refunded: credit the customer's balance with"
            " `credit_amount`, or say with `out_of_band_amount` what you give back yourself.",
            param="refund_amount",
        )
    return found


def grant(tx: Tx, refund: Refund, charge: Charge) -> Refund:
    """Decide how a refund that succeeds is booked, as far as it belongs to no credit note, and store it."""
    rest = refund.amount - refund.credited
    invoice = receipt.invoice_of(tx, charge)
    granted = refund_grants.without_tax(rest)
    if invoice is not None and rest:
        granted = refund_grants.of_part(credit_case.load(tx, invoice), rest)
        if taken := purchases.take_back(tx, invoice, granted["net"]):
            granted = {**granted, "credits": taken}
    return rows.update(tx, refund, event=None, granted=granted)


def give_again(tx: Tx, refund: Refund, charge: Charge) -> None:
    """Give the credits of a top-up again that a refund took back which has failed after all."""
    taken = refund_grants.granted_of(refund).get("credits", 0)
    invoice = receipt.invoice_of(tx, charge) if taken else None
    if invoice is not None:
        purchases.give_again(tx, invoice, taken)


def repeat(tx: Tx, refund: Refund, charge: Charge) -> Refund:
    """Let a new refund take the place of failed ones that credit notes of the invoice still owe.

    Emits `credit_note.updated`. Returns the refund with what it owes for them.
    """
    invoice = receipt.invoice_of(tx, charge)
    if invoice is None:
        return refund
    issued = rows.select(tx, CreditNote, "invoice = %(id)s and status = 'issued'", id=invoice.id)
    parts = [part for note in issued for part in note.refunds]
    known = rows.find_many(tx, Refund, [part["refund"] for part in parts if part["refund"]])
    failed = {one.id for one in known.values() if one.status in ("failed", "canceled")}
    left = refund.amount
    for note in issued:
        kept: list[dict[str, Any]] = []
        for part in note.refunds:
            taken = min(left, part["amount_refunded"]) if part["refund"] in failed else 0
            left -= taken
            rest = part["amount_refunded"] - taken
            kept += [{**part, "amount_refunded": rest}] if rest else []
            kept += [credit_notes.refund_part(refund.id, taken)] if taken else []
        rows.update(tx, note, refunds=kept)
    if left == refund.amount:
        return refund
    return rows.update(tx, refund, event=None, credited=refund.amount - left)
