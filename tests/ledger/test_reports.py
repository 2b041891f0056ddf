"""Do the reports answer their questions, on a world small enough to count by hand?"""

import csv as separated
import io
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from billow import reports
from billow.core.errors import Refused
from billow.ledger import entries
from billow.ledger.chart import receivable
from billow.ledger.entries import Credit, Line, Tax
from billow.ledger.post import Posting, post
from billow.reports import Table, csv, run


def day(month: int, number: int) -> datetime:
    return datetime(2026, month, number, tzinfo=UTC)


def earned(source: str, at: datetime, currency: str, product: str, amount: int, invoice: str) -> Posting:
    transfers = entries.service_rendered(currency, product, amount, source.partition("@")[0])
    return Posting("revenue.recognized", source, at, transfers, "cus_1", invoice)


@pytest.fixture
def world(tx):
    """Three invoices of Anna and one of Bo. in_1 is earned by halves in January and February."""
    # All that the reports read of invoices. In this transaction it hides the real table.
    tx.run(
        "create temporary table invoices (id text, number text, customer text, due_date timestamptz,"
        " finalized_at timestamptz) on commit drop"
    )
    tx.run(
        "insert into invoices values ('in_1', 'A-1', 'cus_1', null, %(jan)s),"
        " ('in_2', 'A-2', 'cus_1', %(mar)s, %(feb)s), ('in_3', 'A-3', 'cus_1', null, %(feb)s),"
        " ('in_4', 'B-1', 'cus_2', %(apr)s, %(feb)s)",
        jan=day(1, 1),
        feb=day(2, 1),
        mar=day(3, 1),
        apr=day(4, 1),
    )

    def invoice(
        id: str, at: datetime, customer: str, currency: str, lines: list[Line], tax: int = 0
    ) -> Posting:
        taxes = [Tax("SE", tax)]
        transfers = entries.invoice_finalized(customer, currency, lines, taxes)
        return Posting("invoice.finalized", id, at, transfers, customer, id)

    paid = entries.payment_succeeded("simulated", "cus_1", "usd", 5_000)
    credited = entries.credit_issued("eur", [Credit("il_4", 700, 0)], [], [(receivable("cus_1", "eur"), 700)])
    post(
        tx,
        [
            invoice("in_1", day(1, 1), "cus_1", "usd", [Line("il_1", "prod_pro", 10_000)], tax=2_500),
            Posting("payment.succeeded", "pi_1", day(1, 20), paid, "cus_1", "in_1"),
            earned("il_1@1", day(1, 31), "usd", "prod_pro", 5_000, "in_1"),
            earned("il_1@2", day(2, 28), "usd", "prod_pro", 5_000, "in_1"),
            invoice(
                "in_2",
                day(2, 1),
                "cus_1",
                "usd",
                [Line("il_2", "prod_pro", -300), Line("il_3", "prod_api", 800)],
            ),
            earned("il_2@1", day(2, 10), "usd", "prod_pro", -300, "in_2"),
            invoice("in_3", day(2, 1), "cus_1", "eur", [Line("il_4", "prod_pro", 700)]),
            Posting("credit_note.issued", "cn_1", day(2, 2), credited, "cus_1", "in_3"),
            invoice("in_4", day(2, 1), "cus_2", "usd", [Line("il_5", "prod_api", 99)]),
        ],
    )
    return tx


def records(table: Table) -> list[dict[str, object]]:
    return [dict(zip(table.columns, row, strict=True)) for row in table.rows]


def test_revenue_is_earned_per_month_product_and_currency(world):
    table = run(world, "revenue", **{"from": day(1, 1), "to": day(3, 1)})
    assert table.columns == ["month", "product", "currency", "amount"]
    assert table.rows == [("2026-01", "prod_pro", "usd", 5_000), ("2026-02", "prod_pro", "usd", 4_700)]


def test_revenue_counts_from_an_instant_up_to_but_not_at_another(world):
    assert run(world, "revenue", **{"from": day(1, 31), "to": day(2, 28)}).rows == [
        ("2026-01", "prod_pro", "usd", 5_000),
        ("2026-02", "prod_pro", "usd", -300),
    ]


def open_invoices(world, at: datetime) -> dict[str, tuple[int, dict[str, int]]]:
    """What is owed of each invoice, and in which columns of age."""
    ages = ("not_due", "days_1_to_30", "days_31_to_60", "days_61_to_90", "days_91_to_120", "days_over_120")
    return {
        str(row["invoice"]): (row["amount"], {age: row[age] for age in ages if row[age]})
        for row in records(run(world, "aging", at=at))
    }


def test_aging_says_who_owes_what_since_when(world):
    assert run(world, "aging", at=day(3, 1)).rows == [
        ("cus_1", "in_1", "A-1", "usd", day(1, 1), 7_500, 0, 0, 7_500, 0, 0, 0),
        ("cus_1", "in_2", "A-2", "usd", day(3, 1), 500, 500, 0, 0, 0, 0, 0),
        ("cus_2", "in_4", "B-1", "usd", day(4, 1), 99, 99, 0, 0, 0, 0, 0),
    ]


def test_aging_looks_back_at_what_was_owed_then(world):
    assert open_invoices(world, day(1, 19)) == {"in_1": (12_500, {"days_1_to_30": 12_500})}
    assert open_invoices(world, day(2, 1))["in_3"] == (700, {"not_due": 700})
    assert "in_3" not in open_invoices(world, day(2, 2))


@pytest.mark.parametrize(("days", "age"), [
    (0, "not_due"), (1, "days_1_to_30"), (30, "days_1_to_30"), (31, "days_31_to_60"), (60, "days_31_to_60"),
    (61, "days_61_to_90"), (90, "days_61_to_90"), (91, "days_91_to_120"), (120, "days_91_to_120"),
    (121, "days_over_120"), (900, "days_over_120"),
])  # fmt: skip
def test_an_invoice_ages_by_the_days_since_it_was_due(world, days, age):
    assert open_invoices(world, day(4, 1) + timedelta(days=days))["in_4"] == (99, {age: 99})


def test_a_day_that_has_begun_is_a_day_late(world):
    second = timedelta(seconds=1)
    assert open_invoices(world, day(4, 1) + second)["in_4"] == (99, {"days_1_to_30": 99})
    assert open_invoices(world, day(5, 1) + second)["in_4"] == (99, {"days_31_to_60": 99})


def test_credit_that_belongs_to_no_invoice_is_shown_as_not_due(world):
    bought = entries.balance_applied("cus_2", "usd", 40)
    post(world, [Posting("balance.applied", "cbtxn_1", day(2, 2), bought, "cus_2")])
    assert open_invoices(world, day(3, 1))["None"] == (-40, {"not_due": -40})


def test_the_trial_balance_has_every_account_and_adds_up(world):
    table = run(world, "trial_balance", at=day(2, 2))
    assert table.rows == [
        ("deferred_revenue", "eur", 700, 700, 0),
        ("receivable:cus_1", "eur", 700, 700, 0),
        ("clearing:simulated", "usd", 5_000, 0, 5_000),
        ("deferred_revenue", "usd", 5_300, 10_899, -5_599),
        ("receivable:cus_1", "usd", 13_300, 5_300, 8_000),
        ("receivable:cus_2", "usd", 99, 0, 99),
        ("revenue:prod_pro", "usd", 0, 5_000, -5_000),
        ("tax_payable:SE", "usd", 0, 2_500, -2_500),
    ]
    assert sum(row["balance"] for row in records(table)) == 0


def test_what_is_still_to_be_earned_is_known_line_by_line(world):
    assert run(world, "deferred", at=day(2, 9)).rows == [
        ("cus_1", "in_1", "il_1", "usd", 5_000),
        ("cus_1", "in_2", "il_2", "usd", -300),
        ("cus_1", "in_2", "il_3", "usd", 800),
        ("cus_2", "in_4", "il_5", "usd", 99),
    ]
    assert [row["line"] for row in records(run(world, "deferred", at=day(3, 1)))] == ["il_3", "il_5"]


# ------------------------------------------------------------------------------------- the folder


def test_every_file_opens_with_its_question():
    known = reports.reports()
    assert {"aging", "deferred", "revenue", "trial_balance"} <= known.keys()
    for report in known.values():
        assert report.question.endswith("?"), report.name
        assert "--" not in report.question
    assert known["revenue"].params == ("from", "to")


def test_an_empty_table_still_has_its_columns(tx):
    table = run(tx, "trial_balance", at=day(1, 1))
    assert (table.columns, table.rows) == (["account", "currency", "debit", "credit", "balance"], [])


def test_a_report_wants_its_instants_and_no_others(tx):
    for params, param in ({}, "at"), ({"at": None}, "at"), ({"at": day(1, 1), "until": day(1, 2)}, "until"):
        with pytest.raises(Refused) as refused:
            run(tx, "trial_balance", **params)
        assert refused.value.param == param
    with pytest.raises(Refused, match=r"No such report: '\.\./schema'"):
        run(tx, "../schema")


# ------------------------------------------------------------------------------------- csv


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@sum", "\t=1", "\r=1", '=cmd|"/c calc"!A1'])
def test_text_never_starts_a_formula(text):
    rows = list(separated.reader(io.StringIO(csv(Table(["name", text], [[text, 5]])), newline="")))
    assert rows == [["name", f"'{text}"], [f"'{text}", "5"]]


def test_numbers_keep_their_sign_and_harmless_text_is_left_alone():
    table = Table(
        ["a", "b", "c", "d", "e", "f"], [[-5, Decimal("-0.5"), "a=b", None, day(1, 2), date(2026, 1, 2)]]
    )
    assert csv(table) == "a,b,c,d,e,f\r\n-5,-0.5,a=b,,2026-01-02T00:00:00+00:00,2026-01-02\r\n"


def test_commas_quotes_and_line_ends_are_quoted():
    assert csv(Table(["a"], [['x, "y"\nz']])) == 'a\r\n"x, ""y""\nz"\r\n'
