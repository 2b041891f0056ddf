"""Receivers of webhooks that behave as a test wants: quick, slow, failing, gone."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from billow.flows.events import dispatch
from billow.store import jobs

WEBHOOKS = "webhooks"
LOCAL = "http://127.0.0.1:"


class DeliveryWorld:
    """A merchant with endpoints, and a wall clock that a test can put forward."""

    def __init__(self, app: Any, api: Any) -> None:
        self.db, self.api, self.ahead, self.real = app.db, api, timedelta(0), app.db.wall
        app.db.wall = lambda: self.real() + self.ahead

    def endpoint(self, to: "Receiver | str", events: str = "*") -> dict[str, Any]:
        url = to if isinstance(to, str) else to.url
        made = self.api.post("/v1/webhook_endpoints", {"url": url, "enabled_events[]": events})
        return dict(made)

    def run(self, *lanes: str) -> None:
        """Run what is due now in these lanes, and what becomes due at once by that."""
        for lane in lanes or ("events", WEBHOOKS):
            while self._run(lane):
                pass

    def _run(self, lane: str) -> int:
        if lane == WEBHOOKS:
            return dispatch.run_due(self.db)
        return jobs.run_due(self.db, clock="wall", until=self.db.wall(), lane=lane)

    def pass_by(self, wait: timedelta) -> None:
        self.ahead += wait
        self.run()

    def deliveries(self, endpoint: dict[str, Any], **query: str) -> list[dict[str, Any]]:
        path = f"/v1/webhook_endpoints/{endpoint['id']}/deliveries"
        return list(self.api.get(path, {"limit": 100, **query})["data"])

    def pending(self) -> list[int]:
        return [event["pending_webhooks"] for event in self.api.get("/v1/events")["data"]]


class ReceivedMessage:
    """A message as a receiver got it."""

    def __init__(self, headers: dict[str, str], body: bytes) -> None:
        self.headers, self.body = headers, body
        self.event: dict[str, Any] = json.loads(body)
        self.at = self.left = time.monotonic()


class Receiver:
    """A webhook endpoint. `status` is its answer, `seconds` how long it takes, `inside` its open requests."""

    def __init__(self, url: str) -> None:
        self.url, self.status, self.seconds = url, 200, 0.0
        self.heard: list[ReceivedMessage] = []
        self.inside = self.most = 0
        self.lock = threading.Lock()

    def types(self) -> list[str]:
        return [one.event["type"] for one in self.heard]

    def take(self, headers: dict[str, str], body: bytes) -> int:
        heard = ReceivedMessage(headers, body)
        with self.lock:
            self.heard.append(heard)
            self.inside += 1
            self.most = max(self.most, self.inside)
        time.sleep(self.seconds)
        heard.left = time.monotonic()
        with self.lock:
            self.inside -= 1
        return self.status


@contextmanager
def listening() -> Iterator[Receiver]:
    """Start a receiver on a real socket."""

    class Answer(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            status = receiver.take(dict(self.headers), body)
            try:
                self.send_response(status)
                self.end_headers()
            except OSError:
                pass  # the sender did not wait for the answer

        def log_message(self, *args: object) -> None:
            """Tests are silent."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    server.daemon_threads = True
    receiver = Receiver(f"http://127.0.0.1:{server.server_port}/hook")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()


def eventually(what: Callable[[], Any], seconds: float = 10) -> Any:
    """Wait until a function returns something true; fail after so many seconds."""
    deadline = time.monotonic() + seconds
    while not (found := what()):
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)
    return found
