"""Hold the code lists of EN 16931 where they differ from ours: currencies, countries, units, addresses."""

from billow.core.money import CURRENCIES, THREE_DECIMAL

UNKNOWN_CURRENCIES = frozenset({"stn", "xad"})
"""Currencies that the list of the standard's rules has not (BR-CL-04)."""
COUNTRIES = {"XK": "1A", "EL": "GR", "UK": "GB"}
"""Countries that the list has under another code: Kosovo as 1A (BR-CL-14)."""
ONE = "C62"
#: The unit of a product by its label, in UN/ECE Recommendation 20. GB is gallons per day there, TB time band.
UNITS = {
    "hour": "HUR", "hr": "HUR", "h": "HUR", "day": "DAY", "month": "MON", "week": "WEE", "year": "ANN",
    "minute": "MIN", "min": "MIN", "second": "SEC", "sec": "SEC", "gb": "E34", "gigabyte": "E34",
    "tb": "E35", "terabyte": "E35", "mb": "4L", "megabyte": "4L", "kb": "2P", "kilobyte": "2P", "byte": "AD",
    "gib": "E34", "kwh": "KWH", "mwh": "MWH", "kg": "KGM", "km": "KMT", "m": "MTR", "l": "LTR",
    "litre": "LTR", "liter": "LTR",
}  # fmt: skip
#: The scheme of an electronic address that is a VAT id, by country (BR-CL-25).
VAT_SCHEMES = {
    "AD": "9922", "AL": "9923", "AT": "9914", "BA": "9924", "BE": "9925", "BG": "9926", "CH": "9927",
    "CY": "9928", "CZ": "9929", "DE": "9930", "EE": "9931", "ES": "9920", "FR": "9957", "GB": "9932",
    "GR": "9933", "HR": "9934", "HU": "9910", "IE": "9935", "IT": "0211", "LI": "9936", "LT": "9937",
    "LU": "9938", "LV": "9939", "MC": "9940", "ME": "9941", "MK": "9942", "MT": "9943", "NL": "9944",
    "PL": "9945", "PT": "9946", "RO": "9947", "RS": "9948", "SI": "9949", "SK": "9950", "SM": "9951",
    "TR": "9952",
}  # fmt: skip
MAIL_SCHEME = "EM"
"""The scheme of an electronic address that is one of mails."""
#: The scheme of an electronic address that is a company's number, by country.
COMPANY_SCHEMES = {"DK": "0184", "NL": "0106", "NO": "0192", "SE": "0007"}


def country(code: str) -> str:
    return COUNTRIES.get(code.upper(), code.upper())


def unit(label: str | None) -> str:
    """Return the unit of a label, in the singular or plural; one where it is none that is known.

    >>> unit("hours"), unit("GB"), unit("seat"), unit(None)
    ('HUR', 'E34', 'C62', 'C62')
    """
    plain = (label or "").strip().lower()
    return UNITS.get(plain) or UNITS.get(plain.removesuffix("s")) or ONE


def why_no_currency(currency: str) -> str | None:
    """Return why the standard cannot state amounts in a currency; None where it can."""
    if currency in THREE_DECIMAL:
        return f"EN 16931 states amounts with two decimals, and {currency.upper()} has three."
    if currency in UNKNOWN_CURRENCIES or currency not in CURRENCIES:
        return f"EN 16931 does not know the currency {currency.upper()}."
    return None
