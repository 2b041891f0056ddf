"""Does `billow proxy` answer for Stripe's names, keep its key to itself, and forward to billow alone?"""

import http.client
import os
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import stripe
from cryptography.hazmat.primitives.asymmetric import ec

from billow.proxy import certificates
from tests.support.installation import free_port

ROOT = str(Path(__file__).parents[1])
NOW = datetime(2026, 1, 1, tzinfo=UTC)


class Upstream(BaseHTTPRequestHandler):
    """Stands for billow: answers with what it heard."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        said = b'{"id": "cus_1", "object": "customer", "name": "%s"}' % body
        self.send_response(200)
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)

    do_GET = do_POST

    def log_message(self, *_: Any) -> None:
        pass


class Running:
    """A proxy that runs, with its folder and its ports."""

    def __init__(self, folder: Path, database: str, billow_port: int) -> None:
        self.port, self.folder, self.billow_port = free_port(), folder, billow_port
        given = {"BILLOW_DATA": str(folder), "BILLOW_DATABASE_URL": database, "PYTHONPATH": ROOT}
        given["BILLOW_PORT"] = str(billow_port)
        words = ["proxy", "--listen", "127.0.0.1", "--tls-port", str(self.port)]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "billow", *words],
            env={**os.environ, **given},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.said = [next(self.process.stdout or iter([])) for _ in range(3)]

    @property
    def authority(self) -> Path:
        return certificates.files_of(self.folder).authority

    def context(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=self.authority)

    def get(self, name: str, path: str = "/v1/customers", body: bytes | None = None) -> tuple[int, bytes]:
        plain = socket.create_connection(("127.0.0.1", self.port), 10)
        with self.context().wrap_socket(plain, server_hostname=name) as secured:
            connection = http.client.HTTPConnection(name)
            connection.sock = secured
            connection.request("POST" if body else "GET", path, body)
            answer = connection.getresponse()
            return answer.status, answer.read()


@pytest.fixture(scope="module")
def proxy(server_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    upstream = ThreadingHTTPServer(("127.0.0.1", 0), Upstream)
    threading.Thread(target=upstream.serve_forever, daemon=True).start()
    running = Running(tmp_path_factory.mktemp("proxy"), server_url, upstream.server_port)
    try:
        yield running
    finally:
        running.process.terminate()
        assert running.process.wait(30) == 0
        upstream.shutdown()


@pytest.mark.parametrize("name", certificates.NAMES)
def test_each_of_stripes_names_is_answered_by_billow(proxy: Running, name: str) -> None:
    assert proxy.get(name, body=b"Ann") == (200, b'{"id": "cus_1", "object": "customer", "name": "Ann"}')


def test_it_says_how_a_client_is_brought_to_it(proxy: Running) -> None:
    assert proxy.said[0].startswith(
        f"billow proxy answers at 127.0.0.1:{proxy.port} and forwards to http://127"
    )
    assert proxy.said[1].endswith(f"127.0.0.1 {' '.join(certificates.NAMES)}\n")
    assert proxy.said[2].strip().endswith(str(proxy.authority))


def test_a_client_with_the_address_of_stripe_reaches_billow(
    proxy: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", proxy.port))
    monkeypatch.setattr(socket, "getaddrinfo", lambda *given, **more: [there])  # as /etc/hosts would
    monkeypatch.setattr(stripe, "ca_bundle_path", str(proxy.authority))
    client = stripe.StripeClient("sk_test_1", http_client=stripe.RequestsClient())
    assert client.v1.customers.retrieve("cus_1").id == "cus_1"


def test_a_large_body_and_many_connections_at_once(proxy: Running) -> None:
    body, found = b"x" * 3_000_000, []
    threads = [
        threading.Thread(target=lambda: found.append(len(proxy.get("api.stripe.com", body=body)[1])))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    around = len(proxy.get("api.stripe.com", body=b"x")[1]) - 1
    assert found == [len(body) + around] * 8


def test_keys_are_readable_by_their_owner_only(proxy: Running) -> None:
    files = certificates.files_of(proxy.folder)
    for file in (files.authority, files.authority_key, files.server):
        assert file.stat().st_mode & 0o777 == 0o600, file


def test_a_name_that_is_not_stripes_is_refused(proxy: Running) -> None:
    with pytest.raises(ssl.SSLCertVerificationError):
        proxy.get("example.com")


def test_while_billow_is_away_the_answer_is_503(server_url: str, tmp_path: Path) -> None:
    running = Running(tmp_path, server_url, free_port())
    try:
        status, body = running.get("api.stripe.com")
        assert status == 503 and b"billow does not answer" in body
    finally:
        running.process.terminate()
        running.process.wait(30)


def test_a_folder_without_billow_gets_no_authority(tmp_path: Path) -> None:
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "billow",
            "proxy",
            "--data",
            str(tmp_path / "none"),
            "--tls-port",
            str(free_port()),
        ],
        env={**os.environ, "BILLOW_DATABASE_URL": "", "PYTHONPATH": ROOT},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 1 and "holds no database" in done.stdout
    assert not (tmp_path / "none").exists()


# ------------------------------------------------------------------------------------- certificates


def handshake(authority: Path, server: Path, name: str) -> None:
    """Carry out a TLS handshake in memory; raise what the client objects to."""
    answering = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    answering.load_cert_chain(server)
    asking = ssl.create_default_context(cafile=authority)
    up, down = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = asking.wrap_bio(down, up, server_hostname=name)
    host = answering.wrap_bio(up, down, server_side=True)
    for _ in range(4):
        for side in (client, host):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue


def test_the_authority_can_vouch_for_no_other_name(tmp_path: Path) -> None:
    now = datetime.now(UTC)
    files = certificates.prepare(tmp_path, now)
    handshake(files.authority, files.server, "api.stripe.com")
    key, authority = certificates.authority_of(files, now)
    own = ec.generate_private_key(ec.SECP256R1())
    other = certificates.signed(authority, key, own, now, ["bank.example"])
    forged = tmp_path / "forged.pem"
    forged.write_bytes(certificates._private(own) + certificates._public(other))
    with pytest.raises(ssl.SSLCertVerificationError, match="permitted subtree"):
        handshake(files.authority, forged, "bank.example")


def test_the_authority_is_kept_and_the_certificate_of_the_server_made_anew(tmp_path: Path) -> None:
    files = certificates.prepare(tmp_path, NOW)
    authority, server = files.authority.read_bytes(), files.server.read_bytes()
    certificates.prepare(tmp_path, NOW + timedelta(days=60))
    assert files.authority.read_bytes() == authority and files.server.read_bytes() != server
    certificates.prepare(tmp_path, NOW + timedelta(days=certificates.AUTHORITY_DAYS - 1))
    assert files.authority.read_bytes() != authority
