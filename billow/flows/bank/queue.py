"""Decide by hand what bank entries pay: list the queue, apply, ignore, undo; record payments by hand."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from billow.api import rows
from billow.core.bank import matching
from billow.core.bank.matching import Match, Part, Rules
from billow.core.errors import require
from billow.core.lifecycle import PAYABLE
from billow.core.money import show
from billow.flows.bank import apply, cash_balance, cash_refunds, process, take_back
from billow.flows.outside.seller import day_of
from billow.ledger import entries, post
from billow.resources.bank_entry import MANUAL, BankEntry
from billow.resources.customer import Customer
from billow.resources.invoice import Invoice
from billow.store.tx import Tx

MOST = 200
"""Entries that are listed at once."""


def waiting(tx: Tx) -> list[BankEntry]:
    """List the entries of which it is not known what they pay, the oldest first."""
    return rows.select(tx, BankEntry, "state = 'queued'", f"order by created, id limit {MOST}")


def recent(tx: Tx) -> list[BankEntry]:
    """List the latest entries, whatever became of them, the newest first."""
    return rows.select(tx, BankEntry, "true", f"order by created desc, id desc limit {MOST}")


def suggestions(tx: Tx, entry: BankEntry) -> list[str]:
    """Return the ids of open invoices of exactly the amount that is left: a hint, never a match."""
    found = tx.tuples(
        "select id from invoices where status in ('open', 'uncollectible') and currency = %(currency)s"
        " and amount_due - amount_paid = %(amount)s order by created, id limit 3",
        currency=entry.currency,
        amount=entry.unapplied,
    )
    return [id for (id,) in found]


def apply_to_invoice(tx: Tx, id: str, invoice: str) -> BankEntry:
    """Apply what is left of an entry to an invoice; what is more than open goes where overpayments go."""
    entry = queued(tx, id)
    [found] = rows.lock_owned(tx, Invoice, [rows.find(tx, Invoice, invoice, param="invoice").id])
    owed = process.owed(tx, found)
    require(not owed.busy, f"Another payment of {invoice} is under way.")
    require(found.status in PAYABLE, f"The invoice {invoice} is {found.status}.")
    require(found.currency == entry.currency, f"The invoice {invoice} is in {found.currency.upper()}.")
    check_holder(entry, found.customer)
    made = matching.distribute(entry.unapplied, owed, "by_hand", Rules())
    return apply.apply_match(tx, entry, made)


def apply_to_invoices(tx: Tx, id: str, parts: Sequence[Part], *, keep: bool) -> BankEntry:
    """Apply an entry to invoices of one customer, each with the amount that it gets.

    What is left stays in the queue as unapplied cash; with `keep` it goes to the customer's balance.
    """
    entry = queued(tx, id)
    amounts = {one.invoice: one.amount for one in parts}
    require(amounts and len(amounts) == len(parts), "Say how much each invoice gets, each of them once.")
    for each in amounts:
        rows.find(tx, Invoice, each, param="invoice")
    found = rows.lock_owned(tx, Invoice, amounts)
    customers = {one.customer for one in found}
    require(len(customers) == 1, "These invoices are of several customers: an entry pays those of one.")
    [customer] = customers
    check_holder(entry, customer)
    for one in found:
        check_part(tx, entry, one, amounts[one.id])
    left = entry.unapplied - sum(amounts.values())
    require(left >= 0, f"That is {show(-left, entry.currency)} more than is left of the payment.")
    after = apply.apply_match(tx, entry, Match("by_hand", tuple(parts), customer))
    if not left:
        return after
    if keep:
        return apply_to_customer(tx, id, customer)
    return rows.update(tx, after, event=None, reason="a part is applied; the rest pays nothing yet")


def check_part(tx: Tx, entry: BankEntry, invoice: Invoice, amount: int) -> None:
    """Refuse a part that an invoice, which is locked, cannot take."""
    owed, name = process.owed(tx, invoice), invoice.number or invoice.id
    require(not owed.busy, f"Another payment of {name} is under way.")
    require(invoice.status in PAYABLE, f"The invoice {name} is {invoice.status}.")
    require(invoice.currency == entry.currency, f"The invoice {name} is in {invoice.currency.upper()}.")
    open_amount = show(owed.remaining, invoice.currency)
    require(0 < amount <= owed.remaining, f"Of {name} {open_amount} is open: it gets that or less.")


def check_holder(entry: BankEntry, customer: str) -> None:
    """Refuse what is left of a customer's transfer to another customer, whose cash balance it is not."""
    require(
        entry.customer in (None, customer),
        f"A part of {entry.id} is {entry.customer}'s. Undo that before it is applied for another customer.",
    )


def apply_to_customer(tx: Tx, id: str, customer: str) -> BankEntry:
    """Keep what is left of an entry on a customer's balance, which pays the next invoice."""
    entry = queued(tx, id)
    found = rows.lock(tx, Customer, customer, param="customer")
    require(found.currency in (None, entry.currency), f"The balance of {customer} is in another currency.")
    if entry.customer:
        cash_balance.leave(tx, entry, entry.customer)
    apply.keep(tx, entry, customer, None, entry.unapplied)
    return rows.update(
        tx, entry, event=None, customer=customer, reason=None, rule="by_hand", state="applied", unapplied=0
    )


def ignore(tx: Tx, id: str, reason: str) -> BankEntry:
    """Take an entry that is no payment of a customer out of the queue and the books, with the reason."""
    require(reason.strip(), "Say why the entry is ignored.")
    entry = queued(tx, id)
    require(entry.unapplied == entry.amount, f"A part of {id} is applied; undo that first.")
    post_by_hand(tx, entry, "bank.ignored", -entry.amount)
    return rows.update(
        tx, entry, event=None, reason=reason.strip(), state="ignored", unapplied=0, version=entry.version + 1
    )


def undo(tx: Tx, id: str) -> BankEntry:
    """Put an entry back into the queue; take a payment recorded by hand back by a counter entry."""
    entry = rows.lock(tx, BankEntry, id)
    require(entry.reversed_by is None, f"{id} was taken back by {entry.reversed_by}.")
    require(entry.rule not in ("reversal", "return"), f"{id} takes back another entry, which stays.")
    require(entry.rule != "direct_debit", f"{id} is what a direct debit has come to, which stays.")
    require(not cash_refunds.was_sent(tx, entry), f"A part of {id} was sent back to its customer.")
    if entry.state == "ignored":
        post_by_hand(tx, entry, "bank.restored", entry.amount)
        return rows.update(tx, entry, event=None, reason="taken back", state="queued", unapplied=entry.amount)
    require(entry.unapplied < entry.amount, f"Nothing of {id} is applied.")
    return counter(tx, entry) if entry.account == MANUAL else take_back.undo_applications(tx, entry)


def post_by_hand(tx: Tx, entry: BankEntry, event: str, amount: int) -> None:
    """Post that an entry leaves the books, or is in them again; it may happen several times."""
    source, moved = f"{entry.id}@{entry.version}", entries.bank_received(entry.currency, amount)
    post.post(tx, [post.Posting(event, source, tx.now, moved)])


def queued(tx: Tx, id: str) -> BankEntry:
    """Lock an entry of the queue; refuse another one."""
    entry = rows.lock(tx, BankEntry, id)
    require(
        entry.state == "queued" and entry.unapplied > 0, f"{id} is {entry.state}: there is nothing to apply."
    )
    return entry


@dataclass(frozen=True, slots=True)
class ByHand:
    """A payment that somebody records by hand; `amount` is in minor units, None for all that is open."""

    invoice: str
    amount: int | None
    paid_on: date
    reference: str


def record(tx: Tx, wanted: ByHand) -> BankEntry:
    """Record a payment of an invoice that reached the seller in another way, such as cash or a cheque.

    It is at most what is open. The reference names it: the same one twice is refused.
    """
    require(wanted.reference.strip(), "Give the payment a reference, such as the number of its receipt.")
    [invoice] = rows.lock_owned(tx, Invoice, [rows.find(tx, Invoice, wanted.invoice, param="invoice").id])
    owed = process.owed(tx, invoice)
    require(invoice.status in PAYABLE, f"The invoice {invoice.id} is {invoice.status}.")
    require(not owed.busy, f"Another payment of {invoice.id} is under way.")
    amount = owed.remaining if wanted.amount is None else wanted.amount
    require(
        0 < amount <= owed.remaining,
        f"The amount must be between {show(1, invoice.currency)} and what is open:"
        f" {show(owed.remaining, invoice.currency)}.",
        param="amount",
    )
    identity = wanted.reference.strip()
    known = rows.select(
        tx, BankEntry, "account = %(account)s and identity = %(name)s", account=MANUAL, name=identity
    )
    require(not known, f"A payment with the reference {identity} is recorded already.")
    entry = rows.insert(
        tx,
        BankEntry(
            account=MANUAL,
            amount=amount,
            bank_reference=identity,
            booked_on=wanted.paid_on.isoformat(),
            currency=invoice.currency,
            identity=identity,
        ),
    )
    part = Part(invoice.id, amount)
    return apply.apply_match(tx, apply.receive(tx, entry), Match("by_hand", (part,), invoice.customer))


def counter(tx: Tx, entry: BankEntry) -> BankEntry:
    """Take back a payment that was recorded by hand: its counter entry says when, and both stay on record."""
    made = rows.insert(
        tx,
        BankEntry(
            account=MANUAL,
            amount=-entry.amount,
            bank_reference=entry.bank_reference,
            booked_on=day_of(tx, tx.now).isoformat(),
            currency=entry.currency,
            identity=f"{entry.identity}/R",
            reversal=True,
        ),
    )
    take_back.set_off(tx, apply.receive(tx, made), entry, "reversal")
    return rows.find(tx, BankEntry, entry.id)
