"""Can a customer look costs, usage and papers up in a browser, with nothing but a keyboard?"""

from collections.abc import Callable
from typing import Any

from tests.browser.test_pages import problems
from tests.support.portal_stories import FEATURES, furnished
from tests.support.world import World

Visit = Callable[..., Any]
SCREENS = ("", "costs", "usage", "usage&by=region", "papers", "credits")


def reached(page: Any, name: str) -> None:
    """Press Tab until a control of this name has the focus."""
    for _ in range(60):
        page.keyboard.press("Tab")
        focused = page.evaluate(
            "(e => (e.labels?.[0]?.innerText || e.innerText || '').trim())(document.activeElement)"
        )
        if focused.startswith(name):
            return
    raise AssertionError(f"Tab does not reach {name}")


def test_every_screen_is_whole_in_both_schemes(world: World, visit: Visit) -> None:
    _, session = furnished(world)
    for scheme in ("light", "dark"):
        page = visit(session["url"], scheme)
        for screen in SCREENS:
            page.goto(f"{session['url']}?show={screen}")
            page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
            assert problems(page) == [], screen
            assert page.evaluate("document.documentElement.scrollWidth") <= page.viewport_size["width"], (
                screen
            )
            assert len(page.content()) < 60_000


def test_an_alert_is_set_and_removed_by_keyboard(world: World, visit: Visit) -> None:
    _, session = furnished(world)
    page = visit(session["url"])
    reached(page, "Costs")
    page.keyboard.press("Enter")
    page.get_by_text("Expected: about US$82.00").wait_for()
    reached(page, "Tell me at")
    page.keyboard.type("free")
    page.keyboard.press("Enter")
    page.get_by_role("alert").wait_for()
    assert problems(page) == []
    page.get_by_label("Tell me at").fill("75")
    page.get_by_label("Tell me at").press("Enter")
    page.get_by_text("At US$75.00").wait_for()
    reached(page, "Remove")
    page.keyboard.press("Enter")
    page.get_by_text("At US$75.00").wait_for(state="detached")


def test_usage_is_broken_down_by_keyboard(world: World, visit: Visit) -> None:
    _, session = furnished(world)
    page = visit(session["url"])
    reached(page, "Usage")
    page.keyboard.press("Enter")
    page.get_by_role("img", name="calls by day").wait_for()
    reached(page, "By")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.locator(".legend").get_by_text("eu-west").wait_for()
    with page.expect_download() as saved:
        reached(page, "Download as CSV")
        page.keyboard.press("Enter")
    assert "eu-west" in saved.value.path().read_text()


def test_a_plan_is_changed_after_its_cost_was_read(world: World, visit: Visit) -> None:
    ann, session = furnished(world)
    page = visit(session["url"])
    reached(page, "Change plan")
    page.keyboard.press("Enter")
    page.get_by_label("US$50.00 per month").check()
    assert problems(page) == []
    page.get_by_role("button", name="Continue").press("Enter")
    button = page.get_by_role("button", name="now and change")
    button.wait_for()
    assert page.get_by_text("Due now: US$").is_visible() and problems(page) == []
    button.press("Enter")
    page.get_by_role("heading", name="Your account with").wait_for()
    assert world.get("/v1/invoices", customer=ann.id)["data"][0]["status"] == "paid"


def test_a_link_is_asked_for_by_keyboard(world: World, visit: Visit) -> None:
    made = world.post("/v1/billing_portal/configurations", features=FEATURES, login_page={"enabled": "true"})
    page = visit(made["login_page"]["url"])
    assert problems(page) == []
    page.get_by_label("Email").fill("nobody")
    page.get_by_label("Email").press("Enter")
    page.get_by_role("alert").wait_for()
    assert problems(page) == []
    page.get_by_label("Email").fill("nobody@example.com")
    page.get_by_label("Email").press("Enter")
    page.get_by_role("heading", name="Look into your mail").wait_for()
    assert problems(page) == []


def test_axe_finds_a_chart_without_a_name(world: World, visit: Visit) -> None:
    _, session = furnished(world)
    page = visit(f"{session['url']}?show=usage")
    page.evaluate("document.querySelector('.chart svg').removeAttribute('aria-label')")
    page.evaluate("document.querySelectorAll('.chart title').forEach(one => one.remove())")
    assert any(one.startswith("svg-img-alt") for one in problems(page))
