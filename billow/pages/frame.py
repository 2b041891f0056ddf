"""Render pages in one frame with one style sheet; seal their forms, and check what forms send."""

import hashlib
import hmac
import re
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import flask
from babel.numbers import format_percent
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from billow.core.errors import Inconsistent
from billow.flows.outside.merchant import merchant_of
from billow.flows.outside.outside import Outside
from billow.flows.outside.seller import seller_of
from billow.pages import logo
from billow.pages.words import Words, spoken, words_of
from billow.providers.letters import Money, formats, layout
from billow.store.tx import Tx

HERE = Path(__file__).parent
CSS = (HERE / "billow.css").read_bytes()
STYLE = f"/billow.{hashlib.sha256(CSS).hexdigest()[:12]}.css"
"""The address of the style sheet, another one whenever it changes, so that browsers may keep it."""
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self' data:;"
    " form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=(self)",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
    "X-Robots-Tag": "noindex",
}
TEMPLATES = Environment(
    loader=FileSystemLoader(HERE / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def add(app: flask.Flask) -> None:
    """Add the style sheet, and one of a few lines for each colour of a merchant's."""

    def style() -> flask.Response:
        kept = {"Cache-Control": "public, max-age=31536000, immutable", "X-Content-Type-Options": "nosniff"}
        return flask.Response(CSS, mimetype="text/css", headers=kept)

    def brand(color: str) -> flask.Response:
        if not re.fullmatch("[0-9A-F]{6}", color):
            return flask.Response("", status=404)
        kept = {"Cache-Control": "public, max-age=31536000, immutable", "X-Content-Type-Options": "nosniff"}
        return flask.Response(brand_css(f"#{color}"), mimetype="text/css", headers=kept)

    app.add_url_rule(STYLE, "style sheet", style)
    app.add_url_rule("/brand.<color>.css", "brand", brand)


def branded(tx: Tx, color: str | None = None) -> dict[str, Any]:
    """Return how a page looks: the merchant's logo, and its colour or the one that is given."""
    return {"brand": brand_of(tx, color), "logo": logo.address_of(tx)}


def brand_of(tx: Tx, wanted: str | None = None) -> str | None:
    """Return the address of the style sheet with the merchant's colour; None where no text is read on it."""
    for color in (wanted, merchant_of(tx).primary_color or seller_of(tx).primary_color):
        if color and re.fullmatch("#[0-9A-Fa-f]{6}", color) and layout.best_contrast(color) >= READABLE:
            return f"/brand.{color[1:].upper()}.css"
    return None


READABLE, SEEN = 450, 300
"""The contrasts of texts on a colour, and of a colour on its ground, in hundredths (WCAG 1.4.3, 1.4.11)."""
GROUNDS = {"light": "#FFFFFF", "dark": "#181D26"}


def brand_css(color: str) -> str:
    """Return a merchant's colour for buttons and marks, in each scheme in which it can be seen."""
    tokens = f"--accent: {color}; --accent-hover: {color}; --on-accent: {layout.on_color(color)};"
    return "".join(
        f"@media (prefers-color-scheme: {scheme}) {{ :root {{ {tokens} }} }}\n"
        for scheme, ground in GROUNDS.items()
        if layout.contrast(color, ground) >= SEEN
    )


def page(template: str, language: str | None, status: int = 200, **values: Any) -> flask.Response:
    """Render a page in a language of ours; every text is escaped, a customer's name is never markup."""
    words = words_of(language)
    given = {"brand": None, "logo": None, **values}
    text = TEMPLATES.get_template(template).render(
        style=STYLE, words=words, money=lambda amount, currency: money(amount, currency, words), **given
    )
    return flask.Response(text, status=status, mimetype="text/html", headers=HEADERS)


def money(amount: int, currency: str, words: Words) -> str:
    """Write an amount with as many decimals as its currency has, and a symbol that is no other currency's."""
    return formats.money(Money(amount, currency), words.region).replace("-", "\N{MINUS SIGN}")


def percent(part: Decimal, words: Words) -> str:
    """Write a percentage: `20%`, `12,5 %`."""
    space = "" if words.language == "en" else "\N{NO-BREAK SPACE}"
    return str(format_percent(part / 100, f"#,##0.##{space}%", words.region))


def too_often(tx: Tx, words: Words) -> flask.Response:
    """Say that too many cards were declined here, and that nothing is taken for an hour."""
    seller = seller_of(tx).name
    given = {"seller": seller, "test": not tx.livemode, "texts": [words("too_often", seller=seller)]}
    return page(
        "message.html", words.language, 429, kind="bad", key="declined", link=None, refresh=None, **given
    )


def gone(language: str | None = None, **values: Any) -> flask.Response:
    """Answer that there is nothing at an address, whatever is wrong with it."""
    given = {"seller": "", "test": False, "texts": [words_of(language)("gone_text")], **values}
    return page("message.html", language, 404, kind="bad", key="gone", link=None, refresh=None, **given)


# ------------------------------------------------------------------------------------- forms


def token_of(outside: Outside, address: str) -> str:
    """Return the token of the forms on a page, which only somebody who has the page's address can know."""
    if not outside.secret:
        raise Inconsistent("Forms cannot be sealed without the installation's secret.")
    return hmac.new(outside.secret, f"form {address}".encode(), hashlib.sha256).hexdigest()[:40]


def is_ours(outside: Outside, address: str, form: Mapping[str, str], headers: Any) -> bool:
    """Check that a form was sent from the page itself: its token, and what the browser says of its origin."""
    site = headers.get("Sec-Fetch-Site")
    if site is not None and site not in ("same-origin", "none"):
        return False
    given = form.get("token", "")
    return hmac.compare_digest(given.encode(), token_of(outside, address).encode())


def see(address: str) -> flask.Response:
    """Send the browser to another page of ours after a form, so that a reload sends nothing again."""
    return flask.Response("", status=303, headers={**HEADERS, "Location": address})


def language_of_browser() -> str:
    """Return the language that the browser prefers of those that the pages speak: `nb` of `nn-NO, en`."""
    return words_of(spoken(one for one, quality in flask.request.accept_languages if quality)).language
