"""Format amounts, numbers and dates on documents: patterns by Babel, decimals by the API.

Unicode's decimals are those that people use, and change with its releases: HUF, COP and IDR lose theirs and
get them back. An amount in the API has the decimals of its currency, so it is printed with them.
"""

import re
from collections.abc import Sequence
from copy import copy
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from zoneinfo import ZoneInfo

from babel import Locale, UnknownLocaleError
from babel.dates import format_date
from babel.numbers import NumberPattern, format_decimal, get_currency_symbol

from billow.core.money import EXACT, clear_symbol, minor_digits

CODE = re.compile(r"(?<=[A-Z]{3})(?=\d)")
MOST_DECIMALS = 12


@lru_cache(maxsize=256)
def locale_of(text: str) -> Locale:
    """Return a locale for numbers and dates: of its language alone where the country is unknown.

    >>> str(locale_of("de-AT")), str(locale_of("de-XX")), str(locale_of("tlh"))
    ('de_AT', 'de', 'en')
    """
    primary = text.replace("_", "-").split("-")[0].lower()
    for one in (text.replace("-", "_"), primary, "en"):
        try:
            return Locale.parse(one)
        except (UnknownLocaleError, ValueError):
            continue
    return Locale("en")


@lru_cache(maxsize=4096)
def money(amount: int | Decimal, currency: str, locale: str) -> str:
    """Format minor units, a fraction of one with as many decimals as it has.

    >>> money(123456, "eur", "de").replace(chr(160), " "), money(500, "jpy", "en"), money(1500, "kwd", "en")
    ('1.234,56 €', '¥500', 'KWD\\xa01.500')
    """
    found, digits = locale_of(locale), minor_digits(currency.lower())
    value = Decimal(amount).scaleb(-digits, context=EXACT)
    symbol = get_currency_symbol(currency.upper(), locale=found)
    text = pattern_of(locale, digits).apply(
        value, found, currency=currency.upper(), currency_digits=False, group_separator=True
    )
    return CODE.sub("\N{NO-BREAK SPACE}", text) if len(symbol) == 3 else str(text)


def named(amount: int | Decimal, currency: str, locale: str) -> str:
    """Format minor units so that the currency is clear: a symbol that others share gives way to another.

    >>> named(500, "usd", "en"), named(500, "sek", "sv").replace(chr(160), " "), named(500, "eur", "en")
    ('US$5.00', '5,00 SEK', '€5.00')
    """
    return clearly(money(amount, currency, locale), currency, locale_of(locale))


def clearly(text: str, currency: str, locale: Locale) -> str:
    """Return an amount, as its locale writes it, with a symbol that is no other currency's."""
    symbol = get_currency_symbol(currency.upper(), locale=locale)
    clear = clear_symbol(currency, str(locale))
    return text if symbol == clear else CODE.sub("\N{NO-BREAK SPACE}", text.replace(symbol, clear))


def sums(shown: Sequence[tuple[str, int]], currency: str, locale: str) -> tuple[tuple[str, str], ...]:
    """Format totals: the last, which is the one to pay, says its currency clearly."""
    last = len(shown) - 1
    return tuple(
        (label, (named if at == last else money)(amount, currency, locale))
        for at, (label, amount) in enumerate(shown)
    )


@lru_cache(maxsize=512)
def pattern_of(locale: str, digits: int) -> NumberPattern:
    """Return a locale's pattern of amounts, with at least these decimals."""
    pattern: NumberPattern = copy(locale_of(locale).currency_formats["standard"])
    pattern.frac_prec = (digits, MOST_DECIMALS)
    return pattern


def number(value: Decimal, locale: str) -> str:
    """Format a number with its decimals, and separators between thousands.

    >>> number(Decimal("12345.5"), "en"), number(Decimal("12345.5"), "de")
    ('12,345.5', '12.345,5')
    """
    return str(format_decimal(value, locale=locale_of(locale), decimal_quantization=False))


def percent(value: Decimal, locale: str) -> str:
    """Format a percentage: 19 % in German and 2.5% in English."""
    spaced: str = locale_of(locale).percent_formats[None].pattern.replace("#,##0", "{}").replace("#", "")
    return spaced.format(number(value, locale))


def day(on: date, locale: str) -> str:
    return format_date(on, format="long", locale=locale_of(locale))


def short_day(on: date, locale: str) -> str:
    return format_date(on, format="medium", locale=locale_of(locale))


def local(at: datetime, zone: str) -> datetime:
    return at.astimezone(ZoneInfo(zone))


def days_of(start: datetime, end: datetime, zone: str) -> tuple[date, date]:
    """Return the first and last day of a period, which ends where the next begins."""
    first = local(start, zone).date()
    last = local(max(start, end - timedelta(microseconds=1)), zone).date()
    return first, last


def period(start: datetime, end: datetime, locale: str, zone: str = "UTC") -> str | None:
    """Write a period as its first and last day; None if it has no length."""
    if start == end:
        return None
    first, last = days_of(start, end, zone)
    if first == last:
        return short_day(first, locale)
    return f"{short_day(first, locale)} \N{EN DASH} {short_day(last, locale)}"


def country(code: str, locale: str) -> str:
    """Return a country in words; its code where there are none.

    >>> country("DE", "sv"), country("XX", "en")
    ('Tyskland', 'XX')
    """
    return str(locale_of(locale).territories.get(code.upper(), code))
