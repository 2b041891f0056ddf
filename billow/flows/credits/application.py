"""Take credits of grants when an invoice is finalized, and give them back when it is voided (§4.7)."""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from billow.api import rows
from billow.core.billing_credits import PAID
from billow.flows.credits import grants, wallet_checks
from billow.ledger import entries, post
from billow.resources.credit_balance_transaction import CreditBalanceTransaction
from billow.resources.credit_grant import CreditGrant
from billow.resources.invoice import Invoice
from billow.resources.invoice_line import InvoiceLine
from billow.store.tx import Tx


@dataclass(slots=True)
class Applied:
    """What invoices that are being finalized take of grants."""

    grants: dict[str, CreditGrant]
    transactions: list[CreditBalanceTransaction] = field(default_factory=list)
    postings: list[post.Posting] = field(default_factory=list)


def begin(tx: Tx, named: Sequence[str]) -> Applied:
    """Load the grants that invoices take of; their customers are locked."""
    return Applied(rows.find_many(tx, CreditGrant, named))


def take(
    tx: Tx, applied: Applied, invoice: Invoice, lines: Sequence[InvoiceLine]
) -> tuple[Invoice, list[InvoiceLine]]:
    """Return an invoice and its lines with the transactions of the credits that pay for them."""
    made = [take_line(tx, applied, invoice, line) for line in lines]
    return invoice.but(applied_credits=[entry for line in made for entry in line.applied_credits]), made


def take_line(tx: Tx, applied: Applied, invoice: Invoice, line: InvoiceLine) -> InvoiceLine:
    """Return a line with the transactions of its credits. What paid ones pay is earned: it was sold."""
    if not line.applied_credits:
        return line
    entered = []
    for entry in line.applied_credits:
        grant = applied.grants[entry["grant"]]
        debit = CreditBalanceTransaction.of(
            grant, "credits_applied", -entry["amount"], tx.now, invoice=invoice.id, line=line.id
        )
        transaction = rows.born(tx, debit)
        applied.transactions.append(transaction)
        entered.append({**entry, "transaction": transaction.id})
        if grant.category == PAID:
            used = entries.prepaid_used(line.currency, line.product or "none", int(entry["amount"]), line.id)
            posting = post.Posting(
                "credits.applied", transaction.id, tx.now, used, invoice.customer, invoice.id
            )
            applied.postings.append(posting)
    return line.but(applied_credits=entered)


def write(tx: Tx, applied: Applied, returned: Collection[str] = ()) -> None:
    """Write the transactions, and what is left of the grants. Emits each transaction.

    To grants that are `returned` originals of revisions have given credits back since these were calculated:
    what is left of those that have expired meanwhile is lost.
    """
    if returned:
        applied.grants |= rows.find_many(tx, CreditGrant, sorted(returned))
    rows.insert_many(tx, applied.transactions)
    changed = change_balances(tx, applied.grants, applied.transactions)
    if returned:
        expire(tx, list(rows.find_many(tx, CreditGrant, sorted(returned)).values()))
    wallet_checks.request(tx, [one.wallet for one in changed])


def change_balances(
    tx: Tx, held: dict[str, CreditGrant], transactions: Sequence[CreditBalanceTransaction]
) -> list[CreditGrant]:
    """Add transactions to the balances of their grants; return these grants as they are then."""
    changes = Counter[str]()
    for one in transactions:
        changes[one.credit_grant] += one.amount
    return rows.update_many(
        tx, [(held[id], {"balance": held[id].balance + change}) for id, change in changes.items()], event=None
    )


def give_back(tx: Tx, invoice: Invoice) -> list[CreditGrant]:
    """Give the credits back that a voided invoice took; return their grants as they are then (§4.7)."""
    if not invoice.applied_credits:
        return []
    taken = rows.select(
        tx, CreditBalanceTransaction, "invoice = %(id)s and type = 'debit'", "order by id", id=invoice.id
    )
    held = rows.find_many(tx, CreditGrant, [one.credit_grant for one in taken])
    kind = "credits_application_invoice_voided"
    back = [
        CreditBalanceTransaction.of(
            held[one.credit_grant], kind, -one.amount, tx.now, invoice=invoice.id, line=one.invoice_line or ""
        )
        for one in taken
    ]
    return change_balances(tx, held, rows.insert_many(tx, back))


def expire(tx: Tx, held: Sequence[CreditGrant]) -> None:
    """Take away what is left of grants that have expired, to which credits were given back (§4.7)."""
    expired = [one for one in held if one.balance and one.expires_at and one.expires_at <= tx.now]
    grants.take_away(tx, expired, "credits_expired")
    rows.update_many(tx, [(one, {"balance": 0, "updated": tx.now}) for one in expired])
