"""What may an item of a subscription be: a recurring price, how often, and how prices go together?"""

from collections.abc import Container, Iterable

from billow.api import fields as f
from billow.api import rows
from billow.api.params import Params
from billow.core.errors import require
from billow.flows import bill
from billow.resources import product as products
from billow.resources.price import Price
from billow.store.tx import Tx


class Item(Params):
    price: str = f.ref("price", required=True)
    quantity: int | None = f.integer(min=0, max=10**12)
    metadata: dict[str, str] = f.metadata()


def price_of(tx: Tx, item: Item, at: str) -> Price:
    """The price that an item names: active, recurring, and with an amount. `at` is the item's parameter."""
    at = f"{at}[price]"
    price = rows.find(tx, Price, item.price, param=at)
    require(price.active, "The price specified is inactive. This field only accepts active prices.", param=at)
    products.check_active(tx, price.product, at)
    require(
        price.type == "recurring",
        "The price specified is set to `type=one_time` but this field only accepts"
        " prices with `type=recurring`.",
        param=at,
    )
    require(
        price.billing_scheme == "tiered" or price.unit_amount_decimal is not None,
        "The price specified has no unit amount.",
        param=at,
    )
    return price


def check_quantity(item: Item, price: Price, at: str) -> None:
    """Measured use has no quantity of its own (T50)."""
    require(
        bill.meter_of(price) is None or item.quantity is None,
        "You cannot set the quantity for metered plans.",
        param=f"{at}[quantity]",
    )


def check_new(price: Price, taken: Container[str]) -> None:
    """Each price is on one item of a subscription (§5.1)."""
    require(
        price.id not in taken,
        f"Cannot add multiple subscription items with the same price: {price.id}",
        param="items",
    )


def check_together(prices: Iterable[Price]) -> None:
    """One currency, and every interval a whole multiple of the shortest (§5.14)."""
    all_of_them = list(prices)
    currencies = {price.currency for price in all_of_them}
    require(len(currencies) == 1, "All prices on a subscription must have the same currency.", param="items")
    periods = [(p.recurring["interval"], p.recurring["interval_count"]) for p in all_of_them if p.recurring]
    units = {"month": 1, "year": 12}
    days = {"day": 1, "week": 7}
    in_months = [units[interval] * count for interval, count in periods if interval in units]
    in_days = [days[interval] * count for interval, count in periods if interval in days]
    fits = all(n % min(in_months) == 0 for n in in_months) and all(n % min(in_days) == 0 for n in in_days)
    # Days and months meet only where the days are single ones: every month is a whole number of days.
    fits = fits and (not in_days or not in_months or min(in_days) == 1)
    require(fits, "The intervals of the prices must be multiples of the shortest of them.", param="items")
