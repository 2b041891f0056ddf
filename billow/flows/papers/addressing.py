"""Say from whom and to whom a letter goes, in which language, and with which papers."""

from dataclasses import dataclass
from datetime import UTC, datetime

from billow.api import rows
from billow.core.mail_addresses import is_address
from billow.flows.billing import labels
from billow.flows.outside import merchant
from billow.flows.outside.seller import seller_of
from billow.flows.papers import invoice_document
from billow.providers.documents import InvoiceDocument
from billow.providers.letters import ACCENT, Letter, Sender
from billow.providers.letters.layout import spoken
from billow.resources.customer import Customer
from billow.store.tx import Tx

NO_ADDRESS = "The customer has no mail address."


@dataclass(frozen=True, slots=True)
class Addressed:
    """A letter and to whom it goes, with the documents that are attached, each with the time of its issue."""

    to: str
    letter: Letter
    papers: tuple[tuple[InvoiceDocument, datetime], ...] = ()
    machine: tuple[str, bytes] | None = None
    """The machine format that goes along: its profile and its content."""
    left_out: str | None = None
    """Why the machine format that the customer wants does not go along."""


def sender_of(tx: Tx, locale: str) -> Sender:
    """Return the account as the one who writes, with its colour, and with what papers say of the seller."""
    seller = seller_of(tx)
    party = invoice_document.seller_party(seller, spoken(locale))
    return Sender(
        merchant.name_of(tx) or "billow",
        merchant.contact_of(tx),
        (*party.lines, *party.tax_ids, *party.details, *seller.footer.splitlines()),
        merchant.merchant_of(tx).primary_color or seller.primary_color or ACCENT,
        merchant.is_sent_as_set(tx),
        zone=seller.time_zone,
        address=merchant.sender_address_of(tx),
    )


def locale_of(tx: Tx, customer: Customer | None) -> str:
    """Return the locale to write to a customer in: as their papers, so that a mail and its paper agree."""
    return labels.language_of(tx, customer)


def address_of(customer: Customer, *first: str | None) -> str | None:
    """Return the first of these that is an address, and the customer's last; or what stands there instead."""
    known = [one for one in (*first, customer.email) if one]
    return next((one for one in known if is_address(one)), known[0] if known else None)


def customer_of(tx: Tx, id: str) -> Customer:
    return rows.find(tx, Customer, id, deleted=True)


def moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
