"""Product features: the features of a product."""

from typing import Any

from billow.api import fields as f
from billow.api import rows
from billow.api.listing import Page, Paging, below
from billow.api.params import Params
from billow.api.resource import Resource, Where
from billow.core.errors import require
from billow.resources.feature import Feature
from billow.resources.product import Product
from billow.store.tx import Tx


class ProductFeature(Resource, object="product_feature", prefix="prodft_", events=()):
    """A feature of a product."""

    lacks = ("created",)

    entitlement_feature: str = f.ref("entitlements.feature", embed=True, required=True)
    product: str = f.text(required=True, hidden=True)


class Attach(Params):
    entitlement_feature: str = f.ref("entitlements.feature", required=True)


@Product.below("POST", "features", Attach, of=Product)
def attach(tx: Tx, product: Product, wanted: Attach) -> ProductFeature:
    """Attach a feature to a product: its subscribers are entitled to it from now on."""
    feature = rows.find(tx, Feature, wanted.entitlement_feature, param="entitlement_feature")
    require(
        feature.active,
        "The feature is archived and cannot be attached to a product.",
        param="entitlement_feature",
    )
    taken = rows.select(
        tx,
        ProductFeature,
        "product = %(product)s and entitlement_feature = %(feature)s",
        product=product.id,
        feature=feature.id,
    )
    require(
        not taken,
        "The product has this feature already.",
        param="entitlement_feature",
        code="resource_already_exists",
    )
    made = ProductFeature(product=product.id, entitlement_feature=feature.id)
    return rows.insert(tx, made)


@Product.below("GET", "features", Paging, of=Product)
def listing(tx: Tx, product: Product, wanted: Paging) -> Page:
    """List the features of a product, newest first."""
    where = Where("product = %(product)s", product=product.id)
    return below(tx, ProductFeature, where, wanted, f"/v1/products/{product.id}/features")


@Product.below("GET", "features/{feature}", of=Product)
def retrieve(tx: Tx, product: Product, id: str) -> ProductFeature:
    """Retrieve a feature of a product."""
    found = rows.find(tx, ProductFeature, id)
    if found.product != product.id:
        raise rows.no_such(tx, ProductFeature, id)
    return found


@Product.below("DELETE", "features/{feature}", of=Product)
def detach(tx: Tx, product: Product, id: str) -> dict[str, Any]:
    """Remove a feature from a product: its subscribers are no longer entitled to it."""
    found = retrieve(tx, product, id)
    return rows.delete(tx, found)
