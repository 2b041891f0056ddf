"""Add one-time prices to the next invoice of a subscription."""

from collections.abc import Container, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from billow.api import fields as f
from billow.api import rows
from billow.api.fields import SHOWN
from billow.api.params import Params, merged, missing
from billow.core import pricing
from billow.core.errors import require
from billow.flows.billing import priced_items
from billow.flows.billing.currency import check_price_currency
from billow.flows.billing.discounts import DiscountTerm, Owner, redeem
from billow.flows.catalog import prices
from billow.flows.invoices.item_amounts import ItemPriceData
from billow.resources import tax_rate
from billow.resources.customer import Customer
from billow.resources.invoice_item import InvoiceItem
from billow.resources.price import Price, check_usable
from billow.resources.product import Product
from billow.resources.subscription import Subscription
from billow.resources.subscription_item import SubscriptionItem
from billow.store.ids import new_id
from billow.store.tx import Tx


class Start(Params):
    timestamp: datetime | None = f.timestamp()
    type: str = f.choice(SHOWN, "max_item_period_start", "now", "timestamp", required=True)


class End(Params):
    timestamp: datetime | None = f.timestamp()
    type: str = f.choice(SHOWN, "min_item_period_end", "timestamp", required=True)


class Span(Params):
    end: End = f.nested(shape=End, required=True)
    start: Start = f.nested(shape=Start, required=True)


class OneTimeItem(Params):
    discountable: bool | None = f.boolean()
    discounts: list[DiscountTerm] | None = f.array(SHOWN, DiscountTerm, max=20, unset=True)
    metadata: dict[str, str] = f.metadata()
    period: Span | None = f.nested(shape=Span)
    price: str | None = f.ref("price")
    price_data: ItemPriceData | None = f.nested(shape=ItemPriceData)
    quantity: int = f.integer(min=0, max=10**12, default=1)
    tax_rates: list[str] | None = f.array(item=f.ref("tax_rate"), max=10, unset=True)
    agreed: bool = False
    """Set by billow, never by a request: the item was agreed on before, so its price is not checked again."""


@dataclass(frozen=True, slots=True)
class Recipient:
    """The customer and subscription of one-time items, and the items whose period they take by default."""

    customer: Customer
    subscription: Subscription
    items: Sequence[SubscriptionItem]


def insert(tx: Tx, recipient: Recipient, wanted: Sequence[OneTimeItem]) -> list[InvoiceItem]:
    """Insert one-time items as pending invoice items; the next invoice of the subscription bills them."""
    made = [
        invoice_item_of(tx, recipient, extra, f"add_invoice_items[{place}]")
        for place, extra in enumerate(wanted)
    ]
    return rows.insert_many(tx, made)


def invoice_item_of(tx: Tx, recipient: Recipient, extra: OneTimeItem, at: str) -> InvoiceItem:
    """Make the invoice item of a one-time item, and redeem its discounts."""
    subscription, quantity = recipient.subscription, Decimal(extra.quantity)
    price = price_of(tx, extra, at)
    check_price_currency([price], subscription.currency)
    rate = priced_items.rate_of(price, subscription.currency)
    amount = pricing.amount(rate, quantity)
    start, end = span(tx, recipient, extra, at)
    id = new_id(InvoiceItem.prefix)
    rates = extra.tax_rates or []
    owner = Owner(
        recipient.customer,
        subscription.currency,
        {"invoice_item": id},
        [*subscription.discounts, *([recipient.customer.discount] if recipient.customer.discount else [])],
        param=f"{at}[discounts]",
    )
    return InvoiceItem(
        id=id,
        discounts=redeem(tx, extra.discounts or [], owner),
        tax_rates=tax_rate.check_usable(tx, rates, f"{at}[tax_rates]", rates if extra.agreed else ()),
        amount=amount,
        currency=subscription.currency,
        customer=recipient.customer.id,
        description=rows.find(tx, Product, price.product).name,
        discountable=amount >= 0 if extra.discountable is None else extra.discountable,
        metadata=merged({}, extra.metadata),
        price=price.id,
        product=price.product,
        quantity_decimal=quantity,
        unit_amount_decimal=rate.unit_amount,
        subscription=subscription.id,
        test_clock=recipient.customer.test_clock,
        period_start=start,
        period_end=end,
    )


def price_of(tx: Tx, extra: OneTimeItem, at: str, agreed: Container[str] = ()) -> Price:
    """Return the one-time price of an item, or create it from `price_data`.

    A price in `agreed` is not checked again.
    """
    if extra.price_data:
        require(
            extra.price is None,
            "You may only specify one of these parameters: price, price_data.",
            param=f"{at}[price_data]",
            code="parameters_exclusive",
        )
        return prices.create_inline(tx, extra.price_data, f"{at}[price_data]")
    at = f"{at}[price]"
    if extra.price is None:
        raise missing(at)
    price = rows.find(tx, Price, extra.price, param=at)
    if extra.agreed or price.id in agreed:
        return price
    return check_usable(tx, price, at, "one_time")


def span(tx: Tx, recipient: Recipient, extra: OneTimeItem, at: str) -> tuple[datetime, datetime]:
    """Return the period of a one-time item: by default that of the subscription's items (§5.16)."""
    wanted, now = extra.period, tx.now.replace(microsecond=0)
    start = max(item.current_period_start for item in recipient.items)
    end = min(item.current_period_end for item in recipient.items)
    if wanted:
        check_instant(wanted.start, f"{at}[period][start]")
        check_instant(wanted.end, f"{at}[period][end]")
        start = wanted.start.timestamp or (now if wanted.start.type == "now" else start)
        end = wanted.end.timestamp or end
    require(start <= end, "The period of an invoice item ends before it begins.", param=f"{at}[period][end]")
    return start, end


def check_instant(bound: Start | End, at: str) -> None:
    """Check that a timestamp is sent with `type=timestamp`, and only with it."""
    dated = bound.type == "timestamp"
    if dated and bound.timestamp is None:
        raise missing(f"{at}[timestamp]")
    require(
        dated or bound.timestamp is None,
        f"You can only set {at}[timestamp] with {at}[type]=timestamp.",
        param=f"{at}[timestamp]",
    )
