"""The command about failed payments: when an account tries again, and what follows the last try."""

from typing import Annotated, Any

import typer

from billow import commands
from billow.app import App
from billow.core.dunning import CLASSES, FINALLY, INVOICE_FINALLY, WINDOWS
from billow.core.errors import require
from billow.flows.outside import merchant
from billow.flows.outside.outside import outside_of
from billow.flows.subscription_status import policies
from billow.mailing import Mode, numbers
from billow.opening import open_installation
from billow.terminal import Account, Data, say, show

recovery = typer.Typer()
LAST = "last"
"""The word for the last working day of a month."""


@recovery.command()
def retries(
    window: Annotated[str, typer.Option(help=f"Retries within {', '.join(WINDOWS)}.")] = "",
    days: Annotated[str, typer.Option(help="Or on these days after the first failure, as 3,5,7.")] = "",
    after_decline: Annotated[
        str, typer.Option(help=f"The class of declines that this schedule is for: {', '.join(CLASSES)}.")
    ] = "soft",
    paydays: Annotated[str, typer.Option(help="Days of the month to prefer, as 1,15,last; 0: none.")] = "",
    habits: Annotated[
        bool | None, typer.Option(help="Prefer the weekday and hour of the customer's earlier payments.")
    ] = None,
    after: Annotated[str, typer.Option(help=f"Then the subscription: {', '.join(FINALLY)}.")] = "",
    invoice_after: Annotated[str, typer.Option(help=f"Then the invoice: {', '.join(INVOICE_FINALLY)}.")] = "",
    mode: Mode = "test",
    account: Account = None,
    data: Data = None,
) -> None:
    """Show when failed payments are tried again, and what follows the last try; options change it."""
    wanted: dict[str, Any] = {}
    if window or days:
        require(not (window and days), "Give a window or days, not both.")
        schedule = {"window": window} if window else {"days": list(numbers(days))}
        wanted["schedules"] = {after_decline: schedule}
    if paydays:
        wanted["paydays"] = read_paydays(paydays)
    if habits is not None:
        wanted["habits"] = habits
    wanted |= {name: word for name, word in (("after", after), ("invoice_after", invoice_after)) if word}
    with open_installation(data, account) as built:
        show(
            "retries", ["after a decline", "on the days after the first failure"], change(built, mode, wanted)
        )
        for line in said(built, mode):
            say(line)


def read_paydays(text: str) -> list[int]:
    """Read days of the month; `last` is 0 among the days, and 0 alone takes all of them away.

    >>> read_paydays("1,15,last"), read_paydays("0")
    ([1, 15, 0], [])
    """
    if text.strip() == "0":
        return []
    words = [word.strip() for word in text.split(",")]
    return [0 if word == LAST else numbers(word)[0] for word in words if word]


def change(built: App, mode: str, wanted: dict[str, Any]) -> list[list[Any]]:
    """Store the settings that are given; return the schedule of each class of declines."""
    with built.db.transaction(commands.tenant(built, mode)) as tx:
        if wanted:
            policies.change(tx, wanted)
        return [[kind, ", ".join(map(str, policies.days_after(tx, kind)))] for kind in CLASSES]


def said(built: App, mode: str) -> list[str]:
    """Say in words what is preferred, and what follows the last try."""
    with built.db.snapshot(commands.tenant(built, mode)) as tx:
        own = merchant.merchant_of(tx).retries
        policy = policies.policy_of(tx, None)
        base = outside_of(tx).dunning.finally_
    paydays = [LAST if day == 0 else str(day) for day in own.get("paydays", [])]
    action = {value: word for word, value in FINALLY.items()}
    by = "" if own.get("after") else " (BILLOW_AFTER_RETRIES)" if policy.finally_ == base else ""
    habits = "yes" if own.get("habits") else "no"
    return [
        f"Paydays: {', '.join(paydays) or 'none'}. Habits of the customer: {habits}.",
        f"After the last try: subscription {action[policy.finally_]}{by},"
        f" invoice {'uncollectible' if policy.writes_off else 'open'}.",
    ]
