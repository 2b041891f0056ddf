"""Read the ledger as vouchers: postings with their documents, customers, tax ids and tax treatments."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from itertools import groupby
from typing import Any
from zoneinfo import ZoneInfo

from billow.core.books.treatments import MIXED, Rate, Treated, of_document, of_tax_account, rate_id, treated
from billow.core.calendar import next_boundary
from billow.store.tx import Tx

TAX, RECEIVABLE = "tax_payable", "receivable"
SOLD = "revenue:none"
"""What was sold without an invoice, until one that is made after it takes the sale back."""
TAX_KINDS = ("eu_vat", "gb_vat", "ch_vat", "no_vat")


@dataclass(frozen=True, slots=True)
class Leg:
    """One side of a transfer: a debit is positive, a credit negative."""

    account: str
    currency: str
    amount: int
    treated: Treated
    line: str | None
    foreign: int = 0
    """What it was before it was converted, and below in which currency."""
    of: str = ""


@dataclass(frozen=True, slots=True)
class Voucher:
    """What one event posted. `booked` is the day in the books, `dated` that of the document."""

    booked: date
    dated: date
    event: str
    source: str
    document: str
    """The number of the credit note or invoice; else the id of what was posted."""
    invoice: str
    """The id of the invoice that it is about; empty where there is none."""
    customer: str
    name: str
    tax_id: str
    legs: Sequence[Leg]
    series: str = ""
    number: int | None = None
    """Its number in its series and fiscal year; None until it is given one, on the day below."""
    given: date | None = None


@dataclass(frozen=True, slots=True)
class Documents:
    """What vouchers of some time are about, each by its id."""

    invoices: Mapping[str, Mapping[str, Any]]
    lines: Mapping[str, Treated]
    of_invoices: Mapping[str, Treated]
    notes: Mapping[str, Mapping[str, Any]]
    refunds: Mapping[str, Sequence[Mapping[str, Any]]]
    """The taxes that a refund without a credit note corrects, by the source of its posting."""
    names: Mapping[str, str]
    rates: Mapping[str, Rate]
    home: str


def vouchers(tx: Tx, since: datetime | None, until: datetime, zone: ZoneInfo, home: str) -> Iterator[Voucher]:
    """Read the postings booked from `since` to before `until`, oldest first, a month at a time.

    `home` is the seller's country. The same books always give the same vouchers in the same order, each with
    its number where it has one.
    """
    for start, end in months(tx, since, until):
        transfers = tx.all(
            "select t.created, coalesce(t.dated, t.created) as dated, t.source, t.event, t.debit, t.credit,"
            " t.amount, t.currency, t.customer, t.invoice, t.line, n.series, n.number, n.given"
            " from ledger_transfers t left join voucher_numbers n"
            " on n.source = t.source and n.event = t.event"
            " where t.created >= %(start)s and t.created < %(end)s"
            " order by t.created, t.source, t.event, t.sequence",
            start=start,
            end=end,
        )
        known = documents_of(tx, transfers, home)
        for (source, event), posted in groupby(transfers, lambda one: (one["source"], one["event"])):
            yield voucher(source, event, list(posted), known, zone)


def months(tx: Tx, since: datetime | None, until: datetime) -> Iterator[tuple[datetime, datetime]]:
    """Split a time into months (UTC), from the first transfer on, so that memory stays bounded."""
    [(first,)] = tx.tuples("select min(created) from ledger_transfers")
    if first is None:
        return
    start = max(first, since) if since else first
    anchor = datetime(start.year, start.month, 1, tzinfo=UTC)
    while start < until:
        end = min(next_boundary(anchor, "month", 1, start), until)
        yield start, end
        start = end


def voucher(
    source: str, event: str, posted: Sequence[Mapping[str, Any]], known: Documents, zone: ZoneInfo
) -> Voucher:
    first = posted[0]
    invoice = known.invoices.get(first["invoice"] or "", {})
    note = known.notes.get(source, {})
    customer = first["customer"] or invoice.get("customer") or ""
    legs = [
        Leg(
            one[side],
            one["currency"],
            sign * one["amount"],
            treatment_of(one, side, source, known),
            one["line"],
        )
        for one in posted
        for side, sign in (("debit", 1), ("credit", -1))
    ]
    return Voucher(
        first["created"].astimezone(zone).date(),
        first["dated"].astimezone(zone).date(),
        event,
        source,
        note.get("number") or invoice.get("number") or source,
        first["invoice"] or "",
        customer,
        invoice.get("customer_name") or known.names.get(customer, ""),
        tax_id_of(invoice),
        legs,
        first["series"] or "",
        first["number"],
        first["given"].astimezone(zone).date() if first["given"] else None,
    )


def tax_id_of(invoice: Mapping[str, Any]) -> str:
    """Return the tax id of the buyer: a VAT number where there is one."""
    given = invoice.get("customer_tax_ids") or []
    given = sorted(given, key=lambda one: one["type"] not in TAX_KINDS)
    return str(given[0]["value"]) if given else ""


def treatment_of(transfer: Mapping[str, Any], side: str, source: str, known: Documents) -> Treated:
    """Return how one side of a transfer is treated: by its line, or else by its document.

    A receivable is that of a whole invoice, so that a payment meets it on the same account. A sale that had
    no invoice is treated in no way, also when its invoice takes it back, so that it leaves nothing behind.
    """
    kind, _, owed = transfer[side].partition(":")
    invoice = transfer["invoice"] or ""
    if kind == TAX:
        taxes = taxes_of(source, invoice, known)
        return of_tax_account(owed, transfer["amount"], taxes, known.rates, known.home)
    if kind == RECEIVABLE:
        whole = known.of_invoices.get(invoice, Treated())
        return Treated(whole.treatment, whole.country)
    if transfer[side] == SOLD and not transfer["line"] and source not in known.refunds:
        return Treated()
    if transfer["line"]:
        return known.lines.get(transfer["line"], Treated())
    if source in known.refunds:
        granted = taxes_of(source, invoice, known)
        kinds = {treated([tax], known.rates, known.home) for tax in granted}
        return kinds.pop() if len(kinds) == 1 else MIXED if kinds else Treated()
    return known.of_invoices.get(invoice, Treated())


def taxes_of(source: str, invoice: str, known: Documents) -> Sequence[Mapping[str, Any]]:
    """Return the taxes of a refund, of a credit note, or else of an invoice."""
    if source in known.refunds:
        return known.refunds[source]
    of = known.notes.get(source) or known.invoices.get(invoice) or {}
    return [*(of.get("total_taxes") or [])]


def documents_of(tx: Tx, transfers: Sequence[Mapping[str, Any]], home: str) -> Documents:
    """Load what transfers are about, in a fixed number of statements."""
    sources = named(one["source"] for one in transfers)
    invoices = by_id(
        tx.all(
            "select id, number, customer, customer_name, customer_tax_ids, total_taxes from invoices"
            " where id = any(%(ids)s)",
            ids=named(one["invoice"] for one in transfers),
        )
    )
    lines = tx.all(
        "select id, invoice, taxes from invoice_lines where invoice = any(%(ids)s) or id = any(%(lines)s)",
        ids=sorted(invoices),
        lines=named(one["line"] for one in transfers),
    )
    notes = by_id(
        tx.all("select id, number, total_taxes from credit_notes where id = any(%(ids)s)", ids=sources)
    )
    refunds: dict[str, list[dict[str, Any]]] = {
        id: [] for (id,) in tx.tuples("select id from refunds where id = any(%(ids)s)", ids=sources)
    }
    for one in tx.all(
        "select distinct source, tax_rate, abs(amount) as amount from refund_taxes"
        " where source = any(%(ids)s) and tax_rate <> '' order by source, tax_rate, amount",
        ids=sources,
    ):
        refunds.setdefault(one["source"], []).append(one)
    customers = tx.tuples(
        "select id, coalesce(name, email, '') from customers where id = any(%(ids)s)",
        ids=named(one["customer"] for one in transfers),
    )
    taxes = [tax for one in lines for tax in one["taxes"]]
    taxes += [tax for one in [*invoices.values(), *notes.values()] for tax in one["total_taxes"]]
    taxes += [tax for one in refunds.values() for tax in one]
    rates = tx.all(
        "select id, percentage, country, state, jurisdiction, treatment from tax_rates"
        " where id = any(%(ids)s)",
        ids=named(map(rate_id, taxes)),
    )
    known = {rate["id"]: Rate(**rate) for rate in rates}
    of_lines = {one["id"]: treated(one["taxes"], known, home) for one in lines}
    by_invoice: dict[str, list[Treated]] = {}
    for one in lines:
        by_invoice.setdefault(one["invoice"], []).append(of_lines[one["id"]])
    whole = {id: of_document(found) for id, found in by_invoice.items()}
    return Documents(invoices, of_lines, whole, notes, refunds, dict(customers), known, home)


def named(ids: Iterable[str | None]) -> list[str]:
    return sorted({id for id in ids if id})


def by_id(found: Iterable[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {row["id"]: row for row in found}
