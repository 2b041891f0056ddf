"""Hold the charts of accounts that come with billow: one CSV file each, which an account may change."""

from functools import cache
from pathlib import Path

from billow.core.books import chart
from billow.core.books.chart import Chart
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
    kinds = {row.kind for row in chart.rows_of(text)}
    own = {(row.kind, row.number) for row in chart.rows_of(text)}
    like = max(map(ready, names()), key=lambda one: len(own & {(row.kind, row.number) for row in one.rows}))
    later = [row for row in like.rows if row.kind in LATER - kinds]
    return chart.checked([*chart.rows_of(text), *later], CHART)


def of_country(country: str) -> Chart:
    return ready(READY.get(country, "plain"))
