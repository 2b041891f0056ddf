"""Narrow lists by currency and day of creation, and show what narrows them as chips."""

from collections.abc import Container, Mapping
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from billow.core.books.periods import first_day, last_day, start_of
from billow.core.errors import Refused, require
from billow.core.money import CURRENCIES
from billow.pages.dashboard.visit import Visit

NAMES = ("currency", "from", "to")
"""What an address can say of any list, beside its tab and its search."""
WORDS = {"q": "Search", "currency": "Currency", "from": "From", "to": "To and with", "customer": "Customer"}


def read(args: Mapping[str, str], columns: Container[str], zone: str) -> dict[str, Any]:
    """Return the currency, and from when to before when what is wanted was created; None does not narrow."""
    currency = args.get("currency", "").lower() or None
    require(currency is None or currency in CURRENCIES, "There is no such currency.")
    return {
        "currency": currency if "currency" in columns else None,
        "since": begins(first_day(args["from"]), zone) if args.get("from") else None,
        "until": begins(last_day(args["to"]), zone, days=1) if args.get("to") else None,
    }


def begins(day: date, zone: str, days: int = 0) -> datetime:
    try:
        return start_of(day + timedelta(days=days), ZoneInfo(zone))
    except OverflowError:
        raise Refused("There is no such day.") from None


def chips(visit: Visit, path: str, kept: Mapping[str, str]) -> list[dict[str, str]]:
    """Return what narrows a list, each with the address of the list without it; tabs stand elsewhere."""
    found = []
    for name, value in kept.items():
        if name != "tab":
            others = {other: text for other, text in kept.items() if other != name}
            label = f"{WORDS.get(name, name.replace('_', ' ').capitalize())}: {value}"
            found.append({"text": label, "href": visit.to(path, **others)})
    return found
