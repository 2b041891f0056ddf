"""Pack JSON that is written often and read seldom, such as what events show.

PostgreSQL's own compression takes three times as long for a page of JSON and saves less
(docs/decisions/0048-events-are-packed.md). JSON that was stored before there was this is read as it is.
"""

import zlib
from typing import Any

import msgspec

FASTEST = 1


def pack(document: bytes) -> bytes:
    """Compress a JSON document."""
    return zlib.compress(document, FASTEST)


def unpack(packed: bytes) -> Any:
    """Read a document that was packed, or that is plain JSON.

    >>> unpack(pack(b'{"amount": 1}')), unpack(b'{"amount": 1}')
    ({'amount': 1}, {'amount': 1})
    """
    plain = packed[:1] == b"{"
    return msgspec.json.decode(packed if plain else zlib.decompress(packed))
