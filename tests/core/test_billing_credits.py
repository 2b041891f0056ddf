"""Which grants pay for which lines, in which order (§4.7, X103, X104)."""

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from billow.core import billing_credits
from billow.core.billing_credits import Grant, Line

MARCH = datetime(2025, 3, 1, tzinfo=UTC)


def grant(id: str, left: int, **more: Any) -> Grant:
    known = {
        "currency": "usd",
        "category": "paid",
        "priority": 50,
        "effective_at": MARCH - timedelta(days=30),
        "expires_at": None,
        "created": MARCH - timedelta(days=30),
        "prices": None,
        **more,
    }
    return Grant(id, left=left, **known)


def test_x103_priority_then_end_then_promotional() -> None:
    soon = MARCH + timedelta(days=30)
    grants = [
        grant("A", 1000, expires_at=soon),
        grant("B", 1000, expires_at=soon, category="promotional"),
        grant("C", 500, priority=10),
    ]
    [taken] = billing_credits.draw(grants, [Line("price_1", 1800)], "usd", MARCH)
    assert list(taken.items()) == [("C", 500), ("B", 1000), ("A", 300)]
    left = billing_credits.without(grants, [{"grant": id, "amount": amount} for id, amount in taken.items()])
    assert {one.id: one.left for one in left} == {"A": 700, "B": 0, "C": 0}


def test_x104_what_begins_after_the_period_pays_nothing() -> None:
    late = grant("late", 1000, effective_at=datetime(2025, 3, 5, tzinfo=UTC))
    assert billing_credits.draw([late], [Line("price_1", 500)], "usd", MARCH) == [{}]


def test_what_pays_for_nothing() -> None:
    ended = grant("ended", 1000, expires_at=MARCH)
    euro = grant("euro", 1000, currency="eur")
    other = grant("other", 1000, prices=frozenset(["price_2"]))
    assert billing_credits.draw([ended, euro, other], [Line("price_1", 500)], "usd", MARCH) == [{}]
    whole = grant("whole", 1000)
    lines = [Line(None, 500), Line("price_1", -500), Line("price_1", 0)]
    assert billing_credits.draw([whole], lines, "usd", MARCH) == [{}, {}, {}]


def test_lines_are_served_in_their_order() -> None:
    one, two = grant("one", 700), grant("two", 100, prices=frozenset(["price_2"]))
    lines = [Line("price_1", 600), Line("price_2", 600)]
    assert billing_credits.draw([one, two], lines, "usd", MARCH) == [{"one": 600}, {"one": 100, "two": 100}]


@given(st.lists(st.integers(0, 500), max_size=6), st.lists(st.integers(-300, 900), max_size=6), st.data())
def test_no_line_and_no_grant_gives_more_than_it_has(
    balances: list[int], amounts: list[int], data: st.DataObject
) -> None:
    grants = [
        grant(str(place), left, priority=data.draw(st.integers(0, 3))) for place, left in enumerate(balances)
    ]
    taken = billing_credits.draw(grants, [Line("price_1", amount) for amount in amounts], "usd", MARCH)
    for amount, takes in zip(amounts, taken, strict=True):
        assert sum(takes.values()) <= max(amount, 0) and all(part > 0 for part in takes.values())
    entries = [{"grant": id, "amount": part} for takes in taken for id, part in takes.items()]
    assert all(one.left >= 0 for one in billing_credits.without(grants, entries))
    assert sum(entry["amount"] for entry in entries) == min(
        sum(balances), sum(amount for amount in amounts if amount > 0)
    )


@given(st.lists(st.integers(0, 500), max_size=6), st.lists(st.integers(-300, 900), max_size=6), st.data())
def test_what_is_given_back_is_drawn_again_in_the_same_way(
    balances: list[int], amounts: list[int], data: st.DataObject
) -> None:
    """Grants that were drawn empty are known no more; what a second invoice takes of them is as at first."""
    grants = [
        grant(str(place), left, priority=data.draw(st.integers(0, 3))) for place, left in enumerate(balances)
    ]
    lines = [Line("price_1", amount) for amount in amounts]
    taken = billing_credits.draw(grants, lines, "usd", MARCH)
    entries = [{"grant": id, "amount": part} for takes in taken for id, part in takes.items()]
    held = [one for one in billing_credits.without(grants, entries) if one.left]
    back = billing_credits.given_back(held, entries, {one.id: one for one in grants})
    assert billing_credits.draw(back, lines, "usd", MARCH) == taken
    assert {one.id: one.left for one in back if one.left} == {one.id: one.left for one in grants if one.left}
