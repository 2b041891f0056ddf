"""Check that credit notes add up, stay within their invoices, and are on them."""

from collections.abc import Iterator, Sequence

from billow.core.findings import Finding
from billow.store.tx import Tx

AMOUNTS = "(select coalesce(sum((e->>'amount')::bigint), 0)::bigint from jsonb_array_elements({}) e)"
GIVEN = (
    "(select coalesce(sum((e->>'amount_refunded')::bigint), 0)::bigint"
    " from jsonb_array_elements(n.refunds) e)"
    " + coalesce(n.out_of_band_amount, 0)"
    " - coalesce((select b.amount from customer_balance_transactions b"
    " where b.id = n.customer_balance_transaction), 0)"
)
"""What was refunded, credited to the balance and given back outside."""


def credit_notes_are_sums(tx: Tx, notes: Sequence[str]) -> Iterator[Finding]:
    """Check that a credit note is the sum of its lines, and that what was paid before went somewhere."""
    for row in tx.all(
        "select n.id, n.total, n.total_excluding_tax as net, n.discount_amount as off, n.post_payment_amount"
        f" as after, {AMOUNTS.format('n.total_taxes')} as tax, {GIVEN} as given,"
        " coalesce(sum(l.net), 0)::bigint as nets, coalesce(sum(l.discount_amount), 0)::bigint as offs,"
        f" coalesce(sum({AMOUNTS.format('l.taxes')}), 0)::bigint as taxes, coalesce((select"
        " sum(t.value::bigint) from jsonb_each_text(n.taken_back) t), 0)::bigint as taken, n.voids"
        " from credit_notes n left join credit_note_lines l on l.credit_note = n.id"
        " where n.id = any(%(ids)s) group by n.id order by n.id",
        ids=list(notes),
    ):
        lines = {"total": row["nets"] + row["taxes"], "net": row["nets"], "discounts": row["offs"]}
        said = {"total": row["total"], "net": row["net"], "discounts": row["off"]}
        if lines != said or row["net"] + row["tax"] != row["total"]:
            yield Finding("credit_notes_are_sums", row["id"], f"as its lines {lines}", f"{said}")
        if row["given"] != row["after"]:
            expected = f"{row['after']} refunded, credited or given back outside"
            yield Finding("credit_notes_are_sums", row["id"], expected, f"{row['given']}")
        if row["taken"] != row["net"] and not row["voids"]:
            expected = f"{row['net']} taken back of the lines of the invoice"
            yield Finding("credit_notes_are_sums", row["id"], expected, f"{row['taken']}")


def credit_notes_are_bounded(tx: Tx, invoices: Sequence[str]) -> Iterator[Finding]:
    """Check that an invoice shows what credit notes took off it, and that this is not more than its total.

    What was refunded without a credit note counts too, and each tax by itself.
    """
    for row in tx.all(
        "select i.id, i.total, i.pre_payment_credit_notes_amount as pre, i.post_payment_credit_notes_amount"
        " as post, coalesce(sum(n.pre_payment_amount), 0)::bigint as before,"
        " coalesce(sum(n.post_payment_amount), 0)::bigint as after,"
        f" {AMOUNTS.format('i.total_taxes')} as tax,"
        f" coalesce(sum({AMOUNTS.format('n.total_taxes')}), 0)::bigint as credited_tax"
        " from invoices i left join credit_notes n on n.invoice = i.id and n.status = 'issued'"
        " where i.id = any(%(ids)s) group by i.id order by i.id",
        ids=list(invoices),
    ):
        if (row["pre"], row["post"]) != (row["before"], row["after"]):
            expected = f"{row['before']} before payment and {row['after']} after it on its credit notes"
            found = f"{row['pre']} and {row['post']}"
            yield Finding("credit_notes_are_bounded", row["id"], expected, found)
        total = row["before"] + row["after"]
        if total > max(row["total"], 0) or (row["tax"] >= 0 and row["credited_tax"] > row["tax"]):
            expected = f"at most {row['total']} credited, with a tax of {row['tax']}"
            found = f"{total}, with a tax of {row['credited_tax']}"
            yield Finding("credit_notes_are_bounded", row["id"], expected, found)
