"""Run the commands of `billow books`: the chart of accounts, exports, and accounting periods."""

import sys
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Annotated, Any

import typer

from billow import commands, reports
from billow.app import App
from billow.core.books import chart as charting
from billow.core.books import periods
from billow.core.errors import require
from billow.flows.outside import books as keeping
from billow.flows.taxes import national
from billow.ledger import charts
from billow.ledger.exports import Books, beancount, datev, hledger, separated, sie
from billow.ledger.exports.converted import GAIN, LOSS
from billow.ledger.journal import major_units
from billow.opening import open_installation
from billow.store.tx import Tx
from billow.terminal import Account, Data, say, show, write

books = typer.Typer(
    no_args_is_help=True, help="Map the books to a chart of accounts, export them, close periods."
)
MODES = ("test", "live")
Mode = Annotated[str, typer.Option(help="test or live.")]


# ------------------------------------------------------------------------------------- chart


@books.command("chart")
def show_chart(
    ready: Annotated[
        str, typer.Option("--write", help="Take a chart that comes with billow: bas, skr03, skr04 or plain.")
    ] = "",
    file: Annotated[
        Path | None, typer.Option("--load", help="Take the chart of a CSV file.", exists=True, dir_okay=False)
    ] = None,
    renumber: Annotated[
        bool, typer.Option("--renumber", help="Also where closed months would get other numbers.")
    ] = False,
    account: Account = None,
    data: Data = None,
) -> None:
    """Print the chart of accounts as CSV, after changing it where an option says so."""
    require(not (ready and file), "Take one chart: --write or --load.")
    chosen = charts.ready(ready) if ready else charts.read(file.read_text("utf-8-sig")) if file else None
    with open_installation(data, account) as built:
        for mode in MODES if chosen and not renumber else ():
            with built.db.snapshot(commands.tenant(built, mode)) as tx:
                keeping.require_same_numbers(tx, chosen or keeping.chart_of(tx))
        with built.db.transaction(commands.tenant(built, "test")) as tx:
            if chosen:
                keeping.set_books(tx, chart=charting.written(chosen))
            write(charting.written(keeping.chart_of(tx)))


@books.command("set")
def set_books(
    first_month: Annotated[
        int | None, typer.Option(help="The month in which the fiscal year begins, 1 to 12.")
    ] = None,
    consultant: Annotated[str, typer.Option(help="The consultant's number at DATEV.")] = "",
    client: Annotated[str, typer.Option(help="The client's number at DATEV.")] = "",
    revalue: Annotated[
        bool | None,
        typer.Option(
            "--revalue/--no-revalue",
            help="Value what is owed in other currencies at each month's end, in the account's currency.",
        ),
    ] = None,
    account: Account = None,
    data: Data = None,
) -> None:
    """Set when the fiscal year begins, the numbers of DATEV, and whether open items are valued."""
    require(first_month is None or 1 <= first_month <= 12, "A month is 1 to 12.")
    for name, given, least, most in (
        ("consultant", consultant, 1001, 9_999_999),
        ("client", client, 1, 99_999),
    ):
        right = not given or (given.isdecimal() and least <= int(given) <= most)
        require(right, f"The {name} is a number of DATEV, from {least} to {most}.")
    wanted = {"first_month": first_month, "consultant": consultant, "client": client}
    with open_installation(data, account) as built:
        for mode in MODES if first_month else ():
            with built.db.snapshot(commands.tenant(built, mode)) as tx:
                keeping.require_a_new_year(tx, first_month or 1)
        with built.db.transaction(commands.tenant(built, "test")) as tx:
            kept = {name: value for name, value in wanted.items() if value}
            keeping.set_books(tx, **kept, **({} if revalue is None else {"revalues": revalue}))
            start, end = periods.fiscal_year(keeping.today(tx), keeping.first_month(tx))
        say(f"The fiscal year is {start} to {end}.")


# ------------------------------------------------------------------------------------- export


def separate(made: Books) -> Sequence[bytes]:
    rows = [[str(cell) for cell in row] for row in separated.rows(made)]
    return [reports.csv(reports.Table(separated.COLUMNS, rows)).encode()]


FORMATS: dict[str, Callable[[Books], Sequence[bytes]]] = {
    "beancount": beancount.write,
    "hledger": hledger.write,
    "sie": sie.write,
    "datev": datev.write,
    "csv": separate,
}
OF_ONE_YEAR = ("sie", "datev")
"""The formats that have one fiscal year and one currency in a file."""


@books.command("export")
def export(
    kind: Annotated[str, typer.Option("--format", help="beancount, hledger, sie, datev or csv.")],
    since: Annotated[str, typer.Option("--from", help="The first day or month; else the fiscal year.")] = "",
    until: Annotated[
        str, typer.Option("--to", help="The last day or month, included; today by default.")
    ] = "",
    currency: Annotated[
        str, typer.Option(help="Of sie and datev: this one alone; else all, converted into the account's.")
    ] = "",
    home: Annotated[
        bool, typer.Option("--home", help="Of all others: convert all into the account's currency.")
    ] = False,
    leave_out_unrated: Annotated[
        bool,
        typer.Option(
            "--leave-out-unrated",
            help="Leave out what is in currencies that lack an exchange rate, and list its vouchers.",
        ),
    ] = False,
    out: Annotated[Path | None, typer.Option(help="The file to write, instead of printing.")] = None,
    mode: Mode = "test",
    account: Account = None,
    data: Data = None,
) -> None:
    """Export the books of some days, in the account's time zone and by its chart of accounts."""
    require(kind in FORMATS, f"There is no format {kind}; there are {', '.join(FORMATS)}.")
    require(not (home and currency), "Take one: --home or --currency.")
    with open_installation(data, account) as built:
        converts = home or (kind in OF_ONE_YEAR and not currency)
        asked = Asked((since, until), currency.lower(), converts, leave_out_unrated)
        made = read(built, mode, asked)
    for one in made.left_out:
        currencies = ", ".join(sorted({leg.currency.upper() for leg in one.legs}))
        say_aside(f"Left out: {one.series}{one.number} {one.booked} {one.document} {one.name} {currencies}")
    if kind in OF_ONE_YEAR:
        require(
            made.until <= made.year[1],
            f"{kind} has one fiscal year in a file, and {made.year[1]} is the last day of it.",
        )
        left_out = [other.upper() for other in made.currencies() if other != made.currency]
        if left_out:
            say_aside(
                f"Only {made.currency.upper()} is in it: {', '.join(left_out)} are exports of their own."
            )
    if kind == "datev" and not (made.company.consultant and made.company.client):
        say_aside("It names no consultant and client of yours: `billow books set --consultant --client`.")
    deliver(FORMATS[kind](made), out)


@dataclass(frozen=True, slots=True)
class Asked:
    """Which books are asked for: their days, one currency alone or all, converted or as they are."""

    days: tuple[str, str]
    currency: str = ""
    converts: bool = False
    leaves_out: bool = False
    """Whether currencies that lack a rate of exchange are left out; else they are refused."""


def read(built: App, mode: str, asked: Asked) -> Books:
    number(built, mode, asked.days[1])
    with built.db.snapshot(commands.tenant(built, mode)) as tx:
        return books_in(tx, asked)


def number(built: App, mode: str, until: str) -> None:
    """Give the vouchers their numbers that have none, up to the last day asked for."""
    with built.db.transaction(commands.tenant(built, mode)) as tx:
        keeping.number_vouchers(tx, periods.last_day(until) if until else keeping.today(tx))


def books_in(tx: Tx, asked: Asked) -> Books:
    """Read the books of some days; rates of exchange are looked up in this transaction, also later."""
    first, last = asked.days
    until = periods.last_day(last) if last else keeping.today(tx)
    since = periods.first_day(first) if first else first_of_year(until, keeping.first_month(tx))
    require(since <= until, f"{since} is after {until}.")
    rates = (lambda on: national.rates_on(tx, on)) if asked.converts else None
    return keeping.books_of(tx, since, until, asked.currency, rates, leaves_out=asked.leaves_out)


def first_of_year(day: date, first_month: int) -> date:
    return periods.fiscal_year(day, first_month)[0]


def deliver(files: Sequence[bytes], out: Path | None) -> None:
    """Write files beside one another, with numbers if there are several, or print the only one."""
    if out is None:
        require(len(files) == 1, f"These are {len(files)} files: name the first with --out.")
        if sys.stdout.isatty():
            write(files[0].decode("utf-8", "replace"))
        else:
            sys.stdout.flush()
            sys.stdout.buffer.write(files[0])
        return
    for place, content in enumerate(files, 1):
        path = out if place == 1 else out.with_name(f"{out.stem}-{place}{out.suffix}")
        path.write_bytes(content)
        say(f"{path}: {len(content)} bytes")


def say_aside(words: str) -> None:
    """Say something beside an export, which may be on the standard output."""
    typer.echo(words, err=True)


@books.command("vouchers")
def list_vouchers(
    number: Annotated[str, typer.Argument(help="The number of an account of the chart, as 1510.")],
    since: Annotated[str, typer.Option("--from", help="The first day or month; else the fiscal year.")] = "",
    until: Annotated[
        str, typer.Option("--to", help="The last day or month, included; today by default.")
    ] = "",
    mode: Mode = "test",
    account: Account = None,
    data: Data = None,
) -> None:
    """List the vouchers that make the balance of an account of the chart, with the balance after each."""
    with open_installation(data, account) as built:
        made = read(built, mode, Asked((since, until)))
    known = {row.number: row.name for row in made.rows()}
    require(number in known, f"Nothing is booked on {number}; there are {', '.join(known) or 'no accounts'}.")
    columns = ["voucher", "booked", "document", "name", "event", "amount", "balance", "currency"]
    show(f"{number} {known[number]}", columns, statement(made, number))


def statement(made: Books, number: str) -> list[list[Any]]:
    """Return the lines of an account's statement, after the opening balance of each currency."""
    lines, balances = [], Counter[str]()
    for (row, currency), amount in made.at_start().items():
        if row.number == number:
            balances[currency] += amount
    for currency, amount in balances.items():
        lines.append(["", made.since, "", "", "opening balance", "", major_units(amount, currency), currency])
    for booking in made.bookings:
        of = booking.voucher
        for one in booking.entries:
            if one.row.number == number:
                balances[one.currency] += one.amount
                amounts = [major_units(each, one.currency) for each in (one.amount, balances[one.currency])]
                about = [booking.name, of.booked, of.document, of.name, of.event]
                lines.append([*about, *amounts, one.currency])
    return lines


@books.command("exchange")
def show_exchange(
    since: Annotated[str, typer.Option("--from", help="The first day or month; else the fiscal year.")] = "",
    until: Annotated[
        str, typer.Option("--to", help="The last day or month, included; today by default.")
    ] = "",
    mode: Mode = "test",
    account: Account = None,
    data: Data = None,
) -> None:
    """Show what was gained and lost on exchange, and what is owed in other currencies is worth at the end."""
    with open_installation(data, account) as built:
        number(built, mode, until)
        with built.db.snapshot(commands.tenant(built, mode)) as tx:
            made = books_in(tx, Asked((since, until), converts=True))
            won, still_open = gained(made), worths(made)
    currency = made.currency.upper()
    columns = ["voucher", "booked", "document", "name", "event", currency]
    show("gained on exchange (lost: -)", columns, won)
    columns = ["account", "in", "amount", f"carried at, {currency}", f"worth, {currency}", "difference"]
    show(f"open on {made.until}", columns, still_open)


def gained(made: Books) -> list[list[Any]]:
    """Return the differences on exchange of the vouchers, and their sum."""
    lines, total = [], 0
    for booking in made.bookings:
        of = booking.voucher
        for one in booking.entries:
            if one.account in (GAIN, LOSS):
                total -= one.amount
                about = [booking.name, of.booked, of.document, of.name, of.event]
                lines.append([*about, major_units(-one.amount, made.currency)])
    return [*lines, ["", "", "", "", "in all", major_units(total, made.currency)]]


def worths(made: Books) -> list[list[Any]]:
    """Return what is owed in other currencies, what it is carried at, and what it is worth."""
    lines, total = [], 0
    for account, currency, foreign, carried, worth in made.home.valued(made.until) if made.home else ():
        total += worth - carried
        at_home = [major_units(one, made.currency) for one in (carried, worth, worth - carried)]
        lines.append([account, currency.upper(), major_units(foreign, currency), *at_home])
    return [*lines, ["in all", "", "", "", "", major_units(total, made.currency)]]


# ------------------------------------------------------------------------------------- periods

Month = Annotated[str, typer.Argument(help="A month, as 2026-10.")]


@books.command("close")
def close(
    month: Month,
    hard: Annotated[bool, typer.Option("--hard", help="For good: nothing opens it again.")] = False,
    mode: Mode = "test",
    account: Account = None,
    data: Data = None,
) -> None:
    """Close a month and all before it. What comes late is booked on the first day that is open."""
    with open_installation(data, account) as built, built.db.transaction(commands.tenant(built, mode)) as tx:
        keeping.close(tx, month, hard=hard)
    say(f"{month} is closed{' for good' if hard else ', until it is reopened'}.")


@books.command("reopen")
def reopen(month: Month, mode: Mode = "test", account: Account = None, data: Data = None) -> None:
    """Open a softly closed month again, and those after it."""
    with open_installation(data, account) as built, built.db.transaction(commands.tenant(built, mode)) as tx:
        keeping.reopen(tx, month)
    say(f"{month} is open again.")


@books.command("periods")
def list_periods(mode: Mode = "test", account: Account = None, data: Data = None) -> None:
    """List the months of the books, and which are closed."""
    with open_installation(data, account) as built:
        with built.db.snapshot(commands.tenant(built, mode)) as tx:
            found = keeping.periods_of(tx)
        show("periods", ["month", "from", "to", "state"], [list(row) for row in found])
