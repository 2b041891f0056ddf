"""Run SQL statements on a connection, prepared from the second time on and past psycopg's cursors."""

import re
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import psycopg
from psycopg import abc, errors, generators
from psycopg.adapt import PyFormat, Transformer
from psycopg.pq import ExecStatus, Format
from psycopg.pq.abc import PGresult

PREPARED = 1000
"""Statements that a connection keeps prepared, at most: three times what the program has."""
PLACEHOLDER = re.compile(r"%(?:(%)|\((\w+)\)([sbt]))?")
GOOD = (ExecStatus.TUPLES_OK, ExecStatus.COMMAND_OK)
STALE = (errors.FeatureNotSupported, errors.InvalidSqlStatementName)
"""How PostgreSQL refuses a prepared statement whose tables were changed since, or that it does not have."""

Params = Mapping[str, Any]
Key = tuple[str, tuple[int, ...]]


class Stale(errors.SerializationFailure):
    """A prepared statement cannot be used any more; begun again, the transaction prepares it anew."""


class Session(psycopg.Connection[Any]):
    """A connection to the database, and what is known of it as long as it lasts."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.statements = Statements(self)
        self.marker: str | None = None
        """The life of the database server in which the connection was made (store/commit.py)."""
        self.bounds: object = None
        """How long statements may wait, as the server was last told (store/turns.py)."""


class Statements:
    """The statements of one connection, which stay prepared until it is closed.

    A cursor of psycopg costs about as much as PostgreSQL needs for the statement, keeps at most a hundred
    statements prepared, and forgets all of them at each ROLLBACK, because what a transaction made and took
    back may come again as another relation. No transaction of this program makes a relation, a type or a
    function: migrations do, on connections of their own, and a statement that one of them makes stale is
    forgotten when PostgreSQL says so.
    """

    def __init__(self, conn: psycopg.Connection[Any]) -> None:
        self._conn = conn
        self._adapter: abc.Transformer | None = None
        self._names: OrderedDict[Key, bytes] = OrderedDict()
        """Statements in the order of their last use, with the name of those that are prepared."""
        self._count = 0

    def tuples(self, sql: str, params: Params) -> list[tuple[Any, ...]]:
        """Return the rows of a statement."""
        return self._loaded(self.run(sql, params))

    def dicts(self, sql: str, params: Params) -> list[dict[str, Any]]:
        """Return the rows of a statement, each with the names of its columns."""
        result = self.run(sql, params)
        names = [(result.fname(place) or b"").decode() for place in range(result.nfields)]
        return [dict(zip(names, row, strict=True)) for row in self._loaded(result)]

    def run(self, sql: str, params: Params) -> PGresult:
        """Run one statement whose parameters are named `%(like_this)s`."""
        query = parsed(sql)
        if self._adapter is None:
            # Not earlier: the adapter reads the session's time zone, and `connect` sets the threshold. Where
            # psycopg prepared anything itself, it would deallocate ours with its own. The pool sets it before
            # any use (`Database._configure`).
            self._adapter, self._conn.prepare_threshold = Transformer(self._conn), None
        values = self._adapter.dump_sequence([params[name] for name in query.names], query.formats)
        types, formats = tuple(self._adapter.types or ()), self._adapter.formats
        name = self._prepared((sql, types), query.sql)
        if not name:
            self._conn.pgconn.send_query_params(query.sql, values, types, formats)
            return self._result()
        self._conn.pgconn.send_query_prepared(name, values, formats)
        try:
            return self._result()
        except STALE as error:
            del self._names[sql, types]
            raise Stale(str(error)) from error

    def send(self, sql: str) -> PGresult:
        """Send statements without parameters in one message, and return the result of the last one."""
        self._conn.pgconn.send_query(sql.encode())
        return self._result()

    def _prepared(self, key: Key, sql: bytes) -> bytes:
        """Return the name of a statement that is prepared; empty where it runs for the first time."""
        name = self._names.get(key)
        if name is None:
            self._names[key] = b""
            if len(self._names) > PREPARED:
                _, oldest = self._names.popitem(last=False)
                if oldest:
                    self.send(f"deallocate {oldest.decode()}")
            return b""
        if not name:
            self._count += 1
            name = f"billow_{self._count}".encode()
            self._conn.pgconn.send_prepare(name, sql, key[1])
            self._result()
            self._names[key] = name
        self._names.move_to_end(key)
        return name

    def _result(self) -> PGresult:
        """Wait for the results of what was sent, and return the last one, or raise the first error."""
        results: list[PGresult] = self._conn.wait(generators.execute(self._conn.pgconn))
        for result in results:
            if result.status not in GOOD:
                raise errors.error_from_result(result, encoding="utf-8")
        return results[-1]

    def _loaded(self, result: PGresult) -> list[tuple[Any, ...]]:
        if self._adapter is None or not result.ntuples:
            return []
        self._adapter.set_pgresult(result, format=Format.TEXT)
        return self._adapter.load_rows(0, result.ntuples, tuple)


@dataclass(frozen=True, slots=True)
class Query:
    """A statement as PostgreSQL reads it, and the names and formats of its parameters in their order."""

    sql: bytes
    names: tuple[str, ...]
    formats: tuple[PyFormat, ...]


@lru_cache(maxsize=4 * PREPARED)
def parsed(sql: str) -> Query:
    """Number the parameters.

    >>> parsed("select %(a)s, %(b)s, %(a)s, 5 %% 2").sql
    b'select $1, $2, $1, 5 % 2'
    """
    places: dict[tuple[str, str], int] = {}

    def numbered(found: re.Match[str]) -> str:
        percent, name, kind = found.groups()
        if percent:
            return "%"
        if name is None:
            raise ValueError(f"A % that is no parameter is written %%: {sql}")
        return f"${places.setdefault((name, kind), len(places) + 1)}"

    text = PLACEHOLDER.sub(numbered, sql)
    return Query(
        text.encode(), tuple(name for name, _ in places), tuple(PyFormat(each) for _, each in places)
    )
