"""Visit our pages as a browser without scripts does: read a form, fill it in, send it, follow."""

import re
from collections.abc import Callable
from html import unescape
from typing import Any

CARD = {"number": "4242 4242 4242 4242", "expiry": "12/49", "cvc": "123", "holder": "Ann Example"}
PAYER = {"email": "ann@example.com", "country": "CH", "postal_code": "3000", **CARD}
INPUT = re.compile(r"<input[^>]*>|<button[^>]*>")
ATTRIBUTE = re.compile(r'([\w-]+)="([^"]*)"')


class Visitor:
    """A browser without scripts or cookies, at one page after the other; `between` runs before each form.

    It prefers a `language`, if one is given, as browsers say: `de-AT,en;q=0.5`.
    """

    def __init__(self, app: Any, between: Callable[[], None] = lambda: None, language: str = "") -> None:
        self._between = between
        self._accepts = {"Accept-Language": language} if language else {}
        self._client = app.wsgi.test_client(use_cookies=False)
        self.address, self.status, self.text = "", 0, ""
        self.headers: Any = {}

    def opens(self, url: str) -> "Visitor":
        self._read(self._client.get(path_of(url), headers=self._accepts), path_of(url))
        return self

    def sends(self, **entered: str) -> "Visitor":
        """Send the form of the page with what was entered, and follow to where it leads."""
        sent = {**self.hidden(), "action": "pay", **entered}
        self._between()
        self._read(
            self._client.post(self.form_address(), data=sent, headers=self._accepts), self.form_address()
        )
        return self

    def form_address(self) -> str:
        found = re.search(r'<form method="post" action="([^"]+)"', self.text)
        assert found, self.text
        return unescape(found[1])

    def hidden(self) -> dict[str, str]:
        inputs = [dict(ATTRIBUTE.findall(one)) for one in INPUT.findall(self.text)]
        return {one["name"]: unescape(one.get("value", "")) for one in inputs if one.get("type") == "hidden"}

    def _read(self, answer: Any, address: str) -> None:
        steps = 0
        while answer.status_code == 303:
            address, steps = path_of(answer.headers["Location"]), steps + 1
            assert steps < 5, address
            answer = self._client.get(address, headers=self._accepts)
        self.address, self.status = address, answer.status_code
        self.text, self.headers = answer.get_data(as_text=True), answer.headers

    def words(self) -> str:
        """What a reader sees: the text without its marks."""
        body = re.sub(r"(?s)<(style|head|select).*?</\1>", " ", self.text)
        return " ".join(unescape(re.sub(r"<[^>]+>", " ", body)).replace("\u00a0", " ").split())


def path_of(url: str) -> str:
    return re.sub(r"^https?://[^/]+", "", url)
