"""Do the official libraries for Python and for Node get the same results?

Each runs scenario.yaml against `billow up`, with its own account. The results are compared with what the
scenario expects, and with each other: names, amounts, order and errors are the same, only ids and times
differ.
"""

import json
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from tests.conformance import driver
from tests.conftest import new_caller
from tests.support.installation import new_database, running_installation

FOLDER = Path(__file__).parent
NODE = FOLDER / "node"
#: What npm says when it cannot reach its registry: no fault of ours.
UNREACHABLE = re.compile(r"\b(ENOTFOUND|EAI_AGAIN|ECONN\w+|ETIMEDOUT|ENETUNREACH|ENOTCACHED)\b")
INSTALL_SECONDS, RUN_SECONDS = 180, 180

Installed = tuple[Any, str]
Transcript = dict[str, Any]


def stories() -> list[dict[str, Any]]:
    return YAML(typ="safe", pure=True).load((FOLDER / "scenario.yaml").read_text())  # type: ignore[no-any-return]


def steps() -> list[driver.Step]:
    return [step for story in stories() for step in story["steps"]]


# ------------------------------------------------------------------------------------- the two runs


@pytest.fixture(scope="module")
def installed(server_url: str) -> Iterator[Installed]:
    folder = Path(tempfile.mkdtemp(prefix="billow-clients-"))
    with running_installation(new_database(server_url), folder) as made:
        yield made
    shutil.rmtree(folder, ignore_errors=True)


def in_python(installed: Installed) -> Transcript:
    app, url = installed
    return driver.drive(url, new_caller(app).key, steps())


def in_node(installed: Installed) -> Transcript:
    app, url = installed
    asked = json.dumps({"url": url, "key": new_caller(app).key, "scenario": steps()})
    ran = subprocess.run(
        ["node", "drive.mjs"], cwd=NODE, input=asked, capture_output=True, text=True, timeout=RUN_SECONDS
    )
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)  # type: ignore[no-any-return]


def install() -> None:
    """The library for Node, as the lock has it; the test is skipped where there is no Node or no registry."""
    for command in ("node", "npm"):
        if not shutil.which(command):
            pytest.skip(f"{command} is not installed, so the library for Node is not tried")
    lock, stamp = NODE / "package-lock.json", NODE / "node_modules" / ".package-lock.json"
    if stamp.exists() and stamp.stat().st_mtime >= lock.stat().st_mtime:
        return
    npm = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--fetch-retries=1"]
    ran = subprocess.run(npm, cwd=NODE, capture_output=True, text=True, timeout=INSTALL_SECONDS)
    if ran.returncode and (reason := UNREACHABLE.search(ran.stderr)):
        pytest.skip(f"npm cannot reach its registry ({reason[0]}), so the library for Node is not tried")
    assert ran.returncode == 0, ran.stderr


# ------------------------------------------------------------------------------------- what is expected


def differences(expected: Any, shown: Any, kept: dict[str, Any], where: str = "") -> Iterator[str]:
    """What of the expected is not shown; a list is as long as it is expected to be."""
    if isinstance(expected, str):
        expected = driver.filled(expected, kept)
    if isinstance(expected, str) and expected.startswith("~") and isinstance(shown, str):
        if expected[1:] not in shown:
            yield f"{where}: {shown!r} has no {expected[1:]!r}"
    elif isinstance(expected, dict) and isinstance(shown, dict):
        for name, inner in expected.items():
            if name in shown:
                yield from differences(inner, shown[name], kept, f"{where}.{name}")
            else:
                yield f"{where}.{name} is not shown"
    elif isinstance(expected, list) and isinstance(shown, list) and len(expected) == len(shown):
        for place, (inner, found) in enumerate(zip(expected, shown, strict=True)):
            yield from differences(inner, found, kept, f"{where}[{place}]")
    elif expected != shown:
        yield f"{where}: {shown!r} and not {expected!r}"


def faults(run: Transcript, told: list[dict[str, Any]]) -> list[str]:
    """Where a transcript is not what the scenario expects, in words."""
    kept: dict[str, Any] = {"receiver": run["receiver"]}
    found, place = [], iter(run["transcript"])
    for story in told:
        for step in story["steps"]:
            entry = next(place)
            label = f"{story['story']}: {step.get('call') or 'hear ' + step['hear']}"
            what = "refused" if "refused" in step else "answer"
            if what not in entry:
                return [*found, f"{label} ends it: {entry}"]
            if "keep" in step:
                kept[step["keep"]] = entry["answer"]
            if entry.get("replayed", False) != step.get("replayed", False):
                found.append(f"{label}: it says {entry.get('replayed', False)} to having been given before")
            wanted = step.get("refused") or step.get("shows", {})
            found += [f"{label}{said}" for said in differences(wanted, entry[what], kept)]
    return found


# ------------------------------------------------------------------------------------- one against the other

#: The secrets of hosted pages, which may look like anything; ids and what contains one, prefixes of invoices,
#: the ports of receivers.
ID = re.compile(
    r"(?<=/)[\w-]{24}(?=$|/pdf)|\b([a-z]{2,})_(?=\w*[0-9A-Z])\w{10,}|\b[0-9A-Z]{8}(?=-\d{4}\b|$)|:\d{4,5}/"
)
INSTANT = re.compile(r"\b20\d\d-\d\d-\d\dT[\d:.]+Z")
#: What a library makes up, and what depends on whether a second has passed or what the worker does meanwhile.
OWN = {"idempotency_key", "sequence", "updated", "verification"}
#: What the card's bank and network make up for each charge.
BANKS = {"authorization_code", "network_transaction_id"}
SECONDS = range(1_750_000_000, 4_000_000_000)


class Names:
    """Ids by the order in which they are met, and times by what they are: the same in every good run."""

    def __init__(self) -> None:
        self.known: dict[str, str] = {}

    def plain(self, value: Any) -> Any:
        if isinstance(value, dict):
            kept = {name: f"<{name}>" if name in BANKS and inner else inner for name, inner in value.items()}
            return {name: self.plain(inner) for name, inner in sorted(kept.items()) if name not in OWN}
        if isinstance(value, list):
            return [self.plain(inner) for inner in value]
        if isinstance(value, str):
            return ID.sub(self._named, INSTANT.sub("<instant>", value))
        return "<seconds>" if type(value) is int and value in SECONDS else value

    def _named(self, found: re.Match[str]) -> str:
        return self.known.setdefault(found[0], f"<{found[1] or 'own'} {len(self.known)}>")


def test_python_is_shown_what_the_scenario_expects(installed: Installed) -> None:
    found = faults(in_python(installed), stories())
    assert not found, "\n".join(found)


def test_node_is_shown_what_the_scenario_expects_and_what_python_is_shown(installed: Installed) -> None:
    install()
    run, other = in_node(installed), in_python(installed)
    found = faults(run, stories())
    assert not found, "\n".join(found)
    theirs, ours = Names(), Names()
    for step, shown, same in zip(steps(), run["transcript"], other["transcript"], strict=True):
        assert theirs.plain(shown) == ours.plain(same), step


def test_what_is_not_as_expected_is_found() -> None:
    told = [{"story": "S", "steps": [{"call": "x", "shows": {"a": [1], "b": "~c"}}]}]
    shown = {"a": [2], "b": "d"}
    said = ["S: x.a[0]: 2 and not 1", "S: x.b: 'd' has no 'c'"]
    assert faults({"receiver": "", "transcript": [{"answer": shown}]}, told) == said
    refused = {"refused": {"code": "z"}}
    assert faults({"receiver": "", "transcript": [refused]}, told) == [f"S: x ends it: {refused}"]
    replayed = {"answer": {"a": [1], "b": "cc"}, "replayed": True}
    assert faults({"receiver": "", "transcript": [replayed]}, told) != []


def test_only_ids_and_times_may_differ() -> None:
    def same(left: Any, right: Any) -> bool:
        return bool(Names().plain(left) == Names().plain(right))

    made = {"id": "cus_8Dp0TkwPhwiA", "to": "cus_8Dp0TkwPhwiA", "created": 1795399086, "amount": 5}
    assert same(made, {**made, "id": "cus_9Dp0TkwPhwiA", "to": "cus_9Dp0TkwPhwiA", "created": 1795399090})
    assert not same(made, {**made, "to": "cus_9Dp0TkwPhwiA"}) and not same(made, {**made, "amount": 6})
    assert not same(made, {**made, "id": "prod_8Dp0TkwPhwiA"}) and not same({"a": None}, {})


def test_a_secret_that_looks_like_an_id_is_one_name() -> None:
    for secret in ("mcu_0123456789ABCDEF-RUi", "0123456789abcdefghijklmn"):
        assert Names().plain(f"https://pay.test/i/{secret}/pdf") == "https://pay.test/i/<own 0>/pdf"
