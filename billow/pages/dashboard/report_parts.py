"""Make the parts of a report's screen: its charts, its last rows, and what its figures lead to."""

from calendar import monthrange
from collections.abc import Mapping, Sequence
from typing import Any

from billow.core.recurring import KINDS
from billow.pages.dashboard import charts, layout
from billow.pages.dashboard.layout import NOTHING, Cell
from billow.pages.dashboard.visit import Visit
from billow.reports import Table

CHARTS: Mapping[str, tuple[str, Sequence[str]]] = {
    "mrr": ("month", (*KINDS, "fx")),
    "arpa": ("month", ("arpa",)),
    "cash": ("month", ("closing",)),
    "churn": ("month", ("revenue_churn",)),
    "collections": ("month", ("collected", "credited", "written_off")),
    "deferred_ahead": ("month", ("amount",)),
    "deferred_by_month": ("month", ("closing",)),
    "dso": ("month", ("dso",)),
    "margin": ("month", ("margin",)),
    "net_revenue": ("month", ("net",)),
    "retention": ("month", ("nrr",)),
    "revenue": ("month", ("amount",)),
    "rpo": ("currency", ("within_12_months", "later", "undated")),
}
"""What the chart of a report shows: the column of its names, and those of its figures."""
UNITS = {"churn": "% of revenue", "dso": "days", "retention": "NRR in %"}
"""What a chart shows that is no amount; it is drawn for each currency."""
OPENING, CLOSING = ("start", "opening"), ("end", "closing", "receivables")
NOT_ADDED = ("arpa", "arr", "mrr", "ltv", "before", "after", "not_due", "balance")
"""Columns of amounts whose sum means nothing; of opening and closing ones the first and the last count."""
HEAT = 5


def drawn(name: str, title: str, table: Table) -> list[dict[str, Any]]:
    """Draw a report, one chart for each currency; the colour of a figure is the same in all of them."""
    if name not in CHARTS or not table.rows:
        return []
    x, figures = CHARTS[name]
    at = {column: place for place, column in enumerate(table.columns)}
    found = []
    for group in groups(table):
        rows = [row for row in table.rows if group_of(table, row) == group]
        sums: dict[str, dict[str, float]] = {}
        for row in rows:
            held = sums.setdefault(str(row[at[x]] or "undated"), dict.fromkeys(figures, 0.0))
            for figure in figures:
                held[figure] += number(row[at[figure]], row[at["currency"]])
        series = [(label_of(figure), [held[figure] for held in sums.values()]) for figure in figures]
        unit = ", ".join([UNITS[name], group[1].upper()]) if name in UNITS else group[0] or group[1].upper()
        said = f"{title} by {x}, {unit}"
        plain = len(figures) == 1
        svg = charts.columns([*sums], series[0][1], said) if plain else charts.stacked([*sums], series, said)
        legend = [(place, label) for place, (label, values) in enumerate(series) if any(values) and not plain]
        found.append({"title": said, "svg": svg, "legend": legend})
    return found


def groups(table: Table) -> list[tuple[str, str]]:
    """Return the currencies of a report in order; what is in one of them altogether is apart."""
    return list(dict.fromkeys(group_of(table, row) for row in table.rows))


def group_of(table: Table, row: Sequence[Any]) -> tuple[str, str]:
    columns = list(table.columns)
    of = str(row[columns.index("of")]) if "of" in columns else ""
    return of, str(row[columns.index("currency")])


def number(value: Any, currency: str) -> float:
    """Return a figure as a number: an amount in its main unit, a percentage or a count as it is written."""
    if isinstance(value, int):
        return float(layout.in_main_unit(value, currency))
    try:
        return float(str(value or 0).removesuffix(" %"))
    except ValueError:
        return 0.0


def label_of(column: str) -> str:
    return column.replace("_", " ")


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


def behind(visit: Visit, name: str, row: Mapping[str, Any], column: str) -> str | None:
    """Return the screen with the customers behind a figure of recurring revenue."""
    if name not in ("mrr", "churn", "retention", "arpa") or not row.get(column) or row.get("of"):
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
