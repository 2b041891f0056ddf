"""Define the test accounts and wallets that the simulated gateway knows, and how each behaves.

The numbers and names are Stripe's (https://docs.stripe.com/testing). No other number is accepted: real
accounts have no place here.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from billow.core.payments import Declined, Deposits, MethodDetails, names_test_method
from billow.providers.gateways import instruments
from billow.providers.gateways.instruments import Instrument, declined


@dataclass(frozen=True, slots=True)
class Account:
    """A test account. `refusal` is what becomes of its payments; a wallet has no number."""

    type: str
    number: str
    token: str
    refusal: Declined | None = None
    afterwards: str | None = None
    waits: bool = False
    """Whether its payments stay pending longer than the first look-up."""
    details: Mapping[str, Any] = field(default_factory=dict)

    def shown(self) -> MethodDetails:
        """Return what can be kept of the account: the end of its number, its bank, and a fingerprint."""
        if not self.number:
            return MethodDetails(self.type, dict(self.details))
        last4, mark = self.number[-4:], instruments.fingerprint(self.number)
        bank = iban_parts(self.number) if self.type == "sepa_debit" else {}
        return MethodDetails(self.type, {"last4": last4, "fingerprint": mark, **bank, **self.details})


def refused(code: str, message: str, retry: bool = False) -> Declined:
    return declined(code, message, code, retry)


CLOSED = refused("account_closed", "The customer's bank account has been closed.")
NO_ACCOUNT = refused("no_account", "The bank account could not be located.")
NO_FUNDS = refused(
    "insufficient_funds", "The customer's account has insufficient funds to cover this payment.", retry=True
)
NOT_AUTHORIZED = refused(
    "debit_not_authorized", "The customer has notified their bank that this payment was unauthorized."
)
FAILED = refused("generic_decline", "The payment was declined by the customer's bank.", retry=True)
REFUSED_MANDATE = refused("mandate_invalid", "The mandate of this payment method is no longer valid.")
WRONG_CURRENCY = refused("invalid_currency", "The bank account does not support this currency.")

#: The banks of test accounts.
ACH = {"bank_name": "STRIPE TEST BANK", "routing_number": "110000000"}
ACSS = {"bank_name": "STRIPE TEST BANK", "institution_number": "000", "transit_number": "11000"}
BECS = {"bsb_number": "000000"}
BACS = {"sort_code": "108800"}
NZ = {"bank_name": "ANZ Bank New Zealand"}

DISPUTED = "dispute:debit_not_authorized"
ACCOUNTS = (
    Account("us_bank_account", "000123456789", "pm_usBankAccount_success", details=ACH),
    Account("us_bank_account", "000111111113", "pm_usBankAccount_accountClosed", CLOSED, details=ACH),
    Account("us_bank_account", "000111111116", "pm_usBankAccount_noAccount", NO_ACCOUNT, details=ACH),
    Account("us_bank_account", "000222222227", "pm_usBankAccount_insufficientFunds", NO_FUNDS, details=ACH),
    Account("us_bank_account", "000333333335", "pm_usBankAccount_debitNotAuthorized", NOT_AUTHORIZED,
            details=ACH),
    Account("us_bank_account", "000444444440", "pm_usBankAccount_invalidCurrency", WRONG_CURRENCY,
            details=ACH),
    Account("us_bank_account", "000555555559", "pm_usBankAccount_dispute", afterwards=DISPUTED, details=ACH),
    Account("us_bank_account", "000000000009", "pm_usBankAccount_processing", waits=True, details=ACH),
    Account("sepa_debit", "DE89370400440532013000", "pm_success_de"),
    Account("sepa_debit", "DE08370400440532013003", "pm_successDelayed_de", waits=True),
    Account("sepa_debit", "DE62370400440532013001", "pm_failed_de", FAILED),
    Account("sepa_debit", "DE78370400440532013004", "pm_failedDelayed_de", FAILED, waits=True),
    Account("sepa_debit", "DE35370400440532013002", "pm_disputed_de", afterwards=DISPUTED),
    Account("sepa_debit", "DE65370400440002222227", "pm_insufficientFunds_de", NO_FUNDS),
    Account("sepa_debit", "AT611904300234573201", "pm_success_at"),
    Account("sepa_debit", "AT321904300235473204", "pm_successDelayed_at", waits=True),
    Account("sepa_debit", "AT861904300235473202", "pm_failed_at", FAILED),
    Account("sepa_debit", "AT051904300235473205", "pm_failedDelayed_at", FAILED, waits=True),
    Account("sepa_debit", "AT591904300235473203", "pm_disputed_at", afterwards=DISPUTED),
    Account("sepa_debit", "FR1420041010050500013M02606", "pm_success_fr"),
    Account("sepa_debit", "FR3020041010050500013M02609", "pm_successDelayed_fr", waits=True),
    Account("sepa_debit", "FR8420041010050500013M02607", "pm_failed_fr", FAILED),
    Account("sepa_debit", "FR7920041010050500013M02600", "pm_failedDelayed_fr", FAILED, waits=True),
    Account("sepa_debit", "FR5720041010050500013M02608", "pm_disputed_fr", afterwards=DISPUTED),
    Account("sepa_debit", "NL39RABO0300065264", "pm_success_nl"),
    Account("sepa_debit", "SE3550000000054910000003", "pm_success_se"),
    Account("bacs_debit", "00012345", "pm_bacsDebit_success", details=BACS),
    Account("bacs_debit", "90012345", "pm_bacsDebit_successDelayed", waits=True, details=BACS),
    Account("bacs_debit", "33333335", "pm_bacsDebit_debitNotAuthorized", NOT_AUTHORIZED, details=BACS),
    Account("bacs_debit", "22222227", "pm_bacsDebit_insufficientFunds", NO_FUNDS, details=BACS),
    Account("bacs_debit", "55555559", "pm_bacsDebit_dispute", afterwards=DISPUTED, details=BACS),
    Account("bacs_debit", "00033333", "pm_bacsDebit_mandateInactive", REFUSED_MANDATE, details=BACS),
    Account("au_becs_debit", "000123456", "pm_auBecsDebit_success", details=BECS),
    Account("au_becs_debit", "900123456", "pm_auBecsDebit_successDelayed", waits=True, details=BECS),
    Account("au_becs_debit", "111111113", "pm_auBecsDebit_accountClosed", CLOSED, details=BECS),
    Account("au_becs_debit", "111111116", "pm_auBecsDebit_noAccount", NO_ACCOUNT, details=BECS),
    Account("au_becs_debit", "222222227", "pm_auBecsDebit_insufficientFunds", NO_FUNDS, details=BECS),
    Account("au_becs_debit", "333333335", "pm_auBecsDebit_debitNotAuthorized", NOT_AUTHORIZED, details=BECS),
    Account("au_becs_debit", "666666660", "pm_auBecsDebit_disputed", afterwards=DISPUTED, details=BECS),
    Account("acss_debit", "000123456789", "pm_acssDebit_success", details=ACSS),
    Account("acss_debit", "900123456789", "pm_acssDebit_successDelayed", waits=True, details=ACSS),
    Account("acss_debit", "000222222227", "pm_acssDebit_insufficientFunds", NO_FUNDS, details=ACSS),
    Account("acss_debit", "900222222227", "pm_acssDebit_insufficientFundsDelayed", NO_FUNDS, waits=True,
            details=ACSS),
    Account("nz_bank_account", "0000000", "pm_nzBankAccount_success", details=NZ),
)  # fmt: skip

SHORT = {"pm_usBankAccount": "pm_usBankAccount_success", "pm_sepaDebit": "pm_success_de"}
BY_TOKEN = {one.token: one for one in ACCOUNTS}
BY_NUMBER = {(one.type, one.number): one for one in ACCOUNTS}
UNVERIFIED = "_unverified_"
"""In the gateway's id of a US account whose owner has not yet named the amounts of its small deposits."""

#: Where the bank and the branch stand in an IBAN, by country.
PLACES = {
    "AT": (4, 9, 9), "BE": (4, 7, 7), "CH": (4, 9, 9), "DE": (4, 12, 12), "ES": (4, 8, 12), "FI": (4, 7, 7),
    "FR": (4, 9, 14), "IE": (4, 8, 14), "IT": (5, 10, 15), "LU": (4, 7, 7), "NL": (4, 8, 8), "PT": (4, 8, 12),
    "SE": (4, 7, 7),
}  # fmt: skip


def iban_parts(iban: str) -> dict[str, str | None]:
    """Return the country, bank and branch that an IBAN names."""
    country = iban[:2]
    start, bank, branch = PLACES.get(country, (4, 8, 8))
    return {"country": country, "bank_code": iban[start:bank], "branch_code": iban[bank:branch] or None}


def find(token: str, type: str = "card") -> Instrument | Account | Declined:
    """Find the test card, account or wallet of a token, or of a number of a type; never repeat a number."""
    token = SHORT.get(token, token)
    known = BY_TOKEN.get(token.partition(UNVERIFIED)[0])
    if known is not None:
        return known
    if token.startswith("sim_"):
        return Account(token.removeprefix("sim_"), "", token)
    if type == "card":
        return instruments.find(token)
    compact = token.replace(" ", "").replace("-", "").upper()
    return BY_NUMBER.get((type, compact)) or wrong_number(type)


def wrong_number(type: str) -> Declined:
    """Return the refusal of a number that is not that of a test account."""
    if type == "sepa_debit":
        return declined(None, "The IBAN you provided is invalid.", "invalid_bank_account_iban", retry=False)
    return declined(
        None, "You must use a test bank account number in test mode.", "account_number_invalid", retry=False
    )


AMOUNTS, CODE = (32, 45), "SM11AA"
"""What the statement of every test account shows of its small deposits."""


def judge_deposits(proof: Deposits) -> Declined | None:
    """Return why a proof does not verify a test account, or None if it does."""
    if proof.descriptor_code == CODE or tuple(sorted(proof.amounts)) == AMOUNTS:
        return None
    if proof.descriptor_code == "SM33CC" or tuple(sorted(proof.amounts)) == (10, 11):
        return declined(
            None,
            "You have exceeded the number of allowed verification attempts.",
            "payment_method_microdeposit_verification_attempts_exceeded",
            retry=False,
        )
    if proof.descriptor_code:
        return declined(
            None,
            "The descriptor code provided does not match the one sent to the bank account.",
            "payment_method_microdeposit_verification_descriptor_code_mismatch",
        )
    return declined(
        None,
        "The amounts provided do not match the amounts that were sent to the bank account.",
        "payment_method_microdeposit_verification_amounts_mismatch",
    )


def is_test_method(token: str) -> bool:
    """Return whether a token or number is that of a test method, known to the simulated gateway or not."""
    compact = token.replace(" ", "").replace("-", "").upper()
    numbers = {one.number for one in ACCOUNTS}
    simulated = token.startswith("sim_") or names_test_method(token) or compact in numbers
    return simulated or instruments.is_test_card(token)
