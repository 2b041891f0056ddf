"""Finalize the drafts of a customer at once whose automatic tax waited for the customer's place."""

from billow.api import rows
from billow.resources.customer import Customer
from billow.resources.invoice import Invoice
from billow.store import clocks, jobs
from billow.store.tx import Tx

HELD = (
    "customer = %(customer)s and status = 'draft' and auto_advance and automatically_finalizes_at is not null"
    " and last_finalization_error is not null and automatic_tax ->> 'status' = 'requires_location_inputs'"
)


def finalize_with_new_place(tx: Tx, customer: Customer) -> None:
    """Make the next try due now of each draft that could not be taxed where the customer was."""
    for one in rows.select(tx, Invoice, HELD, customer=customer.id):
        own = clocks.enter(tx, one.test_clock)
        jobs.put(own, "invoice.finalize", one.id, own.now)
