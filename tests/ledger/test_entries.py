"""Does every money event post what the table in ledger/README.md says, for examples and random amounts?"""

from collections import Counter
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billow.core.errors import Inconsistent
from billow.ledger import entries
from billow.ledger.chart import Account, customer_balance, receivable, the
from billow.ledger.entries import Credit, Line, Tax, Transfer


def posted(transfers: Sequence[Transfer]) -> list[tuple[str, str, int]]:
    return [(transfer.debit.key, transfer.credit.key, transfer.amount) for transfer in transfers]


def totals(transfers: Sequence[Transfer]) -> Counter[str]:
    """Debit less credit on each account, without those that came to nothing."""
    found: Counter[str] = Counter()
    for transfer in transfers:
        found[transfer.debit.key] += transfer.amount
        found[transfer.credit.key] -= transfer.amount
    return Counter({account: amount for account, amount in found.items() if amount})


LINES = [Line("il_1", "prod_pro", 10_000), Line("il_2", "prod_team", 2_500)]
TAXES = [Tax("SE", 3_125)]

TABLE = {
    "invoice finalized": (
        entries.invoice_finalized("cus_1", "usd", LINES, TAXES),
        [
            ("receivable:cus_1", "deferred_revenue", 10_000),
            ("receivable:cus_1", "deferred_revenue", 2_500),
            ("receivable:cus_1", "tax_payable:SE", 3_125),
        ],
    ),
    "service rendered": (
        entries.service_rendered("usd", "prod_pro", 328),
        [("deferred_revenue", "revenue:prod_pro", 328)],
    ),
    "a credit line is earned too": (
        entries.service_rendered("usd", "prod_pro", -328),
        [("revenue:prod_pro", "deferred_revenue", 328)],
    ),
    "invoice voided": (
        entries.invoice_voided(entries.invoice_finalized("cus_1", "usd", LINES[:1], TAXES)),
        [("deferred_revenue", "receivable:cus_1", 10_000), ("tax_payable:SE", "receivable:cus_1", 3_125)],
    ),
    "uncollectible": (entries.uncollectible("cus_1", "usd", 700), [("bad_debt", "receivable:cus_1", 700)]),
    "small difference": (entries.rounded_off("cus_1", "usd", 1), [("rounding", "receivable:cus_1", 1)]),
    "payment succeeded": (
        entries.payment_succeeded("simulated", "cus_1", "usd", 15_625),
        [("clearing:simulated", "receivable:cus_1", 15_625)],
    ),
    "payment returned": (
        entries.payment_succeeded("simulated", "cus_1", "usd", -15_625),
        [("receivable:cus_1", "clearing:simulated", 15_625)],
    ),
    "sold without an invoice": (
        entries.sold("simulated", "usd", 15_625),
        [("clearing:simulated", "revenue:none", 15_625)],
    ),
    "paid out of band": (
        entries.paid_out_of_band("cus_1", "usd", 15_625),
        [("bank", "receivable:cus_1", 15_625)],
    ),
    "gateway fee": (
        entries.fee_charged("simulated", "usd", 483),
        [("gateway_fees", "clearing:simulated", 483)],
    ),
    "credits of a lost payment": (entries.prepaid_lost("usd", -500), [("prepaid", "bad_debt", 500)]),
    "payout sent": (
        entries.payout_sent("simulated", "usd", 15_142),
        [("in_transit", "clearing:simulated", 15_142)],
    ),
    "payout arrived": (entries.payout_arrived("usd", 15_142), [("bank", "in_transit", 15_142)]),
    "payout that is brought back arrived": (
        entries.payout_arrived("usd", -15_142),
        [("in_transit", "bank", 15_142)],
    ),
    "payout failed": (
        entries.payout_returned("simulated", "usd", 15_142, False),
        [("clearing:simulated", "in_transit", 15_142)],
    ),
    "payout failed after it was paid": (
        entries.payout_returned("simulated", "usd", 15_142, True),
        [("clearing:simulated", "bank", 15_142)],
    ),
    "payout on a statement": (
        entries.payout_found("usd", 15_142, False),
        [("unapplied_cash", "in_transit", 15_142)],
    ),
    "refund granted": (entries.refund_granted("usd", 500), [("revenue_adjustments", "refunds_payable", 500)]),
    "refund granted with tax": (
        entries.refund_granted("usd", 400, [entries.Tax("SE", 100)]),
        [("revenue_adjustments", "refunds_payable", 400), ("tax_payable:SE", "refunds_payable", 100)],
    ),
    "cash to be returned": (entries.cash_returned("eur", 500), [("unapplied_cash", "refunds_payable", 500)]),
    "cash that stays": (entries.cash_returned("eur", -500), [("refunds_payable", "unapplied_cash", 500)]),
    "cash that was returned twice": (
        entries.cash_overdrawn("eur", 500),
        [("bad_debt", "unapplied_cash", 500)],
    ),
    "cash that was sent, of which none is left": (
        entries.refund_overdrawn("eur", 500),
        [("bad_debt", "refunds_payable", 500)],
    ),
    "turned into another currency": (
        entries.exchanged("stripe", "usd", 941, "eur", 865),
        [("exchange", "clearing:stripe", 941), ("clearing:stripe", "exchange", 865)],
    ),
    "refund sent": (
        entries.refund_sent("simulated", "usd", 500),
        [("refunds_payable", "clearing:simulated", 500)],
    ),
    "balance applied": (
        entries.balance_applied("cus_1", "usd", 900),
        [("customer_balance:cus_1", "receivable:cus_1", 900)],
    ),
    "credit invoice kept as balance": (
        entries.balance_applied("cus_1", "usd", -900),
        [("receivable:cus_1", "customer_balance:cus_1", 900)],
    ),
    "balance granted": (
        entries.balance_granted("cus_1", "usd", 900),
        [("revenue_adjustments", "customer_balance:cus_1", 900)],
    ),
    "prepaid delivered": (
        entries.prepaid_delivered("usd", 50_000),
        [("deferred_revenue", "prepaid", 50_000)],
    ),
    "prepaid taken back": (
        entries.prepaid_delivered("usd", -20_000),
        [("prepaid", "deferred_revenue", 20_000)],
    ),
    "prepaid not paid": (entries.prepaid_not_paid("usd", 50_000), [("deferred_revenue", "bad_debt", 50_000)]),
    "prepaid given away": (
        entries.prepaid_given_away("usd", 30_000),
        [("revenue_adjustments", "deferred_revenue", 30_000)],
    ),
    "prepaid used": (
        entries.prepaid_used("usd", "prod_api", 10_000),
        [("prepaid", "revenue:prod_api", 10_000)],
    ),
    "prepaid expired": (entries.prepaid_expired("usd", 40_000), [("prepaid", "breakage", 40_000)]),
}


@pytest.mark.parametrize("event", TABLE)
def test_each_event_posts_what_the_table_says(event):
    transfers, expected = TABLE[event]
    assert posted(transfers) == expected


def test_an_upgrade_posts_its_credit_line_backwards():
    """Unused 10.32 of the old plan back, 25.81 for the rest of the new one: 15.49 is owed."""
    transfers = entries.invoice_finalized(
        "cus_1", "usd", [Line("il_1", "prod_pro", -1032), Line("il_2", "prod_team", 2581)], []
    )
    assert posted(transfers) == [
        ("deferred_revenue", "receivable:cus_1", 1032),
        ("receivable:cus_1", "deferred_revenue", 2581),
    ]
    assert totals(transfers) == {"receivable:cus_1": 1549, "deferred_revenue": -1549}


def test_each_transfer_of_an_invoice_knows_its_line_and_free_lines_post_nothing():
    free = Line("il_free", "prod_trial", 0)
    transfers = entries.invoice_finalized("cus_1", "usd", [LINES[0], free, LINES[1]], TAXES)
    assert [transfer.line for transfer in transfers] == ["il_1", "il_2", None]
    assert [transfer.line for transfer in entries.invoice_voided(transfers)] == ["il_1", "il_2", None]


def test_a_transfer_moves_something_between_two_accounts_of_one_currency():
    bank, rounding = the("bank", "usd"), the("rounding", "usd")
    for wrong in (
        lambda: Transfer(bank, rounding, 0),
        lambda: Transfer(bank, rounding, -1),
        lambda: Transfer(bank, bank, 1),
        lambda: Transfer(bank, the("rounding", "eur"), 1),
    ):
        with pytest.raises(Inconsistent):
            wrong()


# ------------------------------------------------------------------------------------- credit notes


def test_a_credit_note_of_an_unpaid_invoice_lowers_the_receivable():
    """40.00 of a line, 30.00 of them not earned yet, and their 25 % tax."""
    transfers = entries.credit_issued(
        "usd", [Credit("il_1", 3000, 1000)], [Tax("SE", 1000)], [(receivable("cus_1", "usd"), 5000)]
    )
    assert posted(transfers) == [
        ("deferred_revenue", "receivable:cus_1", 3000),
        ("revenue_adjustments", "receivable:cus_1", 1000),
        ("tax_payable:SE", "receivable:cus_1", 1000),
    ]
    assert [transfer.line for transfer in transfers] == ["il_1", "il_1", None]


def test_a_credit_note_of_a_partly_paid_invoice_is_shared_in_order():
    shares = [
        (receivable("cus_1", "usd"), 3500),
        (customer_balance("cus_1", "usd"), 500),
        (the("refunds_payable", "usd"), 1000),
    ]
    transfers = entries.credit_issued("usd", [Credit("il_1", 3000, 1000)], [Tax("SE", 1000)], shares)
    assert posted(transfers) == [
        ("deferred_revenue", "receivable:cus_1", 3000),
        ("revenue_adjustments", "receivable:cus_1", 500),
        ("revenue_adjustments", "customer_balance:cus_1", 500),
        ("tax_payable:SE", "refunds_payable", 1000),
    ]


def test_a_credited_proration_credit_goes_back_into_deferred_revenue():
    """A whole upgrade invoice of 15.49 is credited: both its lines come to nothing."""
    transfers = entries.credit_issued(
        "usd",
        [Credit("il_1", -1032, 0), Credit("il_2", 2581, 0)],
        [],
        [(the("refunds_payable", "usd"), 1549)],
    )
    assert posted(transfers) == [
        ("deferred_revenue", "refunds_payable", 2581),
        ("refunds_payable", "deferred_revenue", 1032),
    ]
    assert [transfer.line for transfer in transfers] == ["il_2", "il_1"]


def test_a_credit_note_goes_somewhere_whole():
    with pytest.raises(Inconsistent, match="whole"):
        entries.credit_issued("usd", [Credit("il_1", 3000, 0)], [], [(receivable("cus_1", "usd"), 2999)])


amounts = st.integers(-(10**9), 10**9)
credits_ = st.lists(st.builds(Credit, st.sampled_from(["il_1", "il_2", None]), amounts, amounts), max_size=5)
taxes = st.lists(st.builds(Tax, st.sampled_from(["SE", "DE"]), amounts), max_size=3)


@given(credits_, taxes, st.data())
def test_a_credit_note_takes_each_part_and_gives_each_share(lines, taxes, data):
    total = sum(line.unearned + line.earned for line in lines) + sum(tax.amount for tax in taxes)
    if total < 0:
        return
    first = data.draw(st.integers(0, total))
    shares = [(receivable("cus_1", "usd"), first), (the("refunds_payable", "usd"), total - first)]
    expected: Counter[str] = Counter()
    expected["deferred_revenue"] = sum(line.unearned for line in lines)
    expected["revenue_adjustments"] = sum(line.earned for line in lines)
    for tax in taxes:
        expected[f"tax_payable:{tax.jurisdiction}"] += tax.amount
    expected["receivable:cus_1"], expected["refunds_payable"] = -first, first - total
    found = totals(entries.credit_issued("usd", lines, taxes, shares))
    assert found == Counter({account: amount for account, amount in expected.items() if amount})


# ------------------------------------------------------------------------------------- for all numbers


lines = st.lists(st.builds(Line, st.just("il_1"), st.just("prod_1"), amounts), max_size=6)


@given(lines, taxes)
def test_the_receivable_of_an_invoice_is_its_total_and_deferred_revenue_its_net(lines, taxes):
    net, tax = sum(line.net for line in lines), sum(tax.amount for tax in taxes)
    found = totals(entries.invoice_finalized("cus_1", "usd", lines, taxes))
    assert found["receivable:cus_1"] == net + tax
    assert found["deferred_revenue"] == -net


@given(lines, taxes, st.integers(0, 10**9), st.integers(0, 10**9))
def test_a_voided_invoice_leaves_nothing_on_any_account(lines, taxes, applied, earned):
    past = [
        *entries.invoice_finalized("cus_1", "usd", lines, taxes),
        *entries.balance_applied("cus_1", "usd", applied),
        *entries.service_rendered("usd", "prod_1", earned),
    ]
    assert totals(past + entries.invoice_voided(past)) == Counter()


@given(amounts)
def test_moving_back_what_was_moved_leaves_nothing(amount):
    debit, credit = Account("bank", None, "usd"), Account("clearing", "simulated", "usd")
    assert totals(entries.move(debit, credit, amount) + entries.move(debit, credit, -amount)) == Counter()
    assert len(entries.move(debit, credit, amount)) == (amount != 0)
