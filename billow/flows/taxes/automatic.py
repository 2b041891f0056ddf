"""Decide the taxes of invoices automatically: once for each customer, kind of product and day of supply.

A decision does not depend on amounts, so it holds for every line of its kind; `core/taxes.py` calculates with
its rates. Each rate is a tax rate that requests cannot attach, and that is found again by its content.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from billow.api import rows
from billow.core import taxes
from billow.core.errors import Unavailable
from billow.flows.outside.books import zone_of
from billow.flows.outside.places import place_of
from billow.flows.taxes import loaded, sources
from billow.flows.taxes.settings import settings_of
from billow.flows.taxes.sources import Buyer, address_of, code_or_first
from billow.providers.taxes import Decision, Part, TaxNumber, kind_of
from billow.resources.customer import Customer
from billow.resources.invoice_line import InvoiceLine
from billow.resources.payment_method import PaymentMethod
from billow.resources.price import Price
from billow.resources.product import Product
from billow.resources.tax_rate import TaxRate
from billow.store.tx import Tx

COMPLETE, NOWHERE, FAILED = "complete", "requires_location_inputs", "failed"


@dataclass(frozen=True, slots=True)
class Kind:
    """What the taxes of a line depend on, besides its customer."""

    code: str
    inclusive: bool
    on: date


@dataclass(frozen=True, slots=True)
class Decided:
    """A decision with the tax rates that stand for its parts."""

    decision: Decision
    rates: tuple[TaxRate, ...]

    @property
    def core(self) -> tuple[taxes.Rate, ...]:
        """Return the rates as core/taxes.py calculates with them, each with its reason."""
        pairs = zip(self.rates, self.decision.parts, strict=True)
        return tuple(taxes.Rate(one.id, one.percentage, one.inclusive, part.reason) for one, part in pairs)


@dataclass(slots=True)
class Automatic:
    """The automatic taxes of one customer: whether they could be decided, and how."""

    status: str = COMPLETE
    why: str = ""
    decided: dict[Kind, Decided] = field(default_factory=dict)
    kinds: dict[tuple[Any, ...], Kind] = field(default_factory=dict)
    evidence: Sequence[Mapping[str, str]] = ()

    def rates(self, line: InvoiceLine) -> tuple[taxes.Rate, ...]:
        """Return the rates of a line; none where its taxes could not be decided."""
        if self.status != COMPLETE:
            return ()
        return self.decided[self.kinds[_key(line)]].core

    def said(self, lines: Sequence[InvoiceLine]) -> dict[str, Any]:
        """Return what an invoice keeps: the decisions on its lines, and what says where the buyer is."""
        kinds = (
            list(dict.fromkeys(self.kinds[_key(line)] for line in lines)) if self.status == COMPLETE else []
        )
        return {
            "decisions": [_said(kind, self.decided[kind]) for kind in kinds],
            "evidence": [dict(one) for one in self.evidence],
            **({"agreeing": agreeing(self.evidence)} if self.evidence else {}),
            **({"why": self.why} if self.why else {}),
        }


def agreeing(evidence: Sequence[Mapping[str, str]]) -> int:
    """Return how many pieces of evidence name the country that is taxed, as the first does (art. 24b)."""
    named = [one["country"] for one in evidence if one.get("country")]
    return named.count(named[0]) if named else 0


def _said(kind: Kind, decided: Decided) -> dict[str, Any]:
    found = decided.decision
    return {
        "category": found.category,
        "facts": dict(found.facts),
        "mention": found.mention,
        "on": kind.on.isoformat(),
        "rates": [rate.id for rate in decided.rates],
        "source": found.source,
        "tax_code": kind.code,
        "treatment": found.treatment,
        "why": found.why,
    }


def _key(line: InvoiceLine) -> tuple[Any, ...]:
    return line.price, line.product, line.tax_code, line.tax_behavior, line.period_end, line.currency


def decide(
    tx: Tx,
    lines_of: Mapping[str, Sequence[InvoiceLine]],
    customers: Mapping[str, Customer],
    exempt: Mapping[str, str],
) -> dict[str, Automatic]:
    """Decide the taxes of these lines, by customer, in a fixed number of statements.

    A customer whose place is not known has the status `requires_location_inputs`, and one whose taxes a
    source cannot decide the status `failed`: nothing can be billed to them with automatic tax.
    """
    buyers = buyers_of(tx, customers, exempt)
    places = [place for one in buyers.values() for place in (one.billing, one.shipping, one.by_ip)]
    asked = sources.asking(tx, places)
    kinds = kinds_of(tx, [line for lines in lines_of.values() for line in lines])
    found: dict[str, Automatic] = {}
    drawn: dict[str, TaxRate] = {}
    for id, lines in lines_of.items():
        buyer = buyers.get(id, Buyer())
        one = found[id] = Automatic(
            evidence=buyer.evidence, kinds={_key(line): kinds[_key(line)] for line in lines}
        )
        if not asked.settings.active:
            one.status, one.why = NOWHERE, "The tax settings have no head office."
        elif buyer.place(False) is None:
            one.status, one.why = NOWHERE, "The customer's address does not say enough to be taxed."
        else:
            _decide_kinds(tx, one, buyer, asked, drawn)
    keep_rates(tx, drawn)
    return found


def _decide_kinds(
    tx: Tx, one: Automatic, buyer: Buyer, asked: sources.Asking, drawn: dict[str, TaxRate]
) -> None:
    for kind in dict.fromkeys(one.kinds.values()):
        place = buyer.place(kind_of(kind.code) == "goods")
        try:
            decision = asked.decide(buyer, place, kind.code, kind.on) if place else None
        except Unavailable as error:
            one.status, one.why = FAILED, str(error)
            return
        if decision is not None:
            rates = tuple(rate_of(tx, decision, part, kind.inclusive) for part in decision.parts)
            drawn.update({rate.id: rate for rate in rates})
            one.decided[kind] = Decided(decision, rates)


def kinds_of(tx: Tx, lines: Sequence[InvoiceLine]) -> dict[tuple[Any, ...], Kind]:
    """Return the kind of each line: by its own tax code and behaviour, those of its price, or the defaults.

    The day is that of supply: the end of the period where it is over, and otherwise the day of the invoice,
    since tax on what is paid in advance is due then (art. 64 and 65). Days are those where the seller is.
    """
    settings, zone = settings_of(tx), zone_of(tx)
    prices = rows.find_many(tx, Price, [line.price for line in lines if line.price])
    products = rows.find_many(tx, Product, [line.product for line in lines if line.product])
    found = {}
    for line in lines:
        price, product = prices.get(line.price or ""), products.get(line.product or "")
        behavior = line.tax_behavior or (price.tax_behavior if price else None)
        if behavior in (None, "unspecified"):
            behavior = settings.behavior(line.currency)
        code = code_or_first(settings, line.tax_code or (product.tax_code if product else None))
        found[_key(line)] = Kind(
            code, behavior == "inclusive", min(line.period_end, tx.now).astimezone(zone).date()
        )
    return found


def rate_of(tx: Tx, decision: Decision, part: Part, inclusive: bool) -> TaxRate:
    """Return the tax rate that stands for a part of a decision; the same content has the same id."""
    fields: dict[str, Any] = {
        "country": part.country,
        "display_name": part.name,
        "inclusive": inclusive,
        "jurisdiction": part.jurisdiction,
        "jurisdiction_level": part.level,
        "percentage": part.percentage,
        "rate_type": "percentage" if part.tax_type else None,
        "state": part.state,
        "tax_type": part.tax_type,
        "treatment": decision.treatment,
        "mention": decision.mention,
    }
    text = f"{tx.tenant} {[str(fields[name]) for name in sorted(fields)]}"
    id = f"{TaxRate.prefix}{hashlib.sha256(text.encode()).hexdigest()[:24]}"
    return TaxRate(id=id, active=False, **fields)


def keep_rates(tx: Tx, drawn: Mapping[str, TaxRate]) -> None:
    """Insert the tax rates that are not there yet. Nobody is told: they say what decisions said."""
    known = rows.find_many(tx, TaxRate, drawn)
    rows.insert_many(tx, [rate for id, rate in sorted(drawn.items()) if id not in known], event=None)


def buyers_of(tx: Tx, customers: Mapping[str, Customer], exempt: Mapping[str, str]) -> dict[str, Buyer]:
    """Load what sources are told of customers, and what says where they are."""
    ids = list(customers)
    numbers, certificates = sources.numbers_of(tx, ids), loaded.certificates_of(tx, ids)
    named = {id: one.invoice_settings.get("default_payment_method") for id, one in customers.items()}
    methods = rows.find_many(tx, PaymentMethod, [method for method in named.values() if method])
    return {
        id: Buyer(
            billing=address_of(one.address),
            shipping=address_of((one.shipping or {}).get("address")),
            numbers=numbers.get(id) or typed_numbers(tx, one),
            exemption=exempt.get(id, one.tax_exempt),
            certificates=certificates.get(id, ()),
            evidence=evidence_of(tx, one, methods.get(named[id] or "")),
            by_ip=address_of(place_of(tx, one.tax)),
        )
        for id, one in customers.items()
    }


def typed_numbers(tx: Tx, customer: Customer) -> list[TaxNumber]:
    """Return the tax numbers of a customer who is not stored yet, such as the visitor of a payment page."""
    return [sources.number_of(tx, one["type"], one["value"], None) for one in customer.tax_id_data or []]


def evidence_of(tx: Tx, customer: Customer, method: PaymentMethod | None) -> list[dict[str, str]]:
    """Return what says where a customer is (Regulation 282/2011, art. 24f)."""
    found = [
        ("billing_address", customer.address),
        ("shipping_address", (customer.shipping or {}).get("address")),
    ]
    evidence = [
        {"kind": kind, "country": address["country"]}
        for kind, address in found
        if address and address.get("country")
    ]
    ip = (customer.tax or {}).get("ip_address")
    if ip:
        place = place_of(tx, customer.tax)
        evidence.append(
            {"kind": "ip_address", "value": ip, **({"country": place["country"]} if place else {})}
        )
    card = method.card if method else None
    if card and card.get("country"):
        evidence.append({"kind": "card", "country": card["country"]})
    return evidence
