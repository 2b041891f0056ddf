"""Import a file of usage, CSV or NDJSON with any columns, each row counted once."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from itertools import islice
from pathlib import Path
from typing import Any

from billow.core.calendar import read_instant
from billow.core.decimals import written_out
from billow.core.errors import Refused, require
from billow.flows.usage import meter_events, validation
from billow.resources.meter_event import AT_ONCE, CustomerEvent, MeterEvent
from billow.store.tx import Database, Tx
from billow.store.usage import Measured, store
from billow.store.usage.files import BadLine, Row, opened, read

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
Progress = Callable[[int, int], None]


def silent(rows: int, position: int) -> None:
    """Show no progress."""


@dataclass(frozen=True, slots=True)
class Feed:
    """A meter that every row feeds, from one of its columns; without a column each row is one."""

    event_name: str
    column: str | None = None


@dataclass(frozen=True, slots=True)
class Mapping:
    """Which columns mean what.

    `customer` is the id of all rows' customer unless `customer_column` names one. `time` is a column, read as
    `time_format` says: "iso" (no zone means UTC, decimals beyond the sixth are cut), "unix" or "unix_ms".
    `identifier` is a column, or a text with {file}, {line} and {hash}.
    """

    feeds: tuple[Feed, ...]
    time: str
    customer: str | None = None
    customer_column: str | None = None
    time_format: str = "iso"
    identifier: str = "{file}:{line}:{hash}"

    def __post_init__(self) -> None:
        require(self.feeds, "A mapping names at least one meter.", param="meters")
        require(
            (self.customer is None) != (self.customer_column is None),
            "A mapping has either customer or customer_column.",
            param="customer",
        )
        require(
            self.time_format in TIMES,
            f"Invalid time_format: must be one of {', '.join(TIMES)}.",
            param="time_format",
        )
        try:
            self.identifier.format(file="", line=0, hash="")
        except (LookupError, ValueError):
            raise Refused(
                "Invalid identifier: the braces are {file}, {line} and {hash}.", param="identifier"
            ) from None


def mapping_of(named: dict[str, Any]) -> Mapping:
    """A mapping as TOML has it: its fields, and a table `meters` of event name = "column", or 1 per row."""
    meters = named.get("meters")
    require(isinstance(meters, dict) and meters, "A mapping has a table of meters.", param="meters")
    unknown = named.keys() - {"meters", "customer", "customer_column", "time", "time_format", "identifier"}
    require(not unknown, f"A mapping has no {', '.join(sorted(unknown))}.")
    require("time" in named, "A mapping names the column of the time.", param="time")
    feeds = []
    for event_name, column in (meters or {}).items():
        require(
            isinstance(column, str) or column == 1, f"{event_name} is fed by a column, or by 1 for each row."
        )
        feeds.append(Feed(event_name, column if isinstance(column, str) else None))
    return Mapping(tuple(feeds), **{name: str(value) for name, value in named.items() if name != "meters"})


@dataclass(slots=True)
class Imported:
    """What became of a file: its rows, its events that were new or known, and the lines that are bad."""

    rows: int = 0
    accepted: int = 0
    duplicates: int = 0
    errors: list[tuple[int, str]] = field(default_factory=list)


def import_usage(
    db: Database,
    tenant: str,
    path: Path,
    mapping: Mapping,
    *,
    prefix: str | None = None,
    older: bool = False,
    progress: Progress = silent,
) -> Imported:
    """Bring in a file, in batches that are each committed; a second run finds what the first one left out.

    `prefix` takes the place of the file's name in identifiers. A row feeds all of its meters or none. `older`
    lets in use of more than 35 days ago.
    """
    done = Imported()
    with opened(path) as file:
        lines = read(file, path)
        keys = value_keys(db, tenant, mapping)
        while batch := list(islice(lines, AT_ONCE // len(mapping.feeds))):
            db.disk.require_space()
            with db.transaction(tenant) as tx:
                bring(tx, batch, lambda row: events_of(row, mapping, keys, prefix or path.name), older, done)
            progress(done.rows, file.tell())
    done.errors.sort()
    return done


def value_keys(db: Database, tenant: str, mapping: Mapping) -> dict[str, str]:
    """Find the key of each meter's value. A missing meter is refused here: no row is at fault."""
    with db.transaction(tenant) as tx:
        named = [MeterEvent(event_name=feed.event_name, payload={}) for feed in mapping.feeds]
        meters = validation.known(tx, named).meters
    for feed in mapping.feeds:
        if feed.event_name not in meters:
            raise validation.no_meter(feed.event_name)
    return {name: meter.value_key for name, meter in meters.items()}


def bring(
    tx: Tx,
    rows: Sequence[Row | BadLine],
    understand: Callable[[Row], list[CustomerEvent]],
    older: bool,
    done: Imported,
) -> None:
    """Record the events of one batch of rows; bad rows are reported by line."""
    wanted: list[tuple[Row, list[CustomerEvent]]] = []
    for row in rows:
        if isinstance(row, BadLine):
            done.errors.append((row.line, row.reason))
            continue
        try:
            wanted.append((row, understand(row)))
        except Refused as refused:
            done.errors.append((row.line, refused.message))
    known = validation.known(tx, [event for _, events in wanted for event in events], older=older)
    good: list[Measured] = []
    for row, events in wanted:
        answers = [validation.judged(known, event) for event in events]
        refusals = [answer for answer in answers if isinstance(answer, Refused)]
        if refusals:
            done.errors.append((row.line, refusals[0].message))
        else:
            good += [answer for answer in answers if isinstance(answer, Measured)]
    repeated = len(store(tx).record(tx, good))
    meter_events.expect(tx, known, good)
    done.rows += len(rows)
    done.accepted += len(good) - repeated
    done.duplicates += repeated


def events_of(row: Row, mapping: Mapping, keys: dict[str, str], file: str) -> list[CustomerEvent]:
    customer = mapping.customer if mapping.customer_column is None else _column(row, mapping.customer_column)
    try:
        at = TIMES[mapping.time_format](_column(row, mapping.time))
    except (ValueError, OverflowError, InvalidOperation):
        raise Refused(f"Invalid time: {_column(row, mapping.time)[:80]}") from None
    if "{" in mapping.identifier:
        identifier = mapping.identifier.format(file=file, line=row.line, hash=row.hash)
    else:
        identifier = _column(row, mapping.identifier)
    several = len(mapping.feeds) > 1
    return [
        CustomerEvent(
            event_name=feed.event_name,
            customer=customer,
            timestamp=at.isoformat(),
            payload={keys[feed.event_name]: 1 if feed.column is None else _column(row, feed.column)},
            identifier=f"{identifier}:{feed.event_name}" if several else identifier,
        )
        for feed in mapping.feeds
    ]


def _column(row: Row, name: str) -> str:
    value = row.columns.get(name)
    if value is None or value == "":
        raise Refused(f"The column {name} is empty or missing.")
    return str(value)


def _iso(text: str) -> datetime:
    at = read_instant(text)
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


def _decimal(text: str) -> Decimal:
    plain = written_out(text)
    if "e" in plain.lower():  # too large to be written out
        raise ValueError(text)
    return Decimal(plain)


def _unix(text: str) -> datetime:
    return EPOCH + timedelta(microseconds=int(_decimal(text) * 1_000_000))


def _unix_ms(text: str) -> datetime:
    return EPOCH + timedelta(microseconds=int(_decimal(text) * 1_000))


TIMES: dict[str, Callable[[str], datetime]] = {"iso": _iso, "unix": _unix, "unix_ms": _unix_ms}
