"""Is a description of ours recognized by the line's own data, and the merchant's words left alone?"""

from dataclasses import replace
from datetime import datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billow.core import line_texts, proration
from billow.core.invoicing import describe
from billow.core.line_texts import Facts, Text

D = Decimal
DAY = datetime(2026, 2, 15)
names = st.text("ab× ()1/", min_size=1).map(lambda text: f"x{text}x")


@given(
    names, st.sampled_from([None, "seat", "GB month"]), st.integers(0, 9999), st.sampled_from([None, 0, 4])
)
def test_what_describe_writes_is_read_back(name, unit, quantity, tier):
    every = ("month", 3)
    text = describe(name, unit, D(quantity), D("18.5"), "usd", every, tier)
    found = line_texts.read(text, Facts(D(quantity), DAY, tier, every))
    assert found is not None and found.kind == "priced"
    # A name may hold a times sign itself; then what is before it may be taken for a unit.
    assert f"{found.unit} × {found.name}".endswith(name)


@given(
    names, st.integers(1, 99), st.sampled_from(["Unused", "Remaining"]), st.sampled_from([None, "35.0% off"])
)
def test_a_proration_is_read_back(name, quantity, rest, off):
    text = proration.describe(rest, D(quantity), name, DAY, off)
    found = line_texts.read(text, Facts(D(quantity), DAY, proration=True))
    assert found == Text(
        "unused" if rest == "Unused" else "remaining", found.name, off=D("35.0") if off else None
    )
    assert name.endswith(found.name)


MONTHLY = Facts(D(2), DAY, every=("month", 1))


@pytest.mark.parametrize(
    ("text", "facts"),
    [
        ("3 × Pro (at $5.00 / month)", MONTHLY),
        ("2 × Pro (at $5.00 / year)", MONTHLY),
        ("2 × Pro (Tier 2 at $5.00 / month)", MONTHLY),
        ("2 × Pro (at $5.00 / month)", replace(MONTHLY, every=None)),
        ("Unused time on 2 × Pro after 15 Feb 2026", MONTHLY),
        ("Unused time on 2 × Pro after 16 Feb 2026", replace(MONTHLY, proration=True)),
        ("Unused time on 3 × Pro after 15 Feb 2026", replace(MONTHLY, proration=True)),
        ("Unused time, as agreed", replace(MONTHLY, proration=True)),
        ("Free trial for 3 × Pro", MONTHLY),
        ("Trial period for Pro", replace(MONTHLY, every=None)),
        ("Prepaid credits: Team", MONTHLY),
        ("Set-up", MONTHLY),
    ],
)
def test_words_that_do_not_agree_with_the_line_are_the_merchants(text, facts):
    assert line_texts.read(text, facts) is None


@pytest.mark.parametrize(
    ("text", "facts", "expected"),
    [
        ("2 × Pro (at $5.00 / month)", MONTHLY, Text("priced", "Pro")),
        ("Free trial for 2 × Pro", MONTHLY, Text("free_trial", "Pro")),
        ("Trial period for Pro", MONTHLY, Text("trial_period", "Pro")),
        ("Amount previously billed", MONTHLY, Text("billed_before")),
        ("Prepaid credits: Team", replace(MONTHLY, prepaid=True), Text("prepaid", "Team")),
        ("Prepaid credits", replace(MONTHLY, prepaid=True), Text("prepaid")),
    ],
)
def test_words_of_ours_are_read(text, facts, expected):
    assert line_texts.read(text, facts) == expected
