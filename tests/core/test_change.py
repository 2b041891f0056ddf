"""What does a change in mid-period credit and charge, and is it billed at once?"""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billow.core.change.decision import Amounts, course, decide
from billow.core.change.items import Item, Offer, Target
from billow.core.change.periods import Terms, Wish, check_offers
from billow.core.change.prorations import Billed, Closed, Ended, Net, Proration, left_of
from billow.core.errors import Refused
from billow.core.pricing import Price


def on(month, day, *clock):
    return datetime(2025, month, day, *clock, tzinfo=UTC)


APRIL, MID_APRIL, MAY = on(4, 1), on(4, 16), on(5, 1)
TERMS = Terms(
    status="active",
    classic=False,
    anchor=APRIL,
    started=APRIL,
    trial_start=None,
    trial_end=None,
    cancel_at=None,
    scheduled=False,
)
WISH = Wish(
    changed_at=MID_APRIL,
    since=None,
    trial_end=None,
    trial_from_plan=False,
    anchor_now=False,
    cancel_at=None,
    cancel_at_given=False,
    cancel_at_period_end=None,
    proration_behavior="create_prorations",
    schedules_given=False,
    schedules_set=False,
)


def item(price, cents, quantity=1, **more):
    given = {
        "id": "si_1",
        "price": price,
        "name": price.title(),
        "rhythm": ("month", 1),
        "rate": Price(model="per_unit", currency="usd", unit_amount=Decimal(cents)),
        "metered": False,
        "quantity": quantity,
        "start": APRIL,
        "end": MAY,
    }
    return Item(**{**given, **more})


def billed(one, start=APRIL, end=MAY):
    return Billed("bp_1", one.price, Decimal(one.quantity), start, end, 0, Net(one.full), one.name, None)


def decided(old, new, wish=WISH, terms=TERMS, **target):
    """The decision on one item that was billed for its period."""
    amounts = Amounts(
        billed={old.id: [billed(old, old.start, old.end)]} if old and not old.metered else {},
        before={old.id: Net(old.full)} if old else {},
        after={new.id: Net(new.full)} if new else {},
    )
    return decide(course(terms, wish, [Target(old, new, **target)]), amounts)


def amounts_of(decision):
    steps = [step for one in decision.items for step in one.steps if isinstance(step, Proration)]
    return [(step.rest, step.net.amount) for step in steps]


def test_x37_another_price_credits_the_old_one_and_charges_the_new_one():
    found = decided(item("gold", 1000), item("platinum", 2000))
    assert amounts_of(found) == [("Unused", -500), ("Remaining", 1000)]
    assert not found.billed_now


def test_always_invoice_bills_at_once():
    wish = replace(WISH, proration_behavior="always_invoice")
    assert decided(item("gold", 1000), item("platinum", 2000), wish).billed_now
    assert not decided(item("gold", 1000), item("gold", 1000), wish).billed_now


def test_a_credit_ends_the_time_that_was_billed():
    [one] = decided(item("gold", 1000), None).items
    assert one.steps[0] == Ended("si_1", "bp_1", MID_APRIL, 500)


def test_of_a_discount_as_much_is_left_as_of_the_amount():
    assert left_of(1000, {"di_1": 200}, 400, None) == Net(400, "20.0% off", {"di_1": 100})
    assert left_of(1000, {}, 1000, "20.0% off") == Net(0, "20.0% off", {})


def test_without_proration_nothing_is_credited_and_nothing_charged():
    wish = replace(WISH, proration_behavior="none")
    assert amounts_of(decided(item("gold", 1000), item("platinum", 2000), wish)) == []


def test_x41_classic_credits_the_current_price_for_the_rest_of_the_period():
    wish = replace(WISH, changed_at=on(4, 21))
    found = decided(item("gold", 2000), item("silver", 1000), wish, replace(TERMS, classic=True))
    assert amounts_of(found) == [("Unused", -667), ("Remaining", 333)]


def test_a_new_anchor_bills_a_whole_period_and_credits_the_rest_of_the_old_one():
    found = decided(item("gold", 1000), item("gold", 1000), replace(WISH, anchor_now=True))
    [one] = found.items
    assert amounts_of(found) == [("Unused", -500)]
    assert one.fresh
    assert (one.target.new.start, one.target.new.end) == (MID_APRIL, on(5, 16))


def test_a_trial_gives_everything_back_and_is_invoiced_at_once():
    found = decided(item("gold", 1000), item("gold", 1000), replace(WISH, trial_end=on(6, 1)))
    assert amounts_of(found) == [("Unused", -500)]
    assert found.items[0].target.new.end == on(6, 1)
    assert found.billed_now


def test_a_planned_end_credits_what_was_billed_beyond_it():
    wish = replace(WISH, cancel_at=on(4, 21), cancel_at_given=True)
    found = decided(item("gold", 3000), item("gold", 3000), wish)
    assert amounts_of(found) == [("Unused", -1000)]
    assert found.items[0].target.new.end == on(4, 21)


def test_usage_until_the_change_is_closed_at_the_price_of_its_time():
    meters = {"metered": True, "quantity": None}
    found = decided(item("calls", 2, **meters), item("requests", 3, **meters))
    [one] = found.items
    assert one.steps == [Closed("si_1", APRIL, MID_APRIL, None, None)]
    assert one.target.new.metered_from == MID_APRIL


@pytest.mark.parametrize(("classic", "clear"), [(True, False), (False, True)])
def test_x28_usage_is_dropped_in_classic_or_when_it_is_cleared(classic, clear):
    meters = {"metered": True, "quantity": None}
    terms = replace(TERMS, classic=classic)
    old, new = item("calls", 2, **meters), item("requests", 3, **meters)
    [one] = decided(old, new, terms=terms, clear_usage=clear).items
    assert one.steps == []
    assert one.target.new.metered_from == MID_APRIL


def test_while_it_is_paused_nothing_is_credited_and_no_period_moves():
    found = decided(item("gold", 1000), item("platinum", 2000), terms=replace(TERMS, status="paused"))
    assert amounts_of(found) == []
    assert (found.items[0].target.new.start, found.items[0].target.new.end) == (APRIL, MAY)
    assert not found.billed_now


def test_a_trial_offer_and_another_trial_exclude_each_other():
    offer = Offer("to_1", APRIL, MAY)
    with pytest.raises(Refused) as refused:
        check_offers(TERMS, replace(WISH, trial_end="now"), [Target(None, item("gold", 1000, offer=offer))])
    assert refused.value.param == "trial_end"


@given(
    old=st.integers(1, 10**7),
    new=st.integers(1, 10**7),
    many=st.integers(1, 50),
    second=st.integers(0, 30 * 24 * 3600 - 1),
    classic=st.booleans(),
)
def test_a_change_and_the_change_back_at_the_same_instant_cost_nothing(old, new, many, second, classic):
    wish = replace(WISH, changed_at=APRIL + timedelta(seconds=second))
    terms = replace(TERMS, classic=classic)
    there = decided(item("gold", old, many), item("platinum", new, many), wish, terms)
    changed = there.items[0].target.new
    rest = item("platinum", new, many)
    debit = next(amount for kind, amount in amounts_of(there) if kind == "Remaining")
    stretch = Billed("bp_2", "platinum", Decimal(many), wish.changed_at, MAY, 0, Net(debit), "Platinum", None)
    amounts = Amounts({"si_1": [stretch]}, {"si_1": Net(rest.full)}, {"si_1": Net(old * many)})
    back = decide(course(terms, wish, [Target(changed, item("gold", old, many))]), amounts)
    assert sum(amount for _, amount in [*amounts_of(there), *amounts_of(back)]) == 0


@given(second=st.integers(1, 30 * 24 * 3600 - 1), cents=st.integers(0, 10**7))
def test_what_is_decided_leaves_what_was_given_as_it_was(second, cents):
    old, new = item("gold", 1000), item("platinum", cents)
    targets = [Target(old, new)]
    wish = replace(WISH, changed_at=APRIL + timedelta(seconds=second))
    amounts = Amounts({"si_1": [billed(old)]}, {"si_1": Net(1000)}, {"si_1": Net(cents)})
    first = decide(course(TERMS, wish, targets), amounts)
    assert first == decide(course(TERMS, wish, targets), amounts)
    assert targets == [Target(item("gold", 1000), item("platinum", cents))]


RHYTHMS = (("month", 1), ("month", 3), ("year", 1), ("week", 1))


@given(
    cents=st.tuples(st.sampled_from([0, 7, 1000]), st.sampled_from([0, 999, 2000])),
    many=st.tuples(st.integers(0, 9), st.integers(0, 9)),
    rhythm=st.sampled_from(RHYTHMS),
    second=st.integers(0, 30 * 24 * 3600 - 1),
    behavior=st.sampled_from(["create_prorations", "always_invoice", "none"]),
)
def test_in_classic_an_item_in_place_of_another_is_the_change_of_that_item(
    cents, many, rhythm, second, behavior
):
    """§5.5, §5.8.4, §5.8.5: whatever the prices, quantities and the interval."""
    wish = replace(WISH, changed_at=APRIL + timedelta(seconds=second), proration_behavior=behavior)
    terms = replace(TERMS, classic=True)
    old = item("old", cents[0], many[0])
    changed = item("new", cents[1], many[1], rhythm=rhythm)
    added = replace(changed, id="si_2")
    amounts = Amounts(
        billed={"si_1": [billed(old)]},
        before={"si_1": Net(old.full)},
        after={"si_1": Net(changed.full), "si_2": Net(added.full)},
    )
    by_id = decide(course(terms, wish, [Target(old, changed)]), amounts)
    swapped = decide(course(terms, wish, [Target(old, None), Target(None, added)]), amounts)
    assert amounts_of(swapped) == amounts_of(by_id)
    assert swapped.billed_now == by_id.billed_now
    [one], [_, other] = by_id.items, swapped.items
    assert replace(other.target.new, id="si_1") == one.target.new
    assert other.fresh == one.fresh
    assert one.fresh == (rhythm != ("month", 1) or (cents[0] == 0 and cents[1] > 0))
