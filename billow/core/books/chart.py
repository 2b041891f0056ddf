"""Map the accounts of the ledger to the numbers and names of a chart of accounts, which is a file."""

import csv
import io
import re
from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass, fields
from functools import cached_property

from billow.core.books.treatments import TREATMENTS, Treated
from billow.core.errors import Refused, require

RETAINED = "retained_earnings"
"""What earlier years have earned: no account of the ledger, which closes no years, but of an export."""
NUMBER = re.compile(r"[0-9A-Za-z][0-9A-Za-z.]{0,11}")
KEY = re.compile(r"[0-9]{0,4}")
LONGEST_NAME, LARGEST = 100, 5000


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a chart: what is empty fits all. `key` is DATEV's tax key, such as 40."""

    kind: str
    detail: str
    treatment: str
    country: str
    rate: str
    currency: str
    number: str
    name: str
    key: str

    def weight(self) -> int:
        """Say how closely it fits: by detail before treatment, country, rate and currency."""
        said = (self.currency, self.rate, self.country, self.treatment, self.detail)
        return sum(1 << place for place, value in enumerate(said) if value)

    def fits(self, detail: str, treated: Treated, currency: str) -> bool:
        return (
            self.detail in ("", detail)
            and self.treatment in ("", treated.treatment)
            and self.country in ("", treated.country)
            and self.rate in ("", treated.rate)
            and self.currency in ("", currency)
        )


COLUMNS = tuple(field.name for field in fields(Row))


@dataclass(frozen=True)
class Chart:
    """The rows of a chart, of which those that fit most closely count."""

    rows: Sequence[Row]

    @cached_property
    def closest(self) -> dict[str, list[Row]]:
        """Return the rows of each kind, those that say most first."""
        by_kind: dict[str, list[Row]] = {}
        for row in sorted(self.rows, key=Row.weight, reverse=True):
            by_kind.setdefault(row.kind, []).append(row)
        return by_kind

    def row(self, key: str, treated: Treated, currency: str) -> Row:
        """Return the row for an account of the ledger, such as revenue:prod_1."""
        kind, _, detail = key.partition(":")
        fitting = (row for row in self.closest.get(kind, ()) if row.fits(detail, treated, currency))
        found = next(fitting, None)
        if found is None:
            raise Refused(f"The chart of accounts has no row for {kind} in all cases.")
        return found

    def numbers(self, kind: str) -> list[str]:
        """Return the numbers that accounts of a kind may have."""
        return sorted({row.number for row in self.closest.get(kind, ())})


def renumbered(old: Chart, new: Chart) -> dict[str, list[str]]:
    """Return which numbers are others in a new chart, as 1510 to 1511, by account or kind of the ledger.

    They are those of rows that say another number, and of rows that say more than one before.
    """
    found: dict[str, list[str]] = {}
    for row in (*old.rows, *new.rows):
        key = f"{row.kind}:{row.detail}" if row.detail else row.kind
        treated = Treated(row.treatment, row.country, row.rate)
        before, after = (chart.row(key, treated, row.currency).number for chart in (old, new))
        if before != after:
            found.setdefault(key, []).append(f"{before} to {after}")
    return found


def read(text: str, kinds: Iterable[str]) -> Chart:
    """Read a chart from CSV with a heading, and refuse one that does not say all, or says something twice."""
    return checked(rows_of(text), kinds)


def rows_of(text: str) -> list[Row]:
    """Read the rows of a chart from CSV with a heading."""
    given = csv.DictReader(io.StringIO(text))
    unknown = [name for name in given.fieldnames or () if name not in COLUMNS]
    require(not unknown, f"A chart of accounts has no column {', '.join(unknown)}.")
    for name in ("kind", "number", "name"):
        require(name in (given.fieldnames or ()), f"A chart of accounts needs the column {name}.")
    return [Row(*((line.get(name) or "").strip() for name in COLUMNS)) for line in given]


def checked(rows: Sequence[Row], kinds: Iterable[str]) -> Chart:
    """Return the chart of these rows; refused where they do not say all, or say something twice."""
    known = {*kinds, RETAINED}
    require(len(rows) <= LARGEST, f"A chart of accounts has at most {LARGEST} rows.")
    seen: set[tuple[str, ...]] = set()
    for at, row in enumerate(rows, 2):
        check(row, at, known)
        what = astuple(row)[: COLUMNS.index("number")]
        require(what not in seen, f"Row {at} of the chart says again what another row says: {row.kind}.")
        seen.add(what)
    missing = known - {row.kind for row in rows if not row.weight()}
    require(not missing, f"The chart needs a row for {', '.join(sorted(missing))} with nothing but a number.")
    return Chart(rows)


def check(row: Row, at: int, kinds: Iterable[str]) -> None:
    """Refuse a row that no export could write."""
    where = f"Row {at} of the chart:"
    require(row.kind in kinds, f"{where} there is no kind of account {row.kind!r}.")
    require(
        not row.treatment or row.treatment in TREATMENTS, f"{where} there is no treatment {row.treatment!r}."
    )
    require(NUMBER.fullmatch(row.number) is not None, f"{where} {row.number!r} is no number of an account.")
    require(
        0 < len(row.name) <= LONGEST_NAME and row.name.isprintable(), f"{where} a name has 1 to 100 letters."
    )
    require(KEY.fullmatch(row.key) is not None, f"{where} a tax key of DATEV has up to 4 digits.")
    require(row.country in ("", row.country.upper()), f"{where} a country is written DE.")
    require(row.currency in ("", row.currency.lower()), f"{where} a currency is written eur.")


def written(chart: Chart) -> str:
    """Write a chart as CSV, as `read` takes it."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(astuple(row) for row in chart.rows)
    return text.getvalue()
