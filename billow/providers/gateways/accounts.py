"""Define the test accounts and wallets that the simulated gateway knows, and how each behaves.

The numbers and names are Stripe's (https://docs.stripe.com/testing, and of each type of debit its page on
how to accept a payment). No other number is accepted: real accounts have no place here.
"""

from collections.abc import Iterator, Mapping
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
    typed: bool = True
    """Whether its number is published, and can be typed in; some accounts are known by their token only."""

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
ASK_CUSTOMER = refused(
    "refer_to_customer", "The customer's bank refused the debit; ask the customer about it."
)
WEEKLY_VOLUME = refused(
    "charge_exceeds_source_limit", "The payment exceeds what the account may pay in a week.", retry=True
)
WEEKLY_LIMIT = refused(
    "charge_exceeds_weekly_limit", "The payment exceeds what the account may pay in a week.", retry=True
)
TOO_MUCH = refused(
    "charge_exceeds_transaction_limit", "The payment exceeds what the account may pay at once."
)
NO_DEPOSITS = refused(
    "payment_method_microdeposit_failed", "The small deposits could not be sent to the bank account."
)
DEACTIVATED = refused(
    "tokenized_account_number_deactivated", "The number of the bank account was deactivated by its bank."
)
RISKY = Declined("card_declined", "fraudulent", "The payment was declined.", retry=False, blocked=True)

#: The banks of test accounts.
ACH = {"bank_name": "STRIPE TEST BANK", "routing_number": "110000000"}
ACSS = {"bank_name": "STRIPE TEST BANK", "institution_number": "000", "transit_number": "11000"}
BECS = {"bsb_number": "000000"}
BACS = {"sort_code": "108800"}
NZ = {"bank_code": "11", "bank_name": "ANZ Bank New Zealand", "branch_code": "0000"}

DISPUTED = "dispute:debit_not_authorized"
SEPA_WAYS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("success", {}), ("successDelayed", {"waits": True}), ("failed", {"refusal": FAILED}),
    ("failedDelayed", {"refusal": FAILED, "waits": True}), ("disputed", {"afterwards": DISPUTED}),
    ("exceedsWeeklyVolumeLimit", {"refusal": WEEKLY_VOLUME}),
    ("exceedsWeeklyTransactionLimit", {"refusal": WEEKLY_LIMIT}),
    ("insufficientFunds", {"refusal": NO_FUNDS}),
)  # fmt: skip
"""What becomes of payments from an IBAN, in the order of the numbers of a country."""
IBANS = {
    "at": "AT611904300234573201 AT321904300235473204 AT861904300235473202 AT051904300235473205"
          " AT591904300235473203 AT981904300000343434 AT601904300000121212 AT981904300002222227",
    "be": "BE62510007547061 BE78510007547064 BE68539007547034 BE51510007547065"
          " BE08510007547063 BE90510000343434 BE52510000121212 BE90510002222227",
    "ch": "CH9300762011623852957 CH8656663438253651553 CH5362200119938136497 CH1843597160341964438"
          " CH1260378413965193069 CH1800762000000343434 CH7700762000000121212 CH1800762000002222227",
    "de": "DE89370400440532013000 DE08370400440532013003 DE62370400440532013001 DE78370400440532013004"
          " DE35370400440532013002 DE65370400440000343434 DE27370400440000121212 DE65370400440002222227",
    "ee": "EE382200221020145685 EE222200221020145682 EE762200221020145680 EE922200221020145683"
          " EE492200221020145681 EE672200000000343434 EE292200000000121212 EE672200000002222227",
    "es": "ES0700120345030000067890 ES2300120345030000067893 ES9121000418450200051332"
          " ES9300120345030000067894 ES5000120345030000067892 ES1700120345000000343434"
          " ES7600120345000000121212 ES1700120345000002222227",
    "fi": "FI2112345600000785 FI3712345600000788 FI9112345600000786 FI1012345600000789"
          " FI6412345600000787 FI6712345600343434 FI2912345600121212 FI6712345602222227",
    "fr": "FR1420041010050500013M02606 FR3020041010050500013M02609 FR8420041010050500013M02607"
          " FR7920041010050500013M02600 FR5720041010050500013M02608 FR9720041010050000000343434"
          " FR5920041010050000000121212 FR9720041010050000002222227",
    "gb": "GB82WEST12345698765432 GB98WEST12345698765435 GB55WEST12345698765433 GB71WEST12345698765436"
          " GB28WEST12345698765434 GB70WEST12345600343434 GB32WEST12345600121212 GB70WEST12345602222227",
    "gi": "GI60MPFS599327643783385 GI08RRNW626436291644533 GI41SAFA461293238477751"
          " GI50LROG772261344693297 GI26KJBC361883934534696 GI14NWBK000000000343434"
          " GI73NWBK000000000121212 GI14NWBK000000002222227",
    "hr": "HR7624020064583467589 HR6323600002337876649 HR2725000096983499248 HR6723600004878117427"
          " HR8724840081455523553 HR7424020060000343434 HR3624020060000121212 HR7424020060002222227",
    "ie": "IE29AIBK93115212345678 IE24AIBK93115212345671 IE02AIBK93115212345679 IE94AIBK93115212345672"
          " IE51AIBK93115212345670 IE10AIBK93115200343434 IE69AIBK93115200121212 IE10AIBK93115202222227",
    "li": "LI0508800636123378777 LI4408800387787111369 LI1208800143823175626 LI4908800356441975566"
          " LI7708800125525347723 LI2408800000000343434 LI8308800000000121212 LI2408800000002222227",
    "lt": "LT121000011101001000 LT281000011101001003 LT821000011101001001 LT981000011101001004"
          " LT551000011101001002 LT591000000000343434 LT211000000000121212 LT591000000002222227",
    "lu": "LU280019400644750000 LU440019400644750003 LU980019400644750001 LU170019400644750004"
          " LU710019400644750002 LU900010000000343434 LU520010000000121212 LU900010000002222227",
    "nl": "NL39RABO0300065264 NL55RABO0300065267 NL91ABNA0417164300 NL28RABO0300065268"
          " NL82RABO0300065266 NL27RABO0000343434 NL86RABO0000121212 NL55RABO0300065267",
    "no": "NO9386011117947 NO8886011117940 NO6686011117948 NO6186011117941"
          " NO3986011117949 NO0586010343434 NO0586010343434 NO0586012222227",
    "pt": "PT50000201231234567890154 PT66000201231234567890157 PT23000201231234567890155"
          " PT39000201231234567890158 PT93000201231234567890156 PT05000201230000000343434"
          " PT64000201230000000121212 PT05000201230000002222227",
    "se": "SE3550000000054910000003 SE5150000000054910000006 SE0850000000054910000004"
          " SE2450000000054910000007 SE7850000000054910000005 SE2850000000000000343434"
          " SE8750000000000000121212 SE2850000000000002222227",
}  # fmt: skip
"""The numbers of each country, as they are published: two of them stand twice."""


def of_countries() -> Iterator[Account]:
    """Yield the accounts of all countries; of a number that stands twice the first can be typed in."""
    seen = set[str]()
    for country, numbers in IBANS.items():
        for number, (way, more) in zip(numbers.split(), SEPA_WAYS, strict=True):
            yield Account("sepa_debit", number, f"pm_{way}_{country}", typed=number not in seen, **more)
            seen.add(number)


ACCOUNTS = (
    Account("us_bank_account", "000123456789", "pm_usBankAccount_success", details=ACH),
    Account("us_bank_account", "000111111113", "pm_usBankAccount_accountClosed", CLOSED, details=ACH),
    Account("us_bank_account", "000000004954", "pm_usBankAccount_riskLevelHighest", RISKY, details=ACH),
    Account("us_bank_account", "000111111116", "pm_usBankAccount_noAccount", NO_ACCOUNT, details=ACH),
    Account("us_bank_account", "000222222227", "pm_usBankAccount_insufficientFunds", NO_FUNDS, details=ACH),
    Account("us_bank_account", "000333333335", "pm_usBankAccount_debitNotAuthorized", NOT_AUTHORIZED,
            details=ACH),
    Account("us_bank_account", "000444444440", "pm_usBankAccount_invalidCurrency", WRONG_CURRENCY,
            details=ACH),
    Account("us_bank_account", "000666666661", "pm_usBankAccount_failMicrodeposits", NO_DEPOSITS,
            details=ACH),
    Account("us_bank_account", "000555555559", "pm_usBankAccount_dispute", afterwards=DISPUTED, details=ACH),
    Account("us_bank_account", "000000000009", "pm_usBankAccount_processing", waits=True, details=ACH),
    Account("us_bank_account", "000777777771", "pm_usBankAccount_weeklyLimitExceeded", WEEKLY_VOLUME,
            details=ACH),
    # Stripe names no token for this number: the name is ours.
    Account("us_bank_account", "000888888885", "pm_usBankAccount_deactivated", DEACTIVATED, details=ACH),
    *of_countries(),
    Account("bacs_debit", "00012345", "pm_bacsDebit_success", details=BACS),
    Account("bacs_debit", "90012345", "pm_bacsDebit_successDelayed", waits=True, details=BACS),
    Account("bacs_debit", "33333335", "pm_bacsDebit_debitNotAuthorized", NOT_AUTHORIZED, details=BACS),
    Account("bacs_debit", "93333335", "pm_bacsDebit_debitNotAuthorizedDelayed", NOT_AUTHORIZED, waits=True,
            details=BACS),
    Account("bacs_debit", "22222227", "pm_bacsDebit_insufficientFunds", NO_FUNDS, details=BACS),
    Account("bacs_debit", "92222227", "pm_bacsDebit_insufficientFundsDelayed", NO_FUNDS, waits=True,
            details=BACS),
    Account("bacs_debit", "55555559", "pm_bacsDebit_dispute", afterwards=DISPUTED, details=BACS),
    Account("bacs_debit", "00033333", "pm_bacsDebit_mandateRefused", REFUSED_MANDATE, details=BACS),
    Account("bacs_debit", "34343434", "pm_bacsDebit_exceedsWeeklyLimit", WEEKLY_VOLUME, details=BACS),
    Account("bacs_debit", "12121212", "pm_bacsDebit_exceedsTransactionLimit", TOO_MUCH, details=BACS),
    Account("au_becs_debit", "000123456", "pm_auBecsDebit_success", details=BECS),
    Account("au_becs_debit", "900123456", "pm_auBecsDebit_successDelayed", waits=True, details=BECS),
    Account("au_becs_debit", "111111113", "pm_auBecsDebit_accountClosed", CLOSED, details=BECS),
    Account("au_becs_debit", "111111116", "pm_auBecsDebit_noAccount", NO_ACCOUNT, details=BECS),
    Account("au_becs_debit", "222222227", "pm_auBecsDebit_referToCustomer", ASK_CUSTOMER, details=BECS),
    Account("au_becs_debit", "922222227", "pm_auBecsDebit_referToCustomerDelayed", ASK_CUSTOMER, waits=True,
            details=BECS),
    Account("au_becs_debit", "333333335", "pm_auBecsDebit_debitNotAuthorized", NOT_AUTHORIZED, details=BECS),
    Account("au_becs_debit", "666666660", "pm_auBecsDebit_dispute", afterwards=DISPUTED, details=BECS),
    Account("au_becs_debit", "343434343", "pm_auBecsDebit_exceedsWeeklyLimit", WEEKLY_VOLUME, details=BECS),
    Account("au_becs_debit", "121212121", "pm_auBecsDebit_exceedsTransactionLimit", TOO_MUCH, details=BECS),
    Account("acss_debit", "000123456789", "pm_acssDebit_success", details=ACSS),
    Account("acss_debit", "000111111116", "pm_acssDebit_noAccount", NO_ACCOUNT, details=ACSS, typed=False),
    Account("acss_debit", "000111111113", "pm_acssDebit_accountClosed", CLOSED, details=ACSS, typed=False),
    Account("acss_debit", "000222222227", "pm_acssDebit_insufficientFunds", NO_FUNDS, details=ACSS),
    Account("acss_debit", "000333333335", "pm_acssDebit_debitNotAuthorized", NOT_AUTHORIZED, details=ACSS,
            typed=False),
    Account("acss_debit", "000555555559", "pm_acssDebit_dispute", afterwards=DISPUTED, details=ACSS,
            typed=False),
    # Stripe names no tokens for these numbers: the names are ours.
    Account("acss_debit", "900123456789", "pm_acssDebit_successDelayed", waits=True, details=ACSS),
    Account("acss_debit", "900222222227", "pm_acssDebit_insufficientFundsDelayed", NO_FUNDS, waits=True,
            details=ACSS),
    Account("acss_debit", "000666666661", "pm_acssDebit_failMicrodeposits", NO_DEPOSITS, details=ACSS),
    Account("acss_debit", "000777777771", "pm_acssDebit_exceedsWeeklyLimit", WEEKLY_VOLUME, details=ACSS),
    Account("acss_debit", "000888888881", "pm_acssDebit_exceedsTransactionLimit", TOO_MUCH, details=ACSS),
    Account("nz_bank_account", "0000000", "pm_nzBankAccount_success", details=NZ | {"suffix": "010"}),
    Account("nz_bank_account", "2222222", "pm_nzBankAccount_insufficientFunds", NO_FUNDS,
            details=NZ | {"suffix": "027"}),
    Account("nz_bank_account", "8888888", "pm_nzBankAccount_referToCustomer", ASK_CUSTOMER,
            details=NZ | {"suffix": "000"}),
    Account("nz_bank_account", "1111111", "pm_nzBankAccount_noAccount", NO_ACCOUNT,
            details=NZ | {"suffix": "016"}),
    Account("nz_bank_account", "5555555", "pm_nzBankAccount_debitNotAuthorized", NOT_AUTHORIZED,
            details=NZ | {"suffix": "059"}),
    Account("nz_bank_account", "9999999", "pm_nzBankAccount_processing", waits=True,
            details=NZ | {"suffix": "000"}),
)  # fmt: skip

SHORT = {"pm_usBankAccount": "pm_usBankAccount_success", "pm_sepaDebit": "pm_success_de"}
BY_TOKEN = {one.token: one for one in ACCOUNTS}
BY_NUMBER = {(one.type, one.number): one for one in ACCOUNTS if one.typed}
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
