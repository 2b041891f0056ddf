"""Products: what is sold."""

import re
from datetime import datetime
from decimal import Decimal
from typing import Any

from billow.api import fields as f
from billow.api import rows
from billow.api.fields import CREATE, UPDATE, WRITE
from billow.api.params import Params
from billow.api.resource import Resource, Where
from billow.core.bounds import LARGEST
from billow.core.errors import Refused, require
from billow.store.search import Searched
from billow.store.tx import Tx

ID = re.compile(r"[A-Za-z0-9._-]+")


class MarketingFeature(Params):
    name: str = f.text(max=80, required=True)


class PackageDimensions(Params):
    height: Decimal = f.number(above=0, required=True)
    length: Decimal = f.number(above=0, required=True)
    weight: Decimal = f.number(above=0, required=True)
    width: Decimal = f.number(above=0, required=True)


class TaxDetails(Params):
    performance_location: str | None = f.text(unset=True)
    tax_code: str | None = f.text(unset=True)


class FirstRecurring(Params):
    interval: str = f.choice(CREATE, "day", "week", "month", "year", required=True)
    interval_count: int = f.integer(min=1, default=1)


class FirstPrice(Params):
    """The price that is created with its product."""

    currency: str = f.currency(required=True)
    metadata: dict[str, str] = f.metadata()
    recurring: FirstRecurring | None = f.nested(shape=FirstRecurring)
    tax_behavior: str | None = f.choice(CREATE, "exclusive", "inclusive", "unspecified")
    unit_amount: int | None = f.amount(min=0)
    unit_amount_decimal: Decimal | None = f.decimal(min=0, max=LARGEST)


class Product(Resource, object="product", path="/v1/products", prefix="prod_"):
    """What is sold. Its prices say how much it costs."""

    steady = True
    searched = {
        "active": Searched("flag", "active"),
        "description": Searched("text", "description"),
        "metadata": Searched("metadata"),
        "name": Searched("text", "name"),
        "shippable": Searched("flag", "shippable"),
        "url": Searched("text", "url"),
    }

    id: str = f.text(CREATE, max=255, default="")
    active: bool = f.boolean(WRITE, default=True, filter=True)
    default_price: str | None = f.ref("price", UPDATE)
    default_price_data: Any = f.nested(CREATE, FirstPrice, order=True)
    description: str | None = f.text(WRITE, max=40000, unset=True)
    images: list[str] = f.array(WRITE, default=[], max=8, unset=True)
    marketing_features: list[dict[str, str]] = f.array(
        WRITE, MarketingFeature, default=[], max=15, unset=True
    )
    metadata: dict[str, str] = f.metadata()
    name: str = f.text(WRITE, required=True)
    package_dimensions: dict[str, Any] | None = f.nested(WRITE, PackageDimensions, unset=True)
    shippable: bool | None = f.boolean(WRITE, filter=True)
    statement_descriptor: str | None = f.line(WRITE, max=22, unset=True)
    tax_code: str | None = f.text(WRITE, unset=True, refs="tax_code")
    tax_details: dict[str, Any] | None = f.nested(WRITE, TaxDetails, unset=True)
    type: str = f.choice(CREATE, "good", "service", default="service", filter=True)
    unit_label: str | None = f.text(WRITE, unset=True)
    updated: datetime = f.timestamp(required=True)
    url: str | None = f.text(WRITE, unset=True, filter=True)


def insert(tx: Tx, product: Product) -> Product:
    """Insert a product; the caller may choose its id."""
    if product.id:
        require(
            ID.fullmatch(product.id),
            "Invalid id: it consists of letters, digits, '.', '_' and '-'.",
            param="id",
        )
        taken = rows.select(tx, Product, "id = %(id)s", id=product.id)
        require(not taken, "Product already exists.", param="id", code="resource_already_exists")
    return rows.insert(tx, product.but(updated=tx.now))


def check_active(tx: Tx, id: str, param: str) -> Product:
    """Return the product of a price for a new use; an archived product is refused (§2.2)."""
    return active(rows.find(tx, Product, id), param)


def find_active(tx: Tx, id: str, param: str) -> Product:
    """Find the product that a param names; an archived product is refused."""
    return active(rows.find(tx, Product, id, param=param), param)


def active(product: Product, param: str) -> Product:
    require(
        product.active,
        f"The product {product.id} is inactive: its prices cannot be used any more.",
        param=param,
        code="product_inactive",
    )
    return product


@Product.update
def update(tx: Tx, product: Product, changes: dict[str, Any]) -> Product:
    """Update a product; existing invoices keep its previous name."""
    if changes.get("default_price"):
        found = tx.one("select product, active from prices where id = %(id)s", id=changes["default_price"])
        require(
            found and found["product"] == product.id,
            "The price specified in default_price must belong to the product.",
            param="default_price",
        )
        require(
            found and found["active"],
            "The price specified in default_price must be active.",
            param="default_price",
        )
    if all(getattr(product, name) == value for name, value in changes.items()):
        return product
    return rows.update(tx, product, updated=tx.now, **changes)


class Filters(Params):
    ids: list[str] = f.array(item=f.text())


@Product.listing(Filters)
def listing(tx: Tx, wanted: Filters) -> Where:
    """List products, newest first."""
    return Where("id = any(%(ids)s)", ids=wanted.ids) if wanted.ids else Where()


@Product.delete
def delete(tx: Tx, product: Product) -> dict[str, Any]:
    """Delete a product that has no prices; a product with prices can be archived with active=false."""
    if tx.one("select 1 from prices where product = %(id)s limit 1", id=product.id):
        raise Refused("This product cannot be deleted because it has one or more user-created prices.")
    return rows.delete(tx, product)
