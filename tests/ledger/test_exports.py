"""Are exports read by other programs, and refused where a format cannot say what is in the books?"""

import csv
import re
import shutil
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from billow.core.books import periods, texts
from billow.core.books.chart import written
from billow.core.books.treatments import Treated
from billow.core.errors import Refused
from billow.core.exchange import Rate
from billow.ledger import charts, entries
from billow.ledger.chart import CHART
from billow.ledger.entries import Line, Tax
from billow.ledger.exports import Company, datev, hledger, in_charset, sie
from billow.ledger.post import Posting, post
from billow.ledger.vouchers import Documents, treatment_of, vouchers
from tests.support import exported as support
from tests.support.exported import minor

DAYS = date(2026, 1, 1), date(2026, 12, 31)


def at(month: int, day: int = 15) -> datetime:
    return datetime(2026, month, day, 12, tzinfo=UTC)


def fill(tx, currency: str = "eur", net: int = 123_456) -> None:
    lines, taxes = [Line("il_1", "prod_1", net, net // 3)], [Tax("DE/oss/19", net // 5)]
    post(
        tx,
        [
            Posting(
                "invoice.finalized",
                f"in_{currency}",
                at(1),
                entries.invoice_finalized("cus_1", currency, lines, taxes),
                "cus_1",
                f"in_{currency}",
            ),
            Posting(
                "revenue.recognized",
                f"il_{currency}",
                at(2),
                entries.service_unbilled(currency, "prod_1", net // 3, "il_1"),
                "cus_1",
            ),
            Posting(
                "payment.succeeded",
                f"ch;{currency}",
                at(3),
                entries.payment_succeeded("simulated", "cus_1", currency, net),
                "cus_1",
            ),
        ],
    )


@pytest.mark.parametrize("currency", ["eur", "jpy", "kwd", "sek"])
def test_every_format_says_what_the_ledger_says(tx, tmp_path, currency):
    fill(tx, currency)
    for days in (DAYS, (date(2026, 2, 1), date(2026, 3, 31))):
        for chart in charts.names():
            support.read_all(support.exported(tx, chart, *days, currency), tmp_path)


@pytest.mark.skipif(shutil.which("hledger") is None, reason=support.NOT_INSTALLED)
def test_hledger_is_there_to_read_exports(tx, tmp_path):
    """Where it is not, this is what the summary of a run says, beside the warnings."""
    fill(tx)
    books = support.exported(tx, "plain", *DAYS)
    assert support.by_hledger(books, tmp_path) == support.with_opening(books)


def test_a_missing_hledger_is_told(tx, tmp_path, monkeypatch):
    fill(tx)
    monkeypatch.setattr(support.shutil, "which", lambda name: None)
    with pytest.warns(UserWarning, match="hledger is not installed"):
        support.by_hledger(support.exported(tx, "plain", *DAYS), tmp_path)


def test_several_currencies_are_kept_apart(tx, tmp_path):
    for currency in ("eur", "jpy", "kwd"):
        fill(tx, currency, 1_234)
    support.read_all(support.exported(tx, "bas", *DAYS), tmp_path)


def rates_of(on: date) -> dict[str, Rate]:
    """A dollar is worth a little less from February on; of yen there is none in March."""
    known = {"usd": Decimal("1.0837") + on.month, "sek": Decimal("11.2345"), "jpy": Decimal("161.93")}
    if on.month == 3:
        del known["jpy"]
    return {currency: Rate(currency, on, rate) for currency, rate in known.items()}


@pytest.mark.parametrize("home", ["eur", "sek"])
def test_other_currencies_are_converted_by_the_rate_of_their_day(tx, home):
    """Each voucher adds up to nothing in SIE and in DATEV; both read back to the same sums."""
    fill(tx, home)
    fill(tx, "usd", 1_231)
    whole = support.exported(tx, "skr04", *DAYS, home, rates_of)
    assert whole.currencies() == [home]
    of_rounding = [one for b in whole.bookings for one in b.entries if one.account == "rounding"]
    assert home == "eur" or of_rounding
    assert all(0 < abs(one.amount) <= 3 for one in of_rounding)
    assert all(sum(one.amount for one in booking.entries) == 0 for booking in whole.bookings)
    for part in (whole, support.exported(tx, "skr04", date(2026, 3, 1), DAYS[1], home, rates_of)):
        assert support.by_sie(part) == support.by_datev(part) == support.wanted(part)
    [paid] = [b for b in whole.bookings if b.voucher.event == "payment.succeeded" and b.entries[0].foreign]
    line, lost = [next(csv.reader([one], delimiter=";")) for one in datev.pairs(paid, whole)]
    assert (lost[2], lost[4]) == (home.upper(), "") and "exchange_loss" in {
        one.account for one in paid.entries
    }
    worth = Decimal(1_231) * (rates_of(date(2026, 3, 15))[home].rate if home != "eur" else 1)
    worth /= rates_of(date(2026, 3, 15))["usd"].rate
    if home == "eur":
        assert (line[0], line[2], line[5]) == ("12,31", "USD", "EUR")
        assert minor(line[4].replace(",", "."), home) == round(worth)
    else:  # a krona is less than a dollar, and DATEV has no such rate
        assert (line[0], line[2]) == (f"{round(worth) / 100:.2f}".replace(".", ","), "SEK")
        assert (line[24], line[25]) == ("Fremdwährung", "USD 12.31")
    assert b'"USD 12.31"' in sie.write(whole)[0]


def test_what_is_open_is_valued_at_each_months_end_and_taken_back(tx, tmp_path):
    """Row 30 of §5.3: 1000 USD at .92, .90 at the end of March, paid at .91 in April; home is EUR.

    20 are lost in March and taken back on the 1st of April, so that the payment loses 10 of 920.
    """
    lines = [Line("il_1", "prod_1", 100_000, 100_000)]
    moved = entries.invoice_finalized("cus_1", "usd", lines, [])
    earned = entries.service_unbilled("usd", "prod_1", 100_000, "il_1")
    paid = entries.paid_out_of_band("cus_1", "usd", 100_000)
    posted = [
        ("revenue.recognized", "il_1", at(3, 9), earned),
        ("invoice.finalized", "in_1", at(3, 9), moved),
    ]
    posted.append(("payment.succeeded", "ch_1", at(4, 20), paid))
    post(tx, [Posting(event, id, when, of, "cus_1", "in_1") for event, id, when, of in posted])

    def rates(on: date) -> dict[str, Rate]:
        of = "0.92" if on < date(2026, 3, 31) else "0.90" if on < date(2026, 4, 2) else "0.91"
        return {"usd": Rate("usd", on, 1 / Decimal(of))}

    march = support.exported(tx, "bas", date(2026, 3, 1), date(2026, 3, 31), "eur", rates, revalues=True)
    assert support.wanted(march) == {
        ("1510", "eur"): 90_000,
        ("7960", "eur"): 2_000,
        ("3000", "eur"): -92_000,
    }
    assert [one[1:] for one in march.home.valued(march.until)] == [("usd", 100_000, 92_000, 90_000)]
    april = support.exported(tx, "bas", date(2026, 4, 1), date(2026, 4, 29), "eur", rates, revalues=True)
    assert support.wanted(april) == {
        ("1510", "eur"): -90_000,
        ("7960", "eur"): -1_000,
        ("1930", "eur"): 91_000,
    }
    for part in (march, april):
        assert support.by_sie(part) == support.by_datev(part) == support.wanted(part)
        assert support.by_beancount(part) == support.by_hledger(part, tmp_path) == support.with_opening(part)
    without = support.exported(tx, "skr04", *DAYS, "eur", rates)
    assert support.wanted(without) == {
        ("1800", "eur"): 91_000,
        ("6880", "eur"): 1_000,
        ("4200", "eur"): -92_000,
    }
    assert b'"USD 1000.00"' in sie.write(without)[0] and b"was:1000.00 USD" in hledger.write(without)[0]


def test_a_sale_and_the_invoice_that_is_made_after_it_meet_on_one_account():
    invoiced = {"in_1": Treated("domestic", "DE")}
    known = Documents({}, {}, invoiced, {}, {}, {}, {}, "DE")
    sold = {
        "debit": "clearing:simulated",
        "credit": "revenue:none",
        "amount": 5831,
        "line": None,
        "invoice": None,
    }
    taken = {**sold, "debit": "revenue:none", "credit": "receivable:cus_1", "invoice": "in_1"}
    first = treatment_of(sold, "credit", "ch_1", known)
    assert first == treatment_of(taken, "debit", "ch_1", known) == Treated()
    assert treatment_of(taken, "credit", "ch_1", known) == invoiced["in_1"]


def test_a_stored_chart_without_later_accounts_gets_them_from_the_one_most_alike():
    text = written(charts.ready("skr03")).replace(",8400,", ",8401,")
    old = "".join(line for line in text.splitlines(True) if line.split(",")[0] not in charts.LATER)
    with pytest.raises(
        Refused, match="needs a row for allowance, exchange, exchange_gain, exchange_loss, withholding_tax"
    ):
        charts.read(old)
    known = charts.kept(old)
    assert [known.row(kind, Treated(), "eur").number for kind in sorted(charts.LATER)] == [
        "0996",
        "2660",
        "2660",
        "2150",
        "1501",
    ]
    assert charts.kept(text).rows == charts.read(text).rows


def test_a_stored_chart_from_before_services_were_told_from_exports_has_both_on_one_account():
    text = written(charts.ready("skr04")).replace(",4120,", ",4338,")
    old = "".join(line for line in text.splitlines(True) if ",export_service," not in line)
    for kind in ("revenue", "revenue_adjustments"):
        rows = [charts.kept(old).row(kind, Treated(one), "eur") for one in ("export", "export_service")]
        assert [row.number for row in rows] == ["4338", "4338"]
    assert charts.ready("skr04").row("revenue", Treated("export_service"), "eur").number == "4338"


def test_a_day_without_a_rate_is_named(tx):
    fill(tx, "jpy")
    support.exported(tx, "bas", DAYS[0], date(2026, 2, 28), "eur", rates_of)
    with pytest.raises(Refused, match="no exchange rate of JPY in EUR for 2026-03-15"):
        support.exported(tx, "bas", *DAYS, "eur", rates_of)


def test_a_part_of_a_year_begins_with_what_was_there(tx):
    fill(tx)
    books = support.exported(tx, "bas", date(2026, 3, 1), date(2026, 3, 31))
    assert [booking.number for booking in books.bookings] == [3]
    assert sum(books.at_start().values()) == 0
    assert {row.number: of for (row, _), of in books.at_start().items()}["2091"] == -123_456 // 3
    later = support.exported(tx, "bas", date(2027, 1, 1), date(2027, 1, 31))
    assert {row.number: of for (row, _), of in later.opening.items()}["2091"] == -123_456 // 3


def test_a_fault_of_a_writer_is_seen(tx, tmp_path, monkeypatch):
    fill(tx)
    books = support.exported(tx, "bas", *DAYS)
    for module, name in ((sie, "amount"), (datev, "comma"), (hledger, "major_units")):
        right = getattr(module, name)
        with monkeypatch.context() as patched:
            patched.setattr(module, name, lambda of, more, right=right: right(of + 1, more))
            with pytest.raises(AssertionError):
                support.read_all(books, tmp_path)


def test_three_decimals_are_refused_where_a_format_has_two(tx):
    fill(tx, "kwd")
    books = support.exported(tx, "bas", *DAYS, "kwd")
    for writer in (sie.write, datev.write):
        with pytest.raises(Refused, match="KWD has three"):
            writer(books)


@pytest.mark.parametrize("name", charts.names())
def test_names_of_accounts_have_no_two_spaces_in_hledger(name):
    """Two spaces end the name of an account there."""
    wrong = [row for row in charts.ready(name).rows if re.search(r"\s\s|:.*:", hledger.name_of(row))]
    assert wrong == []


def test_hledger_is_told_the_decimals_of_each_currency(tx):
    fill(tx, "jpy")
    assert b"commodity 1000. JPY" in hledger.write(support.exported(tx, "plain", *DAYS))[0]


@pytest.mark.parametrize(
    ("chart", "said"), [("bas", True), ("skr03", False), ("skr04", False), ("plain", False)]
)
def test_sie_calls_a_chart_bas_only_if_it_is_one(tx, chart, said):
    fill(tx)
    books = support.exported(tx, chart, *DAYS)
    assert (b"#KPTYP EUBAS97\r\n" in sie.write(books)[0]) == said
    changed = written(books.chart).replace(",1510,", ",1580,").replace(",1930,", ",1940,")
    assert charts.most_like(charts.read(changed).rows) == chart


@pytest.mark.parametrize(
    ("country", "number", "said"),
    [
        ("SE", "5560004755", "556000-4755"),
        ("SE", "556000-4755", "556000-4755"),
        ("SE", "16556000-4755", "556000-4755"),
        ("SE", "5560004756", ""),
        ("SE", "Org.nr 556000-4755, Stockholm", ""),
        ("SE", "", ""),
        ("DE", "5560004755", ""),
        ("DE", "HRB 12345 B", ""),
    ],
)
def test_sie_has_an_organisation_number_only_if_it_is_a_swedish_one(country, number, said):
    assert sie.number_of(Company("Moln AB", number, country)) == said


def test_letters_that_a_charset_lacks_lose_their_accents():
    assert in_charset("Åsa Żółć 云 €", "cp437").decode("cp437") == "Åsa Zó?c ? ?"
    assert in_charset("Łódź €", "cp1252").decode("cp1252") == "?ódz €"


def test_a_datev_file_has_at_most_so_many_rows(tx, monkeypatch):
    fill(tx)
    books = support.exported(tx, "skr03", *DAYS)
    monkeypatch.setattr(datev, "MOST_ROWS", 2)
    files = datev.write(books)
    assert len(files) > 1 and all(len(one.split(b"\r\n")) <= 5 for one in files)
    assert support.by_datev(books) == support.wanted(books)


@pytest.mark.parametrize(("chart", "named"), [("skr03", "03"), ("skr04", "04"), ("plain", ""), ("bas", "")])
def test_datev_is_told_the_chart(tx, chart, named):
    fill(tx)
    heading = next(csv.reader([datev.heading(support.exported(tx, chart, *DAYS), 4)], delimiter=";"))
    assert (heading[26], len(heading)) == (named, 31)


def test_accounts_of_customers_have_one_digit_more_in_datev(tx):
    """DATEV takes a number of another length for another account, so a file has one length of them."""
    fill(tx)
    text = written(charts.ready("skr04"))

    def with_receivable(number: str) -> list[bytes]:
        books = support.exported(tx, "skr04", *DAYS)
        books.chart = charts.read(text.replace(",1210,", f",{number},"))
        books.bookings.clear()
        books.fill(vouchers(tx, None, at(12), ZoneInfo("UTC"), "SE"))
        return datev.write(books)

    [file] = with_receivable("10000")
    assert file.split(b"\r\n")[0].split(b";")[13] == b"4"
    for wrong in ("121000", "121", "A121", "01210"):
        with pytest.raises(Refused, match="DATEV"):
            with_receivable(wrong)


def test_sie_has_accounts_of_digits_and_no_backslash(tx):
    fill(tx)
    books = support.exported(tx, "bas", *DAYS)
    assert sie.quoted('Moln\\ "AB"\\') == '"Moln/ \\"AB\\"/"'
    books.chart = charts.read(written(books.chart).replace(",1510,", ",15A0,"))
    books.bookings.clear()
    books.fill(vouchers(tx, None, at(12), ZoneInfo("UTC"), "SE"))
    with pytest.raises(Refused, match="15A0"):
        sie.write(books)


def test_an_account_with_a_tax_key_is_the_second_one(tx):
    """Account 8331 would calculate tax by itself, and key 0040 beside it says not to."""
    post(tx, [Posting("revenue.recognized", "il_9", at(1), entries.service_rendered("eur", "prod_1", 500))])
    books = support.exported(tx, "skr04", *DAYS)
    row = next(one for one in books.chart.rows if one.treatment == "domestic" and one.kind == "revenue")
    [booking] = books.bookings
    taxed = [one if one.row.kind != "revenue" else support_entry(one, row) for one in booking.entries]
    debit, credit = sorted(taxed, key=lambda one: -one.amount)
    for first, second, side in ((debit, credit, "S"), (credit, debit, "H")):
        line = next(csv.reader([datev.row(booking, first, second, datev.Sum(500, 0), "eur")], delimiter=";"))
        assert (line[7], line[8], line[1]) == (row.number, "0040", side)


def support_entry(one, row):
    return type(one)(row, one.currency, one.amount, one.treated, one.account)


@pytest.mark.parametrize("name", charts.names())
def test_each_chart_has_a_number_for_every_account(name):
    chart = charts.ready(name)
    assert {row.kind for row in chart.rows} == {*CHART, "retained_earnings"}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("bank,,,,,,1000,Bank,\n", ""), "needs a row for bank"),
        (("1000,Bank", "10 00,Bank"), "no number"),
        (("1000,Bank", "1000,"), "a name"),
        (("bank,,,", "bank,,vat_free,"), "no treatment"),
        (("bank,,", "till,,"), "no kind"),
        (("clearing,,,,,,1100,Gateway clearing,", "bank,,,,,,1100,Gateway,"), "says again"),
        (("kind,detail", "kind,whose"), "no column whose"),
        (("number,name", "number,title"), "no column title"),
    ],
)
def test_a_chart_that_does_not_say_all_is_refused(change, said):
    text = (charts.FOLDER / "plain.csv").read_text()
    assert change[0] in text
    with pytest.raises(Refused, match=said):
        charts.read(text.replace(*change))


#: Numbers that the published charts give to something else, or not at all, with what they give it to.
ELSEWHERE = {
    "bas": {
        "1515": "nothing any more", "1687": "the part of long-term claims that is due", "3041": "nothing",
        "3043": "nothing",
    },
    "skr03": {
        "1592": "money of others", "1731": "agency goods", "1732": "deposits received",
        "1767": "tax on goods in other states", "2705": "regular income",
    },
    "skr04": {"3370": "nothing", "3817": "tax on goods in other states", "3502": "nothing"},
}  # fmt: skip


@pytest.mark.parametrize(("name", "wrong"), ELSEWHERE.items())
def test_no_account_has_a_number_that_the_published_chart_gives_to_something_else(name, wrong):
    assert not wrong.keys() & {row.number for row in charts.ready(name).rows}


@pytest.mark.parametrize(
    ("name", "numbers"),
    [
        ("bas", "1516 1519 1686 1689 2421 2429 2670 3000 3004 3108 3305 3308 3990 3960 7960"),
        ("skr03", "0996 1460 1501 1700 1701 1768 1792 2709 8331 8336 8337 8338 8600"),
        ("skr04", "1248 1240 1301 3500 3501 3818 3630 4839 4331 4336 4337 4338 4830"),
    ],
)
def test_accounts_have_the_numbers_of_the_published_charts(name, numbers):
    assert {*numbers.split()} <= {row.number for row in charts.ready(name).rows}


def test_the_row_that_fits_most_closely_counts():
    text = (charts.FOLDER / "bas.csv").read_text() + "revenue,prod_1,oss,DE,19,eur,3999,DE,\n"
    chart = charts.read(text)
    numbers = [
        chart.row(key, treated, "eur").number
        for key, treated in (
            ("revenue:prod_1", Treated("oss", "DE", "19")),
            ("revenue:prod_2", Treated("oss", "DE", "19")),
            ("revenue:prod_1", Treated("domestic", "SE", "25")),
            ("revenue:prod_1", Treated("domestic", "SE", "10")),
        )
    ]
    assert numbers == ["3999", "3306", "3001", "3000"]


def test_days_and_months_are_read():
    assert (periods.first_day("2026-02"), periods.last_day("2026-02")) == (
        date(2026, 2, 1),
        date(2026, 2, 28),
    )
    assert periods.last_day("2026-12") == date(2026, 12, 31)
    for wrong in ("2026-13", "soon", "2026-02-30"):
        with pytest.raises(Refused):
            periods.first_day(wrong)


@pytest.mark.parametrize(
    ("language", "said"), [("de", "Rechnung in_eur"), ("sv", "Faktura in_eur"), ("en", "Invoice in_eur")]
)
def test_a_booking_says_what_it_is_in_the_sellers_language(tx, language, said):
    fill(tx)
    books = support.exported(tx, "skr04", *DAYS)
    books.company = replace(books.company, language=language)
    words = [line.split(b";")[13].decode("cp1252") for line in datev.write(books)[0].split(b"\r\n")[2:-1]]
    assert f'"{said}"' in words and all(0 < len(one) <= 62 and "." not in one for one in words)
    texts_of_sie = re.findall(r'#VER A \d+ \d+ "([^"]*)"', sie.write(books)[0].decode("cp437"))
    assert any(one.startswith(said) for one in texts_of_sie)
    assert not any("invoice.finalized" in one for one in texts_of_sie)


def test_a_long_name_is_cut_and_never_the_document():
    cut = texts.text("credit_note.issued", "ACME-CN-2026-000123", "Beratung " * 20, "de", 60)
    assert cut.startswith("Gutschrift ACME-CN-2026-000123 Beratung") and len(cut) <= 60


POSTED = re.compile(
    r'"((?:allowance|application_fee|bank|credit_grant|credit_note|credits|customer_balance|dispute|gateway'
    r'|invoice|payment|payment_record|payout|refund|revenue|tax|top_up|transfer)\.[a-z_.]+)"'
)


def test_each_event_of_the_ledger_has_words_in_each_language():
    """Also names that post nothing have words, so no list of those that do has to be kept."""
    folder = Path(entries.__file__).parents[1] / "flows"
    events = {one for path in folder.rglob("*.py") for one in POSTED.findall(path.read_text("utf-8"))}
    assert {"invoice.finalized", "bank.kept.undone", "allowance.changed", "top_up.given_away"} <= events
    assert events >= texts.UNDOING
    for event in {*events, "exchange.revalued", "exchange.revaluation_reversed"}:
        assert len({texts.kind(event, one) for one in texts.LANGUAGES}) > 1, event
    assert {len(words) for words in texts.WORDS.values()} == {len(texts.LANGUAGES)}
