"""Build the lines of a checkout session or payment link: prices, quantities, and how far these can change."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from billow.api import rows
from billow.api.params import merged, missing
from billow.core.errors import Refused, require
from billow.flows.billing import priced_items
from billow.flows.billing.currency import check_price_currency
from billow.flows.catalog.prices import create_inline
from billow.flows.checkout.params import ChangedLine, Line
from billow.flows.quotes.lines import PricedLine, with_prices
from billow.flows.subscription_terms import items as subscription_items
from billow.resources import tax_rate
from billow.resources.line_item import LineItem
from billow.resources.price import Price, check_usable
from billow.resources.product import Product
from billow.store.ids import new_id
from billow.store.tx import Tx

MAX_RECURRING = 20
Holder = dict[str, str]
"""The column of a line that says whose it is, and the id: `{"session": "cs_test_…"}`."""


def lines_of(tx: Tx, column: str, id: str) -> list[PricedLine]:
    """Return the stored lines of a session or link, with their prices and products."""
    return with_prices(tx, rows.select(tx, LineItem, f"{column} = %(id)s", id=id))


def build(
    tx: Tx, wanted: Sequence[Line], holder: Holder, mode: str, currency: str | None
) -> list[PricedLine]:
    """Build the lines of a request, in the currency that it names or else in that of the first price."""
    built: list[PricedLine] = []
    for place, line in enumerate(wanted):
        at = f"line_items[{place}]"
        price = price_of(tx, line, at)
        currency = currency or price.currency
        check_quantity(line, price, at)
        product = rows.find(tx, Product, price.product, deleted=True)
        item = LineItem(
            id=new_id(LineItem.prefix),
            adjustable_quantity=adjustable(line, at),
            currency=currency,
            description=product.name,
            metadata=merged({}, line.metadata),
            position=place,
            price=price.id,
            quantity=None if priced_items.meter_of(price) else line.quantity,
            tax_rates=tax_rate.check_usable(tx, line.tax_rates or [], f"{at}[tax_rates]"),
        )
        built.append(PricedLine(item.but(**holder), price, product))
    check_together(built, mode, currency)
    return built


def price_of(tx: Tx, line: Line, at: str) -> Price:
    """Return the price that a line names, or create it from `price_data`; it must be active."""
    require(
        line.price is None or line.price_data is None,
        "You may only specify one of these parameters: price, price_data.",
        param=f"{at}[price]",
        code="parameters_exclusive",
    )
    if line.price_data:
        return create_inline(tx, line.price_data, f"{at}[price_data]")
    if line.price is None:
        raise missing(f"{at}[price]")
    price = rows.find(tx, Price, line.price, param=f"{at}[price]")
    return check_usable(tx, price, f"{at}[price]")


def check_quantity(line: Line, price: Price, at: str) -> None:
    """Require a quantity, and refuse one for a metered price: its meter measures it (T50)."""
    metered = priced_items.meter_of(price) is not None
    require(
        not metered or line.quantity is None,
        f"Quantity should not be specified where usage_type is `metered`. Remove `quantity` from `{at}`",
        param=f"{at}[quantity]",
    )
    require(
        metered or line.quantity is not None or isinstance(line, ChangedLine),
        f"Quantity is required. Add `quantity` to `{at}`",
        param=f"{at}[quantity]",
    )


def adjustable(line: Line, at: str) -> dict[str, Any] | None:
    """Return how far the customer may change the quantity; a customer buys from 0 to 99 unless it says so."""
    wanted = line.adjustable_quantity
    if wanted is None:
        return None
    least, most = wanted.minimum or 0, wanted.maximum or 99
    require(
        not wanted.enabled or least <= (line.quantity or 0) <= most,
        f"The quantity must be between the minimum ({least}) and the maximum ({most}).",
        param=f"{at}[adjustable_quantity]",
    )
    return {
        "enabled": wanted.enabled,
        "maximum": most if wanted.enabled else None,
        "minimum": least if wanted.enabled else None,
    }


def check_together(lines: Sequence[PricedLine], mode: str, currency: str | None) -> None:
    """Check that the lines fit the mode, and that those that recur can form one subscription (§9.1)."""
    recurring = [one for one in lines if one.recurs]
    if mode == "payment":
        require(
            not recurring,
            "You specified `payment` mode but passed a recurring price. Either switch to `subscription` mode"
            " or use only one-time prices.",
            param="line_items",
        )
    else:
        require(
            recurring,
            "You must provide at least one recurring price in `subscription` mode when using prices.",
            param="line_items",
        )
        require(
            len(recurring) <= MAX_RECURRING and len(lines) - len(recurring) <= MAX_RECURRING,
            f"You can have at most {MAX_RECURRING} recurring line items and as many one-time ones.",
            param="line_items",
        )
        require(
            len({one.rhythm for one in recurring}) == 1,
            "All prices on a subscription must have the same `recurring.interval` and"
            " `recurring.interval_count`.",
            param="line_items",
        )
    try:
        check_price_currency([one.price for one in lines], currency or "")
        for place, one in enumerate(recurring):
            subscription_items.check_price_unused(
                one.price, [earlier.price.id for earlier in recurring[:place]]
            )
    except Refused as refused:
        refused.param = "line_items"
        raise


def with_quantities(lines: Sequence[PricedLine], chosen: dict[str, int]) -> list[PricedLine]:
    """Return the lines with the quantities that the customer chose, within what may be chosen."""
    found = []
    for one in lines:
        quantity = chosen.get(one.item.id, one.item.quantity)
        allowed = one.item.adjustable_quantity or {"enabled": False}
        if allowed["enabled"] and quantity is not None:
            quantity = min(max(quantity, allowed["minimum"]), allowed["maximum"])
        else:
            quantity = one.item.quantity
        found.append(replace(one, item=one.item.but(quantity=quantity)))
    return found
