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


def names() -> list[str]:
    return sorted(path.stem for path in FOLDER.glob("*.csv"))


@cache
def ready(name: str) -> Chart:
    """Read a chart that comes with billow."""
    require(name in names(), f"There is no chart {name}; there are {', '.join(names())}.", param="chart")
    return read((FOLDER / f"{name}.csv").read_text("utf-8"))


def read(text: str, usual: Chart | None = None) -> Chart:
    """Read a chart of accounts for the kinds that the ledger has; what it lacks is as in the usual one."""
    return chart.read(text, CHART, usual)


def of_country(country: str) -> Chart:
    return ready(READY.get(country, "plain"))
