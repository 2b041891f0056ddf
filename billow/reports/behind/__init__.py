"""List the transfers behind a figure of a report, which is their sum."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from psycopg.rows import class_row

from billow.store.tx import Tx

SQL = (Path(__file__).parent / "transfers.sql").read_text("utf-8")
FIGURES: Mapping[str, Mapping[str, int]] = {
    "cash": {"collected": 1, "refunded": -1, "fees": -1, "disputed": -1, "otherwise": 1},
    "collections": {"billed": 1, "collected": -1, "credited": -1, "written_off": -1, "otherwise": -1},
    "deferred_by_month": {"billed": -1, "earned": 1, "taken_back": -1},
    "dso": {"billed": 1},
    "gateways": {"collected": 1, "refunded": -1, "fees": -1, "paid_out": -1, "otherwise": 1},
    "net_revenue": {"earned": -1, "given_back": 1, "net": -1},
    "revenue": {"amount": -1},
}
"""The reports whose figures are sums of transfers: 1 grows by what is debited, -1 by what is credited."""
CUT = ("net_revenue", "revenue")
"""Reports whose first month begins where the interval does; in the others a month is always whole."""
OF = {"gateways": "gateway", "revenue": "product"}
"""The column that says, beside month and currency, which transfers a row of a report is of."""


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


def of(report: str) -> tuple[str, ...]:
    """Return the columns of a row that say, beside its month, which transfers are meant."""
    return ("currency", OF[report]) if report in OF else ("currency",)


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
    params = {
        "report": report,
        "figure": figure,
        "sign": FIGURES[report][figure],
        "currency": row["currency"],
        "of": row[OF[report]] if report in OF else "",
        "from": days[0],
        "to": days[1],
        "skip": page[0],
        "most": page[1],
    }
    with tx.conn.cursor(row_factory=class_row(Behind)) as cursor:
        cursor.execute(SQL.encode(), params)
        return cursor.fetchall()
