"""Simulate a gateway with Stripe's test cards; outcomes are stored by attempt on this machine."""

import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from billow.core.disputes import Dispute, Evidence
from billow.core.errors import Inconsistent, Unavailable
from billow.core.notices import AttemptChanged, DisputeChanged, Notice
from billow.core.payments import (
    CANCELED,
    Capture,
    Charge,
    Collect,
    CollectingPage,
    Declined,
    Deposits,
    Increment,
    NeedsAction,
    Outcome,
    Pending,
    Refund,
    SetUp,
    Succeeded,
)
from billow.providers.gateways import (
    HERE,
    Gateway,
    StoredMethod,
    accounts,
    faults,
    instruments,
    simulated_accounts,
    simulated_disputes,
)
from billow.providers.gateways.accounts import Account
from billow.providers.gateways.faults import Fault, fault_of
from billow.providers.gateways.no_payouts import NoPayouts
from billow.providers.gateways.simulated_answers import (
    Known,
    answer,
    as_answered,
    begin_aftermath,
    begin_refund,
    capture_answer,
    increment_answer,
    mature,
    own_name,
    paid,
    refund_answer,
    settled,
    truth_of,
)
from billow.providers.gateways.simulated_memory import connect, keep, read, write

NO_DAY = datetime(2049, 12, 1, tzinfo=UTC)
"""The date used without a clock: late enough for every card."""


SIGNS = b"the simulated gateway"
"""The secret of its notices: it moves no money, so that who forges one makes billow ask it, and no more."""


class Recorded(NamedTuple):
    """What the gateway did for an attempt, even if the answer was lost."""

    attempt: str
    amount: int
    currency: str
    outcome: Outcome


class Simulated(NoPayouts, Gateway):
    """A gateway that remembers in a SQLite file, shared by processes and threads; without a path, until exit.

    `today` dates the cards that are stored. The rest is for tests: `latency` of each call in seconds,
    `fault`, which says for each attempt what goes wrong with it (`faults.Fault`, or its kind alone), and
    `notify`, which receives the notices as a server would; without it none are sent.
    """

    name = "simulated"
    collects_at: Mapping[str, str] = MappingProxyType({"card": HERE, "sepa_debit": HERE})

    def __init__(
        self,
        memory: Path | None = None,
        *,
        latency: float = 0.0,
        fault: Callable[[str], str | Fault | None] | None = None,
        notify: Callable[[dict[str, str], bytes], None] | None = None,
        today: Callable[[], datetime] = lambda: NO_DAY,
    ) -> None:
        self._memory, self._latency, self._fault, self._today = memory, latency, fault, today
        self._notify, self._waiting, self._late = notify, list[bytes](), list[bytes]()
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        self._opened_by = 0

    def begin_collection(self, wanted: Collect) -> CollectingPage:
        """Raise: cards are entered on our own page, since no number here is a real one."""
        raise Inconsistent("The simulated gateway has no page of its own.")

    def collected(self, collection: str, reference: str) -> StoredMethod | Declined | None:
        """Answer that nothing was entered elsewhere."""
        return None

    def store_method(self, token: str, type: str = "card", check: bool = True) -> StoredMethod | Declined:
        """Store a card, an account or a wallet.

        Cards that decline are refused here already, except …0341, which fails when charged.
        """
        time.sleep(self._latency)
        found = accounts.find(token if token != type else f"sim_{type}", type)
        if isinstance(found, Declined):
            return found
        if isinstance(found, Account):
            return StoredMethod(simulated_accounts.reference_of(found, token), found.shown())
        if check and found.refusal is not None and found.refused_when_stored:
            return found.refusal
        return StoredMethod(found.token, found.card(self._today()).details())

    def set_up(self, set_up: SetUp) -> Outcome:
        """Prepare a method for later payments. Repeating an attempt returns its first answer."""

        def decide(memory: sqlite3.Connection, reference: str) -> Outcome:
            return simulated_accounts.set_up_answer(memory, set_up, reference)

        row = (set_up.attempt, "setup", 0, "", set_up.method, own_name("setup", set_up.attempt))
        return self._once(row, decide)

    def charge(self, charge: Charge) -> Outcome:
        """Charge a card. Repeating an attempt returns its first answer."""

        def decide(memory: sqlite3.Connection, reference: str) -> Outcome:
            outcome = answer(memory, charge, reference)
            return outcome if not charge.capture else begin_aftermath(memory, charge, charge.method, outcome)

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
        """Capture a hold up to what it allows, and not after its last capture or its release."""

        def decide(memory: sqlite3.Connection, reference: str) -> Outcome:
            outcome = capture_answer(memory, capture, reference)
            held = memory.execute(
                "select about from attempts where reference = ?", (capture.charge,)
            ).fetchone()
            return begin_aftermath(memory, capture, held[0], outcome) if held else outcome

        row = (
            capture.attempt,
            "capture" if capture.final else "part",
            capture.amount,
            capture.currency,
            capture.charge,
            own_name("capture", capture.attempt),
        )
        return self._once(row, decide)

    def increment(self, increment: Increment) -> Outcome:
        """Raise a hold whose card allows it, as long as nothing was captured of it."""

        def decide(memory: sqlite3.Connection, reference: str) -> Outcome:
            return increment_answer(memory, increment, reference)

        row = (
            increment.attempt,
            "increment",
            increment.amount,
            increment.currency,
            increment.charge,
            own_name("increment", increment.attempt),
        )
        return self._once(row, decide)

    def refund(self, refund: Refund) -> Outcome:
        """Refund a charge; all refunds of a charge together never exceed it."""

        def decide(memory: sqlite3.Connection, reference: str) -> Outcome:
            return begin_refund(memory, refund, refund_answer(memory, refund, reference))

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
        with self._transaction() as memory:
            mature(memory, attempt)
            found = memory.execute("select outcome from attempts where attempt = ?", (attempt,)).fetchone()
        return None if found is None else read(found[0])

    def cancel(self, attempt: str) -> Outcome | None:
        """Cancel an attempt that waits for its customer; any other stays as it is."""
        with self._transaction() as memory:
            found = self._of(memory, attempt)
            if found is None or not isinstance(found[-1], NeedsAction):
                return None if found is None else found[-1]
            return keep(memory, attempt, CANCELED)

    def reports(self, attempt: str) -> Sequence[Notice]:
        """Return the disputes and warnings of a charge, and whether an outcome has changed since."""
        with self._transaction() as memory:
            changed = mature(memory, attempt)
            found = memory.execute(
                "select kind, about, reference from attempts where attempt = ?", (attempt,)
            ).fetchone()
            if found is None:
                return []
            kind, about, reference = found
            raised = simulated_disputes.reported(memory, reference if kind in ("charge", "hold") else about)
        return [*([AttemptChanged(attempt)] if changed else []), *raised]

    def read_notice(self, headers: Mapping[str, str], body: bytes) -> Sequence[Notice]:
        return faults.decode(SIGNS, headers, body)

    def dispute(self, reference: str) -> Dispute | None:
        with self._transaction() as memory:
            return simulated_disputes.find(memory, reference)

    def contest(self, evidence: Evidence) -> Dispute:
        """Keep or submit evidence, whose words decide the dispute; a notice of it follows."""
        with self._transaction() as memory:
            found = simulated_disputes.contest(memory, evidence)
        self._tell_later(DisputeChanged(found.reference, found.charge), found.status)
        return found

    def concede(self, reference: str) -> Dispute:
        with self._transaction() as memory:
            found = simulated_disputes.concede(memory, reference)
        self._tell_later(DisputeChanged(found.reference, found.charge), found.status)
        return found

    def deliver(self, late: bool = False) -> int:
        """Send the notices that wait, and with `late` those that are held back; return how many."""
        sent, self._waiting = self._waiting, []
        if late:
            sent, self._late = [*sent, *self._late], []
        for body in sent:
            self._send(body)
        return len(sent)

    def arrive(self, attempt: str) -> Outcome | None:
        """End the wait for a payment from a bank account, as the bank's answer does after days."""
        with self._transaction() as memory:
            found = self._of(memory, attempt)
            if found is None:
                return None
            _, amount, method, reference, outcome = found
            account = accounts.find(method)
            if isinstance(outcome, Pending) and isinstance(account, Account):
                memory.execute("delete from later where attempt = ?", (attempt,))
                outcome = keep(memory, attempt, account.refusal or paid(amount, reference, True))
        return outcome

    def verify(self, attempt: str, proof: Deposits) -> Outcome | None:
        """Verify a US bank account by the amounts of two small deposits, or by the code of one."""
        with self._transaction() as memory:
            found = self._of(memory, attempt)
            if found is None:
                return None
            kind, amount, method, reference, outcome = found
            if isinstance(outcome, NeedsAction):
                done = paid(amount, reference, True)
                outcome = simulated_accounts.verified(memory, attempt, proof, kind, method, done)
                if not isinstance(outcome, Declined):
                    keep(memory, attempt, outcome)
        return outcome

    def authenticate(self, attempt: str, passed: bool = True) -> Outcome | None:
        """Authenticate as the cardholder does at the bank; from then on `look_up` returns the result."""
        with self._transaction() as memory:
            found = self._of(memory, attempt)
            if found is None:
                return None
            kind, amount, method, reference, outcome = found
            if isinstance(outcome, NeedsAction):
                outcome = (
                    settled(method, amount, reference, kind, outcome.wishes)
                    if passed
                    else instruments.NOT_AUTHENTICATED
                )
                keep(memory, attempt, outcome)
        self._tell_later(AttemptChanged(attempt), type(outcome).__name__)
        return outcome

    def _of(self, memory: sqlite3.Connection, attempt: str) -> tuple[str, int, str, str, Outcome] | None:
        """Return the kind, amount, method, reference and outcome of an attempt, if it ever arrived."""
        found = memory.execute(
            "select kind, amount, about, reference, outcome from attempts where attempt = ?", (attempt,)
        ).fetchone()
        return None if found is None else (*found[:4], read(found[4]))

    def charges(self) -> list[Recorded]:
        """Return every charge that was attempted, declined ones too, by attempt."""
        return self._recorded("charge")

    def refunds(self) -> list[Recorded]:
        """Return every refund that was attempted, by attempt."""
        return self._recorded("refund")

    def truth(self) -> dict[str, Any]:
        """Return what this gateway has really done: each attempt and dispute, and its balance by currency.

        It is what the books are compared with; `billow gateway truth` prints it.
        """
        with self._transaction() as memory:
            return truth_of(memory)

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
        attempt = row[0]
        fault = fault_of(self._fault(attempt) if self._fault else None)
        time.sleep(self._latency + fault.latency)
        if fault.kind == "drop_request":
            raise Unavailable(f"The simulated gateway did not receive {attempt}.")
        outcome = self._act(row, decide)
        if fault.kind == "duplicate":
            outcome = self._act(row, decide)
        self._tell(AttemptChanged(attempt), outcome, fault)
        faults.raise_after_acting(fault, attempt)
        return outcome

    def _act(
        self, row: tuple[str, str, int, str, str, str], decide: Callable[[sqlite3.Connection, str], Outcome]
    ) -> Outcome:
        """Carry out an attempt and store its outcome; return the stored one of an attempt that is known."""
        attempt, reference = row[0], row[-1]
        with self._transaction() as memory:
            found = memory.execute("select outcome from attempts where attempt = ?", (attempt,)).fetchone()
            outcome = decide(memory, reference) if found is None else read(found[0])
            if found is None:
                memory.execute("insert into attempts values (?, ?, ?, ?, ?, ?, ?)", (*row, write(outcome)))
        return outcome

    def _tell(self, notice: Notice, outcome: Outcome, fault: Fault) -> None:
        """Queue the notice of an outcome, or send it at once; `fault` says how it arrives."""
        if self._notify is None:
            return
        body = faults.encode(notice, type(outcome).__name__)
        opposite = "Declined" if isinstance(outcome, Succeeded) else "Succeeded"
        bodies = [body] * (2 if "twice" in fault.notices else 1)
        if "contradictory" in fault.notices:
            bodies.append(faults.encode(notice, opposite))
        if "early" in fault.notices:
            for each in bodies:
                self._send(each)
        elif "late" in fault.notices:
            self._late += bodies
        else:
            self._waiting += bodies

    def _tell_later(self, notice: Notice, claim: str) -> None:
        if self._notify is not None:
            self._waiting.append(faults.encode(notice, claim))

    def _send(self, body: bytes) -> None:
        if self._notify is not None:
            self._notify(faults.signed(SIGNS, body), body)

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
