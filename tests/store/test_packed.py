"""Documents are packed and read again, also those that an earlier version has packed."""

from base64 import b64decode

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from billow.store.packed import pack, unpack

EARLIER = "KLUv/SPTW/w+PfUAAEhpbl8yMDAwfX0G/AgfYQO/KGkeg4Y6E7ZYQvvEJQ=="
"""Packed when there was one dictionary. It must stay readable as long as events are kept."""
texts = st.text(max_size=20)
documents = st.dictionaries(texts, st.none() | st.booleans() | st.integers(-(2**53), 2**53) | texts)


@given(documents)
def test_what_is_packed_is_read_again(document: dict[str, object]) -> None:
    plain = msgspec.json.encode(document)
    assert unpack(pack(plain)) == unpack(plain) == document


def test_what_was_packed_earlier_is_read() -> None:
    assert unpack(b64decode(EARLIER)) == {"object": {"id": "in_1", "object": "invoice", "amount_due": 2000}}
