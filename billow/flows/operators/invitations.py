"""Invite people by a link that works once; who opens it chooses a password."""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import psycopg

from billow.core.errors import Refused, require
from billow.core.mail_addresses import is_address, is_line
from billow.flows.operators import audit_log, passwords, people
from billow.flows.operators.audit_log import Act
from billow.flows.operators.people import Operator
from billow.store.ids import new_id, secret

FIRST, LATER = timedelta(hours=1), timedelta(days=3)
"""How long the link of a new installation works, and that of an invitation."""


@dataclass(frozen=True, slots=True)
class Invitation:
    """What a link leads to: a role of an account, for somebody or for whoever opens it."""

    digest: str
    account: str
    role: str
    email: str | None
    expires_at: datetime
    resets: bool


def digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def invite(
    conn: psycopg.Connection[Any],
    account: str,
    role: str,
    email: str | None,
    now: datetime,
    lasts: timedelta,
    *,
    resets: bool = False,
) -> str:
    """Make an invitation and return the token of its link; one that was sent to the address before ends.

    One that `resets` gives somebody who is known another password, and takes their second factor away.
    """
    if email is not None:
        require(is_address(email), "This is not a mail address.", param="email")
        email = email.strip().lower()
    token = secret("", 32)
    conn.execute(
        "delete from operator_invitations where expires_at <= %s"
        " or (account = %s and email is not distinct from %s)",
        (now, account, email),
    )
    conn.execute(
        "insert into operator_invitations (digest, account, role, email, resets, created, expires_at)"
        " values (%s, %s, %s, %s, %s, %s, %s)",
        (digest(token), account, role, email, resets, now, now + lasts),
    )
    return token


def first_token(conn: psycopg.Connection[Any], account: str, now: datetime) -> str | None:
    """Return the token with which the first owner is made; None where there are operators already."""
    if conn.execute("select 1 from operators limit 1").fetchone():
        return None
    return invite(conn, account, "owner", None, now, FIRST)


def find(conn: psycopg.Connection[Any], token: str, now: datetime) -> Invitation | None:
    row = conn.execute(
        "select digest, account, role, email, expires_at, resets from operator_invitations"
        " where digest = %s and expires_at > %s for update",
        (digest(token), now),
    ).fetchone()
    return Invitation(*row) if row else None


def accept(
    conn: psycopg.Connection[Any],
    found: Invitation,
    email: str,
    name: str,
    kept: str,
    act: str,
    now: datetime,
) -> str:
    """Make the operator of an invitation, or give the role to one who is known; return their id.

    `kept` is the hash of the password, `act` the address from where it happens. An invitation without an
    address makes the first owner, and only while there is no operator.
    """
    email = (found.email or email).strip().lower()
    require(is_address(email), "This is not a mail address.", param="email")
    require(bool(name.strip()) and is_line(name) and len(name) <= 100, "Enter your name.", param="name")
    if found.email is None and conn.execute("select 1 from operators limit 1").fetchone():
        raise Refused("This installation has an owner already.")
    known = people.by_email(conn, email)
    id = known.id if known else new_id("opr_")
    if known is None:
        conn.execute(
            "insert into operators (id, created, email, name, password) values (%s, %s, %s, %s, %s)",
            (id, now, email, name.strip(), kept),
        )
    conn.execute(
        "insert into operator_roles (operator, account, role) values (%s, %s, %s)"
        " on conflict (account, operator) do update set role = excluded.role",
        (id, found.account, found.role),
    )
    conn.execute("delete from operator_invitations where digest = %s", (found.digest,))
    joined = Act("operators.join", name.strip(), act, id, id, {"role": found.role})
    audit_log.write(conn, found.account, joined, now)
    return id


def reset(
    conn: psycopg.Connection[Any], found: Invitation, known: Operator, kept: str, act: str, now: datetime
) -> str:
    """Give an operator another password, without a second factor; all their sessions end. Return their id."""
    conn.execute(
        "update operators set password = %s, second_factor = null, factor_since = null, factor_step = 0,"
        " recovery_codes = '[]', failures = 0, failed_at = null where id = %s",
        (kept, known.id),
    )
    conn.execute("delete from operator_sessions where operator = %s", (known.id,))
    conn.execute("delete from operator_invitations where digest = %s", (found.digest,))
    for account, _ in sorted(people.accounts_of(conn, known.id)):
        audit_log.write(conn, account, Act("operators.reset", known.name, act, known.id, known.id), now)
    return known.id


def check_password(email: str, name: str, password: str, again: str) -> None:
    """Refuse a password that is weak, or that was not typed the same twice."""
    passwords.check(password, email, name)
    require(password == again, "The two passwords differ.", param="again")
