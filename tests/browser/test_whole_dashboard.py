"""Is each screen of the dashboard whole in a browser, for readers of all kinds, on a desktop and a phone?"""

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pytest

from billow.app import App
from billow.store.request_log import RequestLog
from tests.browser.test_pages import problems
from tests.support.portal_stories import furnished
from tests.support.world import World

FILES = re.compile(r"\.(csv|pdf|xml|json|beancount|journal|ndjson)$")
ID = re.compile(r"^[a-z]+_[A-Za-z0-9]{8,}$")
FEWEST = 60
PART = {"desktop": 1, "phone": 4}
"""Of how many screens one is read by axe, which takes longer than all else; all must fit."""


def kind_of(address: str) -> str:
    """Return the path of a screen with a star for each id, so that one of a kind is opened."""
    path = "/".join("*" if ID.match(part) else part for part in urlsplit(address).path.split("/"))
    return re.sub(r"/reports/(?!mrr$)\w+$", "/reports/*", path)


def links(page: Any, below: str) -> list[str]:
    found = page.eval_on_selector_all("a[href]", "all => all.map(one => one.href)")
    screens = [one.partition("#")[0] for one in found if one.startswith(below)]
    return [one for one in screens if not FILES.search(urlsplit(one).path)]


def test_every_screen_that_a_link_leads_to_is_whole(
    world: World, desk: Callable[..., Any], app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is answered, fits, and axe finds nothing on it: on a desktop by day, and on a phone at night."""
    monkeypatch.setattr(app.server, "log", log := RequestLog(app.db))
    customer, _ = furnished(world)
    long = "A customer with a name that is long enough to be wrapped on a phone"
    world.post(f"/v1/customers/{customer.id}", name=long)
    log.write()
    page = desk("")
    phone = page.viewport_size["width"] < 500
    page.emulate_media(color_scheme="dark" if phone else "light", reduced_motion="reduce")
    below = page.url.rstrip("/")
    waiting, seen, wrong, opened = [below], {kind_of(below)}, [], 0
    while waiting:
        opened += 1
        answer = page.goto(waiting.pop(0))
        page.evaluate("document.querySelectorAll('main details').forEach(one => one.open = true)")
        width = page.evaluate("document.documentElement.scrollWidth")
        found = problems(page) if opened % PART["phone" if phone else "desktop"] == 0 else []
        if found or answer.status != 200 or width > page.viewport_size["width"]:
            wrong.append((kind_of(page.url), answer.status, width, found))
        for link in links(page, below):
            if kind_of(link) not in seen:
                seen.add(kind_of(link))
                waiting.append(link)
    assert wrong == []
    assert len(seen) > FEWEST, sorted(seen)
