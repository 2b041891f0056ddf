"""Say from whom and to whom a letter goes, in which language, and with which papers."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.utils import parseaddr

from billow.api import rows
from billow.core.mail_addresses import is_address
from billow.flows.outside import merchant
from billow.flows.outside.seller import seller_of
from billow.flows.papers import invoice_document
from billow.providers.documents import InvoiceDocument
from billow.providers.letters import Letter, Sender
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


def sender_of(tx: Tx) -> Sender:
    """Return the account as the one who writes, with its name and colour."""
    seller, color = seller_of(tx), merchant.merchant_of(tx).primary_color or seller_of(tx).primary_color
    party = invoice_document.seller_party(seller)
    plain = Sender(
        merchant.name_of(tx) or "billow",
        parseaddr(seller.email)[1],
        party.lines,
        party.tax_ids[0] if party.tax_ids else "",
        zone=seller.time_zone,
    )
    return replace(plain, color=color) if color else plain


def locale_of(customer: Customer) -> str:
    """Return the locale that the customer prefers; which of them we speak is decided by the wording."""
    return next(iter(customer.preferred_locales or []), "en")


def address_of(customer: Customer, *first: str | None) -> str | None:
    """Return the first of these that is an address, and the customer's last; or what stands there instead."""
    known = [one for one in (*first, customer.email) if one]
    return next((one for one in known if is_address(one)), known[0] if known else None)


def customer_of(tx: Tx, id: str) -> Customer:
    return rows.find(tx, Customer, id, deleted=True)


def moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
