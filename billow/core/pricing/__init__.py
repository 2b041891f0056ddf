"""Price models: each turns a quantity into charges. To add one, write a file and a line here."""

from collections.abc import Callable
from decimal import Decimal

from billow.core.pricing.further import Step, further
from billow.core.pricing.graduated import graduated
from billow.core.pricing.package import package
from billow.core.pricing.per_unit import per_unit
from billow.core.pricing.types import ZERO, Charge, Price, Tier
from billow.core.pricing.volume import volume

__all__ = ["MODELS", "Charge", "Model", "Price", "Step", "Tier", "amount", "charges", "steps"]

Model = Callable[[Price, Decimal], list[Charge]]

MODELS: dict[str, Model] = {
    "per_unit": per_unit,
    "package": package,
    "graduated": graduated,
    "volume": volume,
}


def charges(price: Price, quantity: Decimal) -> list[Charge]:
    """Price a quantity. Never empty: a quantity of zero gives a line too. Negative usage counts as zero."""
    return MODELS[price.model](price, max(quantity, ZERO))


def steps(price: Price, billed: Decimal | None, quantity: Decimal) -> list[Step]:
    """Price a total quantity less the part that is billed already; None when nothing is billed already."""
    before = None if billed is None else charges(price, billed)
    return further(price.model, before, charges(price, quantity))


def amount(price: Price, quantity: Decimal) -> int:
    """Sum the rounded lines, so that an invoice adds up as printed."""
    return sum(charge.amount for charge in charges(price, quantity))
