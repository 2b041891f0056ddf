"""Features: what a product entitles its customers to, found by a lookup key."""

from typing import Any

from billow.api import fields as f
from billow.api import rows
from billow.api.fields import CREATE, UPDATE, WRITE
from billow.api.params import Params
from billow.api.resource import Resource, Where
from billow.core.errors import require
from billow.store.tx import Tx


class Feature(
    Resource, object="entitlements.feature", path="/v1/entitlements/features", prefix="feat_", events=()
):
    """A feature that customers are entitled to through their subscriptions."""

    lacks = ("created",)

    active: bool = f.boolean(UPDATE, default=True)
    lookup_key: str = f.text(CREATE, max=80, required=True, filter=True)
    metadata: dict[str, str] = f.metadata()
    name: str = f.text(WRITE, max=80, required=True)


@Feature.create
def create(tx: Tx, feature: Feature) -> Feature:
    """Create a feature. Its lookup key can never be used for another one, even when it is archived."""
    taken = rows.select(tx, Feature, "lookup_key = %(key)s", key=feature.lookup_key)
    require(
        not taken,
        f"A feature already uses that lookup key (`{feature.lookup_key}`).",
        param="lookup_key",
        code="resource_already_exists",
    )
    return rows.insert(tx, feature)


@Feature.update
def update(tx: Tx, feature: Feature, changes: dict[str, Any]) -> Feature:
    """Update or archive a feature; products keep an archived feature, but it cannot be attached to others."""
    return rows.update(tx, feature, **changes)


class Filters(Params):
    archived: bool | None = f.boolean()


@Feature.listing(Filters)
def listing(tx: Tx, wanted: Filters) -> Where:
    """List features, newest first."""
    return Where() if wanted.archived is None else Where("active = %(on)s", on=not wanted.archived)
