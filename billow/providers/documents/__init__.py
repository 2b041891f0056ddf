"""Define the content of a document as plain text in frozen dataclasses; renderers only lay it out."""

from dataclasses import dataclass
from datetime import date
from typing import Protocol

from billow.core.seller import Logo


@dataclass(frozen=True, slots=True)
class Party:
    """A seller or buyer. `lines` are the address as on an envelope; a tax id includes its kind."""

    name: str
    email: str | None = None
    lines: tuple[str, ...] = ()
    tax_ids: tuple[str, ...] = ()
    details: tuple[str, ...] = ()
    """What is said of a party besides: its phone number, its company number, what its law asks for."""


@dataclass(frozen=True, slots=True)
class DocumentLine:
    """A line. Quantity and unit price are empty where they make no sense, as for a proration."""

    description: str
    quantity: str
    unit_amount: str
    amount: str
    period: str | None = None
    reductions: tuple[tuple[str, str], ...] = ()
    """Discounts on this line alone: label and amount."""


@dataclass(frozen=True, slots=True)
class TaxRow:
    """What is taxed at one rate, or not taxed for one reason."""

    label: str
    base: str
    amount: str


@dataclass(frozen=True, slots=True)
class Transfer:
    """How to pay by bank transfer. `qr` is the text of the QR code that fills it in, or empty."""

    payee: str
    iban: str
    reference: str
    bic: str = ""
    bankgiro: str = ""
    qr: str = ""


@dataclass(frozen=True, slots=True)
class Section:
    """A table with its heading, of columns of texts and then of figures."""

    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    texts: int = 1
    """How many columns are texts; the others are figures."""
    wide: int = 0
    """Which column of texts takes what room there is."""
    sums: bool = False
    """Whether the last row stands out, as the sum of those before it."""


@dataclass(frozen=True, slots=True)
class InvoiceDocument:
    """A document. All amounts are text, formatted by the caller, who knows the currency.

    `kind` is invoice, credit_note, receipt, quote or statement; a `status` of draft, void or canceled is
    stamped across the document. A quote is valid until it is due. The last of `totals` is the one to pay, and
    stands out. A statement has sections instead of lines.
    """

    kind: str
    number: str
    status: str
    currency: str
    issued_on: date
    due_on: date | None
    seller: Party
    buyer: Party
    lines: tuple[DocumentLine, ...]
    totals: tuple[tuple[str, str], ...]
    notes: tuple[str, ...] = ()
    footer: str | None = None
    language: str = "en"
    header: str | None = None
    """A line of the seller's, at the top of the document."""
    reverse_charge: bool = False
    """Whether the buyer owes the tax, which the document must say."""
    transfer: Transfer | None = None
    """How to pay by bank transfer, while there is something to pay."""
    details: tuple[tuple[str, str], ...] = ()
    """More that identifies it, as label and text: the time of supply, the order, what the seller adds."""
    taxes: tuple[TaxRow, ...] = ()
    mentions: tuple[str, ...] = ()
    """What the law asks for, in the words of the buyer and of the seller's law."""
    pay_at: str = ""
    """The page on which it can be paid, while there is something to pay."""
    logo: Logo | None = None
    color: str = ""
    """The colour of its title, as #1D4FB8; empty: black."""
    second_color: str = ""
    """The colour of its lines; empty: black."""
    sections: tuple[Section, ...] = ()
    page: str = "a4"
    """The size of its pages, as the compiler calls it."""


class Renderer(Protocol):
    """A renderer, such as `text.render`; `pdf.render` also takes the instant of issue, and returns bytes."""

    def __call__(self, document: InvoiceDocument) -> str: ...
