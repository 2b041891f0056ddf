"""Delete a customer or a test clock with everything that depends on it."""

from typing import Any

from billow.api import rows
from billow.core.errors import require
from billow.flows.quotes import quotes
from billow.flows.subscription_status import end
from billow.resources import customer as customers
from billow.resources.customer import Customer
from billow.resources.quote import LIVING, Quote
from billow.resources.subscription import ENDED, Subscription
from billow.resources.test_clock import TestClock
from billow.store import clocks, jobs
from billow.store.tx import Tx


@Customer.delete
def delete_customer(tx: Tx, customer: Customer) -> dict[str, Any]:
    """Delete a customer: its subscriptions are canceled at once, its invoices are not collected."""
    live = rows.select(
        tx,
        Subscription,
        "customer = %(id)s and status <> all(%(ended)s)",
        "order by id for update",
        id=customer.id,
        ended=list(ENDED),
    )
    for subscription in live:
        end.end(tx, subscription)
    call_off(tx, "customer", customer.id)
    return customers.delete(tx, customer)


@TestClock.delete
def delete_clock(tx: Tx, clock: TestClock) -> dict[str, Any]:
    """Delete a test clock with its customers; nothing of them will ever be due."""
    require(clock.status != "advancing", "This test clock is advancing; wait until it is ready.")
    for customer in rows.select(tx, Customer, "test_clock = %(clock)s and not deleted", clock=clock.id):
        delete_customer(tx, customer)
    call_off(clocks.enter(tx, clock.id), "test_clock", clock.id)
    jobs.cancel(tx, jobs.CATCH_UP, clock.id)
    tx.run(
        "delete from jobs where tenant = %(tenant)s and clock = %(clock)s", tenant=tx.tenant, clock=clock.id
    )
    return rows.delete(tx, clock)


def call_off(tx: Tx, name: str, id: str) -> None:
    """Cancel the quotes that nobody can accept any more: those that name it."""
    living = f"{name} = %(id)s and status = any(%(living)s)"
    for offered in rows.select(tx, Quote, living, "order by id for update", id=id, living=list(LIVING)):
        quotes.cancel(tx, offered)
