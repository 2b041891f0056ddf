"""Delete a customer or a test clock with everything that depends on it."""

from typing import Any

from billow.api import rows
from billow.core import lifecycle
from billow.core.errors import require
from billow.flows.checkout import expiry
from billow.flows.quotes import quotes
from billow.flows.subscription_status import end
from billow.flows.wallets import wallets
from billow.resources import customer as customers
from billow.resources.checkout_session import CheckoutSession
from billow.resources.customer import Customer
from billow.resources.quote import LIVING, Quote
from billow.resources.subscription import Subscription
from billow.resources.test_clock import TestClock
from billow.resources.wallet import Wallet
from billow.store import clocks, jobs
from billow.store.tx import Tx


@Customer.delete
def delete_customer(tx: Tx, customer: Customer) -> dict[str, Any]:
    """Delete a customer: end its subscriptions, quotes, checkouts and wallets now, and collect no invoice.

    Emits the end of each of them, then the deletion.
    """
    live = rows.select(
        tx,
        Subscription,
        "customer = %(id)s and status <> all(%(ended)s)",
        "order by id for update",
        id=customer.id,
        ended=list(lifecycle.ENDED),
    )
    for subscription in live:
        end.end(tx, subscription)
    cancel_quotes(tx, "customer", customer.id)
    expire_sessions(tx, customer.id)
    close_wallets(tx, customer.id)
    return customers.delete(tx, customer)


@TestClock.delete
def delete_clock(tx: Tx, clock: TestClock) -> dict[str, Any]:
    """Delete a test clock with its customers and quotes; nothing of them becomes due any more."""
    require(clock.status != "advancing", "This test clock is advancing; wait until it is ready.")
    for customer in rows.select(tx, Customer, "test_clock = %(clock)s and not deleted", clock=clock.id):
        delete_customer(tx, customer)
    cancel_quotes(clocks.enter(tx, clock.id), "test_clock", clock.id)
    jobs.cancel(tx, jobs.CATCH_UP, clock.id)
    jobs.cancel_clock(tx, clock.id)
    return rows.delete(tx, clock)


def expire_sessions(tx: Tx, customer: str) -> None:
    """Expire the open checkout sessions of a customer: nobody can pay in their name any more."""
    still_open = "customer = %(id)s and status = 'open' and attempt_until is null"
    for session in rows.select(tx, CheckoutSession, still_open, "order by id for update", id=customer):
        expiry.close(tx, session)


def close_wallets(tx: Tx, customer: str) -> None:
    """Close the wallets of a customer, so that none is topped up any more. Emits each."""
    active = "customer = %(id)s and status = 'active'"
    for wallet in rows.select(tx, Wallet, active, "order by id for update", id=customer):
        wallets.close(tx, wallet)


def cancel_quotes(tx: Tx, name: str, id: str) -> None:
    """Cancel the open and draft quotes whose column `name` is this id. Locks and emits each."""
    living = f"{name} = %(id)s and status = any(%(living)s)"
    for quote in rows.select(tx, Quote, living, "order by id for update", id=id, living=list(LIVING)):
        quotes.cancel(tx, quote)
