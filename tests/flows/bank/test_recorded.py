"""Are payments that were recorded by hand kept to what is open, and taken back by a counter entry?"""

from datetime import date

import pytest

from billow.core.errors import Refused
from billow.flows.bank import queue
from billow.flows.bank.queue import ByHand
from tests.flows.bank.test_taken_back import by_hand


def record(bank, invoice, amount=None, reference="R-1"):
    return by_hand(bank, queue.record, ByHand(invoice, amount, date(2026, 2, 1), reference))


def test_a_payment_by_hand_pays_and_is_taken_back_by_a_counter_entry(bank, world):
    invoice = bank.invoice(bank.customer())
    first = record(bank, invoice, 2500)
    assert bank.paid(invoice) == ("open", 2500, 10000)
    record(bank, invoice, reference="R-2")
    assert bank.paid(invoice) == ("paid", 12500, 0) and bank.balances()["bank"] == 12500
    by_hand(bank, queue.undo, first.id)
    assert bank.paid(invoice) == ("open", 10000, 2500) and bank.balances()["bank"] == 10000
    counter = [(one.amount, one.reversal, one.state) for one in bank.entries()]
    assert counter == [(2500, False, "reversed"), (10000, False, "applied"), (-2500, True, "applied")]
    with pytest.raises(Refused, match="taken back by"):
        by_hand(bank, queue.undo, first.id)


@pytest.mark.parametrize(
    ("amount", "reference"), [(12501, "R-2"), (0, "R-2"), (-1, "R-2"), (1, "R-1"), (1, " ")]
)
def test_more_than_is_open_and_a_known_reference_are_refused(bank, amount, reference):
    customer = bank.customer()
    record(bank, bank.invoice(customer, 100), reference="R-1")
    invoice = bank.invoice(customer)
    with pytest.raises(Refused):
        record(bank, invoice, amount, reference)
    assert bank.paid(invoice) == ("open", 0, 12500)


def test_what_is_paid_out_of_band_stays_possible_for_the_rest(bank, world):
    invoice = bank.invoice(bank.customer())
    record(bank, invoice, 2500)
    world.post(f"/v1/invoices/{invoice}/pay", paid_out_of_band=True)
    assert bank.paid(invoice) == ("paid", 12500, 0)
    assert world.get(f"/v1/invoices/{invoice}")["amount_paid_off_stripe"] == 10000
