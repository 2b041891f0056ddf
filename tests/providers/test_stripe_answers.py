"""Is what Stripe says of money in another currency read as it is?"""

from decimal import Decimal
from typing import Any

import pytest

from billow.core.disputes import Movement
from billow.core.payments import Succeeded
from billow.providers.gateways import stripe_answers

stripe = pytest.importorskip("stripe")


def read_as(kind: str, **said: Any) -> Any:
    """An object of Stripe's as its library reads it."""
    return getattr(stripe, kind).construct_from(said, "sk_test_1")


def moved(amount: int, fee: int, currency: str = "eur", rate: float | None = None, **more: Any) -> Any:
    named = {"id": "txn_1", "object": "balance_transaction", "currency": currency, "exchange_rate": rate}
    return {**named, "amount": amount, "fee": fee, "net": amount - fee, **more}


@pytest.mark.parametrize(
    ("currency", "captured", "balance", "fee"),
    [
        ("eur", 1000, moved(1000, 54), 54),
        ("usd", 1000, moved(920, 55, rate=0.92), 60),  # 59.78
        ("jpy", 1000, moved(620, 43, rate=0.0062), 69),  # 69.35: yen have no minor unit
        ("jpy", 1000, moved(620, 43, rate=0.62), 69),  # however the rate is meant
        ("eur", 620, moved(1000, 69, "jpy", 161.29), 43),  # 42.78
        ("kwd", 10_000, moved(3000, 90, rate=3.0), 300),  # dinars have three decimals
        ("usd", 1, moved(0, 0, rate=0.0062), 0),
    ],
)
def test_a_fee_is_the_same_part_in_either_currency(currency, captured, balance, fee):
    charge = {"id": "ch_1", "object": "charge", "balance_transaction": balance, "amount_captured": captured}
    intent = read_as("PaymentIntent", id="pi_1", currency=currency, latest_charge=charge, status="succeeded")
    outcome = stripe_answers.outcome_of(intent)
    assert isinstance(outcome, Succeeded) and outcome.fee == fee
    into = outcome.exchange
    assert (into is None) == (currency == "eur" and balance["currency"] == "eur")
    if into:
        assert (into.currency, into.amount, into.fee) == (
            balance["currency"],
            balance["amount"],
            balance["fee"],
        )


def test_a_dispute_says_in_which_currency_it_moved_money():
    said = {
        "id": "dp_1",
        "object": "dispute",
        "amount": 1000,
        "balance_transactions": [moved(-1000, 1500, "usd"), moved(-920, 1500, rate=0.92, id="txn_2")],
        "charge": "ch_1",
        "currency": "usd",
        "evidence_details": {"due_by": None},
        "network_reason_code": None,
        "reason": "fraudulent",
        "status": "needs_response",
    }
    found = stripe_answers.dispute_of(read_as("Dispute", **said))
    assert found.movements == (
        Movement("txn_1", -1000, 1500),
        Movement("txn_2", -920, 1500, "eur", Decimal("0.92")),
    )
