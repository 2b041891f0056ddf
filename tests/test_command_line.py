"""Is what a command cannot mean refused with one line and status 2, before anything is done?"""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from billow import __main__ as cli
from billow import app as application
from billow import commands
from billow.app import App
from tests.conftest import Api

Run = Callable[..., tuple[int, str]]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run `billow` with these words: its status, and what it said."""

    def ran(*words: str) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["billow", *words])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        said = capsys.readouterr()
        return int(ended.value.code or 0), said.out + said.err

    return ran


@pytest.fixture
def here(app: App, api: Api, monkeypatch: pytest.MonkeyPatch) -> App:
    """The commands, about the account of the test."""
    built = application.App(app.db, app.keys, app.server, api.account, None)

    @contextmanager
    def opened(*args: Any, **more: Any) -> Iterator[App]:
        yield built

    monkeypatch.setattr(cli, "open_installation", opened)
    return built


@pytest.mark.parametrize(
    ("option", "words"),
    [
        ("--account", ["accounts", "--account", ""]),
        ("--at", ["report", "revenue", "--at", ""]),
        ("--create", ["accounts", "--create", " \t"]),
        ("--create", ["accounts", "--create="]),
        ("--data", ["up", "--data", ""]),
        ("--database", ["check", "--database", ""]),
        ("--retry", ["jobs", "--retry", ""]),
        ("--roll", ["keys", "--roll", "", "--overlap", "5"]),
        ("--tenant", ["check", "--full", "--tenant="]),
        ("--until", ["restore", __file__, "--until", ""]),
    ],
)
def test_an_option_without_a_value_is_refused_and_not_passed_over(
    run: Run, monkeypatch: pytest.MonkeyPatch, option: str, words: list[str]
) -> None:
    """`--until "$TIME"` where TIME is not set would go back to another instant, and say that all is well."""

    def begun(*given: Any, **more: Any) -> None:
        raise SystemExit(0)

    monkeypatch.setattr(cli, "read_settings", begun)
    monkeypatch.setattr(cli, "open_installation", begun)
    assert run(*words) == (2, f"billow: {option} was given without a value; nothing was done.\n")


def test_what_begins_like_an_option_or_is_a_value_is_left_alone(run: Run, here: App) -> None:
    status, said = run("accounts", "--create", "a=")
    assert status == 0 and ": a=. Its keys" in said


def test_an_account_has_a_name(run: Run, here: App) -> None:
    before = commands.account_rows(here)
    assert run("accounts", "--create", "")[0] == 2
    assert commands.account_rows(here) == before


@pytest.mark.parametrize("permissions", [[], ["--permission", "customers=none"]])
def test_a_restricted_key_that_may_do_nothing_is_not_made(
    run: Run, here: App, permissions: list[str]
) -> None:
    before = commands.key_rows(here, "test")
    status, said = run("keys", "--create", "--kind", "restricted", *permissions)
    assert status == 2 and "billow: A restricted key needs at least one permission" in said
    assert commands.key_rows(here, "test") == before


@pytest.mark.parametrize("command", ["up", "serve", "work", "migrate", "check", "keys"])
def test_a_setting_that_nobody_can_use_ends_every_command_alike(
    run: Run, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    monkeypatch.setenv("BILLOW_THREADS", "0")
    assert run(command) == (2, "billow: BILLOW_THREADS='0': must be a whole number from 1 to 256\n")


@pytest.mark.parametrize(
    ("words", "command"),
    [
        (("seller", "--account", "acct_2", "set", "name=Acme"), "billow seller set … --account …"),
        (("mails", "--mode", "live", "set", "--on", "receipt"), "billow mails set … --mode …"),
        (("rates", "--account", "acct_2", "load", __file__), "billow rates load … --account …"),
        (("costs", "--mode", "live", "set", "calls", "1", "eur"), "billow costs set … --mode …"),
    ],
)
def test_options_that_a_command_would_not_see_are_refused(
    run: Run, here: App, words: tuple[str, ...], command: str
) -> None:
    """`--account` before `set` was dropped, and another account's seller was changed."""
    status, said = run(*words)
    assert status == 2 and command in said
