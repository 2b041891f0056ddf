"""Lay out a customer's statement of account: what the books say of a period, and what is open at its end."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from billow.api import rows
from billow.core import ageing
from billow.core.money import CURRENCIES
from billow.core.seller import Seller
from billow.core.tax_ids import on_documents
from billow.flows.billing.labels import language_of
from billow.flows.outside.seller import seller_of
from billow.flows.papers import paper_totals
from billow.flows.papers.parties import address_lines, seller_party
from billow.ledger import customer_account
from billow.ledger.customer_account import Movement, OpenAmount
from billow.providers.documents import InvoiceDocument, Party, Section, formats, wording
from billow.resources.charge import Charge
from billow.resources.credit_note import CreditNote
from billow.resources.customer import Customer
from billow.resources.invoice import Invoice
from billow.resources.tax_id import TaxId
from billow.store.tx import Tx

KIND = "statement"


@dataclass(frozen=True, slots=True)
class Account:
    """What the books say of a customer: until before `end`, from `start` on in detail."""

    customer: Customer
    start: datetime
    end: datetime
    opening: Mapping[str, int]
    """What was owed at the start, by currency."""
    movements: Sequence[Movement]
    open: Sequence[OpenAmount]
    invoices: Mapping[str, Invoice]
    notes: Mapping[str, CreditNote]
    charges: Mapping[str, Charge]

    @property
    def currencies(self) -> list[str]:
        """Return the currencies in which something was owed or happened, or else the customer's."""
        owed = {currency for currency, amount in self.opening.items() if amount}
        return sorted(owed | {one.currency for one in self.movements}) or [self.customer.currency or "eur"]

    def closing(self, currency: str) -> int:
        """Return what is owed at the end: the balance of the receivable."""
        moved = sum(one.owed for one in self.movements if one.currency == currency)
        return self.opening.get(currency, 0) + moved


def account_of(tx: Tx, customer: str, start: datetime, end: datetime) -> Account:
    """Load the account of a customer from one instant until before another."""
    movements = customer_account.movements(tx, customer, start, end)
    open_ = customer_account.open_amounts(tx, customer, end)
    named = {one.invoice for one in movements} | {one.invoice for one in open_}
    sources = sorted({one.source for one in movements})
    return Account(
        rows.find(tx, Customer, customer, deleted=True),
        start,
        end,
        customer_account.opening(tx, customer, start),
        movements,
        open_,
        rows.find_many(tx, Invoice, sorted(id for id in named if id)),
        rows.find_many(tx, CreditNote, [id for id in sources if id.startswith(CreditNote.prefix)]),
        rows.find_many(tx, Charge, [id for id in sources if id.startswith((Charge.prefix, "py_"))]),
    )


def document_of(tx: Tx, found: Account) -> InvoiceDocument:
    """Lay out an account in the customer's language; each currency has tables of its own."""
    seller, customer = seller_of(tx), found.customer
    locale = language_of(tx, customer)
    last = last_day(found, seller)
    closing = " · ".join(formats.named(found.closing(one), one, locale) for one in found.currencies)
    numbers = rows.select(tx, TaxId, "customer = %(id)s", "order by created, id", id=customer.id)
    return InvoiceDocument(
        kind=KIND,
        number=f"{customer.invoice_prefix or customer.id}-{last.isoformat()}",
        status="",
        currency="",
        issued_on=last,
        due_on=None,
        seller=seller_party(seller, locale),
        buyer=buyer_of(customer, numbers, locale),
        lines=(),
        totals=(),
        footer=seller.footer or None,
        language=locale,
        details=(
            (
                wording.say(locale, "period"),
                formats.period(found.start, found.end, locale, seller.time_zone) or "",
            ),
            (wording.say(locale, "closing"), closing),
            *on_balance(customer, locale),
        ),
        logo=seller.logo,
        color=seller.primary_color,
        second_color=seller.secondary_color,
        sections=tuple(
            section
            for currency in found.currencies
            for section in Sheet(found, currency, locale, seller.time_zone).sections()
        ),
    )


def last_day(found: Account, seller: Seller) -> date:
    """Return the last day of the period, where the seller is."""
    return formats.days_of(found.start, found.end, seller.time_zone)[1]


def buyer_of(customer: Customer, numbers: Sequence[TaxId], locale: str) -> Party:
    return Party(
        customer.business_name or customer.name or customer.email or customer.id,
        customer.email,
        address_lines(customer.address, locale),
        tuple(wording.tax_id(locale, one.type, on_documents(one.type, one.value)) for one in numbers),
    )


def on_balance(customer: Customer, locale: str) -> tuple[tuple[str, str], ...]:
    """Say what the customer has on their balance, which pays invoices to come and is no payment yet."""
    if customer.balance >= 0 or customer.currency not in CURRENCIES:
        return ()
    return ((wording.say(locale, "on_balance"), formats.named(-customer.balance, customer.currency, locale)),)


@dataclass(frozen=True, slots=True)
class Sheet:
    """The tables of one currency."""

    account: Account
    currency: str
    locale: str
    zone: str

    def say(self, name: str, **values: object) -> str:
        return wording.say(self.locale, name, **values)

    def money(self, amount: int) -> str:
        return formats.money(amount, self.currency, self.locale)

    def day(self, at: datetime) -> str:
        return formats.short_day(formats.local(at, self.zone).date(), self.locale)

    def sections(self) -> list[Section]:
        code, items = self.currency.upper(), self.items()
        made = [
            Section(
                f"{self.say('movements')}, {code}",
                (
                    self.say("date"),
                    self.say("description"),
                    self.say("charges"),
                    self.say("credits"),
                    self.say("running"),
                ),
                tuple(self.moved()),
                texts=2,
                wide=1,
                sums=True,
            )
        ]
        if not items:
            return made
        sums = ageing.aged([(due, one.amount) for one, due in items], self.last)
        return [
            *made,
            Section(
                f"{self.say('open_items')}, {code}",
                (
                    self.say("document"),
                    self.say("date"),
                    self.say("due"),
                    self.say("original"),
                    self.say("still_open"),
                ),
                (*(self.item(*one) for one in items), self.sum_of(items)),
                texts=3,
                sums=True,
            ),
            Section(
                f"{self.say('ageing')}, {code}",
                tuple(self.bucket(name) for name in (*ageing.BUCKETS, "still_open")),
                ((*map(self.money, sums.values()), self.money(sum(sums.values()))),),
                texts=0,
            ),
        ]

    @property
    def last(self) -> date:
        return formats.local(self.account.end - timedelta(microseconds=1), self.zone).date()

    # --------------------------------------------------------------------------------- movements

    def moved(self) -> list[tuple[str, ...]]:
        """List the movements with the running balance, between the opening and the closing one."""
        balance = self.account.opening.get(self.currency, 0)
        listed = [(self.day(self.account.start), self.say("opening"), "", "", self.money(balance))]
        for one in self.account.movements:
            if one.currency != self.currency:
                continue
            charged, credited = self.split(one)
            balance += one.owed
            figures = (
                self.money(charged) if charged else "",
                self.money(credited) if credited else "",
                self.money(balance),
            )
            listed.append((self.day(one.created), self.named(one), *figures))
        last = formats.short_day(self.last, self.locale)
        return [*listed, (last, self.say("closing"), "", "", self.money(balance))]

    def split(self, one: Movement) -> tuple[int, int]:
        """Return what is charged and what is credited.

        A credit note is credited whole; what of it goes to the balance or back as money is charged again.
        """
        if one.event in (*customer_account.CREDITED, *customer_account.GRANTED):
            return one.given, one.given - one.owed
        return (one.owed, 0) if one.owed > 0 else (0, -one.owed)

    def named(self, one: Movement) -> str:
        """Say what happened in the customer's words, with the number of the document."""
        note, charge = self.account.notes.get(one.source), self.account.charges.get(one.source)
        document = self.document(one.invoice)
        if one.event in customer_account.CREDITED and note:
            void = f", {self.say('void')}" if one.event == "credit_note.voided" else ""
            aside = f" ({self.aside(note)})" if one.given and not void else ""
            return f"{self.say('credit_note')} {note.number}{void}{aside}"
        if one.event in customer_account.GRANTED:
            return self.say("refund")
        if one.event == "customer_balance.applied":
            return ": ".join(filter(None, (self.say("balance"), document)))
        if one.event.startswith("invoice.") and one.event != "invoice.paid_out_of_band":
            ends = {"invoice.voided": "void", "invoice.marked_uncollectible": "uncollectible"}
            end = ends.get(one.event)
            return f"{document}, {self.say(end)}" if end else document or self.say("adjustment")
        if one.owed < 0 and one.event.startswith(PAYMENTS):
            method = paper_totals.method_of(charge.payment_method_details if charge else None, self.locale)
            if one.event.startswith("bank."):
                method = self.say("by_bank")
            paid = f"{self.say('received')}, {method}" if method else self.say("received")
            return f"{paid}: {document}" if document else paid
        return ": ".join(filter(None, (self.say("adjustment"), document)))

    def aside(self, note: CreditNote) -> str:
        """Say where the part of a credit note goes that is not taken off the invoice."""
        return self.say("refunded" if note.refunds else "balance")

    def document(self, id: str | None) -> str:
        invoice = self.account.invoices.get(id or "")
        return f"{self.say('invoice')} {invoice.number}" if invoice else ""

    # --------------------------------------------------------------------------------- open items

    def items(self) -> list[tuple[OpenAmount, date]]:
        """List what is open with the day on which it is due, the oldest first."""
        found = [one for one in self.account.open if one.currency == self.currency]
        return sorted(
            ((one, self.due_on(one)) for one in found), key=lambda each: (each[1], each[0].invoice or "")
        )

    def due_on(self, one: OpenAmount) -> date:
        """Return when an invoice is due; without a due date it was when it was finalized."""
        invoice = self.account.invoices.get(one.invoice or "")
        at = (invoice.due_date or invoice.finalized_at) if invoice else None
        return formats.local(at, self.zone).date() if at else self.last

    def item(self, one: OpenAmount, due: date) -> tuple[str, ...]:
        invoice = self.account.invoices.get(one.invoice or "")
        issued = (invoice.effective_at or invoice.finalized_at) if invoice else None
        return (
            self.document(one.invoice) or self.say("adjustment"),
            self.day(issued) if issued else "",
            formats.short_day(due, self.locale),
            self.money(invoice.total) if invoice else "",
            self.money(one.amount),
        )

    def sum_of(self, items: Sequence[tuple[OpenAmount, date]]) -> tuple[str, ...]:
        return (self.say("total"), "", "", "", self.money(sum(one.amount for one, _ in items)))

    def bucket(self, name: str) -> str:
        """Name a bucket of the ageing by its days."""
        first, second, third = ageing.LIMITS
        days = {
            "days_30": f"1\N{EN DASH}{first}",
            "days_60": f"{first + 1}\N{EN DASH}{second}",
            "days_90": f"{second + 1}\N{EN DASH}{third}",
        }
        if name in days:
            return self.say("days", days=days[name])
        return self.say("days_over", days=third) if name == "days_over" else self.say(name)


PAYMENTS = ("payment.", "bank.applied", "invoice.paid_out_of_band")
"""The events that are payments of the customer, by how they begin."""
