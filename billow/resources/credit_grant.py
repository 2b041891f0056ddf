"""Credit grants: billing credits that a customer has, which pay for usage (§4.7)."""

from datetime import datetime
from typing import Any

from billow.api import fields as f
from billow.api.fields import CREATE, WRITE
from billow.api.params import Params
from billow.api.resource import Resource
from billow.core import billing_credits

MAX_PRICES = 20


class Monetary(Params):
    currency: str = f.currency(required=True)
    value: int = f.amount(min=1, required=True)


class Amount(Params):
    monetary: Monetary | None = f.nested(shape=Monetary)
    type: str = f.choice(CREATE, "monetary", required=True)


class PriceOf(Params):
    id: str = f.ref("price", required=True)


class Scope(Params):
    price_type: str | None = f.choice(CREATE, "metered")
    prices: list[PriceOf] | None = f.array(item=PriceOf, max=MAX_PRICES)


class Applicability(Params):
    scope: Scope = f.nested(shape=Scope, required=True)


class CreditGrant(
    Resource,
    object="billing.credit_grant",
    path="/v1/billing/credit_grants",
    prefix="credgr_",
    table="credit_grants",
    events=("created", "updated"),
):
    """An amount of billing credits: what was granted, for which prices, and from when to when."""

    owner = "customer"

    amount: dict[str, Any] = f.nested(CREATE, Amount, required=True)
    applicability_config: dict[str, Any] = f.nested(CREATE, Applicability, required=True)
    category: str = f.choice(
        CREATE, billing_credits.PAID, billing_credits.PROMOTIONAL, default=billing_credits.PAID
    )
    customer: str = f.ref("customer", CREATE, required=True, filter=True)
    customer_account: str | None = f.absent()
    effective_at: datetime | None = f.timestamp(CREATE)
    expires_at: datetime | None = f.timestamp(WRITE, unset=True)
    metadata: dict[str, str] = f.metadata()
    name: str | None = f.text(CREATE, max=100)
    priority: int = f.integer(CREATE, min=0, max=100, default=50)
    test_clock: str | None = f.ref("test_helpers.test_clock")
    updated: datetime = f.timestamp(required=True)
    voided_at: datetime | None = f.timestamp()

    balance: int = f.amount(default=0, hidden=True)
    """What is left: granted, less what was used, expired or voided."""
    wallet: str | None = f.text(hidden=True)
    """The wallet that it belongs to, and below the invoice that it was bought with."""
    bought_with: str | None = f.text(hidden=True)

    @property
    def currency(self) -> str:
        return str(self.amount["monetary"]["currency"])

    @property
    def granted(self) -> int:
        return int(self.amount["monetary"]["value"])


def in_core(grant: CreditGrant) -> billing_credits.Grant:
    """Return a grant as core/billing_credits.py draws from it."""
    scope = grant.applicability_config["scope"]
    prices = scope.get("prices")
    return billing_credits.Grant(
        grant.id,
        grant.currency,
        grant.category,
        grant.priority,
        grant.effective_at or grant.created,
        grant.expires_at,
        grant.created,
        frozenset(one["id"] for one in prices) if prices else None,
        grant.balance,
    )
