"""Warn, on the first of each month, of the cards that expire at its end."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import psycopg

from billow.api import rows
from billow.core.errors import needed
from billow.flows.mails import outbox
from billow.resources import card as cards
from billow.resources.card import Card
from billow.resources.customer import Customer
from billow.resources.payment_method import PaymentMethod
from billow.store import jobs
from billow.store.jobs import job
from billow.store.tx import Tx

JOB = "cards.expiring"
PAGE = 500
"""How many cards one transaction warns of."""
EXPIRING = (
    "(card->>'exp_year')::int = %(year)s and (card->>'exp_month')::int = %(month)s and id > %(after)s"
    " and customer in (select c.id from customers c where not c.deleted"
    " and coalesce(c.test_clock, 'wall') = %(clock)s)"
)


@job(JOB)
def warn(tx: Tx, refs: list[str]) -> None:
    """Warn of the cards of a clock's customers that expire this month: order mails, and emit events.

    Emits `customer.source.expiring` for cards that were attached as sources.
    """
    clock, _, after = refs[0].partition("/")
    methods = rows.select(
        tx,
        PaymentMethod,
        EXPIRING,
        "order by id limit %(most)s",
        year=tx.now.year,
        month=tx.now.month,
        after=after,
        clock=clock,
        most=PAGE,
    )
    rows.emit(tx, [(cards.drawn(one), None) for one in sources(methods)], "customer.source.expiring")
    paying = paying_methods(tx, methods)
    outbox.order(tx, [mail_of(one) for one in methods if one.id in paying])
    if len(methods) == PAGE:
        jobs.put(tx, JOB, f"{clock}/{methods[-1].id}", tx.now)
    if not after:
        jobs.put(tx, JOB, clock, next_month(tx.now))


def sources(methods: Sequence[PaymentMethod]) -> list[PaymentMethod]:
    return [one for one in methods if one.id.startswith(Card.prefix)]


def mail_of(method: PaymentMethod) -> outbox.Mail:
    """Return the mail about a card; there is another one when its expiry has changed."""
    card = needed(method.card, "the card that expires")
    month, year = card["exp_month"], card["exp_year"]
    return outbox.Mail(
        "card_expiring", method.id, method.customer, {"expiry": [month, year]}, year * 100 + month
    )


def paying_methods(tx: Tx, methods: Sequence[PaymentMethod]) -> set[str]:
    """Return those of the methods that pay for something: the default of a customer or a subscription.

    Nobody is warned of a card that is only kept.
    """
    if not methods:
        return set()
    ids = [one.id for one in methods]
    customers = rows.find_many(tx, Customer, [one.customer for one in methods if one.customer])
    defaults = {one.invoice_settings.get("default_payment_method") for one in customers.values()}
    defaults |= {one.default_source for one in customers.values()}
    own = tx.tuples(
        "select default_payment_method from subscriptions where default_payment_method = any(%(ids)s)"
        " and ended_at is null",
        ids=ids,
    )
    return {id for id in ids if id in defaults} | {id for (id,) in own}


def next_month(now: datetime) -> datetime:
    """Return the first instant of the next month."""
    first = now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return (first + timedelta(days=32)).replace(day=1)


def watch_clock(tx: Tx, clock: str, now: datetime) -> None:
    """Set the timer of a test clock that is about to advance, unless it has one."""
    jobs.put_absent(tx, JOB, [(clock, clock, next_month(now))])


def plan(conn: psycopg.Connection[tuple[object, ...]], now: datetime) -> None:
    """Put the timer of each tenant with a key that has none."""
    conn.execute(
        "insert into jobs (tenant, clock, kind, ref, run_at)"
        " select distinct tenant, 'wall', %s, 'wall', %s::timestamptz from api_keys on conflict do nothing",
        (JOB, next_month(now)),
    )
