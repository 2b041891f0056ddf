"""Run the commands of `billow rates`: load exchange rates, and say which are there and which are missing."""

from pathlib import Path
from typing import Annotated

import typer

from billow import commands
from billow.flows.taxes import national
from billow.mailing import Mode
from billow.opening import open_installation
from billow.providers.exchange_rates import read
from billow.terminal import Account, Data, say, show, stands_alone

rates = typer.Typer(
    invoke_without_command=True,
    help="Load exchange rates, by which tax is stated in the seller's national currency.",
)


@rates.callback()
def list_rates(
    context: typer.Context, mode: Mode = "test", account: Account = None, data: Data = None
) -> None:
    """Show the latest rates, and how many invoices were issued without one."""
    if not stands_alone(context):
        return
    with open_installation(data, account) as built, built.db.snapshot(commands.tenant(built, mode)) as tx:
        found = national.latest(tx)
        show("a euro is", ["currency", "rate", "day"], [list(row.values()) for row in found])
        for row in national.missing(tx):
            say(
                f"{row['invoices']} invoices in {row['currency'].upper()} since {row['since']:%Y-%m-%d}"
                " say no tax in the seller's currency: there was no rate when they were issued.",
                "red",
            )


@rates.command("load")
def load(
    file: Annotated[
        Path, typer.Argument(help="As the ECB publishes it: .csv, .xml or .zip.", exists=True, dir_okay=False)
    ],
    mode: Mode = "test",
    account: Account = None,
    data: Data = None,
) -> None:
    """Load exchange rates against the euro. They replace those of the same days; invoices keep theirs."""
    found = read(file.read_bytes())
    with open_installation(data, account) as built, built.db.transaction(commands.tenant(built, mode)) as tx:
        count = national.load(tx, found)
    days = [one.on for one in found]
    say(f"{file.name}: {len(found)} rates from {min(days)} to {max(days)}; there are {count} now.")
