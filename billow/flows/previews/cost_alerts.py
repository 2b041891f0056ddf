"""Tell customers by mail when their costs reach what they wanted to hear of, once in a period."""

from dataclasses import dataclass
from datetime import datetime

from billow.api import rows
from billow.api.fields import seconds
from billow.core.errors import require
from billow.flows.mails import outbox
from billow.flows.mails.outbox import Mail
from billow.flows.previews import running_costs
from billow.flows.previews.running_costs import Cost
from billow.resources.customer import Customer
from billow.store import clocks, jobs
from billow.store.ids import new_id
from billow.store.jobs import job
from billow.store.tx import Tx

PREFIX = "cal_"
MOST = 5
"""How many alerts a customer has."""
LARGEST = 99_999_999_99
"""The largest amount of an alert, in minor units."""


@dataclass(frozen=True, slots=True)
class Alert:
    """An amount of which a customer wants to hear; `told_until` is the end of the period it was told of."""

    id: str
    customer: str
    amount: int
    currency: str
    told_until: datetime | None


def of_customer(tx: Tx, customer: str) -> list[Alert]:
    found = tx.tuples(
        "select id, customer, amount, currency, told_until from cost_alerts where customer = %(customer)s"
        " order by amount, id",
        customer=customer,
    )
    return [Alert(*row) for row in found]


def add(tx: Tx, customer: str, amount: int, currency: str) -> None:
    """Add an alert, and check it at once; the same amount again changes nothing. Locks the customer."""
    rows.lock(tx, Customer, customer)
    require(0 < amount <= LARGEST, "This is no amount of which an alert can tell.", param="amount")
    known = of_customer(tx, customer)
    if any((one.amount, one.currency) == (amount, currency) for one in known):
        return
    require(len(known) < MOST, f"There are {MOST} alerts already.", param="amount")
    id = new_id(PREFIX)
    tx.run(
        "insert into cost_alerts (id, created, customer, amount, currency)"
        " values (%(id)s, %(now)s, %(customer)s, %(amount)s, %(currency)s)",
        id=id,
        now=tx.now,
        customer=customer,
        amount=amount,
        currency=currency,
    )
    jobs.put(tx, "cost.alert", id, tx.wall, clock="wall")


def remove(tx: Tx, customer: str, id: str) -> None:
    """Remove an alert of the customer's; one that is not there stays away."""
    tx.run("delete from cost_alerts where id = %(id)s and customer = %(customer)s", id=id, customer=customer)
    jobs.cancel(tx, "cost.alert", id)


@job("cost.alert")
def check(tx: Tx, refs: list[str]) -> None:
    """Mail the customers of alerts whose costs have been reached, unless they know it of this period."""
    found = tx.tuples(
        "select id, customer, amount, currency, told_until from cost_alerts where id = any(%(ids)s)"
        " order by customer, id",
        ids=refs,
    )
    if gone := set(refs) - {row[0] for row in found}:
        raise jobs.RowMissing(f"There is no alert {min(gone)}.")
    costs: dict[str, list[Cost]] = {}
    for row in found:
        alert = Alert(*row)
        [customer] = rows.find_all(tx, Customer, [alert.customer]).values()
        then = clocks.enter(tx, customer.test_clock)
        if customer.deleted or (alert.told_until is not None and alert.told_until > then.now):
            continue
        if alert.customer not in costs:
            costs[alert.customer] = running_costs.costs_of(then, alert.customer)
        tell(then, alert, [one for one in costs[alert.customer] if one.currency == alert.currency])


def tell(tx: Tx, alert: Alert, costs: list[Cost]) -> None:
    """Order the mail of an alert that is reached, and note until when it has told."""
    total, until = sum(one.total for one in costs), min((one.at for one in costs), default=None)
    if until is None or total < alert.amount or until <= tx.now:
        return
    facts = {"amount": total, "currency": alert.currency, "limit": alert.amount, "until": seconds(until)}
    number = seconds(until) or 0
    outbox.order(tx, [Mail("cost_alert", alert.id, alert.customer, facts, number=number)])
    tx.run("update cost_alerts set told_until = %(until)s where id = %(id)s", until=until, id=alert.id)
