"""Make the parts of a report's screen: its last rows, and what its figures lead to."""

from calendar import monthrange
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from billow.core.recurring import KINDS
from billow.pages.dashboard import layout
from billow.pages.dashboard.layout import NOTHING, Cell
from billow.pages.dashboard.visit import Visit
from billow.reports import Table, behind

OPENING, CLOSING = ("start", "opening"), ("end", "closing", "receivables")
NOT_ADDED = ("arpa", "arr", "mrr", "ltv", "before", "after", "not_due", "balance")
"""Columns of amounts whose sum means nothing; of opening and closing ones the first and the last count."""
HEAT = 5
CAPITALS = ("arpa", "arr", "dso", "fx", "grr", "ltv", "mrr", "nrr", "rpo", "vat")
"""Words in the names of columns that are written in capitals."""


def title_of(column: str) -> str:
    """Return the title of a column.

    >>> title_of("days_1_to_30"), title_of("vat_number"), title_of("arpa")
    ('Days 1 to 30', 'VAT number', 'ARPA')
    """
    words = [one.upper() if one in CAPITALS else one for one in column.split("_")]
    return words[0][:1].upper() + words[0][1:] + "".join(f" {one}" for one in words[1:])


def groups(table: Table) -> list[tuple[str, str]]:
    """Return the currencies of a report in order; what is in one of them altogether is apart."""
    return list(dict.fromkeys(group_of(table, row) for row in table.rows))


def group_of(table: Table, row: Sequence[Any]) -> tuple[str, str]:
    columns = list(table.columns)
    of = str(row[columns.index("of")]) if "of" in columns else ""
    return of, str(row[columns.index("currency")])


def foot(table: Table, amounts: set[str]) -> list[list[Cell]]:
    """Return the last rows of a table, one for each currency: sums, and what was there first and last."""
    if not amounts or len(table.rows) < 2:
        return []
    return [
        [
            Cell(f"Total {group[0] or group[1].upper()}")
            if place == 0
            else footed(table, group, column, amounts)
            for place, column in enumerate(table.columns)
        ]
        for group in groups(table)
    ]


def footed(table: Table, group: tuple[str, str], column: str, amounts: set[str]) -> Cell:
    if column not in amounts or column in NOT_ADDED:
        return Cell("")
    place = list(table.columns).index(column)
    values = [row[place] or 0 for row in table.rows if group_of(table, row) == group]
    total = values[0] if column in OPENING else values[-1] if column in CLOSING else sum(values)
    return layout.amount(total, group[1])


def leads_to(
    visit: Visit, name: str, row: Mapping[str, Any], column: str, days: Mapping[str, date]
) -> str | None:
    """Return the screen with the customers or transfers behind a figure; None where there is none."""
    if not row.get(column):
        return None
    if column in behind.FIGURES.get(name, ()):
        of = {one: row[one] for one in behind.of(name)}
        month = {"month": row["month"]} if "month" in row else {}
        texts = {one: day.isoformat() for one, day in days.items()}
        return visit.to(f"/reports/{name}/behind", figure=column, **of, **month, **texts)
    return customers_behind(visit, name, row, column)


def customers_behind(visit: Visit, name: str, row: Mapping[str, Any], column: str) -> str | None:
    """Return the screen with the customers behind a figure of recurring revenue."""
    if name not in ("mrr", "churn", "retention", "arpa") or row.get("of"):
        return None
    year, month = (int(part) for part in str(row["month"]).split("-"))
    last = f"{row['month']}-{monthrange(year, month)[1]:02}"
    kind = {"churned": "churn", "contracted": "contraction"}.get(column, column)
    if kind in KINDS:
        days = {"from": f"{row['month']}-01", "to": last}
        return visit.to("/reports/mrr_movements", kind=kind, currency=row["currency"], **days)
    if column in ("end", "mrr"):
        return visit.to("/reports/mrr_customers", currency=row["currency"], at=last)
    return None


def heat(table: Table) -> tuple[list[str], list[list[Cell]]]:
    """Return cohorts as a matrix: a row for each, and a column for each age with customers and money."""
    ages = sorted({int(row[2]) for row in table.rows})
    cells: dict[tuple[str, str], dict[int, Cell]] = {}
    sizes: dict[tuple[str, str], str] = {}
    for cohort, currency, age, customers, _, share, mrr, _ in table.rows:
        tint = round(float(share.removesuffix(" %")) * HEAT / 100)
        cells.setdefault((cohort, currency), {})[int(age)] = Cell(
            share, "heat", tone=f"heat-{tint}", below=layout.amount(mrr, currency).text
        )
        sizes[cohort, currency] = customers
    lines = [
        [
            Cell(f"{cohort} {currency.upper()}"),
            Cell(sizes[cohort, currency]),
            *(held.get(age, NOTHING) for age in ages),
        ]
        for (cohort, currency), held in cells.items()
    ]
    return ["Began to pay in", "Customers", *(f"Month {age}" for age in ages)], lines
