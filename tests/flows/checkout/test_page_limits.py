"""Are pages small, fast, sealed and without scripts, and is a card number kept nowhere?"""

import logging
import re
import time
from typing import Any

import pytest

from billow.pages import frame
from tests.support.kept_text import kept
from tests.support.page_visits import CARD, PAYER, Visitor
from tests.support.world import World

MOST_BYTES, MOST_SECONDS = 60_000, 0.1
VISA = "4242424242424242"
NUMBERS = (VISA, "4000000000000002")


@pytest.fixture
def pages(world: World) -> dict[str, str]:
    """The address of each page that takes money."""
    lines = [{"price": world.plan("Pro", usd=20), "quantity": 1}]
    ok = "https://shop.example"
    session = world.post("/v1/checkout/sessions", mode="subscription", success_url=ok, line_items=lines)
    ann = world.customer("ann")
    world.post("/v1/invoiceitems", customer=ann.id, amount=4800, currency="usd")
    draft = world.post("/v1/invoices", customer=ann.id, pending_invoice_items_behavior="include")
    invoice = world.post(f"/v1/invoices/{draft['id']}/finalize")
    portal = world.post("/v1/billing_portal/sessions", customer=ann.id)
    return {"checkout": session["url"], "invoice": invoice["hosted_invoice_url"], "portal": portal["url"]}


def test_a_page_is_under_60_kilobytes_with_its_styles(pages: dict[str, str], app: Any) -> None:
    for name, url in pages.items():
        visitor = Visitor(app).opens(url)
        assert visitor.status == 200
        assert len(visitor.text.encode()) + len(frame.CSS) < MOST_BYTES, name


def test_a_page_takes_under_100_milliseconds_on_the_server(pages: dict[str, str], app: Any) -> None:
    """The best of five tries: a busy machine makes the others slower."""
    for name, url in pages.items():
        tries = []
        for _ in range(5):
            begun = time.perf_counter()
            Visitor(app).opens(url)
            tries.append(time.perf_counter() - begun)
        assert min(tries) < MOST_SECONDS, (name, tries)


def test_a_page_has_no_script_and_no_style_of_its_own(pages: dict[str, str], app: Any) -> None:
    for url in pages.values():
        visitor = Visitor(app).opens(url)
        assert not re.search(r"<script|<style| style=| on[a-z]+=", visitor.text)
        policy = visitor.headers["Content-Security-Policy"]
        assert "script-src" not in policy and "unsafe" not in policy and "default-src 'none'" in policy
        for name, value in (
            ("Referrer-Policy", "no-referrer"),
            ("X-Robots-Tag", "noindex"),
            ("Cache-Control", "no-store"),
        ):
            assert visitor.headers[name] == value
        assert "Set-Cookie" not in visitor.headers


def test_the_style_sheet_is_kept_by_browsers(app: Any) -> None:
    answer = app.wsgi.test_client().get(frame.STYLE)
    assert (answer.status_code, answer.mimetype) == (200, "text/css")
    assert "immutable" in answer.headers["Cache-Control"]


def test_a_card_number_is_in_no_row_no_event_and_no_log(
    pages: dict[str, str], world: World, app: Any, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        Visitor(app).opens(pages["checkout"]).sends(**{**PAYER, "cvc": "917"})
        Visitor(app).opens(pages["invoice"]).sends(**{**CARD, "number": "4000000000000002"})
    assert not any(number in caplog.text for number in NUMBERS)
    with app.db.transaction(world.api.tenant, reads=True) as tx:
        rows = kept(tx)
    assert len(rows["events"]) > 10
    found = [table for table, texts in rows.items() if any(n in text for n in NUMBERS for text in texts)]
    assert found == []


def contrast(one: str, other: str) -> float:
    """The contrast of two colours, by the formula of WCAG."""

    def light(colour: str) -> float:
        parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
        linear = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    bright, dark = sorted((light(one), light(other)), reverse=True)
    return (bright + 0.05) / (dark + 0.05)


PAIRS = [
    *((text, ground, 4.5) for text in ("text", "muted", "link") for ground in ("surface", "bg", "row-sel")),
    ("on-accent", "accent", 4.5),
    ("on-accent", "accent-hover", 4.5),
    ("on-danger", "danger", 4.5),
    ("danger", "surface", 4.5),
    ("control", "surface", 3),
    ("focus", "bg", 3),
    *((f"{tone}-text", f"{tone}-ground", 4.5) for tone in ("neutral", "info", "good", "warn", "bad", "hold")),
]


def test_each_pair_of_colours_has_its_contrast() -> None:
    light, dark = frame.CSS.decode().split("prefers-color-scheme: dark", 1)
    usual = dict(re.findall(r"--([\w-]+): (#[0-9A-F]{6})", light))
    darker = {**usual, **dict(re.findall(r"--([\w-]+): (#[0-9A-F]{6})", dark))}
    for colours in (usual, darker):
        for text, ground, least in PAIRS:
            assert contrast(colours[text], colours[ground]) >= least, (text, ground)
    assert contrast("#777777", "#FFFFFF") < 4.5
