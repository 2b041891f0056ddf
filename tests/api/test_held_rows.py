"""A transaction reads the rows that it holds once, and what it remembers is what the table holds."""

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from billow.api import held, held_lists, render, rows
from billow.app import App
from billow.resources.customer import Customer
from billow.resources.invoice import Invoice
from billow.resources.invoice_line import InvoiceLine
from billow.resources.product import Product
from billow.resources.subscription_item import SubscriptionItem
from billow.store import jobs, outbox
from billow.store.ids import new_id
from billow.store.packed import unpack
from billow.store.tx import Tx
from tests.conftest import Api

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)
JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**12), 10**12) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=10,
)


@pytest.fixture
def tx(app: App, api: Api) -> Iterator[Tx]:
    with app.db.transaction(api.tenant) as tx:
        yield tx


@pytest.fixture
def statements(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    sent: list[str] = []
    for name in ("tuples", "run"):
        original = getattr(Tx, name)

        def noting(tx: Tx, sql: str, original: Any = original, **params: Any) -> Any:
            sent.append(sql)
            return original(tx, sql, **params)

        monkeypatch.setattr(Tx, name, noting)
    return sent


def customer(tx: Tx, **more: Any) -> Customer:
    return rows.insert(tx, Customer(invoice_prefix=new_id("")[-12:].upper(), **more), event=None)


def in_table(tx: Tx, cls: Any, id: str) -> Any:
    [values] = tx.tuples(f"select {cls.selected} from {cls.table} where id = %(id)s", id=id)
    return cls(*values)


@given(address=st.dictionaries(TEXT, JSON, max_size=5), metadata=st.dictionaries(TEXT, TEXT, max_size=5))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_hash_is_remembered_as_the_table_gives_it_back(
    tx: Tx, address: dict[str, Any], metadata: dict[str, str]
) -> None:
    made = customer(tx, name="Ann", address=address, metadata=metadata)
    changed = rows.update(tx, made, event=None, address={"z": address, "aa": 1, "b": None})
    assert repr(rows.find(tx, Customer, made.id)) == repr(in_table(tx, Customer, made.id))
    assert changed.id == made.id


@given(number=st.decimals("-1E+12", "1E+12", allow_nan=False, places=None) | st.just(Decimal("1E+3")))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_number_is_remembered_as_the_table_gives_it_back(tx: Tx, number: Decimal) -> None:
    [(stored,)] = tx.tuples("select %(number)s::numeric", number=number)
    assert repr(held.stored_number(number)) == repr(stored)


def test_a_row_that_was_made_or_locked_is_read_once(tx: Tx, statements: list[str]) -> None:
    made = customer(tx)
    statements.clear()
    assert rows.find(tx, Customer, made.id) == rows.lock(tx, Customer, made.id)
    assert rows.find_many(tx, Customer, [made.id]) == {made.id: rows.lock_many(tx, Customer, [made.id])[0]}
    assert statements == []


def test_a_row_that_was_only_read_is_read_again(app: App, api: Api, tx: Tx) -> None:
    id = api.post("/v1/customers", {"name": "Ann"})["id"]
    assert rows.find(tx, Customer, id).name == "Ann"
    api.post(f"/v1/customers/{id}", {"name": "Bob"})
    assert rows.find(tx, Customer, id).name == "Bob"
    assert rows.lock(tx, Customer, id).name == "Bob"


def test_a_change_is_applied_to_what_the_table_holds(tx: Tx) -> None:
    """Not to the copy that a function has, which may be older."""
    old = customer(tx, name="Ann")
    rows.update(tx, old, event=None, name="Bob")
    rows.update(tx, old, event=None, phone="1")
    assert (rows.find(tx, Customer, old.id).name, rows.find(tx, Customer, old.id).phone) == ("Bob", "1")
    assert rows.find(tx, Customer, old.id) == in_table(tx, Customer, old.id)


def test_the_catalog_is_read_once_and_locked_afresh(api: Api, tx: Tx) -> None:
    id = api.post("/v1/products", {"name": "Old"})["id"]
    assert rows.find(tx, Product, id).name == "Old"
    api.post(f"/v1/products/{id}", {"name": "New"})
    assert rows.find(tx, Product, id).name == "Old"
    assert rows.lock(tx, Product, id).name == "New"


def test_what_is_deleted_is_forgotten(tx: Tx) -> None:
    one, two = customer(tx), customer(tx)
    rows.delete(tx, one, event=None)
    assert rows.delete_where(tx, Customer, "id = %(id)s", id=two.id) == 1
    assert rows.find_many(tx, Customer, [one.id, two.id]) == {}


def test_what_a_savepoint_takes_back_is_forgotten_with_it(tx: Tx) -> None:
    made = customer(tx, name="Ann")
    with tx.taken_back() as apart:
        rows.update(apart, made, name="Bob")
        jobs.put(apart, "tax_id.verify", "a", tx.now)
        assert rows.find(apart, Customer, made.id).name == "Bob" and "events" in apart.notes
    assert rows.find(tx, Customer, made.id).name == "Ann" == in_table(tx, Customer, made.id).name
    assert "events" not in tx.notes and "timers" not in tx.notes and not tx.endings


def line(customer: Customer, invoice: str, place: int) -> InvoiceLine:
    span = {"period_start": customer.created, "period_end": customer.created}
    return InvoiceLine(
        invoice=invoice,
        customer=customer.id,
        kind="item",
        position=place,
        amount=place,
        currency="usd",
        **span,
    )


def test_the_lines_of_a_new_invoice_are_known(tx: Tx, statements: list[str]) -> None:
    """Those that are written before the invoice as well as those after it."""
    ann, id = customer(tx), new_id("in_")
    first = rows.insert_many(tx, [line(ann, id, 2)], event=None)
    invoice = Invoice(id=id, customer=ann.id, currency="usd", status="draft")
    rows.insert(tx, invoice.but(period_start=tx.now, period_end=tx.now), event=None)
    second = rows.insert_many(tx, [line(ann, id, 1)], event=None)
    statements.clear()
    found = rows.below(tx, InvoiceLine, "invoice", [id])[id]
    assert [each.id for each in found] == [second[0].id, first[0].id] and statements == []
    assert found == rows.select(tx, InvoiceLine, "invoice = %(id)s", id=id)
    rows.delete_where(tx, InvoiceLine, "id = %(id)s", id=first[0].id)
    assert [each.id for each in rows.below(tx, InvoiceLine, "invoice", [id])[id]] == [second[0].id]


def test_of_a_long_list_only_what_is_shown_is_put_into_the_form_that_is_read(
    tx: Tx, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An event of an invoice with thousands of lines shows ten."""
    ann, id = customer(tx), new_id("in_")
    rows.insert_many(tx, [line(ann, id, place) for place in reversed(range(50))], event=None)
    invoice = Invoice(id=id, customer=ann.id, currency="usd", status="draft")
    made = rows.insert(tx, invoice.but(period_start=tx.now, period_end=tx.now), event=None)
    read: list[str] = []
    original = held.as_read
    monkeypatch.setattr(held, "as_read", lambda row: read.append(type(row).table) or original(row))
    lines = render.one(tx, made)["lines"]
    assert [shown["amount"] for shown in lines["data"]] == list(range(10)) and lines["has_more"]
    assert read.count("invoice_lines") == 11


def test_a_list_is_sorted_as_the_table_sorts_it(tx: Tx) -> None:
    made = [customer(tx, name=name) for name in "abc"]
    moved = [one.but(created=tx.now - timedelta(seconds=place // 2)) for place, one in enumerate(made)]
    for one in moved:
        tx.run("update customers set created = %(at)s where id = %(id)s", at=one.created, id=one.id)
    stored = rows.select(tx, Customer, "id = any(%(ids)s)", ids=[one.id for one in made])
    assert [one.id for one in held_lists.in_order(Customer, moved)] == [one.id for one in stored]


def test_a_list_below_a_row_that_is_not_held_is_read_each_time(tx: Tx, statements: list[str]) -> None:
    assert rows.below(tx, SubscriptionItem, "subscription", ["sub_1"]) == {"sub_1": []}
    statements.clear()
    assert rows.below(tx, SubscriptionItem, "subscription", ["sub_1"]) == {"sub_1": []}
    assert len(statements) == 1


def test_events_and_timers_are_written_once_at_the_end(app: App, api: Api, statements: list[str]) -> None:
    with app.db.transaction(api.tenant) as tx:
        jobs.put(tx, "tax_id.verify", "a", tx.now)
        jobs.put(tx, "tax_id.verify", "b", tx.now)
        jobs.cancel(tx, "tax_id.verify", "b")
        jobs.cancel(tx, "tax_id.verify", "c")
        jobs.put(tx, "tax_id.verify", "c", tx.now)
        for name in ("one", "two"):
            outbox.write(tx, [outbox.NewEvent("customer.created", {"id": name, "object": "customer"})])
        assert not any("jobs" in sql or "into events" in sql for sql in statements)
    assert sum("into jobs" in sql for sql in statements) == 1
    assert sum("into events" in sql for sql in statements) == 1
    with app.db.transaction(api.tenant) as tx:
        kept = tx.tuples("select ref from jobs where kind = 'tax_id.verify' and tenant = %(t)s", t=tx.tenant)
    assert sorted(ref for (ref,) in kept) == ["a", "c"]
    assert [event["data"]["object"]["id"] for event in api.get("/v1/events")["data"]] == ["two", "one"]


def test_a_transaction_does_not_keep_any_number_of_events(
    tx: Tx, statements: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Deleting a test clock with thousands of customers emits tens of thousands."""
    monkeypatch.setattr(outbox, "MOST", 10)
    for number in range(25):
        outbox.write(tx, [outbox.NewEvent("customer.created", {"id": str(number), "object": "customer"})])
    assert len(tx.notes["events"]) == 5
    assert sum("into events" in sql for sql in statements) == 2
    tx.end()
    told = tx.tuples("select data from events order by id")
    assert [unpack(data)["object"]["id"] for (data,) in told] == [str(number) for number in range(25)]
