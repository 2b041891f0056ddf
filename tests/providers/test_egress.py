"""Which outgoing requests are allowed, and which are blocked?"""

import ipaddress
import json
from pathlib import Path
from typing import Any

import pytest

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
    target = Egress(LOOPBACK).check("http://127.0.0.1:9999/hook")
    assert (target.port, target.address, target.secure) == (9999, "127.0.0.1", False)
    with pytest.raises(Blocked):
        Egress().check("http://127.0.0.1:9999/hook")


NOT_PUBLIC = """
    0.1.2.3 10.9.8.7 100.64.0.1 100.127.255.254 127.0.0.1 169.254.169.254 172.31.0.1 192.0.0.1
    192.0.0.8 192.0.0.171 192.0.2.1 192.88.99.1 192.168.1.1 198.18.0.1 198.19.255.255 198.51.100.1
    203.0.113.1 224.0.0.1 239.1.1.1 240.0.0.1 255.255.255.255 :: ::1 ::127.0.0.1 ::ffff:10.0.0.1
    64:ff9b::a00:1 64:ff9b:1::1 100::1 100:0:0:1::1 2001::1 2001:2::1 2001:10::1 2001:db8::1
    2002:a00:1:: 3fff::1 3fff:fff::1 5f00::1 fc00::1 fdff::1 fe80::1 fec0::1 feff::1 ff02::1 4000::1
    8000::1
"""
PUBLIC = """
    1.1.1.1 93.184.216.34 192.0.1.1 198.20.0.1 223.255.255.254 64:ff9b::101:101 2002:101:101::
    2606:4700::1 2a00::1
"""


@pytest.mark.parametrize("text", NOT_PUBLIC.split())
def test_what_the_registries_call_special_is_not_public(text: str) -> None:
    """IANA's IPv4 and IPv6 special-purpose address registries, and what is no unicast address."""
    with pytest.raises(Blocked):
        Egress(resolve=lambda host, port: [text]).check("https://name.example/")


@pytest.mark.parametrize("text", PUBLIC.split())
def test_what_is_beside_them_is_public(text: str) -> None:
    assert Egress(resolve=lambda host, port: [text]).check("https://name.example/").address == text
