"""What does a movement on the balance move of a dispute?"""

import pytest

from billow.core.disputes import disputed_part


@pytest.mark.parametrize(
    ("amount", "currency", "part"),
    [
        (-1000, "usd", -1000),
        (400, "usd", 400),  # a part came back
        (-920, "eur", -1000),
        (925, "eur", 1000),  # at the rate of another day
        (0, "eur", 0),
    ],
)
def test_money_in_another_currency_is_the_whole_disputed_amount(amount, currency, part):
    assert disputed_part(amount, currency, (1000, "usd")) == part
