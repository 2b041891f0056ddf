"""The command line: run billow, bring data in, print reports and explain invoices."""

import gc

gc.disable()  # nothing of 1,700 modules is garbage, and looking for it takes a sixth of the time of a start

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import psycopg
import typer

from billow import (
    adjusting,
    banking,
    commands,
    exchanging,
    mailing,
    measuring,
    paying,
    processes,
    recovering,
    reports,
    running,
    selling,
    settings,
    staffing,
    stating,
    taxing,
)
from billow import app as application
from billow.core.calendar import read_instant
from billow.core.errors import Refused
from billow.core.plain_text import plain
from billow.opening import NOT_MIGRATED, NoDatabase, database, open_installation, read_settings
from billow.settings import Settings
from billow.store import archive_lag, rewind, unfinished, wal
from billow.store import migrate as migrations
from billow.store.backup import CannotBackUp, Installation
from billow.store.backup import take as take_backup
from billow.store.backup_file import Damaged, Reader
from billow.store.clocks import ClockDiffers, Comparison, utc_now
from billow.store.embedded import CannotRun
from billow.store.programs import ProgramFailed
from billow.store.restore import CannotRestore, Target, restored
from billow.store.tx import Database
from billow.terminal import (
    Account,
    Data,
    console,
    options,
    require_values,
    say,
    show,
    tell,
    tell_key,
    tell_new_key,
    write,
)

gc.freeze()
gc.enable()

cli = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="billow: self-hosted billing: usage, invoices, payments and the books.",
    callback=options,
)
load = typer.Typer(no_args_is_help=True, help="Bring in data from files.")
for command in running.COMMANDS:
    cli.command()(command)
cli.add_typer(load, name="import")
catalog = typer.Typer(no_args_is_help=True, help="Write products and prices into a file, and apply one.")
cli.add_typer(catalog, name="catalog")
cli.add_typer(banking.bank, name="bank")
cli.add_typer(banking.sepa, name="sepa")
cli.add_typer(adjusting.books, name="books")
cli.add_typer(paying.gateways, name="gateways")
cli.add_typer(mailing.mails, name="mails")
cli.add_typer(selling.seller, name="seller")
cli.add_typer(taxing.tax, name="tax")
cli.add_typer(staffing.operators, name="operators")
cli.add_typer(exchanging.rates, name="rates")
cli.add_typer(measuring.costs, name="costs")
cli.add_typer(measuring.export, name="export")
cli.registered_commands += recovering.recovery.registered_commands
cli.registered_commands += stating.stating.registered_commands


# ------------------------------------------------------------------------------------- backups


@cli.command()
def backup(
    file: Annotated[Path, typer.Argument(help="The file to write; an existing one is replaced.")],
    base: Annotated[
        bool, typer.Option("--base", help="A base backup in a folder, to restore any second from.")
    ] = False,
    data: Data = None,
) -> None:
    """Back up everything into one file: database, pepper, mails, the simulated gateway. billow may run."""
    read = read_settings(data)
    processes.end_in_order()
    if base and read.embedded is None:
        raise CannotBackUp(
            "--base is for the embedded database; another server has pg_basebackup of its own."
        )
    if read.embedded and not (read.embedded / "cluster").exists():
        raise CannotBackUp(f"There is nothing to back up: {read.data} holds no database.")
    with database(read) as url:
        kept = Installation(url, read.data, read.pepper.encode() or None)
        manifest = (wal.take_base if base else take_backup)(kept, file.absolute(), utc_now())
        warning = archive_fault(read, url) if base else None
    rows, files = sum(manifest.tables.values()), len(manifest.files) - 1
    held = "the server's files" if base else f"{rows} rows of {len(manifest.tables)} tables"
    say(f"{file}: {held}, {files} files")
    if warning:
        say(f"No log continues this base backup. The archive of the log: {warning}.", "red")
    if manifest.pepper == "environment":
        say("The pepper is not in it: keep the value of BILLOW_PEPPER, or no API key works again.")


def archive_fault(read: Settings, url: str) -> str | None:
    """Return why the log after a base backup is not archived, or None when it is."""
    if read.wal_archive is None:
        return "BILLOW_WAL_ARCHIVE is empty"
    with psycopg.connect(url, autocommit=True) as conn:
        return archive_lag.fault(conn, utc_now(), True)


@cli.command()
def restore(
    file: Annotated[Path, typer.Argument(help="What `billow backup` wrote.", exists=True)],
    until: Annotated[str, typer.Option(help="Of a base backup: the time to restore (UTC).")] = "",
    archive: Annotated[
        Path | None, typer.Option("--wal", help="The archived log (BILLOW_WAL_ARCHIVE).")
    ] = None,
    verify: Annotated[bool, typer.Option("--verify", help="Only verify that it is complete.")] = False,
    data: Data = None,
) -> None:
    """Restore a backup into an empty folder and database, after verifying all of it."""
    read = read_settings(data)
    processes.end_in_order()
    base, end = file.is_dir(), instant(until) if until else None
    if file.resolve().is_relative_to(read.data.resolve()):
        raise CannotRestore(f"{file} is inside of {read.data}, which is to be restored: move it elsewhere.")
    if base and not (file / wal.FILES).is_file():
        raise CannotRestore(f"{file} is no base backup: it has no {wal.FILES}.")
    if until and not base:
        raise CannotRestore(
            "--until is for base backups (billow backup --base); this is a file of one instant."
        )
    with Reader(file / wal.FILES if base else file) as found:
        if verify:
            rewind.verify(file, found) if base else found.verify()
            say(f"{file} is whole: made {found.manifest.made_at} by {found.manifest.version}.")
            return
        rewind.require_after(found.manifest, end)
        target = Target(read.data, read.embedded, read.database_url, read.pepper.encode() or None)
        log = archive or read.wal_archive
        with rewind.rewound(file, log, end, target) if base else restored(found, target) as url:
            findings = finish_restore(read, url)
    of = end or ("the end of the archive" if base and log else found.manifest.made_at)
    say(f"Restored to {read.data}, as it was at {of}.")
    raise typer.Exit(0 if tell(findings) else 1)


def finish_restore(read: Settings, url: str) -> list[tuple[bool, str]]:
    """Migrate the restored database, make the simulated gateway agree with it, and check both."""
    migrations.migrate(url)
    built = application.build(read, url)
    try:
        forgotten, added = commands.agree_with_gateway(built, read.data / "gateway.sqlite")
        if forgotten or added:
            say(f"The simulated gateway forgot {forgotten} attempts and was told {added} again.")
        return list(commands.check(built.db, commands.Checked()))
    finally:
        built.close()


# ------------------------------------------------------------------------------------- reading


@cli.command()
def explain(invoice: Annotated[str, typer.Argument(help="An invoice's id.")], data: Data = None) -> None:
    """Explain how an invoice was calculated: period, usage, tiers, rounding, ledger transfers."""
    with open_installation(data) as built:
        for line in commands.explain(built, invoice):
            console.out(plain(line), highlight=False)


@cli.command()
def report(
    name: Annotated[
        str, typer.Argument(help="Such as aging, vat or trial_balance; a name that is none lists all.")
    ],
    since: Annotated[str, typer.Option("--from", help="The first day or month, or a time.")] = "1970-01-01",
    until: Annotated[
        str, typer.Option("--to", "--at", help="The last day or month, included, or a time; else now.")
    ] = "",
    csv: Annotated[bool, typer.Option("--csv", help="Print CSV, with amounts in minor units.")] = False,
    mode: Annotated[str, typer.Option(help="test or live.")] = "test",
    account: Account = None,
    data: Data = None,
) -> None:
    """Print a report from the books, as a table or as CSV: days and months are those where the seller is."""
    with open_installation(data, account) as built:
        table = commands.report(built, name, since, until, mode)
        if csv:
            write(reports.csv(table))
            return
        show(name.replace("_", " "), list(table.columns), commands.major(table))


def instant(text: str) -> datetime:
    try:
        read = read_instant(text)
    except ValueError:
        raise Refused(f"{text} is no date or time, as 2026-01-31 or 2026-01-31T12:00:00.") from None
    return read if read.tzinfo else read.replace(tzinfo=UTC)


@cli.command()
def journal(
    mode: Annotated[str, typer.Option(help="test or live.")] = "test",
    account: Account = None,
    data: Data = None,
) -> None:
    """Print the whole journal in the format of beancount and Fava; `billow books export` has others."""
    with open_installation(data, account) as built:
        write(commands.journal_text(built, mode))


@cli.command()
def routes() -> None:
    """List every endpoint: method, path, function, file and line."""
    show("routes", ["method", "path", "function", "where"], commands.routes())


@cli.command()
def keys(
    create: Annotated[bool, typer.Option("--create", help="Create a key and show it once.")] = False,
    kind: Annotated[str, typer.Option(help="secret, restricted or publishable.")] = "secret",
    name: Annotated[str, typer.Option(help="What the key is for.")] = "",
    permission: Annotated[
        list[str] | None, typer.Option(help="customers=read, of a restricted key; repeatable.")
    ] = None,
    roll: Annotated[str, typer.Option(help="The id of a key to replace.")] = "",
    overlap: Annotated[int, typer.Option(help="Minutes the old key still works.", min=0, max=43200)] = 60,
    mode: Annotated[str, typer.Option(help="test or live.")] = "test",
    account: Account = None,
    data: Data = None,
) -> None:
    """List, create and replace the API keys of an account."""
    with open_installation(data, account, new=create) as built:
        tell_new_key(built.new_key)
        if create:
            made = commands.create_key(built, mode, kind, name, permission or [])
            tell_key(f"Your {mode} key, shown this once:", made)
        if roll:
            made = commands.roll_key(built, mode, roll, overlap)
            tell_key("Its successor, shown this once:", made)
        columns = ["id", "name", "kind", "key", "may", "created", "last used", "expires"]
        show("keys", columns, commands.key_rows(built, mode))


@cli.command()
def accounts(
    create: Annotated[str, typer.Option(help="The name of an account to create.")] = "",
    country: Annotated[str, typer.Option(help="Its country, whose currency it has.")] = "US",
    upcoming_days: Annotated[
        int | None, typer.Option(help="Days from invoice.upcoming to the renewal; 0: never.")
    ] = None,
    will_be_due_days: Annotated[
        int | None, typer.Option(help="Days from invoice.will_be_due to the due date; 0: never.")
    ] = None,
    api_version: Annotated[str, typer.Option(help="The API version of requests that name none.")] = "",
    account: Account = None,
    data: Data = None,
) -> None:
    """List and create accounts. Each has its own data, in a test mode and a live mode."""
    with open_installation(data, account, new=bool(create)) as built:
        tell_new_key(built.new_key)
        commands.set_account(built, upcoming_days, will_be_due_days, api_version)
        if create:
            id, made = commands.create_account(built, create, country)
            say(f"{id}: {create}. Its keys, shown this once:")
            for key in made:
                tell_key("", key)
        columns = ["id", "name", "created", "upcoming days", "will be due days", "API version"]
        show("accounts", columns, commands.account_rows(built))


@catalog.command("export")
def export_catalog(
    mode: Annotated[str, typer.Option(help="test or live.")] = "test",
    account: Account = None,
    data: Data = None,
) -> None:
    """Print products, prices, meters, features, coupons and tax rates as one YAML file."""
    with open_installation(data, account) as built:
        write(commands.export_catalog(built, mode))


@catalog.command("apply")
def apply_catalog(
    file: Annotated[Path, typer.Argument(help="YAML, as export prints it.", exists=True, dir_okay=False)],
    yes: Annotated[bool, typer.Option("--yes", help="Apply the changes, too.")] = False,
    mode: Annotated[str, typer.Option(help="test or live.")] = "test",
    account: Account = None,
    data: Data = None,
) -> None:
    """Show what a catalog file would change; with --yes, change it."""
    text = file.read_text()
    with open_installation(data, account, new=yes) as built:
        tell_new_key(built.new_key)
        planned = commands.apply_catalog(built, mode, text, really=False)
        if not planned:
            say("Nothing to change.")
            return
        show("plan", ["action", "section", "key", "fields"], planned)
        if yes:
            done = commands.apply_catalog(built, mode, text, really=True)
            say(f"{len(done)} changes made.")
        else:
            say("Nothing was changed. Run it with --yes to do it.")


@cli.command()
def jobs(
    parked: Annotated[bool, typer.Option("--parked", help="List jobs that were given up.")] = False,
    waiting: Annotated[
        bool, typer.Option("--waiting", help="List jobs that wait for a gateway or mail server.")
    ] = False,
    retry: Annotated[
        str, typer.Option(help="Run parked and waiting jobs now: a kind, a ref, or all.", metavar="WHICH")
    ] = "",
    data: Data = None,
) -> None:
    """Count jobs by kind, over all accounts: due, overdue, waiting for a gateway or mail server, given up."""
    with open_installation(data) as built:
        if retry:
            say(f"{commands.retry_jobs(built, retry)} jobs are due now.")
        if parked or waiting:
            columns = ["kind", "ref", "account", "tries", "since", "next", "reason"]
            title = "parked jobs" if parked else "waiting jobs"
            found = commands.stuck_rows(built, parked=parked)
        else:
            columns = ["kind", "lane", "due", "overdue", "waiting", "parked", "oldest"]
            title, found = "jobs", commands.job_rows(built)
        if found:
            show(title, columns, found)
        else:
            say(f"There are no {title}." if title != "jobs" else "No job needs attention.")


@cli.command()
def check(
    full: Annotated[bool, typer.Option("--full", help="Check all transfers and events.")] = False,
    since: Annotated[
        list[str] | None, typer.Option(help="A hash (`head`) that an earlier check printed; repeatable.")
    ] = None,
    repair: Annotated[bool, typer.Option("--repair", help="Set timers that are missing.")] = False,
    tenant: Annotated[str, typer.Option(help="Check one only, as acct_1/live.")] = "",
    gateways: Annotated[
        bool, typer.Option("--gateways", help="Ask the gateways about every payment, and compare.")
    ] = False,
    replica: Annotated[
        str, typer.Option("--database", help="URL of a database to read, such as a replica.")
    ] = "",
    data: Data = None,
) -> None:
    """Check the installation: roles, migrations, books, the sealed ledger, timers and failed jobs."""
    read = read_settings(data)
    settings.check_database_url(replica)
    archived = read.embedded is not None and read.wal_archive is not None and not replica
    wanted = commands.Checked(tenant, repair, full, tuple(since or []), gateways, archived)
    with nullcontext(replica) if replica else database(read) as url:
        db = Database(url, size=2)
        db.outside = application.outside_of(read, db)
        db.comparison = Comparison(timedelta(seconds=read.clock_tolerance))
        try:
            db.check_clock()
            sound = tell(commands.check(db, wanted))
        finally:
            db.close()
    raise typer.Exit(0 if sound else 1)


# ------------------------------------------------------------------------------------- importing


@load.command("usage")
def import_usage(
    file: Annotated[Path, typer.Argument(help="CSV or NDJSON, may be gzipped.", exists=True, dir_okay=False)],
    mapping: Annotated[
        Path | None, typer.Option("--map", help="A TOML file that says what each column is.")
    ] = None,
    meter: Annotated[
        list[str] | None, typer.Option(help="event_name=column, or event_name=1; repeatable.")
    ] = None,
    customer: Annotated[str, typer.Option(help="The customer id of all rows.")] = "",
    customer_column: Annotated[str, typer.Option(help="The column that holds the customer's id.")] = "",
    time: Annotated[str, typer.Option(help="The column that holds the time.")] = "",
    time_format: Annotated[str, typer.Option(help="iso, unix or unix_ms.")] = "",
    identifier: Annotated[str, typer.Option(help="A template of {file}, {line}, {hash}, or a column.")] = "",
    older: Annotated[bool, typer.Option("--older", help="Accept events older than 35 days.")] = False,
    mode: Annotated[str, typer.Option(help="test or live.")] = "test",
    data: Data = None,
) -> None:
    """Import usage from a file. Bad rows are listed; a file that is imported twice is counted once."""
    flags = {
        "meters": commands.meters(meter or []),
        "customer": customer,
        "customer_column": customer_column,
        "time": time,
        "time_format": time_format,
        "identifier": identifier,
    }
    with open_installation(data) as built, progress_bar(file) as moved:
        found = commands.import_usage(built, file, mapping, flags, older=older, mode=mode, progress=moved)
    show(
        file.name,
        ["rows", "accepted", "duplicates", "refused"],
        [[found.rows, found.accepted, found.duplicates, len(found.errors)]],
    )
    for line, reason in found.errors[:100]:
        say(f"line {line}: {reason}", "red")
    raise typer.Exit(1 if found.errors else 0)


@contextmanager
def progress_bar(file: Path) -> Iterator[Any]:
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        DownloadColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console) as bar:
        task = bar.add_task(plain(file.name), total=file.stat().st_size)
        yield lambda rows, size: bar.update(task, completed=size)


@cli.command()
def demo(
    months: Annotated[int, typer.Option(min=1, max=12, help="Whole months; the running one follows.")] = 12,
) -> None:
    """Show a year of a small cloud company, then serve its dashboard; DEMO=once ends without serving."""
    from billow import demonstration

    demonstration.run(console, months, once=os.environ.get("DEMO") == "once")


CANNOT = (CannotRun, CannotBackUp, CannotRestore, Damaged, ProgramFailed, migrations.CannotMigrate,
          unfinished.Unfinished, ClockDiffers)  # fmt: skip
"""Errors that end a command with one line, which says why nothing was done and what to do."""


def main() -> None:
    """Run a command. Print one line, and no traceback, for what the caller can correct."""
    sys.exit(ended())


def ended() -> int:
    """Run a command, and return its status: 1 where it finds no billow, 2 where it cannot do its work."""
    try:
        require_values(sys.argv[1:])
        cli()
    except NoDatabase as error:
        return failed(1, error)
    except psycopg.errors.UndefinedTable:
        return failed(2, NOT_MIGRATED)
    except psycopg.OperationalError as error:  # the pool's time-out is one as well
        return failed(2, f"the database cannot be reached: {error}")
    except psycopg.errors.InsufficientPrivilege as error:
        return failed(2, f"the database refuses this to the role that billow connects as: {error}")
    except (Refused, settings.BadSetting, OSError, *CANNOT) as error:
        return failed(2, error)
    return 0


def failed(status: int, reason: object) -> int:
    """Print why a command ends, as one line, and return the status."""
    say(f"billow: {' '.join(str(reason).split())}", "red")
    return status


if __name__ == "__main__":
    main()
