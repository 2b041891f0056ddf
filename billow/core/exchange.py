"""Convert a tax into the currency of a tax office, by rates against the euro as the ECB publishes them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from billow.core.money import EXACT, minor_digits, round_half_away
from billow.core.tax_ids import MEMBERS

EURO = "eur"
OWN = {"CH": "chf", "CZ": "czk", "DK": "dkk", "GB": "gbp", "HU": "huf", "IS": "isk", "LI": "chf", "NO": "nok",
       "PL": "pln", "RO": "ron", "SE": "sek"}  # fmt: skip
"""The currency of the tax office of countries with value added tax, where it is not the euro."""
OLDEST = timedelta(days=7)
"""How old the rate of a day may be: no rates are published on weekends and holidays."""


@dataclass(frozen=True, slots=True)
class Rate:
    """How many units of a currency a euro buys, as published for a day."""

    currency: str
    on: date
    rate: Decimal


@dataclass(frozen=True, slots=True)
class Converted:
    """An amount in another currency. `rate` is how many units of it one unit of the first one is."""

    currency: str
    amount: int
    rate: Decimal
    on: date


def currency_of(country: str) -> str | None:
    """Return the currency in which a country wants its tax stated; None where we know of no such law.

    >>> currency_of("SE"), currency_of("FI"), currency_of("US")
    ('sek', 'eur', None)
    """
    code = country.upper()
    return OWN.get(code) or (EURO if code in MEMBERS else None)


def converted(amount: int, currency: str, to: str, rates: Mapping[str, Rate]) -> Converted | None:
    """Convert an amount by the rates of a day; None where one of them is missing.

    The rate is stated with six significant digits, and it is the stated one that multiplies, so that a
    reader comes to the same amount. 100.00 USD at 1.25 USD and 11 SEK for a euro are 880.00 SEK.

    >>> rates = {"usd": Rate("usd", date(2026, 1, 2), Decimal("1.25")),
    ...          "sek": Rate("sek", date(2026, 1, 2), Decimal(11))}
    >>> converted(10000, "usd", "sek", rates).amount
    88000
    """
    needed = [rates.get(one) for one in (currency, to) if one != EURO]
    known = [one for one in needed if one is not None]
    if len(known) < len(needed) or not known:
        return None
    bought = rates[to].rate if to != EURO else Decimal(1)
    sold = rates[currency].rate if currency != EURO else Decimal(1)
    rate = stated(bought / sold) if currency != EURO else bought
    shift = minor_digits(to) - minor_digits(currency)
    exact = EXACT.multiply(Decimal(amount), rate).scaleb(shift, context=EXACT)
    return Converted(to, round_half_away(exact), rate, min(one.on for one in known))


def stated(rate: Decimal) -> Decimal:
    """Round a rate to six significant digits, as the ECB states its own.

    >>> stated(Decimal("8.79999999")), stated(Decimal("0.0058139534"))
    (Decimal('8.80000'), Decimal('0.00581395'))
    """
    return rate.quantize(Decimal(1).scaleb(rate.adjusted() - 5))
