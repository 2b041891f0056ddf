"""Check that the parts of an amount add up to it: lines, discount, tax and shipping."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

MISMATCH = "amount_details_amount_mismatch"
TOO_MUCH = "amount_details_tax_shipping_discount_greater_than_amount"


@dataclass(frozen=True, slots=True)
class Wrong:
    """What is wrong with the parts of an amount: a code of Stripe's, and a message."""

    code: str
    message: str


def wrong_with(amount: int, details: Mapping[str, Any]) -> Wrong | None:
    """Return what is wrong with the parts of an amount, if anything.

    Two lines of 400, one with 20 off and 80 tax, and 100 for shipping are 960. Without lines the goods are
    the rest of the amount, so that tax and shipping less the discount may not be more than all of it.

    >>> two = [{"unit_cost": 400, "quantity": 1, "discount_amount": 20, "tax": {"total_tax_amount": 80}},
    ...        {"unit_cost": 200, "quantity": 2}]
    >>> wrong_with(960, {"line_items": two, "shipping": {"amount": 100}}) is None
    True
    >>> wrong_with(50, {"tax": {"total_tax_amount": 51}}).code
    'amount_details_tax_shipping_discount_greater_than_amount'
    """
    besides = number(details, "tax", "total_tax_amount") + number(details, "shipping", "amount")
    besides -= number(details, "discount_amount")
    if besides > amount:
        return Wrong(TOO_MUCH, f"Tax and shipping less the discount are {besides}, more than the {amount}.")
    lines: Sequence[Mapping[str, Any]] = details.get("line_items") or []
    total = besides + sum(line_total(line) for line in lines)
    if lines and total != amount:
        return Wrong(MISMATCH, f"The line items with tax, shipping and discounts are {total}, not {amount}.")
    return None


def line_total(line: Mapping[str, Any]) -> int:
    cost = int(line["unit_cost"]) * int(line["quantity"])
    return cost - number(line, "discount_amount") + number(line, "tax", "total_tax_amount")


def said_twice(details: Mapping[str, Any]) -> str | None:
    """Return the part that is said both of the whole and of its lines, which exclude each other: its path."""
    lines: Sequence[Mapping[str, Any]] = details.get("line_items") or []
    for path in (("discount_amount",), ("tax", "total_tax_amount")):
        if number(details, *path) and any(number(line, *path) for line in lines):
            return "][".join(path)
    return None


def number(said: Mapping[str, Any], *path: str) -> int:
    """Return the number at a path, 0 where nothing is said."""
    found: Any = said
    for name in path:
        found = (found or {}).get(name)
    return int(found or 0)
