"""Plans: recurring prices in the older format (§2.5)."""

import re
from decimal import Decimal
from typing import Any

from billow.api import fields as f
from billow.api import rows
from billow.api.fields import CREATE, SHOWN
from billow.api.params import Params, specs
from billow.api.resource import Resource, Where
from billow.core.bounds import LARGEST
from billow.core.errors import Refused, require
from billow.resources.price import Price, ProductData, Recurring, Tier, TransformQuantity
from billow.resources.product import ID
from billow.store.tx import Tx

OLD_NAMES = {
    "unit_amount": "amount",
    "unit_amount_decimal": "amount_decimal",
    "recurring[interval_count]": "interval_count",
    "recurring[meter]": "meter",
    "recurring[usage_type]": "usage_type",
    "transform_quantity": "transform_usage",
}
NEW_NAMES = re.compile("|".join(sorted(map(re.escape, OLD_NAMES), reverse=True)))
"""Matches the new names, longer ones first, since one name begins with another."""


class Plan(Resource, object="plan", path="/v1/plans", prefix="plan_"):
    """A recurring price in the older format. The view `plans` reads the table of prices."""

    active: bool = f.boolean(default=True, filter=True)
    amount: int | None = f.amount()
    amount_decimal: Decimal | None = f.decimal()
    billing_scheme: str = f.choice(SHOWN, "per_unit", "tiered", required=True)
    currency: str = f.currency(required=True)
    interval: str = f.choice(SHOWN, "day", "week", "month", "year", required=True)
    interval_count: int = f.integer(default=1)
    metadata: dict[str, str] = f.metadata()
    meter: str | None = f.text()
    nickname: str | None = f.text()
    product: str = f.ref("product", filter=True)
    tiers: list[dict[str, Any]] | None = f.array(SHOWN, Tier, include=True)
    tiers_mode: str | None = f.choice(SHOWN, "graduated", "volume")
    transform_usage: dict[str, Any] | None = f.nested(shape=TransformQuantity)
    trial_period_days: int | None = f.integer()
    usage_type: str = f.choice(SHOWN, "licensed", "metered", required=True)

    inline: bool = f.boolean(default=False, hidden=True)
    """Whether its price was created within another request, or deleted while in use: only others show it."""


class NoParams(Params):
    pass


@Plan.listing(NoParams)
def listing(tx: Tx, wanted: NoParams) -> Where:
    """List plans, newest first, without those of prices created for a single use."""
    return Where("not inline")


@Plan.retrieve(NoParams)
def retrieve(tx: Tx, plan: Plan, wanted: NoParams) -> Plan:
    """Retrieve a plan."""
    check_own(tx, plan)
    return plan


def check_own(tx: Tx, plan: Plan) -> None:
    """Refuse with 404 a plan that was deleted, or whose price was created within another request."""
    if plan.inline:
        raise rows.no_such(tx, Plan, plan.id)


class CreatePlan(Params):
    active: bool = f.boolean(default=True)
    amount: int | None = f.amount(min=0)
    amount_decimal: Decimal | None = f.decimal(min=0, max=LARGEST)
    billing_scheme: str = f.choice(CREATE, "per_unit", "tiered", default="per_unit")
    currency: str = f.currency(required=True)
    id: str | None = f.text(max=255)
    interval: str = f.choice(CREATE, "day", "week", "month", "year", required=True)
    interval_count: int = f.integer(min=1, default=1)
    metadata: dict[str, str] = f.metadata()
    meter: str | None = f.ref("billing.meter")
    nickname: str | None = f.text(unset=True)
    product: str | ProductData = f.ref("product", shape=ProductData, required=True)
    tiers: list[Tier] | None = f.array(item=Tier)
    tiers_mode: str | None = f.choice(CREATE, "graduated", "volume")
    transform_usage: TransformQuantity | None = f.nested(shape=TransformQuantity)
    trial_period_days: int | None = f.integer(min=1, max=730)
    usage_type: str = f.choice(CREATE, "licensed", "metered", default="licensed")


class ChangePlan(Params):
    active: bool = f.boolean(default=True)
    metadata: dict[str, str] = f.metadata()
    nickname: str | None = f.text(unset=True)
    product: str | None = f.ref("product")
    trial_period_days: int | None = f.integer(min=1, max=730)


def of(price: Price) -> Plan:
    """Return a price as a plan."""
    recurring = price.recurring or {}
    same = {"active", "billing_scheme", "created", "currency", "id", "metadata", "nickname", "product"}
    same |= {"inline", "tiers", "tiers_mode"}
    return Plan(
        **{name: getattr(price, name) for name in same},
        **{name: recurring[name] for name in specs(Recurring)},
        amount=price.unit_amount,
        amount_decimal=price.unit_amount_decimal,
        transform_usage=price.transform_quantity,
    )


def priced(tx: Tx, wanted: CreatePlan, product: str) -> Price:
    """Convert the params of a plan to a price, not yet checked."""
    if wanted.id:
        good = ID.fullmatch(wanted.id)
        require(good, "Invalid id: it consists of letters, digits, '.', '_' and '-'.", param="id")
        taken = rows.select(tx, Price, "id = %(id)s", id=wanted.id)
        require(not taken, "Plan already exists.", param="id", code="resource_already_exists")
    same = ("active", "billing_scheme", "currency", "nickname", "tiers_mode")
    recurring = Recurring(**{name: getattr(wanted, name) for name in specs(Recurring)})
    price = Price(
        **{name: getattr(wanted, name) for name in same},
        id=wanted.id or "",
        product=product,
        metadata=wanted.metadata,
        recurring=recurring.shown(),
        tiers=rows.plain_value(wanted.tiers),
        transform_quantity=rows.plain_value(wanted.transform_usage),
        unit_amount=wanted.amount,
        unit_amount_decimal=wanted.amount_decimal,
    )
    return price if price.id else price.but(id=rows.born(tx, Plan()).id)


def in_old_words(refused: Refused) -> Refused:
    """Return a refusal with the plan's names of the params. Within tiers the names are the same."""
    if refused.param not in OLD_NAMES:
        return refused
    message = NEW_NAMES.sub(lambda found: OLD_NAMES[found[0]], refused.message)
    return Refused(message, param=OLD_NAMES[refused.param], code=refused.code, status=refused.status)
