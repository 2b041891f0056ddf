"""How is a file of measured use read: row by row, as CSV or NDJSON, zipped or not?"""

import csv
import gzip
import io
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import IO, Any

import msgspec

from billow.core.errors import Refused, require

_line = msgspec.json.Decoder(dict[str, Any], float_hook=str)


@dataclass(frozen=True, slots=True)
class BadLine:
    line: int
    reason: str


@dataclass(frozen=True, slots=True)
class Row:
    line: int
    columns: dict[str, Any]
    hash: str
    """Of what the row says, so that a line that was mended is another event."""


@contextmanager
def opened(path: Path) -> Iterator[IO[bytes]]:
    """The open file. Where it breaks off, what was read before is kept."""
    try:
        with path.open("rb") as file:
            yield file
    except (OSError, EOFError, zlib.error) as error:
        raise Refused(f"{path.name} cannot be read to its end: {error}") from None


def read(file: IO[bytes], path: Path) -> Iterator[Row | BadLine]:
    """Read the rows of a file: .csv, .ndjson or .jsonl, perhaps with .gz behind it; a bad line says why."""
    endings = [ending.lower() for ending in path.suffixes]
    # A second view of the file, so that whoever gave it may ask it for the position, also at the end.
    view = open(file.fileno(), "rb", closefd=False)  # noqa: SIM115  (the text closes it)
    unzipped: Any = gzip.GzipFile(fileobj=view) if endings[-1:] == [".gz"] else view
    text = io.TextIOWrapper(unzipped, encoding="utf-8-sig", errors="replace", newline="")
    kind = [ending for ending in endings if ending != ".gz"][-1:]
    if kind == [".csv"]:
        return _csv(text)
    require(
        kind in ([".ndjson"], [".jsonl"]),
        f"{path.name} is neither .csv, .ndjson nor .jsonl (or one of them .gz).",
    )
    return _ndjson(text)


def _csv(text: IO[str]) -> Iterator[Row | BadLine]:
    lines = csv.reader(text)
    header = next(lines, [])
    while True:
        line = lines.line_num + 1
        try:
            values = next(lines, None)
        except csv.Error as error:
            yield BadLine(line, f"Invalid CSV: {error}.")
            continue
        if values is None:
            return
        if values and len(values) != len(header):
            yield BadLine(line, f"{len(values)} values stand under {len(header)} columns.")
        elif values:
            yield Row(line, dict(zip(header, values, strict=True)), _hash("\x1f".join(values)))


def _ndjson(text: IO[str]) -> Iterator[Row | BadLine]:
    for line, said in enumerate(text, 1):
        if said.strip():
            try:
                yield Row(line, _line.decode(said), _hash(said.strip()))
            except msgspec.DecodeError as error:
                yield BadLine(line, f"Invalid JSON: {error}.")


def _hash(text: str) -> str:
    return blake2b(text.encode(), digest_size=8).hexdigest()
