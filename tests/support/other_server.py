"""The other server, at which the gateway `stripe` takes payments, as its merchant and customers see it."""

import re
import time
from collections.abc import Callable
from html import unescape
from typing import Any
from urllib.parse import urljoin

import requests

from billow.app import App
from tests.flows.conftest import do_what_is_due
from tests.support.stripe_server import Account

PATIENCE = 60
"""Seconds until a notice has arrived: the other server's worker numbers and sends its events."""


class Other:
    """The other server, as its merchant sees it."""

    def __init__(self, account: Account) -> None:
        self.account = account

    def get(self, path: str, **query: Any) -> dict[str, Any]:
        return self.ask("get", path, params=query)

    def post(self, path: str, **sent: Any) -> dict[str, Any]:
        return self.ask("post", path, data=sent)

    def ask(self, method: str, path: str, **more: Any) -> dict[str, Any]:
        address = self.account.address or "https://api.stripe.com"
        answer = requests.request(method, address + path, auth=(self.account.key, ""), timeout=30, **more)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found


class Elsewhere:
    """A customer's browser at the other server's pages."""

    def __init__(self, url: str) -> None:
        self.answer = requests.get(url, timeout=30)

    def sends(self, **entered: str) -> "Elsewhere":
        """Send the form of the page, and follow to where it leads."""
        address = re.search(r'<form method="post" action="([^"]+)"', self.answer.text)
        token = re.search(r'name="token" value="([^"]+)"', self.answer.text)
        assert address and token, self.answer.text
        url = urljoin(self.answer.url, unescape(address[1]))
        self.answer = requests.post(url, data={"token": token[1], "action": "pay", **entered}, timeout=30)
        return self

    def leads_to(self) -> str:
        """Where the page sends the browser by itself."""
        found = re.search(r'http-equiv="refresh" content="0;url=([^"]+)"', self.answer.text)
        assert found, self.answer.text
        return unescape(found[1])


def eventually(app: App, found: Callable[[], Any]) -> Any:
    """Wait for what a notice brings: do what is due here until it is there."""
    deadline = time.monotonic() + PATIENCE
    while not (there := found()):
        assert time.monotonic() < deadline, "The notice has not come."
        do_what_is_due(app)
        time.sleep(0.1)
    return there
