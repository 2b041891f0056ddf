"""Are balances correct, for examples and for random sequences of entries?"""

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from billow import reports
from billow.core.bounds import LARGEST
from billow.ledger import entries
from billow.ledger.balances import Movement, Trial, balance, statement, trial_balance
from billow.ledger.chart import CHART, kind_of
from billow.ledger.entries import Line, Tax
from billow.ledger.post import Posting, post

FIRST = datetime(2026, 1, 1, tzinfo=UTC)
SECOND = datetime(2026, 1, 2, tzinfo=UTC)


@pytest.fixture
def books(tx):
    """On the first an invoice of 125.00; on the second 50.00 of it is paid, less a fee of 2.00."""
    lines, taxes = [Line("il_1", "prod_1", 10_000)], [Tax("SE", 2_500)]
    paid = entries.payment_succeeded("simulated", "cus_1", "usd", 5_000)
    post(
        tx,
        [
            Posting(
                "invoice.finalized", "in_1", FIRST, entries.invoice_finalized("cus_1", "usd", lines, taxes)
            ),
            Posting("payment.succeeded", "pi_1", SECOND, paid),
            Posting("fee.charged", "pi_1", SECOND, entries.fee_charged("simulated", "usd", 200)),
            Posting("invoice.finalized", "in_2", FIRST, entries.invoice_finalized("cus_1", "jpy", lines, [])),
        ],
    )
    return tx


def test_a_balance_is_positive_on_the_normal_side_of_its_account(books):
    assert balance(books, "receivable:cus_1", "usd") == 7_500
    assert balance(books, "deferred_revenue", "usd") == 10_000
    assert balance(books, "tax_payable:SE", "usd") == 2_500
    assert balance(books, "clearing:simulated", "usd") == 4_800
    assert balance(books, "gateway_fees", "usd") == 200


def test_currencies_and_customers_are_kept_apart(books):
    assert balance(books, "receivable:cus_1", "jpy") == 10_000
    assert balance(books, "receivable:cus_1", "eur") == 0
    assert balance(books, "receivable:cus_2", "usd") == 0


def test_a_balance_at_an_instant_includes_the_instant(books):
    assert balance(books, "receivable:cus_1", "usd", FIRST - timedelta(microseconds=1)) == 0
    assert balance(books, "receivable:cus_1", "usd", FIRST) == 12_500
    assert balance(books, "receivable:cus_1", "usd", SECOND) == 7_500


def test_an_account_that_is_not_in_the_chart_is_a_mistake(books):
    with pytest.raises(KeyError):
        balance(books, "petty_cash", "usd")


def test_a_statement_runs_from_the_first_movement_to_the_balance(books):
    assert statement(books, "receivable:cus_1") == [
        Movement(FIRST, "invoice.finalized", "in_1", "usd", 10_000, 10_000),
        Movement(FIRST, "invoice.finalized", "in_1", "usd", 2_500, 12_500),
        Movement(FIRST, "invoice.finalized", "in_2", "jpy", 10_000, 10_000),
        Movement(SECOND, "payment.succeeded", "pi_1", "usd", -5_000, 7_500),
    ]
    assert statement(books, "deferred_revenue")[0].amount == 10_000


def test_the_trial_balance_has_every_account_and_both_its_sides(books):
    assert trial_balance(books) == [
        Trial("deferred_revenue", "jpy", 0, 10_000, -10_000),
        Trial("receivable:cus_1", "jpy", 10_000, 0, 10_000),
        Trial("clearing:simulated", "usd", 5_000, 200, 4_800),
        Trial("deferred_revenue", "usd", 0, 10_000, -10_000),
        Trial("gateway_fees", "usd", 200, 0, 200),
        Trial("receivable:cus_1", "usd", 12_500, 5_000, 7_500),
        Trial("tax_payable:SE", "usd", 0, 2_500, -2_500),
    ]
    assert [row.account for row in trial_balance(books, FIRST) if row.currency == "usd"] == [
        "deferred_revenue",
        "receivable:cus_1",
        "tax_payable:SE",
    ]


# ------------------------------------------------------------------------------------- for any sequence


customers, currencies = st.sampled_from(["cus_1", "cus_2"]), st.sampled_from(["usd", "eur", "jpy"])
amounts, gateways, products = st.integers(-(10**12), 10**12), st.just("simulated"), st.just("prod_1")
lines = st.lists(st.builds(Line, st.just("il_1"), products, amounts), max_size=4)
taxes = st.lists(st.builds(Tax, st.sampled_from(["SE", "DE"]), amounts), max_size=2)
events = st.one_of(
    st.builds(entries.invoice_finalized, customers, currencies, lines, taxes),
    st.builds(entries.service_rendered, currencies, products, amounts),
    st.builds(entries.payment_succeeded, gateways, customers, currencies, amounts),
    st.builds(entries.paid_out_of_band, customers, currencies, amounts),
    st.builds(entries.fee_charged, gateways, currencies, amounts),
    st.builds(entries.payout_sent, gateways, currencies, amounts),
    st.builds(entries.balance_applied, customers, currencies, amounts),
    st.builds(entries.balance_granted, customers, currencies, amounts),
    st.builds(entries.uncollectible, customers, currencies, amounts),
    st.builds(entries.refund_granted, currencies, amounts),
    st.builds(entries.refund_sent, gateways, currencies, amounts),
    st.builds(entries.prepaid_delivered, currencies, amounts),
    st.builds(entries.prepaid_used, currencies, products, amounts),
    st.builds(entries.prepaid_expired, currencies, amounts),
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(events, max_size=30))
def test_any_sequence_of_entries_keeps_the_books_balanced(database, new_tenant, happened):
    with database.transaction(new_tenant()) as tx:
        post(tx, [Posting("happened", f"{number}", FIRST, moved) for number, moved in enumerate(happened)])
        rows = trial_balance(tx)
        for currency in {row.currency for row in rows}:
            here = [row for row in rows if row.currency == currency]
            assert sum(row.balance for row in here) == 0
            assert sum(row.debit for row in here) == sum(row.credit for row in here)
            worth = Counter({type_: 0 for type_ in ("asset", "liability", "income", "expense")})
            for row in here:
                kind = kind_of(row.account)
                contra = (kind.normal == "debit") != (kind.type in ("asset", "expense"))
                worth[kind.type] += balance(tx, row.account, currency) * (-1 if contra else 1)
            assert worth["asset"] - worth["liability"] - worth["income"] + worth["expense"] == 0


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(events, max_size=30))
def test_balances_are_the_sums_of_what_was_posted(database, new_tenant, happened):
    expected: Counter[tuple[str, str]] = Counter()
    for transfer in (transfer for moved in happened for transfer in moved):
        expected[transfer.debit.key, transfer.debit.currency] += transfer.amount
        expected[transfer.credit.key, transfer.credit.currency] -= transfer.amount
    with database.transaction(new_tenant()) as tx:
        post(tx, [Posting("happened", f"{number}", FIRST, moved) for number, moved in enumerate(happened)])
        assert {(row.account, row.currency): row.balance for row in trial_balance(tx)} == dict(expected)
        for (account, currency), total in expected.items():
            sign = 1 if CHART[account.split(":")[0]].normal == "debit" else -1
            assert balance(tx, account, currency) == total * sign


def test_sums_of_the_largest_amounts_do_not_overflow(tx):
    """1,025 of the largest amounts are more than a bigint."""
    post(
        tx,
        [
            Posting("fee.charged", f"pi_{place}", FIRST, entries.fee_charged("simulated", "usd", LARGEST))
            for place in range(1025)
        ],
    )
    assert balance(tx, "gateway_fees", "usd") == 1025 * LARGEST
    assert statement(tx, "gateway_fees")[-1].balance == 1025 * LARGEST
    assert sum(one.balance for one in trial_balance(tx)) == 0
    assert max(row[2] for row in reports.run(tx, "trial_balance", at=SECOND).rows) == 1025 * LARGEST
