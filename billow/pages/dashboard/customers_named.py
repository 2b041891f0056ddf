"""Name the customers of rows that only know their ids."""

from collections.abc import Iterable, Mapping
from typing import Any

from billow.api import rows
from billow.resources.customer import Customer
from billow.store.tx import Tx

FOUND = (
    "customer in (select c.id from customers c where c.name ilike %(like)s or c.email ilike %(like)s"
    " or c.id = %(text)s)"
)
"""The condition of a search for what belongs to a customer, by name, mail address or id."""


def of(tx: Tx, found: Iterable[Any]) -> dict[str, Customer]:
    """Load the customers of these rows, deleted ones too."""
    ids = {one.customer for one in found if one.customer}
    return {one.id: one for one in rows.select(tx, Customer, "id = any(%(ids)s)", ids=sorted(ids))}


def name(known: Mapping[str, Customer], id: str | None) -> str:
    one = known.get(id or "")
    return (one.name or one.email if one else None) or id or ""
