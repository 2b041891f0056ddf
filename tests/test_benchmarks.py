"""Does the comparison of two revisions compare what both measured, and say the right one is better?"""

import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

BENCH = Path(__file__).parents[1] / "bench"


@pytest.fixture
def against(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    monkeypatch.syspath_prepend(str(BENCH))
    import against

    yield against
    sys.modules.pop("against", None)


def test_figures_are_found_in_what_each_benchmark_prints(against: ModuleType) -> None:
    singles = {"load": 1.5, "results": [{"what": "a list", "median_ms": 2.5, "statements": 3}]}
    assert against.figures_of(singles) == {"a list: median_ms": 2.5, "a list: statements": 3.0}
    ingested = [{"what": "bulk", "events": 10, "per_second": 7.0}]
    assert against.figures_of(ingested) == {"bulk: per_second": 7.0}
    assert against.figures_of({"workers": 1, "renewals_per_second": 700}) == {"renewals_per_second": 700.0}


def test_a_ratio_of_more_than_one_says_that_this_checkout_is_better(against: ModuleType) -> None:
    faster = against.Compared("a list: median_ms", [4.0, 8.0], [2.0, 2.0])
    assert "median  3.00 x   best  2.00 x" in faster.line()
    slower = against.Compared("bulk: per_second", [100.0, 300.0], [100.0, 100.0])
    assert "median  0.50 x   best  0.33 x" in slower.line()


def test_only_what_both_sides_print_is_compared(against: ModuleType, tmp_path: Path) -> None:
    """A revision runs its own benchmark where it has one, in turns with this checkout's."""
    sides = []
    for name, printed in (("there", '{"a_ms": 2, "gone_ms": 1}'), ("here", '{"a_ms": 1, "new_ms": 1}')):
        (tmp_path / name / "bench").mkdir(parents=True)
        (tmp_path / name / "bench" / "quick.py").write_text(
            f"import os, pathlib\npathlib.Path('../turns').open('a').write('{name} ')\nprint('{printed}')"
        )
        sides.append(against.Side(name, tmp_path / name, Path(sys.executable)))
    (row,) = against.compare(*sides, "quick", [], 2)
    assert (row.name, row.there, row.here) == ("a_ms", [2.0, 2.0], [1.0, 1.0])
    assert (tmp_path / "turns").read_text() == "there here there here "


def test_a_benchmark_that_a_revision_lacks_is_run_from_here(against: ModuleType, tmp_path: Path) -> None:
    old = against.Side("old", tmp_path, Path(sys.executable))
    assert old.script("single_requests") == BENCH / "single_requests.py"
    assert set(against.ARGUMENTS) <= {path.stem for path in BENCH.glob("*.py")}
