"""Draw the charts of reports: by month or by another column, one chart for each currency."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from billow.core import recurring
from billow.core.recurring import KINDS
from billow.pages.dashboard import charts, layout
from billow.pages.dashboard.report_parts import group_of, groups
from billow.reports import Table

MOST = 12
"""How many columns a chart by customer or account has: the largest, and the rest as one."""
MONTHS_OF_LIFE = 36


@dataclass(frozen=True, slots=True)
class Chart:
    """What a chart shows: a column for each value of `x`, or for each figure where there is no `x`.

    `by` is a column whose values are stacked in different colours, `largest` says that only the largest are
    shown, and `unit` what is shown that is no amount.
    """

    x: str
    figures: Sequence[str]
    by: str = ""
    largest: bool = False
    unit: str = ""


CHARTS: Mapping[str, Chart] = {
    "aging": Chart(
        "", ("not_due", "days_1_to_30", "days_31_to_60", "days_61_to_90", "days_91_to_120", "days_over_120")
    ),
    "arpa": Chart("month", ("arpa",)),
    "bank": Chart("currency", ("booked", "not_ours", "difference")),
    "cash": Chart("month", ("closing",)),
    "churn": Chart("month", ("revenue_churn",), unit="% of revenue"),
    "collections": Chart("month", ("collected", "credited", "written_off")),
    "customer_credit": Chart("customer", ("credit",), largest=True),
    "deferred": Chart("customer", ("amount",), largest=True),
    "deferred_ahead": Chart("month", ("amount",)),
    "deferred_by_month": Chart("month", ("closing",)),
    "dso": Chart("month", ("dso",), unit="days"),
    "ec_sales": Chart("country", ("base",)),
    "gateways": Chart("gateway", ("collected",)),
    "late": Chart("booked", ("amount",)),
    "margin": Chart("month", ("margin",)),
    "mrr": Chart("month", (*KINDS, "fx")),
    "mrr_customers": Chart("customer", ("mrr",), largest=True),
    "mrr_movements": Chart("day", ("change",), by="kind"),
    "net_revenue": Chart("month", ("net",)),
    "oss": Chart("country", ("tax",)),
    "recovery": Chart(
        "month",
        ("by_retry", "by_new_method", "by_customer", "out_of_band", "otherwise", "still_open", "lost"),
    ),
    "retention": Chart("month", ("nrr",), unit="NRR in %"),
    "revenue": Chart("month", ("amount",)),
    "rpo": Chart("currency", ("within_12_months", "later", "undated")),
    "trial_balance": Chart("account", ("balance",), largest=True),
    "unbilled": Chart("customer", ("amount",), largest=True),
    "vat": Chart("country", ("tax",)),
    "written_off": Chart("created", ("amount",)),
}


def drawn(name: str, title: str, table: Table, names: Mapping[str, str], zone: str) -> list[dict[str, Any]]:
    """Draw a report, one chart for each currency; the colour of a figure is the same in all of them."""
    if name == "ltv":
        return [life(title, table, row) for row in table.rows]
    if name not in CHARTS or not table.rows:
        return []
    chart = CHARTS[name]
    labels = [label_of(figure) for figure in chart.figures]
    if chart.by:
        labels = sorted({str(row[list(table.columns).index(chart.by)]) for row in table.rows})
    return [part(chart, title, table, group, labels, names, zone) for group in groups(table)]


def part(
    chart: Chart,
    title: str,
    table: Table,
    group: tuple[str, str],
    labels: Sequence[str],
    names: Mapping[str, str],
    zone: str,
) -> dict[str, Any]:
    """Draw the rows of one currency: `labels` are the colours, in all charts of the report the same."""
    sums: dict[str, dict[str, float]] = {}
    for row in table.rows:
        if group_of(table, row) == group:
            values = dict(zip(table.columns, row, strict=True))
            for figure in chart.figures:
                label = str(values[chart.by]) if chart.by else label_of(figure)
                x = column_of(chart, values, zone) if chart.x else label
                held = sums.setdefault(x, dict.fromkeys(labels, 0.0))
                held[label] += number(values[figure], values["currency"])
    if chart.largest:
        sums = largest(sums, labels)
    if all(map(charts.MONTH.fullmatch, sums)):
        sums = dict(sorted(sums.items()))
    shown = [names.get(x) or x for x in sums]
    unit = ", ".join([chart.unit, group[1].upper()]) if chart.unit else group[0] or group[1].upper()
    by = f" by {label_of(chart.x)}" if chart.x and not title.endswith(f" by {chart.x}") else ""
    said = f"{title}{by}, {unit}"
    if not chart.x or len(labels) == 1:
        values_of = [sum(held.values()) for held in sums.values()]
        return {"title": said, "svg": charts.columns(shown, values_of, said), "legend": []}
    series = [(label, [held[label] for held in sums.values()]) for label in labels]
    legend = [(place, label) for place, (label, values) in enumerate(series) if any(values)]
    return {"title": said, "svg": charts.stacked(shown, series, said), "legend": legend}


def column_of(chart: Chart, values: Mapping[str, Any], zone: str) -> str:
    """Return in which column a row is: of an instant its month where the seller is, of an account its kind.

    Customers stay apart by their ids, for two may have one name.
    """
    value = values[chart.x]
    if isinstance(value, datetime):
        value = value.astimezone(ZoneInfo(zone))
    if isinstance(value, date):
        return value.strftime("%Y-%m")
    if chart.x == "account":
        return label_of(str(value).partition(":")[0])
    return str(value or "none")


def customers(name: str, table: Table) -> set[str]:
    """Return the ids of the customers whose names a chart needs."""
    chart = CHARTS.get(name)
    if chart is None or not chart.largest or chart.x != "customer":
        return set()
    columns = list(table.columns)
    of, amount = columns.index("customer"), columns.index(chart.figures[0])
    found: set[str] = set()
    for group in groups(table):
        sums: dict[str, dict[str, float]] = {}
        for row in table.rows:
            if group_of(table, row) == group and row[of]:
                held = sums.setdefault(str(row[of]), {"": 0.0})
                held[""] += number(row[amount], group[1])
        found |= {*largest(sums, [""])}
    return found


def largest(sums: Mapping[str, dict[str, float]], labels: Sequence[str]) -> dict[str, dict[str, float]]:
    """Keep the largest columns, by what they come to, and add up the rest."""
    order = sorted(sums.items(), key=lambda one: -abs(sum(one[1].values())))
    kept, rest = dict(order[:MOST]), order[MOST:]
    if rest:
        kept["all others"] = {label: sum(held[label] for _, held in rest) for label in labels}
    return kept


def life(title: str, table: Table, row: Sequence[Any]) -> dict[str, Any]:
    """Draw what a customer has brought in after so many months, when a share of them is lost in each."""
    values = dict(zip(table.columns, row, strict=True))
    currency = values["currency"]
    arpa = layout.in_main_unit(values["arpa"], currency)
    lost = Decimal(values["monthly_churn"].removesuffix(" %")) / 100
    brought = recurring.brought_in(arpa, lost, MONTHS_OF_LIFE)
    points = [(0.0, 0.0), *((float(month), float(total)) for month, total in enumerate(brought, 1))]
    said = f"{title}: what a customer has brought in after so many months, {currency.upper()}"
    return {"title": said, "svg": charts.curve(points, said), "legend": []}


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
