"""Receive the webhooks of the demonstration with a small server that accepts only signed messages."""

import hashlib
import hmac
import json
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Receiver:
    """Counts events by type. `secret` is the secret of the webhook endpoint, set once that is created."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}/billow"
        self.secret = ""
        self.counts: Counter[str] = Counter()
        self._seen: set[str] = set()
        self._lock = threading.Lock()

    def take(self, body: bytes, signature: str) -> bool:
        """Count a message, once if it comes twice. Returns whether its signature is valid."""
        parts = dict(part.split("=", 1) for part in signature.split(",") if "=" in part)
        signed = parts.get("t", "").encode() + b"." + body
        expected = hmac.new(self.secret.encode(), signed, hashlib.sha256).hexdigest()
        genuine = hmac.compare_digest(expected.encode(), parts.get("v1", "").encode())
        if not genuine:
            return False
        event = json.loads(body)
        with self._lock:
            if event["id"] not in self._seen:
                self._seen.add(event["id"])
                self.counts[event["type"]] += 1
        return True


@contextmanager
def listening() -> Iterator[Receiver]:
    """Run a receiver on its own port until the block ends."""

    class Answer(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self.send_response(200 if receiver.take(body, self.headers.get("Stripe-Signature", "")) else 400)
            self.end_headers()

        def log_message(self, *args: object) -> None:
            """Log nothing, since the demonstration uses the terminal."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    receiver = Receiver(server.server_port)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
