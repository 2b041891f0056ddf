"""Run reports on the books: each .sql file here is one, and its first line is the question it answers."""

import csv as separated
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from itertools import takewhile
from pathlib import Path
from typing import Any

from psycopg.rows import tuple_row

from billow.core.errors import require
from billow.store.tx import Tx

FOLDER = Path(__file__).parent

#: The characters that start a formula in a spreadsheet.
FORMULA = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True, slots=True)
class Report:
    """One .sql file: the question it answers, its definition, and its parameters, which are instants."""

    name: str
    question: str
    definition: str
    sql: str
    params: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """The result of a report. Amounts are minor units of the currency in their row."""

    columns: Sequence[str]
    rows: Sequence[Sequence[Any]]


@cache
def reports() -> dict[str, Report]:
    """Return all reports by name."""
    return {path.stem: _read(path) for path in sorted(FOLDER.glob("*.sql"))}


def _read(path: Path) -> Report:
    sql = path.read_text("utf-8")
    lines = [line.removeprefix("--").strip() for line in takewhile(_is_comment, sql.split("\n"))]
    params = tuple(sorted(set(re.findall(r"%\((\w+)\)s", sql))))
    return Report(path.stem, lines[0], " ".join(lines[1:]).replace("%%", "%"), sql, params)


def _is_comment(line: str) -> bool:
    return line.startswith("--")


def run(tx: Tx, report: str, most: int | None = None, /, **params: Any) -> Table:
    """Run one report with exactly the parameters that it names; with `most`, only its first rows."""
    known = reports()
    require(report in known, f"No such report: '{report}'. There are {', '.join(known)}.", param="report")
    wanted = known[report].params
    for name in wanted:
        given = params.get(name) is not None
        require(given, f"Missing required param: {name}.", param=name, code="parameter_missing")
    for name in params:
        require(name in wanted, f"Received unknown parameter: {name}", param=name, code="parameter_unknown")
    with tx.conn.cursor(row_factory=tuple_row) as cursor:
        sql = known[report].sql if most is None else f"{known[report].sql}\nlimit {most}"
        cursor.execute(sql.encode(), params)
        names = [column.name for column in cursor.description or []]
        return Table(names, [tuple(map(_whole, row)) for row in cursor.fetchall()])


def _whole(value: Any) -> Any:
    """Return a sum of amounts as an integer: PostgreSQL adds them as decimals, so that none overflows."""
    return int(value) if isinstance(value, Decimal) else value


def csv(table: Table) -> str:
    """Format CSV. Text that a spreadsheet would run as a formula gets an apostrophe in front."""
    text = io.StringIO()
    writer = separated.writer(text, lineterminator="\r\n")
    writer.writerow(_cell(name) for name in table.columns)
    writer.writerows([_cell(value) for value in row] for row in table.rows)
    return text.getvalue()


def harmless(text: str) -> str:
    """Return a text that no spreadsheet runs as a formula: with an apostrophe in front where it would."""
    return f"'{text}" if text.startswith(FORMULA) else text


def _cell(value: Any) -> Any:
    if isinstance(value, date | datetime):
        return value.isoformat()
    return harmless(value) if isinstance(value, str) else value
