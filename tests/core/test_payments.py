"""Are wishes and answers plain values: equal by content, and not to be changed?"""

from dataclasses import FrozenInstanceError

import pytest

from billow.core.payments import Charge, Declined, NeedsAction, Outcome, Pending, Succeeded


def test_a_wish_is_equal_by_content_and_cannot_be_changed():
    wish = Charge("att_1", 1500, "usd", "pm_1", off_session=True)
    assert wish == Charge("att_1", 1500, "usd", "pm_1", True, description=None)
    with pytest.raises(FrozenInstanceError):
        wish.amount = 1


@pytest.mark.parametrize(
    ("answer", "name"),
    [
        (Succeeded("ch_1", 74), "Succeeded"),
        (Declined("card_declined", "lost_card", "Your card was declined.", retry=False), "Declined"),
        (NeedsAction("pi_1"), "NeedsAction"),
        (Pending("ch_1"), "Pending"),
    ],
)
def test_an_answer_is_one_of_four(answer, name):
    assert isinstance(answer, Outcome)
    assert type(answer).__name__ == name
