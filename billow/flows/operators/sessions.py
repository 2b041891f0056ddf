"""Sign operators in and out: sessions are rows, so that each can be ended; their ids are stored hashed."""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import msgspec
import psycopg

from billow.flows.operators import audit_log, passwords, people, second_factor
from billow.flows.operators.audit_log import Act
from billow.flows.operators.people import Operator
from billow.store.ids import secret
from billow.store.tx import Database

IDLE, LONGEST = timedelta(hours=1), timedelta(hours=12)
"""How long a session lasts without a request, and at most."""
NOTED = timedelta(minutes=1)
"""How exactly the last request of a session is noted."""
FREE, SLOWEST = 5, 60
"""Failures after which each next try has to wait, and the most seconds that it waits."""
ADDRESS_MOST, ADDRESS_WINDOW = 20, timedelta(minutes=5)
"""Failures from one address within a time, after which it is not answered."""


@dataclass(frozen=True, slots=True)
class Session:
    """Somebody who is signed in, in one browser."""

    digest: str
    operator: Operator
    created: datetime
    confirmed: bool


@dataclass(frozen=True, slots=True)
class Turned:
    """Why nobody was signed in: `wrong` for whatever is wrong, `wait` with the seconds."""

    why: str
    seconds: int = 0


@dataclass(frozen=True, slots=True)
class Browser:
    """From where a request comes."""

    address: str
    agent: str


def digest(id: str) -> str:
    return hashlib.sha256(id.encode()).hexdigest()


def wait_of(failures: int) -> int:
    """Return the seconds between the last failure and the next try: 0 for five, then 1, 2, 4 to 60.

    >>> [wait_of(n) for n in (0, 4, 5, 6, 9, 20)]
    [0, 0, 1, 2, 16, 60]
    """
    return 0 if failures < FREE else int(min(2 ** (failures - FREE), SLOWEST))


def waits(operator: Operator | None, now: datetime) -> int:
    """Return for how many seconds an operator is not asked again."""
    if operator is None or operator.failed_at is None:
        return 0
    over = operator.failed_at + timedelta(seconds=wait_of(operator.failures))
    return max(0, -int((now - over).total_seconds() // 1))


def crowded(conn: psycopg.Connection[Any], address: str, now: datetime) -> bool:
    """Tell whether too many failures came from an address lately."""
    row = conn.execute(
        "select count(*) from sign_in_failures where address = %s and at > %s",
        (address, now - ADDRESS_WINDOW),
    ).fetchone()
    return bool(row and row[0] >= ADDRESS_MOST)


def sign_in(db: Database, email: str, password: str, browser: Browser) -> tuple[str, Session] | Turned:
    """Check a password and begin a session, which the second factor still has to confirm if there is one.

    The password is checked between two transactions: nobody holds a connection while it is hashed. A wrong
    address is answered like a wrong password, and as slowly.
    """
    now = db.wall()
    with db.connection() as conn:
        if crowded(conn, browser.address, now):
            return Turned("wait", int(ADDRESS_WINDOW.total_seconds()))
        known = people.by_email(conn, email)
    seconds = waits(known, now)
    if seconds:
        return Turned("wait", seconds)
    right = passwords.matches(known.password if known else passwords.nobodys(), password)
    with db.connection() as conn, conn.transaction():
        if known is None or not right or not people.accounts_of(conn, known.id):
            failed(conn, known, browser, now)
            return Turned("wrong")
        return begin(conn, known, browser, now, confirmed=known.factor_since is None)


def failed(conn: psycopg.Connection[Any], known: Operator | None, browser: Browser, now: datetime) -> None:
    """Count a failure, for the operator and for the address."""
    conn.execute("delete from sign_in_failures where at <= %s", (now - ADDRESS_WINDOW,))
    conn.execute("insert into sign_in_failures (address, at) values (%s, %s)", (browser.address, now))
    if known:
        conn.execute(
            "update operators set failures = failures + 1, failed_at = %s where id = %s", (now, known.id)
        )
        note(conn, known, "sign_in.fail", browser, now)


def begin(
    conn: psycopg.Connection[Any], operator: Operator, browser: Browser, now: datetime, *, confirmed: bool
) -> tuple[str, Session]:
    """Begin a session with an id of its own; only its hash is stored."""
    id = secret("", 43)  # 256 bits
    conn.execute(
        "insert into operator_sessions (digest, operator, created, seen, address, agent, confirmed)"
        " values (%s, %s, %s, %s, %s, %s, %s)",
        (digest(id), operator.id, now, now, browser.address, browser.agent[:200], confirmed),
    )
    conn.execute("delete from operator_sessions where created <= %s", (now - LONGEST,))
    if confirmed:
        conn.execute("update operators set failures = 0, failed_at = null where id = %s", (operator.id,))
        note(conn, operator, "sign_in.succeed", browser, now)
    return id, Session(digest(id), operator, now, confirmed)


def confirm(
    db: Database, key: bytes, held: Session, code: str, browser: Browser
) -> tuple[str, Session] | Turned:
    """Take the second factor of a session that waits for it; the session goes on under another id."""
    now = db.wall()
    with db.connection() as conn, conn.transaction():
        conn.execute("select 1 from operators where id = %s for update", (held.operator.id,))
        operator = people.by_id(conn, held.operator.id)
        seconds = waits(operator, now)
        if operator is None or operator.second_factor is None or seconds:
            return Turned("wait", seconds)
        step = second_factor.step_of(key, operator.second_factor, code, now, operator.factor_step)
        left = None if step else second_factor.without(operator.recovery_codes, code)
        if step is None and left is None:
            failed(conn, operator, browser, now)
            return Turned("wrong")
        if step:
            conn.execute("update operators set factor_step = %s where id = %s", (step, operator.id))
        else:
            kept = msgspec.json.encode(left).decode()
            conn.execute(
                "update operators set recovery_codes = %s::text::jsonb where id = %s", (kept, operator.id)
            )
        conn.execute("delete from operator_sessions where digest = %s", (held.digest,))
        return begin(conn, operator, browser, now, confirmed=True)


def check_password(db: Database, held: Session, password: str, browser: Browser) -> Turned | None:
    """Ask who is signed in for the password once more; None where it is right.

    A wrong one counts like one at the entrance, and the next try waits as long.
    """
    now = db.wall()
    with db.connection() as conn:
        known = people.by_id(conn, held.operator.id)
    seconds = waits(known, now)
    if known is None or seconds:
        return Turned("wait", seconds)
    if passwords.matches(known.password, password):
        return None
    with db.connection() as conn, conn.transaction():
        failed(conn, known, browser, now)
    return Turned("wrong")


def find(conn: psycopg.Connection[Any], id: str, now: datetime) -> Session | None:
    """Return the session of an id, and note that it is used; None for one that is over."""
    mark = digest(id)
    row = conn.execute(
        "select operator, created, seen, confirmed from operator_sessions where digest = %s", (mark,)
    ).fetchone()
    if row is None or row[1] <= now - LONGEST or row[2] <= now - IDLE:
        return None
    operator = people.by_id(conn, row[0])
    if operator is None:
        return None
    if row[2] <= now - NOTED:
        conn.execute("update operator_sessions set seen = %s where digest = %s", (now, mark))
    return Session(mark, operator, row[1], row[3])


def end(conn: psycopg.Connection[Any], held: Session, browser: Browser, now: datetime) -> None:
    """Sign out."""
    conn.execute("delete from operator_sessions where digest = %s", (held.digest,))
    note(conn, held.operator, "sign_in.end", browser, now)


def note(
    conn: psycopg.Connection[Any], operator: Operator, action: str, browser: Browser, now: datetime
) -> None:
    """Write an act of signing in into the log of each account that the operator works for."""
    act = Act(action, operator.name, browser.address, operator.id, operator.id)
    for account, _ in sorted(people.accounts_of(conn, operator.id)):
        audit_log.write(conn, account, act, now)
