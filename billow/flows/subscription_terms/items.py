"""Check the items of a subscription: their prices, quantities, thresholds, and whether they fit together."""

from collections.abc import Container, Iterable, Sequence
from decimal import Decimal
from typing import Any

from billow.api import fields as f
from billow.api import rows
from billow.api.fields import SHOWN
from billow.api.params import Params, missing
from billow.core import bounds, pricing
from billow.core.bounds import LARGEST
from billow.core.errors import require
from billow.flows.billing import priced_items
from billow.flows.billing.currency import check_price_currency
from billow.flows.billing.discounts import DiscountTerm, Owner, redeem
from billow.flows.catalog.prices import create_inline
from billow.flows.subscription_terms import trial_offers
from billow.resources import tax_rate
from billow.resources.price import BEHAVIORS, Price, check_usable
from billow.resources.subscription_item import UsageThreshold
from billow.resources.trial_offer import TrialOffer
from billow.store.tx import Tx


class Rhythm(Params):
    interval: str = f.choice(SHOWN, "day", "week", "month", "year", required=True)
    interval_count: int = f.integer(min=1, default=1)


class PriceData(Params):
    """A recurring price that is created for this item; it is not listed and cannot be used elsewhere."""

    currency: str = f.currency(required=True)
    product: str = f.ref("product", required=True)
    recurring: Rhythm = f.nested(shape=Rhythm, required=True)
    tax_behavior: str = f.choice(SHOWN, *BEHAVIORS, default="unspecified")
    unit_amount: int | None = f.amount(min=0)
    unit_amount_decimal: Decimal | None = f.decimal(min=0, max=LARGEST)


class Item(Params):
    billing_thresholds: UsageThreshold | None = f.nested(shape=UsageThreshold, unset=True)
    discounts: list[DiscountTerm] | None = f.array(SHOWN, DiscountTerm, max=20, unset=True)
    metadata: dict[str, str] = f.metadata()
    plan: str | None = f.ref("plan")
    price: str | None = f.ref("price")
    price_data: PriceData | None = f.nested(shape=PriceData)
    quantity: int | None = f.integer(min=0, max=10**12)
    tax_rates: list[str] | None = f.array(item=f.ref("tax_rate"), max=10, unset=True)
    current_trial: trial_offers.CurrentTrial | None = None
    agreed: bool = False
    """Set by billow, never by a request: the item was agreed on before, so its price is not checked again."""


class OfferedItem(Item):
    """An item of a subscription itself; only such an item may start with a trial offer."""

    current_trial: trial_offers.CurrentTrial | None = f.nested(shape=trial_offers.CurrentTrial)


FORMS = ("price", "plan", "price_data")


def names_a_price(item: Item) -> bool:
    """Return whether an item names a price; a change of an item need not."""
    return any(getattr(item, name) is not None for name in FORMS)


def form_of(item: Item, at: str) -> str:
    """Return the param by which an item names its price, of which there must be exactly one."""
    given = [name for name in FORMS if getattr(item, name) is not None]
    if not given:
        raise missing(f"{at}[price]")
    require(
        len(given) == 1,
        f"You may only specify one of these parameters: {', '.join(given)}.",
        param=f"{at}[{given[-1]}]",
        code="parameters_exclusive",
    )
    return given[0]


def price_of(
    tx: Tx, item: Item, at: str, agreed: Container[str] = (), offer: TrialOffer | None = None
) -> Price:
    """Return the price of an item, which must be active, recurring and with an amount.

    `at` is the item's param. A price in `agreed` is not checked again; with an `offer` it is the offer's
    price.
    """
    if offer:
        if names_a_price(item):
            form_of(item, at)  # refuses more than one
        return trial_offers.price_of(tx, item, offer, at)
    form = form_of(item, at)
    at = f"{at}[{form}]"
    if item.price_data:
        return create_inline(tx, item.price_data, at)
    price = rows.find(tx, Price, item.price or item.plan or "", param=at)
    if item.agreed or price.id in agreed:
        return price
    return check_usable(tx, price, at, "recurring")


def billing_of(tx: Tx, item: Item, owner: Owner) -> dict[str, Any]:
    """Return the discounts of a new item, redeemed now, and its tax rates."""
    at = owner.param.removesuffix("[discounts]")
    return {
        "discounts": redeem(tx, item.discounts or [], owner),
        "tax_rates": rates_of(tx, item, f"{at}[tax_rates]"),
    }


def rates_of(tx: Tx, item: Item, at: str) -> list[str]:
    """Return the tax rates of an item, after checking that they can be used."""
    rates = item.tax_rates or []
    return tax_rate.check_usable(tx, rates, at, rates if item.agreed else ())


def check_quantity(item: Item, price: Price, at: str) -> None:
    """Refuse a quantity for a metered price: its meter measures the quantity (T50)."""
    require(
        priced_items.meter_of(price) is None or item.quantity is None,
        "You cannot set the quantity for metered plans.",
        param=f"{at}[quantity]",
    )


def check_threshold(item: Item, price: Price, at: str) -> None:
    """Refuse a usage threshold for a licensed price, whose quantity is known beforehand (§4.5)."""
    require(
        priced_items.meter_of(price) is not None or item.billing_thresholds is None,
        "You can only set `billing_thresholds[usage_gte]` on items with metered prices.",
        param=f"{at}[billing_thresholds]",
    )


def threshold_of(item: Item) -> dict[str, Any] | None:
    """Return the billing threshold of an item as it is stored."""
    return item.billing_thresholds.shown() if item.billing_thresholds else None


def check_price_unused(price: Price, taken: Container[str]) -> None:
    """Check that no other item of the subscription has this price (§5.1)."""
    require(
        price.id not in taken,
        f"Cannot add multiple subscription items with the same price: {price.id}",
        param="items",
    )


def check_lasting(
    prices: Sequence[Price], lasting: Sequence[Price], currency: str | None, *, classic: bool = False
) -> None:
    """Check the prices of items together with those after their trial offers; no price may occur twice.

    An offer has a period of its own, so only the prices after the offers must fit together.
    """
    check_together(lasting, currency, classic=classic)
    check_price_currency([*prices, *lasting], currency)
    taken: set[str] = set()
    for price, then in zip(prices, lasting, strict=True):
        if then.id != price.id:
            check_price_unused(price, taken)
        check_price_unused(then, taken)
        taken |= {price.id, then.id}


def check_amounts(wanted: Iterable[tuple[Price, int | None]], currency: str | None, param: str) -> None:
    """Check that one period of all licensed items fits on an invoice; metered usage is not known yet."""
    owed = (
        pricing.amount(
            priced_items.rate_of(price, currency or price.currency), Decimal(1 if many is None else many)
        )
        for price, many in wanted
        if priced_items.meter_of(price) is None
    )
    bounds.check([sum(owed)], param)


def check_together(prices: Iterable[Price], currency: str | None = None, *, classic: bool = False) -> None:
    """Check that prices share a currency, and that all intervals are multiples of the shortest (§5.14).

    In classic mode all intervals must be the same.
    """
    all_of_them = list(prices)
    check_price_currency(all_of_them, currency)
    periods = [(p.recurring["interval"], p.recurring["interval_count"]) for p in all_of_them if p.recurring]
    units = {"month": 1, "year": 12}
    days = {"day": 1, "week": 7}
    in_months = [units[interval] * count for interval, count in periods if interval in units]
    in_days = [days[interval] * count for interval, count in periods if interval in days]
    fits = all(n % min(in_months) == 0 for n in in_months) and all(n % min(in_days) == 0 for n in in_days)
    # Days and months fit together only with an interval of one day, since months differ in length.
    fits = fits and (not in_days or not in_months or min(in_days) == 1)
    require(fits, "The intervals of the prices must be multiples of the shortest of them.", param="items")
    require(
        not classic or len(set(periods)) == 1,
        "All prices on a subscription with `billing_mode[type]=classic` must have the same `interval` and"
        " `interval_count`.",
        param="items",
    )
