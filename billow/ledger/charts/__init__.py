"""Hold the charts of accounts that come with billow: one CSV file each, which an account may change."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path

from billow.core.books import chart
from billow.core.books.chart import Chart, Row
from billow.core.errors import require
from billow.ledger.chart import CHART

FOLDER = Path(__file__).parent
READY = {"SE": "bas", "DE": "skr04"}
"""The chart of a country's sellers; all others begin with the plain one."""

LATER = frozenset({"allowance", "exchange", "exchange_gain", "exchange_loss", "withholding_tax"})
"""Kinds that charts which were stored before do not have."""


def names() -> list[str]:
    return sorted(path.stem for path in FOLDER.glob("*.csv"))


@cache
def ready(name: str) -> Chart:
    """Read a chart that comes with billow."""
    require(name in names(), f"There is no chart {name}; there are {', '.join(names())}.", param="chart")
    return read((FOLDER / f"{name}.csv").read_text("utf-8"))


def read(text: str) -> Chart:
    """Read a chart of accounts for the kinds that the ledger has."""
    return chart.read(text, CHART)


def kept(text: str) -> Chart:
    """Read a chart that an account keeps. Kinds that came later are as in the chart most alike."""
    rows = with_services(chart.rows_of(text))
    kinds = {row.kind for row in rows}
    later = [row for row in ready(most_like(rows) or "plain").rows if row.kind in LATER - kinds]
    return chart.checked([*rows, *later], CHART)


def with_services(rows: Sequence[Row]) -> list[Row]:
    """Return the rows of a chart from before services to buyers outside the EU were told from exports.

    Its rows for exports were those of both.
    """
    if any(row.treatment == "export_service" for row in rows):
        return list(rows)
    return [*rows, *(replace(row, treatment="export_service") for row in rows if row.treatment == "export")]


def most_like(rows: Iterable[Row]) -> str:
    """Return the chart that has the most numbers in common with these rows; "" if none has any."""
    own = {(row.kind, row.number) for row in rows}
    shared = {name: len(own & {(row.kind, row.number) for row in ready(name).rows}) for name in names()}
    found = max(shared, key=lambda name: shared[name])
    return found if shared[found] else ""


def of_country(country: str) -> Chart:
    return ready(READY.get(country, "plain"))
