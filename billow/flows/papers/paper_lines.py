"""Lay out the lines of an invoice: quantity times price is the amount that stands beside them."""

from collections.abc import Mapping, Sequence
from decimal import Decimal

from billow.api import rows
from billow.core.line_parts import Part, Rated, parts
from billow.core.money import proportional
from billow.core.seller import Seller
from billow.flows.papers import line_words
from billow.providers.documents import DocumentLine, formats, wording
from billow.resources.invoice_line import InvoiceLine
from billow.resources.price import Price
from billow.store.tx import Tx


def prices_of(tx: Tx, lines: Sequence[InvoiceLine]) -> dict[str, Price]:
    """Load the prices of lines, which say how large packages are."""
    return rows.find_many(tx, Price, sorted({line.price for line in lines if line.price}))


def on_papers(lines: Sequence[InvoiceLine], prices: Mapping[str, Price], seller: Seller) -> list[InvoiceLine]:
    """Return the lines that papers show: where the seller wants it, without usage that there was none of.

    What costs something is shown, as a minimum does, and an invoice of nothing else keeps all its lines.
    """
    if not seller.hides_zero_usage:
        return list(lines)
    kept = [line for line in lines if not is_zero_usage(line, prices.get(line.price or ""))]
    return kept or list(lines)


def is_zero_usage(line: InvoiceLine, price: Price | None) -> bool:
    metered = price is not None and (price.recurring or {}).get("usage_type") == "metered"
    return metered and not line.amount and not line.quantity_decimal


def rated(line: InvoiceLine, price: Price | None) -> Rated:
    transform = (price.transform_quantity if price else None) or {}
    return Rated(
        line.amount,
        line.quantity_decimal,
        line.unit_amount_decimal,
        line.flat_amount_decimal,
        transform.get("divide_by"),
        transform.get("round") == "down",
    )


def without_tax(line: InvoiceLine) -> InvoiceLine:
    """Return a line with its amounts as they are without the tax that is inside.

    A price stays beside it only where it still gives the amount.
    """
    inside = sum(tax["amount"] for tax in line.taxes if tax["tax_behavior"] == "inclusive")
    if not inside:
        return line
    whole = line.discounted - sum(entry["amount"] for entry in line.applied_credits)
    off = [
        {**entry, "amount": proportional(entry["amount"], line.net, whole)} for entry in line.discount_amounts
    ]
    used = [
        {**entry, "amount": proportional(entry["amount"], line.net, whole)} for entry in line.applied_credits
    ]
    amount = line.net + sum(entry["amount"] for entry in (*off, *used))
    quantity = line.quantity_decimal
    unit = Decimal(amount) / quantity if quantity and not line.flat_amount_decimal else None
    return line.but(
        amount=amount,
        applied_credits=used,
        discount_amounts=off,
        unit_amount_decimal=unit if unit is not None and unit == round(unit, 4) else None,
    )


def lines_of(
    lines: Sequence[InvoiceLine],
    prices: Mapping[str, Price],
    labels: Mapping[str, str],
    locale: str = "en",
    zone: str = "UTC",
) -> tuple[DocumentLine, ...]:
    """Lay out lines; a tier with a flat fee is two, and the discounts of a line stand below it.

    Shipping is among the totals.
    """
    return tuple(
        shown
        for line in lines
        if line.listed
        for shown in one_line(line, prices.get(line.price or ""), labels, locale, zone)
    )


def one_line(
    line: InvoiceLine, price: Price | None, labels: Mapping[str, str], locale: str, zone: str
) -> list[DocumentLine]:
    split = parts(rated(line, price))
    taken = tuple(
        (labels[entry["discount"]], formats.money(-entry["amount"], line.currency, locale))
        for entry in line.discount_amounts
        if entry["discount"] in line.discounts
    )
    period = formats.period(line.period_start, line.period_end, locale, zone)
    used = line.quantity_decimal if split[0].per > 1 else None
    if used is not None:
        said = wording.say(locale, "used", many=formats.number(used, locale))
        period = f"{period} · {said}" if period else said
    named = line_words.whole(line, price, locale, zone)
    beside = line_words.beside_columns(line, price, locale, zone)
    made = [shown(line, part, named if part.quantity is None else beside, locale, period) for part in split]
    made[-1] = DocumentLine(
        made[-1].description, made[-1].quantity, made[-1].unit_amount, made[-1].amount, made[-1].period, taken
    )
    return made


def shown(line: InvoiceLine, part: Part, name: str, locale: str, period: str | None) -> DocumentLine:
    """Lay out a part of a line."""
    quantity, price = part.quantity, part.unit_amount
    if part.flat:
        name, quantity = f"{name}: {wording.say(locale, 'flat_fee')}", Decimal(1)
    return DocumentLine(
        description=name,
        quantity="" if quantity is None else formats.number(quantity, locale),
        unit_amount="" if price is None else price_text(price, part.per, line.currency, locale),
        amount=formats.money(part.amount, line.currency, locale),
        period=period,
    )


def price_text(price: Decimal, per: int, currency: str, locale: str) -> str:
    """Write a unit price: $5.00 per 10,000."""
    single = formats.money(price, currency, locale)
    if per == 1:
        return single
    return wording.say(locale, "per", price=single, many=formats.number(Decimal(per), locale))
