"""Create and update prices, and the product that a request gives with its price."""

from typing import Any

from billow.api import fields as f
from billow.api import rows
from billow.api.params import Params, missing
from billow.core.errors import Refused, require
from billow.flows.catalog import plans
from billow.resources import price as prices
from billow.resources import product as products
from billow.resources.price import Price
from billow.resources.product import FirstPrice, Product, TaxDetails
from billow.store.tx import Tx


class NewProduct(Params):
    """A product that is created with its price, for one use alone."""

    description: str | None = f.text(max=40000)
    images: list[str] | None = f.array(item=f.text(), max=8)
    metadata: dict[str, str] = f.metadata()
    name: str = f.text(required=True)
    tax_code: str | None = f.text()
    tax_details: TaxDetails | None = f.nested(shape=TaxDetails)
    unit_label: str | None = f.text()


@Product.create
def create_product(tx: Tx, product: Product) -> Product:
    """Create a product, and its default price from `default_price_data`."""
    made = products.insert(tx, product)
    first: FirstPrice | None = product.default_price_data
    if first is None:
        return made
    # The product is emitted before its price; setting its default price emits no update.
    given = {name: value for name, value in first.sent().items() if name != "recurring"}
    if first.recurring:
        given["recurring"] = prices.Recurring(**first.recurring.sent()).shown()
    price = insert_price(tx, Price(product=made.id, **given))
    return rows.update(tx, made, event=None, default_price=price.id)


@Price.create
def create_price(tx: Tx, price: Price) -> Price:
    """Create a price for a product that exists, or for a new one with `product_data`."""
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
        price = price.but(product=products.insert(tx, Product(**given)).id)
    return insert_price(tx, price)


def insert_price(tx: Tx, price: Price) -> Price:
    """Insert a price; emit it, and for a recurring price its plan as well."""
    made = prices.insert(tx, price)
    if made.recurring:
        plans.emit_created(tx, made)
    return made


def create_inline(tx: Tx, data: Params, at: str) -> Price:
    """Create a price for one use from `price_data`; it is neither listed nor active (§2.2).

    So is the product that `product_data` describes. `at` is the path of `price_data` in the request, which
    refusals name.
    """
    given = {name: rows.plain_value(value) for name, value in data.sent().items()}
    described = given.pop("product_data", None)
    if given.get("recurring"):
        given["recurring"] = prices.Recurring(**given["recurring"]).shown()
    given["product"] = product_of(tx, given.get("product"), described, at).id
    try:
        return insert_price(tx, Price(**given, active=False, inline=True))
    except Refused as refused:
        refused.param = f"{at}[{refused.param}]"
        raise


def product_of(tx: Tx, id: str | None, described: dict[str, Any] | None, at: str) -> Product:
    """Find the product that `price_data` names, or create the one that it describes."""
    require(
        id is None or described is None,
        "You may only specify one of these parameters: product, product_data.",
        param=f"{at}[product]",
        code="parameters_exclusive",
    )
    if described is not None:
        fields = {name: value for name, value in described.items() if value is not None}
        return products.insert(tx, Product(**fields, active=False))
    if id is None:
        raise missing(f"{at}[product]")
    return products.find_active(tx, id, f"{at}[product]")


@Price.update
def update_price(tx: Tx, price: Price, changes: dict[str, Any]) -> Price:
    """Update a price, except for its amounts."""
    changed = prices.update(tx, price, changes)
    if changed.recurring:
        plans.emit_updated(tx, changed, price)
    return changed
