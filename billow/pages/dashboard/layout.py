"""Render the screens of the dashboard: their frame, and amounts and instants as people read them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import flask
from babel import Locale
from babel.dates import format_datetime

from billow.core.money import minor_digits
from billow.pages import frame
from billow.pages.words import words_of

if TYPE_CHECKING:
    from billow.pages.dashboard.visit import Visit

ENGLISH = Locale.parse("en_IE")
HOME_DEPTH = 3
"""How many slashes the address of the home screen has: /dashboard/account/mode."""
NAVIGATION = (
    ("Home", "", "customers.read"),
    ("Customers", "/customers", "customers.read"),
    ("Subscriptions", "/subscriptions", "customers.read"),
    ("Quotes", "/quotes", "customers.read"),
    ("Invoices", "/invoices", "customers.read"),
    ("Billing runs", "/runs", "customers.read"),
    ("Credit notes", "/credit-notes", "customers.read"),
    ("Mails", "/mails", "customers.read"),
    ("Payments", "/payments", "customers.read"),
    ("Disputes", "/disputes", "customers.read"),
    ("Payouts", "/payouts", "customers.read"),
    ("Bank", "/bank", "bank.read"),
    ("Products", "/products", "customers.read"),
    ("Coupons", "/coupons", "customers.read"),
    ("Meters", "/meters", "customers.read"),
    ("Reports", "/reports", "reports.read"),
    ("API keys", "/keys", "keys.read"),
    ("Test clocks", "/test-clocks", "clocks.read"),
    ("Ledger", "/ledger", "ledger.read"),
    ("Events", "/events", "events.read"),
    ("Requests", "/requests", "events.read"),
    ("Webhooks", "/webhooks", "events.read"),
    ("Approvals", "/approvals", "approvals.read"),
    ("Settings", "/settings", "settings.read"),
    ("People", "/people", "operators.read"),
    ("Audit log", "/audit", "audit.read"),
)
GROUPS = {
    "": ("", "/customers"),
    "Billing": ("/subscriptions", "/quotes", "/invoices", "/credit-notes", "/mails", "/runs", "/test-clocks"),
    "Catalogue": ("/products", "/coupons", "/meters"),
    "Money": ("/payments", "/disputes", "/payouts", "/bank", "/ledger"),
    "Reports": ("/reports",),
    "Developers": ("/keys", "/requests", "/webhooks", "/events"),
    "Settings": ("/settings", "/approvals", "/people", "/audit"),
}
"""In which group of the navigation each screen is, by its path."""


@dataclass(frozen=True, slots=True)
class Cell:
    """What stands in a table or a list of facts: a text, where it leads to, and how it looks."""

    text: str
    kind: str = ""
    link: str | None = None
    tone: str = ""
    below: str = ""
    number: str = ""
    """An amount as a number, in the main unit of its currency, for spreadsheets."""


NOTHING = Cell("\N{EM DASH}", "none")


def when(instant: datetime | None, zone: str = "UTC", *, day: bool = False) -> str:
    """Write an instant in a time zone, with the zone's short name, or its offset where it has none.

    The name is the zone's own: Babel 2.18 writes an hour too much for Dublin in summer and for St. John's.

    >>> when(datetime(2027, 3, 14, 8, tzinfo=ZoneInfo("UTC")), "Europe/Berlin")
    '14 Mar 2027, 09:00 CET'
    >>> when(datetime(2027, 3, 14, 8, tzinfo=ZoneInfo("UTC")), "America/Sao_Paulo")
    '14 Mar 2027, 05:00 -03'
    >>> when(datetime(2026, 7, 15, 11, tzinfo=ZoneInfo("UTC")), "Europe/Dublin")
    '15 Jul 2026, 12:00 IST'
    >>> when(datetime(2026, 1, 15, 15, 30, tzinfo=ZoneInfo("UTC")), "America/St_Johns")
    '15 Jan 2026, 12:00 NST'
    """
    if instant is None:
        return NOTHING.text
    local = instant.astimezone(ZoneInfo(zone))
    written = str(format_datetime(local, "d MMM y" if day else "d MMM y, HH:mm", locale=ENGLISH))
    return written if day else f"{written} {local.tzname()}"


def day(instant: datetime | None, zone: str) -> Cell:
    """Return the day of an instant in a time zone."""
    return Cell(when(instant, zone, day=True), "day") if instant else NOTHING


def midnight(on: date, zone: str = "UTC") -> datetime:
    """Return the instant at which a day begins in a time zone."""
    return datetime(on.year, on.month, on.day, tzinfo=ZoneInfo(zone))


def amount(value: int | None, currency: str) -> Cell:
    """Return an amount with its currency."""
    if value is None:
        return NOTHING
    number = str(in_main_unit(value, currency))
    return Cell(frame.money(value, currency, words_of("en")), "amount", number=number)


def in_main_unit(value: int | str | Decimal, currency: str) -> Decimal:
    """Return an amount or a rate in minor units as a number in the main unit of its currency."""
    return Decimal(value).scaleb(-minor_digits(currency))


def badge(status: str | None, tones: dict[str, str]) -> Cell:
    """Return a status as a badge, in words; None stands for no status."""
    if not status:
        return NOTHING
    return Cell(status.replace("_", " ").capitalize(), "badge", tone=tones.get(status, ""))


def page(visit: "Visit", template: str, title: str, status: int = 200, **values: Any) -> flask.Response:
    """Render a screen in the frame of the dashboard."""
    other = "live" if visit.mode == "test" else "test"
    return rendered(
        template,
        status,
        title=title,
        visit=visit,
        groups=groups_of(visit),
        other=(other, f"/dashboard/{visit.account}/{other}"),
        token=visit.token,
        **{"clock": None, **values},
    )


def parts(visit: "Visit", screens: Sequence[tuple[str, str]]) -> list[dict[str, Any]]:
    """Return the links between screens that belong together, each with its path and title."""
    here = flask.request.path
    return [
        {"title": title, "href": visit.to(path), "here": here == visit.to(path)} for path, title in screens
    ]


def groups_of(visit: "Visit") -> list[dict[str, Any]]:
    """Return the groups of the navigation, each with the screens that this person may see."""
    here = flask.request.path
    known = {path: (text, right) for text, path, right in NAVIGATION}
    found = []
    for title, paths in GROUPS.items():
        links = [
            {
                "text": known[path][0],
                "href": visit.to(path),
                "here": here == visit.to(path) or is_below(here, visit.to(path)),
            }
            for path in paths
            if visit.may(known[path][1])
        ]
        found += [{"title": title, "links": links}] if links else []
    return found


def is_below(here: str, screen: str) -> bool:
    """Tell whether an address is below a screen; the home screen has all others below it, so none counts."""
    return screen.count("/") > HOME_DEPTH and here.startswith(f"{screen}/")


def rendered(template: str, status: int = 200, **values: Any) -> flask.Response:
    """Render a page of the dashboard; every text is escaped."""
    text = frame.TEMPLATES.get_template(f"dashboard/{template}").render(
        style=frame.STYLE, when=when, **values
    )
    headers = {**frame.HEADERS, "Referrer-Policy": "same-origin"}
    return flask.Response(text, status=status, mimetype="text/html", headers=headers)


def said(title: str, texts: Sequence[str], status: int = 200) -> flask.Response:
    """Answer with a short message."""
    return rendered("said.html", status, title=title, texts=texts)
