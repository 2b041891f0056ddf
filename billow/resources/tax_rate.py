"""Tax rates: taxes in percent that the merchant defines."""

import re
from collections.abc import Container, Sequence
from decimal import Decimal
from typing import Any

from billow.api import fields as f
from billow.api import rows
from billow.api.fields import CREATE, WRITE
from billow.api.params import Params
from billow.api.resource import Resource, Where
from billow.core.errors import require
from billow.store.tx import Tx

LEVELS = ("city", "country", "county", "district", "multiple", "state")
COUNTRY = re.compile(r"[A-Z]{2}")
TAX_TYPES = (
    "admissions_tax",
    "amusement_tax",
    "attendance_tax",
    "communications_tax",
    "digital_excise_tax",
    "entertainment_tax",
    "get_fund",
    "gross_receipts_tax",
    "gst",
    "hospitality_tax",
    "hst",
    "igst",
    "jct",
    "lease_tax",
    "luxury_tax",
    "mass_transit_parking_tax",
    "nhil",
    "parking_tax",
    "pst",
    "qst",
    "resort_tax",
    "retail_delivery_fee",
    "rst",
    "sales_tax",
    "service_tax",
    "tourism_tax",
    "utility_users_tax",
    "vat",
)


class TaxRate(
    Resource, object="tax_rate", path="/v1/tax_rates", prefix="txr_", events=("created", "updated")
):
    """A tax in percent. Percentage and inclusive never change; archive the rate and create a new one."""

    active: bool = f.boolean(WRITE, default=True, filter=True)
    country: str | None = f.text(WRITE, max=2, unset=True)
    description: str | None = f.text(WRITE, unset=True)
    display_name: str = f.text(WRITE, max=100, required=True)
    effective_percentage: float | None = f.absent()
    flat_amount: dict[str, Any] | None = f.absent()
    inclusive: bool = f.boolean(CREATE, required=True, filter=True)
    jurisdiction: str | None = f.text(WRITE, max=200, unset=True)
    jurisdiction_level: str | None = f.text()
    metadata: dict[str, str] = f.metadata()
    percentage: Decimal = f.number(CREATE, places=4, min=0, max=100, required=True)
    rate_type: str | None = f.text()
    state: str | None = f.text(WRITE, max=10, unset=True)
    tax_type: str | None = f.choice(WRITE, *TAX_TYPES)

    treatment: str | None = f.text(hidden=True)
    """How sales at this rate are treated, where a tax source decided it; None for a rate set by hand."""
    mention: str | None = f.text(hidden=True)
    """What documents have to say beside it, such as "Reverse charge"."""


def check_country(country: str | None, param: str = "country") -> None:
    require(
        country is None or COUNTRY.fullmatch(country),
        f"Country '{country}' is unknown. Try using a 2-character alphanumeric country code.",
        param=param,
        code="country_code_invalid",
    )


def check_usable(tx: Tx, ids: Sequence[str], at: str, agreed: Container[str] = ()) -> list[str]:
    """Check tax rates that are to be attached: they exist, are not archived, and none is repeated.

    Rates in `agreed` may have been archived since they were attached.
    """
    for place, id in enumerate(ids):
        rate = rows.find(tx, TaxRate, id, param=f"{at}[{place}]")
        require(
            rate.active or id in agreed,
            f"The tax rate {id} is archived, and cannot be attached to anything new.",
            param=f"{at}[{place}]",
        )
    require(len(set(ids)) == len(ids), "You cannot pass the same tax rate twice.", param=at)
    return list(ids)


class Filters(Params):
    """The filters of the list, besides those that the fields declare."""


@TaxRate.listing(Filters)
def listing(tx: Tx, wanted: Filters) -> Where:
    """List tax rates, newest first; those that automatic tax uses are not among them."""
    return Where("treatment is null")


@TaxRate.create
def create(tx: Tx, rate: TaxRate) -> TaxRate:
    """Create a tax rate."""
    check_country(rate.country)
    return rows.insert(tx, rate)


@TaxRate.update
def update(tx: Tx, rate: TaxRate, changes: dict[str, Any]) -> TaxRate:
    """Update a tax rate, or archive it; an archived rate still applies where it is attached."""
    check_country(changes.get("country"))
    return rows.update(tx, rate, **changes)
