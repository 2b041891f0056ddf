"""Pack JSON that is written often and read seldom, such as what events show.

PostgreSQL's own compression takes ten times as long for a page of JSON and leaves four times as much
(docs/decisions/0048-events-are-packed.md). JSON that was stored before there was this is read as it is.
"""

import threading
from pathlib import Path
from typing import Any

import msgspec
from zstandard import ZstdCompressionDict, ZstdCompressor, ZstdDecompressor

FASTEST = 1
DICTIONARY = ZstdCompressionDict((Path(__file__).parent / "packed.zdict").read_bytes())
"""What objects of the API have in common. Whatever was packed with it needs it to be read."""
DICTIONARY.precompute_compress(level=FASTEST)
_own = threading.local()
"""A thread's own compressor and decompressor: they must not be shared."""


def pack(document: bytes) -> bytes:
    """Compress a JSON document."""
    if not hasattr(_own, "packs"):
        _own.packs = ZstdCompressor(dict_data=DICTIONARY)
    packed: bytes = _own.packs.compress(document)
    return packed


def unpack(packed: bytes) -> Any:
    """Read a document that was packed, or that is plain JSON.

    >>> unpack(pack(b'{"amount": 1}')), unpack(b'{"amount": 1}')
    ({'amount': 1}, {'amount': 1})
    """
    if packed[:1] == b"{":
        return msgspec.json.decode(packed)
    if not hasattr(_own, "unpacks"):
        _own.unpacks = ZstdDecompressor(dict_data=DICTIONARY)
    return msgspec.json.decode(_own.unpacks.decompress(packed))
