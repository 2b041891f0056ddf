"""Decide what the simulated gateway answers for bank accounts and wallets, and when a method is set up."""

import os
import sqlite3

from billow.core.payments import Charge, Declined, Deposits, NeedsAction, Outcome, Pending, SetUp, Succeeded
from billow.providers.gateways import accounts
from billow.providers.gateways.accounts import Account
from billow.providers.gateways.simulated_memory import read, write


def reference_of(account: Account, token: str) -> str:
    """Return the gateway's id of an account. A US account that was typed in is not yet verified."""
    if account.type == "us_bank_account" and not token.startswith("pm_"):
        return f"{account.token}{accounts.UNVERIFIED}{os.urandom(8).hex()}"
    return account.token


def is_verified(memory: sqlite3.Connection, method: str) -> bool:
    """Return whether a method needs no small deposits, or its owner has named their amounts."""
    if accounts.UNVERIFIED not in method:
        return True
    found = memory.execute("select outcome from attempts where about = ?", (method,)).fetchall()
    return any(isinstance(read(outcome), Succeeded | Pending) for (outcome,) in found)


def debited(memory: sqlite3.Connection, account: Account, charge: Charge, paid: Succeeded) -> Outcome:
    """Return the first answer of an account: a debit is on its way, a wallet asks its holder to confirm.

    `paid` is the answer once it is paid.
    """
    if not is_verified(memory, charge.method):
        return NeedsAction(paid.reference, "verify_with_microdeposits")
    if account.number:
        return begin_debit(memory, account, charge.attempt, paid)
    return paid if charge.off_session else NeedsAction(paid.reference, "redirect_to_url")


def begin_debit(memory: sqlite3.Connection, account: Account, attempt: str, paid: Succeeded) -> Outcome:
    """Begin a debit, which is pending until it is looked up, or until `arrive` ends the wait."""
    if account.waits:
        return Pending(paid.reference)
    memory.execute("insert into later values (?, ?)", (attempt, write(account.refusal or paid)))
    return Pending(paid.reference, ask_in=0)


def set_up_answer(memory: sqlite3.Connection, set_up: SetUp, reference: str) -> Outcome:
    """Return the answer to the first attempt to set up a card, an account or a wallet."""
    found = accounts.find(set_up.method)
    if isinstance(found, Declined):
        return found
    if isinstance(found, Account):
        if not is_verified(memory, set_up.method):
            return NeedsAction(reference, "verify_with_microdeposits")
        return Succeeded(reference, 0) if found.number else NeedsAction(reference, "redirect_to_url")
    if found.refused_when_stored and found.refusal:
        return found.refusal
    terms = set_up.terms
    must_ask = found.must_ask(set_up.three_d_secure) and not terms.moto and not terms.is_authenticated
    return NeedsAction(reference) if must_ask else Succeeded(reference, 0)


def verified(
    memory: sqlite3.Connection, attempt: str, proof: Deposits, kind: str, method: str, paid: Succeeded
) -> Outcome:
    """Return the answer to what an owner has read; what is right sets the account up, or debits it."""
    account = accounts.find(method)
    unsent = isinstance(account, Account) and account.refusal is accounts.NO_DEPOSITS
    refused = accounts.NO_DEPOSITS if unsent else accounts.judge_deposits(proof)
    if refused is not None or not isinstance(account, Account):
        return refused or accounts.wrong_number("us_bank_account")
    return Succeeded(paid.reference, 0) if kind == "setup" else begin_debit(memory, account, attempt, paid)
