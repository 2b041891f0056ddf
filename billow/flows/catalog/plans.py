"""Create, update and delete plans; each is a price, and events are emitted for both."""

from typing import Any

from billow.api import rows
from billow.api.params import merged
from billow.core.errors import Refused, require
from billow.resources import plan as plans
from billow.resources import price as prices
from billow.resources import product as products
from billow.resources.plan import ChangePlan, CreatePlan, Plan
from billow.resources.price import Price
from billow.resources.product import Product
from billow.store.tx import Tx


@Plan.create(CreatePlan)
def create(tx: Tx, wanted: CreatePlan) -> Plan:
    """Create a plan for a product that exists, or for a new one with `product[name]`."""
    if isinstance(wanted.product, str):
        product = rows.find(tx, Product, wanted.product, param="product").id
    else:
        given = {name: rows.plain_value(value) for name, value in wanted.product.sent().items()}
        product = products.insert(tx, Product(**given)).id
    price = plans.priced(tx, wanted, product)
    try:
        price = prices.insert(tx, price)
    except Refused as refused:
        raise plans.in_old_words(refused) from None
    return emit_created(tx, price)


def emit_created(tx: Tx, price: Price) -> Plan:
    """Emit `plan.created` for a recurring price, which is also a plan."""
    plan = plans.of(price)
    rows.emit(tx, [(plan, None)], "created")
    return plan


def emit_updated(tx: Tx, price: Price, before: Price) -> Plan:
    """Emit `plan.updated` for a changed recurring price, unless its plan looks the same."""
    plan, former = plans.of(price), plans.of(before)
    if plan != former:
        rows.emit(tx, [(plan, former)], "updated")
    return plan


@Plan.update(ChangePlan)
def change(tx: Tx, plan: Plan, wanted: ChangePlan) -> Plan:
    """Update a plan. Its product can change only while the plan has no subscription."""
    plans.check_own(tx, plan)
    price = rows.lock(tx, Price, plan.id)
    changes: dict[str, Any] = {
        name: value for name, value in wanted.sent().items() if name in ("active", "nickname")
    }
    if wanted.given("metadata"):
        changes["metadata"] = merged(price.metadata, wanted.metadata)
    if wanted.trial_period_days is not None:
        changes["recurring"] = {**(price.recurring or {}), "trial_period_days": wanted.trial_period_days}
    if wanted.product and wanted.product != price.product:
        changes["product"] = rows.find(tx, Product, wanted.product, param="product").id
        require(
            not in_use(tx, price),
            "The product of a plan that has subscriptions cannot be changed.",
            param="product",
        )
        check_not_default(tx, price, "moved")
    return emit_updated(tx, prices.update(tx, price, changes), price)


def in_use(tx: Tx, price: Price) -> bool:
    """Check whether a subscription, running or ended, has the price, or an invoice billed it."""
    found = tx.one(
        "select 1 where exists (select from subscription_items where price = %(id)s)"
        " or exists (select from invoice_lines where price = %(id)s)",
        id=price.id,
    )
    return found is not None


def check_not_default(tx: Tx, price: Price, done: str) -> None:
    """Refuse to move or delete the plan that is the default price of its product."""
    is_default = tx.one("select 1 from products where default_price = %(id)s", id=price.id)
    message = f"This plan cannot be {done} because it is the default price of its product."
    require(not is_default, message, param="product" if done == "moved" else "id")


@Plan.delete
def delete(tx: Tx, plan: Plan) -> dict[str, Any]:
    """Delete a plan: it takes no new subscriptions; those that have it keep it.

    Emits the deletion of the plan and of its price.
    """
    plans.check_own(tx, plan)
    price = rows.lock(tx, Price, plan.id)
    check_not_default(tx, price, "deleted")
    if in_use(tx, price):
        # The price stays, hidden, for what names it, and for reports on what it brought in.
        rows.emit(tx, [(price, None)], "deleted")
        rows.update(tx, price, event=None, active=False, inline=True, lookup_key=None)
    else:
        rows.delete(tx, price)
    rows.emit(tx, [(plan, None)], "deleted")
    return rows.stub(plan)
