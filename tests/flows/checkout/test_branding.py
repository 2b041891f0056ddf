"""Do the pages that take payments look like their seller's: with its logo, its colours and its name?"""

import re
from typing import Any

import pytest

from billow.flows.outside import seller
from billow.pages import frame
from billow.providers.letters import layout
from tests.support.page_visits import Visitor
from tests.support.world import World

PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de0000000c49444154789c63606060"
    "00000004000119d9b2c40000000049454e44ae426082"
)
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><rect width="9" height="9"/></svg>'


def looks(world: World, app: Any, logo: bytes | None, color: str) -> None:
    with app.db.transaction(world.api.tenant) as tx:
        branding = {"branding": {"primary_color": color}}
        seller.store(tx, tx.account, logo=logo, settings=branding, business_profile={"name": "Ann's Shop"})


def invoice(world: World) -> str:
    ann = world.customer("Ann")
    ann.owes(12000)
    return str(ann.bills(auto_advance=False).does("finalize")["hosted_invoice_url"])


def session(world: World, **more: Any) -> str:
    price = world.once("Pro", usd=20)
    sent = {
        "mode": "payment",
        "line_items": [{"price": price, "quantity": 1}],
        "success_url": "https://a.example",
    }
    return str(world.post("/v1/checkout/sessions", **sent, **more)["url"])


def method_page(world: World) -> str:
    return str(world.post("/v1/billing_portal/sessions", customer=world.customer("Bo").id)["url"])


@pytest.mark.parametrize("make", [invoice, session, method_page])
@pytest.mark.parametrize(("logo", "media"), [(PNG, "image/png"), (SVG, "image/svg+xml")])
def test_a_page_carries_logo_colour_and_name(
    world: World, app: Any, make: Any, logo: bytes, media: str
) -> None:
    looks(world, app, None, "")
    plain = Visitor(app).opens(make(world))
    assert "/brand." not in plain.text and "/logo/" not in plain.text
    looks(world, app, logo, "#0F766E")
    page = Visitor(app).opens(make(world))
    assert page.status == 200 and "Ann's Shop" in page.words()
    [sheet] = re.findall(r'href="(/brand\.[^"]+)"', page.text)
    assert sheet == "/brand.0F766E.css"
    [address] = re.findall(r'<img src="(/logo/[^"]+)" alt="">', page.text)
    shown = app.wsgi.test_client().get(address)
    assert (shown.status_code, shown.data, shown.mimetype) == (200, logo, media)
    assert "sandbox" in shown.headers["Content-Security-Policy"]
    assert shown.headers["X-Content-Type-Options"] == "nosniff"


def test_an_address_of_no_logo_is_none(world: World, app: Any) -> None:
    looks(world, app, PNG, "")
    [address] = re.findall(r'src="(/logo/[^"]+)"', Visitor(app).opens(invoice(world)).text)
    looks(world, app, SVG, "")
    for wrong in (address, "/logo/acct_none/0123456789abcdef", "/logo/x/0", f"{address}0"):
        assert app.wsgi.test_client().get(wrong).status_code == 404


def test_a_session_has_the_colour_of_its_own_buttons(world: World, app: Any) -> None:
    looks(world, app, None, "#0F766E")
    own = session(world, branding_settings={"button_color": "#7C2D12", "display_name": "The Shop"})
    page = Visitor(app).opens(own)
    assert "/brand.7C2D12.css" in page.text and "The Shop" in page.words()
    wrong = session(world, branding_settings={"button_color": "red"})
    assert "/brand.0F766E.css" in Visitor(app).opens(wrong).text


@pytest.mark.parametrize("color", ["#0F766E", "#FDE047", "#1A1F2B", "#F5F5F5", "#777777"])
def test_what_stands_on_a_colour_can_be_read(color: str) -> None:
    """In each scheme in which a colour is used at all."""
    css = frame.brand_css(color)
    for scheme, ground in frame.GROUNDS.items():
        if scheme in css:
            assert layout.contrast(color, ground) >= 300
            assert layout.on_color(color) in css
