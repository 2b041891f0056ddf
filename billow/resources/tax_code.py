"""Tax codes: which kinds of things taxes tell apart. A fixed list, the same for everybody."""

from typing import Any

from billow.api import fields as f
from billow.api.resource import Resource


class TaxCode(Resource, object="tax_code", path="/v1/tax_codes", prefix="txcd_", events=()):
    """A kind of thing that is sold. The list is the view `tax_codes` of the schema; it is only read."""

    lacks = ("created", "livemode")
    order = "id"

    description: str = f.text(required=True)
    name: str = f.text(required=True)
    requirements: dict[str, Any] | None = f.absent()
