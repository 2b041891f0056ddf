"""Say what a line bills, in the language of a paper: from the line's data, or as the merchant has put it.

Descriptions are English, as Stripe's are (core/line_texts.py); an English paper has them as they are.
"""

from decimal import Decimal

from billow.core import line_texts
from billow.core.invoicing import TIMES
from billow.core.line_parts import plain_name
from billow.core.line_texts import Text
from billow.providers.documents import formats, wording
from billow.resources.invoice_line import PREPAID, InvoiceLine
from billow.resources.price import Price


def read(line: InvoiceLine, price: Price | None) -> Text | None:
    """Return what the description of a line says, where it is ours."""
    return line_texts.read(
        line.description or "",
        line_texts.Facts(
            line.quantity_decimal,
            line.period_start,
            line.tier,
            rhythm_of(price),
            proration=line.proration,
            prepaid=line.kind == PREPAID,
        ),
    )


def rhythm_of(price: Price | None) -> tuple[str, int] | None:
    recurring = (price.recurring if price else None) or {}
    return (recurring["interval"], recurring["interval_count"]) if recurring else None


def whole(line: InvoiceLine, price: Price | None, locale: str, zone: str = "UTC") -> str:
    """Return all that is said of a line, where no columns have its quantity and price."""
    found = None if wording.primary(locale) == "en" else read(line, price)
    if found is None:
        return line.description or ""
    if found.kind == "priced":
        return priced(line, found, rhythm_of(price) or ("month", 1), locale)
    return said(line, found, locale, zone)


def beside_columns(line: InvoiceLine, price: Price | None, locale: str, zone: str = "UTC") -> str:
    """Return what is said of a line beside its quantity and price: a name, the tier and the unit."""
    _, unit = plain_name(line.description or "")
    name = named(line, price, locale, zone)
    return f"{name}, {unit}" if unit else name


def named(line: InvoiceLine, price: Price | None, locale: str, zone: str = "UTC") -> str:
    """Return what a line bills and its tier, without the quantity, the unit and the price."""
    text = line.description or ""
    name, _ = plain_name(text)
    if name == text:
        return whole(line, price, locale, zone)
    tier = "" if line.tier is None else f" ({wording.say(locale, 'tier', number=line.tier + 1)})"
    return f"{name}{tier}"


def priced(line: InvoiceLine, found: Text, every: tuple[str, int], locale: str) -> str:
    """Say the quantity, name and price of a line: 3 seat × Team (je 18,00 € pro Monat)."""
    quantity = formats.number(line.quantity_decimal or Decimal(0), locale)
    return wording.say(
        locale,
        "priced",
        many=f"{quantity} {found.unit}" if found.unit else quantity,
        name=found.name,
        tier="" if line.tier is None else f"{wording.say(locale, 'tier', number=line.tier + 1)}, ",
        price=formats.money(line.unit_amount_decimal or Decimal(0), line.currency, locale),
        every=wording.every(locale, *every),
    )


def said(line: InvoiceLine, found: Text, locale: str, zone: str) -> str:
    """Say what a line without a price of its own is: a share of a period, a trial, prepaid credits."""
    many = formats.number(line.quantity_decimal or Decimal(1), locale)
    if found.kind in ("unused", "remaining"):
        named = f"{many} {TIMES} {found.name}" if (line.quantity_decimal or 0) > 1 else found.name
        on = formats.short_day(formats.local(line.period_start, zone).date(), locale)
        text = wording.say(locale, found.kind, what=named, day=on)
        if found.off is None:
            return text
        off = wording.say(locale, "off", amount=formats.percent(found.off.normalize(), locale))
        return wording.say(locale, "discounted", text=text, off=off)
    name = "prepaid_named" if found.kind == "prepaid" and found.name else found.kind
    return wording.say(locale, name, name=found.name, many=many)
