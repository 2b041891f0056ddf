"""Decide about SEPA direct debits: when they are collected, under which mandate, and what a return means."""

import re
from dataclasses import dataclass
from datetime import date, timedelta

from stdnum import iban as ibans
from stdnum.eu import at_02

from billow.core.bank import target_days
from billow.core.bank.sepa_text import sepa
from billow.core.errors import ensure
from billow.core.payments import Declined

NOTICE_DAYS = 14
"""How many days before a debit its payer hears of it, unless both have agreed on fewer."""
LEAD_DAYS = 1
"""How many bank days before the day of collection the file is at the bank (CORE, all sequence types)."""
LARGEST_AMOUNT = 99_999_999_999
SEPA_COUNTRIES = frozenset(
    [
        "AD",
        "AL",
        "AT",
        "BE",
        "BG",
        "CH",
        "CY",
        "CZ",
        "DE",
        "DK",
        "EE",
        "ES",
        "FI",
        "FR",
        "GB",
        "GI",
        "GR",
        "HR",
        "HU",
        "IE",
        "IS",
        "IT",
        "LI",
        "LT",
        "LU",
        "LV",
        "MC",
        "MD",
        "ME",
        "MK",
        "MT",
        "NL",
        "NO",
        "PL",
        "PT",
        "RO",
        "RS",
        "SE",
        "SI",
        "SK",
        "SM",
        "VA",
    ]
)


@dataclass(frozen=True, slots=True)
class Creditor:
    """The seller as the one who debits: `id` is the creditor identifier of the national bank."""

    name: str
    iban: str
    bic: str
    id: str
    notice_days: int = NOTICE_DAYS


@dataclass(frozen=True, slots=True)
class Collection:
    """One debit, in cents. `id` is ours, and comes back with what the bank reports of it."""

    id: str
    amount: int
    mandate: str
    signed_on: date
    iban: str
    name: str
    text: str

    @property
    def end_to_end(self) -> str:
        """Return our id in the characters that banks take."""
        return sepa(self.id, 35)


@dataclass(frozen=True, slots=True)
class Batch:
    """The debits of one day and one sequence, which the bank books as one sum."""

    id: str
    collect_on: date
    sequence: str
    collections: tuple[Collection, ...]

    @property
    def total(self) -> int:
        return sum(one.amount for one in self.collections)


def is_creditor_id(text: str) -> bool:
    return bool(at_02.is_valid(text))


def is_debitable(iban: str) -> bool:
    """Check that an IBAN is right, and of a country whose accounts can be debited by SEPA."""
    return bool(ibans.is_valid(iban)) and ibans.compact(iban)[:2] in SEPA_COUNTRIES


def mandate_reference(method: str) -> str:
    """Return the reference of the mandate that a payer gave with a payment method, by the method's id."""
    reference = sepa(method, 35)
    ensure(re.fullmatch("[A-Za-z0-9-]{1,35}", reference), "A mandate's reference has letters and digits.")
    return reference


def collect_on(noticed_on: date, notice_days: int, today: date) -> date:
    """Return the day of a debit: the first bank day after the notice that the file still reaches in time."""
    wanted = target_days.on_or_after(noticed_on + timedelta(days=notice_days))
    return max(wanted, target_days.days_after(today, LEAD_DAYS))


def is_due(noticed_on: date, notice_days: int, today: date, ahead: int) -> bool:
    """Check whether a debit is to be in today's file, which is `ahead` bank days before the last moment."""
    wanted = target_days.on_or_after(noticed_on + timedelta(days=notice_days))
    return wanted <= target_days.days_after(today, LEAD_DAYS + ahead)


def sequence(collected_before: bool) -> str:
    """Return FRST for the first debit under a mandate that the bank has taken, and RCUR for later ones."""
    return "RCUR" if collected_before else "FRST"


# By the reason of the payer's bank: Stripe's failure code, and whether the same account may pay later.
RETURNS = {
    "AC01": ("account_closed", False),
    "AC04": ("account_closed", False),
    "AC06": ("bank_account_restricted", False),
    "AC13": ("bank_account_restricted", False),
    "AG01": ("debit_not_authorized", False),
    "AG02": ("generic_could_not_process", False),
    "AM04": ("insufficient_funds", True),
    "AM05": ("generic_could_not_process", True),
    "BE05": ("debit_not_authorized", False),
    "FF01": ("generic_could_not_process", True),
    "MD01": ("debit_not_authorized", False),
    "MD06": ("refer_to_customer", False),
    "MD07": ("bank_account_restricted", False),
    "MS02": ("refer_to_customer", True),
    "MS03": ("generic_could_not_process", True),
    "RC01": ("bank_account_restricted", False),
    "RR01": ("generic_could_not_process", True),
    "SL01": ("debit_not_authorized", False),
}
SAID = {
    "account_closed": "The bank account has been closed, or does not exist.",
    "bank_account_restricted": "The bank account cannot be debited.",
    "debit_not_authorized": "The payer or their bank has not authorized this debit.",
    "generic_could_not_process": "The payment could not be processed by the payer's bank.",
    "insufficient_funds": "The account has insufficient funds to cover this payment.",
    "refer_to_customer": "The payer's bank returned the debit; ask the payer about it.",
}


def decline_of(reason: str | None) -> Declined:
    """Return the outcome of a debit that was rejected or returned, by the bank's reason (AM04, MD06 …)."""
    code, retry = RETURNS.get(reason or "", ("generic_could_not_process", True))
    return Declined(code, code, SAID[code], retry=retry)
