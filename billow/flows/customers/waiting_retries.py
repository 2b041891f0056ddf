"""Retry the unpaid invoices of a customer at once when they are to be paid with another method."""

from billow.api import rows
from billow.flows.customers import payment_methods
from billow.resources.customer import Customer
from billow.resources.invoice import Invoice
from billow.resources.subscription import Subscription
from billow.store import clocks, jobs
from billow.store.tx import Tx

WAITING = (
    "customer = %(customer)s and status = 'open' and auto_advance and next_payment_attempt is not null"
    " and collection_method = 'charge_automatically'"
)


def retry_with_new_method(tx: Tx, customer: Customer) -> None:
    """Make the retries due now of invoices whose payment method is another than at their last failure.

    The retry is the one that waited: it counts as that one, and if it fails, the schedule goes on (§8.6).
    """
    waiting = rows.select(tx, Invoice, WAITING, customer=customer.id)
    if not waiting:
        return
    subscriptions = rows.find_many(
        tx, Subscription, [one.subscription for one in waiting if one.subscription]
    )
    methods = payment_methods.methods_of(
        tx, {one.id: (customer, subscriptions.get(one.subscription or ""), one) for one in waiting}
    )
    failed = failed_methods(tx, [one.id for one in waiting])
    due = [id for id, method in methods.items() if id in failed and failed[id] != method.id]
    for one in waiting:
        if one.id in due:
            own = clocks.enter(tx, one.test_clock)
            jobs.put(own, "invoice.collect", one.id, own.now)


def failed_methods(tx: Tx, invoices: list[str]) -> dict[str, str | None]:
    """Return the method of the last failure of each invoice; None where there was no method."""
    return dict(
        tx.tuples(
            "select distinct on (invoice) invoice, payment_method from payment_failures"
            " where invoice = any(%(ids)s) order by invoice, number desc",
            ids=invoices,
        )
    )
