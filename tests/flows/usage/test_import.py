"""Does a file of use come in whole, once, with its bad rows named?"""

import gzip
import tomllib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from billow.core.errors import Refused
from billow.core.usage import Window
from billow.flows.usage.import_file import Feed, Imported, Mapping, import_usage, mapping_of
from billow.store.usage import Span, store
from tests.conftest import shared

CONTEXT, GENERATED = Feed("context", "ContextTokens"), Feed("generated", "GeneratedTokens")


@pytest.fixture
def meters(meter: Any) -> dict[str, str]:
    return {name: meter(name) for name in ("context", "generated")}


@pytest.fixture
def used(api: Any, customer: str) -> Callable[[str], Window]:
    """All that the customer ever used of a meter."""

    def tell(meter: str) -> Window:
        ever = Span(
            "ever", meter, customer, datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
        )
        with api.app.db.transaction(api.tenant) as tx:
            return store(tx).windows(tx, [ever])["ever"]

    return tell


@pytest.fixture
def bring(api: Any, customer: str) -> Callable[..., Imported]:
    def run(path: Path, mapping: Mapping | None = None, **more: Any) -> Imported:
        mapping = mapping or Mapping((CONTEXT, GENERATED), "TIMESTAMP", customer)
        return import_usage(api.app.db, api.tenant, path, mapping, **more)

    return run


REAL = [
    ("azure_llm_inference_2023_code.csv", 8_819, 18_059_974, 245_896),
    ("azure_llm_inference_2023_conv.csv", 19_366, 22_361_870, 4_088_665),
]


@pytest.mark.parametrize(("name", "rows", "context", "generated"), REAL)
def test_real_files_have_their_published_totals_and_a_second_run_changes_nothing(
    bring: Any, meters: Any, used: Any, name: str, rows: int, context: int, generated: int
) -> None:
    path = shared("data", name)
    told: list[tuple[int, int]] = []
    done = bring(path, older=True, progress=lambda rows, position: told.append((rows, position)))
    assert (done.rows, done.accepted, done.duplicates, done.errors) == (rows, 2 * rows, 0, [])
    assert told[-1] == (rows, path.stat().st_size)
    again = bring(path, older=True)
    assert (again.rows, again.accepted, again.duplicates) == (rows, 0, 2 * rows)
    found = [used(meters["context"]), used(meters["generated"])]
    assert [window.sum for window in found] == [context, generated]
    assert [window.count for window in found] == [rows, rows]


def test_seven_decimals_are_read_as_utc(bring: Any, meters: Any, used: Any, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:17:03.9799601,4808,10\n")
    assert bring(path, older=True).accepted == 2
    assert used(meters["context"]).last_at == datetime(2023, 11, 16, 18, 17, 3, 979960, tzinfo=UTC)


def rows_of(now: datetime, *lines: str) -> str:
    stamp = now.isoformat()
    return "TIMESTAMP,ContextTokens,GeneratedTokens\n" + "".join(
        f"{line.replace('@', stamp)}\n" for line in lines
    )


def test_a_bad_row_is_told_by_its_line_and_none_of_it_counts(
    bring: Any, meters: Any, used: Any, now: Any, tmp_path: Path
) -> None:
    path = tmp_path / "a.csv"
    old = (now - timedelta(days=40)).isoformat()
    lines = [
        "@,1,1",
        "@,2,x",
        "@,3",
        "noon,4,4",
        f"{old},5,5",
        ",6,6",
        "@,,7",
        "@,8,8",
        '@,"9\n",9',
        "@,10,10",
    ]
    path.write_text(rows_of(now, *lines))
    done = bring(path)
    assert (done.rows, done.accepted) == (10, 6)
    assert [line for line, _ in done.errors] == [3, 4, 5, 6, 7, 8, 10]
    reasons = [reason for _, reason in done.errors]
    assert reasons[0].startswith("Invalid value: x;")
    assert reasons[1] == "2 values stand under 3 columns."
    assert reasons[2] == "Invalid time: noon"
    assert reasons[3] == "The timestamp is more than 35 days in the past."
    assert reasons[4] == "The column TIMESTAMP is empty or missing."
    assert reasons[5] == "The column ContextTokens is empty or missing."
    assert (used(meters["context"]).sum, used(meters["generated"]).sum) == (19, 19)
    path.write_text(path.read_text().replace("@,2,x", "@,2,2").replace(",2,x", ",2,2"))
    mended = bring(path)
    assert (mended.accepted, mended.duplicates) == (2, 6)


def test_ndjson_gzip_columns_templates_and_unix_times(
    bring: Any, meters: Any, used: Any, customer: str, now: Any, tmp_path: Path
) -> None:
    path = tmp_path / "use.ndjson.gz"
    second = int(now.timestamp())
    lines = [f'{{"who":"{customer}","ms":{second}000,"n":0.1,"id":"i{n % 3}"}}' for n in range(5)]
    path.write_bytes(
        gzip.compress("\n".join([*lines, "{broken", '{"who":"cus_x","ms":1,"n":1,"id":"y"}']).encode())
    )
    mapping = Mapping((Feed("context", "n"),), "ms", None, "who", "unix_ms", "id")
    done = bring(path, mapping)
    assert (done.rows, done.accepted, done.duplicates) == (7, 3, 2)
    assert [line for line, _ in done.errors] == [6, 7]
    assert str(used(meters["context"]).sum) == "0.3"
    each = Mapping((Feed("generated"),), "ms", None, "who", "unix_ms", "{file}:{line}")
    assert bring(path, each).accepted == 5
    assert bring(path, each, prefix="another file").accepted == 5
    assert used(meters["generated"]).sum == 10


def test_a_file_that_breaks_off_says_so(bring: Any, meters: Any, now: Any, tmp_path: Path) -> None:
    path = tmp_path / "a.csv.gz"
    path.write_bytes(gzip.compress(rows_of(now, *[f"@,{n},1" for n in range(9000)]).encode())[:-200])
    with pytest.raises(Refused, match="cannot be read to its end"):
        bring(path)


def test_a_mapping_is_read_from_toml() -> None:
    text = 'customer = "cus_1"\ntime = "T"\n[meters]\ntokens = "n"\ncalls = 1\n'
    assert mapping_of(tomllib.loads(text)) == Mapping((Feed("tokens", "n"), Feed("calls")), "T", "cus_1")


@pytest.mark.parametrize(
    "text",
    [
        'time = "T"\ncustomer = "c"',
        'time = "T"\n[meters]\na = "n"',
        'time = "T"\ncustomer = "c"\ncustomer_column = "d"\n[meters]\na = "n"',
        'customer = "c"\n[meters]\na = "n"',
        'time = "T"\ncustomer = "c"\n[meters]\na = 2',
        'time = "T"\ncustomer = "c"\ntime_format = "julian"\n[meters]\na = "n"',
        'time = "T"\ncustomer = "c"\nidentifier = "{row}"\n[meters]\na = "n"',
        'time = "T"\ncustomer = "c"\ncolour = "red"\n[meters]\na = "n"',
    ],
)
def test_a_mapping_that_makes_no_sense_is_refused(text: str) -> None:
    with pytest.raises(Refused):
        mapping_of(tomllib.loads(text))


def test_a_meter_that_is_not_there_is_refused_before_the_first_row(
    bring: Any, tmp_path: Path, now: Any
) -> None:
    path = tmp_path / "a.csv"
    path.write_text(rows_of(now, "@,1,1"))
    with pytest.raises(Refused, match="context"):
        bring(path)
