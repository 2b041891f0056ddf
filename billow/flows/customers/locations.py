"""Say where a customer is taxed, by their addresses or their IP address."""

from typing import Any

from billow.flows.outside.places import place_of
from billow.resources import customer as customers
from billow.resources.customer import Customer
from billow.store.tx import Tx


def located(tx: Tx, customer: Customer) -> dict[str, Any]:
    """Return the `tax` of a customer: where they are, by what, and whether tax is collected there."""
    return customers.located(tx, customer, place_of(tx, customer.tax))
