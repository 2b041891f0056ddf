"""Lay out the price of an offered line as a reader would multiply it: by tiers, packages and flat fees."""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

from billow.core import pricing
from billow.flows.billing import priced_items
from billow.flows.papers.paper_lines import price_text
from billow.flows.quotes.lines import PricedLine
from billow.providers.documents import DocumentLine, formats, wording


def split(one: PricedLine, whole: DocumentLine, locale: str) -> Sequence[DocumentLine]:
    """Return the lines of an offered line: one for each tier, and its flat fee apart.

    With a quantity they are what is charged for it; usage has no quantity yet, and all its tiers are shown.
    """
    rate, quantity = priced_items.rate_of(one.price), one.item.quantity
    if rate.model == "per_unit":
        return [whole]
    if quantity is None:
        return _tariff(rate, whole, locale) if rate.tiers else [_package(rate, whole, locale)]
    charges = pricing.charges(rate, Decimal(quantity))
    if sum(charge.amount for charge in charges) != one.item.amount_subtotal:
        return [whole]
    return [line for charge in charges for line in _charged(rate, charge, whole, locale)]


def _package(rate: pricing.Price, whole: DocumentLine, locale: str) -> DocumentLine:
    price = price_text(rate.unit_amount or Decimal(0), rate.divide_by or 1, rate.currency, locale)
    return replace(whole, unit_amount=price)


def _charged(
    rate: pricing.Price, charge: pricing.Charge, whole: DocumentLine, locale: str
) -> list[DocumentLine]:
    """Return what a tier or package charges: its units, and its flat fee."""
    name = whole.description if charge.tier is None else _named(rate, charge.tier, whole, locale)
    fee = _fee(rate, charge.flat_amount, name, whole, locale)
    units = pricing.Charge(charge.tier, charge.quantity, charge.unit_amount, Decimal(0))
    if charge.flat_amount and (not charge.unit_amount or not charge.quantity):
        return [replace(fee, amount=formats.money(charge.amount, rate.currency, locale))]
    line = replace(
        whole,
        description=name,
        quantity=formats.number(charge.quantity, locale),
        unit_amount=price_text(charge.unit_amount, rate.divide_by or 1, rate.currency, locale),
        amount=formats.money(units.amount, rate.currency, locale),
    )
    rest = formats.money(charge.amount - units.amount, rate.currency, locale)
    return [line, replace(fee, amount=rest)] if charge.flat_amount else [line]


def _tariff(rate: pricing.Price, whole: DocumentLine, locale: str) -> list[DocumentLine]:
    """Return all tiers of usage, with their prices and without amounts."""
    lines = []
    for number, tier in enumerate(rate.tiers):
        name = _named(rate, number, whole, locale)
        if tier.unit_amount is not None or not tier.flat_amount:
            price = formats.money(tier.unit_amount or Decimal(0), rate.currency, locale)
            lines.append(replace(whole, description=name, unit_amount=price))
        if tier.flat_amount:
            lines.append(_usage_fee(rate, number, replace(whole, description=name), locale))
    return lines


def _usage_fee(rate: pricing.Price, number: int, whole: DocumentLine, locale: str) -> DocumentLine:
    """Return the flat fee of a tier of usage: the first is due in any case, others if they are reached."""
    amount = rate.tiers[number].flat_amount or Decimal(0)
    fee = _fee(rate, amount, whole.description, whole, locale)
    if any(charge.tier == number and charge.flat_amount for charge in pricing.charges(rate, Decimal(0))):
        return replace(fee, quantity="1", amount=fee.unit_amount)
    return replace(fee, amount=wording.say(locale, "if_reached"))


def _fee(rate: pricing.Price, amount: Decimal, name: str, whole: DocumentLine, locale: str) -> DocumentLine:
    return replace(
        whole,
        description=f"{name}: {wording.say(locale, 'flat_fee')}",
        quantity=whole.quantity and "1",
        unit_amount=formats.money(amount, rate.currency, locale),
    )


def _named(rate: pricing.Price, number: int, whole: DocumentLine, locale: str) -> str:
    """Name a tier by its number and the quantities that it is for."""
    first = (rate.tiers[number - 1].up_to or Decimal(0)) + 1 if number else Decimal(1)
    last = rate.tiers[number].up_to
    start = formats.number(first, locale)
    reach = f"{start}+" if last is None else f"{start}\N{EN DASH}{formats.number(last, locale)}"
    return f"{whole.description} ({wording.say(locale, 'tier', number=number + 1)}: {reach})"
