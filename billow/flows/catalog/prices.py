"""Create and update prices, with their product in the same request where it is given inline."""

from dataclasses import replace
from typing import Any

from billow.api import rows
from billow.api.params import Params
from billow.core.errors import Refused
from billow.flows.catalog import plans
from billow.resources import price as prices
from billow.resources import product as products
from billow.resources.price import Price
from billow.resources.product import FirstPrice, Product
from billow.store.tx import Tx


@Product.create
def create_product(tx: Tx, product: Product) -> Product:
    """Create a product, with `default_price_data` also its first price."""
    made = products.insert(tx, product)
    first: FirstPrice | None = product.default_price_data
    if first is None:
        return made
    # A price is told after its product, and the product does not change by having one.
    given = {name: value for name, value in first.sent().items() if name != "recurring"}
    if first.recurring:
        given["recurring"] = prices.Recurring(**first.recurring.sent()).shown()
    price = on_sale(tx, Price(product=made.id, **given))
    return rows.update(tx, made, event=None, default_price=price.id)


@Price.create
def create_price(tx: Tx, price: Price) -> Price:
    """Create a price for a product that exists, or with `product_data` for a new one."""
    if price.product and price.product_data:
        raise Refused(
            "You may only specify one of these parameters: product, product_data.",
            param="product_data",
            code="parameters_exclusive",
        )
    if not price.product and not price.product_data:
        raise Refused("Missing required param: product.", param="product", code="parameter_missing")
    if price.product_data:
        given = {name: rows.plain_value(value) for name, value in price.product_data.sent().items()}
        price = replace(price, product=products.insert(tx, Product(**given)).id)
    return on_sale(tx, price)


def on_sale(tx: Tx, price: Price) -> Price:
    """Write a new price; one that recurs is told as a plan as well."""
    made = prices.insert(tx, price)
    if made.recurring:
        plans.told(tx, made)
    return made


def inline(tx: Tx, data: Params, at: str) -> Price:
    """A price for one use, from `price_data`: it is neither listed nor active (§2.2)."""
    given = {name: rows.plain_value(value) for name, value in data.sent().items()}
    product = products.find_active(tx, given["product"], f"{at}[product]")
    if given.get("recurring"):
        given["recurring"] = prices.Recurring(**given["recurring"]).shown()
    try:
        return on_sale(tx, Price(**{**given, "product": product.id}, active=False, inline=True))
    except Refused as refused:
        refused.param = f"{at}[{refused.param}]"
        raise


@Price.update
def update_price(tx: Tx, price: Price, changes: dict[str, Any]) -> Price:
    """Update what does not change the amounts of a price."""
    changed = prices.update(tx, price, changes)
    if changed.recurring:
        plans.told_again(tx, changed, price)
    return changed
