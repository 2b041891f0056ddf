"""Calculate what is left of wallets after the usage that no invoice has taken of them yet."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta

from billow.api import rows
from billow.core import billing_credits, discounts, lifecycle, wallets
from billow.flows.billing import invoice_for, metered_usage, priced_items, totals
from billow.flows.billing.invoice_for import Charges, Subject
from billow.resources.credit_grant import CreditGrant, in_core
from billow.resources.customer import Customer
from billow.resources.invoice import Invoice
from billow.resources.invoice_line import InvoiceLine
from billow.resources.subscription import Subscription
from billow.resources.wallet import Wallet
from billow.store.ids import new_id
from billow.store.tx import Tx

TICK = timedelta(microseconds=1)
IN_DRAFTS = (
    "kind = 'metered' and invoice in"
    " (select id from invoices where customer = any(%(ids)s) and status = 'draft')"
)

Usage = dict[tuple[str, str], list[billing_credits.Line]]
"""The usage that is not invoiced yet, after discounts, by customer and currency."""


@dataclass(frozen=True, slots=True)
class Balance:
    """What a wallet has in grants that can be spent now, and what is left of it after the usage so far."""

    balance: int = 0
    left: int = 0


def balances(tx: Tx, held: Sequence[Wallet]) -> dict[str, Balance]:
    """Return the balance of each wallet; the number of statements does not grow with theirs.

    A customer's other grants pay for usage in their turn, as invoices will take of them. The wallets' time
    is that of the transaction.
    """
    customers = sorted({one.customer for one in held})
    usage = usage_of(tx, customers)
    grants: dict[str, list[CreditGrant]] = {}
    for one in rows.select(tx, CreditGrant, "customer = any(%(ids)s) and balance > 0", ids=customers):
        grants.setdefault(one.customer, []).append(one)
    found = {}
    for wallet in held:
        whose, currency = wallet.customer, wallet.currency
        core = [in_core(one) for one in grants.get(whose, [])]
        left = wallets.left_of(core, usage.get((whose, currency), []), currency, tx.now)
        own = [one for one in grants.get(whose, []) if one.wallet == wallet.id and one.id in left]
        found[wallet.id] = Balance(sum(one.balance for one in own), sum(left[one.id] for one in own))
    return found


def usage_of(tx: Tx, customers: Collection[str]) -> Usage:
    """Measure and price the usage of customers on their drafts and in their running periods."""
    found: Usage = {}
    lines = [*rows.select(tx, InvoiceLine, IN_DRAFTS, ids=sorted(customers)), *running(tx, customers)]
    for line in lines:
        usage = billing_credits.Line(line.price, line.discounted)
        found.setdefault((line.customer, line.currency), []).append(usage)
    return found


def running(tx: Tx, customers: Collection[str]) -> list[InvoiceLine]:
    """Return the lines that would bill the usage so far of the customers' subscriptions, with discounts."""
    billed = rows.select(
        tx,
        Subscription,
        "customer = any(%(ids)s) and status = any(%(statuses)s)",
        "order by created, id",
        ids=sorted(customers),
        statuses=list(lifecycle.STARTED),
    )
    known = rows.find_many(tx, Customer, customers)
    parts = priced_items.parts_of(tx, [one.id for one in billed])
    now = tx.now.replace(microsecond=0)
    subjects = [
        Subject(
            one,
            known[one.customer],
            [metered_usage.running_period(part, now) for part in parts.get(one.id, []) if part.meter],
            pending=False,
            counted_until=tx.now + TICK,
        )
        for one in billed
    ]
    charges = [one for one in invoice_for.charges_for_many(tx, subjects) if one.lines] if subjects else []
    return discounted(tx, [(as_invoice(tx, one), one) for one in charges])


def as_invoice(tx: Tx, charges: Charges) -> Invoice:
    """Return as much of the invoice of a subscription as decides its discounts; it is never written."""
    subject = charges.subject
    inherited = [subject.customer.discount] if subject.customer.discount else []
    return Invoice(
        id=new_id(Invoice.prefix),
        created=tx.now,
        currency=subject.subscription.currency,
        customer=subject.customer.id,
        discounts=subject.subscription.discounts or inherited,
    )


def discounted(tx: Tx, found: Sequence[tuple[Invoice, Charges]]) -> list[InvoiceLine]:
    """Return the lines of invoices with what their discounts take off."""
    if not found:
        return []
    priced = [line for _, charges in found for line in charges.lines]
    terms = totals.terms_of(tx, [invoice for invoice, _ in found], priced)
    lines = []
    for invoice, charges in found:
        whole = [terms.discount(id, invoice.currency) for id in invoice.discounts]
        core = [totals.core_line(line, terms) for line in charges.lines]
        for line, off in zip(charges.lines, discounts.taken(core, whole), strict=True):
            amounts = [{"amount": amount, "discount": id} for id, amount in off.items()]
            lines.append(line.but(discount_amounts=amounts))
    return lines
