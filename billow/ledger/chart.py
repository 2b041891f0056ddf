"""Define the chart of accounts: their types, normal sides, and numbers in national charts."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from billow.core.errors import ensure

Side = Literal["debit", "credit"]
Type = Literal["asset", "liability", "income", "expense"]


@dataclass(frozen=True, slots=True)
class Kind:
    """A row of the chart. It has one account in each currency, or with `per` one for each customer, say."""

    title: str
    type: Type
    normal: Side
    """The side that increases it: a balance on this side is positive."""
    bas: str
    """Its number in the Swedish BAS chart."""
    skr04: str
    """Its number in the German SKR04 chart."""
    per: str | None = None


CHART: dict[str, Kind] = {
    "bank": Kind("Bank", "asset", "debit", "1930", "1800"),
    "clearing": Kind("Gateway clearing", "asset", "debit", "1686", "1460", per="gateway"),
    "in_transit": Kind("Payouts in transit", "asset", "debit", "1687", "1461"),
    "disputed": Kind("Disputed funds", "asset", "debit", "1515", "1301"),
    "receivable": Kind("Accounts receivable", "asset", "debit", "1510", "1200", per="customer"),
    # Contra asset: what of the receivables is expected never to be paid, so credits increase it.
    "allowance": Kind("Allowance for doubtful accounts", "asset", "credit", "1519", "1246"),
    "withholding_tax": Kind("Withholding tax receivable", "asset", "debit", "1640", "1420"),
    "unbilled": Kind("Unbilled revenue", "asset", "debit", "1790", "1301"),
    "deferred_revenue": Kind("Deferred revenue", "liability", "credit", "2970", "3900"),
    "prepaid": Kind("Prepaid credits", "liability", "credit", "2421", "3272"),
    "customer_balance": Kind("Customer balances", "liability", "credit", "2420", "3250", per="customer"),
    "unapplied_cash": Kind("Unapplied cash", "liability", "credit", "2429", "3370"),
    "refunds_payable": Kind("Refunds payable", "liability", "credit", "2420", "3250"),
    "tax_payable": Kind("Output tax payable", "liability", "credit", "2611", "3806", per="jurisdiction"),
    "revenue": Kind("Revenue", "income", "credit", "3041", "4400", per="product"),
    "breakage": Kind("Revenue from expired credits", "income", "credit", "3043", "4402"),
    # Contra revenue: income that is returned, so debits increase it.
    "revenue_adjustments": Kind("Revenue adjustments", "income", "debit", "3730", "4700"),
    "rounding": Kind("Rounding", "income", "credit", "3740", "4830"),
    "exchange": Kind("Exchange differences", "income", "credit", "3960", "4840"),
    "connected_share": Kind(
        "Shares of connected accounts", "expense", "debit", "4600", "5900", per="account"
    ),
    "gateway_fees": Kind("Gateway fees", "expense", "debit", "6570", "6855"),
    "bad_debt": Kind("Bad debt", "expense", "debit", "6351", "6930"),
    # In the currency of the books alone: of exports, and of no transfer.
    "exchange_gain": Kind("Gain on exchange", "income", "credit", "3960", "4840"),
    "exchange_loss": Kind("Loss on exchange", "expense", "debit", "7960", "6880"),
}


@dataclass(frozen=True, slots=True)
class Account:
    """One account in one currency. Accounts are not opened: an account exists when a transfer names it."""

    kind: str
    detail: str | None
    currency: str

    def __post_init__(self) -> None:
        ensure((CHART[self.kind].per is None) == (not self.detail), f"{self.kind}: {self.detail}")

    @property
    def key(self) -> str:
        """Return the name of the account in the database: receivable:cus_1, bank."""
        return f"{self.kind}:{self.detail}" if self.detail else self.kind


def kind_of(key: str) -> Kind:
    """Return the row of the chart for an account's key."""
    return CHART[key.partition(":")[0]]


def account_of(key: str, currency: str) -> Account:
    kind, _, detail = key.partition(":")
    return Account(kind, detail or None, currency)


def receivable(customer: str, currency: str) -> Account:
    return Account("receivable", customer, currency)


def customer_balance(customer: str, currency: str) -> Account:
    return Account("customer_balance", customer, currency)


@lru_cache(maxsize=1024)
def clearing(gateway: str, currency: str) -> Account:
    return Account("clearing", gateway, currency)


@lru_cache(maxsize=1024)
def tax_payable(jurisdiction: str, currency: str) -> Account:
    return Account("tax_payable", jurisdiction, currency)


def connected_share(account: str, currency: str) -> Account:
    return Account("connected_share", account, currency)


@lru_cache(maxsize=1024)
def revenue(product: str, currency: str) -> Account:
    return Account("revenue", product, currency)


@lru_cache(maxsize=1024)
def the(kind: str, currency: str) -> Account:
    """Return the only account of its kind in a currency: the("bank", "usd")."""
    return Account(kind, None, currency)
