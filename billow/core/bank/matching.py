"""Decide which invoices a payment on a bank statement pays.

The order: our own id of the payment; the structured reference; a reference with valid check digits in the
free text; the exact open amount, from an account that is known for the customer. An amount alone never
matches.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from billow.core.bank.references import payment_number, payment_numbers_in
from billow.core.bank.statement import WITHOUT, Entry
from billow.core.lifecycle import PAYABLE


@dataclass(frozen=True, slots=True)
class Owed:
    """An invoice that payments may be for; `busy` while a gateway has not answered an attempt to pay it."""

    id: str
    customer: str
    currency: str
    remaining: int
    status: str = "open"
    busy: bool = False


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of the payers: invoices by id, and what leads to them."""

    invoices: Mapping[str, Owed]
    numbers: Mapping[str, str] = field(default_factory=dict)
    """Payment numbers, and the invoices that have them."""
    payments: Mapping[str, str] = field(default_factory=dict)
    """Our ids of payments as banks return them, and the invoices that they pay."""
    accounts: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Bank accounts (IBAN), and the customers who paid from them."""


@dataclass(frozen=True, slots=True)
class Rules:
    """`tolerance`: a difference of up to so many minor units is written off, paid too little or too much.

    `overpayment` says where the rest of a payment goes: to the customer's balance, or nowhere yet.
    """

    tolerance: int = 0
    overpayment: str = "balance"


@dataclass(frozen=True, slots=True)
class Part:
    """The part of a payment that pays an invoice; `rounding` is what is written off to settle it."""

    invoice: str
    amount: int
    rounding: int = 0


@dataclass(frozen=True, slots=True)
class Match:
    """What a payment pays, by which rule, and `rest`, what the customer paid too much.

    Without parts and customer it is not matched, and `reason` says why.
    """

    rule: str | None = None
    parts: tuple[Part, ...] = ()
    customer: str | None = None
    rest: int = 0
    rounding: int = 0
    """What was paid too much and is too little to keep for the customer."""
    reason: str | None = None


def our_id(end_to_end: str | None) -> str | None:
    """Return an end-to-end id as we compare it: banks take no underscore, so ours are sent with hyphens."""
    text = (end_to_end or "").strip()
    return None if text.upper() in WITHOUT else text.replace("_", "-")


def match(entry: Entry, known: Known, rules: Rules = Rules()) -> Match:
    """Return what a payment that came in pays; the first rule that finds an invoice decides."""
    found = known.payments.get(our_id(entry.end_to_end) or "")
    if found:
        return _for(entry, "end_to_end", [found], known, rules)
    number = payment_number(entry.structured)
    if number in known.numbers:
        return _for(entry, "structured_reference", [known.numbers[number or ""]], known, rules)
    named = payment_numbers_in(f"{entry.structured or ''} | {entry.text or ''}")
    found_by_text = [known.numbers[one] for one in named if one in known.numbers]
    if found_by_text:
        return _for(entry, "reference_in_text", found_by_text, known, rules)
    return _by_account(entry, known)


def _by_account(entry: Entry, known: Known) -> Match:
    """Match the exact open amount of the one customer whose account this is known to be."""
    customers = known.accounts.get(entry.iban or "", frozenset())
    if not customers:
        return Match(reason="no reference of ours, and an account that is not known")
    if len(customers) > 1:
        return Match(reason="no reference of ours, and an account of several customers")
    [customer] = customers
    open_ones = [
        one
        for one in known.invoices.values()
        if one.customer == customer and one.currency == entry.currency and one.status in PAYABLE
    ]
    exact = [one for one in open_ones if one.remaining == entry.amount]
    if len(exact) != 1 or exact[0].busy:
        found = f"{len(exact) or 'no'} open invoice{'s' if len(exact) > 1 else ''} of this amount"
        return Match(reason=f"no reference of ours; the account is that of {customer}, with {found}")
    return Match("amount_and_account", (Part(exact[0].id, entry.amount),), customer)


def _for(entry: Entry, rule: str, ids: Iterable[str], known: Known, rules: Rules) -> Match:
    """Return what a payment pays that names these invoices."""
    named = [known.invoices[id] for id in ids]
    customers = {one.customer for one in named}
    why = _hindrance(entry, named)
    if why or len(customers) > 1:
        return Match(reason=why or "it names invoices of several customers")
    if len(named) > 1:
        if sum(one.remaining for one in named) != entry.amount:
            about = ", ".join(one.id for one in named)
            return Match(reason=f"it names several invoices ({about}), which are not open for its amount")
        return Match(
            rule, tuple(Part(one.id, one.remaining) for one in named if one.remaining), customers.pop()
        )
    return distribute(entry.amount, named[0], rule, rules)


def distribute(amount: int, invoice: Owed, rule: str, rules: Rules) -> Match:
    """Return what an amount pays of one invoice: part of it, all of it, or more than it."""
    paid = min(amount, invoice.remaining)
    missing, rest = invoice.remaining - paid, amount - paid
    rounding = missing if 0 < missing <= rules.tolerance else 0
    parts = (Part(invoice.id, paid, rounding),) if paid else ()
    made = Match(rule, parts, invoice.customer, rest)
    return replace(made, rest=0, rounding=rest) if parts and 0 < rest <= rules.tolerance else made


def _hindrance(entry: Entry, named: Iterable[Owed]) -> str | None:
    for one in named:
        if one.currency != entry.currency:
            return f"the invoice {one.id} is in {one.currency}"
        if one.busy:
            return f"another payment of the invoice {one.id} is under way"
        if one.status not in (*PAYABLE, "paid"):
            return f"the invoice {one.id} is {one.status}"
    return None


def after(known: Known, made: Match) -> Known:
    """Return what is known after a payment was applied, for the next one of the same statement."""
    changed = dict(known.invoices)
    for part in made.parts:
        one = changed[part.invoice]
        remaining = one.remaining - part.amount - part.rounding
        changed[part.invoice] = replace(one, remaining=remaining, status="open" if remaining else "paid")
    return replace(known, invoices=changed)
