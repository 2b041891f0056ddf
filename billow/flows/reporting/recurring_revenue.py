"""Keep how the monthly recurring revenue of each subscription changed, as its events tell it.

An event shows the subscription as it was at its instant, on its own clock. So what is kept is exact, however
late it is read: reports read what is new before they answer, and no event is deleted before it is read.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

from billow.api import rows
from billow.core import discounts, recurring
from billow.flows.billing.priced_items import rate_of
from billow.resources.coupon import Coupon
from billow.resources.discount import Discount, in_core
from billow.resources.price import Price
from billow.resources.subscription import Subscription
from billow.resources.subscription_item import SubscriptionItem
from billow.resources.tax_rate import TaxRate
from billow.store import bulk, sequence
from billow.store.packed import unpack
from billow.store.tx import Database, Tx

MOST = 2000
"""How many events one transaction reads."""
NEXT = (
    "select sequence, created, type, data from events where sequence > %(after)s and sequence <= %(last)s"
    " and (type ^@ 'customer.subscription.' or type ^@ 'customer.discount.') order by sequence limit %(most)s"
)
OLDER = (
    "status = any(%(paying)s) and not exists (select 1 from events e where e.related = subscriptions.id"
    " and e.type = 'customer.subscription.created')"
)
"""Subscriptions that were there before the oldest event."""
LAST_LINES = (
    "select distinct on (subscription_item) subscription_item, net, amount - coalesce("
    "(select sum((d->>'amount')::bigint) from jsonb_array_elements(discount_amounts) d), 0) as gross"
    " from invoice_lines where subscription_item = any(%(items)s) and kind = 'licensed' and net > 0"
    " and created <= %(at)s order by subscription_item, created desc, id"
)
OF_CUSTOMERS = (
    "select d.id, d.customer, d.start, least((select min(e.created) from events e where e.related = d.id"
    " and e.type = 'customer.discount.deleted'), lead(d.start) over (partition by d.customer"
    " order by d.start, d.id)) as until, c.discount = d.id as held"
    " from discounts d join customers c on c.id = d.customer where d.customer = any(%(customers)s)"
    " and num_nonnulls(d.subscription, d.subscription_item, d.invoice, d.invoice_item) = 0"
    " order by d.start, d.id"
)
"""The discounts that customers have or had themselves, and until when, if they were replaced or removed."""
TOLD = (
    "select s.id, case when e.sequence < %(number)s then e.data end from unnest(%(ids)s::text[]) as s (id)"
    " left join lateral (select sequence, data from events e where e.related = s.id"
    " and e.type ^@ 'customer.subscription.' and e.type <> 'customer.subscription.trial_will_end'"
    " and e.sequence is not null order by e.sequence < %(number)s desc, e.sequence desc limit 1) e on true"
    " where e.sequence is null or e.sequence < %(number)s"
)
"""What was told last of subscriptions before an event; nothing of those that were first told of after it."""
DAYS = (
    "select customer, currency, (at at time zone (select seller_zone()))::date, change from recurring_revenue"
    " where customer = any(%(customers)s) order by sequence"
)
MOVED = ["customer", "currency", "day", "before", "change", "after", "kind"]
COLUMNS = ["subscription", "sequence", "at", "change", "currency", "customer"]


@dataclass(frozen=True, slots=True)
class Agreed:
    """What a subscription was at an instant, with its items."""

    subscription: str
    customer: str
    currency: str
    counts: bool
    automatic_tax: bool
    discounts: Sequence[str]
    tax_rates: Sequence[str]
    items: Sequence["AgreedItem"]


@dataclass(frozen=True, slots=True)
class AgreedItem:
    id: str
    price: str
    quantity: int
    discounts: Sequence[str]
    tax_rates: Sequence[str]


@dataclass(frozen=True, slots=True)
class Held:
    """A discount of a customer, and when it was there."""

    discount: str
    start: datetime
    until: datetime | None


@dataclass(frozen=True, slots=True)
class Known:
    """What the rows say that the subscriptions name."""

    prices: Mapping[str, Price]
    discounts: Mapping[str, Discount]
    coupons: Mapping[str, Coupon]
    taxes: Mapping[str, TaxRate]
    customers: Mapping[str, Sequence["Held"]]


@dataclass(slots=True)
class Reading:
    """What is read in a transaction: each subscription at a number and an instant, in order."""

    found: list[tuple[int, datetime, Agreed]] = field(default_factory=list)
    done: bool = True


def catch_up(db: Database, tenant: str) -> None:
    """Read the events of subscriptions since the last time, a few thousand in a transaction."""
    more = True
    while more:
        with db.transaction(tenant) as tx:
            more = not read(tx)


def read(tx: Tx) -> bool:
    """Read the next events; return whether all were read. One transaction reads at a time."""
    numbered = sequence.number(tx)
    first = tx.run("insert into recurring_revenue_read (sequence) values (0) on conflict do nothing")
    [(after,)] = tx.tuples("select sequence from recurring_revenue_read for update")
    counters = tx.tuples("select last from event_counters")
    last = counters[0][0] if counters else 0
    reading = Reading(done=numbered < sequence.MOST)
    if first:
        older = rows.select(tx, Subscription, OLDER, paying=list(recurring.PAYING))
        starts = {one.id: one.start_date for one in older}
        reading.found += [(0, starts[one.subscription], one) for one in of_rows(tx, older)]
    if last > after:
        last = note_events(tx, reading, after, last)
    if reading.found:
        keep(tx, reading.found)
    if last > after:
        tx.run("update recurring_revenue_read set sequence = %(last)s", last=last)
    return reading.done


def note_events(tx: Tx, reading: Reading, after: int, last: int) -> int:
    """Add what the events after a number show; return the number up to which they were read."""
    found = tx.tuples(NEXT, after=after, last=last, most=MOST)
    for number, at, kind, data in found:
        shown = unpack(data)["object"]
        if shown["object"] == "subscription":
            some = [of_event(tx, shown)] if kind != "customer.subscription.trial_will_end" else []
        else:
            some = of_customer(tx, shown, number)
        reading.found += [(number, at, one) for one in some]
    if len(found) == MOST:
        reading.done = False
        return int(found[-1][0])
    return last


def of_customer(tx: Tx, discount: dict[str, Any], number: int) -> list[Agreed]:
    """Return the subscriptions that a discount of a customer is for, as they were told before its event."""
    if discount.get("subscription") or not discount.get("customer"):
        return []
    its = rows.select(tx, Subscription, "customer = %(customer)s", customer=discount["customer"])
    told = dict(tx.tuples(TOLD, ids=[one.id for one in its], number=number))
    untold = [one for one in its if told.get(one.id, b"") is None]
    return [of_event(tx, unpack(data)["object"]) for data in told.values() if data] + of_rows(tx, untold)


def of_event(tx: Tx, shown: dict[str, Any]) -> Agreed:
    """Return a subscription as an event shows it; of more items than a list shows, those of today."""
    listed = shown["items"]
    if listed["has_more"]:
        items = [agreed_item(one) for one in items_of(tx, [shown["id"]])]
    else:
        items = [
            AgreedItem(
                one["id"],
                one["price"]["id"],
                one.get("quantity") or 0,
                ids(one["discounts"]),
                ids(one["tax_rates"] or []),
            )
            for one in listed["data"]
        ]
    return Agreed(
        shown["id"],
        id_of(shown["customer"]),
        shown["currency"],
        recurring.counts(shown["status"], shown["pause_collection"] is not None),
        shown["automatic_tax"]["enabled"],
        ids(shown["discounts"]),
        ids(shown["default_tax_rates"] or []),
        items,
    )


def of_rows(tx: Tx, some: Sequence[Subscription]) -> list[Agreed]:
    """Return subscriptions as they are now."""
    items: dict[str, list[AgreedItem]] = {}
    for one in items_of(tx, [each.id for each in some]):
        items.setdefault(one.subscription, []).append(agreed_item(one))
    return [
        Agreed(
            one.id,
            one.customer,
            one.currency,
            recurring.counts(one.status, one.pause_collection is not None),
            one.automatic_tax["enabled"],
            one.discounts,
            one.default_tax_rates,
            items.get(one.id, []),
        )
        for one in some
    ]


def items_of(tx: Tx, subscriptions: Sequence[str]) -> list[SubscriptionItem]:
    return rows.select(tx, SubscriptionItem, "subscription = any(%(ids)s)", ids=list(subscriptions))


def agreed_item(item: SubscriptionItem) -> AgreedItem:
    return AgreedItem(item.id, item.price, item.quantity or 0, item.discounts, item.tax_rates)


def ids(shown: Iterable[Any]) -> list[str]:
    return [id_of(one) for one in shown]


def id_of(shown: Any) -> str:
    """Return the id of what an event names or shows."""
    return str(shown["id"] if isinstance(shown, dict) else shown)


def keep(tx: Tx, found: Sequence[tuple[int, datetime, Agreed]]) -> None:
    """Keep what changed the recurring revenue of subscriptions, each compared with what is kept of it."""
    there = set(rows.find_many(tx, Subscription, {one.subscription for _, _, one in found}))
    sums = {
        id: int(amount)
        for id, amount in tx.tuples(
            "select subscription, sum(change) from recurring_revenue where subscription = any(%(ids)s)"
            " group by subscription",
            ids=sorted(there),
        )
    }
    known = known_of(tx, [one for _, _, one in found])
    written = []
    for number, at, one in found:
        if one.subscription not in there:
            continue
        change = amount_of(tx, one, at, known) - sums.get(one.subscription, 0)
        if change:
            sums[one.subscription] = sums.get(one.subscription, 0) + change
            written.append(
                dict(
                    zip(
                        COLUMNS,
                        [one.subscription, number, at, change, one.currency, one.customer],
                        strict=True,
                    )
                )
            )
    if written:
        bulk.insert_many(tx, "recurring_revenue", COLUMNS, written)
        move(tx, sorted({str(row["customer"]) for row in written}))


def move(tx: Tx, customers: Sequence[str]) -> None:
    """Keep the movements of customers by day, made again of all their changes."""
    changes: dict[tuple[str, str], list[tuple[date, int]]] = {}
    for customer, currency, day, change in tx.tuples(DAYS, customers=list(customers)):
        changes.setdefault((customer, currency), []).append((day, change))
    found = []
    for (customer, currency), some in changes.items():
        after = 0
        for day, kind, change in recurring.movements(some):
            before, after = after, after + change
            found.append(
                dict(zip(MOVED, [customer, currency, day, before, change, after, kind], strict=True))
            )
    tx.run("delete from recurring_movements where customer = any(%(customers)s)", customers=list(customers))
    bulk.insert_many(tx, "recurring_movements", MOVED, found)


def known_of(tx: Tx, some: Sequence[Agreed]) -> Known:
    """Load what subscriptions name: prices, discounts with their coupons, taxes and customers."""
    items = [item for one in some for item in one.items]
    customers = held_by_customers(tx, {one.customer for one in some})
    named = {id for one in some for id in one.discounts} | {id for item in items for id in item.discounts}
    named |= {one.discount for held in customers.values() for one in held}
    found = rows.find_many(tx, Discount, named)
    return Known(
        rows.find_many(tx, Price, {item.price for item in items}),
        found,
        rows.find_many(tx, Coupon, {one.coupon for one in found.values()}),
        rows.find_many(
            tx,
            TaxRate,
            {id for one in some for id in one.tax_rates} | {id for i in items for id in i.tax_rates},
        ),
        customers,
    )


def held_by_customers(tx: Tx, customers: Iterable[str]) -> dict[str, list[Held]]:
    """Return the discounts that customers have or had, for subscriptions without their own."""
    found: dict[str, list[Held]] = {}
    for id, customer, start, until, held in tx.tuples(OF_CUSTOMERS, customers=sorted(set(customers))):
        if held or until:  # what is not held and was not removed lately was removed before the oldest event
            found.setdefault(customer, []).append(Held(id, start, until))
    return found


def amount_of(tx: Tx, one: Agreed, at: datetime, known: Known) -> int:
    """Return the monthly recurring revenue of a subscription at an instant.

    An item counts nothing if its price was deleted, which is only where nothing was ever billed by it.
    """
    if not one.counts:
        return 0
    licensed = [
        (item, price)
        for item in one.items
        for price in [known.prices.get(item.price)]
        if price and (price.recurring or {}).get("usage_type") == "licensed"
    ]
    shares = included_by_automatic_tax(tx, one, licensed, at)
    items = [
        recurring.Item(
            rate_of(price, one.currency),
            Decimal(item.quantity),
            (price.recurring or {})["interval"],
            (price.recurring or {})["interval_count"],
            price.product,
            recurring_ones(item.discounts, one.currency, at, known),
            shares.get(item.id) or included(item.tax_rates or one.tax_rates, known),
        )
        for item, price in licensed
    ]
    held = [
        each.discount
        for each in known.customers.get(one.customer, ())
        if each.start <= at and (each.until is None or at < each.until)
    ]
    whole = one.discounts or held
    return recurring.monthly(items, recurring_ones(whole, one.currency, at, known))


def recurring_ones(
    named: Sequence[str], currency: str, at: datetime, known: Known
) -> list[discounts.Discount]:
    """Return the discounts of these ids that recur and have not ended: not those of one invoice."""
    found = []
    for id in named:
        one = known.discounts.get(id)
        if one and known.coupons[one.coupon].duration != "once" and not (one.end and one.end <= at):
            found.append(in_core(one, known.coupons[one.coupon], currency))
    return found


def included(tax_rates: Sequence[str], known: Known) -> Decimal:
    """Return the percentage of the taxes, of those set by hand, that are included in a price."""
    its = [known.taxes[id] for id in tax_rates if id in known.taxes]
    return sum((one.percentage for one in its if one.inclusive), Decimal(0))


def included_by_automatic_tax(
    tx: Tx, one: Agreed, licensed: Sequence[tuple[AgreedItem, Price]], at: datetime
) -> dict[str, Fraction]:
    """Return the percentage of automatic tax in inclusive prices, by item, as on their last invoice line."""
    if not one.automatic_tax:
        return {}
    wanted = [item.id for item, price in licensed if price.tax_behavior == "inclusive"]
    if not wanted:
        return {}
    found = tx.tuples(LAST_LINES, items=wanted, at=at)
    return {id: Fraction(100 * (int(gross) - net), net) for id, net, gross in found}
