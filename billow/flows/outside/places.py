"""Say where a customer is by their IP address, where the installation has a database of addresses."""

from collections.abc import Mapping
from typing import Any

from billow.flows.outside.outside import outside_of
from billow.store.tx import Tx


def place_of(tx: Tx, tax: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Return the place of the IP address of a customer's `tax`, as addresses have it; None if not known."""
    ip, places = (tax or {}).get("ip_address"), outside_of(tx).places
    found = places.place_of(ip) if ip and places else None
    return {"country": found.country, "state": found.state} if found else None
