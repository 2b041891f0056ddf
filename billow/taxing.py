"""Run the commands of `billow tax`: rates, certificates, and how tax is rounded."""

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from billow import commands
from billow.core.errors import Refused, require
from billow.flows.taxes import loaded, settings, sources
from billow.opening import open_installation
from billow.providers.taxes import Certificate
from billow.providers.taxes.table import COLUMNS, read
from billow.terminal import Account, Data, say, show

tax = typer.Typer(
    no_args_is_help=True, help="Load tax rates and exemption certificates; say how tax is rounded."
)
Mode = Annotated[str, typer.Option(help="test or live.")]


@tax.command("load")
def load(
    file: Annotated[Path, typer.Argument(help="A CSV file of rates.", exists=True, dir_okay=False)],
    mode: Mode = "test",
    account: Account = None,
    data: Data = None,
) -> None:
    """Load tax rates. They replace all rates of the countries that the file names, in one transaction."""
    rows = read(file.read_text("utf-8-sig"))
    with open_installation(data, account) as built:
        with built.db.transaction(commands.tenant(built, mode)) as tx:
            counted = loaded.load(tx, rows)
        show(file.name, ["country", "rates"], [[country, count] for country, count in counted.items()])


@tax.command("rates")
def rates(mode: Mode = "test", account: Account = None, data: Data = None) -> None:
    """List the tax rates that are loaded."""
    with open_installation(data, account) as built:
        with built.db.snapshot(commands.tenant(built, mode)) as tx:
            found = loaded.everything(tx)
        show("tax rates", list(COLUMNS), [[row[name] for name in COLUMNS] for row in found])


def day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise Refused(f"{text} is no day, as 2027-12-31.") from None


@tax.command("certify")
def certify(
    customer: Annotated[str, typer.Argument(help="A customer's id (cus_…).")],
    number: Annotated[str, typer.Argument(help="The number of the certificate.")],
    country: Annotated[str, typer.Option(help="The country in which it counts.")] = "US",
    state: Annotated[str, typer.Option(help="The state in which it counts; without one, in all.")] = "",
    expires: Annotated[str, typer.Option(help="The last day on which it counts, as 2027-12-31.")] = "",
    mode: Mode = "test",
    account: Account = None,
    data: Data = None,
) -> None:
    """Keep an exemption certificate of a customer. Until it expires no tax is charged where it counts."""
    certificate = Certificate(country, state or None, number, day(expires) if expires else None)
    with open_installation(data, account) as built:
        with built.db.transaction(commands.tenant(built, mode)) as tx:
            loaded.certify(tx, customer, certificate)
        say(
            f"{customer} is exempt in {state or country} by {number}{f' until {expires}' if expires else ''}."
        )


@tax.command("certificates")
def certificates(
    before: Annotated[str, typer.Option(help="Those that expire before this day.")] = "9999-12-31",
    mode: Mode = "test",
    account: Account = None,
    data: Data = None,
) -> None:
    """List the certificates that expire before a day, the first to expire first."""
    until = day(before)
    with open_installation(data, account) as built:
        with built.db.snapshot(commands.tenant(built, mode)) as tx:
            found = loaded.expiring(tx, until)
        columns = ["customer", "country", "state", "number", "expires_on"]
        show("certificates", columns, [[row[name] for name in columns] for row in found])


@tax.command("settings")
def change_settings(
    rounding: Annotated[
        str, typer.Option(help="line, invoice, or country: per invoice for sellers in the EU.")
    ] = "",
    small_enterprise: Annotated[
        bool | None,
        typer.Option(
            "--small-enterprise/--no-small-enterprise", help="Exempt of VAT as a small enterprise (art. 284)."
        ),
    ] = None,
    mode: Mode = "test",
    account: Account = None,
    data: Data = None,
) -> None:
    """Show, and with options change, how tax is rounded and whether the seller is a small enterprise."""
    require(rounding in ("", "country", "invoice", "line"), f"Tax is not rounded by {rounding}.")
    with open_installation(data, account) as built:
        with built.db.transaction(commands.tenant(built, mode)) as tx:
            now = settings.settings_of(tx)
            wanted = replace(
                now,
                rounding={"": now.rounding, "country": None}.get(rounding, rounding),
                small_enterprise=now.small_enterprise if small_enterprise is None else small_enterprise,
            )
            if wanted != now:
                settings.store(tx, wanted)
            number = sources.unregistered(tx)
        by = "each line" if wanted.per_line else "the invoice"
        say(f"Tax set by hand is rounded once for {by}; automatic tax once for the invoice.")
        if number:
            say(
                f"No tax registration is in force beside {number}: automatic tax bills nothing in live mode.",
                "red",
            )
        say(f"The seller is {'' if wanted.small_enterprise else 'not '}exempt of VAT as a small enterprise.")
