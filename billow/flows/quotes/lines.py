"""Make the lines of a quote: prices, quantities, discounts."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from billow.api import fields as f
from billow.api import rows
from billow.api.fields import SHOWN
from billow.api.params import Params, made, missing
from billow.core.bounds import LARGEST
from billow.core.errors import Refused, require
from billow.flows.billing import priced_items
from billow.flows.billing.discounts import DiscountTerm, Owner, made_from, redeemable
from billow.flows.catalog.prices import create_inline
from billow.flows.subscription_terms import items as subscription_terms_items
from billow.resources import product as products
from billow.resources import tax_rate
from billow.resources.customer import Customer
from billow.resources.discount import Discount
from billow.resources.line_item import LineItem
from billow.resources.price import BEHAVIORS, Price
from billow.resources.product import Product
from billow.resources.quote import Quote
from billow.store.ids import new_id
from billow.store.tx import Tx

MOST = 20
"""So many items a subscription may have, and so many things besides on its first invoice."""


class OfferedPrice(Params):
    """A price that is made for this quote, for once or recurring; nobody else can use it."""

    currency: str = f.currency(required=True)
    product: str = f.ref("product", required=True)
    recurring: subscription_terms_items.Rhythm | None = f.hash(shape=subscription_terms_items.Rhythm)
    tax_behavior: str = f.choice(SHOWN, *BEHAVIORS, default="unspecified")
    unit_amount: int | None = f.amount(min=0)
    unit_amount_decimal: Decimal | None = f.decimal(min=0, max=LARGEST)


class NewLine(Params):
    discounts: list[DiscountTerm] | None = f.array(SHOWN, DiscountTerm, max=20, unset=True)
    price: str | None = f.ref("price")
    price_data: OfferedPrice | None = f.hash(shape=OfferedPrice)
    quantity: int | None = f.integer(min=0, max=10**12)
    tax_rates: list[str] | None = f.array(item=f.ref("tax_rate"), max=10, unset=True)


class Line(NewLine):
    id: str | None = f.text()


@dataclass(frozen=True, slots=True)
class Offered:
    """A line with all that prices it."""

    item: LineItem
    price: Price
    product: Product

    @property
    def recurs(self) -> bool:
        return self.price.type == "recurring"

    @property
    def metered(self) -> bool:
        return priced_items.meter_of(self.price) is not None

    @property
    def rhythm(self) -> tuple[str, int]:
        recurring = self.price.recurring or {}
        return recurring["interval"], recurring["interval_count"]


def present(tx: Tx, quote: Quote) -> list[Offered]:
    """The lines of a quote as they are."""
    return priced(tx, rows.select(tx, LineItem, "quote = %(id)s", id=quote.id))


def priced(tx: Tx, items: Sequence[LineItem]) -> list[Offered]:
    prices = rows.find_many(tx, Price, [item.price for item in items])
    sold = rows.find_many(tx, Product, [price.product for price in prices.values()])
    return [Offered(item, prices[item.price], sold[prices[item.price].product]) for item in items]


def chosen(
    tx: Tx, quote: Quote, customer: Customer | None, wanted: Sequence[NewLine], before: Sequence[Offered] = ()
) -> list[Offered]:
    """The lines that are asked for, in place of those before: one that is named by its id goes on."""
    known = {offered.item.id: offered for offered in before}
    found = []
    for place, line in enumerate(wanted):
        at = f"line_items[{place}]"
        old = kept(known, line, at)
        price = price_of(tx, line, at) if old is None or named(line) else old.price
        check_quantity(line, price, at)
        item = LineItem(currency=price.currency, price=price.id, quote=quote.id) if old is None else old.item
        sold = rows.find(tx, Product, price.product, deleted=True)
        whose = owner(customer, price.currency, item.own_discounts)
        whose = replace(whose, param=f"{at}[discounts]")
        found.append(Offered(
            item.but(
                id=item.id or new_id(LineItem.prefix),
                currency=price.currency,
                description=sold.name,
                own_discounts=promised(tx, line, whose, item.own_discounts),
                position=place,
                price=price.id,
                quantity=quantity_of(line, price, item),
                tax_rates=rates_of(tx, line, item.tax_rates, f"{at}[tax_rates]"),
            ),
            price,
            sold,
        ))  # fmt: skip
    check_together(found)
    return found


def kept(known: dict[str, Offered], line: NewLine, at: str) -> Offered | None:
    """The line that is meant by its id; each can be meant once."""
    id = line.id if isinstance(line, Line) else None
    if id is None:
        return None
    if id not in known:
        raise Refused(f"No such line item: '{id}'", param=f"{at}[id]", code="resource_missing")
    return known.pop(id)


def named(line: NewLine) -> bool:
    return line.price is not None or line.price_data is not None


def price_of(tx: Tx, line: NewLine, at: str) -> Price:
    """The price that a line names, or that is made for it: active, and with an amount."""
    require(
        line.price is None or line.price_data is None,
        "You may only specify one of these parameters: price, price_data.",
        param=f"{at}[price_data]",
        code="parameters_exclusive",
    )
    if line.price_data:
        return create_inline(tx, line.price_data, f"{at}[price_data]")
    at = f"{at}[price]"
    if line.price is None:
        raise missing(at)
    price = rows.find(tx, Price, line.price, param=at)
    require(price.active, "The price specified is inactive. This field only accepts active prices.", param=at)
    products.check_active(tx, price.product, at)
    amount = price.billing_scheme == "tiered" or price.unit_amount_decimal is not None
    require(amount and price.custom_unit_amount is None, "The price specified has no unit amount.", param=at)
    return price


def check_quantity(line: NewLine, price: Price, at: str) -> None:
    """Measured use has no quantity of its own (T50)."""
    require(
        priced_items.meter_of(price) is None or line.quantity is None,
        "You cannot set the quantity for metered plans.",
        param=f"{at}[quantity]",
    )


def quantity_of(line: NewLine, price: Price, old: LineItem) -> int | None:
    if priced_items.meter_of(price):
        return None
    return line.quantity if line.quantity is not None else 1 if old.quantity is None else old.quantity


def rates_of(tx: Tx, line: NewLine, before: list[str], at: str) -> list[str]:
    return tax_rate.check_usable(tx, line.tax_rates or [], at) if line.given("tax_rates") else before


def check_together(offered: Sequence[Offered]) -> None:
    """What recurs must be able to be one subscription, and the rest to be on its first invoice."""
    recurring = [one for one in offered if one.recurs]
    once = [one for one in offered if not one.recurs]
    require(
        len({one.price.currency for one in offered}) <= 1,
        "All prices on a quote must have the same currency.",
        param="line_items",
    )
    too_many = len(recurring) > MOST or (recurring and len(once) > MOST)
    require(not too_many, f"A quote can have at most {MOST} items that recur, and as many besides them.",
            param="line_items")  # fmt: skip
    try:
        for place, one in enumerate(recurring):
            subscription_terms_items.check_new(one.price, [earlier.price.id for earlier in recurring[:place]])
        if recurring:
            subscription_terms_items.check_together([one.price for one in recurring])
    except Refused as refused:
        refused.param = "line_items"
        raise


def currency_of(offered: Sequence[Offered]) -> str | None:
    return offered[0].price.currency if offered else None


def owner(
    customer: Customer | None, currency: str | None, there: Sequence[str], subtotal: int | None = None
) -> Owner:
    """Whoever gets the discounts of a quote; nobody may be known yet."""
    return Owner(customer or Customer(), currency, present=there, subtotal=subtotal)


def promised(tx: Tx, wanted: Any, whose: Owner, before: Sequence[str]) -> list[str]:
    """The discounts that a request leaves: checked now, redeemed and counted when the quote is accepted.

    `""` takes them off, `[]` leaves them (T21).
    """
    if not wanted.given("discounts") or wanted.discounts == []:
        return list(before)
    found = redeemable(tx, wanted.discounts or [], whose)
    new = [made_from(tx, one, whose) for one in found if one.kept is None]
    fresh = iter(rows.insert_many(tx, [one.but(customer=one.customer or None) for one in new], event=None))
    return [one.kept.id if one.kept else next(fresh).id for one in found]


def wished(tx: Tx, ids: Sequence[str]) -> list[DiscountTerm]:
    """What was promised, as it is asked for when the quote is accepted: the code or coupon itself.

    The customer's own discount is there already.
    """
    known = rows.find_many(tx, Discount, ids)
    holders = rows.find_many(tx, Customer, [one.customer for one in known.values() if one.customer])
    held = {customer.discount for customer in holders.values()}
    return [term_of(known[id], given=id in held) for id in ids]


def term_of(one: Discount, *, given: bool) -> DiscountTerm:
    if given:
        return made(DiscountTerm, discount=one.id)
    if one.promotion_code:
        return made(DiscountTerm, promotion_code=one.promotion_code)
    return made(DiscountTerm, coupon=one.coupon)
