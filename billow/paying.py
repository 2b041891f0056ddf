"""The commands that configure the gateways of an account, and show what the simulated one has done."""

import json
import sys
from typing import Annotated

import typer

from billow import commands
from billow.app import App
from billow.core.errors import require
from billow.core.money import show as amount
from billow.core.routing import Route
from billow.flows.outside import gateways as configured
from billow.flows.payments import late_payments
from billow.flows.platform import connected_accounts
from billow.opening import open_installation, read_settings
from billow.providers.gateways.simulated import Simulated
from billow.terminal import Account, Data, say, show, write

gateways = typer.Typer(no_args_is_help=True, help="Choose which gateways take an account's payments.")
MOST = 200
"""Payments that are listed at once."""
Mode = Annotated[str, typer.Option(help="test or live.")]
COLUMNS = ["name", "kind", "position", "currencies", "types", "takes payments", "notices go to"]


def address_of(built: App, mode: str, name: str) -> str:
    """Return the address that a gateway sends its notices to."""
    base = built.db.outside.base_url.rstrip("/")
    return f"{base}/gateways/{commands.tenant(built, mode)}/{name}"


@gateways.command("list")
def list_gateways(mode: Mode = "test", account: Account = None, data: Data = None) -> None:
    """List the gateways of an account, in the order in which they are asked. Their secrets are not shown."""
    with open_installation(data, account) as built:
        found = [row_of(built, mode, one) for one in routes(built, mode)]
        if mode == "test":  # it is asked where none is configured, and holds what it took before
            used = "no, others are configured" if found else "yes"
            found.append(["simulated", "simulated", "", "all", "all", used, ""])
        show("gateways", COLUMNS, found)


def routes(built: App, mode: str) -> tuple[Route, ...]:
    with built.db.transaction(commands.tenant(built, mode), reads=True) as tx:
        found: tuple[Route, ...] = built.db.outside.configured.routes(tx)
        return found


def row_of(built: App, mode: str, one: Route) -> list[object]:
    return [
        one.name,
        one.kind,
        one.position,
        ", ".join(one.currencies) or "all",
        ", ".join(one.types) or "all",
        "yes" if one.active else "no, refunds only",
        "" if one.kind in configured.WITHOUT_KEY else address_of(built, mode, one.name),
    ]


@gateways.command("set")
def set_gateway(
    name: Annotated[str, typer.Argument(help="A name of your own, which is kept with each payment.")],
    kind: Annotated[str, typer.Option(help="bank, manual, sepa_debit or stripe.")] = "stripe",
    position: Annotated[int, typer.Option(help="Lower ones are asked first.", min=0)] = 1,
    currency: Annotated[list[str] | None, typer.Option(help="Takes only this one; repeatable.")] = None,
    type: Annotated[list[str] | None, typer.Option(help="Takes only card, say; repeatable.")] = None,
    address: Annotated[str, typer.Option(help="Where its API is, if not at the provider's.")] = "",
    mode: Mode = "test",
    account: Account = None,
    data: Data = None,
) -> None:
    """Add or change a gateway. Standard input has its secret key, and in a second line that of its notices.

    So they are in no list of processes and in no history of a shell.
    """
    own = kind in configured.WITHOUT_KEY
    with open_installation(data, account) as built:
        configured.check_kind(kind, list(built.db.outside.configured.kinds))
        secret, signing = ("", "") if own else (*sys.stdin.read().split(), "", "")[:2]
        require(secret or own, "Give the gateway's secret key on standard input.")
        require(own or configured.is_key(secret, mode), f"That is not a secret key of {mode} mode.")
        made = Route(
            name=name,
            kind=kind,
            position=position,
            currencies=tuple(one.lower() for one in currency or []),
            types=tuple(type or []),
            address=address or None,
            secret=secret,
            signing_secret=signing,
        )
        configured.check(made)
        with built.db.transaction(commands.tenant(built, mode)) as tx:
            configured.write(tx, made)
            connected_accounts.follow_gateways(tx)
        say(f"{name} takes payments.")
        if not own:
            say(f"Let it send its notices to {address_of(built, mode, name)}")
            say("This address begins with BILLOW_BASE_URL; set it here as it is set for the server.")


@gateways.command("stop")
def stop_gateway(
    name: Annotated[str, typer.Argument(help="Its name.")],
    mode: Mode = "test",
    account: Account = None,
    data: Data = None,
) -> None:
    """Let a gateway take no new payments. What it took can be refunded, and its notices still arrive."""
    with open_installation(data, account) as built:
        with built.db.transaction(commands.tenant(built, mode)) as tx:
            found = configured.stop(tx, name)
            connected_accounts.follow_gateways(tx)
        require(found, f"There is no gateway {name}.")
        say(f"{name} takes no new payments.")


@gateways.command("late")
def list_late(mode: Mode = "test", account: Account = None, data: Data = None) -> None:
    """List payments that came too late for what they were to pay, and whether they are refunded."""
    with (
        open_installation(data, account) as built,
        built.db.transaction(commands.tenant(built, mode), reads=True) as tx,
    ):
        found = late_payments.listed(tx, MOST)
    columns = ["charge", "at", "too late for", "customer", "amount", "gateway", "its id", "state"]
    shown = [
        [
            one["id"],
            one["created"],
            one["late_for"],
            one["customer"],
            amount(one["amount"], one["currency"]),
            one["gateway"],
            one["reference"],
            one["state"],
        ]
        for one in found
    ]
    show("late payments", columns, shown) if shown else say("No payment has come too late.")


@gateways.command("remove")
def remove_gateway(
    name: Annotated[str, typer.Argument(help="Its name.")],
    mode: Mode = "test",
    account: Account = None,
    data: Data = None,
) -> None:
    """Remove a gateway that has taken no payment and keeps no method; another one can only be stopped."""
    with open_installation(data, account) as built:
        with built.db.transaction(commands.tenant(built, mode)) as tx:
            found = configured.remove(tx, name)
            connected_accounts.follow_gateways(tx)
        require(found, f"There is no gateway {name}.")
        say(f"{name} is removed.")


@gateways.command("truth")
def truth(data: Data = None) -> None:
    """Print what the simulated gateway has really done: each attempt and dispute, and its balance."""
    memory = Simulated(read_settings(data).data / "gateway.sqlite")
    try:
        write(json.dumps(memory.truth(), indent=2, sort_keys=True) + "\n")
    finally:
        memory.close()
