"""Does PostgreSQL understand every SQL statement of the program, on the schema as it is now?"""

import re
from collections import Counter
from collections.abc import Iterator
from itertools import product
from types import ModuleType

import psycopg
import pytest

from billow.api.resource import REGISTRY, Resource
from billow.app import App
from billow.flows.platform import timer_rules
from billow.reports import invariants
from billow.resources.coupon import Coupon
from billow.store.tx import Tx
from tests.support.statements import Statement, all_statements, of_module

PASSED_ON = "executes the text of its caller"
ANY_NOUN = "is put together for any noun; test_what_is_written_for_any_noun explains those"
EACH_NAME = "repeats one condition for several names; test_every_filter runs each"
TWO_NOUNS = "narrows a list in a function that names two nouns; test_every_filter runs it"
INVARIANTS = "is put together for a part of the books; tests/support/invariants.py runs each after every flow"
SEARCHED = "names a noun and a field; tests/api/test_search.py searches each"

#: What only a run puts together, how many of them a function has, and why. The list may only shrink.
UNRESOLVED: dict[str, tuple[int, str]] = {
    "billow/api/listing.py: _past": (2, ANY_NOUN),
    "billow/api/listing.py: between": (1, ANY_NOUN),
    "billow/api/listing.py: count": (1, ANY_NOUN),
    "billow/api/listing.py: page": (1, ANY_NOUN),
    "billow/api/listing.py: where_of": (2, ANY_NOUN),
    "billow/api/operation.py: _narrowed": (1, PASSED_ON),
    "billow/api/render.py: _below": (1, ANY_NOUN),
    "billow/api/render.py: _found": (2, ANY_NOUN),
    "billow/api/resource.py: also": (1, PASSED_ON),
    "billow/api/versions/reading.py: _found": (1, ANY_NOUN),
    "billow/api/versions/showing.py: _below": (1, ANY_NOUN),
    "billow/api/rows/reading.py: _in_other_mode": (1, ANY_NOUN),
    "billow/api/rows/writing.py: delete": (1, ANY_NOUN),
    "billow/api/rows/reading.py: lock_owner": (1, ANY_NOUN),
    "billow/api/rows/reading.py: lock_owned": (1, ANY_NOUN),
    "billow/api/rows/reading.py: select": (1, ANY_NOUN),
    "billow/api/rows/writing.py: delete_where": (1, ANY_NOUN),
    "billow/api/rows/writing.py: _set": (1, ANY_NOUN),
    "billow/api/search.py: found": (3, ANY_NOUN),
    "billow/api/search.py: shown": (2, ANY_NOUN),
    "billow/flows/catalog/catalog_file.py: __init__": (1, ANY_NOUN),
    "billow/flows/catalog/catalog_file.py: archive": (1, ANY_NOUN),
    "billow/flows/catalog/catalog_file.py: export": (1, ANY_NOUN),
    "billow/flows/customers/tax_ids.py: list_of_customer": (1, TWO_NOUNS),
    "billow/flows/events/delivery.py: record": (
        1,
        "names the columns that changed; tests/flows/test_webhooks.py",
    ),
    "billow/flows/checkout/lines.py: lines_of": (1, "of a session or of a link; tests/flows/checkout"),
    "billow/flows/checkout/payment_links.py: line_items": (1, TWO_NOUNS),
    "billow/flows/checkout/sessions.py: line_items": (1, TWO_NOUNS),
    "billow/flows/events/feed.py: since": (1, "limits by a parameter; tests/flows/events"),
    "billow/flows/invoices/credit_notes.py: lines": (1, TWO_NOUNS),
    "billow/flows/invoices/drafts.py: lines": (1, TWO_NOUNS),
    "billow/flows/outside/seller.py: store": (1, "sets what is given; tests/flows/platform/test_sellers.py"),
    "billow/flows/payments/refunds.py: of_charge": (1, TWO_NOUNS),
    "billow/flows/payments/transfers.py: of_transfer": (1, TWO_NOUNS),
    "billow/flows/platform/deletion.py: cancel_quotes": (
        1,
        "for a customer or a clock; tests/flows/customers",
    ),
    "billow/flows/platform/missing_timers.py: next_wrong_timers": (
        1,
        "test_each_rule_of_timers_is_understood",
    ),
    "billow/flows/platform/persons.py: persons": (2, TWO_NOUNS),
    "billow/flows/platform/timer_rules.py: sql": (1, "test_each_rule_of_timers_is_understood"),
    "billow/flows/quotes/quotes.py: line_items": (1, TWO_NOUNS),
    "billow/flows/taxes/calculations.py: line_items": (1, TWO_NOUNS),
    "billow/flows/taxes/transactions.py: line_items": (1, TWO_NOUNS),
    "billow/ledger/audit.py: _some": (1, PASSED_ON),
    "billow/pages/dashboard/facts.py: latest": (1, "a number of rows; tests/dashboard"),
    "billow/pages/dashboard/home.py: attention": (1, "each of ATTENTION is counted in tests/dashboard"),
    "billow/pages/dashboard/lists.py: counted": (2, ANY_NOUN),
    "billow/pages/dashboard/lists.py: where_of": (5, ANY_NOUN),
    "billow/ledger/browse.py: total": (1, "tests/dashboard/test_ledger_screens.py"),
    "billow/ledger/sums.py: differing": (1, "tests/ledger/test_sums.py, after every scenario"),
    "billow/ledger/chain.py: seals": (1, "from one number or from the first; tests/ledger/test_chain.py"),
    "billow/flows/outside/gateways.py: remove": (1, "of each table with gateways; tests/test_paying.py"),
    "billow/flows/payments/application_fees.py: of_fee": (1, "by one of two columns; tests/flows/payments"),
    "billow/gateway_check.py: pieces": (1, PASSED_ON),
    "billow/reports/__init__.py: run": (1, "executes a file of billow/reports, each of which is explained"),
    "billow/reports/behind/__init__.py: transfers": (
        1,
        "runs a file; tests/dashboard/test_behind_figures.py",
    ),
    "billow/reports/invariants/__init__.py: ": (1, "test_each_invariant_reads_its_rows"),
    "billow/reports/invariants/__init__.py: piece": (2, "test_each_invariant_reads_its_rows"),
    "billow/reports/invariants/books.py: _account": (1, INVARIANTS),
    "billow/reports/invariants/books.py: differences": (1, INVARIANTS),
    "billow/reports/invariants/books.py: paid_credits_are_owed": (1, INVARIANTS),
    "billow/reports/invariants/invoices.py: strangers": (1, INVARIANTS),
    "billow/reports/invariants/invoices.py: totals_are_sums": (1, INVARIANTS),
    "billow/resources/balance_transaction.py: listing": (1, EACH_NAME),
    "billow/resources/event.py: listing": (1, EACH_NAME),
    "billow/resources/invoice.py: listing": (1, EACH_NAME),
    "billow/resources/invoice_item.py: listed": (1, EACH_NAME),
    "billow/resources/price.py: listing": (1, EACH_NAME),
    "billow/resources/subscription.py: listed": (1, EACH_NAME),
    "billow/resources/tax_registration.py: listing": (
        1,
        "one of three conditions; test_a_registration_begins_and_ends",
    ),
    "billow/resources/thin_event.py: everything": (1, EACH_NAME),
    "billow/store/backup.py: counts": (2, "counts each table of the catalog of PostgreSQL"),
    "billow/store/backup.py: migration": (1, "reads a schema that is named by a parameter"),
    "billow/store/bulk.py: insert_many": (1, ANY_NOUN),
    "billow/store/bulk.py: update_many": (1, ANY_NOUN),
    "billow/store/migrate.py: _carry_out": (1, "executes a migration; tests/test_schema.py runs each"),
    "billow/store/search.py: _metadata": (1, SEARCHED),
    "billow/store/search.py: _text": (2, SEARCHED),
    "billow/store/session.py: _result": (1, "waits for what was sent, and sends nothing"),
    "billow/store/usage/postgres.py: _read": (1, "sums by formula; tests/flows/usage"),
    "billow/store/webhook_queue.py: _add": (1, "with or without a time; tests/flows/test_webhooks.py"),
}


@pytest.fixture(scope="module")
def found() -> list[Statement]:
    return all_statements()


@pytest.fixture
def tx(app: App) -> Iterator[Tx]:
    with app.db.transaction("acct_statements/test", reads=True) as tx:
        yield tx


def explain(tx: Tx, sql: str) -> str | None:
    """What PostgreSQL has against a statement with null for each parameter; None where it has nothing."""
    sql = re.sub(r"%\(hour\)s", "null::timestamptz", sql)  # an hour is added to it, and that needs a type
    bare = re.sub(r"%(\(\w+\))?[sb]", "null", sql).replace("%%", "%")
    try:
        with tx.conn.transaction():
            tx.conn.execute(f"explain {bare}".encode(), prepare=False)
    except psycopg.Error as error:
        return f"{type(error).__name__}: {error.diag.message_primary}"
    return None


def test_postgres_understands_every_statement(tx: Tx, found: list[Statement]) -> None:
    wrong = [
        f"{one.name}: {problem}\n{one.sql}"
        for one in found
        if one.sql is not None and (problem := explain(tx, one.sql))
    ]
    assert "\n".join(wrong) == ""


def test_statements_that_only_a_run_puts_together_are_listed(found: list[Statement]) -> None:
    counted = Counter(one.name for one in found if one.sql is None)
    assert {name: count for name, (count, _) in UNRESOLVED.items()} == dict(counted)


WRITE = re.compile(r"\b(?:update|delete from|insert into)\s+(\w+)")
#: What writes the table of a noun past `rows`, which remembers rows (api/held.py), and why that does no harm.
PAST_ROWS = {
    "billow/flows/events/delivery.py: acknowledge": "counts down on events that are not read with it",
    "billow/flows/events/delivery.py: forget": "deletes deliveries of a receiver; reads none",
    "billow/flows/platform/retention.py: prune_events": "deletes what is old; reads none of it",
    "billow/ledger/post.py: post": "writes transfers, which never change",
    "billow/store/keys.py: create": "writes keys, outside the transactions of tenants",
    "billow/store/keys.py: look_up": "notes when a key was used",
    "billow/store/outbox.py: ": "writes the events themselves, at the end",
    "billow/store/sequence.py: number": "numbers events; reads none of them",
}


def test_only_rows_writes_the_tables_of_nouns(found: list[Statement]) -> None:
    tables = {cls.table for cls in REGISTRY.values()}
    written = {one.name for one in found if one.sql and tables & set(WRITE.findall(one.sql))}
    assert {name for name in written if not name.startswith("billow/api/rows/")} == set(PAST_ROWS)


def test_most_statements_are_found(found: list[Statement]) -> None:
    """A search that finds nothing would explain nothing, and pass."""
    resolved = [one for one in found if one.sql is not None]
    assert len(resolved) > 290 and len(resolved) > 4 * (len(found) - len(resolved))
    assert len({one.path for one in found}) > 80


@pytest.mark.parametrize("cls", REGISTRY.values(), ids=lambda cls: cls.object)
def test_what_is_written_for_any_noun(tx: Tx, cls: type[Resource]) -> None:
    names = ", ".join(f'"{name}"' for name in cls.columns)
    nulls = ", ".join("null" for _ in cls.columns)
    sets = ", ".join(f'"{name}" = null' for name in cls.columns)
    reads = (
        f"select {names} from {cls.table} where id = null and {cls.among} order by {cls.order} for update",
        f"select {names} from {cls.table} where (created, id) < (null, null) order by created, id",
    )
    records = f"json_populate_recordset(null::{cls.table}, null)"
    writes = (
        f"insert into {cls.table} ({names}) values ({nulls})",
        f"insert into {cls.table} ({names}) select {names} from {records}",
        f"update {cls.table} set {sets} where id = null",
        f"delete from {cls.table} where id = null",
    )
    for sql in (*reads, *(() if is_view(tx, cls.table) else writes)):
        assert explain(tx, sql) is None, sql


def is_view(tx: Tx, table: str) -> bool:
    return tx.tuples("select relkind = 'v' from pg_class where oid = %(name)s::regclass", name=table) == [
        (True,)
    ]


@pytest.mark.parametrize("rule", invariants.RULES, ids=lambda rule: rule.over)
def test_each_invariant_reads_its_rows(tx: Tx, rule: invariants.Rule) -> None:
    rows = invariants.BY_RELATED if rule.over == "events" else invariants.BY_CREATION.format(table=rule.over)
    assert explain(tx, f"select id, created::text from ({rows}) piece order by piece.created, id") is None


@pytest.mark.parametrize(("rule", "moved"), list(product(timer_rules.RULES, (True, False))))
def test_each_rule_of_timers_is_understood(tx: Tx, rule: timer_rules.Rule, moved: bool) -> None:
    assert explain(tx, rule.sql(moved)) is None


# ------------------------------------------------------------------------------------- the search itself


def found_in(text: str) -> list[Statement]:
    module = ModuleType("sample")
    module.__dict__.update(Coupon=Coupon, MOST=3)
    return list(of_module("billow/flows/sample.py", text, module))


@pytest.mark.parametrize(
    "text",
    [
        "def f(tx): tx.one('select nonsense from coupons')",
        "def f(tx): tx.run('delete from coupon where id = %(id)s', id=1)",
        "def f(tx): tx.tuples('select id from coupons where' f' nonsense < {MOST}')",
        "def f(tx):\n    tail = 'nonsense'\n    tx.all(f'select id from coupons order by {tail}')",
        "def f(tx): rows.select(tx, Coupon, 'nonsense = %(id)s', id=1)",
        "def f(tx): rows.select(tx, Coupon, 'true', 'order by nonsense')",
        "@Coupon.listing(Listed)\ndef f(where): return where.also('nonsense is null')",
        "def f(tx): page(tx, Coupon, Where('nonsense is null'))",
        "SQL = 'with x as (select 1) select nonsense from x'",
        "SQL = 'select id from coupons' + ' where nonsense'",
        "def f(tx): tx.run('update coupons set nonsense = %(a)s', a=1)",
        "def f(tx): tx.run('insert into coupons (nonsense) values (%(a)s)', a=1)",
    ],
)
def test_a_wrong_column_is_found(tx: Tx, text: str) -> None:
    [one] = found_in(text)
    assert one.sql and explain(tx, one.sql)


@pytest.mark.parametrize(
    "text",
    [
        "def f(tx, name): tx.one(f'select {name} from coupons')",
        "def f(tx, sql): tx.one(sql)",
        "def f(conn, sql): conn.execute(sql)",
        "def f(tx, where): rows.select(tx, Coupon, where)",
        "def f(tx, cls): rows.select(tx, cls, 'true')",
        "def f(tx):\n    for name in 'ab':\n        tx.one(f'select {name} from coupons')",
    ],
)
def test_a_statement_that_only_a_run_puts_together_is_found(text: str) -> None:
    assert [one.sql for one in found_in(text)] == [None]
