"""Print to a terminal, so that no text can send it control sequences."""

import sys
from collections.abc import Iterable, Sequence
from datetime import datetime
from importlib import metadata
from itertools import zip_longest
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from billow.core.errors import require
from billow.core.plain_text import plain, plain_lines

Data = Annotated[Path | None, typer.Option(help="Folder of the embedded database and files (BILLOW_DATA).")]
Port = Annotated[int | None, typer.Option(help="Port to listen on (BILLOW_PORT).")]
Account = Annotated[str | None, typer.Option(help="Account id (BILLOW_ACCOUNT); by default the oldest.")]
Host = Annotated[str | None, typer.Option(help="Address to listen on (BILLOW_HOST).")]

console = Console(width=None if sys.stdout.isatty() else 200)
"""Into a file or a pipe, tables are 200 columns wide."""


def show_version(wanted: bool) -> None:
    if wanted:
        write(f"billow {metadata.version('billow')}\n")
        raise typer.Exit


def options(
    version: Annotated[
        bool, typer.Option("--version", callback=show_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Accept the options that stand before a command."""


def stands_alone(context: typer.Context) -> bool:
    """Return whether a group is run without a command; refuse options before one, which does not see them.

    Silently dropped, `--account` would let the command change another account than the one that is named.
    """
    if not context.invoked_subcommand:
        return True
    sources = {one: context.get_parameter_source(one) for one in context.params}
    given = [one for one, source in sources.items() if source and source.name == "COMMANDLINE"]
    words = f"{context.command_path} {context.invoked_subcommand}"
    options = ", ".join(f"--{one}" for one in given)
    require(not given, f"Write {options} behind the command: {words} … {options} …")
    return False


def tell(findings: Iterable[tuple[bool, str]]) -> bool:
    """Print each finding as soon as it is known; return whether all are good."""
    return all([said(good, what) for good, what in findings])


def said(good: bool, what: str) -> bool:
    """Print a finding with its mark; control characters in it have no effect."""
    mark = ("ok", "green") if good else ("no", "red")
    console.print(Text.assemble(mark, "  ", plain(what)), soft_wrap=True)
    return good


def say(words: str, style: str = "") -> None:
    """Print one line literally: without markup, and without control characters."""
    console.print(Text(plain(words), style=style), soft_wrap=True)


def tell_key(words: str, key: str) -> None:
    console.print(Text.assemble(f"{words} " if words else "", (key, "bold")), soft_wrap=True)


def tell_new_key(key: str | None) -> None:
    """Print the test key of an installation that this command began."""
    if key:
        tell_key("Your test key, shown this once:", key)


def tell_first_owner(url: str | None) -> None:
    """Print the link of the dashboard's first owner, on an installation that has nobody yet."""
    if url:
        tell_key("The dashboard has no owner yet. Become it within the hour:", url)


def write(text: str) -> None:
    """Write text unchanged into a file or a pipe, and without control characters to a terminal."""
    sys.stdout.write(plain_lines(text.replace("\r\n", "\n")) if sys.stdout.isatty() else text)


def show(title: str, columns: list[str], rows: list[list[Any]]) -> None:
    """Print a table, with columns of numbers aligned to the right."""
    table = Table(title=Text(plain(title)))
    for place, column in enumerate(columns):
        cells = [shown(row[place]) for row in rows if row[place] is not None]
        number = bool(cells) and all(cell[-1:].isdigit() and not cell[0].isalpha() for cell in cells)
        name = Text(plain(column.replace("_", " ")))
        table.add_column(name, justify="right" if number else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text("" if value is None else plain(shown(value))) for value in row))
    console.print(table)


def shown(value: Any) -> str:
    """Format a cell; times to the second."""
    return value.isoformat(" ", "seconds") if isinstance(value, datetime) else str(value)


def require_values(words: Sequence[str]) -> None:
    """Refuse an option with an empty value, such as "$NAME" of a variable that is not set."""
    for word, following in zip_longest(words, words[1:], fillvalue="-"):
        name, equals, value = word.partition("=")
        given = value if equals else following
        require(
            not name.startswith("--") or given.strip(), f"{name} was given without a value; nothing was done."
        )
