"""Give money back: refund a payment, credit an invoice, void it, or write it off."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from billow.api import rows
from billow.core import credit_notes, lifecycle
from billow.core.errors import Refused, require
from billow.flows.invoices import credit_params, uncollectible, void
from billow.flows.invoices.credit_notes import CREDITABLE
from billow.flows.payments import credit_notes as crediting
from billow.flows.payments import refunds
from billow.resources.charge import Charge
from billow.resources.invoice import Invoice
from billow.resources.payment_intent import PaymentIntent
from billow.store import clocks
from billow.store.perform import Steps
from billow.store.tx import Tx

ACTS = ("refund", "credit", "void", "write_off")
WAYS = ("refund_amount", "credit_amount", "out_of_band_amount")
"""Where the part of a credit note goes that was paid before."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """An act that somebody wants: on a payment (a refund) or an invoice, with its amount in minor units."""

    act: str
    about: str
    amount: int
    currency: str
    terms: Mapping[str, Any]
    """The reason, and of a credit note its memo and the way of what was paid before."""


def wanted(tx: Tx, act: str, about: str, amount: int | None, terms: Mapping[str, Any]) -> Wanted:
    """Build an act from what a form says; without an amount all that is left is meant.

    Refuses what cannot be done, as far as that is known before it is done.
    """
    require(act in ACTS, "There is no such act.")
    if act == "refund":
        intent = rows.find(tx, PaymentIntent, about)
        charge = rows.find(tx, Charge, intent.latest_charge) if intent.latest_charge else None
        if charge is None:
            raise Refused("Nothing was charged, so there is nothing to refund.")
        asked = amount if amount is not None else refunds.refundable_amount(tx, charge)
        refunds.check(tx, charge, asked)
        return Wanted(act, about, asked, intent.currency, terms)
    invoice = rows.find(tx, Invoice, about)
    if act == "credit":
        require(amount, "Say how much is credited.")
        require(invoice.status in CREDITABLE, f"An invoice that is {invoice.status} cannot be credited.")
        return Wanted(act, about, amount or 0, invoice.currency, terms)
    require(invoice.status in lifecycle.PAYABLE, "Only what is open can be taken back.")
    require(act == "void" or invoice.status == "open", "It is written off already.")
    return Wanted(act, about, invoice.amount_due - invoice.amount_paid, invoice.currency, terms)


def given_before(tx: Tx, wanted: Wanted) -> int:
    """Return what was given back of a payment and its invoice before, so that nobody asks in small parts.

    Locks them, so that two acts at once count one another. What a hold let go was never taken.
    """
    if wanted.act != "refund":
        return given_of(tx, rows.lock(tx, Invoice, wanted.about))
    intent = rows.find(tx, PaymentIntent, wanted.about)
    tx, charge = refunds.lock_charge(tx, rows.find(tx, Charge, intent.latest_charge or ""))
    paid = tx.tuples("select invoice from invoice_payments where payment_intent = %(id)s", id=intent.id)
    given = max(charge.amount_captured - refunds.refundable_amount(tx, charge), 0)
    return max([given, *(given_of(tx, rows.lock(tx, Invoice, id)) for (id,) in sorted(paid))])


def given_of(tx: Tx, invoice: Invoice) -> int:
    """Return what was given back of an invoice: its credit notes, and refunds that none of them names."""
    [(refunded,)] = tx.tuples(
        "select coalesce(sum(r.amount), 0)::bigint from refunds r join charges c on c.id = r.charge"
        " join invoice_payments p on p.payment_intent = c.payment_intent"
        " where p.invoice = %(id)s and r.status in ('pending', 'requires_action', 'succeeded')"
        " and not exists (select from credit_notes n where n.invoice = %(id)s"
        " and n.refunds @> jsonb_build_array(jsonb_build_object('refund', r.id)))",
        id=invoice.id,
    )
    noted = invoice.pre_payment_credit_notes_amount + invoice.post_payment_credit_notes_amount
    return noted + int(refunded)


def carry_out(tx: Tx, wanted: Wanted) -> Steps:
    """Do it. The rules are those of the API: each act is the verb that the API calls."""
    terms = wanted.terms
    if wanted.act == "refund":
        asked = refunds.Create(
            payment_intent=wanted.about, amount=wanted.amount, reason=terms.get("reason") or None
        )
        return (yield from refunds.create(tx, asked))
    if wanted.act == "credit":
        return (yield from crediting.create(tx, credited(tx, wanted)))
    invoice = rows.lock(tx, Invoice, wanted.about)
    tx = clocks.enter(tx, invoice.test_clock)
    if wanted.act == "void":
        return void.void(tx, invoice)
    return uncollectible.mark_uncollectible(tx, invoice)


def credited(tx: Tx, wanted: Wanted) -> credit_params.Terms:
    """Return what is credited, and where the part goes that was paid before."""
    invoice, terms = rows.lock(tx, Invoice, wanted.about), wanted.terms
    after = credit_notes.settled(wanted.amount, invoice.amount_due - invoice.amount_paid).post_payment
    way = terms.get("way") or "refund_amount"
    require(way in WAYS, "Say where what was paid goes: back, to the balance, or outside.")
    paid: dict[str, Any] = {way: after} if after else {}
    return credit_params.Terms(
        invoice=wanted.about,
        amount=wanted.amount,
        reason=terms.get("reason") or None,
        memo=terms.get("memo") or None,
        **paid,
    )
