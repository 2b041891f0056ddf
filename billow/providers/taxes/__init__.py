"""Define a tax source: it says which taxes are due on a sale, at which rates, and why.

A source decides in the transaction that bills, so it calls nobody: it works on what it was given when it was
built. One that cannot decide raises `core.errors.Unavailable`, and nothing is billed until it can.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Protocol

from billow.core.place_of_supply import Address, Kind

#: Kinds of products by the beginning of their tax codes; the longest one that fits decides.
KINDS: Mapping[str, Kind] = {
    "txcd_0": "nontaxable",
    "txcd_1": "digital",
    "txcd_2": "service",
    "txcd_20040005": "digital",
    "txcd_20050001": "digital",
    "txcd_2006": "digital",
    "txcd_30010001": "nontaxable",
    "txcd_3": "goods",
    "txcd_4": "goods",
    "txcd_92": "goods",
    "txcd_9": "goods",
}


def kind_of(code: str) -> Kind:
    """Return what kind of thing a tax code stands for, as places of supply tell them apart.

    >>> kind_of("txcd_10103001"), kind_of("txcd_20060001"), kind_of("txcd_99999999")
    ('digital', 'digital', 'goods')
    """
    fitting = [prefix for prefix in KINDS if code.startswith(prefix)]
    return KINDS[max(fitting, key=len)] if fitting else "service"


@dataclass(frozen=True, slots=True)
class Registration:
    """A tax office that the seller pays to: of a country, or of a state; `type` as in Stripe's options."""

    country: str
    type: str
    state: str | None = None
    scheme: str | None = None


@dataclass(frozen=True, slots=True)
class TaxNumber:
    """A buyer's tax number, and whether it counts as valid."""

    type: str
    value: str
    valid: bool
    checked: str = ""
    """How that is known: by a register and when, or by the format alone."""


@dataclass(frozen=True, slots=True)
class Certificate:
    """A certificate that exempts the buyer in one state, or with `state` None in a country."""

    country: str
    state: str | None
    number: str
    expires_on: date | None = None


@dataclass(frozen=True, slots=True)
class Sale:
    """What is sold (by tax code), by whom, to whom, and on which day."""

    seller: Address
    buyer: Address
    code: str
    supplied_on: date
    registrations: Sequence[Registration] = ()
    numbers: Sequence[TaxNumber] = ()
    exemption: str = "none"
    """none, exempt or reverse, as the customer's `tax_exempt`."""
    small_enterprise: bool = False
    number: str = ""
    """The seller's own VAT number in the country of the head office."""
    certificates: Sequence[Certificate] = ()
    origin: Address | None = None
    """Where goods are sent from, if not from the seller's head office."""


@dataclass(frozen=True, slots=True)
class Part:
    """One tax of one jurisdiction, or the reason why there is none."""

    percentage: Decimal
    reason: str
    country: str
    jurisdiction: str
    level: str = "country"
    state: str | None = None
    name: str = "VAT"
    tax_type: str | None = "vat"


@dataclass(frozen=True, slots=True)
class Decision:
    """The taxes on a sale, how it is treated in the books and in returns, and why."""

    parts: tuple[Part, ...]
    treatment: str
    why: str
    source: str
    category: str | None = None
    mention: str | None = None
    facts: Mapping[str, str] = field(default_factory=dict)
    """What the decision rests on beside the sale: where a rate was read, which certificate counted."""


class TaxSource(Protocol):
    @property
    def name(self) -> str:
        """Return the name by which settings and decisions call the source."""

    def decide(self, sale: Sale) -> Decision:
        """Decide which taxes are due on a sale; raise `core.errors.Unavailable` if that cannot be said."""


def untaxed(sale: Sale, reason: str, treatment: str, why: str, source: str) -> Decision:
    """Return a decision that no tax is due in the buyer's country, for a reason."""
    country = sale.buyer.country
    part = Part(Decimal(0), reason, country, country, name="Tax", tax_type=None)
    return Decision((part,), treatment, why, source)
