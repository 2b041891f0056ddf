"""Decide what the simulated gateway answers, and what it has done so far."""

import sqlite3
from collections.abc import Iterable
from dataclasses import replace
from decimal import ROUND_HALF_UP, Decimal
from hashlib import sha256
from typing import Any, NamedTuple

from billow.core import holds
from billow.core.payments import (
    Capture,
    Charge,
    Declined,
    Increment,
    NeedsAction,
    Outcome,
    Pending,
    Refund,
    Succeeded,
)
from billow.providers.gateways import accounts, instruments, simulated_accounts, simulated_disputes
from billow.providers.gateways.accounts import Account
from billow.providers.gateways.instruments import Instrument
from billow.providers.gateways.simulated_memory import keep, read, write

FEE_RATE, FEE_FIXED = Decimal("0.029"), 30

PREFIXES = {
    "charge": "ch",
    "hold": "ch",
    "increment": "inc",
    "part": "cap",
    "capture": "cap",
    "refund": "re",
    "setup": "seti",
}
PAID = ("charge", "part", "capture")
"""The kinds of attempts that bring money, and cost a fee."""
HOLDS = ("hold", "increment")
TAKEN_AGAIN = ("amex", "discover", "mastercard", "visa")
"""The brands whose holds can be captured more than once, raised, exceeded and kept for longer."""


class Known(NamedTuple):
    """An attempt in the database. `about` is the method charged, or the charge captured or refunded."""

    attempt: str
    kind: str
    amount: int
    currency: str
    about: str
    state: str
    wishes: tuple[str, ...] = ()


def own_name(kind: str, attempt: str) -> str:
    """Return the gateway's id of an attempt."""
    return f"{PREFIXES[kind]}_sim_{attempt}"


def as_answered(known: Known) -> tuple[str, str, int, str, str, str, str] | None:
    """Rebuild the answer to an attempt from the database; None for a refusal, which is never repeated."""
    attempt, kind, amount, currency, about, state, wishes = known
    name = own_name(kind, attempt)
    done = Succeeded(name, fee(amount) if kind in PAID else 0, *names(name))
    outcomes: dict[str, Outcome] = {
        "requires_action": NeedsAction(name, wishes=tuple(wishes)),
        "succeeded": granted(done, amount, wishes, TAKEN_AGAIN[0]) if kind in HOLDS else done,
    }
    return (
        (attempt, kind, amount, currency, about, name, write(outcomes[state])) if state in outcomes else None
    )


def answer(memory: sqlite3.Connection, charge: Charge, reference: str) -> Outcome:
    """Return the answer of a card, an account or a wallet to the first attempt."""
    found = accounts.find(charge.method)
    if isinstance(found, Declined):
        return found
    if isinstance(found, Account):
        return simulated_accounts.debited(
            memory, found, charge, paid(charge.amount, reference, charge.capture)
        )
    if not charge.terms.moto and not charge.terms.is_authenticated:
        if found.asks == "always" and charge.off_session:
            return instruments.MUST_AUTHENTICATE
        if not charge.off_session and found.must_ask(charge.three_d_secure):
            return NeedsAction(reference, wishes=charge.wishes)
    outcome = judged(found, charge.amount, reference, charge.capture)
    return outcome if charge.capture else granted(outcome, charge.amount, charge.wishes, found.brand)


def granted(outcome: Outcome, amount: int, wishes: Iterable[str], brand: str) -> Outcome:
    """Return the answer to a hold, or to its raise, with what the card grants of the wishes for it."""
    if not isinstance(outcome, Succeeded) or brand not in TAKEN_AGAIN:
        return outcome
    most = holds.with_overcapture(amount) if holds.OVERCAPTURE in wishes else None
    return replace(outcome, allows=tuple(wishes), most=most)


def settled(method: str, amount: int, reference: str, kind: str, wishes: Iterable[str] = ()) -> Outcome:
    """Return the answer of a card or wallet after authentication; a hold costs no fee, a set-up neither."""
    found = accounts.find(method)
    if isinstance(found, Declined):
        return found
    if kind == "setup":
        return Succeeded(reference, 0)
    if isinstance(found, Account):
        return paid(amount, reference, kind == "charge")
    outcome = judged(found, amount, reference, kind == "charge")
    return granted(outcome, amount, wishes, found.brand) if kind == "hold" else outcome


def judged(instrument: Instrument, amount: int, reference: str, capture: bool = True) -> Outcome:
    return instrument.refusal or replace(paid(amount, reference, capture), at_once=instrument.at_once)


def paid(amount: int, reference: str, capture: bool) -> Succeeded:
    """Return the answer of a payment that succeeds; a hold costs no fee."""
    return Succeeded(reference, fee(amount) if capture else 0, *names(reference))


def names(reference: str) -> tuple[str, str]:
    """Return the authorization code and the network transaction id of a charge: six and fifteen digits."""
    number = int(sha256(reference.encode()).hexdigest(), 16)
    return f"{number % 10**6:06}", f"{number % 10**15:015}"


def fee(amount: int) -> int:
    """Return the fee: 2.9 % and 30 minor units, never more than the amount itself."""
    percentage = (amount * FEE_RATE).quantize(Decimal(1), ROUND_HALF_UP)
    return min(int(percentage) + FEE_FIXED, amount)


def captured(memory: sqlite3.Connection, charge: str) -> tuple[int, bool] | None:
    """Return how much of a hold was captured, and whether that was the last time; None without a capture."""
    found = memory.execute(
        "select outcome, amount, kind from attempts where kind in ('part', 'capture') and about = ?",
        (charge,),
    ).fetchall()
    done = [(amount, kind) for outcome, amount, kind in found if isinstance(read(outcome), Succeeded)]
    return (sum(amount for amount, _ in done), any(kind == "capture" for _, kind in done)) if done else None


def held(memory: sqlite3.Connection, charge: str, currency: str) -> tuple[int, Succeeded] | None:
    """Return how much a charge holds, and what its card allows: that of its last raise, if there was one."""
    found = memory.execute(
        "select kind, amount, currency, outcome from attempts"
        " where (kind = 'hold' and reference = ?1) or (kind = 'increment' and about = ?1)",
        (charge,),
    ).fetchall()
    known = [
        (amount, outcome, kind)
        for kind, amount, own, written in found
        if own == currency and isinstance(outcome := read(written), Succeeded)
    ]
    if not any(kind == "hold" for *_, kind in known):
        return None
    amount, outcome, _ = max(known, key=lambda one: one[0])
    return amount, outcome


def is_let_go(memory: sqlite3.Connection, charge: str) -> bool:
    """Check whether a hold of which nothing was captured was released."""
    found = memory.execute(
        "select outcome from attempts where kind = 'refund' and about = ?", (charge,)
    ).fetchall()
    return any(isinstance(read(outcome), Succeeded) for (outcome,) in found)


def capture_answer(memory: sqlite3.Connection, capture: Capture, reference: str) -> Outcome:
    hold = held(memory, capture.charge, capture.currency)
    if hold is None:
        return instruments.declined(
            None, f"No such charge: '{capture.charge}'", "resource_missing", retry=False
        )
    amount, answered = hold
    taken, ended = captured(memory, capture.charge) or (0, False)
    if ended:
        return instruments.declined(
            None, "This charge has already been captured.", "charge_already_captured", retry=False
        )
    known = holds.Hold(amount, taken, answered.most or amount)
    if capture.amount > known.capturable(capture.final) or (not taken and is_let_go(memory, capture.charge)):
        return instruments.declined(
            None, "The hold does not cover this amount.", "charge_expired_for_capture", retry=False
        )
    if not capture.final and holds.MULTICAPTURE not in answered.allows:
        return instruments.declined(
            None, "This card can be captured once.", "capture_not_supported", retry=False
        )
    return Succeeded(reference, fee(capture.amount))


def increment_answer(memory: sqlite3.Connection, increment: Increment, reference: str) -> Outcome:
    hold = held(memory, increment.charge, increment.currency)
    if hold is None or is_let_go(memory, increment.charge):
        return instruments.declined(
            None, f"No such charge: '{increment.charge}'", "resource_missing", retry=False
        )
    amount, answered = hold
    taken = captured(memory, increment.charge)
    if taken or increment.amount <= amount or holds.INCREMENT not in answered.allows:
        return instruments.declined(
            "transaction_not_allowed", "Your card does not support this type of purchase.", retry=False
        )
    return granted(Succeeded(reference, 0), increment.amount, answered.allows, TAKEN_AGAIN[0])


def refunded(memory: sqlite3.Connection, charge: str) -> int:
    """Return how much of a charge was given back."""
    given = memory.execute(
        "select outcome, amount from attempts where kind = 'refund' and about = ?", (charge,)
    ).fetchall()
    return sum(amount for outcome, amount in given if isinstance(read(outcome), Succeeded))


def refund_answer(memory: sqlite3.Connection, refund: Refund, reference: str) -> Outcome:
    found = memory.execute(
        "select amount, currency, outcome from attempts where kind in ('charge', 'hold') and reference = ?",
        (refund.charge,),
    ).fetchone()
    if found is None or found[1] != refund.currency or not isinstance(read(found[2]), Succeeded):
        return instruments.declined(
            None, f"No such charge: '{refund.charge}'", "resource_missing", retry=False
        )
    taken = captured(memory, refund.charge)
    hold = held(memory, refund.charge, refund.currency)
    whole = taken[0] if taken else hold[0] if hold else found[0]
    left = whole - refunded(memory, refund.charge)
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


def begin_aftermath(
    memory: sqlite3.Connection, about: Charge | Capture, method: str, outcome: Outcome
) -> Outcome:
    """Raise what the card raises after a charge, such as a dispute; the answer says that there is news."""
    found = accounts.find(method)
    if isinstance(found, Declined | Account) or not isinstance(outcome, Succeeded):
        return outcome
    outcome = replace(outcome, at_once=found.at_once)
    if found.delayed:
        memory.execute("insert into later values (?, ?)", (about.attempt, write(outcome)))
        return Pending(outcome.reference, ask_in=0)
    if found.afterwards is None:
        return outcome
    charge = about.charge if isinstance(about, Capture) else outcome.reference
    simulated_disputes.begin(memory, charge, about.amount, about.currency, found.afterwards)
    return replace(outcome, news=True)


def begin_refund(memory: sqlite3.Connection, refund: Refund, outcome: Outcome) -> Outcome:
    """Answer the refund of a card whose refunds take time: it is pending first, or fails afterwards."""
    if isinstance(outcome, Succeeded):
        total = refund.amount + refunded(memory, refund.charge)
        outcome = replace(outcome, news=simulated_disputes.end_inquiry(memory, refund.charge, total))
    (method,) = memory.execute(
        "select about from attempts where reference = ?", (refund.charge,)
    ).fetchone() or ("",)
    found = accounts.find(method)
    if isinstance(found, Declined | Account) or not isinstance(outcome, Succeeded) or not found.refunds:
        return outcome
    after = outcome if found.refunds == "pending" else instruments.REFUND_FAILED
    memory.execute("insert into later values (?, ?)", (refund.attempt, write(after)))
    return Pending(outcome.reference, ask_in=0) if found.refunds == "pending" else replace(outcome, news=True)


def mature(memory: sqlite3.Connection, attempt: str) -> bool:
    """Put the later outcome of an attempt in the place of its first; return whether there is one."""
    found = memory.execute("select outcome from later where attempt = ?", (attempt,)).fetchone()
    if found is None:
        return False
    keep(memory, attempt, disputed(memory, attempt, read(found[0])))
    memory.execute("delete from later where attempt = ?", (attempt,))
    return True


def disputed(memory: sqlite3.Connection, attempt: str, outcome: Outcome) -> Outcome:
    """Raise the dispute of a bank account whose payments are disputed as soon as they have arrived."""
    kind, amount, currency, about, reference = memory.execute(
        "select kind, amount, currency, about, reference from attempts where attempt = ?", (attempt,)
    ).fetchone()
    account = accounts.find(about) if kind == "charge" else None
    if not isinstance(account, Account) or not account.afterwards or not isinstance(outcome, Succeeded):
        return outcome
    simulated_disputes.begin(memory, reference, amount, currency, account.afterwards)
    return replace(outcome, news=True)


def truth_of(memory: sqlite3.Connection) -> dict[str, Any]:
    """Sum up the memory: attempts with their outcomes, disputes, and what each currency's balance is."""
    rows = memory.execute(
        "select attempt, kind, amount, currency, about, reference, outcome from attempts order by attempt"
    ).fetchall()
    taken = {about for _, kind, _, _, about, _, _ in rows if kind in ("part", "capture")}
    released = {reference for _, kind, _, _, _, reference, _ in rows if kind == "hold"} - taken
    balance: dict[str, int] = {}
    attempts = []
    for attempt, kind, amount, currency, about, reference, written in rows:
        outcome = read(written)
        attempts.append(
            {
                "attempt": attempt,
                "kind": kind,
                "amount": amount,
                "currency": currency,
                "about": about,
                "reference": reference,
                "outcome": type(outcome).__name__,
            }
        )
        if isinstance(outcome, Succeeded):
            given = -amount if kind == "refund" and about not in released else 0
            moved = amount if kind in PAID else given
            balance[currency] = balance.get(currency, 0) + moved - outcome.fee
    for currency, amount, fee in simulated_disputes.moved(memory):
        balance[currency] = balance.get(currency, 0) + amount - fee
    disputes = memory.execute("select reference, charge, amount, currency, status from disputes").fetchall()
    named = ("dispute", "charge", "amount", "currency", "status")
    return {
        "attempts": attempts,
        "disputes": [dict(zip(named, each, strict=True)) for each in disputes],
        "balance": balance,
    }
