"""Find operators and their roles, and change them; the last owner of an account stays."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg

from billow.core import roles
from billow.core.errors import Refused, require
from billow.core.mail_addresses import is_address

COLUMNS = (
    "id, email, name, password, second_factor, factor_since, factor_step, recovery_codes, failures, failed_at"
)


@dataclass(frozen=True, slots=True)
class Operator:
    """Somebody who may sign in."""

    id: str
    email: str
    name: str
    password: str
    second_factor: str | None
    factor_since: datetime | None
    factor_step: int
    recovery_codes: list[str]
    failures: int
    failed_at: datetime | None


@dataclass(frozen=True, slots=True)
class Member:
    """An operator of an account, as the list of people shows them."""

    operator: str
    name: str
    email: str
    role: str
    has_second_factor: bool


def by_email(conn: psycopg.Connection[Any], email: str) -> Operator | None:
    if not is_address(email.strip()):
        return None
    row = conn.execute(
        f"select {COLUMNS} from operators where email = %s", (email.strip().lower(),)
    ).fetchone()
    return Operator(*row) if row else None


def by_id(conn: psycopg.Connection[Any], id: str) -> Operator | None:
    row = conn.execute(f"select {COLUMNS} from operators where id = %s", (id,)).fetchone()
    return Operator(*row) if row else None


def role_in(conn: psycopg.Connection[Any], operator: str, account: str) -> str | None:
    row = conn.execute(
        "select role from operator_roles where operator = %s and account = %s", (operator, account)
    ).fetchone()
    return str(row[0]) if row else None


def accounts_of(conn: psycopg.Connection[Any], operator: str) -> list[tuple[str, str]]:
    """Return the accounts that an operator works for, by id, with their names; the oldest comes first."""
    return [
        (str(id), str(name or id))
        for id, name in conn.execute(
            "select a.id, coalesce(a.business_profile ->> 'name', a.company ->> 'name', a.name)"
            " from operator_roles r join accounts a on a.id = r.account"
            " where r.operator = %s order by a.created, a.id",
            (operator,),
        )
    ]


def members(conn: psycopg.Connection[Any], account: str) -> list[Member]:
    return [
        Member(*row)
        for row in conn.execute(
            "select o.id, o.name, o.email, r.role, o.factor_since is not null"
            " from operator_roles r join operators o on o.id = r.operator where r.account = %s"
            " order by o.name, o.id",
            (account,),
        )
    ]


def check_grant(by: str, role: str) -> None:
    """Refuse a role that there is not, or that somebody of the role `by` may not give."""
    require(role in roles.ROLES, f"There is no role {role}; there are {', '.join(roles.ROLES)}.")
    require(role in roles.GRANTED_BY.get(by, ()), "Your role may not give this one.")


def change_role(
    conn: psycopg.Connection[Any], account: str, operator: str, role: str | None, by: str
) -> None:
    """Give a member another role, or take it away (None); ends the sessions of who has no role left."""
    conn.execute("select 1 from accounts where id = %s for update", (account,))
    current = role_in(conn, operator, account)
    if current is None:
        raise Refused("There is no such person in this account.")
    check_grant(by, current)
    if role is not None:
        check_grant(by, role)
    if current == "owner" and role != "owner":
        others = conn.execute(
            "select count(*) from operator_roles where account = %s and role = 'owner'", (account,)
        ).fetchone()
        require(others and others[0] > 1, "The last owner of an account stays.")
    if role is None:
        conn.execute("delete from operator_roles where account = %s and operator = %s", (account, operator))
        conn.execute("delete from operator_sessions where operator = %s", (operator,))
    else:
        conn.execute(
            "update operator_roles set role = %s where account = %s and operator = %s",
            (role, account, operator),
        )
