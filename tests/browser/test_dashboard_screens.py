"""Is the work of the dashboard done in a browser, and does axe find nothing on its screens?"""

from collections.abc import Callable
from typing import Any

import pytest

from tests.browser.test_pages import problems
from tests.support.world import World

Visit = Callable[..., Any]
VOLUME = "model=volume&currency=usd&up-to-1=1000&unit-1=0.10&unit-2=0.05&quantity=1500"


@pytest.fixture
def held(world: World) -> dict[str, str]:
    """A subscription to two seats, half through January, with a price by tiers and some usage."""
    world.at("2026-01-01")
    anna, plan = world.customer("anna"), world.plan("Pro", usd=31)
    subscription = anna.subscribes_to({"price": plan, "quantity": 2})
    meter = world.meter("bytes")
    metered = world.metered("Traffic", meter, tiers=[(1000, "10"), ("inf", "5")])
    anna.uses("bytes", 400, "2026-01-01")
    world.at("2026-01-16")
    item = world.get(f"/v1/subscriptions/{subscription.id}")["items"]["data"][0]["id"]
    product = world.get(f"/v1/prices/{plan}")["product"]
    key = world.post("/v1/api_keys", name="Shop")["id"]
    return {
        "customer": anna.id,
        "subscription": subscription.id,
        "item": item,
        "plan": plan,
        "metered": metered,
        "meter": meter,
        "product": product,
        "key": key,
        "clock": world.clock or "",
    }


def test_axe_finds_nothing_on_what_is_made_and_changed(
    desk: Callable[..., Any], held: dict[str, str]
) -> None:
    """On a desktop by day, and on a phone by night."""
    subscription, product = f"/subscriptions/{held['subscription']}", f"/products/{held['product']}"
    page = desk("")
    page.emulate_media(color_scheme="dark" if page.viewport_size["width"] < 500 else "light")
    home = page.url
    for path in (
        f"{subscription}/change?show=1&quantity-{held['item']}=5",
        f"{subscription}/cancel?show=1&when=now&unused=credit&bill=1",
        f"{subscription}/pause",
        f"/customers/{held['customer']}/subscribe?show=1&price-1={held['plan']}",
        f"{product}/prices/new?show=1&{VOLUME}",
        f"{product}/edit",
        f"/prices/{held['metered']}?quantity=1500",
        f"/meters/{held['meter']}?from=2026-01-01&until=2026-01-31&by=customer",
        "/meters/new",
        "/keys/new",
        f"/keys/{held['key']}",
        f"/test-clocks/{held['clock']}",
    ):
        page.goto(home.rstrip("/") + path)
        assert "went wrong" not in page.content(), path
        page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
        assert problems(page) == [], path
        wide = page.evaluate("document.documentElement.scrollWidth")
        assert wide <= page.viewport_size["width"], (path, wide)


def test_a_quantity_is_changed_after_its_price_was_shown(
    world: World, desk: Callable[..., Any], held: dict[str, str]
) -> None:
    page = desk(f"/subscriptions/{held['subscription']}")
    page.get_by_role("link", name="Change", exact=True).click()
    page.get_by_label("Quantity", exact=True).fill("5")
    page.get_by_label("The rest of the period").select_option("always_invoice")
    page.get_by_label("Reason, for the audit log").fill("Three more seats")
    page.get_by_label("Reason, for the audit log").press("Enter")
    button = page.get_by_role("button", name="Change it: US$48.00 now")
    button.focus()
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/subscriptions/{held['subscription']}")
    changed = world.get(f"/v1/subscriptions/{held['subscription']}")
    assert changed["items"]["data"][0]["quantity"] == 5
    assert world.get("/v1/invoices")["data"][0]["amount_paid"] == 4800


def test_a_price_is_drawn_and_made(world: World, desk: Callable[..., Any], held: dict[str, str]) -> None:
    page = desk(f"/products/{held['product']}")
    page.get_by_role("link", name="New price").click()
    page.get_by_label("Model").select_option("volume")
    page.get_by_label("Currency").fill("EUR")
    for label, text in (
        ("Up to, tier 1", "1000"),
        ("Each unit, tier 1", "0.10"),
        ("Each unit, tier 2", "0.05"),
    ):
        page.get_by_label(label).fill(text)
    page.get_by_label("Calculate for a quantity").fill("1500")
    page.get_by_role("button", name="Draw and calculate").click()
    page.get_by_text("1,001 units cost €49.95 less than 1,000.").wait_for()
    assert page.get_by_text("1,500 units cost €75.00").count() == 1
    page.get_by_role("button", name="Create this price").click()
    page.wait_for_url(f"**/products/{held['product']}")
    newest = world.get("/v1/prices", product=held["product"])["data"][0]
    assert (newest["currency"], newest["tiers_mode"]) == ("eur", "volume")
