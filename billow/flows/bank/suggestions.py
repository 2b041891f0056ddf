"""Find the open invoices that an entry of the queue may be for, by what it says and who paid it."""

from billow.core.bank.matching import our_id
from billow.core.bank.references import payment_numbers_in
from billow.core.bank.suggestions import Open, Paid, Suggestion, suggest, words_in
from billow.flows.bank.process import customers_of
from billow.resources.bank_entry import BankEntry
from billow.store.tx import Tx

MOST = 200
"""How many open invoices are looked at."""


def said_by(entry: BankEntry) -> str:
    """Return all that a transfer says of what it pays."""
    return " ".join(filter(None, (our_id(entry.end_to_end), entry.structured, entry.text)))


def of_entry(tx: Tx, entry: BankEntry) -> tuple[list[Suggestion], list[Open]]:
    """Return what an entry may be for, the likeliest first, and the open invoices that lead there."""
    known = frozenset([entry.customer]) if entry.customer else frozenset[str]()
    known |= customers_of(tx, entry.iban) if entry.iban else frozenset[str]()
    said = said_by(entry)
    found = tx.tuples(
        "select i.id, i.customer, coalesce(i.customer_name, c.name, c.email, ''),"
        " i.amount_due - i.amount_paid,"
        " i.number, i.payment_number from invoices i join customers c on c.id = i.customer"
        " where i.status in ('open', 'uncollectible') and i.currency = %(currency)s"
        " and i.amount_due > i.amount_paid and (%(held)s::text is null or i.customer = %(held)s)"
        " and (i.amount_due - i.amount_paid = %(amount)s or i.customer = any(%(known)s)"
        " or i.number = any(%(words)s) or i.payment_number = any(%(numbers)s)"
        " or (%(name)s <> '' and lower(c.name) = lower(%(name)s)))"
        " order by i.created, i.id limit %(most)s",
        currency=entry.currency,
        amount=entry.unapplied,
        held=entry.customer,
        known=sorted(known),
        words=sorted(words_in(said)),
        numbers=list(payment_numbers_in(said)),
        name=entry.name or "",
        most=MOST,
    )
    opens = [
        Open(id, customer, name, remaining, tuple(filter(None, (number, payment_number))))
        for id, customer, name, remaining, number, payment_number in found
    ]
    return suggest(Paid(entry.unapplied, said, entry.name or "", known), opens), opens


def found_by(tx: Tx, entry: BankEntry, text: str) -> list[Open]:
    """Find open invoices by number or id, or by the name or mail address of their customer."""
    like = "%" + text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
    found = tx.tuples(
        "select i.id, i.customer, coalesce(i.customer_name, c.name, c.email, ''),"
        " i.amount_due - i.amount_paid,"
        " i.number from invoices i join customers c on c.id = i.customer"
        " where i.status in ('open', 'uncollectible') and i.currency = %(currency)s"
        " and i.amount_due > i.amount_paid and (%(held)s::text is null or i.customer = %(held)s)"
        " and (i.id = %(text)s or i.number = %(text)s or c.id = %(text)s or c.name ilike %(like)s"
        " or c.email ilike %(like)s) order by i.created, i.id limit 20",
        currency=entry.currency,
        held=entry.customer,
        text=text,
        like=like,
    )
    return [
        Open(id, customer, name, remaining, tuple(filter(None, (number,))))
        for id, customer, name, remaining, number in found
    ]
