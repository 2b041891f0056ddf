"""Run the commands of `billow operators`: who may sign in to the dashboard, by links that let people in."""

from typing import Annotated

import typer

from billow.core.errors import Refused, require
from billow.core.roles import ROLES
from billow.flows.operators import audit_log, invitations, people
from billow.flows.operators.audit_log import Act
from billow.opening import open_installation
from billow.pages.dashboard.entrance import WELCOME
from billow.terminal import Account, Data, say, show

operators = typer.Typer(no_args_is_help=True, help="List and invite the people who work in the dashboard.")


@operators.command("list")
def listed(account: Account = None, data: Data = None) -> None:
    """List the people of an account, with their roles."""
    with open_installation(data, account) as built:
        with built.db.connection() as conn:
            found = people.members(conn, built.account)
        show(
            "operators",
            ["name", "mail address", "role", "one-time codes"],
            [[one.name, one.email, one.role, "yes" if one.has_second_factor else "no"] for one in found],
        )


@operators.command("invite")
def invite(
    email: Annotated[str, typer.Argument(help="Whom to invite.")],
    role: Annotated[str, typer.Option(help=f"One of {', '.join(ROLES)}.")] = "owner",
    account: Account = None,
    data: Data = None,
) -> None:
    """Print a link with which somebody chooses a password; it works once, for three days."""
    require(role in ROLES, f"There is no role {role}; there are {', '.join(ROLES)}.")
    with open_installation(data, account) as built:
        now = built.db.wall()
        with built.db.connection() as conn, conn.transaction():
            token = invitations.invite(conn, built.account, role, email, now, invitations.LATER)
            act = Act("operators.invite", "the command line", "here", None, email.lower(), {"role": role})
            audit_log.write(conn, built.account, act, now)
        say(f"{built.db.outside.base_url}{WELCOME}/{token}")


@operators.command("reset")
def reset(
    email: Annotated[str, typer.Argument(help="Whose password was lost, or whose phone.")],
    account: Account = None,
    data: Data = None,
) -> None:
    """Print a link for another password, which works for an hour; one-time codes are off then."""
    with open_installation(data, account) as built:
        now = built.db.wall()
        with built.db.connection() as conn, conn.transaction():
            known = people.by_email(conn, email)
            role = people.role_in(conn, known.id, built.account) if known else None
            if known is None or role is None:
                raise Refused(f"Nobody with the address {email} works in this account.")
            token = invitations.invite(
                conn, built.account, role, known.email, now, invitations.FIRST, resets=True
            )
            act = Act("operators.reset_link", "the command line", "here", None, known.id)
            audit_log.write(conn, built.account, act, now)
        say(f"{built.db.outside.base_url}{WELCOME}/{token}")


@operators.command("check")
def check(account: Account = None, data: Data = None) -> None:
    """Check that the chain of the audit log is whole; ends with 1 where it is broken."""
    with open_installation(data, account) as built:
        with built.db.connection() as conn:
            broken = audit_log.broken(conn, built.account)
        if broken is not None:
            say(f"The audit log is broken at entry {broken}.")
            raise typer.Exit(1)
        say("The audit log is whole.")
