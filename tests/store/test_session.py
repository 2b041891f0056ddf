"""Statements are prepared at their second use and stay prepared, whatever becomes of the transactions."""

import threading
from collections.abc import Iterator
from contextlib import closing
from decimal import Decimal
from typing import Any

import psycopg
import pytest

from billow.app import App
from billow.store import session
from billow.store.session import Session, parsed
from billow.store.turns import HASTY, REQUEST
from billow.store.tx import Database, Tx

TENANT = "acct_prepared/test"
SQL = "select %(number)s::int8 + 1 as next, %(text)s as text"


@pytest.fixture
def conn(server_url: str) -> Iterator[Session]:
    with Session.connect(server_url, autocommit=True) as made:
        assert isinstance(made, Session)
        yield made


def prepared(conn: psycopg.Connection[Any]) -> list[str]:
    """The statements that the server itself knows, without the one that asks."""
    found = conn.execute("select statement from pg_prepared_statements order by name", prepare=False)
    return [row[0] for row in found]


def ask(conn: Session, sql: str = SQL) -> list[tuple[Any, ...]]:
    return conn.statements.tuples(sql, {"number": 1, "text": "a", "unused": None})


def test_a_statement_is_prepared_when_it_runs_again(conn: Session) -> None:
    assert ask(conn) == [(2, "a")]
    assert prepared(conn) == []
    for _ in range(3):
        assert ask(conn) == [(2, "a")]
    assert prepared(conn) == [parsed(SQL).sql.decode()]


@pytest.fixture
def database(app: App) -> Iterator[Database]:
    """A database with one connection, so that each transaction has the same."""
    made = Database(app.db.url, size=1)
    yield made
    made.close()


def test_a_rollback_leaves_the_statements_prepared(database: Database) -> None:
    class Stop(Exception):
        pass

    def read(tx: Tx, then: type[Exception] | None = None) -> None:
        tx.tuples("select id from customers where id = %(id)s", id="cus_none")
        if then:
            raise then

    for _ in range(2):
        with database.transaction(TENANT) as tx:
            read(tx)
    with pytest.raises(Stop), database.transaction(TENANT) as tx:
        read(tx, Stop)
    with pytest.raises(psycopg.errors.DivisionByZero), database.transaction(TENANT) as tx:
        tx.tuples("select 1 / %(zero)s::int", zero=0)
    with database.connection() as conn:
        assert prepared(conn) == ["select id from customers where id = $1"]


def test_a_cursor_of_psycopg_drops_no_statement(conn: Session) -> None:
    assert ask(conn) == ask(conn) == ask(conn)
    for _ in range(8):
        conn.execute("begin")
        conn.execute("select 1 where %s", (True,))
        conn.execute("rollback")
    assert prepared(conn) == [parsed(SQL).sql.decode()]
    assert ask(conn) == [(2, "a")]


def test_what_is_taken_back_leaves_the_statements_prepared(app: App) -> None:
    with app.db.transaction(TENANT) as tx:
        for _ in range(2):
            with tx.taken_back():
                tx.run("insert into event_counters (last) values (%(last)s)", last=7)
                assert tx.tuples("select last from event_counters") == [(7,)]
        assert tx.tuples("select last from event_counters") == []
        assert "insert into event_counters (last) values ($1)" in prepared(tx.conn)


def test_what_fails_while_it_is_tried_is_taken_back_too(app: App) -> None:
    with app.db.transaction(TENANT) as tx:
        with pytest.raises(psycopg.errors.DivisionByZero), tx.taken_back():
            tx.tuples("select 1 / %(zero)s::int", zero=0)
        assert tx.tuples("select 1") == [(1,)]


def test_the_statement_that_was_used_longest_ago_is_forgotten(
    conn: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "PREPARED", 3)
    others = [f"select {number}, %(number)s::int8" for number in range(3)]
    for sql in [SQL, *others]:
        ask(conn, sql)
        ask(conn, sql)
    assert prepared(conn) == [parsed(sql).sql.decode() for sql in others]
    assert ask(conn) == [(2, "a")]


def test_a_statement_whose_table_was_changed_fails_once(conn: Session) -> None:
    conn.execute("create temporary table changing (id text)")
    for _ in range(2):
        ask(conn, "select * from changing")
    conn.execute("alter table changing add column more text")
    with pytest.raises(session.Stale):
        ask(conn, "select * from changing")
    assert ask(conn, "select * from changing") == []


def test_types_of_parameters_are_prepared_apart(conn: Session) -> None:
    for value in (1, 1, "a", "a", None, None, Decimal("1.50"), Decimal("1.50"), [1, 2], [1, 2]):
        for _ in range(2):
            assert conn.statements.tuples("select %(value)s", {"value": value}) == [(value,)]


def test_rows_have_the_names_of_their_columns(conn: Session) -> None:
    for _ in range(3):
        assert conn.statements.dicts(SQL, {"number": 1, "text": "a"}) == [{"next": 2, "text": "a"}]


def test_a_percent_sign_is_written_twice() -> None:
    assert parsed("select 5 %% 2, %(a)s").sql == b"select 5 % 2, $1"
    with pytest.raises(ValueError, match="no parameter"):
        parsed("select 5 % 2")


def test_an_error_leaves_the_connection_usable(conn: Session) -> None:
    for _ in range(3):
        with pytest.raises(psycopg.errors.DivisionByZero):
            ask(conn, "select 1 / (%(number)s::int - 1)")
    assert ask(conn) == [(2, "a")]


def test_a_session_that_is_ended_raises_the_words_of_the_server(conn: Session, server_url: str) -> None:
    ask(conn)
    pid = conn.info.backend_pid
    ended: list[Exception] = []

    def wait() -> None:
        try:
            conn.statements.tuples("select pg_sleep(%(seconds)s)", {"seconds": 20})
        except Exception as error:
            ended.append(error)

    thread = threading.Thread(target=wait)
    thread.start()
    with psycopg.connect(server_url, autocommit=True) as other:
        while not other.execute("select pg_terminate_backend(%s)", (pid,)).fetchone():
            pass
        thread.join(10)
    assert isinstance(ended[0], psycopg.OperationalError)
    assert conn.closed


def test_each_transaction_has_its_own_bounds_on_a_connection_that_others_had(database: Database) -> None:
    def bounds(tx: Tx) -> tuple[Any, ...]:
        names = ("lock_timeout", "statement_timeout", "idle_in_transaction_session_timeout")
        found = [tx.tuples("select current_setting(%(name)s)", name=name)[0][0] for name in names]
        return tuple(found)

    job, hasty = ("5s", "10min", "2min"), ("100ms", "30s", "30s")
    for _ in range(2):
        with database.transaction(TENANT) as tx:
            assert bounds(tx) == job
        with database.transaction(TENANT, bounds=HASTY, reads=True) as tx:
            assert bounds(tx) == hasty
        with pytest.raises(psycopg.errors.DivisionByZero), database.transaction(TENANT, bounds=REQUEST) as tx:
            tx.tuples("select 1 / (current_setting('lock_timeout') <> '2s')::int")
        with database.snapshot(TENANT) as tx:
            assert bounds(tx) == job
        with database.transaction(TENANT, bounds=HASTY) as tx:
            assert bounds(tx) == hasty
        with database.connection() as conn:
            assert conn.execute("show statement_timeout").fetchall() == [("10min",)]


def test_psycopg_deallocates_nothing_that_is_prepared_here(app: App) -> None:
    """It would do so at a rollback if it had prepared something itself, before or after us."""
    db = Database(app.db.url, size=1)
    with closing(db), db.connection() as conn:
        for _ in range(8):
            conn.execute("select %s::int", (1,))
        for _ in range(3):
            conn.statements.tuples("select 2", {})
        with conn.transaction():
            raise psycopg.Rollback
        for _ in range(8):
            conn.execute("select %s::int", (1,))
        assert conn.statements.tuples("select 2", {}) == [(2,)]
