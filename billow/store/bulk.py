"""How are many rows written in one statement: one JSON parameter, and the table gives the types."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec

from billow.store.tx import Tx


def _encode(value: Any) -> Any:
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(type(value).__name__)


_encoder = msgspec.json.Encoder(enc_hook=_encode, decimal_format="string")


def encode(value: Any) -> str:
    return _encoder.encode(value).decode()


def insert_many(tx: Tx, table: str, columns: Sequence[str], records: Sequence[dict[str, Any]]) -> None:
    """Insert any number of rows with one statement. Values are JSON, instants and decimals."""
    if records:
        names = ", ".join(f'"{name}"' for name in columns)
        tx.run(
            f"insert into {table} ({names}) select {names} from json_populate_recordset(null::{table},"
            " %(records)s)",
            records=encode(records),
        )


def update_many(tx: Tx, table: str, columns: Sequence[str], records: Sequence[dict[str, Any]]) -> None:
    """Set `columns` of any number of rows, found by their `id`, with one statement."""
    if records and columns:
        sets = ", ".join(f'"{name}" = r."{name}"' for name in columns)
        tx.run(
            f"update {table} as t set {sets} from json_populate_recordset(null::{table}, %(records)s) as r"
            " where t.id = r.id",
            records=encode(records),
        )
