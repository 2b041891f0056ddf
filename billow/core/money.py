"""Represent money in minor units, round it in one way, and split it without losing a cent."""

import re
from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Context, Decimal, DivisionByZero, Inexact, InvalidOperation, Overflow
from fractions import Fraction
from functools import lru_cache

from babel.numbers import get_currency_symbol

from billow.core.errors import Inconsistent, ensure

# Decimal's own context keeps 28 digits, fewer than a 12-decimal price times a large quantity may need. What
# 100 digits could not hold exactly is an error, never rounded in silence.
EXACT = Context(prec=100, traps=[DivisionByZero, Inexact, InvalidOperation, Overflow])

# ISO 4217 without metals, bond units and test codes: whatever has an exponent.
_CODES = """
    aed afn all amd aoa ars aud awg azn bam bbd bdt bhd bif bmd bnd bob bov brl bsd btn bwp byn bzd
    cad cdf che chf chw clf clp cny cop cou crc cup cve czk djf dkk dop dzd egp ern etb eur fjd fkp
    gbp gel ghs gip gmd gnf gtq gyd hkd hnl htg huf idr ils inr iqd irr isk jmd jod jpy kes kgs khr
    kmf kpw krw kwd kyd kzt lak lbp lkr lrd lsl lyd mad mdl mga mkd mmk mnt mop mru mur mvr mwk mxn
    mxv myr mzn nad ngn nio nok npr nzd omr pab pen pgk php pkr pln pyg qar ron rsd rub rwf sar sbd
    scr sdg sek sgd shp sle sos srd ssp stn svc syp szl thb tjs tmt tnd top try ttd twd tzs uah ugx
    usd usn uyi uyu uyw uzs ved ves vnd vuv wst xad xaf xcd xcg xof xpf yer zar zmw zwg
"""
CURRENCIES = frozenset(_CODES.split())

AMOUNT = re.compile(r"\d{1,15}(\.\d{1,3})?", re.ASCII)
"""An amount as a person types it."""
RATE = re.compile(r"\d{1,15}(\.\d{1,14})?", re.ASCII)
"""A rate as a person types it, which may be a fraction of the smallest unit."""
GROUPED = re.compile(r"\d{1,3}(,\d{3})+(\.\d+)?", re.ASCII)
"""A number as a person types it with commas between thousands."""
ZERO_DECIMAL = frozenset({
    "bif", "clp", "djf", "gnf", "jpy", "kmf", "krw", "mga", "pyg", "rwf", "vnd", "vuv", "xaf", "xof", "xpf",
})  # fmt: skip
WHOLE_UNITS = frozenset({"isk", "ugx"})
"""Currencies without decimals that the API counts in hundredths all the same."""
WHOLE_PAYOUTS = frozenset({"huf", "twd"})
"""Currencies that are charged in hundredths, and paid out in whole units."""
THREE_DECIMAL = frozenset({"bhd", "jod", "kwd", "omr", "tnd"})

LARGEST_CHARGE = 99_999_999
"""In minor units, whatever the currency: eight digits."""

# In minor units. What is smaller costs more to charge than it brings.
MINIMUM_CHARGES = {
    "aed": 200, "ars": 50, "aud": 50, "brl": 50, "cad": 50, "chf": 50, "cop": 50, "czk": 1500,
    "dkk": 250, "eur": 50, "gbp": 30, "hkd": 400, "huf": 17500, "idr": 50, "ils": 50, "inr": 50,
    "jpy": 50, "krw": 50, "mxn": 1000, "myr": 200, "nok": 300, "nzd": 50, "php": 50, "pln": 200,
    "ron": 200, "rub": 50, "sek": 300, "sgd": 50, "thb": 1000, "usd": 50, "zar": 50,
}  # fmt: skip


def round_half_away(value: Decimal | Fraction) -> int:
    """Round half away from zero: 0.5 becomes 1 and -0.5 becomes -1, so a credit mirrors its charge."""
    if isinstance(value, Fraction):
        # Doubled, so that the half to be added is an integer too.
        whole = (2 * abs(value.numerator) + value.denominator) // (2 * value.denominator)
        return whole if value >= 0 else -whole
    return int(value.to_integral_value(rounding=ROUND_HALF_UP))


def minor_digits(currency: str) -> int:
    """Return how many decimals the API's integers have; ISK and UGX keep two although nobody uses them."""
    if currency in ZERO_DECIMAL:
        return 0
    return 3 if currency in THREE_DECIMAL else 2


def minor_units(text: str, currency: str) -> int:
    """Read an amount that a person wrote in the main unit of a currency: digits, with a point for decimals.

    Raises ValueError for anything else, and for more decimals than the currency has.

    >>> minor_units("12.5", "eur"), minor_units("1200", "jpy")
    (1250, 1200)
    """
    if not AMOUNT.fullmatch(text.strip()):
        raise ValueError(f"{text} is no amount, as 12.50 is.")
    minor = Decimal(text.strip()).scaleb(minor_digits(currency), context=EXACT)
    if minor != minor.to_integral_value():
        raise ValueError(f"{text} has more decimals than {currency.upper()}.")
    return int(minor)


def minor_rate(text: str, currency: str) -> Decimal:
    """Read a rate that a person wrote in the main unit of a currency: minor units, with as many decimals.

    Raises ValueError for anything else.

    >>> minor_rate("0.0005", "usd"), minor_rate("3", "jpy")
    (Decimal('0.05'), Decimal('3'))
    """
    if not RATE.fullmatch(text.strip()):
        raise ValueError(f"{text} is no amount, as 0.0125 is.")
    return Decimal(text.strip()).scaleb(minor_digits(currency), context=EXACT).normalize(context=EXACT)


def ungrouped(text: str) -> str:
    """Take the commas between thousands out of a number that a person wrote; any other comma stays.

    One that is meant as a decimal point is refused then, and not read as ten times as much.

    >>> ungrouped("1,000.5"), ungrouped("1,5")
    ('1000.5', '1,5')
    """
    return text.replace(",", "") if GROUPED.fullmatch(text) else text


def minimum_charge(currency: str) -> int:
    return MINIMUM_CHARGES.get(currency, 0)


def largest_charge(currency: str) -> int:
    """Return the largest amount that is charged at once; the last of three decimals is always zero.

    >>> largest_charge("eur"), largest_charge("kwd")
    (99999999, 99999990)
    """
    return LARGEST_CHARGE // 10 * 10 if currency in THREE_DECIMAL else LARGEST_CHARGE


def charge_step(currency: str) -> int:
    """Return what an amount is a multiple of that can be charged, in minor units.

    >>> charge_step("eur"), charge_step("isk"), charge_step("kwd")
    (1, 100, 10)
    """
    return 100 if currency in WHOLE_UNITS else 10 if currency in THREE_DECIMAL else 1


def payout_step(currency: str) -> int:
    """Return what an amount is a multiple of that can be paid out.

    >>> payout_step("eur"), payout_step("huf"), payout_step("isk")
    (1, 100, 100)
    """
    return 100 if currency in WHOLE_PAYOUTS | WHOLE_UNITS else 1


def charge_limits(currency: str) -> tuple[int, int, int]:
    """Return the smallest and the largest amount that is charged, and what it is a multiple of."""
    return minimum_charge(currency), largest_charge(currency), charge_step(currency)


def allocate(total: int, weights: Sequence[int | Decimal]) -> list[int]:
    """Split an amount by largest remainder, the first one first on a tie: 100 by [1, 1, 1] is [34, 33, 33].

    Weights that are all zero get equal shares.
    """
    shares = [Fraction(weight) for weight in weights]
    ensure(all(share >= 0 for share in shares), "No share is below zero.")
    if not any(shares):
        shares = [Fraction(1)] * len(shares)
    ensure(shares or total == 0, "There are no shares to split the total over.")
    whole = sum(shares)
    parts = [divmod(abs(total) * share, whole) for share in shares]
    split = [int(quotient) for quotient, _ in parts]
    by_remainder = sorted(range(len(parts)), key=lambda at: -parts[at][1])
    for at in by_remainder[: abs(total) - sum(split)]:
        split[at] += 1
    return split if total >= 0 else [-part for part in split]


def proportional(total: int, part: int, whole: int) -> int:
    """Return the share of a total that a part of a whole has, rounded: of 100, 1 of 3 is 33."""
    return round_half_away(Fraction(total * part, whole))


@lru_cache(maxsize=4096)
def show(amount: int | Decimal, currency: str) -> str:
    """Format minor units for people: -500 usd is -$5.00, 0.0003 usd is $0.000003, 500 jpy is ¥500."""
    digits = minor_digits(currency)
    value = Decimal(amount).scaleb(-digits, context=EXACT).normalize(context=EXACT)
    exponent = value.as_tuple().exponent
    if not isinstance(exponent, int):
        raise Inconsistent("Money is finite.")
    symbol = get_currency_symbol(currency.upper(), locale="en_US")
    sign = "-" if value < 0 else ""
    return f"{sign}{symbol}{value.copy_abs():,.{max(digits, -exponent)}f}"


SHARED = frozenset(["$", "kr", "kr.", "\N{YEN SIGN}"])
"""Symbols that several currencies have: each country means its own by them."""


@lru_cache(maxsize=512)
def clear_symbol(currency: str, locale: str) -> str:
    """Return a symbol of a locale that is no other currency's anywhere, as US$, or the currency's code.

    >>> clear_symbol("usd", "en_US"), clear_symbol("sek", "sv"), clear_symbol("eur", "de")
    ('US$', 'SEK', '€')
    """
    for one in (locale, "en_IE"):
        symbol = str(get_currency_symbol(currency.upper(), locale=one))
        if symbol not in SHARED:
            return symbol
    return currency.upper()


def decimal_text(value: Decimal) -> str:
    """Format a decimal without exponent and trailing zeros: 0.0003, 1000."""
    return f"{value.normalize(context=EXACT):f}" if value else "0"
