"""Change an open session as its customer chooses: quantities, optional items, shipping, a promotion code."""

from collections.abc import Mapping, Set
from dataclasses import dataclass, field, replace
from typing import Any

from billow.api import rows
from billow.api.params import made
from billow.core.errors import Refused
from billow.flows.checkout import lines, params, sessions, shipping
from billow.flows.quotes.lines import PricedLine
from billow.resources.checkout_session import CheckoutSession
from billow.resources.customer import Customer
from billow.resources.line_item import LineItem
from billow.resources.price import Price
from billow.resources.product import Product
from billow.resources.promotion_code import PromotionCode
from billow.store.ids import new_id
from billow.store.tx import Tx


@dataclass(frozen=True, slots=True)
class Chosen:
    """What the customer chose on the page."""

    quantities: Mapping[str, int] = field(default_factory=dict)
    """Quantities of lines, by their ids."""
    extras: Set[int] = frozenset()
    """The optional items that are added, by their place."""
    shipping: int | None = None


def choose(tx: Tx, session: CheckoutSession, chosen: Chosen) -> CheckoutSession:
    """Apply what the customer chose, within what the session allows, and calculate its amounts again."""
    before = lines.lines_of(tx, "session", session.id)
    own = [one for one in before if not one.item.optional]
    after = lines.with_quantities(own, dict(chosen.quantities)) + extras(tx, session, chosen)
    after = [replace(one, item=one.item.but(position=place)) for place, one in enumerate(after)]
    options: dict[str, Any] = {}
    if chosen.shipping is not None and chosen.shipping < len(session.shipping_options):
        options["shipping_cost"] = shipping.cost(session.shipping_options[chosen.shipping])
    sent = rate_of(options.get("shipping_cost"))
    if quantities(before) == quantities(after) and sent in (None, rate_of(session.shipping_cost)):
        return session
    return sessions.recalculate(tx, session, session.but(**options), after)


def rate_of(cost: Mapping[str, Any] | None) -> str | None:
    return cost["shipping_rate"] if cost else None


def quantities(found: list[PricedLine]) -> list[tuple[str, int | None]]:
    return [(one.price.id, one.item.quantity) for one in found]


def extras(tx: Tx, session: CheckoutSession, chosen: Chosen) -> list[PricedLine]:
    """Return lines of the optional items that the customer added."""
    found = []
    for place, one in enumerate(session.optional_items or []):
        if place not in chosen.extras:
            continue
        price = rows.find(tx, Price, one["price"])
        product = rows.find(tx, Product, price.product, deleted=True)
        item = LineItem(
            id=new_id(LineItem.prefix),
            adjustable_quantity=one["adjustable_quantity"],
            currency=session.currency or price.currency,
            description=product.name,
            optional=True,
            price=price.id,
            quantity=one["quantity"],
            session=session.id,
        )
        found.append(PricedLine(rows.born(tx, item), price, product))
    return found


def remove_code(tx: Tx, session: CheckoutSession) -> CheckoutSession:
    """Take off the promotion code that the customer has applied; a discount of the seller stays."""
    if not session.allow_promotion_codes or not session.discount_ids:
        return session
    priced = lines.lines_of(tx, "session", session.id)
    return sessions.recalculate(tx, session, session.but(discount_ids=[], discounts=[]), priced)


def redeem_code(tx: Tx, session: CheckoutSession, code: str) -> bool:
    """Apply a promotion code by its text, and calculate the amounts again; False where it is not valid."""
    if not session.allow_promotion_codes:
        return False
    found = rows.select(tx, PromotionCode, "upper(code) = upper(%(code)s) and active", code=code)
    customer = rows.find(tx, Customer, session.customer) if session.customer else None
    fitting = [one for one in found if one.customer in (None, session.customer)]
    if not fitting:
        return False
    priced = lines.lines_of(tx, "session", session.id)
    offer = made(params.Offer, promotion_code=fitting[0].id)
    try:
        found_discounts = sessions.discounts(tx, session.but(discount_ids=[]), [offer], customer, priced)
    except Refused:
        return False
    sessions.recalculate(tx, session, session.but(**found_discounts), priced)
    return True
