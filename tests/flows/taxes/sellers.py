"""Set up sellers with a head office and registrations, and customers somewhere in the world."""

from typing import Any

from tests.support.world import Customer, World

OFFICES = {
    "SE": {"country": "SE", "city": "Stockholm", "postal_code": "111 22"},
    "DE": {"country": "DE", "city": "Berlin", "postal_code": "10115"},
    "US": {"country": "US", "state": "CA", "postal_code": "94105"},
}
PLACES: dict[str, dict[str, str]] = {
    "SE": {"country": "SE"},
    "DE": {"country": "DE", "city": "Berlin", "postal_code": "10115"},
    "CH": {"country": "CH"},
    "FR": {"country": "FR", "city": "Paris", "postal_code": "75001"},
    "GB": {"country": "GB"},
    "US-CA": {"country": "US", "state": "CA", "postal_code": "90012", "city": "Los Angeles"},
}


def standard(country: str, scheme: str = "standard") -> dict[str, Any]:
    options = {"type": "standard", "standard": {"place_of_supply_scheme": scheme}}
    return {"country": country, "country_options": {country.lower(): options}}


UNION = {"country": "SE", "country_options": {"se": {"type": "oss_union"}}}
CALIFORNIA = {"country": "US", "country_options": {"us": {"type": "state_sales_tax", "state": "CA"}}}


def seller(world: World, *registrations: dict[str, Any], country: str = "SE", **defaults: str) -> World:
    """A seller with a head office, who is registered where it is told."""
    world.at("2026-01-10")
    more = {"defaults": defaults} if defaults else {}
    world.post("/v1/tax/settings", head_office={"address": OFFICES[country]}, **more)
    for one in registrations:
        world.post("/v1/tax/registrations", active_from=1735689600, **one)
    return world


def buyer(world: World, place: str, **more: Any) -> Customer:
    return world.customer(f"buyer-{place.lower()}", address=PLACES[place], **more)


def taxed(world: World, customer: Customer, *amounts: int, **more: Any) -> dict[str, Any]:
    """A draft with automatic tax over these amounts."""
    for place, amount in enumerate(amounts):
        world.post(
            "/v1/invoiceitems",
            customer=customer.id,
            currency="eur",
            amount=amount,
            description=f"Work {place}",
        )
    return world.post(
        "/v1/invoices",
        customer=customer.id,
        currency="eur",
        automatic_tax={"enabled": "true"},
        pending_invoice_items_behavior="include",
        **more,
    )
