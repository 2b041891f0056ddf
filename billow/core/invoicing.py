"""How do lines become totals, what is due after the customer's balance, and how does a line read?"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from billow.core.bounds import LARGEST
from billow.core.money import decimal_text, show

TIMES = "\N{MULTIPLICATION SIGN}"


def describe(
    product: str,
    unit_label: str | None,
    quantity: Decimal,
    unit_amount: Decimal,
    currency: str,
    every: tuple[str, int] | None,
    tier: int | None,
) -> str:
    """A line in Stripe's words: `every` is (interval, count), None for a one-off; `tier` counts from 0."""
    if every is None:
        return product
    units = f"{decimal_text(quantity)} {unit_label}" if unit_label else decimal_text(quantity)
    rank = "" if tier is None else f"Tier {tier + 1} "
    interval, count = every
    per = interval if count == 1 else f"every {count} {interval}s"
    return f"{units} {TIMES} {product} ({rank}at {show(unit_amount, currency)} / {per})"


@dataclass(frozen=True, slots=True)
class LineAmounts:
    """`amount` is before discount, includes inclusive tax, and is negative for a credit.

    `own_discount` is what the line's own discounts take, `discount` what those of the whole invoice do.
    `untaxed` is inclusive tax that an exempt customer does not pay: it leaves the price (X79).
    """

    amount: int
    discount: int = 0
    tax_exclusive: int = 0
    tax_inclusive: int = 0
    own_discount: int = 0
    untaxed: int = 0


@dataclass(frozen=True, slots=True)
class Totals:
    subtotal: int
    discount: int
    tax_exclusive: int
    tax_inclusive: int
    total: int


def totals(lines: Sequence[LineAmounts]) -> Totals:
    """Sums of lines. The total may be negative: credits that exceed charges are the customer's money.

    What a line's own discounts take is not in the subtotal any more (§7.5).
    """
    subtotal = sum(line.amount - line.own_discount for line in lines)
    discount = sum(line.discount for line in lines)
    tax_exclusive = sum(line.tax_exclusive for line in lines)
    tax_inclusive = sum(line.tax_inclusive for line in lines)
    total = subtotal - discount - sum(line.untaxed for line in lines) + tax_exclusive
    return Totals(subtotal, discount, tax_exclusive, tax_inclusive, total)


@dataclass(frozen=True, slots=True)
class Settlement:
    """`balance_transaction` is what the balance changes by; when it is 0 there is none, and no reason."""

    amount_due: int
    ending_balance: int
    balance_transaction: int
    reason: str | None


def settle_balance(total: int, starting_balance: int, minimum: int) -> Settlement:
    """Net an invoice against the customer's balance, which is negative for credit and positive for debt.

    Nothing below `minimum` is charged: it waits in the balance for the next invoice. So does what a debt adds
    to a total beyond the largest amount.
    """
    owed = total + starting_balance
    too_small = 0 < owed < minimum
    amount_due = min(owed, LARGEST) if owed > 0 and not too_small else 0
    change = total - amount_due
    reason = "invoice_too_small" if too_small else "applied_to_invoice"
    return Settlement(amount_due, starting_balance + change, change, reason if change else None)


def span(start: datetime, end: datetime) -> dict[str, int]:
    """A period as lines and items show it: whole seconds since 1970; the end is the start of what follows."""
    return {"end": int(end.timestamp()), "start": int(start.timestamp())}


def price_details(
    price: str | None, product: str | None, unit_amount: Decimal | None
) -> dict[str, Any] | None:
    """What a line or an item was priced by, as both show it; None where it was an amount by hand."""
    if price is None:
        return None
    return {
        "price_details": {"price": price, "product": product},
        "type": "price_details",
        "unit_amount_decimal": None if unit_amount is None else decimal_text(unit_amount),
    }
