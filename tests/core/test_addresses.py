"""Are addresses written in the order of their countries?"""

import pytest

from billow.core.addresses import address_of, lines


@pytest.mark.parametrize(
    ("country", "expected"),
    [
        ("US", ("1 Main", "Town, ST 123")),
        ("DE", ("1 Main", "123 Town")),
        ("SE", ("1 Main", "123 Town")),
        ("GB", ("1 Main", "Town", "ST", "123")),
        ("JP", ("1 Main", "Town, ST", "123")),
        ("CA", ("1 Main", "Town ST 123")),
        ("NO", ("1 Main", "123 Town")),
        ("XX", ("1 Main", "123 Town", "ST")),
    ],
)
def test_each_country_has_its_order(country, expected):
    given = {"line1": "1 Main", "city": "Town", "postal_code": "123", "state": "ST", "country": country}
    assert lines(address_of(given)) == expected
    assert lines(address_of(given), "Land") == (*expected, "Land")


@pytest.mark.parametrize("country", ["US", "DE", "BR", "JP", "MX", ""])
def test_what_is_missing_leaves_no_trace(country):
    assert lines(address_of({"city": "Town", "country": country})) == ("Town",)
    assert lines(address_of({"country": country})) == lines(address_of(None)) == ()
