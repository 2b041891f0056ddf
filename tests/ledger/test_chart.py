"""Does the chart know each account's type, side and number?"""

import json
from pathlib import Path

import pytest

from billow.core.books.carried import KEPT
from billow.core.errors import Inconsistent
from billow.ledger.chart import CHART, Account, account_of, kind_of, the

REFERENCE = Path(__file__).parents[3] / "shared/standards/accounting/chart-of-accounts.json"
ROOTS = {"asset": "Assets", "liability": "Liabilities", "income": "Income", "expense": "Expenses"}
SAME = {
    "bank": "bank", "clearing": "clearing", "receivable": "ar", "deferred_revenue": "deferred",
    "unbilled": "unbilled",
    "prepaid": "prepaid", "customer_balance": "custbal", "refunds_payable": "custbal", "tax_payable": "vat",
    "revenue": "rev", "breakage": "breakage", "revenue_adjustments": "promo", "rounding": "round",
    "gateway_fees": "fee", "bad_debt": "baddebt", "unapplied_cash": "unapplied", "disputed": "dispute",
    "allowance": "allow", "withholding_tax": "wht", "exchange_gain": "fxgain", "exchange_loss": "fxloss",
}  # fmt: skip

OURS = {"connected_share", "exchange", "in_transit"}
"""Kinds that the reference does not have: subcontracted work in BAS, external services in SKR04, what is on
its way to the bank beside what gateways owe, and what a gateway's conversions win or lose."""


def test_a_key_names_its_kind_and_whose_it_is():
    account = Account("receivable", "cus_1", "usd")
    assert account.key == "receivable:cus_1"
    assert account_of("receivable:cus_1", "usd") == account
    assert account_of("bank", "sek") == the("bank", "sek") == Account("bank", None, "sek")


def test_a_detail_may_contain_a_colon():
    account = Account("tax_payable", "eu:SE", "eur")
    assert account_of(account.key, "eur") == account
    assert kind_of(account.key).title == "Output tax payable"


def test_an_account_has_a_detail_exactly_when_its_kind_is_kept_apart():
    with pytest.raises(Inconsistent):
        Account("bank", "cus_1", "usd")
    with pytest.raises(Inconsistent):
        Account("receivable", None, "usd")
    with pytest.raises(KeyError):
        Account("petty_cash", None, "usd")


def test_what_we_own_and_spend_grows_by_debits_and_the_rest_by_credits():
    expected = {"asset": "debit", "expense": "debit", "liability": "credit", "income": "credit"}
    contra = {key for key, kind in CHART.items() if kind.normal != expected[kind.type]}
    assert contra == {"allowance", "revenue_adjustments"}


@pytest.mark.skipif(not REFERENCE.exists(), reason="the shared reference data is not beside the checkout")
def test_types_are_those_of_the_national_charts():
    reference = json.loads(REFERENCE.read_text())
    assert SAME.keys() | OURS == CHART.keys()
    for key, kind in CHART.items():
        if key in OURS:
            continue
        row = reference[SAME[key]]
        assert ROOTS[kind.type] == row["account"].split(":")[0], key


def test_what_has_a_balance_is_carried_in_other_currencies():
    """All assets and liabilities, and nothing else, so that a new kind of account has to be classified."""
    assert {key for key, kind in CHART.items() if kind.type in ("asset", "liability")} == KEPT
