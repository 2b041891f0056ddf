"""Call billow over HTTP with forms and JSON, as any program would."""

import gzip
import json
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

import msgspec

Json = dict[str, Any]
PATIENCE = 120
"""Seconds that a test clock may take for one step."""
PAUSE = 0.05


class Client:
    """A client of billow, which needs only an address and a key."""

    def __init__(self, url: str, key: str) -> None:
        self.url, self.key = url, key

    def get(self, path: str, **query: Any) -> Json:
        return self._ask(f"{path}?{urllib.parse.urlencode(list(pairs(query)))}", None, {})

    def post(self, path: str, **form: Any) -> Json:
        body = urllib.parse.urlencode(list(pairs(form))).encode()
        return self._ask(path, body, {"Content-Type": "application/x-www-form-urlencoded"})

    def bulk(self, events: Sequence[Json]) -> Json:
        """Send up to ten thousand events in one request."""
        body = gzip.compress(msgspec.json.Encoder().encode_lines(events), 1)
        headers = {"Content-Type": "application/x-ndjson", "Content-Encoding": "gzip"}
        return self._ask("/v1/billing/meter_events/bulk", body, headers)

    def every(self, path: str, **query: Any) -> list[Json]:
        """Return a whole list, newest first, page by page."""
        found: list[Json] = []
        more = True
        while more:
            after = {"starting_after": found[-1]["id"]} if found else {}
            page = self.get(path, limit=100, **query, **after)
            found += page["data"]
            more = page["has_more"]
        return found

    def clock(self, at: datetime, name: str) -> str:
        made = self.post("/v1/test_helpers/test_clocks", frozen_time=int(at.timestamp()), name=name)
        return str(made["id"])

    def advance(self, clock: str, to: datetime) -> None:
        """Advance a test clock, and wait until everything due on the way has happened."""
        moved = self.post(f"/v1/test_helpers/test_clocks/{clock}/advance", frozen_time=int(to.timestamp()))
        deadline = time.monotonic() + PATIENCE
        while moved["status"] == "advancing" and time.monotonic() < deadline:
            time.sleep(PAUSE)
            moved = self.get(f"/v1/test_helpers/test_clocks/{clock}")
        if moved["status"] != "ready":
            raise RuntimeError(f"The test clock {clock} is {moved['status']} on its way to {to}.")

    def fetch(self, url: str) -> bytes:
        """Download a public address, such as an invoice's file."""
        with urllib.request.urlopen(url, timeout=PATIENCE) as answer:
            return bytes(answer.read())

    def _ask(self, path: str, body: bytes | None, headers: dict[str, str]) -> Json:
        named = {"Authorization": f"Bearer {self.key}", **headers}
        request = urllib.request.Request(self.url + path, body, named)
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
                told: Json = json.load(answer)
        except urllib.error.HTTPError as refused:
            said = refused.read().decode()
            raise RuntimeError(f"{path} was answered with {refused.code}: {said}") from None
        return told


def pairs(form: Any, at: str = "") -> Iterator[tuple[str, str]]:
    """Flatten nested values to bracketed names: {"a": {"b": [1]}} is a[b][0]=1."""
    if isinstance(form, dict | list):
        for key, value in form.items() if isinstance(form, dict) else enumerate(form):
            yield from pairs(value, f"{at}[{key}]" if at else str(key))
    elif form is not None:
        yield at, str(form).lower() if isinstance(form, bool) else str(form)
