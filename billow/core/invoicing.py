"""Calculate the totals of an invoice and what is due after the balance, and describe its lines."""

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
    """Describe a line as Stripe does: `every` is (interval, count) or None; `tier` counts from 0."""
    if every is None:
        return product
    units = f"{decimal_text(quantity)} {unit_label}" if unit_label else decimal_text(quantity)
    rank = "" if tier is None else f"Tier {tier + 1} "
    price = f"{rank}at {show(unit_amount, currency)} / {rhythm(*every)}"
    return f"{units} {TIMES} {product} ({price})"


def rhythm(interval: str, count: int) -> str:
    """Say how often a price recurs: month, every 3 months."""
    return interval if count == 1 else f"every {count} {interval}s"


@dataclass(frozen=True, slots=True)
class LineAmounts:
    """`amount` is before discount, includes inclusive tax, and is negative for a credit.

    `own_discount` is what the line's own discounts take, `discount` what the invoice's discounts take.
    `untaxed` is inclusive tax that an exempt customer does not pay: the price is lower by it (X79).
    """

    amount: int
    discount: int = 0
    tax_exclusive: int = 0
    tax_inclusive: int = 0
    own_discount: int = 0
    untaxed: int = 0
    credit: int = 0
    """What billing credits pay of it."""
    shipping: bool = False
    """Whether it is what shipping costs, which is a part of the total and not of the subtotal."""


@dataclass(frozen=True, slots=True)
class Totals:
    subtotal: int
    discount: int
    tax_exclusive: int
    tax_inclusive: int
    total: int
    subtotal_excluding_tax: int
    shipping: int


def totals(lines: Sequence[LineAmounts]) -> Totals:
    """Sum the lines. The total may be negative: credits that exceed charges belong to the customer.

    The subtotal is after the lines' own discounts (§7.5).
    """
    goods = [line for line in lines if not line.shipping]
    subtotal = sum(line.amount - line.own_discount for line in goods)
    untaxed = subtotal - sum(line.tax_inclusive + line.untaxed for line in goods)
    shipping = sum(line.amount for line in lines if line.shipping)
    discount = sum(line.discount for line in lines)
    tax_exclusive = sum(line.tax_exclusive for line in lines)
    tax_inclusive = sum(line.tax_inclusive for line in lines)
    off = discount + sum(line.untaxed + line.credit for line in lines)
    total = subtotal + shipping - off + tax_exclusive
    return Totals(subtotal, discount, tax_exclusive, tax_inclusive, total, untaxed, shipping)


@dataclass(frozen=True, slots=True)
class Settlement:
    """`balance_transaction` is the change of the balance; when it is 0 there is no transaction."""

    amount_due: int
    ending_balance: int
    balance_transaction: int
    reason: str | None


def settle_balance(
    total: int, starting_balance: int, minimum: int, most: int = LARGEST, step: int = 1
) -> Settlement:
    """Net an invoice against the customer's balance, which is negative for credit and positive for debt.

    An amount below `minimum` is not charged: it stays in the balance for the next invoice. So does what
    exceeds `most`, the largest charge, as far as a balance can hold it, and what is no whole `step`.

    >>> settle_balance(1200, 0, 50, 1000)
    Settlement(amount_due=1000, ending_balance=200, balance_transaction=200, reason='invoice_too_large')
    >>> settle_balance(1234, 0, 0, 99999999, 100)
    Settlement(amount_due=1200, ending_balance=34, balance_transaction=34, reason='invoice_too_small')
    """
    owed = total + starting_balance
    too_small = 0 < owed < minimum
    amount_due = max(min(owed, most), owed - LARGEST) if owed > 0 and not too_small else 0
    uneven = amount_due % step if amount_due <= most else 0
    amount_due -= uneven
    change = total - amount_due
    too_large = owed > most and change > 0
    other = "invoice_too_large" if too_large else "applied_to_invoice"
    reason = "invoice_too_small" if too_small or (uneven and change > 0 and not too_large) else other
    return Settlement(amount_due, starting_balance + change, change, reason if change else None)


def settle_paid(total: int, starting_balance: int, paid: int) -> Settlement:
    """Net an invoice that was paid before it was made: what the payment lacks or exceeds is in the balance.

    >>> settle_paid(1000, -300, 700)
    Settlement(amount_due=700, ending_balance=0, balance_transaction=300, reason='applied_to_invoice')
    """
    change = total - paid
    return Settlement(paid, starting_balance + change, change, "applied_to_invoice" if change else None)


def span(start: datetime, end: datetime) -> dict[str, int]:
    """Format a period for lines and items: whole seconds since 1970; the end is the start of the next one."""
    return {"end": int(end.timestamp()), "start": int(start.timestamp())}


def price_details(
    price: str | None, product: str | None, unit_amount: Decimal | None
) -> dict[str, Any] | None:
    """Return `price_details` of a line or an item; None where the amount was given by hand."""
    if price is None:
        return None
    return {
        "price_details": {"price": price, "product": product},
        "type": "price_details",
        "unit_amount_decimal": None if unit_amount is None else decimal_text(unit_amount),
    }
