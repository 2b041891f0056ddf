"""What does a command say and make where there is no billow, or no database that answers?"""

import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest

from billow import __main__ as cli
from billow.store import migrate
from tests.support.installation import free_port, new_database

Run = Callable[..., tuple[int, str]]

READING = [
    ["explain", "in_1"],
    ["report", "revenue"],
    ["report", "aging", "--csv"],
    ["journal"],
    ["books", "chart"],
    ["books", "export", "--format", "csv"],
    ["check"],
    ["check", "--repair"],
    ["jobs"],
    ["jobs", "--retry", "all"],
    ["keys"],
    ["keys", "--roll", "mk_1"],
    ["accounts"],
    ["accounts", "--upcoming-days", "5"],
    ["catalog", "export"],
    ["catalog", "apply", __file__],
    ["import", "usage", __file__, "--customer", "cus_1", "--meter", "calls=1", "--time", "at"],
]
"""What reads or changes an installation, and begins none."""


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Iterator[Run]:
    """Run `billow` with these words and settings: its status, and what it said."""
    handler = signal.getsignal(signal.SIGTERM)

    def ran(*words: str, **settings: str) -> tuple[int, str]:
        with monkeypatch.context() as patched:
            for name in ("BILLOW_DATA", "BILLOW_ACCOUNT", "BILLOW_PORT", "BILLOW_HOST"):
                patched.setenv(name, "")  # so that what a command sets is taken back
                patched.delenv(name)
            for name, value in {"BILLOW_DATA": str(tmp_path / "mistyped"), **settings}.items():
                patched.setenv(name, value)
            patched.setattr(sys, "argv", ["billow", *words])
            with pytest.raises(SystemExit) as ended:
                cli.main()
        said = capsys.readouterr()
        return int(ended.value.code or 0), said.out + said.err

    yield ran
    signal.signal(signal.SIGTERM, handler)


@pytest.fixture(scope="module")
def empty(server_url: str) -> str:
    return new_database(server_url)


@pytest.mark.parametrize("words", READING, ids=" ".join)
def test_a_folder_without_a_database_is_named_and_left_as_it_is(
    run: Run, tmp_path: Path, words: list[str]
) -> None:
    """Each made a database there, and printed an empty report of it, or made a key that nobody saw."""
    folder = tmp_path / "mistyped"
    told = f"billow: {folder} holds no database of billow: `billow up` makes one. Nothing was made here.\n"
    assert run(*words, BILLOW_DATABASE_URL="") == (1, told)
    assert not folder.exists()


@pytest.mark.parametrize("words", READING, ids=" ".join)
def test_an_empty_database_stays_empty(run: Run, empty: str, words: list[str]) -> None:
    status, said = run(*words, BILLOW_DATABASE_URL=empty)
    assert status == 1 and "holds nothing of billow" in said, said
    with psycopg.connect(empty) as conn:
        assert conn.execute("select 1 from pg_namespace where nspname = 'billow'").fetchone() is None


@pytest.fixture
def bare(server_url: str) -> str:
    """A database that is migrated, and of which nobody has said anything."""
    made = new_database(server_url)
    migrate.migrate(made)
    return made


@pytest.mark.parametrize("words", [["keys"], ["report", "revenue"], ["jobs"]], ids=" ".join)
def test_a_command_that_reads_makes_no_account_and_no_key_that_nobody_sees(
    run: Run, bare: str, words: list[str]
) -> None:
    status, said = run(*words, BILLOW_DATABASE_URL=bare)
    assert status == 1 and "There is no account yet" in said
    with psycopg.connect(bare) as conn:
        assert conn.execute("select count(*) from billow.accounts").fetchone() == (0,)


def test_a_command_that_begins_an_installation_shows_its_first_key(run: Run, bare: str) -> None:
    status, said = run("keys", "--create", BILLOW_DATABASE_URL=bare)
    assert status == 0 and said.count("shown this once: sk_test_") == 2, "the first key and the one asked for"


def test_an_older_database_is_not_migrated_by_a_report(run: Run, bare: str) -> None:
    with psycopg.connect(bare) as conn:
        conn.execute("delete from billow.migrations where number > 3")
    status, said = run("report", "revenue", BILLOW_DATABASE_URL=bare)
    assert status == 2 and "run `billow migrate` first" in said
    with psycopg.connect(bare) as conn:
        assert conn.execute("select count(*) from billow.migrations").fetchone() == (3,)


@pytest.mark.parametrize("words", [*READING, ["migrate"], ["backup", "file"]], ids=" ".join)
def test_a_database_that_cannot_be_reached_is_one_line(run: Run, words: list[str]) -> None:
    away = f"postgresql://billow@127.0.0.1:{free_port()}/billow"
    status, said = run(*words, BILLOW_DATABASE_URL=away)
    assert status == 2 and said.count("\n") == 1, said
    assert said.startswith("billow: the database cannot be reached: ") and "␊" not in said, said


@pytest.mark.parametrize("words", [["report", "revenue"], ["keys"], ["migrate"]], ids=" ".join)
def test_a_role_that_may_not_read_is_one_line(run: Run, bare: str, server_url: str, words: list[str]) -> None:
    name = urlsplit(bare).path.strip("/").replace("billow_", "stranger_")
    with psycopg.connect(server_url, autocommit=True) as conn:
        conn.execute(f"create role {name} login")
    try:
        found = urlsplit(bare)
        stranger = urlunsplit(found._replace(netloc=f"{name}@{found.netloc.rpartition('@')[2]}"))
        status, said = run(*words, BILLOW_DATABASE_URL=stranger)
        assert status in (1, 2), said
        assert said.startswith("billow: ") and said.count("\n") == 1, said
    finally:
        with psycopg.connect(server_url, autocommit=True) as conn:
            conn.execute(f"drop role {name}")
