"""The command that writes a customer's statement of account."""

from datetime import datetime, time, timedelta
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from billow import commands
from billow.api import rows
from billow.app import App
from billow.core.errors import require
from billow.flows.outside.seller import seller_of
from billow.flows.papers import statement
from billow.mailing import Mode
from billow.opening import open_installation
from billow.providers.documents import InvoiceDocument, pdf, text
from billow.resources.customer import Customer
from billow.store.tx import Tx
from billow.taxing import day
from billow.terminal import Account, Data, say, write

stating = typer.Typer()


@stating.command("statement")
def write_statement(
    customer: Annotated[str, typer.Argument(help="A customer's id (cus_…).")],
    since: Annotated[str, typer.Option("--from", help="The first day, as 2026-01-01.")] = "",
    until: Annotated[str, typer.Option("--to", help="The last day; today by default.")] = "",
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="The PDF to write; without it, print text.")
    ] = None,
    mode: Mode = "test",
    account: Account = None,
    data: Data = None,
) -> None:
    """Write a customer's statement of account: balances, movements, and what is open by age.

    Days are those of the seller's time zone. Without --from it begins when the customer was created.
    """
    with open_installation(data, account) as built:
        made, end = document(built, mode, customer, since, until)
    if output is None:
        write(text.render(made))
        return
    output.write_bytes(pdf.render(made, end.replace(microsecond=0)))
    say(f"{output}: {made.number}")


def document(
    built: App, mode: str, customer: str, since: str, until: str
) -> tuple[InvoiceDocument, datetime]:
    """Lay out the account of a customer; return also the instant at which it ends."""
    with built.db.snapshot(commands.tenant(built, mode)) as tx:
        start, end = period(tx, customer, since, until)
        return statement.document_of(tx, statement.account_of(tx, customer, start, end)), end


def period(tx: Tx, customer: str, since: str, until: str) -> tuple[datetime, datetime]:
    """Return the instants at which the days begin and end, where the seller is."""
    zone = ZoneInfo(seller_of(tx).time_zone)
    last = day(until) if until else tx.now.astimezone(zone).date()
    first = (
        day(since)
        if since
        else rows.find(tx, Customer, customer, deleted=True).created.astimezone(zone).date()
    )
    require(first <= last, "A statement ends on the day on which it begins, or later.")
    return (datetime.combine(first, time(), zone), datetime.combine(last + timedelta(days=1), time(), zone))
