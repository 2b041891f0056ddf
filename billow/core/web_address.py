"""Check and encode URLs that requests are sent to: http or https, with a host, in ASCII."""

import re
from urllib.parse import SplitResult, quote, urlsplit

LABEL = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?")
KEPT = "/%:@!$&'()*+,;=~-._"
"""What stands for itself in a path; a query may hold `?`, `[` and `]` besides."""
UNPRINTABLE = re.compile(r"[\x00-\x20\x7f-\xa0]")


def encoded(url: str) -> str:
    """Write a URL in ASCII: the host by IDNA, the rest percent-encoded; ValueError where it is none.

    `https://bücher.example/straße` is `https://xn--bcher-kva.example/stra%C3%9Fe`.
    """
    parts = split(url)
    if url.isascii():
        return url
    named = parts.hostname or ""
    host = f"[{named}]" if ":" in named else _in_ascii(named)
    place = f"{host}:{parts.port}" if parts.port is not None else host
    query = f"?{quote(parts.query, safe=KEPT + '?[]')}" if parts.query else ""
    fragment = f"#{quote(parts.fragment, safe=KEPT + '?')}" if parts.fragment else ""
    return f"{parts.scheme}://{place}{quote(parts.path, safe=KEPT)}{query}{fragment}"


def is_web_address(url: str) -> bool:
    """Check whether a browser can be sent to an address.

    >>> is_web_address("https://a.example/b"), is_web_address("javascript:alert(1)"), is_web_address("//a")
    (True, False, False)
    """
    try:
        split(url)
    except ValueError:
        return False
    return True


def split(url: str) -> SplitResult:
    """Split a URL that a request can be sent to; raise ValueError for any other."""
    if UNPRINTABLE.search(url):
        raise ValueError("it has spaces or control characters")
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https"):
        raise ValueError("it must begin with http:// or https://")
    if not parts.hostname:
        raise ValueError("it has no host")
    if parts.username is not None or parts.password is not None:
        raise ValueError("it must not have a user name or a password")
    if parts.port == 0:  # reading the port raises where it is no number up to 65535
        raise ValueError("it has no port that can be called")
    if ":" not in parts.hostname:  # an IPv6 address was judged by urlsplit
        _in_ascii(parts.hostname)
    return parts


def _in_ascii(host: str) -> str:
    try:
        name = host if host.isascii() else host.encode("idna").decode()
    except UnicodeError as error:
        raise ValueError(f"its host is no name: {error}") from None
    if len(name) > 253 or not all(LABEL.fullmatch(label) for label in name.removesuffix(".").split(".")):
        raise ValueError("its host is no name")
    return name
