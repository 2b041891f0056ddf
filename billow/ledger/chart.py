"""Define the accounts of the ledger: their types and normal sides. Charts of accounts give them numbers."""

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
    per: str | None = None


CHART: dict[str, Kind] = {
    "bank": Kind("Bank", "asset", "debit"),
    "clearing": Kind("Gateway clearing", "asset", "debit", per="gateway"),
    "in_transit": Kind("Payouts in transit", "asset", "debit"),
    "disputed": Kind("Disputed funds", "asset", "debit"),
    "receivable": Kind("Accounts receivable", "asset", "debit", per="customer"),
    # Contra asset: what of the receivables is expected never to be paid, so credits increase it.
    "allowance": Kind("Allowance for doubtful accounts", "asset", "credit"),
    "withholding_tax": Kind("Withholding tax receivable", "asset", "debit"),
    "unbilled": Kind("Unbilled revenue", "asset", "debit"),
    "deferred_revenue": Kind("Deferred revenue", "liability", "credit"),
    "prepaid": Kind("Prepaid credits", "liability", "credit"),
    "customer_balance": Kind("Customer balances", "liability", "credit", per="customer"),
    "unapplied_cash": Kind("Unapplied cash", "liability", "credit"),
    "refunds_payable": Kind("Refunds payable", "liability", "credit"),
    "tax_payable": Kind("Output tax payable", "liability", "credit", per="jurisdiction"),
    "revenue": Kind("Revenue", "income", "credit", per="product"),
    "breakage": Kind("Revenue from expired credits", "income", "credit"),
    # Contra revenue: income that is returned, so debits increase it.
    "revenue_adjustments": Kind("Revenue adjustments", "income", "debit"),
    "rounding": Kind("Rounding", "income", "credit"),
    "exchange": Kind("Exchange differences", "income", "credit"),
    "connected_share": Kind("Shares of connected accounts", "expense", "debit", per="account"),
    "gateway_fees": Kind("Gateway fees", "expense", "debit"),
    "bad_debt": Kind("Bad debt", "expense", "debit"),
    # In the currency of the books alone: of exports, and of no transfer.
    "exchange_gain": Kind("Gain on exchange", "income", "credit"),
    "exchange_loss": Kind("Loss on exchange", "expense", "debit"),
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
