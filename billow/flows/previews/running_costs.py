"""Say what the running periods of a customer cost so far, and what they will come to."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from billow.api import rows
from billow.api.fields import instant
from billow.api.params import made
from billow.core import forecast, invoicing, lifecycle, money
from billow.core.bounds import LARGEST
from billow.core.errors import Refused, needed
from billow.core.line_parts import plain_name
from billow.flows.previews.create_preview import create_preview
from billow.flows.previews.params import Preview
from billow.resources.customer import Customer
from billow.resources.price import Price
from billow.resources.subscription import Subscription
from billow.store.tx import Tx

MOST = 10
"""Of how many subscriptions the costs are shown."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the next invoice; `gross` is its part of the total, after discounts and with taxes."""

    name: str
    """What is billed, without its quantity and price."""
    quantity: int | None
    amount: int
    gross: int
    metered: bool
    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Cost:
    """What the next invoice of a subscription says as of now, and what it is likely to say."""

    subscription: str
    currency: str
    total: int
    subtotal: int
    tax: int
    discount: int
    due: int
    at: datetime
    """When the invoice is due to be made."""
    lines: tuple[Line, ...]
    expected: int | None
    """The total if usage goes on as it did so far; None where that cannot be told yet."""

    @property
    def usage(self) -> int:
        return sum(line.gross for line in self.lines if line.metered)


def costs_of(tx: Tx, customer: str) -> list[Cost]:
    """Return the cost of each subscription that renews, by the functions that make its next invoice.

    Nothing is kept. The transaction's time is the customer's. Locks the subscriptions.
    """
    running = rows.select(
        tx,
        Subscription,
        "customer = %(id)s and status = any(%(running)s) and not provisional",
        "order by created, id limit %(most)s",
        id=customer,
        running=list(lifecycle.RENEWING),
        most=MOST,
    )
    found = [cost for one in running if (cost := cost_of(tx, one.id))]
    return balance_once(found, rows.find(tx, Customer, customer), running)


def balance_once(costs: Sequence[Cost], customer: Customer, running: Sequence[Subscription]) -> list[Cost]:
    """Take the customer's balance off the next invoice, and what is left of it off those after it.

    Each preview is made as if its invoice were the only one: with a credit of 30.00, invoices of 20.00 and
    25.00 come to 0.00 and 15.00.
    """
    charged = {one.id for one in running if one.collection_method == "charge_automatically"}
    balance, due = customer.balance, {}
    for cost in sorted(costs, key=lambda one: (one.at, one.subscription)):
        limits = money.charge_limits(cost.currency) if cost.subscription in charged else (0, LARGEST)
        settled = invoicing.settle_balance(cost.total, balance, *limits)
        due[cost.subscription], balance = settled.amount_due, settled.ending_balance
    return [replace(one, due=due[one.subscription]) for one in costs]


def cost_of(tx: Tx, subscription: str) -> Cost | None:
    """Return what the next invoice of a subscription says; None where there will be none."""
    try:
        shown = create_preview(tx, made(Preview, subscription=subscription))
    except Refused:
        return None
    data = shown["lines"]["data"]
    prices = rows.find_many(tx, Price, [id for one in data if (id := price_of(one))])
    lines = tuple(line_of(one, prices) for one in data)
    return Cost(
        subscription,
        shown["currency"],
        shown["total"],
        shown["subtotal"],
        sum(one["amount"] for one in shown["total_taxes"] or [] if one["tax_behavior"] == "exclusive"),
        sum(one["amount"] for one in shown["total_discount_amounts"] or []),
        shown["amount_due"],
        needed(instant(shown["created"]), "when the invoice is made"),
        lines,
        expected(shown["total"], lines, tx.now),
    )


def expected(total: int, lines: Sequence[Line], now: datetime) -> int | None:
    """Return what a total comes to when its metered lines have grown until the end of their periods."""
    for line in lines:
        if line.metered:
            grown = forecast.at_end(line.gross, line.start, line.end, now)
            if grown is None:
                return None
            total += grown - line.gross
    return total


def price_of(line: Mapping[str, Any]) -> str:
    details = (line.get("pricing") or {}).get("price_details") or {}
    return str(details.get("price") or "")


def line_of(line: Mapping[str, Any], prices: Mapping[str, Price]) -> Line:
    price = prices.get(price_of(line))
    metered = price is not None and (price.recurring or {}).get("usage_type") == "metered"
    less = sum(one["amount"] for one in line["discount_amounts"] or [])
    more = sum(one["amount"] for one in line["taxes"] or [] if one["tax_behavior"] == "exclusive")
    period = line["period"]
    return Line(
        plain_name(line["description"] or "")[0],
        line["quantity"],
        line["amount"],
        line["amount"] - less + more,
        metered,
        needed(instant(period["start"]), "the start of a line"),
        needed(instant(period["end"]), "the end of a line"),
    )
