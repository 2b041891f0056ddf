"""Tax codes: the categories of products for tax. A fixed list, the same for every account."""

from typing import Any

from billow.api import fields as f
from billow.api.resource import Resource


class TaxCode(Resource, object="tax_code", path="/v1/tax_codes", prefix="txcd_", events=()):
    """A category of products for tax. The list is the view `tax_codes`; it is never written."""

    lacks = ("created", "livemode")
    order = "id"

    description: str = f.text(required=True)
    name: str = f.text(required=True)
    requirements: dict[str, Any] | None = f.absent()
