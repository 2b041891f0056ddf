"""Load what was billed, and write the prorations that core/change/prorations.py calculates."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from billow.api import rows
from billow.core import discounts, proration
from billow.core.change import prorations as core
from billow.core.change.items import Item, Offer
from billow.core.change.prorations import Net
from billow.core.errors import needed
from billow.flows.billing import net_prices, priced_items
from billow.flows.billing.priced_items import Part
from billow.flows.subscription_terms import trial_offers
from billow.resources.billing_period import BillingPeriod
from billow.resources.customer import Customer
from billow.resources.invoice_item import InvoiceItem
from billow.resources.invoice_line import InvoiceLine
from billow.resources.price import Price
from billow.resources.product import Product
from billow.resources.subscription import Subscription
from billow.resources.subscription_item import SubscriptionItem
from billow.store.ids import new_id
from billow.store.tx import Tx

Ended = tuple[BillingPeriod, dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Billed:
    """A period that an item was billed for in advance, with the amount left after credits and its source."""

    period: BillingPeriod
    net: Net
    product: str
    source: dict[str, Any] | None

    @property
    def in_core(self) -> core.Billed:
        """The same as the core calculates with it."""
        one = self.period
        return core.Billed(
            period=one.id,
            price=one.price,
            quantity=one.quantity,
            start=one.period_start,
            end=one.period_end,
            credited=one.credited,
            net=self.net,
            name=self.product,
            source=self.source,
        )


@dataclass(slots=True)
class Prorations:
    """The rows of a change's prorations, in the order in which they are shown; not written yet."""

    customer: Customer
    subscription: Subscription
    anchor: datetime
    """The anchor of the periods after the change; the subscription still has the one before."""
    items: list[InvoiceItem] = field(default_factory=list)
    ended: list[Ended] = field(default_factory=list)
    begun: list[BillingPeriod] = field(default_factory=list)

    @property
    def itemized(self) -> bool:
        """Return whether prorations list discounts separately; otherwise amounts include them (§5.7)."""
        flexible = self.subscription.billing_mode["flexible"] or {}
        return bool(flexible.get("proration_discounts") == "itemized")

    @property
    def included(self) -> bool:
        """Return whether descriptions say what discounts have taken off: not in classic (§5.7)."""
        return bool(self.subscription.billing_mode["type"] == "flexible" and not self.itemized)

    def add(
        self,
        item: SubscriptionItem,
        net: Net,
        words: tuple[str, Decimal, str],
        span: tuple[datetime, datetime],
        source: dict[str, Any] | None = None,
        **priced: Any,
    ) -> InvoiceItem:
        """Add a proration of an item for a span of time (§5.7).

        `words` are `Unused` or `Remaining`, the quantity, and the product's name; `source` is the debit that
        it credits.
        """
        off = {id: amount for id, amount in net.off.items() if amount} if self.itemized else {}
        amount, label = net.amount + sum(off.values()), net.label if self.included else None
        rest, quantity, product = words
        made = InvoiceItem(
            id=new_id(InvoiceItem.prefix),
            amount=amount,
            currency=self.subscription.currency,
            customer=self.customer.id,
            description=proration.describe(rest, quantity, product, span[0], label),
            discountable=False,
            proration=True,
            proration_details={
                "credited_items": source,
                "discount_amounts": [{"amount": taken, "discount": id} for id, taken in off.items()],
            },
            subscription=self.subscription.id,
            subscription_item=item.id,
            tax_rates=item.tax_rates,
            test_clock=self.customer.test_clock,
            period_start=span[0],
            period_end=span[1],
            quantity_decimal=quantity,
            unit_amount_decimal=Decimal(amount) / quantity if quantity else Decimal(0),
            **priced,
        )
        self.items.append(made)
        return made

    @property
    def net(self) -> int:
        """Return the sum of all prorations after discounts."""
        return sum(item.net for item in self.items)


def load_billed(tx: Tx, subscription: str) -> dict[str, list[Billed]]:
    """Load what was billed in advance for one subscription, as `load_billed_of_many` does."""
    return load_billed_of_many(tx, [subscription])


def load_billed_of_many(tx: Tx, subscriptions: Iterable[str]) -> dict[str, list[Billed]]:
    """Load what was billed in advance and not yet credited, by subscription item, the oldest first.

    A few statements for any number of subscriptions.
    """
    periods = rows.select(
        tx,
        BillingPeriod,
        "subscription = any(%(ids)s) and kind = 'licensed' and period_end > period_start",
        ids=sorted(set(subscriptions)),
    )
    items = rows.find_many(
        tx, InvoiceItem, [period.invoice_item for period in periods if period.invoice_item]
    )
    lines: dict[tuple[str, str, datetime], list[InvoiceLine]] = {}
    invoices = sorted({period.invoice for period in periods if period.invoice})
    for line in rows.select(tx, InvoiceLine, "invoice = any(%(ids)s) and kind = 'licensed'", ids=invoices):
        lines.setdefault((line.invoice, line.subscription_item or "", line.period_start), []).append(line)
    prices = rows.find_many(tx, Price, [period.price for period in periods])
    products = rows.find_many(tx, Product, [price.product for price in prices.values()])
    taken_up = lines_of_items(tx, items.values())
    found: dict[str, list[Billed]] = {}
    for period in periods:
        item = items.get(period.invoice_item or "")
        own = lines.get((period.invoice or "", period.subscription_item, period.period_start), [])
        product = products[prices[period.price].product].name
        source = source_of(item, taken_up.get(item.id, []) if item else own)
        found.setdefault(period.subscription_item, []).append(
            Billed(period, net_left(period, [item] if item else own), product, source)
        )
    return found


def lines_of_items(tx: Tx, items: Iterable[InvoiceItem]) -> dict[str, list[InvoiceLine]]:
    """Load the lines of invoice items that are on an invoice, by item.

    An item may also have a line on a void invoice, that of an update which was not paid.
    """
    invoices = {item.id: item.invoice for item in items if item.invoice}
    found: dict[str, list[InvoiceLine]] = {}
    if invoices:
        for line in rows.select(tx, InvoiceLine, "invoice_item = any(%(ids)s)", ids=sorted(invoices)):
            if line.invoice == invoices[line.invoice_item or ""]:
                found.setdefault(line.invoice_item or "", []).append(line)
    return found


def net_left(period: BillingPeriod, billed: Sequence[InvoiceItem] | Sequence[InvoiceLine]) -> Net:
    """Return what is left of a billed amount after its discounts and earlier credits (§5.17, X45)."""
    gross, off = sum(one.amount for one in billed), Counter[str]()
    for one in billed:
        off.update({entry["discount"]: entry["amount"] for entry in one.discount_amounts})
    return core.left_of(gross, off, period.credited, period.discount)


def source_of(item: InvoiceItem | None, lines: Sequence[InvoiceLine]) -> dict[str, Any] | None:
    """Return the debit that a credit names as its source: a pending item, or lines of an invoice (§5.7)."""
    if item and item.invoice is None:
        return {"type": "invoice_item", "invoice_item": item.id, "invoice_line_item_details": None}
    if not lines:
        return None
    details = {"invoice": lines[0].invoice, "invoice_line_items": [line.id for line in lines]}
    return {"type": "invoice_line_items", "invoice_item": None, "invoice_line_item_details": details}


def net_prices_of(tx: Tx, subscription: Subscription, parts: Iterable[Part]) -> dict[str, Net]:
    """Return the price of each licensed item for a full period after current discounts, by item.

    In flexible mode a fixed amount off is spread over all items, as on an invoice (X45); in classic it is
    taken off each (X44).
    """
    together = [list(parts)] if subscription.billing_mode["type"] != "classic" else [[part] for part in parts]
    found = {
        item: one for some in together for item, one in net_prices.full_prices(tx, subscription, some).items()
    }
    return {item: Net(one.net, discounts.off(one.gross, one.net), one.off) for item, one in found.items()}


def item_of(part: Part) -> Item:
    """Return an item as the core decides on it (core/change/items.py)."""
    item, trial = part.item, part.item.current_trial
    return Item(
        id=item.id,
        price=part.price.id,
        name=part.product.name,
        rhythm=part.interval,
        rate=part.rate,
        metered=part.meter is not None,
        quantity=item.quantity,
        start=item.current_period_start,
        end=item.current_period_end,
        billed_until=item.billed_until,
        metered_from=item.metered_from,
        counted_from=item.counted_from,
        billed_use=item.billed_use,
        offer=Offer(trial["trial_offer"], *trial_offers.span(item)) if trial else None,
        trial_days=(part.price.recurring or {}).get("trial_period_days"),
    )


def add_steps(plan: Prorations, part: Part, steps: Iterable[core.Step], billed: Sequence[Billed]) -> None:
    """Add an item's decided steps to the plan; `billed` has the periods that they may end."""
    for step in steps:
        if isinstance(step, core.Ended):
            ended = next((one.period for one in billed if one.period.id == step.period), None)
            period = needed(ended, "the billing period that a change ends")
            more = {} if step.credited is None else {"credited": step.credited}
            plan.ended.append((period, {"period_end": step.until, **more}))
        elif isinstance(step, core.Closed):
            counting = {"counted_from": step.counted_from, "billed_use": step.billed_use}
            plan.begun.append(new_period(plan, part, "metered", step.start, step.end, **counting))
        else:
            add_proration(plan, part, step)


def add_proration(plan: Prorations, part: Part, step: core.Proration) -> None:
    """Add a proration and, for a charge, the billing period that it begins."""
    made = plan.add(
        part.item,
        step.net,
        (step.rest, step.quantity, step.name),
        (step.start, step.end),
        price=step.price,
        product=part.product.id if step.price == part.price.id else None,
        source=step.source,
    )
    if step.rest == "Remaining":
        said = {"invoice_item": made.id, "quantity": step.quantity, "discount": step.net.label}
        plan.begun.append(new_period(plan, part, "licensed", step.start, step.end, **said))


def credit(plan: Prorations, part: Part, billed: Sequence[Billed], at: datetime, net: Net | None) -> None:
    """Credit what was billed for the time from `at` on (core/change/prorations.py)."""
    own = [one.in_core for one in billed]
    anchor = plan.subscription.billing_cycle_anchor
    add_steps(plan, part, core.give_back(item_of(part), own, at, net, anchor), billed)


def forfeit(plan: Prorations, part: Part, billed: Sequence[Billed], at: datetime) -> None:
    """End what was billed at an instant without a credit, because the time is billed anew."""
    own = [one.in_core for one in billed]
    add_steps(plan, part, core.forfeit(item_of(part), own, at), billed)


def charge(plan: Prorations, part: Part, net: Net, since: datetime, until: datetime) -> None:
    """Charge an item for part of its period; `net` is the price of the full one."""
    add_steps(plan, part, core.charge(item_of(part), net, since, until, plan.anchor), ())


def close_usage(plan: Prorations, part: Part, at: datetime, *, kept: bool) -> datetime:
    """End the running period of a metered item; return from when its usage is still to be billed.

    With `kept`, the usage until now is billed at its price (flexible, X29); otherwise it is dropped (X28).
    """
    closed = core.close_usage(item_of(part), at)
    if kept and closed.start < closed.end:
        add_steps(plan, part, [closed], ())
    return closed.end


def new_period(
    plan: Prorations, part: Part, kind: str, start: datetime, end: datetime, **more: Any
) -> BillingPeriod:
    """Make a billing period of an item."""
    return BillingPeriod(
        customer=plan.customer.id,
        subscription=plan.subscription.id,
        subscription_item=part.item.id,
        kind=kind,
        price=part.price.id,
        period_start=start,
        period_end=end,
        **more,
    )


def unused_time(tx: Tx, subscription: Subscription, at: datetime, since: str = "now") -> Prorations:
    """Make the credits for the unused time of licensed items when a subscription stops (§5.12, §5.13).

    `since` says from when: now, from each item's current period start, or not at all. What is not credited
    stays paid, and a resumption in that time does not charge it again.
    """
    customer = rows.find(tx, Customer, subscription.customer)
    plan = Prorations(customer, subscription, subscription.billing_cycle_anchor)
    if subscription.status == "trialing":
        return plan
    parts = [part for part in priced_items.parts_of(tx, [subscription.id])[subscription.id] if not part.meter]
    before, costs = load_billed(tx, subscription.id), net_prices_of(tx, subscription, parts)
    classic = subscription.billing_mode["type"] == "classic"
    for part in reversed(parts):
        own, net = before.get(part.item.id, []), costs[part.item.id] if classic else None
        if since != "none":
            early = since == "item_current_period_start"
            credit(plan, part, own, part.item.current_period_start if early else at, net)
    return plan


def write(tx: Tx, plan: Prorations) -> list[InvoiceItem]:
    """Write the prorations of one subscription, as `write_all` does."""
    return write_all(tx, [plan])


def write_all(tx: Tx, plans: Sequence[Prorations]) -> list[InvoiceItem]:
    """End the billed periods, and write the new periods and the pending invoice items.

    Invoices show the newest item first, so ids are assigned from the last to the first: credits come before
    debits.
    """
    given = [(plan, sorted((item.id for item in plan.items), reverse=True)) for plan in plans]
    rows.update_many(tx, [ended for plan, _ in given for ended in plan.ended])
    rows.insert_many(tx, [period for plan, ids in given for period in periods_with_ids(plan, ids)])
    return rows.insert_many(tx, [item for plan, ids in given for item in items_with_ids(plan, ids)])


def write_items(tx: Tx, plan: Prorations, ids: Sequence[str]) -> list[InvoiceItem]:
    """Write the pending invoice items under these ids, in the order in which they are shown."""
    return rows.insert_many(tx, items_with_ids(plan, ids))


def write_periods(tx: Tx, plan: Prorations, ids: Sequence[str]) -> None:
    """Write the billing periods of items that have these ids."""
    rows.update_many(tx, plan.ended)
    rows.insert_many(tx, periods_with_ids(plan, ids))


def items_with_ids(plan: Prorations, ids: Sequence[str]) -> list[InvoiceItem]:
    """Return the invoice items under their ids."""
    return [item.but(id=id) for item, id in zip(plan.items, ids, strict=True)]


def periods_with_ids(plan: Prorations, ids: Sequence[str]) -> list[BillingPeriod]:
    """Return the new billing periods with the ids of their invoice items."""
    known = {item.id: id for item, id in zip(plan.items, ids, strict=True)}
    return [
        period.but(invoice_item=known[period.invoice_item] if period.invoice_item else None)
        for period in plan.begun
    ]
