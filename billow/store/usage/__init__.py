"""Where is measured use kept? A register of stores, and the one in use."""

from billow.store.tx import Tx
from billow.store.usage.postgres import Postgres
from billow.store.usage.types import Kept, Measured, Span, UsageStore

STORES: dict[str, UsageStore] = {"postgres": Postgres()}


def store(tx: Tx) -> UsageStore:
    """The store of a tenant's use. So far there is one, which is right up to one machine's disk."""
    return STORES["postgres"]


__all__ = ["STORES", "Kept", "Measured", "Span", "UsageStore", "store"]
