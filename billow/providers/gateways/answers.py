"""Decide what the simulated gateway answers for each test card, account and wallet."""

import os
from decimal import ROUND_HALF_UP, Decimal
from hashlib import sha256

from billow.core.payments import Charge, Declined, NeedsAction, Outcome, Pending, SetUp, Succeeded
from billow.providers.gateways import accounts, instruments
from billow.providers.gateways.accounts import Account
from billow.providers.gateways.instruments import Instrument

FEE_RATE, FEE_FIXED = Decimal("0.029"), 30


def answer(charge: Charge, reference: str, verified: bool) -> Outcome:
    """Return the answer of a card or an account to the first attempt."""
    found = accounts.find(charge.method)
    if isinstance(found, Declined):
        return found
    if isinstance(found, Account):
        return debited(found, charge, reference, verified)
    if found.asks == "always" and charge.off_session:
        return instruments.MUST_AUTHENTICATE
    if found.asks != "never" and not charge.off_session:
        return NeedsAction(reference)
    return judged(found, charge.amount, reference, charge.capture)


def debited(account: Account, charge: Charge, reference: str, verified: bool) -> Outcome:
    """Return the first answer of an account: a debit is on its way, a wallet asks its holder to confirm."""
    if not verified:
        return NeedsAction(reference, "verify_with_microdeposits")
    if account.number:
        return Pending(reference)
    if charge.off_session:
        return Succeeded(reference, fee(charge.amount) if charge.capture else 0, *names(reference))
    return NeedsAction(reference, "redirect_to_url")


def arrived(account: Account, amount: int, reference: str) -> Outcome:
    """Return what becomes of a payment from a bank account after days."""
    return account.refusal or Succeeded(reference, fee(amount))


def set_up_answer(set_up: SetUp, reference: str, verified: bool) -> Outcome:
    """Return the answer to the first attempt to set up a card, an account or a wallet."""
    found = accounts.find(set_up.method)
    if isinstance(found, Declined):
        return found
    if isinstance(found, Account):
        if not verified:
            return NeedsAction(reference, "verify_with_microdeposits")
        return Succeeded(reference, 0) if found.number else NeedsAction(reference, "redirect_to_url")
    if found.refused_when_stored and found.refusal:
        return found.refusal
    return NeedsAction(reference) if found.asks != "never" else Succeeded(reference, 0)


def settled(method: str, amount: int, reference: str, kind: str) -> Outcome:
    """Return the answer of a card or wallet after authentication; a hold costs no fee, a set-up neither."""
    found = accounts.find(method)
    if isinstance(found, Declined):
        return found
    if kind == "setup":
        return Succeeded(reference, 0)
    if isinstance(found, Account):
        return Succeeded(reference, fee(amount) if kind == "charge" else 0, *names(reference))
    return judged(found, amount, reference, kind == "charge")


def judged(instrument: Instrument, amount: int, reference: str, capture: bool = True) -> Outcome:
    return instrument.refusal or Succeeded(reference, fee(amount) if capture else 0, *names(reference))


def reference_of(account: Account, token: str) -> str:
    """Return the gateway's id of an account. A US account that was typed in is not yet verified."""
    if account.type == "us_bank_account" and not token.startswith("pm_"):
        return f"{account.token}{accounts.UNVERIFIED}{os.urandom(8).hex()}"
    return account.token


def names(reference: str) -> tuple[str, str]:
    """Return the authorization code and the network transaction id of a charge: six and fifteen digits."""
    number = int(sha256(reference.encode()).hexdigest(), 16)
    return f"{number % 10**6:06}", f"{number % 10**15:015}"


def fee(amount: int) -> int:
    """Return the fee: 2.9 % and 30 minor units, never more than the amount itself."""
    percentage = (amount * FEE_RATE).quantize(Decimal(1), ROUND_HALF_UP)
    return min(int(percentage) + FEE_FIXED, amount)
