"""Decide whether a customer is exempt of tax, and whether its tax is reverse-charged."""

from collections.abc import Sequence

from billow.api import rows
from billow.core.tax_ids import MEMBERS
from billow.flows.outside.outside import outside_of
from billow.resources.customer import Customer
from billow.resources.tax_id import TaxId
from billow.store.tx import Tx


def exemptions(tx: Tx, customers: Sequence[Customer]) -> dict[str, str]:
    """Return the tax exemption of each customer, by id, with at most one statement.

    Where tax ids are verified in a register, a customer in a member state of the EU is charged tax in spite
    of `reverse` until one of its European numbers is verified. Otherwise the seller's word is enough.
    """
    found = {customer.id: customer.tax_exempt for customer in customers}
    doubtful = [customer.id for customer in customers if needs_number(tx, customer)]
    if not doubtful:
        return found
    numbers = rows.select(
        tx,
        TaxId,
        "customer = any(%(ids)s) and type = 'eu_vat' and verification->>'status' = 'verified'",
        ids=doubtful,
    )
    verified = {number.customer for number in numbers}
    return found | {id: "none" for id in doubtful if id not in verified}


def needs_number(tx: Tx, customer: Customer) -> bool:
    """Return whether reverse charge of this customer depends on a verified number."""
    country = (customer.address or {}).get("country")
    return customer.tax_exempt == "reverse" and country in MEMBERS and outside_of(tx).register is not None


def exemption(tx: Tx, customer: Customer) -> str:
    """Return the tax exemption of one customer."""
    return exemptions(tx, [customer])[customer.id]
