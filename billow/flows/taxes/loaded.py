"""Keep what merchants load for taxes: a table of rates, and the certificates of customers."""

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any

from billow.api import rows
from billow.core.errors import require
from billow.providers.taxes import Certificate
from billow.providers.taxes.table import Row, Table
from billow.resources.customer import Customer
from billow.store import bulk
from billow.store.tx import Tx

COLUMNS = tuple(Row.__dataclass_fields__)
NOTE = "tax_table"


def table_of(tx: Tx, countries: Iterable[str]) -> Table:
    """Load the rates of countries, once per transaction for each of them."""
    held: dict[str, list[Row]] = tx.notes.setdefault(NOTE, {})
    lacking = sorted({country.upper() for country in countries} - held.keys())
    if lacking:
        found = tx.all(
            f"select {', '.join(COLUMNS)} from tax_table where country = any(%(countries)s)"
            " order by country, state, level, name, valid_from",
            countries=lacking,
        )
        held.update({country: [] for country in lacking})
        for row in found:
            held[row["country"]].append(Row(**row))
    return Table([row for country in sorted(held) for row in held[country]])


def load(tx: Tx, wanted: Sequence[Row]) -> dict[str, int]:
    """Replace the rates of each country that the rows are of; return how many rows each country has now."""
    countries = sorted({row.country for row in wanted})
    tx.run("delete from tax_table where country = any(%(countries)s)", countries=countries)
    if wanted:
        bulk.insert_many(
            tx, "tax_table", list(COLUMNS), [{name: getattr(row, name) for name in COLUMNS} for row in wanted]
        )
    tx.notes.pop(NOTE, None)
    return {country: sum(row.country == country for row in wanted) for country in countries}


def everything(tx: Tx) -> list[dict[str, Any]]:
    """Return all rates of the account, for a list of them."""
    return tx.all(
        f"select {', '.join(COLUMNS)} from tax_table order by country, state, level, name, valid_from"
    )


def certify(tx: Tx, customer: str, certificate: Certificate) -> None:
    """Keep a certificate of a customer; one with the same number is replaced."""
    rows.find(tx, Customer, customer, param="customer")
    require(len(certificate.country) == 2, "A country has two letters.", param="country")
    require(certificate.number.strip(), "A certificate has a number.", param="number")
    tx.run(
        "insert into tax_certificates (created, customer, country, state, number, expires_on)"
        " values (%(now)s, %(customer)s, %(country)s, %(state)s, %(number)s, %(end)s)"
        " on conflict (tenant, customer, country, number)"
        " do update set state = excluded.state, expires_on = excluded.expires_on",
        now=tx.wall,
        customer=customer,
        country=certificate.country.upper(),
        state=certificate.state.upper() if certificate.state else None,
        number=certificate.number.strip(),
        end=certificate.expires_on,
    )


def certificates_of(tx: Tx, customers: Sequence[str]) -> dict[str, list[Certificate]]:
    """Return the certificates of customers, those that expired too."""
    found = tx.all(
        "select customer, country, state, number, expires_on from tax_certificates"
        " where customer = any(%(ids)s) order by created, number",
        ids=list(customers),
    )
    by_customer: dict[str, list[Certificate]] = {}
    for row in found:
        one = Certificate(row["country"], row["state"], row["number"], row["expires_on"])
        by_customer.setdefault(row["customer"], []).append(one)
    return by_customer


def expiring(tx: Tx, before: date) -> list[dict[str, Any]]:
    """Return the certificates that expire before a day, for a list of those to renew."""
    return tx.all(
        "select customer, country, state, number, expires_on from tax_certificates"
        " where expires_on < %(day)s order by expires_on, customer",
        day=before,
    )
