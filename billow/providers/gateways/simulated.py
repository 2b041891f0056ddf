"""Simulate a gateway with Stripe's test cards; outcomes are stored by attempt on this machine."""

import json
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from billow.core.errors import Unavailable
from billow.core.payments import (
    Capture,
    Charge,
    Declined,
    Deposits,
    NeedsAction,
    Outcome,
    Pending,
    Refund,
    SetUp,
    Succeeded,
)
from billow.providers.gateways import Gateway, StoredMethod, accounts, instruments
from billow.providers.gateways.accounts import Account
from billow.providers.gateways.answers import (
    answer,
    arrived,
    fee,
    names,
    reference_of,
    set_up_answer,
    settled,
)

NO_DAY = datetime(2049, 12, 1, tzinfo=UTC)
"""The date used without a clock: late enough for every card."""
OUTCOMES: dict[str, type[Outcome]] = {
    kind.__name__: kind for kind in (Succeeded, Declined, NeedsAction, Pending)
}

PREFIXES = {"charge": "ch", "hold": "ch", "capture": "cap", "refund": "re", "setup": "seti"}

SCHEMA = """
create table if not exists attempts (
    attempt   text primary key,
    kind      text    not null check (kind in ('charge', 'hold', 'capture', 'refund', 'setup')),
    amount    integer not null,
    currency  text    not null,
    about     text    not null,          -- the method charged, or the charge captured or refunded
    reference text    not null unique,
    outcome   text    not null
) without rowid;
create index if not exists refunds_of on attempts (about) where kind in ('capture', 'refund');
"""


class Recorded(NamedTuple):
    """What the gateway did for an attempt, even if the answer was lost."""

    attempt: str
    amount: int
    currency: str
    outcome: Outcome


class Known(NamedTuple):
    """An attempt in the database. `about` is the method charged, or the charge captured or refunded."""

    attempt: str
    kind: str
    amount: int
    currency: str
    about: str
    state: str


class Simulated(Gateway):
    """A gateway that remembers in a SQLite file, shared by processes and threads; without a path, until exit.

    `today` dates the cards that are stored. `latency` (seconds) and `fault` are for tests: a fault
    "drop_reply" acts, and then the answer is lost.
    """

    name = "simulated"

    def __init__(
        self,
        memory: Path | None = None,
        *,
        latency: float = 0.0,
        fault: Callable[[str], str | None] | None = None,
        today: Callable[[], datetime] = lambda: NO_DAY,
    ) -> None:
        self._memory, self._latency, self._fault, self._today = memory, latency, fault, today
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        self._opened_by = 0

    def store_method(self, token: str, type: str = "card") -> StoredMethod | Declined:
        """Store a card, an account or a wallet.

        Cards that decline are refused here already, except …0341, which fails when charged.
        """
        time.sleep(self._latency)
        found = accounts.find(token if token != type else f"sim_{type}", type)
        if isinstance(found, Declined):
            return found
        if isinstance(found, Account):
            return StoredMethod(reference_of(found, token), found.shown())
        if found.refusal is not None and found.refused_when_stored:
            return found.refusal
        return StoredMethod(found.token, found.card(self._today()).details())

    def set_up(self, set_up: SetUp) -> Outcome:
        """Prepare a method for later payments. Repeating an attempt returns its first answer."""

        def decide(memory: sqlite3.Connection, reference: str) -> Outcome:
            return set_up_answer(set_up, reference, is_verified(memory, set_up.method))

        row = (set_up.attempt, "setup", 0, "", set_up.method, own_name("setup", set_up.attempt))
        return self._once(row, decide)

    def charge(self, charge: Charge) -> Outcome:
        """Charge a card. Repeating an attempt returns its first answer."""

        def decide(memory: sqlite3.Connection, reference: str) -> Outcome:
            return answer(charge, reference, is_verified(memory, charge.method))

        row = (
            charge.attempt,
            "charge" if charge.capture else "hold",
            charge.amount,
            charge.currency,
            charge.method,
            own_name("charge", charge.attempt),
        )
        return self._once(row, decide)

    def capture(self, capture: Capture) -> Outcome:
        """Capture a hold: once, up to its amount, and not after it was released."""

        def decide(memory: sqlite3.Connection, reference: str) -> Outcome:
            return capture_answer(memory, capture, reference)

        row = (
            capture.attempt,
            "capture",
            capture.amount,
            capture.currency,
            capture.charge,
            own_name("capture", capture.attempt),
        )
        return self._once(row, decide)

    def refund(self, refund: Refund) -> Outcome:
        """Refund a charge; all refunds of a charge together never exceed it."""

        def decide(memory: sqlite3.Connection, reference: str) -> Outcome:
            return refund_answer(memory, refund, reference)

        row = (
            refund.attempt,
            "refund",
            refund.amount,
            refund.currency,
            refund.charge,
            own_name("refund", refund.attempt),
        )
        return self._once(row, decide)

    def look_up(self, attempt: str) -> Outcome | None:
        """Return the outcome of an attempt. A payment from a bank account arrives with the first look-up.

        That of an account that waits does not: `arrive` ends the wait.
        """
        with self._transaction() as memory:
            found = memory.execute(
                "select amount, about, reference, outcome from attempts where attempt = ?", (attempt,)
            ).fetchone()
            if found is None:
                return None
            outcome = read(found[-1])
            account = accounts.find(found[1])
            if isinstance(outcome, Pending) and isinstance(account, Account) and not account.waits:
                outcome = keep(memory, attempt, arrived(account, found[0], found[2]))
        return outcome

    def arrive(self, attempt: str) -> Outcome | None:
        """End the wait for a payment from a bank account, as the bank's answer does after days."""
        with self._transaction() as memory:
            found = memory.execute(
                "select amount, about, reference, outcome from attempts where attempt = ?", (attempt,)
            ).fetchone()
            if found is None:
                return None
            outcome, account = read(found[-1]), accounts.find(found[1])
            if isinstance(outcome, Pending) and isinstance(account, Account):
                outcome = keep(memory, attempt, arrived(account, found[0], found[2]))
        return outcome

    def verify(self, attempt: str, proof: Deposits) -> Outcome | None:
        """Verify a US bank account by the amounts of two small deposits, or by the code of one."""
        with self._transaction() as memory:
            found = memory.execute(
                "select amount, about, reference, outcome, kind from attempts where attempt = ?", (attempt,)
            ).fetchone()
            if found is None or not isinstance(read(found[3]), NeedsAction):
                return None if found is None else read(found[3])
            refused = accounts.judge_deposits(proof)
            if refused is not None:
                return refused
            done = Succeeded(found[2], 0) if found[4] == "setup" else Pending(found[2])
            return keep(memory, attempt, done)

    def authenticate(self, attempt: str, passed: bool = True) -> Outcome | None:
        """Authenticate as the cardholder does at the bank; from then on `look_up` returns the result."""
        with self._transaction() as memory:
            found = memory.execute(
                "select amount, about, reference, outcome, kind from attempts where attempt = ?", (attempt,)
            ).fetchone()
            if found is None:
                return None
            amount, method, reference, written, kind = found
            outcome = read(written)
            if isinstance(outcome, NeedsAction):
                outcome = (
                    settled(method, amount, reference, kind) if passed else instruments.NOT_AUTHENTICATED
                )
                keep(memory, attempt, outcome)
        return outcome

    def charges(self) -> list[Recorded]:
        """Return every charge that was attempted, declined ones too, by attempt."""
        return self._recorded("charge")

    def refunds(self) -> list[Recorded]:
        """Return every refund that was attempted, by attempt."""
        return self._recorded("refund")

    def agree_with(self, known: Iterable[Known]) -> tuple[int, int]:
        """Make the memory match the restored database; return how many attempts were removed and added.

        A charge that only the memory has would be made a second time; one that only the database has could
        not be refunded.
        """
        books = {one.attempt: one for one in known}
        with self._transaction() as memory:
            ours = {attempt for (attempt,) in memory.execute("select attempt from attempts")}
            foreign = [(attempt,) for attempt in sorted(ours - books.keys())]
            memory.executemany("delete from attempts where attempt = ?", foreign)
            missing = [row for one in books.values() if one.attempt not in ours and (row := as_answered(one))]
            memory.executemany("insert into attempts values (?, ?, ?, ?, ?, ?, ?)", missing)
        return len(foreign), len(missing)

    def close(self) -> None:
        """Close the file; the next request opens it again."""
        with self._lock:
            if self._connection is not None and self._opened_by == os.getpid():
                self._connection.close()
            self._connection = None

    def _once(
        self, row: tuple[str, str, int, str, str, str], decide: Callable[[sqlite3.Connection, str], Outcome]
    ) -> Outcome:
        attempt, reference = row[0], row[-1]
        time.sleep(self._latency)
        with self._transaction() as memory:
            found = memory.execute("select outcome from attempts where attempt = ?", (attempt,)).fetchone()
            outcome = decide(memory, reference) if found is None else read(found[0])
            if found is None:
                memory.execute("insert into attempts values (?, ?, ?, ?, ?, ?, ?)", (*row, write(outcome)))
        if self._fault is not None and self._fault(attempt) == "drop_reply":
            raise Unavailable(f"The simulated gateway lost its reply to {attempt}.")
        return outcome

    def _recorded(self, kind: str) -> list[Recorded]:
        with self._transaction() as memory:
            rows = memory.execute(
                "select attempt, amount, currency, outcome from attempts where kind = ? order by attempt",
                (kind,),
            ).fetchall()
        return [
            Recorded(attempt, amount, currency, read(outcome)) for attempt, amount, currency, outcome in rows
        ]

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        """Begin a transaction; the lock serializes threads, `begin immediate` serializes processes."""
        with self._lock:
            connection = self._open()
            connection.execute("begin immediate")
            try:
                yield connection
            except BaseException:
                connection.rollback()
                raise
            connection.commit()

    def _open(self) -> sqlite3.Connection:
        # SQLite does not allow a connection to be used after a fork: the child opens its own.
        if self._connection is None or self._opened_by != os.getpid():
            self._connection, self._opened_by = connect(self._memory), os.getpid()
        return self._connection


def own_name(kind: str, attempt: str) -> str:
    """Return the gateway's id of an attempt."""
    return f"{PREFIXES[kind]}_sim_{attempt}"


def as_answered(known: Known) -> tuple[str, str, int, str, str, str, str] | None:
    """Rebuild the answer to an attempt from the database; None for a refusal, which is never repeated."""
    attempt, kind, amount, currency, about, state = known
    name = own_name(kind, attempt)
    outcomes: dict[str, Outcome] = {
        "requires_action": NeedsAction(name),
        "succeeded": Succeeded(name, fee(amount) if kind in ("charge", "capture") else 0, *names(name)),
    }
    return (
        (attempt, kind, amount, currency, about, name, write(outcomes[state])) if state in outcomes else None
    )


def is_verified(memory: sqlite3.Connection, method: str) -> bool:
    """Return whether a method needs no small deposits, or its owner has named their amounts."""
    if accounts.UNVERIFIED not in method:
        return True
    found = memory.execute("select outcome from attempts where about = ?", (method,)).fetchall()
    return any(isinstance(read(outcome), Succeeded | Pending) for (outcome,) in found)


def keep(memory: sqlite3.Connection, attempt: str, outcome: Outcome) -> Outcome:
    """Keep the new outcome of an attempt."""
    memory.execute("update attempts set outcome = ? where attempt = ?", (write(outcome), attempt))
    return outcome


def captured(memory: sqlite3.Connection, charge: str) -> int | None:
    """Return how much of a hold was captured, None without a capture."""
    found = memory.execute(
        "select outcome, amount from attempts where kind = 'capture' and about = ?", (charge,)
    ).fetchall()
    return next((amount for outcome, amount in found if isinstance(read(outcome), Succeeded)), None)


def capture_answer(memory: sqlite3.Connection, capture: Capture, reference: str) -> Outcome:
    held = memory.execute(
        "select amount, currency, outcome from attempts where kind = 'hold' and reference = ?",
        (capture.charge,),
    ).fetchone()
    let_go = memory.execute(
        "select outcome from attempts where kind = 'refund' and about = ?", (capture.charge,)
    ).fetchall()
    if held is None or held[1] != capture.currency or not isinstance(read(held[2]), Succeeded):
        return instruments.declined(
            None, f"No such charge: '{capture.charge}'", "resource_missing", retry=False
        )
    if captured(memory, capture.charge) is not None:
        return instruments.declined(
            None, "This charge has already been captured.", "charge_already_captured", retry=False
        )
    if capture.amount > held[0] or any(isinstance(read(outcome), Succeeded) for (outcome,) in let_go):
        return instruments.declined(
            None, "The hold does not cover this amount.", "charge_expired_for_capture", retry=False
        )
    return Succeeded(reference, fee(capture.amount))


def refund_answer(memory: sqlite3.Connection, refund: Refund, reference: str) -> Outcome:
    found = memory.execute(
        "select amount, currency, outcome from attempts where kind in ('charge', 'hold') and reference = ?",
        (refund.charge,),
    ).fetchone()
    if found is None or found[1] != refund.currency or not isinstance(read(found[2]), Succeeded):
        return instruments.declined(
            None, f"No such charge: '{refund.charge}'", "resource_missing", retry=False
        )
    given = memory.execute(
        "select outcome, amount from attempts where kind = 'refund' and about = ?", (refund.charge,)
    ).fetchall()
    taken = captured(memory, refund.charge)
    whole = found[0] if taken is None else taken
    left = whole - sum(amount for outcome, amount in given if isinstance(read(outcome), Succeeded))
    if left == 0:
        return instruments.declined(
            None, f"Charge {refund.charge} has already been refunded.", "charge_already_refunded", retry=False
        )
    if refund.amount > left:
        return instruments.declined(
            None,
            "Refund amount is greater than unrefunded amount on charge.",
            "amount_too_large",
            retry=False,
        )
    # Stripe does not return its fee with a refund, and charges none for the refund.
    return Succeeded(reference, 0)


def write(outcome: Outcome) -> str:
    return json.dumps([type(outcome).__name__, asdict(outcome)])


def read(written: str) -> Outcome:
    kind, members = json.loads(written)
    return OUTCOMES[kind](**members)


def connect(memory: Path | None) -> sqlite3.Connection:
    """Open the memory with its table. Losing the last second in a power cut is fine in a simulation."""
    if memory is not None:
        memory.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        memory.touch(
            mode=0o600
        )  # SQLite would create it readable by others; its log gets the same permissions
    connection = sqlite3.connect(
        memory or ":memory:", timeout=30, isolation_level=None, check_same_thread=False
    )
    connection.execute("pragma synchronous = off")
    if memory is not None:
        use_write_ahead_log(connection)
    for statement in SCHEMA.split(";"):
        connection.execute(statement)
    renew(connection)
    return connection


def renew(connection: sqlite3.Connection) -> None:
    """Give a memory of an older release, which knows no set-ups, the table of this one."""
    connection.execute("begin immediate")
    (table,) = connection.execute("select sql from sqlite_master where name = 'attempts'").fetchone()
    if "'setup'" not in table:
        connection.execute("alter table attempts rename to former")
        connection.execute("drop index refunds_of")
        for statement in SCHEMA.split(";"):
            connection.execute(statement)
        connection.execute("insert into attempts select * from former")
        connection.execute("drop table former")
    connection.execute("commit")


def use_write_ahead_log(connection: sqlite3.Connection) -> None:
    """Switch to write-ahead logging, and retry: two processes that switch a new file at once get "locked"."""
    for _ in range(200):
        try:
            connection.execute("pragma journal_mode = wal")
            return
        except sqlite3.OperationalError:
            time.sleep(0.01)
    raise Unavailable("The simulated gateway's memory stays locked.")
