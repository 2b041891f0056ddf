"""Check that invoices add up, agree with their payments, and bill everything once."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from billow.core import numbering
from billow.core.findings import Finding
from billow.reports.invariants.books import differences
from billow.store.tx import Tx

AMOUNTS = "(select coalesce(sum((e->>'amount')::bigint), 0)::bigint from jsonb_array_elements({}) e{})"
INCLUSIVE = " where e->>'tax_behavior' = 'inclusive'"


def intents_and_invoices_agree(tx: Tx, invoices: Sequence[str]) -> Iterator[Finding]:
    """Check that an invoice's own intent has succeeded if and only if exactly one charge of it has paid.

    It may also be paid from what the customer has transferred in advance, without a charge.
    """
    for row in tx.all(
        "select * from (select i.id, i.status, p.status as intent, exists (select from invoice_payments y"
        " where y.payment_intent = p.id and y.status = 'paid') as charged, (select count(*) from charges c"
        " where c.payment_intent = p.id and c.status = 'succeeded') + exists (select from invoice_payments y"
        " join bank_applications a on a.invoice = y.invoice and a.invoice_payment = y.id"
        " where y.payment_intent = p.id and a.undone_at is null)::int as charges"
        " from invoices i join payment_intents p on p.id = i.payment_intent where i.id = any(%(ids)s)) seen"
        " where (intent = 'succeeded') <> charged or charges <> (intent = 'succeeded')::int order by id",
        ids=list(invoices),
    ):
        expected = "one charge where the intent has paid the invoice, else none"
        seen = f"{row['status']} with an intent {row['intent']} and {row['charges']} charges"
        yield Finding("intents_and_invoices_agree", row["id"], expected, seen)


def amounts_paid_are_payments(tx: Tx, invoices: Sequence[str]) -> Iterator[Finding]:
    """Check that what is paid of an invoice is the sum of its payments, and of what was paid elsewhere."""
    sql = (
        "select i.id, i.amount_paid::numeric as found, i.amount_paid_off_stripe"
        " + (select coalesce(sum(y.amount_paid), 0) from invoice_payments y"
        " where y.invoice = i.id and y.status = 'paid' and y.payment_record is null) as expected"
        " from invoices i where i.id = any(%(ids)s)"
    )
    yield from differences(tx, "amounts_paid_are_payments", sql, invoices)


def totals_are_sums(tx: Tx, invoices: Sequence[str]) -> Iterator[Finding]:
    """Check invariant 3: a total is lines less discounts and credits plus taxes; no more is paid than due.

    Inclusive tax is part of the lines. For an exempt customer it is removed, so `net` may be less.
    """
    taken, taxes = AMOUNTS.format("l.discount_amounts", ""), AMOUNTS.format("l.taxes", "")
    inside, paid = AMOUNTS.format("l.taxes", INCLUSIVE), AMOUNTS.format("l.applied_credits", "")
    for row in tx.all(
        "select i.id, i.total, i.amount_due, i.amount_paid, i.customer_tax_exempt as status,"
        f" {AMOUNTS.format('i.total_discount_amounts', '')} as off,"
        f" {AMOUNTS.format('i.total_taxes', '')} as tax,"
        " i.total_excluding_tax, coalesce(sum(l.net), 0)::bigint net,"
        f" coalesce(sum({taken}), 0)::bigint taken, coalesce(sum({taxes}), 0)::bigint taxes,"
        f" coalesce(bool_or(l.net <> l.amount - {taken} - {paid} - {inside}), false) odd"
        " from invoices i left join invoice_lines l on l.invoice = i.id where i.id = any(%(ids)s)"
        " group by i.id order by i.id",
        ids=list(invoices),
    ):
        names = ("total", "total_excluding_tax", "discounts", "taxes")
        lines = dict(
            zip(names, (row["net"] + row["taxes"], row["net"], row["taken"], row["taxes"]), strict=True)
        )
        said = dict(
            zip(names, (row["total"], row["total_excluding_tax"], row["off"], row["tax"]), strict=True)
        )
        if lines != said:
            yield Finding("totals_are_sums", row["id"], f"as its lines {lines}", f"{said}")
        if row["odd"] and row["status"] == "none":
            expected = "the net of each line to be its amount less discounts, credits and inclusive tax"
            yield Finding("totals_are_sums", row["id"], expected, "another")
        if row["amount_paid"] > row["amount_due"]:
            expected = f"at most {row['amount_due']} paid"
            yield Finding("totals_are_sums", row["id"], expected, f"{row['amount_paid']}")


def no_period_twice(tx: Tx, invoices: Sequence[str]) -> Iterator[Finding]:
    """Check invariant 5: every billed line has its billing period; the schema keeps them from overlapping.

    A pending change bills nothing before it is paid, a revision nothing before it is finalized, and a void
    invoice has billed nothing.
    """
    for row in tx.all(
        "select l.id, l.invoice, l.subscription_item, l.kind, l.period_start from invoice_lines l"
        " join invoices i on i.id = l.invoice where i.id = any(%(ids)s) and l.kind in ('licensed', 'metered')"
        " and i.status <> 'void' and (i.status <> 'draft' or i.from_invoice is null)"
        " and not exists (select from billing_periods p"
        " where p.subscription_item = l.subscription_item and p.period_start = l.period_start"
        " and p.kind = l.kind and p.invoice = l.invoice) and not exists (select from subscriptions s"
        " where s.id = i.subscription and s.pending_change->>'invoice' = i.id) order by l.id",
        ids=list(invoices),
    ):
        what = f"a billing period of {row['subscription_item']} from {row['period_start']} ({row['kind']})"
        yield Finding("no_period_twice", row["invoice"], f"{what} for line {row['id']}", "none")


def invoices_have_their_customer(tx: Tx, invoices: Sequence[str]) -> Iterator[Finding]:
    """Check that the customer of an invoice is in the same tenant."""
    yield from strangers(tx, "invoices_have_their_customer", "invoices", invoices)


def strangers(tx: Tx, rule: str, table: str, ids: Sequence[str]) -> Iterator[Finding]:
    """List the rows of a table whose customer does not exist in the tenant."""
    for row in tx.all(
        f"select r.id, r.customer from {table} r where r.id = any(%(ids)s)"
        " and not exists (select from customers c where c.id = r.customer) order by r.id",
        ids=list(ids),
    ):
        yield Finding(rule, row["id"], f"the customer {row['customer']} in this tenant", "none")


APART = timedelta(minutes=5)
"""The time within which invoices that were finalized on different machines may be numbered out of order."""


def numbers_are_in_sequence(tx: Tx, customers: Sequence[str]) -> Iterator[Finding]:
    """Check that a customer's invoices are numbered without a gap, in the order of finalization.

    Numbers go up to the customer's counter; those from before the sequence was set to another number are not
    checked.
    """
    for row in tx.all(
        "select c.id, c.invoice_prefix as prefix, c.numbered_from as first, c.next_invoice_sequence as next,"
        " coalesce(array_agg(i.id order by i.id) filter (where i.id is not null), '{}') as ids,"
        " array_agg(i.number order by i.id) as numbers, array_agg(i.finalized_at order by i.id) as times"
        " from customers c left join invoices i on i.customer = c.id and i.status <> 'draft'"
        " and i.number ^@ (c.invoice_prefix || '-') where c.id = any(%(ids)s) group by c.id order by c.id",
        ids=list(customers),
    ):
        given = sorted(_series(row))
        yield from _gaps(row, [place for place, _, _ in given if place < row["next"]])
        latest: datetime | None = None
        for place, finalized_at, id in given:
            number = numbering.number(row["prefix"], place)
            if place >= row["next"]:
                expected = f"a number before {numbering.number(row['prefix'], row['next'])}"
                yield Finding("numbers_are_in_sequence", id, expected, number)
            elif latest and finalized_at < latest - APART:
                expected = "numbers in the order of finalization"
                found = f"{number}, finalized at {finalized_at:%Y-%m-%d %H:%M:%S}, before a lower number"
                yield Finding("numbers_are_in_sequence", id, expected, found)
            latest = max(latest or finalized_at, finalized_at)


def _series(row: dict[str, Any]) -> Iterator[tuple[int, datetime, str]]:
    """List the invoices of a customer with a number of the series: place, time of finalization, id."""
    for id, number, finalized_at in zip(row["ids"], row["numbers"], row["times"], strict=False):
        place = numbering.place(row["prefix"], number)
        if place is not None and place >= row["first"]:
            yield place, finalized_at, id


def _gaps(row: dict[str, Any], places: Sequence[int]) -> Iterator[Finding]:
    for before, after in pairwise([row["first"] - 1, *places, row["next"]]):
        if after - before > 1:
            ends = dict.fromkeys(numbering.number(row["prefix"], one) for one in (before + 1, after - 1))
            expected = f"an invoice for each number of its series, also for {' to '.join(ends)}"
            yield Finding("numbers_are_in_sequence", row["id"], expected, "none")


def series_have_no_gap(tx: Tx, series: Sequence[str]) -> Iterator[Finding]:
    """Check that each number of an account's series up to its counter is that of one issued document.

    Voided ones keep their numbers.
    """
    for row in tx.all(
        "select s.id, s.next, s.kind, coalesce(array_agg(d.number) filter (where d.number is not null), '{}')"
        " as numbers from number_series s left join"
        " (select 'invoice' as kind, number from invoices where status <> 'draft'"
        " union all select 'credit_note', number from credit_notes) d"
        " on d.kind = s.kind and d.number ^@ split_part(s.id, '{number', 1)"
        " where s.id = any(%(ids)s) group by s.id, s.next, s.kind order by s.id",
        ids=list(series),
    ):
        places = sorted(
            place for one in row["numbers"] if (place := numbering.place_in(row["id"], one)) is not None
        )
        if places != list(range(1, row["next"])):
            missing = sorted(set(range(1, row["next"])) ^ set(places))[:3]
            found = ", ".join(numbering.in_series(row["id"], one) for one in missing)
            wanted = f"one {row['kind'].replace('_', ' ')} for each number of the series"
            yield Finding("series_have_no_gap", row["id"], wanted, found)


def once_coupons_are_used_once(tx: Tx, customers: Sequence[str]) -> Iterator[Finding]:
    """Check that a coupon for one invoice was used by at most one finalized invoice."""
    for row in tx.all(
        "select d.id, count(distinct i.id) n from discounts d join coupons c on c.id = d.coupon"
        " join invoices i on i.customer = d.customer and i.status <> 'draft'"
        " join jsonb_array_elements(i.total_discount_amounts) e on e->>'discount' = d.id"
        " where d.customer = any(%(ids)s) and c.duration = 'once' and (e->>'amount')::bigint > 0"
        " group by d.id having count(distinct i.id) > 1 order by d.id",
        ids=list(customers),
    ):
        yield Finding("once_coupons_are_used_once", row["id"], "one invoice", f"{row['n']}")
