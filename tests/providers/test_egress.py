"""The guard of outgoing requests: what it lets through, and what it refuses."""

import http.server
import ipaddress
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from billow.core.errors import Unavailable
from billow.providers.egress import Blocked, Egress

CASES = Path(__file__).parents[2] / ".." / "shared" / "standards" / "security" / "ssrf-urls.json"
LOOPBACK = (ipaddress.ip_network("127.0.0.0/8"),)


def known(table: dict[str, list[str]]) -> Any:
    """A resolver of a fixed table; an address is its own name, in all the spellings that libc takes."""

    def resolve(host: str, port: int) -> list[str]:
        if host in table:
            return table[host]
        import socket

        try:
            return [str(found[4][0]) for found in socket.getaddrinfo(host, port, flags=socket.AI_NUMERICHOST)]
        except OSError:
            raise Blocked(host) from None

    return resolve


@pytest.mark.skipif(not CASES.exists(), reason="needs ../shared/standards/security/ssrf-urls.json")
def test_every_case_of_the_table_is_judged_right() -> None:
    cases = json.loads(CASES.read_text())
    egress = Egress(resolve=known(cases["dns"]))
    for url in cases["allow"]:
        egress.check(url)
    for url in cases["deny"]:
        with pytest.raises(Blocked):
            egress.check(url)
    assert len(cases["deny"]) > 20


def test_one_bad_address_among_good_ones_is_refused() -> None:
    egress = Egress(resolve=lambda host, port: ["93.184.216.34", "10.0.0.1"])
    with pytest.raises(Blocked):
        egress.check("https://two.example/")


def test_http_goes_only_where_the_operator_allows() -> None:
    with pytest.raises(Blocked):
        Egress(resolve=lambda host, port: ["93.184.216.34"]).check("http://public.example/")
    _, port, address = Egress(LOOPBACK).check("http://127.0.0.1:9999/hook")
    assert (port, address) == (9999, "127.0.0.1")
    with pytest.raises(Blocked):
        Egress().check("http://127.0.0.1:9999/hook")


class Answering(http.server.BaseHTTPRequestHandler):
    seen: list[tuple[str, bytes]]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        type(self).seen.append((self.path, body))
        self.send_response(302 if self.path == "/moved" else 200)
        self.send_header("Location", "http://127.0.0.1:1/elsewhere")
        self.end_headers()
        self.wfile.write(b"x" * 100_000)

    def log_message(self, *args: Any) -> None:
        pass


@pytest.fixture
def address() -> Iterator[str]:
    Answering.seen = []
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answering)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


def test_a_post_brings_its_body_and_redirects_are_not_followed(address: str) -> None:
    egress = Egress(LOOPBACK)
    assert egress.post(f"{address}/hook?a=1", {"X-A": "b"}, b"hello") == 200
    assert egress.post(f"{address}/moved", {}, b"again") == 302
    assert Answering.seen == [("/hook?a=1", b"hello"), ("/moved", b"again")]


def test_nobody_there_is_unavailable() -> None:
    with pytest.raises(Unavailable):
        Egress(LOOPBACK).post("http://127.0.0.1:9/", {}, b"")
