"""Is the journal unchanged, and does another program accept it?"""

import re
import shutil
import subprocess
from datetime import UTC, datetime
from decimal import Decimal
from textwrap import dedent

import pytest

from billow.ledger import entries
from billow.ledger.entries import Line, Tax
from billow.ledger.journal import journal, major_units
from billow.ledger.post import Posting, post

FIRST, SECOND = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, 9, tzinfo=UTC)

GOLDEN = dedent("""\
    option "title" "billow"
    option "operating_currency" "JPY"
    option "operating_currency" "USD"

    2026-01-02 open Assets:Clearing:Simulated USD
    2026-01-01 open Assets:Receivable:Cus1 JPY,USD
    2026-01-02 open Expenses:GatewayFees USD
    2026-01-02 open Income:Revenue:ProdPro USD
    2026-01-01 open Liabilities:DeferredRevenue JPY,USD
    2026-01-01 open Liabilities:TaxPayable:SE USD

    2026-01-01 * "invoice.finalized" "in_1"
      Assets:Receivable:Cus1  125.50 USD
      Liabilities:DeferredRevenue  -100.50 USD
      Liabilities:TaxPayable:SE  -25.00 USD

    2026-01-01 * "invoice.finalized" "in_2"
      Assets:Receivable:Cus1  10050 JPY
      Liabilities:DeferredRevenue  -10050 JPY

    2026-01-02 * "revenue.recognized" "il_1@1767344400"
      Liabilities:DeferredRevenue  3.28 USD
      Income:Revenue:ProdPro  -3.28 USD

    2026-01-02 * "fee.charged" "pi_1"
      Expenses:GatewayFees  0.05 USD
      Assets:Clearing:Simulated  -0.05 USD

    2026-01-02 * "payment.succeeded" "pi_1"
      Assets:Clearing:Simulated  125.50 USD
      Assets:Receivable:Cus1  -125.50 USD
    """)


def invoice(id: str, currency: str, taxes: list[Tax]) -> Posting:
    lines = [Line("il_1", "prod_Pro", 10_000), Line("il_2", "prod_Pro", 50)]
    return Posting("invoice.finalized", id, FIRST, entries.invoice_finalized("cus_1", currency, lines, taxes))


POSTINGS = [
    invoice("in_1", "usd", [Tax("SE", 2_500)]),
    invoice("in_2", "jpy", []),
    Posting(
        "payment.succeeded", "pi_1", SECOND, entries.payment_succeeded("simulated", "cus_1", "usd", 12_550)
    ),
    Posting("fee.charged", "pi_1", SECOND, entries.fee_charged("simulated", "usd", 5)),
    Posting(
        "revenue.recognized", "il_1@1767344400", SECOND, entries.service_rendered("usd", "prod_Pro", 328)
    ),
]

AWKWARD = [
    Posting('a "quoted"\\event', "sub\\x", FIRST, entries.service_rendered("usd", "gold plan", 1)),
    Posting("earned", "2", FIRST, entries.service_rendered("usd", "gold-plan", 2)),
    Posting("earned", "3", FIRST, entries.service_rendered("usd", "привет", 3)),
    Posting("earned", "4", FIRST, entries.service_rendered("usd", "eu:SE", 4)),
    Posting("earned", "5", FIRST, entries.service_rendered("kwd", "9lives", 5)),
]


def test_the_journal_reads_as_it_did(tx):
    post(tx, POSTINGS)
    assert journal(tx) == GOLDEN


def test_an_account_has_the_numbers_of_the_chart(tx):
    post(tx, POSTINGS)
    numbers = {"receivable:cus_1": {"1510"}, "revenue:prod_Pro": {"3306", "3001"}}
    lines = journal(tx, numbers).splitlines()
    place = lines.index("2026-01-01 open Assets:Receivable:Cus1 JPY,USD")
    assert lines[place + 1] == '  number: "1510"'
    assert lines[lines.index("2026-01-02 open Income:Revenue:ProdPro USD") + 1] == '  number: "3001, 3306"'
    assert sum(line.startswith("  number:") for line in lines) == 2


def test_the_order_of_posting_does_not_show(tx):
    for posting in reversed(POSTINGS):
        post(tx, [posting])
    assert journal(tx) == GOLDEN


def test_amounts_have_the_digits_of_their_currency():
    assert [major_units(1999, currency) for currency in ("usd", "jpy", "kwd")] == ["19.99", "1999", "1.999"]
    assert major_units(-5, "usd") == "-0.05"
    assert major_units(10**15, "usd") == "10000000000000.00"


def test_two_accounts_never_share_a_name(tx):
    post(tx, AWKWARD)
    names = re.findall(r"open (Income:\S+)", journal(tx))
    assert len(set(names)) == 5
    assert sum(name.startswith("Income:Revenue:GoldPlan-") for name in names) == 2
    assert all(re.fullmatch(r"Income(:[A-Z0-9][A-Za-z0-9-]*)+", name) for name in names)


def test_quotes_and_backslashes_are_escaped(tx):
    post(tx, AWKWARD[:1])
    assert r'''2026-01-01 * "a \"quoted\"\\event" "sub\\x"''' in journal(tx).splitlines()


def test_every_transaction_of_the_journal_adds_up_to_nothing(tx):
    post(tx, POSTINGS + AWKWARD)
    for transaction in journal(tx).split("\n\n")[2:]:
        totals: dict[str, Decimal] = {}
        for amount, currency in re.findall(r"^  [A-Z]\S+  (\S+) ([A-Z]+)$", transaction, re.M):
            totals[currency] = totals.get(currency, Decimal(0)) + Decimal(amount)
        assert totals
        assert not any(totals.values()), transaction


@pytest.mark.skipif(
    not shutil.which("bean-check"), reason="bean-check is not installed (pip install beancount)"
)
def test_bean_check_accepts_the_journal(tx, tmp_path):
    post(tx, POSTINGS + AWKWARD)
    path = tmp_path / "books.beancount"
    path.write_text(journal(tx), "utf-8")
    checked = subprocess.run(["bean-check", str(path)], capture_output=True, text=True, check=False)
    assert (checked.returncode, checked.stderr) == (0, "")
