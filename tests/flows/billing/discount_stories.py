"""What stories about discounts have in common: who has them, and what they took."""

from typing import Any

from billow.api import rows
from billow.api.params import made
from billow.app import App
from billow.flows.billing import discounts
from billow.flows.billing.discounts import DiscountTerm
from billow.resources.customer import Customer as CustomerRow
from billow.store import clocks
from tests.support.world import Customer, Invoice, World

MADE = ["coupon.updated", "customer.discount.created"]


def merchant(world: World, when: str = "2025-01-01", **customer: Any) -> Customer:
    world.at(when)
    return world.customer("anna", **customer)


def granted(app: App, anna: Customer, **term: str) -> dict[str, Any]:
    """Give a customer a discount, as the dashboard does."""
    with app.db.transaction(anna.world.api.tenant) as tx:
        tx = clocks.of_customer(tx, anna.id)
        discounts.give_to_customer(tx, rows.lock(tx, CustomerRow, anna.id), made(DiscountTerm, **term))
    found: dict[str, Any] = anna.now["discount"]
    return found


def code(world: World, coupon: str, **more: Any) -> str:
    form = {"promotion": {"type": "coupon", "coupon": coupon}, **more}
    return str(world.post("/v1/promotion_codes", **form)["id"])


def off(data: dict[str, Any]) -> list[int]:
    return [entry["amount"] for entry in data["total_discount_amounts"]]


def totals(anna: Customer) -> list[int]:
    return [invoice.data["total"] for invoice in anna.invoices]


def by_hand(anna: Customer, *amounts: int, **more: Any) -> Invoice:
    for place, amount in enumerate(amounts):
        anna.owes(amount, f"Work {place}")
    return anna.bills(**more)
