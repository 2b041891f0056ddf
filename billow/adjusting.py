"""Run the commands of `billow books` that post an accountant's entries: allowance, tax relief, paid tax."""

from datetime import date, datetime, timedelta
from typing import Annotated

import typer

from billow import commands
from billow.bookkeeping import Mode, books
from billow.core import allowance
from billow.core.books import periods
from billow.core.errors import Refused
from billow.core.money import minor_units
from billow.flows.invoices import adjusting_entries
from billow.flows.outside import books as keeping
from billow.ledger.journal import major_units
from billow.opening import open_installation
from billow.store.tx import Tx
from billow.terminal import Account, Data, say, show

__all__ = ["books"]
On = Annotated[
    str, typer.Option("--on", help="The day of the entry, or a month for its last day; else today.")
]


def instant(tx: Tx, text: str) -> datetime:
    """Return the last instant of a day in the account's time zone, or now if none is named or it goes on."""
    if not text:
        return tx.wall
    end = periods.end_of(periods.last_day(text), keeping.zone_of(tx))
    return min(end - timedelta(microseconds=1), tx.wall)


def amount_of(text: str, currency: str) -> int:
    """Read an amount in units of a currency, with a minus for what came back."""
    try:
        minor = minor_units(text.removeprefix("-"), currency)
    except ValueError as wrong:
        raise Refused(str(wrong)) from None
    return -minor if text.startswith("-") else minor


@books.command("allow")
def allow(
    percentages: Annotated[
        str,
        typer.Argument(
            help="Of what is not due, 1-30, 31-60, 61-90, 91-120 days late, later: 0,1,5,20,50,100."
        ),
    ],
    on: On = "",
    mode: Mode = "test",
    account: Account = None,
    data: Data = None,
) -> None:
    """Bring the allowance for doubtful accounts to the loss that is expected, without tax."""
    wanted = allowance.percentages(percentages)
    with open_installation(data, account) as built, built.db.transaction(commands.tenant(built, mode)) as tx:
        found = adjusting_entries.allow(tx, instant(tx, on), wanted)
    amounts = [[of.upper(), *(major_units(one, of) for one in both)] for of, both in found.items()]
    show("allowance for doubtful accounts", ["currency", "posted", "allowance"], amounts)


@books.command("relieve")
def relieve(
    months: Annotated[int, typer.Option(min=0, help="Written off at least so many months ago.")] = 0,
    on: On = "",
    mode: Mode = "test",
    account: Account = None,
    data: Data = None,
) -> None:
    """Claim back the tax of invoices that were written off; what was paid since owes its tax again."""
    with open_installation(data, account) as built, built.db.transaction(commands.tenant(built, mode)) as tx:
        at = instant(tx, on)
        found = [
            [one.number, one.currency.upper(), major_units(amount, one.currency)]
            for one, amount in adjusting_entries.relieve(tx, at, months_before(at, months))
        ]
    show("tax claimed back (owed again: -)", ["invoice", "currency", "tax"], found)


def months_before(at: datetime, months: int) -> datetime:
    """Return the instant so many months ago: of the 31st the last day of a shorter month."""
    first = at.year * 12 + at.month - 1 - months
    month = date(first // 12, first % 12 + 1, 1)
    last = periods.after(month) - timedelta(days=1)
    return at.replace(year=month.year, month=month.month, day=min(at.day, last.day))


@books.command("withheld")
def withheld(
    invoice: Annotated[str, typer.Argument(help="The id of an invoice that was paid outside, as in_….")],
    amount: Annotated[str, typer.Argument(help="In units of its currency, as 15.00.")],
    on: On = "",
    mode: Mode = "test",
    account: Account = None,
    data: Data = None,
) -> None:
    """Record that the payer withheld tax of what was recorded as paid outside."""
    with open_installation(data, account) as built, built.db.transaction(commands.tenant(built, mode)) as tx:
        currency = adjusting_entries.currency_of(tx, invoice)
        adjusting_entries.withhold(tx, invoice, amount_of(amount, currency), instant(tx, on))
    say(f"{amount} {currency.upper()} of {invoice} are withholding tax.")


@books.command("remit")
def remit(
    jurisdiction: Annotated[
        str, typer.Argument(help="Of tax_payable in the trial balance, as DE/domestic/19.")
    ],
    amount: Annotated[str, typer.Argument(help="In units of the currency; `-- -5.00` came back.")],
    currency: Annotated[str, typer.Option(help="In which currency it was paid.")],
    on: On = "",
    mode: Mode = "test",
    account: Account = None,
    data: Data = None,
) -> None:
    """Record that tax was paid to a state."""
    of = currency.lower()
    with open_installation(data, account) as built, built.db.transaction(commands.tenant(built, mode)) as tx:
        left = adjusting_entries.remit(tx, jurisdiction, of, amount_of(amount, of), instant(tx, on))
    say(f"{jurisdiction} is owed {major_units(left, of)} {of.upper()} now.")
