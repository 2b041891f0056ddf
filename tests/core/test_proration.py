"""What is the rest of a period worth?"""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billow.core.money import round_half_away
from billow.core.proration import portion, prorated

DAY = timedelta(days=1)
SECOND = timedelta(seconds=1)

amounts = st.integers(-(10**12), 10**12)
lengths = st.integers(1, 10**8)


def on(year, month, day, *clock):
    return datetime(year, month, day, *clock, tzinfo=UTC)


START = on(2025, 1, 1)
MID_APRIL = (on(2025, 4, 16), on(2025, 4, 1), on(2025, 5, 1))
MID_JANUARY = (on(2025, 1, 15), on(2025, 1, 1), on(2025, 2, 1))
AT_THE_START = (on(2025, 4, 1), on(2025, 4, 1), on(2025, 5, 1))
LEAP = (on(2028, 2, 15), on(2028, 2, 1), on(2028, 3, 1))
COMMON = (on(2027, 2, 15), on(2027, 2, 1), on(2027, 3, 1))
LATE = (on(2025, 4, 11, 18, 30, 15), on(2025, 4, 1, 12), on(2025, 5, 1, 12))

EXAMPLES = [
    ("X37 credit", -1000, MID_APRIL, -500),
    ("X37 debit", 2000, MID_APRIL, 1000),
    ("X41 credit", -2000, (on(2025, 4, 21), on(2025, 4, 1), on(2025, 5, 1)), -667),
    ("X41 debit", 1000, (on(2025, 4, 21), on(2025, 4, 1), on(2025, 5, 1)), 333),
    ("X46 credit", -2000, MID_JANUARY, -1097),
    ("X46 debit", 5000, MID_JANUARY, 2742),
    ("X47 credit", -7500, MID_APRIL, -3750),
    ("X47 debit", 12000, MID_APRIL, 6000),
    ("X48", 3000, LATE, 1973),
    ("X49 leap", 2900, LEAP, 1500),
    ("X49 common", 2900, COMMON, 1450),
    ("X50 credit", -35997, AT_THE_START, -35997),
    ("X50 debit", 71994, AT_THE_START, 71994),
    ("X53", 3100, (on(2025, 1, 10), on(2025, 1, 1), on(2025, 2, 1)), 2200),
    ("X55", 2800, (on(2025, 2, 15), on(2025, 2, 1), on(2025, 3, 1)), 1400),
    ("X56", 3100, (on(2025, 1, 15), on(2025, 1, 1), on(2025, 2, 1)), 1700),
    ("X60 by seconds", 12000, (on(2025, 7, 1), on(2025, 1, 1), on(2026, 1, 1)), 6049),
    ("a half", 1, MID_APRIL, 1),
    ("minus a half", -1, MID_APRIL, -1),
    ("after the end", 1000, (on(2025, 6, 1), on(2025, 4, 1), on(2025, 5, 1)), 0),
]


@pytest.mark.parametrize(("amount", "when", "cents"), [e[1:] for e in EXAMPLES], ids=[e[0] for e in EXAMPLES])
def test_worked_examples(amount, when, cents):
    assert prorated(amount, *when) == cents


def test_fractions_of_a_second_do_not_count():
    t, start, end = LATE
    assert prorated(10**12, t.replace(microsecond=999_999), start, end) == prorated(10**12, t, start, end)


@given(amounts, st.integers(1, 10**6), st.integers(1, 10**6))
def test_a_portion_is_within_half_a_cent_and_a_credit_mirrors_it(amount, part, of):
    found = portion(amount, Fraction(part, of))
    assert abs(found - amount * Fraction(part, of)) <= Fraction(1, 2)
    assert portion(-amount, Fraction(part, of)) == -found


@given(amounts, lengths, lengths)
def test_proration_is_symmetric_and_rounds_once(amount, length, elapsed):
    elapsed = min(elapsed, length)
    end = START + length * SECOND
    value = prorated(amount, START + elapsed * SECOND, START, end)
    assert prorated(-amount, START + elapsed * SECOND, START, end) == -value
    assert abs(2 * (value * length - amount * (length - elapsed))) <= length


@given(st.integers(0, 10**12), lengths, lengths, lengths)
def test_less_is_left_later(amount, length, a, b):
    end = START + length * SECOND
    early, late = (START + at * SECOND for at in sorted([a, b]))
    assert amount >= prorated(amount, early, START, end) >= prorated(amount, late, START, end) >= 0


@given(st.integers(-(10**6), 10**6), st.integers(0, 31))
def test_it_rounds_as_money_does(amount, days):
    value = prorated(amount, START + days * DAY, START, START + 32 * DAY)
    assert value == round_half_away(Decimal(amount) * (32 - days) / 32)
