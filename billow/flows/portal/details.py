"""Change the details of a customer in the billing portal, as far as its configuration allows."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from billow.api import rows
from billow.core.errors import require
from billow.flows.customers import customers
from billow.resources import tax_id as tax_ids
from billow.resources.customer import Customer, TaxNumber
from billow.resources.portal_configuration import PortalConfiguration
from billow.resources.tax_id import TaxId
from billow.store import clocks
from billow.store.perform import Steps
from billow.store.tx import Tx


@dataclass(frozen=True, slots=True)
class Details:
    """What a customer entered: the fields of the customer, and the tax id; None where that is cleared."""

    fields: Mapping[str, Any] = field(default_factory=dict)
    tax_id: TaxNumber | None = None


def allowed(configuration: PortalConfiguration) -> list[str]:
    """Return what customers may change; nothing where the feature is off."""
    feature = configuration.features["customer_update"]
    return list(feature["allowed_updates"] or []) if feature["enabled"] else []


def update(tx: Tx, customer: str, configuration: str, wanted: Details) -> Steps:
    """Write the details that the configuration allows to change. Locks the customer."""
    may = allowed(rows.find(tx, PortalConfiguration, configuration))
    require(may, "The portal does not offer to change details.")
    found = rows.lock(tx, Customer, customer)
    tx = clocks.enter(tx, found.test_clock)
    if "tax_id" in may:
        replace_tax_id(tx, customer, wanted.tax_id)
    changes = {name: value for name, value in wanted.fields.items() if name in may}
    changes = {name: value for name, value in changes.items() if getattr(found, name) != value}
    if changes:
        yield from customers.update(tx, found, changes)
    return None


def first_tax_id(tx: Tx, customer: str) -> TaxId | None:
    """Return the tax id that the page shows: the customer's oldest."""
    found = rows.select(tx, TaxId, "customer = %(id)s", "order by created, id limit 1", id=customer)
    return found[0] if found else None


def replace_tax_id(tx: Tx, customer: str, wanted: TaxNumber | None) -> None:
    before = first_tax_id(tx, customer)
    if before and wanted and (before.type, before.value) == (wanted.type, wanted.value):
        return
    if before:
        tax_ids.delete(tx, before)
    if wanted:
        tax_ids.add(tx, tax_ids.drawn(tx, wanted, customer))
