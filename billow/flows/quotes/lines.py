"""Build the lines of a quote: prices, quantities and discounts."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from typing import Any

from billow.api import fields as f
from billow.api import rows
from billow.api.fields import SHOWN
from billow.api.params import Params, made, missing
from billow.core import anchors
from billow.core.bounds import LARGEST
from billow.core.errors import Refused, require
from billow.flows.billing import priced_items
from billow.flows.billing.discounts import DiscountTerm, Owner, new_discount, redeemable
from billow.flows.catalog.prices import create_inline
from billow.flows.subscription_terms import items as subscription_terms_items
from billow.resources import tax_rate
from billow.resources.customer import Customer
from billow.resources.discount import Discount
from billow.resources.line_item import LineItem
from billow.resources.price import BEHAVIORS, Price, check_usable
from billow.resources.product import Product
from billow.resources.quote import Quote
from billow.store.ids import new_id
from billow.store.tx import Tx

MAX_LINES = 20
"""The most items of a subscription, and the most one-time items on its first invoice."""


class QuotePriceData(Params):
    """The price that `price_data` creates for this quote alone, one-time or recurring."""

    currency: str = f.currency(required=True)
    product: str = f.ref("product", required=True)
    recurring: subscription_terms_items.Rhythm | None = f.nested(shape=subscription_terms_items.Rhythm)
    tax_behavior: str = f.choice(SHOWN, *BEHAVIORS, default="unspecified")
    unit_amount: int | None = f.amount(min=0)
    unit_amount_decimal: Decimal | None = f.decimal(min=0, max=LARGEST)


class NewLine(Params):
    discounts: list[DiscountTerm] | None = f.array(SHOWN, DiscountTerm, max=20, unset=True)
    price: str | None = f.ref("price")
    price_data: QuotePriceData | None = f.nested(shape=QuotePriceData)
    quantity: int | None = f.integer(min=0, max=10**12)
    tax_rates: list[str] | None = f.array(item=f.ref("tax_rate"), max=10, unset=True)


class Line(NewLine):
    id: str | None = f.text()


@dataclass(frozen=True, slots=True)
class PricedLine:
    """A line of a quote with its price and product."""

    item: LineItem
    price: Price
    product: Product
    share: Fraction = anchors.FULL
    """The fraction of its first period that is charged, which is partial where the cycle has an anchor."""

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


def lines_of(tx: Tx, quote: Quote) -> list[PricedLine]:
    """Return the stored lines of a quote, with their prices and products."""
    return with_prices(tx, rows.select(tx, LineItem, "quote = %(id)s", id=quote.id))


def with_prices(tx: Tx, items: Sequence[LineItem]) -> list[PricedLine]:
    prices = rows.find_many(tx, Price, [item.price for item in items])
    products_by_id = rows.find_many(tx, Product, [price.product for price in prices.values()])
    return [
        PricedLine(item, prices[item.price], products_by_id[prices[item.price].product]) for item in items
    ]


def replace_lines(
    tx: Tx,
    quote: Quote,
    customer: Customer | None,
    wanted: Sequence[NewLine],
    before: Sequence[PricedLine] = (),
) -> list[PricedLine]:
    """Build the lines of a request, in place of `before`; a line named by its id is kept and updated."""
    known = {one.item.id: one for one in before}
    built = []
    for place, line in enumerate(wanted):
        at = f"line_items[{place}]"
        old = line_by_id(known, line, at)
        price = price_of(tx, line, at) if old is None or names_a_price(line) else old.price
        check_quantity(line, price, at)
        item = LineItem(currency=price.currency, price=price.id, quote=quote.id) if old is None else old.item
        product = rows.find(tx, Product, price.product, deleted=True)
        owner = discount_owner(customer, price.currency, item.own_discounts)
        owner = replace(owner, param=f"{at}[discounts]")
        built.append(
            PricedLine(
                item.but(
                    id=item.id or new_id(LineItem.prefix),
                    currency=price.currency,
                    description=product.name,
                    own_discounts=apply_discounts(tx, line, owner, item.own_discounts),
                    position=place,
                    price=price.id,
                    quantity=quantity_of(line, price, item),
                    tax_rates=tax_rates_of(tx, line, item.tax_rates, f"{at}[tax_rates]"),
                ),
                price,
                product,
            )
        )
    check_together(built)
    return built


def line_by_id(known: dict[str, PricedLine], line: NewLine, at: str) -> PricedLine | None:
    """Find the existing line that has the id in the request, and refuse an id that is unknown or repeated."""
    id = line.id if isinstance(line, Line) else None
    if id is None:
        return None
    if id not in known:
        raise Refused(f"No such line item: '{id}'", param=f"{at}[id]", code="resource_missing")
    return known.pop(id)


def names_a_price(line: NewLine) -> bool:
    return line.price is not None or line.price_data is not None


def price_of(tx: Tx, line: NewLine, at: str) -> Price:
    """Return the price that a line names, or create it from `price_data`.

    It must be active and have an amount.
    """
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
    return check_usable(tx, price, at)


def check_quantity(line: NewLine, price: Price, at: str) -> None:
    """Refuse a quantity for a metered price: its meter measures the quantity (T50)."""
    require(
        priced_items.meter_of(price) is None or line.quantity is None,
        "You cannot set the quantity for metered plans.",
        param=f"{at}[quantity]",
    )


def quantity_of(line: NewLine, price: Price, old: LineItem) -> int | None:
    if priced_items.meter_of(price):
        return None
    return line.quantity if line.quantity is not None else 1 if old.quantity is None else old.quantity


def tax_rates_of(tx: Tx, line: NewLine, before: list[str], at: str) -> list[str]:
    return tax_rate.check_usable(tx, line.tax_rates or [], at) if line.given("tax_rates") else before


def check_together(lines: Sequence[PricedLine]) -> None:
    """Check that the recurring lines can form one subscription, with the others on its first invoice."""
    recurring = [one for one in lines if one.recurs]
    once = [one for one in lines if not one.recurs]
    require(
        len({one.price.currency for one in lines}) <= 1,
        "All prices on a quote must have the same currency.",
        param="line_items",
    )
    too_many = len(recurring) > MAX_LINES or (recurring and len(once) > MAX_LINES)
    require(
        not too_many,
        f"A quote can have at most {MAX_LINES} items that recur, and as many besides them.",
        param="line_items",
    )
    try:
        for place, one in enumerate(recurring):
            subscription_terms_items.check_price_unused(
                one.price, [earlier.price.id for earlier in recurring[:place]]
            )
        if recurring:
            subscription_terms_items.check_together([one.price for one in recurring])
    except Refused as refused:
        refused.param = "line_items"
        raise


def currency_of(lines: Sequence[PricedLine]) -> str | None:
    return lines[0].price.currency if lines else None


def discount_owner(
    customer: Customer | None, currency: str | None, present: Sequence[str], subtotal: int | None = None
) -> Owner:
    """Describe who redeems the discounts of a quote, which may have no customer yet."""
    return Owner(customer or Customer(), currency, present=present, subtotal=subtotal)


def apply_discounts(tx: Tx, wanted: Any, owner: Owner, before: Sequence[str]) -> list[str]:
    """Return the ids of the discounts after a request, and insert those that are new.

    They are validated now; redeemed and counted when the quote is accepted. `""` removes the discounts, `[]`
    leaves them as they are (T21).
    """
    if not wanted.given("discounts") or wanted.discounts == []:
        return list(before)
    found = redeemable(tx, wanted.discounts or [], owner)
    new = [new_discount(tx, one, owner) for one in found if one.kept is None]
    fresh = iter(rows.insert_many(tx, [one.but(customer=one.customer or None) for one in new], event=None))
    return [one.kept.id if one.kept else next(fresh).id for one in found]


def discount_params(tx: Tx, ids: Sequence[str]) -> list[DiscountTerm]:
    """Return the params that redeem these discounts when the quote is accepted: the promotion code or coupon.

    The customer's own discount exists already, so it is named by its id.
    """
    known = rows.find_many(tx, Discount, ids)
    holders = rows.find_many(tx, Customer, [one.customer for one in known.values() if one.customer])
    own = {customer.discount for customer in holders.values()}
    return [discount_param(known[id], of_customer=id in own) for id in ids]


def discount_param(one: Discount, *, of_customer: bool) -> DiscountTerm:
    if of_customer:
        return made(DiscountTerm, discount=one.id)
    if one.promotion_code:
        return made(DiscountTerm, promotion_code=one.promotion_code)
    return made(DiscountTerm, coupon=one.coupon)
