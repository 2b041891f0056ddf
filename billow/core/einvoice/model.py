"""Describe an invoice by the terms of EN 16931, in Decimals of major units; the writers only lay it out."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

INVOICE, CREDIT_NOTE = "380", "381"
BANKGIRO = "SE:BANKGIRO"
"""How Peppol names the Swedish clearing house, where a bank account has a number of its own."""


@dataclass(frozen=True, slots=True)
class Category:
    """A VAT category (BT-151) with its rate; `percent` is None where it has none. Reason: BT-120 and 121."""

    code: str
    percent: Decimal | None
    reason_code: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Trader:
    """A seller or buyer (BG-4, BG-7). `endpoint` is its electronic address: the scheme and the id (BT-34)."""

    name: str
    country: str
    line1: str = ""
    line2: str = ""
    city: str = ""
    postal_code: str = ""
    state: str = ""
    vat_id: str = ""
    tax_id: str = ""
    """A tax number that is no VAT id (BT-32), such as a German Steuernummer."""
    company_number: str = ""
    identifier: str = ""
    """What else it is known by (BT-29), where it has no registration to show."""
    contact: str = ""
    phone: str = ""
    email: str = ""
    endpoint: tuple[str, str] | None = None
    legal: str = ""
    """What its law asks it to say of itself (BT-33): its register, its directors, that it is taxed."""


@dataclass(frozen=True, slots=True)
class Allowance:
    """What is taken off a line (BG-27), as a positive amount."""

    amount: Decimal
    reason: str


@dataclass(frozen=True, slots=True)
class Line:
    """A line (BG-25). `price` is net, for `base` units, and never negative: of a credit the quantity is."""

    id: str
    name: str
    quantity: Decimal
    unit: str
    price: Decimal
    net: Decimal
    category: Category
    base: int = 1
    allowances: tuple[Allowance, ...] = ()
    starts_on: date | None = None
    ends_on: date | None = None
    description: str = ""


@dataclass(frozen=True, slots=True)
class Subtotal:
    """What is taxed in a category at a rate (BG-23)."""

    category: Category
    base: Decimal
    tax: Decimal


@dataclass(frozen=True, slots=True)
class Payment:
    """An account to pay to (BG-16), the institution that keeps it, and the reference to pay with (BT-83)."""

    account: str
    """Its IBAN, or its number at an institution that is no bank."""
    institution: str = ""
    """A BIC, or the code of that institution, as Peppol writes it."""
    holder: str = ""
    reference: str = ""
    is_sepa: bool = False
    """Whether it is paid in euros to an IBAN."""

    @property
    def iban(self) -> str:
        return "" if self.institution == BANKGIRO else self.account

    @property
    def means(self) -> str:
        """Return the code of how to pay: 58 is a SEPA credit transfer, 30 any other one."""
        return "58" if self.is_sepa else "30"


@dataclass(frozen=True, slots=True)
class EInvoice:
    """An invoice, or a credit note with positive amounts, as both syntaxes write it."""

    number: str
    issued_on: date
    currency: str
    seller: Trader
    buyer: Trader
    lines: tuple[Line, ...]
    subtotals: tuple[Subtotal, ...]
    prepaid: Decimal
    kind: str = INVOICE
    due_on: date | None = None
    terms: str = ""
    note: str = ""
    buyer_reference: str = ""
    order: str = ""
    starts_on: date | None = None
    ends_on: date | None = None
    supplied_on: date | None = None
    """The day of supply (BT-72), where no period says it."""
    delivered_to: str = ""
    """The country that goods were sent to (BT-80), which an intra-Community supply names."""
    ship_to: Trader | None = None
    """Who goods were sent to and where (BG-13, BG-15), where the invoice says it."""
    payment: Payment | None = None
    corrects: tuple[str, date] | None = None
    """The number and date of the invoice that a credit note corrects or a revision replaces (BG-3)."""
    national_tax: tuple[str, Decimal] | None = None
    """The currency of the seller's tax office, where it is another one, and all tax in it (BT-6, BT-111)."""

    @property
    def net(self) -> Decimal:
        return sum((line.net for line in self.lines), Decimal(0))

    @property
    def tax(self) -> Decimal:
        return sum((one.tax for one in self.subtotals), Decimal(0))

    @property
    def gross(self) -> Decimal:
        return self.net + self.tax

    @property
    def payable(self) -> Decimal:
        return self.gross - self.prepaid
