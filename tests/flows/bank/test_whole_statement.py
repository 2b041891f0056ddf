"""Are the payments of a whole statement booked right? BILLOW_PAYMENTS=1000 runs it with a thousand."""

import os
import time

from billow.api import rows
from billow.core.bank import references
from billow.resources.bank_application import BankApplication
from tests.support.bank_statements import Booking, statement
from tests.support.payers import Crowd, crowd

COUNT = int(os.environ.get("BILLOW_PAYMENTS", "120"))


def real(bank, made: Crowd) -> list[Booking]:
    """What the same payers transfer to a real merchant, to whom the accounts of some are known already."""
    customers: dict[str, str] = {}
    for one in made.payers:
        customer = customers.get(one.customer) or bank.customer(one.customer)
        customers[one.customer] = customer
        one.customer, one.invoice = customer, bank.invoice(customer, one.amount)
        one.paid_by = one.invoice
        one.number = references.payment_number(bank.reference(one.invoice)) or ""
    bookings = made.bookings()
    owners = {one.iban: one.customer for one in made.payers}
    for iban in {one.iban for one in bookings if one.iban}:
        reference = bank.reference(bank.invoice(owners[iban], 77))
        bank.statement(Booking(77, f"before {iban}", structured=reference, iban=iban))
    return bookings


def test_payments_of_a_statement_are_booked_and_none_wrongly(bank, world):
    made = crowd(3, COUNT)
    data = statement(real(bank, made))
    begun = time.monotonic()
    done = bank.file(data)
    seconds = time.monotonic() - begun
    entries = {one.id: one.bank_reference or "" for one in bank.entries()}
    with bank.app.db.transaction(bank.tenant) as tx:
        used = rows.select(tx, BankApplication, "kind = 'invoice'")
    paid = [(entries[one.entry], one.invoice) for one in used if not entries[one.entry].startswith("before")]
    wrong = [(reference, invoice) for reference, invoice in paid if made.truth[reference] != invoice]
    print(f"{done.applied} of {COUNT} payments applied in {seconds:.1f} s, {len(wrong)} wrongly")
    assert wrong == [] and done.applied >= COUNT * 95 // 100 and done.applied + done.queued == COUNT
    again = bank.file(data)
    assert (again.repeated, again.entries, again.applied) == (COUNT, 0, 0)
