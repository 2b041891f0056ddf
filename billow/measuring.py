"""Run the commands about what usage costs: the seller, and a customer."""

from datetime import datetime, time, timedelta
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from billow import commands
from billow.flows.outside.seller import seller_of
from billow.flows.reporting import focus, meter_costs
from billow.mailing import Mode
from billow.opening import open_installation
from billow.reports import csv
from billow.taxing import day
from billow.terminal import Account, Data, say, show, stands_alone, write

costs = typer.Typer(
    invoke_without_command=True, help="Say what a unit of a meter costs, for the report of gross margin."
)


@costs.callback()
def list_costs(
    context: typer.Context, mode: Mode = "test", account: Account = None, data: Data = None
) -> None:
    """Show what a unit of each meter costs."""
    if not stands_alone(context):
        return
    with open_installation(data, account) as built, built.db.snapshot(commands.tenant(built, mode)) as tx:
        show("costs", ["meter", "since", "currency", "unit cost"], meter_costs.costs(tx))


@costs.command("set")
def set_cost(
    meter: Annotated[str, typer.Argument(help="The event name of the meter.")],
    amount: Annotated[str, typer.Argument(help="What a unit costs, such as 0.0025.")],
    currency: Annotated[str, typer.Argument(help="Such as usd.")],
    since: Annotated[str, typer.Option(help="From which day on.")] = "2000-01-01",
    mode: Mode = "test",
    account: Account = None,
    data: Data = None,
) -> None:
    """Set what a unit of a meter costs from a day on."""
    first = day(since)
    with open_installation(data, account) as built, built.db.transaction(commands.tenant(built, mode)) as tx:
        meter_costs.set_cost(tx, meter, amount, currency, first)


export = typer.Typer(no_args_is_help=True, help="Export what a customer's own tools read.")


@export.callback()
def exports() -> None:
    """Export what a customer's own tools read."""


@export.command("focus")
def export_focus(
    customer: Annotated[str, typer.Option(help="A customer's id (cus_…).")],
    since: Annotated[str, typer.Option("--from", help="The first day, as 2026-01-01.")],
    until: Annotated[str, typer.Option("--to", help="The last day.")],
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="The file; else it is printed.")
    ] = None,
    mode: Mode = "test",
    account: Account = None,
    data: Data = None,
) -> None:
    """Write a customer's invoiced cost and usage in the FOCUS 1.2 format (CSV), for FinOps tools."""
    with open_installation(data, account) as built, built.db.snapshot(commands.tenant(built, mode)) as tx:
        zone = ZoneInfo(seller_of(tx).time_zone)
        start = datetime.combine(day(since), time(), zone)
        end = datetime.combine(day(until) + timedelta(days=1), time(), zone)
        text = csv(focus.export(tx, customer, start, end))
    if output is None:
        write(text)
        return
    output.write_text(text, "utf-8", newline="")
    say(f"{output}: {text.count(chr(10)) - 1} charges")
