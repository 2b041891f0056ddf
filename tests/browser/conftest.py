"""A real browser: Debian's chromium, driven by playwright; without one these tests are skipped."""

import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

from billow.app import App
from tests.conftest import new_caller
from tests.dashboard.conftest import hired, signed_in
from tests.flows.conftest import do_what_is_due
from tests.support.world import World

SIZES = {"desktop": {"width": 1280, "height": 900}, "phone": {"width": 390, "height": 844}}
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    if CHROMIUM is None:
        pytest.skip("there is no chromium here: apt-get install chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture
def world(app: App, http_url: str) -> Iterator[World]:
    """A merchant whose pages have the address of the server of the tests."""
    before = app.db.outside
    app.db.outside = replace(before, base_url=http_url)
    with ThreadPoolExecutor(1) as worker:  # playwright's loop runs in this thread
        yield World(new_caller(app), lambda: worker.submit(do_what_is_due, app).result())
    app.db.outside = before


@pytest.fixture(params=SIZES)
def visit(request: Any, browser: Any) -> Iterator[Callable[..., Any]]:
    """Open an address on a desktop and on a phone; the shop that customers return to is always there."""
    opened = []

    def open_page(url: str, scheme: str = "light") -> Any:
        context = browser.new_context(viewport=SIZES[request.param], color_scheme=scheme, locale="en-IE")
        opened.append(context)
        page = context.new_page()
        page.set_default_timeout(10_000)
        shop = "<!doctype html><html lang=en><title>Shop</title><main><h1>Back in the shop</h1></main>"
        page.route(
            "https://shop.example/**", lambda route: route.fulfill(body=shop, content_type="text/html")
        )
        page.goto(url)
        return page

    yield open_page
    for context in opened:
        context.close()


@pytest.fixture
def desk(app: App, world: World, visit: Callable[..., Any], http_url: str) -> Callable[..., Any]:
    """Open a screen of the dashboard, as the owner of the world's account."""
    account = world.api.account
    owner = signed_in(hired(app, account, "owner", f"owner@{account.lower()}.example"))
    cookie = owner.client.get_cookie("billow")
    assert cookie is not None

    def open_screen(path: str, scheme: str = "light") -> Any:
        page = visit(f"{http_url}/dashboard/sign-in", scheme)
        page.context.add_cookies([{"name": "billow", "value": cookie.value, "url": http_url}])
        page.goto(f"{http_url}/dashboard/{account}/test{path}")
        return page

    return open_screen
