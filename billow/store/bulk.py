"""Write many rows with one statement: one JSON parameter, with types taken from the table."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from psycopg.types.json import Json

from billow.store.tx import Tx

_encoder = msgspec.json.Encoder()


def encode(value: Any) -> str:
    return _encoder.encode(value).decode()


def insert_many(tx: Tx, table: str, columns: Sequence[str], records: Sequence[Any]) -> None:
    """Insert any number of rows with one statement, each a hash or an object with these names.

    Values are JSON, instants and decimals; names beyond the columns are left out.
    """
    if records:
        names = ", ".join(f'"{name}"' for name in columns)
        tx.run(
            f"insert into {table} ({names}) select {names} from json_populate_recordset(null::{table},"
            " %(records)s)",
            records=encode(records),
        )


def update_many(tx: Tx, table: str, types: Mapping[str, str], records: Sequence[Mapping[str, Any]]) -> None:
    """Set columns of any number of rows, found by their `id`, with one statement; `types` are SQL's."""
    if records and types:
        sets = ", ".join(f'"{name}" = r."{name}"' for name in types)
        columns = ", ".join(f'"{name}" {type}' for name, type in types.items())
        tx.run(
            f"update {table} as t set {sets} from json_to_recordset(%(records)s) as r (id text, {columns})"
            " where t.id = r.id",
            records=Json(records, dumps=encode),
        )
