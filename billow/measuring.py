"""Run the commands that tell billow what usage costs."""

from datetime import date
from typing import Annotated

import typer

from billow import commands
from billow.core.errors import Refused
from billow.flows.reporting import meter_costs
from billow.mailing import Mode
from billow.opening import open_installation
from billow.terminal import Account, Data, show

costs = typer.Typer(
    invoke_without_command=True, help="Say what a unit of a meter costs, for the report of gross margin."
)


@costs.callback()
def list_costs(
    context: typer.Context, mode: Mode = "test", account: Account = None, data: Data = None
) -> None:
    """Show what a unit of each meter costs."""
    if context.invoked_subcommand:
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
    try:
        day = date.fromisoformat(since)
    except ValueError:
        raise Refused(f"{since} is no day, as 2026-01-31.") from None
    with open_installation(data, account) as built, built.db.transaction(commands.tenant(built, mode)) as tx:
        meter_costs.set_cost(tx, meter, amount, currency, day)
