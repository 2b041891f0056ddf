"""Process the entries of bank statements: find out what each pays, apply it, or queue it."""

from datetime import date

from billow.api import rows
from billow.core.bank import matching
from billow.core.bank.matching import Known, Match, Owed
from billow.core.bank.references import payment_number, payment_numbers_in
from billow.core.bank.statement import Entry
from billow.flows.bank import apply, direct_debits, payouts_found, refund_transfers, take_back
from billow.flows.outside.outside import outside_of
from billow.resources.bank_entry import BankEntry
from billow.resources.invoice import Invoice
from billow.resources.payment_intent import PaymentIntent
from billow.store.tx import Database, Tx


def process_new(db: Database, tenant: str) -> list[str]:
    """Process the entries that are new, each in a transaction of its own; return the state of each."""
    states = []
    with db.transaction(tenant) as tx:
        found = tx.tuples("select id from bank_entries where state = 'new' order by created, id")
    for (id,) in found:
        with db.transaction(tenant) as tx:
            entry = rows.lock(tx, BankEntry, id)
            if entry.state == "new":
                states.append(process(tx, entry).state)
    return states


def process(tx: Tx, entry: BankEntry) -> BankEntry:
    """Process an entry, which is locked: apply what came in, take back what was reversed or returned."""
    if entry.reversal:
        return take_back.reverse(tx, entry)
    if refund := refund_transfers.named_by(tx, entry):
        return refund_transfers.settle_entry(tx, entry, refund)
    debits = direct_debits.settled_by(tx, entry)
    if debits and entry.amount > 0:
        return direct_debits.settle_entry(tx, entry, debits)
    if debits and matching.our_id(entry.end_to_end):
        return direct_debits.return_entry(tx, entry, debits[0])
    payout = payouts_found.paid_by(tx, entry) if entry.amount > 0 else None
    if payout:
        return payouts_found.settle_entry(tx, entry, payout)
    if entry.amount > 0:
        apply.receive(tx, entry)
        found = find(tx, entry)
        return apply.apply_match(tx, rows.find(tx, BankEntry, entry.id), found)
    if entry.return_reason or entry.mandate:
        return take_back.give_back(tx, entry)
    return rows.update(tx, entry, event=None, state="outgoing")


def find(tx: Tx, entry: BankEntry) -> Match:
    """Find what an entry pays. Locks the customers and invoices that it may be for."""
    return matching.match(as_read(entry), known_for(tx, entry), outside_of(tx).bank)


def as_read(entry: BankEntry) -> Entry:
    """Return a stored entry as the statement said it."""
    return Entry(
        entry.amount,
        entry.currency,
        date.fromisoformat(entry.booked_on),
        end_to_end=entry.end_to_end,
        structured=entry.structured,
        text=entry.text,
        iban=entry.iban,
    )


def known_for(tx: Tx, entry: BankEntry) -> Known:
    """Load what an entry can be matched with, and lock it: customers first, then invoices."""
    numbers = payment_numbers_in(f"{entry.structured or ''} | {entry.text or ''}")
    given = payment_number(entry.structured)
    by_number = dict(
        tx.tuples(
            "select payment_number, id from invoices where payment_number = any(%(numbers)s)",
            numbers=[*numbers, *([given] if given else [])],
        )
    )
    payments = paid_by_id(tx, entry.end_to_end)
    accounts = customers_of(tx, entry.iban) if entry.iban else frozenset[str]()
    open_ones = tx.tuples(
        "select id from invoices where customer = any(%(customers)s) and currency = %(currency)s"
        " and status in ('open', 'uncollectible') and amount_due - amount_paid = %(amount)s",
        customers=list(accounts),
        currency=entry.currency,
        amount=entry.amount,
    )
    ids = {*by_number.values(), *payments.values(), *(id for (id,) in open_ones)}
    return Known(
        {one.id: owed(tx, one) for one in rows.lock_owned(tx, Invoice, ids)},
        by_number,
        payments,
        {entry.iban: accounts} if entry.iban else {},
    )


def owed(tx: Tx, invoice: Invoice) -> Owed:
    """Return what is open on an invoice, and whether a gateway still has to answer for it."""
    id = invoice.payment_intent or ""
    intent = rows.find_many(tx, PaymentIntent, [id]).get(id) if id else None
    return Owed(
        invoice.id,
        invoice.customer,
        invoice.currency,
        invoice.amount_due - invoice.amount_paid if invoice.status != "void" else 0,
        invoice.status,
        intent is not None and intent.status == "processing",
    )


def paid_by_id(tx: Tx, end_to_end: str | None) -> dict[str, str]:
    """Return the invoice that one of our ids pays, which a payer or a bank returns as end-to-end id."""
    given = matching.our_id(end_to_end)
    if given is None:
        return {}
    found = tx.tuples(
        "select invoice from payment_intents where id = %(id)s and invoice is not null"
        " union select id from invoices where id = %(id)s",
        id=given.replace("-", "_"),
    )
    return {given: found[0][0]} if found else {}


def customers_of(tx: Tx, iban: str) -> frozenset[str]:
    """Return the customers who have paid from an account before."""
    found = tx.tuples(
        "select distinct customer from bank_entries where iban = %(iban)s and customer is not null"
        " and state in ('applied', 'queued')",
        iban=iban,
    )
    return frozenset(customer for (customer,) in found)
