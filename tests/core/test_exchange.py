"""Is a tax converted by the rate that is stated, and not at all where one is missing?"""

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billow.core import exchange
from billow.core.exchange import Rate, converted
from billow.core.money import minor_digits

ON = date(2026, 1, 30)
RATES = {
    code: Rate(code, ON, Decimal(rate))
    for code, rate in {
        "usd": "1.1919",
        "sek": "10.5315",
        "jpy": "183.59",
        "huf": "381.28",
        "kwd": "0.36531",
    }.items()
}


@pytest.mark.parametrize(
    ("amount", "currency", "to", "wanted", "rate"),
    [
        (2500, "eur", "sek", 26329, "10.5315"),  # 25.00 EUR are 263.2875 SEK
        (2500, "usd", "sek", 22090, "8.83589"),
        (2500, "usd", "eur", 2097, "0.838997"),
        (2500, "jpy", "eur", 1362, "0.00544692"),
        (2500, "kwd", "sek", 7207, "28.8289"),  # 2.500 KWD
        (-2500, "eur", "sek", -26329, "10.5315"),
    ],
)
def test_an_amount_is_converted_by_the_stated_rate(
    amount: int, currency: str, to: str, wanted: int, rate: str
) -> None:
    found = converted(amount, currency, to, RATES)
    assert found is not None and (found.amount, found.rate, found.on) == (wanted, Decimal(rate), ON)


@given(st.integers(0, 10**12), st.sampled_from(sorted(RATES)), st.sampled_from(["sek", "huf", "usd"]))
def test_the_amount_is_the_product_that_a_reader_comes_to(amount: int, currency: str, to: str) -> None:
    if currency == to:
        return
    found = converted(amount, currency, to, RATES)
    assert found is not None
    product = Decimal(amount).scaleb(-minor_digits(currency)) * found.rate
    assert abs(product - Decimal(found.amount).scaleb(-minor_digits(to))) <= Decimal("0.005")


def test_a_missing_rate_converts_nothing() -> None:
    assert converted(100, "eur", "nok", RATES) is None
    assert converted(100, "gbp", "sek", RATES) is None
    assert converted(100, "eur", "eur", RATES) is None


@pytest.mark.parametrize(
    ("country", "currency"),
    [("se", "sek"), ("BG", "eur"), ("HR", "eur"), ("GB", "gbp"), ("LI", "chf"), ("US", None), ("", None)],
)
def test_a_tax_office_has_a_currency(country: str, currency: str | None) -> None:
    assert exchange.currency_of(country) == currency
