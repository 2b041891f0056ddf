"""Which URLs can a request be sent to, and how are they written in ASCII?"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billow.core import web_address


@pytest.mark.parametrize(
    ("url", "ascii"),
    [
        ("https://x.ch/a?b=c&d[]=e#f", "https://x.ch/a?b=c&d[]=e#f"),
        ("https://bücher.example/", "https://xn--bcher-kva.example/"),
        ("https://bücher.example:8443", "https://xn--bcher-kva.example:8443"),
        ("https://x.ch/straße?größe=ü&a=%C3%BC", "https://x.ch/stra%C3%9Fe?gr%C3%B6%C3%9Fe=%C3%BC&a=%C3%BC"),
        ("http://127.0.0.1:9/hook", "http://127.0.0.1:9/hook"),
        ("https://[2606:4700::1]/é", "https://[2606:4700::1]/%C3%A9"),
        ("https://my_shop.example./", "https://my_shop.example./"),
        ("https://x.ch/😀", "https://x.ch/%F0%9F%98%80"),
    ],
)
def test_what_is_outside_ascii_is_encoded(url: str, ascii: str) -> None:
    assert web_address.encoded(url) == ascii
    assert web_address.encoded(ascii) == ascii


@pytest.mark.parametrize(
    "url",
    [
        "",
        "x.ch",
        "ftp://x.ch/",
        "https://",
        "https:///x",
        "https://x.ch:0/",
        "https://x.ch:65536/",
        "https://x.ch:a/",
        "https://a b.ch/",
        "https://x.ch/a b",
        "https://x.ch/\r\nX: y",
        "https://x.ch/\x00",
        "https://u:p@x.ch/",
        "https://u@x.ch/",
        "https://[::1",
        "https://[x]/",
        "https://.x.ch/",
        "https://a..b/",
        "https://-a.ch/",
        f"https://{'a' * 64}.ch/",
        f"https://{'ü' * 64}.ch/",
        f"https://{'a.' * 130}ch/",
        "https://x.ch\\@y.ch/",
        "https://%78.ch/",
        "https://\ud800.ch/",
    ],
)
def test_what_nothing_can_be_sent_to_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        web_address.encoded(url)


@given(st.text(max_size=40), st.text(max_size=40))
def test_whatever_is_written_is_ascii_or_refused(host: str, path: str) -> None:
    try:
        written = web_address.encoded(f"https://{host}/{path}")
    except ValueError:
        return
    assert written.isascii() and " " not in written and web_address.encoded(written) == written
