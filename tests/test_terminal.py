"""Does what people are shown command neither their terminal nor the library that draws on it?"""

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from billow import __main__ as cli
from billow import app as application
from billow.app import App
from billow.core.errors import Refused
from billow.core.plain_text import plain, plain_lines
from billow.demonstration import telling
from billow.reports import Table, csv
from tests.conftest import Api

ESCAPE = "\x1b[2J\x1b]0;owned\x07"
HOSTILE = [
    "[/x]",
    "[bold red]x",
    "[link=http://x.example]y",
    ESCAPE,
    "a\rb",
    "1\u202e2",
    "\x9b1m",
    ":boom:",
    "x\\",
]


@pytest.fixture
def here(app: App, api: Api, monkeypatch: pytest.MonkeyPatch) -> App:
    """The commands, about the account of the test."""
    built = application.App(app.db, app.keys, app.server, api.account, None)

    @contextmanager
    def opened(*args: Any, **more: Any) -> Iterator[App]:
        yield built

    monkeypatch.setattr(cli, "open_installation", opened)
    return built


def harmless(shown: str) -> bool:
    return all(line.isprintable() for line in shown.splitlines() if line) and "\r" not in shown


@pytest.mark.parametrize("name", HOSTILE)
def test_a_table_shows_any_name_as_it_is_written(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    cli.show(name, [name, "amount"], [[name, 5], [None, -3]])
    shown = capsys.readouterr().out
    assert harmless(shown) and shown.count(plain(name)) == 3


@pytest.mark.parametrize("name", HOSTILE)
def test_a_line_shows_any_word_as_it_is_written(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    cli.say(f"line 3: {name}", "red")
    cli.tell_key("Its key:", name.replace("\x1b", ""))
    shown = capsys.readouterr().out
    assert shown.startswith(f"line 3: {plain(name)}\n")


def test_keys_and_accounts_of_any_name_are_listed(
    here: App, api: Api, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in HOSTILE:
        api.post("/v1/api_keys", {"name": name})
    with here.db.connection() as conn:
        conn.execute("update accounts set name = %s where id = %s", (f"[/x]{ESCAPE}", api.account))
    cli.keys(permission=None)
    cli.accounts()
    cli.routes()
    shown = capsys.readouterr().out
    assert harmless(shown) and all(plain(name) in shown for name in HOSTILE) and plain(ESCAPE) in shown


def test_an_invoice_of_any_description_is_explained(
    here: App, api: Api, capsys: pytest.CaptureFixture[str]
) -> None:
    customer = api.post("/v1/customers")["id"]
    item = {"customer": customer, "amount": "500", "currency": "usd", "description": f"[/x]{ESCAPE}\nTotal 0"}
    api.post("/v1/invoiceitems", item)
    sent = {"customer": customer, "pending_invoice_items_behavior": "include"}
    invoice = api.post("/v1/invoices", sent)["id"]
    cli.explain(invoice)
    shown = capsys.readouterr().out
    assert harmless(shown) and plain(f"[/x]{ESCAPE}\nTotal 0") in shown


def test_findings_and_refusals_of_any_words_are_told(
    here: App, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert cli.tell((False, word) for word in HOSTILE) is False

    def refuse() -> None:
        raise Refused(f"[/x]{ESCAPE}")

    monkeypatch.setattr(cli, "cli", refuse)
    with pytest.raises(SystemExit):
        cli.main()
    shown = capsys.readouterr().out
    assert harmless(shown) and all(f"no  {plain(word)}" in shown for word in HOSTILE)
    assert f"billow: {plain(f'[/x]{ESCAPE}')}" in shown


def test_an_import_names_bad_rows_of_any_content(
    here: App, api: Api, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    meter = {"display_name": "Calls", "event_name": "calls", "default_aggregation[formula]": "sum"}
    api.post("/v1/billing/meters", meter)
    file = tmp_path / "use[bold].csv"
    file.write_text(f"at,who,n\n2026-01-01,[/x]{ESCAPE},{ESCAPE}\n")
    with pytest.raises(cli.typer.Exit):
        cli.import_usage(file, meter=["calls=n"], customer_column="who", time="at")
    shown = capsys.readouterr().out
    assert "\x1b]" not in shown and "\x07" not in shown and "line 2: " in shown


@pytest.mark.parametrize("terminal", [True, False])
def test_a_file_is_written_exactly_and_a_terminal_is_not_commanded(
    terminal: bool, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: terminal)
    text = f'a,b\r\n"{ESCAPE}",-5\r\n'
    cli.write(text)
    assert capsys.readouterr().out == (f'a,b\n"{plain(ESCAPE)}",-5\n' if terminal else text)


def test_a_spreadsheet_runs_no_text_and_keeps_amounts_as_numbers() -> None:
    rows = [["=1+1", -5], ["+1", 0], ["-1", 7], ["@x", 1], ["\t=1", 2], ["plain", -3]]
    assert csv(Table(["=name", "amount"], rows)).split("\r\n") == [
        "'=name,amount",
        "'=1+1,-5",
        "'+1,0",
        "'-1,7",
        "'@x,1",
        "'\t=1,2",
        "plain,-3",
        "",
    ]


def test_a_log_line_is_one_line_and_acts_on_nothing() -> None:
    lines = application.PlainLines("%(levelname)s %(message)s")
    record = logging.LogRecord("x", logging.ERROR, "", 1, "it was %s", (f"a\nERROR forged{ESCAPE}",), None)
    assert lines.format(record) == f"ERROR it was a␊ERROR forged{plain(ESCAPE)}"
    try:
        raise ValueError(ESCAPE)
    except ValueError:
        record.exc_info = sys.exc_info()
    assert harmless(lines.format(record)) and len(lines.format(record).splitlines()) > 2


def test_the_demonstration_shows_any_name() -> None:
    cells = telling.lines_of(
        {
            "customer_name": "[/x]",
            "number": "A-1",
            "status": "paid",
            "total": 5,
            "currency": "usd",
            "lines": {"data": [{"description": f"[/y]{ESCAPE}", "amount": 5}]},
        }
    )
    cli.console.print(telling.table("x", ["a", "b", "c"], cells, words=2))
    assert plain(ESCAPE) in str(cells)


def test_text_of_all_scripts_stays_as_it_is() -> None:
    kept = "Zoë \N{WHITE FLAG}\u200d\N{RAINBOW} علی\u200cرضا 例子 [x] 5 €"
    assert plain(kept) == kept and plain_lines(f"{kept}\n\n{kept}") == f"{kept}\n\n{kept}"
    assert plain(None) == "None" and plain(5) == "5"


def test_an_instant_in_a_table_is_shown_to_the_second(capsys: pytest.CaptureFixture[str]) -> None:
    at = datetime(2026, 11, 29, 16, 47, 22, 962123, tzinfo=UTC)
    cli.show("keys", ["id", "created"], [["rk_1", at], ["rk_2", None]])
    said = capsys.readouterr().out
    assert "2026-11-29 16:47:22+00:00" in said and "962" not in said
