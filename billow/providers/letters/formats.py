"""Format amounts and dates as a language does, and choose the language of a mail."""

import re
from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from babel import Locale, UnknownLocaleError
from babel.dates import format_date
from babel.numbers import format_currency

from billow.core.money import minor_digits
from billow.providers.documents.formats import clearly
from billow.providers.letters import Card, Language, Money, Reason, Value

BRANDS = {"amex": "American Express", "diners": "Diners Club", "jcb": "JCB", "mastercard": "Mastercard",
          "sepa_debit": "SEPA", "unionpay": "UnionPay", "us_bank_account": "ACH", "visa": "Visa"}  # fmt: skip


REGIONS = {"en": "en_IE", "sv": "sv_SE", "de": "de_DE", "fr": "fr_FR", "es": "es_ES", "nl": "nl_NL",
           "fi": "fi_FI", "da": "da_DK", "nb": "nb_NO"}  # fmt: skip
"""Where amounts and dates are written as in each language; in Ireland, $ is US$ and no other dollar."""
ALIKE = {"no": "nb", "nn": "nb"}
"""The language that is written to readers of another one."""
CODE = re.compile(r"([A-Z]{3})(\d)")


def preferred(locales: Sequence[str], known: Sequence[str]) -> str:
    """Choose the first locale whose language is known, as it is written; English without one.

    >>> preferred(["fi", "de-CH"], ["en", "de"]), preferred([], ["en"])
    ('de-CH', 'en')
    """
    return next((one for one in locales if primary(one) in known), "en")


def primary(locale: str) -> str:
    """Return the language of a locale: de of de-CH, and nb of no."""
    short = locale.lower().replace("_", "-").split("-")[0]
    return ALIKE.get(short, short)


def locale_of(text: str) -> Locale:
    """Return the locale for amounts and dates, of a country of the language where none is named.

    >>> str(locale_of("en")), str(locale_of("en-US")), str(locale_of("de-XX"))
    ('en_IE', 'en_US', 'de_DE')
    """
    short = primary(text)
    try:
        return Locale.parse(REGIONS.get(text.lower(), text).replace("-", "_"))
    except (UnknownLocaleError, ValueError):
        return Locale.parse(REGIONS.get(short, short))


def money(value: Money, locale: Locale) -> str:
    """Format minor units with the decimals that the currency has in the API, and a symbol of its own.

    >>> money(Money(123456, "eur"), Locale("sv")), money(Money(500, "jpy"), Locale("en"))
    ('1\\xa0234,56\\xa0€', 'JP¥500')
    """
    digits = minor_digits(value.currency)
    amount = Decimal(value.amount).scaleb(-digits)
    # Unicode's digits differ from the API's where nobody uses the cents, as of ISK: it has two here.
    text = format_currency(amount, value.currency.upper(), locale=locale, currency_digits=digits != 2)
    text = clearly(text, value.currency, locale)
    return CODE.sub("\\1\N{NO-BREAK SPACE}\\2", text)  # Babel writes KWD1.500


def day(at: datetime, locale: Locale, zone: str = "UTC") -> str:
    """Write the day of an instant in a time zone."""
    return long_day(at.astimezone(ZoneInfo(zone)).date(), locale)


def long_day(on: date, locale: Locale) -> str:
    return format_date(on, format="long", locale=locale)


def formatted(value: Value, language: Language, locale: Locale, zone: str = "UTC") -> str:
    """Format a value that a text mentions."""
    match value:
        case Money():
            return money(value, locale)
        case Card():
            brand = BRANDS.get(value.brand, value.brand.replace("_", " ").capitalize())
            return language.labels["card"].format(brand=brand, last4=value.last4)
        case Reason():
            return language.reasons.get(value.code, language.reasons["generic"])
        case datetime():
            return day(value, locale, zone)
        case date():
            return long_day(value, locale)
    return str(value)
