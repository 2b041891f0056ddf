"""Describe the seller of an invoice, as its papers and machine formats name it."""

from dataclasses import dataclass, field

from billow.core.addresses import Address
from billow.core.bank.seller import SellerAccount


@dataclass(frozen=True, slots=True)
class Logo:
    """An image: `type` is png, jpg or svg."""

    type: str
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Seller:
    """Who sells. What is not known is empty; `country` is a code of two letters."""

    name: str = ""
    email: str = ""
    phone: str = ""
    url: str = ""
    address: Address | None = None
    address_lines: tuple[str, ...] = ()
    """The address as a setting writes it, where there is no address in parts."""
    country: str = ""
    tax_ids: tuple[tuple[str, str], ...] = ()
    """The type and value of each tax number, as `("eu_vat", "SE556000475501")`."""
    tax_number: str = ""
    """A tax number as a setting writes it, of which the type is not known."""
    company_number: str = ""
    """The number in the register of companies, as BT-30 of EN 16931 wants it."""
    statements: tuple[str, ...] = ()
    """What the law of the seller's country has on each paper: its seat, its register, its F-tax."""
    account: SellerAccount | None = None
    footer: str = ""
    language: str = ""
    """The language of papers for customers who prefer none."""
    time_zone: str = "UTC"
    primary_color: str = ""
    secondary_color: str = ""
    contact: str = ""
    """The name of the person or department to ask."""
    logo: Logo | None = None
    hides_zero_usage: bool = False
    """Whether papers leave out what could be used and was not; the API lists it."""
