"""Is every digit there at the limits, whatever context a thread computes in?

Decimal's own context keeps 28 digits and rounds in silence. Here it keeps three and refuses to round, so
whatever relies on it fails; the oracle is made of fractions.
"""

import decimal
from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billow.core import bounds, invoicing, pricing, usage
from billow.core.bounds import LARGEST
from billow.core.errors import Refused
from billow.core.money import decimal_text, round_half_away, show
from billow.core.pricing import Price, Tier
from billow.core.usage import Window
from billow.resources.meter_event_summary import json_number

HOSTILE = decimal.Context(prec=3, traps=[decimal.Inexact, decimal.InvalidOperation, decimal.DivisionByZero])

#: A meter takes 26 digits before the point and 12 behind it; sums of them have more.
quantities = st.builds(
    lambda digits, places: Decimal(digits).scaleb(-places, context=decimal.Context(prec=60)),
    st.integers(0, 10**45),
    st.integers(0, 12),
)
unit_amounts = st.builds(
    lambda digits, places: Decimal(digits).scaleb(-places, context=decimal.Context(prec=60)),
    st.integers(0, LARGEST * 10**12),
    st.integers(0, 12),
)
amounts = st.integers(0, LARGEST)


@pytest.fixture(autouse=True)
def hostile() -> Iterator[None]:
    with decimal.localcontext(HOSTILE):
        yield


@st.composite
def prices(draw: st.DrawFn) -> Price:
    model = draw(st.sampled_from(["per_unit", "package", "graduated", "volume"]))
    currency = draw(st.sampled_from(["usd", "jpy", "kwd"]))
    if model in ("per_unit", "package"):
        size = draw(st.integers(1, LARGEST)) if model == "package" else None
        rounding = draw(st.sampled_from(["up", "down"]))
        return Price(model, currency, draw(unit_amounts), divide_by=size, round=rounding)
    ends = sorted(draw(st.sets(st.integers(1, 10**15 - 1), max_size=4)))
    tiers = [Tier(Decimal(end), draw(unit_amounts), Decimal(draw(amounts))) for end in ends]
    return Price(model, currency, tiers=(*tiers, Tier(None, draw(unit_amounts), Decimal(draw(amounts)))))


def oracle(price: Price, quantity: Fraction) -> list[Fraction]:
    """What each line costs before it is rounded, in fractions alone."""
    if price.model == "package":
        packages, started = divmod(quantity, price.divide_by or 1)
        packages += 1 if started and price.round == "up" else 0
        return [packages * Fraction(price.unit_amount or 0)]
    if price.model == "per_unit":
        return [quantity * Fraction(price.unit_amount or 0)]
    found, floor = [], Fraction(0)
    for tier in price.tiers:
        end = quantity if tier.up_to is None else min(quantity, Fraction(tier.up_to))
        units = end - floor if price.model == "graduated" else quantity
        if price.model == "graduated" or end == quantity:
            found.append(units * Fraction(tier.unit_amount or 0) + Fraction(tier.flat_amount or 0))
        if end == quantity:
            return found
        floor = end
    return found


@given(prices(), quantities)
def test_each_price_model_is_exact_at_the_limits(price: Price, quantity: Decimal) -> None:
    lines = [round_half_away(exact) for exact in oracle(price, Fraction(quantity))]
    assert [charge.amount for charge in pricing.charges(price, quantity)] == lines
    assert pricing.amount(price, quantity) == sum(lines)


@given(prices(), st.lists(quantities, min_size=2, max_size=4))
def test_use_that_is_billed_in_steps_is_exact_at_the_limits(price: Price, totals: list[Decimal]) -> None:
    before, billed = None, 0
    for total in sorted(totals):
        billed += sum(step.amount for step in pricing.steps(price, before, total))
        before = total
    assert billed == pricing.amount(price, max(totals))


@given(prices(), quantities)
def test_what_is_said_of_a_line_has_all_digits(price: Price, quantity: Decimal) -> None:
    for charge in pricing.charges(price, quantity):
        said = invoicing.describe(
            "Tokens", None, charge.quantity, charge.unit_amount, price.currency, ("month", 1), charge.tier
        )
        assert said.startswith(f"{decimal_text(charge.quantity)} ")
        assert Fraction(decimal_text(charge.quantity)) == Fraction(charge.quantity)
        assert show(charge.amount, price.currency)


@given(st.lists(quantities, max_size=20))
def test_sums_of_use_are_exact_beyond_28_digits(values: list[Decimal]) -> None:
    total = usage.combine([Window(value, 1) for value in values]).sum
    assert Fraction(total) == sum(map(Fraction, values))
    shown = json_number(total)
    assert shown == (int(Fraction(total)) if Fraction(total).denominator == 1 else float(Fraction(total)))


def test_what_a_hundred_digits_do_not_hold_is_an_error_and_never_rounded() -> None:
    with pytest.raises(decimal.Inexact):
        pricing.amount(Price("per_unit", "usd", Decimal("0.3")), Decimal("1" + "0" * 99 + "1"))


@pytest.mark.parametrize("amount", [LARGEST, -LARGEST, 0])
def test_the_largest_amounts_are_held(amount: int) -> None:
    bounds.check([amount])


@pytest.mark.parametrize("amount", [LARGEST + 1, -LARGEST - 1, 10**40])
def test_what_is_beyond_them_is_refused_in_stripes_words(amount: int) -> None:
    with pytest.raises(Refused) as refused:
        bounds.check([0, amount], "unit_amount")
    error = refused.value.body()["error"]
    assert (refused.value.status, error["code"], error["param"]) == (400, "amount_too_large", "unit_amount")
