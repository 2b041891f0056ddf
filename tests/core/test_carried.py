"""What is carried in other currencies worth, and what does settling it gain or lose (§5.3, row 30)?"""

from collections import Counter
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from billow.core.books.carried import ADVANCE, CASH, KEPT, MONETARY, OWED, TAX, Carried, Worth, kind_of
from billow.core.money import round_half_away


def at(rate: str):
    return lambda amount: round_half_away(Decimal(amount) * Decimal(rate))


def test_a_receivable_of_1000_at_92_is_paid_at_91():
    """Row 30: 920 is owed, 910 comes, and 10 are lost; what was earned is worth what it was when earned."""
    books = Carried()
    assert books.post({"receivable:c": 1000, "revenue:p": -1000}, "usd", "in_1", at("0.92")) == Worth(
        {"receivable:c": 920, "revenue:p": -920}
    )
    assert [one[2:] for one in books.balances()] == [(1000, 920)]
    assert books.post({"bank": 1000, "receivable:c": -1000}, "usd", "in_1", at("0.91")) == Worth(
        {"bank": 910, "receivable:c": -920}, exchange=10
    )
    assert list(books.balances()) == [("bank", "usd", 1000, 910)]


CASES = [
    # what is posted, at which rate, what it is worth, and what it loses on exchange
    ({"deferred_revenue": 400, "revenue:p": -400}, "0.80", {"deferred_revenue": 368, "revenue:p": -368}, 0),
    ({"deferred_revenue": 1000, "tax_payable:SE": 250, "receivable:c": -1250}, "0.80",
     {"deferred_revenue": 920, "tax_payable:SE": 230, "receivable:c": -1150}, 0),
    ({"clearing:g": 1250, "receivable:c": -1250}, "1.00", {"clearing:g": 1250, "receivable:c": -1150}, -100),
    ({"clearing:g": 625, "receivable:c": -625}, "0.80", {"clearing:g": 500, "receivable:c": -575}, 75),
    ({"bad_debt": 1250, "receivable:c": -1250}, "0.80", {"bad_debt": 1150, "receivable:c": -1150}, 0),
    ({"clearing:g": 1500, "receivable:c": -1500}, "0.80", {"clearing:g": 1200, "receivable:c": -1350}, 150),
]  # fmt: skip
"""After an invoice of 1000 and 250 tax in advance, at 0.92: deferred 920, tax 230, receivable 1150."""


@pytest.mark.parametrize(("moves", "rate", "amounts", "lost"), CASES)
def test_what_was_invoiced_is_earned_settled_and_voided(moves, rate, amounts, lost):
    books = Carried()
    invoice = {"receivable:c": 1250, "deferred_revenue": -1000, "tax_payable:SE": -250}
    books.post(invoice, "usd", "in_1", at("0.92"))
    assert books.post(moves, "usd", "in_1", at(rate)) == Worth(amounts, exchange=lost)


def test_money_that_only_moves_takes_its_value_along():
    books = Carried()
    books.post({"clearing:g": 1000, "revenue:none": -1000}, "usd", "", at("0.90"))
    fee = books.post({"gateway_fees": 30, "clearing:g": -30}, "usd", "", at("0.50"))
    sent = books.post({"in_transit": 970, "clearing:g": -970}, "usd", "", at("0.50"))
    arrived = books.post({"bank": 970, "in_transit": -970}, "usd", "", at("0.60"))
    assert (fee.amounts["gateway_fees"], sent.amounts["in_transit"], arrived.amounts["bank"]) == (
        27,
        873,
        873,
    )
    assert not any(one.exchange or one.rounding for one in (fee, sent, arrived))
    assert list(books.balances()) == [("bank", "usd", 970, 873)]


def test_an_invoice_is_settled_at_its_own_rate_and_the_rest_oldest_first():
    books = Carried()
    for item, rate in (("in_1", "0.90"), ("in_2", "1.00"), ("in_3", "1.10")):
        books.post({"receivable:c": 100, "revenue:p": -100}, "usd", item, at(rate))
    assert books.post({"bank": 100, "receivable:c": -100}, "usd", "in_2", at("1.00")).exchange == 0
    assert books.post({"bank": 150, "receivable:c": -150}, "usd", "", at("1.00")).exchange == 90 + 55 - 150
    assert list(books.balances())[1:] == [("receivable:c", "usd", 50, 55)]


ACCOUNTS = ["bank", "clearing:g", "receivable:c", "receivable:d", "customer_balance:c", "deferred_revenue",
            "prepaid", "tax_payable:SE", "revenue:p", "rounding", "unbilled"]  # fmt: skip
POSTINGS = st.lists(
    st.tuples(
        st.lists(st.tuples(st.sampled_from(ACCOUNTS), st.integers(-5000, 5000)), min_size=1, max_size=4),
        st.sampled_from(["", "in_1", "in_2"]),
        st.integers(1, 30_000),
    ),
    max_size=12,
)


@settings(max_examples=60)
@given(POSTINGS)
def test_whatever_is_posted_adds_up_and_what_is_empty_is_worth_nothing(postings):
    """Every posting adds up to nothing in minor units; an account without a balance carries none at home."""
    books, foreign, home = Carried(), Counter(), Counter()
    for parts, item, rate in postings:
        moves = Counter()
        for account, amount in parts:
            moves[account] += amount
            moves["revenue:q"] -= amount
        worth = books.post(moves, "usd", item, at(f"{rate / 10_000}"))
        assert sum(worth.amounts.values()) + worth.exchange + worth.rounding == 0
        foreign.update(moves)
        home.update(worth.amounts)
    kept = {
        account: (amount, home[account]) for account, amount in foreign.items() if kind_of(account) in KEPT
    }
    carried = {account: (amount, worth) for account, _, amount, worth in books.balances()}
    assert carried == {account: one for account, one in kept.items() if one[0]}
    assert all(worth == 0 for amount, worth in kept.values() if not amount)


def test_the_kinds_are_apart():
    assert len(KEPT) == len(CASH) + len(OWED) + len(ADVANCE) + len(TAX)
    assert MONETARY == CASH | OWED
