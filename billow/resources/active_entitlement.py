"""Active entitlements: the features that a customer has now through its subscriptions."""

from billow.api import fields as f
from billow.api import rows
from billow.api.params import Params
from billow.api.resource import REGISTRY, Resource, Where
from billow.store.tx import Tx


class ActiveEntitlement(
    Resource,
    object="entitlements.active_entitlement",
    path="/v1/entitlements/active_entitlements",
    prefix="ent_",
    events=(),
):
    """A feature that a customer may use. It is read from the view `active_entitlements` and never written."""

    lacks = ("created",)

    customer: str = f.text(required=True, hidden=True)
    feature: str = f.ref("entitlements.feature", required=True)
    lookup_key: str = f.text(required=True)


class Filters(Params):
    customer: str = f.ref("customer", required=True)


@ActiveEntitlement.listing(Filters)
def listing(tx: Tx, wanted: Filters) -> Where:
    """List the active entitlements of a customer."""
    rows.find(tx, REGISTRY["customer"], wanted.customer, param="customer")
    return Where("customer = %(customer)s", customer=wanted.customer)
