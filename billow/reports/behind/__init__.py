"""List the transfers behind a figure of a report: each .sql file reads those of the report of its name."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path

from psycopg.rows import class_row

from billow.store.tx import Tx

FOLDER = Path(__file__).parent
FIGURES: Mapping[str, Sequence[str]] = {
    "cash": ("collected", "refunded", "fees", "disputed", "otherwise"),
    "collections": ("billed", "collected", "credited", "written_off", "otherwise"),
    "deferred_by_month": ("billed", "earned", "taken_back"),
    "dso": ("billed",),
    "gateways": ("collected", "refunded", "fees", "paid_out", "otherwise"),
    "net_revenue": ("earned", "given_back", "net"),
    "revenue": ("amount",),
}
"""The reports whose figures are sums of transfers, and these figures."""
CUT = ("net_revenue", "revenue")
"""Reports whose first month begins where the interval does; in the others a month is always whole."""
OF = ("currency", "gateway", "product")
"""The columns of a report's row that say, beside its month, which transfers are meant."""


@dataclass(frozen=True, slots=True)
class Behind:
    """One transfer behind a figure, with its share in it in minor units; `rows` and `total` are of all."""

    entry: str
    at: datetime
    event: str
    customer: str | None
    name: str | None
    invoice: str | None
    source: str
    account: str
    amount: int
    rows: int
    total: int


@cache
def statements() -> dict[str, str]:
    """Return the statement of each report that has one."""
    return {path.stem: path.read_text("utf-8") for path in sorted(FOLDER.glob("*.sql"))}


def of(report: str) -> tuple[str, ...]:
    """Return which of the columns `OF` must be told for a report."""
    return tuple(one for one in OF if re.search(rf"%\({one}\)s", statements()[report]))


def transfers(
    tx: Tx,
    report: str,
    figure: str,
    row: Mapping[str, str],
    days: tuple[datetime, datetime],
    page: tuple[int, int],
) -> list[Behind]:
    """Return transfers behind a figure from one point in time until before another, the oldest first.

    `row` has the columns that `of` names, `page` is how many transfers to leave out and how many to return.
    """
    known = {one: row[one] for one in of(report)}
    params = {**known, "figure": figure, "from": days[0], "to": days[1], "skip": page[0], "most": page[1]}
    with tx.conn.cursor(row_factory=class_row(Behind)) as cursor:
        cursor.execute(statements()[report].encode(), params)
        return cursor.fetchall()
