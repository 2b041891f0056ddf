"""Collect SEPA direct debits through the seller's own bank.

The gateway holds nothing: a debit is an attempt, which waits until it is written into a file for the bank
(flows/bank/direct_debits.py), and until a statement says what became of it. So the answer to a charge is that
it is pending, and no second call can debit twice.
"""

from collections.abc import Mapping
from types import MappingProxyType

from stdnum import iban as ibans

from billow.core.bank.direct_debit import LARGEST_AMOUNT, is_debitable
from billow.core.errors import Inconsistent
from billow.core.payments import Charge, Declined, MethodDetails, Outcome, Pending, SetUp, Succeeded
from billow.providers.gateways import HERE, StoredMethod
from billow.providers.gateways.accounts import iban_parts
from billow.providers.gateways.by_hand import ByHand
from billow.providers.gateways.instruments import fingerprint

NAME = "sepa_debit"
PREFIX = "sepa_"
"""What the references of accounts begin with; the IBAN follows."""
DAY = 24 * 60 * 60
NOT_AN_ACCOUNT = Declined(
    "invalid_bank_account_iban", None, "The IBAN is not that of an account that SEPA can debit.", retry=False
)
NOT_IN_EUROS = Declined(
    "invalid_currency", "invalid_currency", "SEPA direct debits are in euros only.", retry=False, blocked=True
)
TOO_LARGE = Declined(
    "amount_too_large",
    "amount_too_large",
    "A SEPA direct debit is at most 999,999,999.99 euros.",
    False,
    True,
)


class SepaDebit(ByHand):
    """The seller's bank, as far as it debits accounts."""

    collects_at: Mapping[str, str] = MappingProxyType({"sepa_debit": HERE})

    def __init__(self, name: str = NAME) -> None:
        super().__init__(name)

    def store_method(self, token: str, type: str = "card", check: bool = True) -> StoredMethod | Declined:
        """Store an account, named by its IBAN."""
        if type != NAME or not is_debitable(token):
            return NOT_AN_ACCOUNT
        iban = ibans.compact(token)
        shown = {**iban_parts(iban), "fingerprint": fingerprint(iban), "last4": iban[-4:]}
        return StoredMethod(f"{PREFIX}{iban}", MethodDetails(NAME, shown))

    def set_up(self, set_up: SetUp) -> Outcome:
        """Take the mandate, which the payer gave with the account."""
        return Succeeded(set_up.attempt, 0)

    def charge(self, charge: Charge) -> Outcome:
        """Put a debit into the next file that is due."""
        if charge.currency != "eur":
            return NOT_IN_EUROS
        return TOO_LARGE if charge.amount > LARGEST_AMOUNT else Pending(charge.attempt, ask_in=DAY)

    def cancel(self, attempt: str) -> Outcome | None:
        """Return that an attempt is pending: no customer is waited for."""
        return self.look_up(attempt)

    def look_up(self, attempt: str) -> Outcome | None:
        """Return that an attempt is pending; only a statement of the bank ends that."""
        return Pending(attempt, ask_in=DAY)


def iban_of(reference: str) -> str:
    """Return the IBAN of a reference of this gateway."""
    if not reference.startswith(PREFIX):
        raise Inconsistent("This is no reference of a bank account.")
    return reference.removeprefix(PREFIX)
