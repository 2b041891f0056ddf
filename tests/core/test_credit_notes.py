"""Is what a credit note credits in proportion, bounded, and without a lost unit?"""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billow.core import credit_notes
from billow.core.credit_notes import Parts, by_line, credited, settled, spread

amounts = st.integers(0, 10**9)


def in_pieces(whole: Parts, pieces: Sequence[int]) -> list[Parts]:
    """Credit a line in pieces, one after the other."""
    left, found = whole, []
    for piece in pieces:
        part = credited(whole, left, piece)
        found.append(part)
        left = left.less(part)
    return found


def test_tax_on_top_is_in_proportion_and_the_last_absorbs_the_rounding():
    whole = Parts(1000, on_top={"vat": 199})
    assert [part.on_top["vat"] for part in in_pieces(whole, [333, 333, 334])] == [66, 66, 67]
    assert [part.on_top["vat"] for part in in_pieces(Parts(3, on_top={"vat": 1}), [1, 1, 1])] == [0, 0, 1]


def test_inclusive_tax_and_discounts_are_within_the_amount():
    whole = Parts(1000, discounts={"di": 100}, inside={"vat": 180})
    part = credited(whole, whole, 250)
    assert (part.discounts, part.inside, part.net, part.total) == ({"di": 25}, {"vat": 45}, 180, 225)


def test_the_net_is_never_more_than_is_left_of_it():
    """Of 100 with 40 tax inside, single units have a tax of 0.4: at the end only tax is left."""
    parts = in_pieces(Parts(100, inside={"vat": 40}), [1] * 100)
    assert sum(part.inside["vat"] for part in parts) == 40
    assert all(part.net in (0, 1) and part.inside["vat"] in (0, 1) for part in parts)


def test_a_credit_line_mirrors_its_charge():
    whole = Parts(-1000, inside={"vat": -200}, on_top={"city": -33})
    parts = in_pieces(whole, [-333, -667])
    assert [part.inside["vat"] for part in parts] == [-67, -133]
    assert [part.on_top["city"] for part in parts] == [-11, -22]


@given(st.data())
def test_pieces_of_a_line_are_bounded_and_lose_nothing(data: st.DataObject):
    sign = data.draw(st.sampled_from([1, -1]))
    drawn = [sign * data.draw(st.integers(0, 300)) for _ in range(5)]
    inside, net = dict(zip("abc", drawn[:3], strict=True)), drawn[3]
    whole = Parts(sum(drawn), discounts={"d": drawn[4]}, inside=inside, on_top={"t": sign * 77})
    assert whole.net == net
    size, pieces = abs(whole.amount), []
    while size:
        pieces.append(data.draw(st.integers(1, size)))
        size -= pieces[-1]
    left = whole
    for part in in_pieces(whole, [sign * piece for piece in pieces]):
        left = left.less(part)
        shown = [part.net, part.total, *part.discounts.values(), *part.inside.values()]
        rest = [left.net, *left.discounts.values(), *left.inside.values(), *left.on_top.values()]
        assert all(sign * value >= 0 for value in [*shown, *rest])
    if pieces:
        assert left == Parts(0, {"d": 0}, {"a": 0, "b": 0, "c": 0}, {"t": 0})


def test_charges_and_credits_are_taken_back_together():
    assert spread(50, [150, -50]) == [75, -25]
    assert spread(100, [150, -50]) == [150, -50]
    assert spread(10, [100, 25]) == [8, 2]
    assert spread(0, [1, 2]) == [0, 0]
    assert spread(5, []) == []


@given(st.lists(st.integers(-500, 500), min_size=1, max_size=6), st.integers(0, 1000))
def test_a_spread_amount_is_bounded_by_what_is_left(left: list[int], share: int):
    whole = sum(left)
    amount = whole * share // 1000
    found = spread(amount, left)
    assert sum(found) == amount
    if whole:
        assert all(min(0, part) <= one <= max(0, part) for one, part in zip(found, left, strict=True))


def test_what_a_line_has_not_left_is_taken_from_the_others():
    assert by_line({"a": 50}, [], {"a": 40, "b": 50}) == {"a": 40, "b": 10}
    assert by_line({}, [(["a", "b"], 20)], {"a": 50, "b": 50}) == {"a": 10, "b": 10}
    assert by_line({"a": 30}, [(["a", "b"], 30)], {"a": 50, "b": 40}) == {"a": 40, "b": 20}
    assert by_line({}, [(["a"], 30), (["b"], 5), ([], 5)], {"a": 20, "b": 40}) == {"a": 20, "b": 20}
    assert by_line({}, [(["b"], -10)], {"a": 50, "b": -20}) == {"b": -10}


@pytest.mark.parametrize(
    ("total", "remaining", "pre", "post", "type"),
    [
        (2000, 10000, 2000, 0, "pre_payment"),  # X99
        (500, 0, 0, 500, "post_payment"),  # X101
        (5000, 4000, 4000, 1000, "mixed"),  # X102
    ],
)
def test_the_unpaid_part_is_credited_first(total: int, remaining: int, pre: int, post: int, type: str):
    found = settled(total, remaining)
    assert (found.pre_payment, found.post_payment, found.type) == (pre, post, type)


@given(amounts, amounts, amounts)
def test_a_portion_of_the_whole_is_the_whole(whole: int, amount: int, of: int):
    assert credit_notes.portion(whole, of, of) == (whole if of else 0)
    assert 0 <= credit_notes.portion(whole, min(amount, of), of) <= whole
