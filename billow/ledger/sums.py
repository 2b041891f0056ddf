"""Compare the sums of the ledger, which screens and reports read, with all of its transfers."""

from collections.abc import Iterator
from datetime import UTC, datetime

from billow.core.findings import Finding
from billow.store.tx import Tx

ALL = {"from": datetime(1, 1, 2, tzinfo=UTC), "to": datetime(9999, 12, 30, tzinfo=UTC)}
COMPARED = {
    "ledger_days": (
        "select concat_ws(' ', day, debit, credit, event, currency, due) as id, sum(amount) as amount"
        " from ledger_moves group by 1",
        "select concat_ws(' ', day, debit, credit, event, currency, due), sum(amount)"
        " from ledger_moved(%(from)s, %(to)s) group by 1",
    ),
    "ledger_accounts": (
        "select concat_ws(' ', side, account, currency) as id, sum(abs(amount)) as amount from ledger_sides"
        " cross join lateral (select case when amount > 0 then 'debit' else 'credit' end) as s (side)"
        " group by 1",
        "select concat_ws(' ', side, account, currency), value from ledger_totals(%(to)s)"
        " cross join lateral (values ('debit', debit), ('credit', credit)) as s (side, value)"
        " where value <> 0",
    ),
    "ledger_items": (
        "select concat_ws(' ', kind, customer, invoice, line, currency) as id, sum(amount) as amount"
        " from ledger_item_sides group by kind, customer, invoice, line, currency having sum(amount) <> 0",
        "select concat_ws(' ', kind, customer, invoice, line, currency), amount"
        " from unnest(array['deferred_revenue', 'receivable', 'unbilled']) as kind,"
        " lateral ledger_open(kind, %(to)s)",
    ),
}
"""For each table of sums: what the transfers say, and what is read of it, with what is not sealed yet."""


def differing(tx: Tx) -> Iterator[Finding]:
    """Find sums that are not those of the transfers."""
    for table, (expected, found) in COMPARED.items():
        rows = tx.tuples(
            f"select id, e.amount, f.amount from ({expected}) e full join ({found}) f (id, amount) using (id)"
            " where e.amount is distinct from f.amount order by id limit 20",
            **ALL,
        )
        for id, wanted, stored in rows:
            yield Finding("sums_are_of_transfers", f"{table} {id}", f"{wanted}", f"{stored}")
