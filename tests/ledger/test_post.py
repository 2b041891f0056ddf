"""Are transfers written once, all together, and never changed?"""

from collections.abc import Callable
from datetime import UTC, datetime

import psycopg
import pytest

from billow.core.errors import Inconsistent
from billow.ledger import entries
from billow.ledger.entries import Line, Tax
from billow.ledger.post import Posting, post, transfers_of
from billow.store.tx import Database, Tx

JANUARY = datetime(2026, 1, 1, tzinfo=UTC)
FINALIZED = entries.invoice_finalized("cus_1", "usd", [Line("il_1", "prod_1", 10_000)], [Tax("SE", 2_500)])
INVOICE = Posting("invoice.finalized", "in_1", JANUARY, FINALIZED, "cus_1", "in_1")
PAYMENT = Posting(
    "payment.succeeded",
    "pi_1",
    JANUARY,
    entries.payment_succeeded("simulated", "cus_1", "usd", 12_500),
    "cus_1",
    "in_1",
)


def written(tx: Tx) -> list[tuple[object, ...]]:
    return tx.tuples(
        "select created, debit, credit, amount, currency, event, source, sequence, customer, invoice, line"
        " from ledger_transfers order by source, event, sequence"
    )


def test_a_posting_is_written_with_what_it_is_about(tx):
    post(tx, [INVOICE])
    about = ("usd", "invoice.finalized", "in_1")
    assert written(tx) == [
        (JANUARY, "receivable:cus_1", "deferred_revenue", 10_000, *about, 0, "cus_1", "in_1", "il_1"),
        (JANUARY, "receivable:cus_1", "tax_payable:SE", 2_500, *about, 1, "cus_1", "in_1", None),
    ]
    assert all(row["id"].startswith("ltr_") for row in tx.all("select id from ledger_transfers"))


def test_lines_may_be_named_beside_the_transfers(tx):
    earned = entries.service_rendered("usd", "prod_1", 5)
    post(tx, [Posting("revenue.recognized", "il_9@1", JANUARY, earned, lines=["il_9"])])
    assert [row["line"] for row in tx.all("select line from ledger_transfers")] == ["il_9"]
    with pytest.raises(Inconsistent):
        Posting("revenue.recognized", "il_9@2", JANUARY, earned, lines=[])


def test_any_number_of_postings_is_a_fixed_number_of_statements(tx, monkeypatch):
    statements = []
    run = Tx.run
    monkeypatch.setattr(
        Tx, "run", lambda self, sql, **params: statements.append(sql) or run(self, sql, **params)
    )
    post(tx, [Posting("invoice.finalized", f"in_{number}", JANUARY, FINALIZED) for number in range(500)])
    [posted] = statements
    assert "into ledger_transfers" in posted and "into ledger_unsealed" in posted
    assert len(written(tx)) == 1000


def test_nothing_posted_is_nothing_written(tx):
    post(tx, [])
    post(tx, [Posting("invoice.finalized", "in_free", JANUARY, [])])
    assert written(tx) == []


def test_a_replay_raises_and_posts_nothing_of_its_batch(tx):
    post(tx, [INVOICE])
    before = written(tx)
    with pytest.raises(psycopg.errors.UniqueViolation), tx.conn.transaction():
        post(tx, [PAYMENT, INVOICE])
    assert written(tx) == before
    post(tx, [PAYMENT])


def test_another_tenant_may_post_the_same_and_sees_its_own_only(
    database: Database, new_tenant: Callable[[], str]
):
    for tenant in (new_tenant(), new_tenant()):
        with database.transaction(tenant) as tx:
            post(tx, [INVOICE])
            assert len(written(tx)) == 2


@pytest.mark.parametrize("change", ["update ledger_transfers set amount = 1", "delete from ledger_transfers",
                                    "truncate ledger_transfers"])  # fmt: skip
def test_the_books_refuse_every_change(tx, change):
    post(tx, [INVOICE])
    before = written(tx)
    with pytest.raises(psycopg.errors.RestrictViolation, match="are final"), tx.conn.transaction():
        tx.run(change)
    assert written(tx) == before


@pytest.mark.parametrize("wrong", ["amount = 0", "amount = -1", "debit = credit"])
def test_the_table_refuses_what_is_no_transfer(tx, wrong):
    post(tx, [INVOICE])
    column, value = wrong.split(" = ")
    columns = ["id", "created", "debit", "credit", "amount", "currency", "event", "source", "sequence"]
    values = ["'ltr_wrong'" if name == "id" else "7" if name == "sequence" else name for name in columns]
    values[columns.index(column)] = value
    copied = f"select {', '.join(values)} from ledger_transfers limit 1"
    with pytest.raises(psycopg.errors.CheckViolation), tx.conn.transaction():
        tx.run(f"insert into ledger_transfers ({', '.join(columns)}) {copied}")


def test_the_transfers_of_an_invoice_are_those_that_were_posted(tx):
    other = Posting("invoice.finalized", "in_2", JANUARY, FINALIZED, "cus_1", "in_2")
    post(tx, [INVOICE, other, PAYMENT])
    assert transfers_of(tx, "in_1") == [*FINALIZED, *PAYMENT.transfers]
    assert transfers_of(tx, "in_nobody") == []
