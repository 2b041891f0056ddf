"""Is each of the 34 rows of journal entries that standards name posted as it says? 100.00 net, 25 % VAT."""

from collections import Counter
from collections.abc import Sequence

import pytest

from billow.ledger import entries
from billow.ledger.entries import Credit, Line, Tax, Transfer
from tests.test_tidy import ROOT

PAGE = ROOT / "docs" / "reference" / "journal.md"
U, C, G, P = "usd", "cus_1", "card", "prod_1"
NET, VAT, ALL = 10_000, 2_500, 12_500
TAX = [Tax("SE", VAT)]
AR, REV, TO = f"receivable:{C}", f"revenue:{P}", "tax_payable:SE"


def invoice(net: int = NET, tax: int = VAT, before: int = 0) -> list[Transfer]:
    return entries.invoice_finalized(C, U, [Line("il_1", P, net, before)], [Tax("SE", tax)] if tax else [])


def paid(amount: int) -> list[Transfer]:
    return [*entries.bank_received(U, amount), *entries.cash_applied(C, U, amount)]


def credited(to: str, earned: int) -> list[Transfer]:
    lines = [Credit("il_1", 4_000 - earned, earned)]
    account = entries.receivable(C, U) if to == "receivable" else entries.customer_balance(C, U)
    return entries.credit_issued(U, lines, [Tax("SE", 1_000)], [(account, 5_000)])


#: Each row: its number, what it is, the transfers, and what they leave: debits positive, in minor units.
ROWS: list[tuple[int, str, Sequence[Transfer], dict[str, int]]] = [
    (1, "invoice finalised, in advance", invoice(), {AR: ALL, "deferred_revenue": -NET, TO: -VAT}),
    (2, "revenue recognised", entries.service_rendered(U, P, 328), {"deferred_revenue": 328, REV: -328}),
    (3, "usage accrued", entries.service_unbilled(U, P, 8_000), {"unbilled": 8_000, REV: -8_000}),
    (4, "invoice finalised, in arrears", invoice(8_000, 2_000, before=8_000),
     {AR: 10_000, "unbilled": -8_000, TO: -2_000}),
    (5, "invoice finalised, one-off", [*invoice(), *entries.service_rendered(U, P, NET)],
     {AR: ALL, REV: -NET, TO: -VAT}),
    (6, "payment succeeded (card)", entries.payment_succeeded(G, C, U, ALL),
     {f"clearing:{G}": ALL, AR: -ALL}),
    (7, "gateway fee", entries.fee_charged(G, U, 200), {"gateway_fees": 200, f"clearing:{G}": -200}),
    (8, "payout", [*entries.payout_sent(G, U, 12_300), *entries.payout_arrived(U, 12_300)],
     {"bank": 12_300, f"clearing:{G}": -12_300}),
    (9, "bank transfer matched", paid(ALL), {"bank": ALL, AR: -ALL}),
    (10, "bank transfer unknown, later matched", paid(9_900), {"bank": 9_900, AR: -9_900}),
    (11, "overpayment", [*paid(ALL), *entries.bank_received(U, 500), *entries.cash_kept(C, U, 500)],
     {"bank": 13_000, AR: -ALL, f"customer_balance:{C}": -500}),
    (12, "customer balance applied", entries.balance_applied(C, U, 500),
     {f"customer_balance:{C}": 500, AR: -500}),
    (13, "payment failed", [], {}),
    (14, "payment returned", entries.payment_succeeded(G, C, U, -ALL), {AR: ALL, f"clearing:{G}": -ALL}),
    (15, "credit note, unpaid invoice", credited("receivable", 1_500),
     {"deferred_revenue": 2_500, "revenue_adjustments": 1_500, TO: 1_000, AR: -5_000}),
    (16, "credit note, paid invoice", credited("balance", 4_000),
     {"revenue_adjustments": 4_000, TO: 1_000, f"customer_balance:{C}": -5_000}),
    (17, "refund succeeded", entries.refund_sent(G, U, 5_000),
     {"refunds_payable": 5_000, f"clearing:{G}": -5_000}),
    (18, "refund without credit note",
     [*entries.refund_granted(U, 4_000, [Tax("SE", 1_000)]), *entries.refund_sent(G, U, 5_000)],
     {"revenue_adjustments": 4_000, TO: 1_000, f"clearing:{G}": -5_000}),
    (19, "invoice voided", entries.invoice_voided(invoice()), {"deferred_revenue": NET, TO: VAT, AR: -ALL}),
    (20, "allowance", entries.allowance_changed(U, 700), {"bad_debt": 700, "allowance": -700}),
    (21, "marked uncollectible", [*entries.uncollectible(C, U, ALL), *entries.tax_relieved(U, TAX)],
     {"bad_debt": NET, TO: VAT, AR: -ALL}),
    (22, "late payment after write-off",
     [*entries.uncollectible(C, U, -ALL), *paid(ALL), *entries.tax_relieved(U, [Tax("SE", -VAT)])],
     {"bank": ALL, "bad_debt": -NET, TO: -VAT}),
    (23, "credits purchased", [*invoice(50_000, 0), *entries.prepaid_delivered(U, 50_000)],
     {AR: 50_000, "prepaid": -50_000}),
    (24, "credits drawn down", [*entries.prepaid_used(U, P, NET), *entries.invoice_finalized(C, U, [], TAX)],
     {"prepaid": NET, REV: -NET, AR: VAT, TO: -VAT}),
    (25, "paid credits expire", entries.prepaid_expired(U, ALL), {"prepaid": ALL, "breakage": -ALL}),
    (26, "promotional credit granted, used", [], {}),
    (27, "upgrade mid-period",
     entries.invoice_finalized(C, U, [Line("il_1", P, -2_000), Line("il_2", P, 6_000)], [Tax("SE", 1_000)]),
     {AR: 5_000, "deferred_revenue": -4_000, TO: -1_000}),
    (28, "dispute opened, lost",
     [*entries.dispute_moved(G, U, ALL), *entries.fee_charged(G, U, 1_500), *entries.dispute_lost(U, ALL)],
     {"bad_debt": ALL, "gateway_fees": 1_500, f"clearing:{G}": -ALL - 1_500}),
    (29, "withholding tax by payer", [*entries.paid_out_of_band(C, U, NET), *entries.tax_withheld(U, 1_500)],
     {"bank": 8_500, "withholding_tax": 1_500, AR: -NET}),
    (30, "exchange", [], {}),
    (31, "tax remitted", entries.tax_remitted("SE", U, VAT), {TO: VAT, "bank": -VAT}),
    (32, "small difference", entries.rounded_off(C, U, 1), {"rounding": 1, AR: -1}),
    (33, "discount, coupon", invoice(9_000, 2_250), {AR: 11_250, "deferred_revenue": -9_000, TO: -2_250}),
    (34, "trial, draft, quote, setup", [], {}),
]  # fmt: skip


@pytest.mark.parametrize(
    ("number", "title", "transfers", "left"), ROWS, ids=[f"row_{row[0]}" for row in ROWS]
)
def test_a_row_is_posted_as_the_standards_say(number, title, transfers, left):
    """Rows 13, 26 and 34 post nothing of their own, and row 30 is of the home currency (test_carried)."""
    sums: Counter[str] = Counter()
    for one in transfers:
        sums[one.debit.key] += one.amount
        sums[one.credit.key] -= one.amount
    assert {account: amount for account, amount in sums.items() if amount} == left


def test_the_page_lists_every_row():
    """Each with its title, what is posted, and a test that is there."""
    lines = [line.split("|") for line in PAGE.read_text("utf-8").splitlines() if line.startswith("| ")]
    rows = [(int(line[1]), line[2].strip(), line[5]) for line in lines if line[1].strip().isdecimal()]
    assert [row[:2] for row in rows] == [row[:2] for row in ROWS]
    tests = "\n".join(path.read_text("utf-8") for path in (ROOT / "tests").rglob("test_*.py"))
    for number, _, named in rows:
        name = named.strip().strip("`")
        assert f"def {name}(" in tests, (number, name)
