"""Is tax found in a price and put on it, cent by cent? Ids are of the worked examples."""

from decimal import Decimal as D

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billow.core.money import round_half_away
from billow.core.taxes import Line, Rate, inside, summed, taxed


def rate(percentage, *, inclusive, id=None):
    return Rate(id or f"{percentage} {inclusive}", D(percentage), inclusive)


IN_10 = rate(10, inclusive=True)
OUT_10 = rate(10, inclusive=False)
IN_5, OUT_5 = rate(5, inclusive=True), rate(5, inclusive=False)
OUT_7 = rate(7, inclusive=False)
IN_25, OUT_25 = rate(25, inclusive=True), rate(25, inclusive=False)


def sums(lines, status="none", **how):
    """The tax of each rate, and the total."""
    found = taxed([Line(amount, rates) for amount, rates in lines], status, **how)
    return [tax.amount for tax in summed([one.taxes for one in found])], sum(one.gross for one in found)


@pytest.mark.parametrize(
    ("lines", "status", "taxes", "total"),
    [
        pytest.param([(500, [OUT_25])], "none", [125], 625, id="X77"),
        pytest.param([(500, [IN_25])], "none", [100], 500, id="X78"),
        pytest.param([(10000, [IN_10])], "exempt", [0], 9091, id="X79"),
        pytest.param([(10000, [OUT_10])], "exempt", [0], 10000, id="X80"),
        pytest.param([(500, [OUT_5]), (1000, [OUT_10])], "none", [25, 100], 1625, id="X81"),
        pytest.param([(100000, [IN_10]), (5000, [IN_10])], "none", [9546], 105000, id="X82"),
        pytest.param([(450, [OUT_5]), (900, [OUT_5])], "none", [68], 1418, id="X84"),
        pytest.param([(450, [IN_5]), (900, [IN_5])], "none", [64], 1350, id="X85"),
        pytest.param([(450, [IN_5, OUT_7]), (900, [IN_5, OUT_7])], "none", [64, 90], 1440, id="X86"),
    ],
)
def test_the_taxes_of_lines(lines, status, taxes, total):
    assert sums(lines, status) == (taxes, total)


def test_rounded_for_the_invoice_a_cent_may_be_less_x83():
    assert sums([(100000, [IN_10]), (5000, [IN_10])], per_line=False) == ([9545], 105000)


def test_exclusive_tax_comes_on_what_remains_without_inclusive_tax_x86():
    first, second = taxed([Line(450, [IN_5, OUT_7]), Line(900, [OUT_7, IN_5])])
    assert [(tax.amount, tax.taxable) for tax in first.taxes] == [(21, 429), (30, 429)]
    assert (first.gross, second.gross) == (480, 960)


def test_two_inclusive_rates_are_in_one_price():
    [found] = taxed([Line(11500, [IN_5, IN_10])])
    assert ([tax.amount for tax in found.taxes], found.net) == ([500, 1000], 10000)


def test_a_reverse_charge_says_so_and_takes_nothing():
    [found] = taxed([Line(10000, [IN_10])], "reverse")
    [tax] = found.taxes
    assert (tax.amount, tax.reason, tax.taxable, found.net) == (0, "reverse_charge", 9091, 9091)


def test_a_credit_takes_tax_back_as_the_charge_took_it():
    charge, credit = taxed([Line(333, [IN_5, OUT_7]), Line(-333, [IN_5, OUT_7])])
    assert [tax.amount for tax in credit.taxes] == [-tax.amount for tax in charge.taxes]
    assert credit.net == -charge.net


rates = st.builds(
    Rate, st.text(min_size=1), st.integers(0, 1000000).map(lambda n: D(n) / 10000), st.booleans()
)
lines = st.lists(
    st.builds(Line, st.integers(-(10**9), 10**9), st.lists(rates, max_size=4, unique_by=lambda one: one.id)),
    max_size=8,
)


@given(lines, st.booleans())
def test_inclusive_tax_changes_no_total_and_exclusive_tax_comes_on_top(found, per_line):
    for line, after in zip(found, taxed(found, per_line=per_line), strict=True):
        inside = sum(tax.amount for tax in after.taxes if tax.rate.inclusive)
        assert after.net + inside == line.amount


@given(lines)
def test_the_two_ways_of_rounding_differ_by_half_a_cent_a_line_at_most(found):
    by_rate = {}
    for per_line in (True, False):
        for place, one in enumerate(taxed(found, per_line=per_line)):
            for tax in one.taxes:
                if tax.rate.inclusive:
                    by_rate.setdefault((tax.rate, per_line), []).append((place, tax.amount))
    for (one, per_line), own in by_rate.items():
        if per_line:
            other = by_rate[one, False]
            assert abs(sum(n for _, n in own) - sum(n for _, n in other)) <= (len(own) + 1) / 2 + 1
            assert all(abs(a - b) <= 1 for (_, a), (_, b) in zip(own, other, strict=True))


@given(lines)
def test_rounded_for_the_invoice_no_unit_is_lost_on_the_lines(found):
    """The shares of a rate on the lines add up to its rounded sum, each within a unit of what is exact."""
    after = taxed(found, per_line=False)
    exact = {}
    for line in found:
        for rate, tax in inside(line).items():
            exact.setdefault(rate, []).append(tax)
    for rate, parts in exact.items():
        own = [tax.amount for one in after for tax in one.taxes if tax.rate == rate]
        assert sum(own) == round_half_away(sum(parts))
        assert all(abs(amount - tax) <= 1 for amount, tax in zip(own, parts, strict=True))


@given(st.integers(0, 10**9), st.integers(1, 1000000))
def test_inclusive_tax_goes_there_and_back(gross, units):
    """What is left of a price without its tax gives the same tax again, within the one unit of rounding."""
    percentage = D(units) / 10000
    [there] = taxed([Line(gross, [rate(percentage, inclusive=True)])])
    [back] = taxed([Line(there.net, [rate(percentage, inclusive=False)])])
    assert abs(back.gross - gross) <= 1


def test_two_hundred_small_lines_have_one_rounding():
    """EN 16931 has 1.00 of tax on 200 lines of 0.02 at 25 %; each line by itself has 2.00."""
    small = [(2, [OUT_25])] * 200
    assert sums(small, per_line=False) == ([100], 500)
    assert sums(small) == ([200], 600)


def test_a_rate_says_why_it_is_what_it_is():
    free = Rate("DE", D(0), False, "reverse_charge")
    [found] = taxed([Line(1000, [free])])
    assert [(tax.amount, tax.reason) for tax in found.taxes] == [(0, "reverse_charge")]
