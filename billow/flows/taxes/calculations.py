"""Calculate the taxes of a sale that is made elsewhere."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from billow.api import fields as f
from billow.api import listing, rows
from billow.api.fields import SHOWN
from billow.api.params import Params, merged, missing
from billow.api.resource import Where, route
from billow.core import taxes
from billow.core.errors import Refused, Unavailable, require
from billow.core.money import decimal_text
from billow.core.place_of_supply import Address
from billow.core.tax_ids import has_shape
from billow.flows.outside.books import zone_of
from billow.flows.outside.places import place_of
from billow.flows.taxes import loaded, sources
from billow.flows.taxes.params import no_location
from billow.flows.taxes.settings import settings_of
from billow.flows.taxes.sources import Buyer, address_of
from billow.providers.taxes import Decision, Part, kind_of
from billow.resources.customer import Customer, TaxNumber
from billow.resources.product import Product
from billow.resources.shipping_rate import ShippingRate
from billow.resources.tax_calculation import BEHAVIORS, CalculationLineItem, TaxCalculation
from billow.resources.tax_code import TaxCode
from billow.resources.tax_id import TaxId, wrong
from billow.store.ids import new_id
from billow.store.tx import Tx

GOOD_FOR = timedelta(days=90)
MOST_DAYS = timedelta(days=31)
SHIPPING = "txcd_92010001"
OVERRIDES = {"customer_exempt": "exempt", "none": "none", "reverse_charge": "reverse"}
OVERRIDDEN = {exemption: override for override, exemption in OVERRIDES.items()}


class Place(Params):
    city: str | None = f.text(unset=True)
    country: str = f.text(max=2, required=True)
    line1: str | None = f.text(unset=True)
    line2: str | None = f.text(unset=True)
    postal_code: str | None = f.text(unset=True)
    state: str | None = f.text(unset=True)


class CustomerDetails(Params):
    address: Place | None = f.nested(shape=Place)
    address_source: str | None = f.choice(SHOWN, "billing", "shipping")
    ip_address: str | None = f.text(max=45)
    tax_ids: list[TaxNumber] = f.array(SHOWN, TaxNumber, default=[])
    taxability_override: str | None = f.choice(SHOWN, *OVERRIDES)


class Line(Params):
    amount: int = f.amount(required=True)
    metadata: dict[str, str] = f.metadata()
    product: str | None = f.ref("product")
    quantity: int = f.integer(min=1, default=1)
    reference: str | None = f.text(max=500)
    tax_behavior: str = f.choice(SHOWN, *BEHAVIORS, default="exclusive")
    tax_code: str | None = f.ref("tax_code")


class ShipFrom(Params):
    address: Place = f.nested(shape=Place, required=True)


class ShippingCost(Params):
    amount: int | None = f.amount(min=0)
    shipping_rate: str | None = f.ref("shipping_rate")
    tax_behavior: str | None = f.choice(SHOWN, *BEHAVIORS)
    tax_code: str | None = f.ref("tax_code")


class Create(Params):
    currency: str = f.currency(required=True)
    customer: str | None = f.ref("customer")
    customer_details: CustomerDetails | None = f.nested(shape=CustomerDetails)
    line_items: list[Line] = f.array(SHOWN, Line, max=1000, required=True)
    ship_from_details: ShipFrom | None = f.nested(shape=ShipFrom)
    shipping_cost: ShippingCost | None = f.nested(shape=ShippingCost)
    tax_date: datetime | None = f.timestamp()


@dataclass(frozen=True, slots=True)
class Item:
    """A line of the sale, or its shipping, with what its tax depends on."""

    amount: int
    inclusive: bool
    code: str


@dataclass(frozen=True, slots=True)
class TaxedItem:
    """The taxes of an item, with the decision that they follow."""

    item: Item
    decision: Decision
    amounts: Sequence[taxes.Tax]

    @property
    def tax(self) -> int:
        return sum(one.amount for one in self.amounts)


@route("POST", "/v1/tax/calculations", Create)
def create(tx: Tx, wanted: Create) -> TaxCalculation:
    """Calculate the taxes of a sale. Nothing is owed by it: make a tax transaction when the sale is done."""
    require(
        settings_of(tx).active,
        "Tax has not been activated on your account: set a head office in the tax settings.",
        code="stripe_tax_inactive",
    )
    at = wanted.tax_date or tx.now.replace(microsecond=0)
    require(abs(at - tx.now) <= MOST_DAYS, "`tax_date` must be within 31 days of today.", param="tax_date")
    require(wanted.line_items, "There must be at least one line item.", param="line_items")
    details, buyer = buyer_of(tx, wanted)
    items = [item_of(tx, line, f"line_items[{place}]") for place, line in enumerate(wanted.line_items)]
    shipping = shipping_of(tx, wanted.shipping_cost, wanted.currency)
    whole = [*items, *([shipping[0]] if shipping else [])]
    origin = address_of(wanted.ship_from_details.address.shown()) if wanted.ship_from_details else None
    taxed = tax_items(tx, whole, buyer, at, origin)
    calculation = rows.insert(
        tx,
        TaxCalculation(
            **sums_of(taxed),
            currency=wanted.currency,
            customer=wanted.customer,
            customer_details=details,
            expires_at=tx.now + GOOD_FOR,
            ship_from_details=wanted.ship_from_details.shown() if wanted.ship_from_details else None,
            shipping_cost=shipping_shown(shipping[1], taxed[-1]) if shipping else None,
            tax_date=at,
        ),
        event=None,
    )
    write_lines(tx, calculation, wanted.line_items, taxed)
    return calculation


def write_lines(
    tx: Tx, calculation: TaxCalculation, wanted: Sequence[Line], taxed: Sequence[TaxedItem]
) -> None:
    """Insert the lines of a calculation. One without a reference gets its number; references are unique."""
    references = [line.reference or f"L{place + 1}" for place, line in enumerate(wanted)]
    require(
        len(set(references)) == len(references),
        "The references of line items must be unique.",
        param="line_items",
    )
    rows.insert_many(
        tx,
        [
            CalculationLineItem(
                id=new_id(CalculationLineItem.prefix),
                amount=line.amount,
                amount_tax=one.tax,
                calculation=calculation.id,
                metadata=merged({}, line.metadata),
                position=place,
                product=line.product,
                quantity=line.quantity,
                reference=references[place],
                tax_behavior=line.tax_behavior,
                tax_breakdown=line_breakdown(one),
                tax_code=one.item.code,
            )
            for place, (line, one) in enumerate(zip(wanted, taxed[: len(wanted)], strict=True))
        ],
        event=None,
    )


def buyer_of(tx: Tx, wanted: Create) -> tuple[dict[str, Any], Buyer]:
    """Return the customer details that a calculation shows, and to whom is sold."""
    given = wanted.customer_details or CustomerDetails()
    address = given.address.shown() if given.address else None
    source, override = given.address_source, given.taxability_override
    numbers = [(one.type, one.value, None) for one in given.tax_ids]
    for place, one in enumerate(given.tax_ids):
        at = f"customer_details[tax_ids][{place}][value]"
        require(has_shape(one.type, one.value), wrong(one.type), param=at, code="tax_id_invalid")
    if wanted.customer:
        customer = rows.find(tx, Customer, wanted.customer, param="customer")
        shipped = (customer.shipping or {}).get("address")
        if address is None:
            address, source = shipped or customer.address, "shipping" if shipped else "billing"
        override = override or OVERRIDDEN[customer.tax_exempt]
        known = rows.select(tx, TaxId, "customer = %(id)s", "order by created, id", id=customer.id)
        numbers = numbers or [(one.type, one.value, (one.verification or {}).get("status")) for one in known]
    where = address_of(address) or address_of(place_of(tx, {"ip_address": given.ip_address}))
    if where is None and address is None and not wanted.customer:
        raise missing("customer_details[address]")
    if where is None:
        raise no_location("customer_details[address]")
    details = {
        "address": address,
        "address_source": source or "billing",
        "ip_address": given.ip_address,
        "tax_ids": [{"type": type, "value": value} for type, value, _ in numbers],
        "taxability_override": override or "none",
    }
    certificates = loaded.certificates_of(tx, [wanted.customer]) if wanted.customer else {}
    return details, Buyer(
        billing=where,
        numbers=[sources.number_of(tx, *one) for one in numbers],
        exemption=OVERRIDES[override or "none"],
        certificates=certificates.get(wanted.customer or "", ()),
    )


def item_of(tx: Tx, line: Line, at: str) -> Item:
    """Return what the tax of a line depends on: its tax code, or its product's, or that of the settings."""
    require(line.amount >= 0, "The amount of a line item cannot be negative.", param=f"{at}[amount]")
    product = rows.find(tx, Product, line.product, param=f"{at}[product]") if line.product else None
    if line.tax_code:
        rows.find(tx, TaxCode, line.tax_code, param=f"{at}[tax_code]")
    code = line.tax_code or (product.tax_code if product else None)
    return Item(line.amount, line.tax_behavior == "inclusive", sources.code_or_first(settings_of(tx), code))


def shipping_of(tx: Tx, wanted: ShippingCost | None, currency: str) -> tuple[Item, str | None] | None:
    """Return the shipping of a sale with its shipping rate, which says its amount, code and behaviour."""
    if wanted is None:
        return None
    if wanted.shipping_rate is None:
        if wanted.amount is None:
            raise missing("shipping_cost[amount]")
        code = wanted.tax_code or SHIPPING
        rows.find(tx, TaxCode, code, param="shipping_cost[tax_code]")
        return Item(wanted.amount, wanted.tax_behavior == "inclusive", code), None
    others = [name for name in ("amount", "tax_behavior", "tax_code") if getattr(wanted, name) is not None]
    require(not others, "A shipping rate says all of it.", param="shipping_cost[shipping_rate]")
    rate = rows.find(tx, ShippingRate, wanted.shipping_rate, param="shipping_cost[shipping_rate]")
    amount = rate.fixed_amount or {}
    require(
        amount.get("currency") == currency,
        "The shipping rate has another currency.",
        param="shipping_cost[shipping_rate]",
    )
    item = Item(amount["amount"], rate.tax_behavior == "inclusive", rate.tax_code or SHIPPING)
    return item, rate.id


def tax_items(
    tx: Tx, items: Sequence[Item], buyer: Buyer, at: datetime, origin: Address | None
) -> list[TaxedItem]:
    """Decide the taxes of items, and calculate them: rounded once for the sale, with shares on the items."""
    asked = sources.asking(tx, [buyer.billing])
    decided: dict[str, Decision] = {}
    on = at.astimezone(zone_of(tx)).date()
    place = buyer.billing
    if place is None:
        raise no_location("customer_details[address]")
    try:
        for item in items:
            if item.code not in decided:
                decided[item.code] = asked.decide(
                    buyer, place, item.code, on, origin if kind_of(item.code) == "goods" else None
                )
    except Unavailable as error:
        raise Refused(
            f"The taxes could not be calculated: {error}", code="taxes_calculation_failed"
        ) from error
    lines = [
        taxes.Line(item.amount, [rate_of(part, item.inclusive) for part in decided[item.code].parts])
        for item in items
    ]
    found = taxes.taxed(lines, per_line=False)
    return [TaxedItem(item, decided[item.code], one.taxes) for item, one in zip(items, found, strict=True)]


def rate_of(part: Part, inclusive: bool) -> taxes.Rate:
    """Return the rate of a part; parts of one jurisdiction and rate are one rate."""
    return taxes.Rate(
        f"{part.jurisdiction}/{part.name}/{part.reason}", part.percentage, inclusive, part.reason
    )


def sums_of(taxed: Sequence[TaxedItem]) -> dict[str, Any]:
    """Return the totals of a calculation."""
    inclusive = sum(one.tax for one in taxed if one.item.inclusive)
    exclusive = sum(one.tax for one in taxed if not one.item.inclusive)
    return {
        "amount_total": sum(one.item.amount for one in taxed) + exclusive,
        "tax_amount_exclusive": exclusive,
        "tax_amount_inclusive": inclusive,
        "tax_breakdown": breakdown(taxed),
    }


def breakdown(taxed: Sequence[TaxedItem]) -> list[dict[str, Any]]:
    """Return the taxes of the whole sale, added up by rate."""
    parts = {}
    for one in taxed:
        parts.update({tax.rate: part for tax, part in zip(one.amounts, one.decision.parts, strict=True)})
    return [
        {
            "amount": tax.amount,
            "inclusive": tax.rate.inclusive,
            "tax_rate_details": {
                "country": parts[tax.rate].country,
                "flat_amount": None,
                "percentage_decimal": decimal_text(tax.rate.percentage),
                "rate_type": "percentage" if parts[tax.rate].tax_type else None,
                "state": parts[tax.rate].state,
                "tax_type": parts[tax.rate].tax_type,
            },
            "taxability_reason": tax.reason,
            "taxable_amount": tax.taxable,
        }
        for tax in taxes.summed([one.amounts for one in taxed])
    ]


def line_breakdown(one: TaxedItem) -> list[dict[str, Any]]:
    """Return the taxes of one line with their jurisdictions."""
    return [
        {
            "amount": tax.amount,
            "jurisdiction": {
                "country": part.country,
                "display_name": part.jurisdiction,
                "level": part.level,
                "state": part.state,
            },
            "sourcing": "origin"
            if one.decision.treatment == "domestic" and part.tax_type == "vat"
            else "destination",
            "tax_rate_details": {
                "display_name": part.name,
                "percentage_decimal": decimal_text(part.percentage),
                "tax_type": part.tax_type,
            }
            if part.tax_type
            else None,
            "taxability_reason": tax.reason,
            "taxable_amount": tax.taxable,
        }
        for tax, part in zip(one.amounts, one.decision.parts, strict=True)
    ]


def shipping_shown(rate: str | None, one: TaxedItem) -> dict[str, Any]:
    return {
        "amount": one.item.amount,
        "amount_tax": one.tax,
        "shipping_rate": rate,
        "tax_behavior": "inclusive" if one.item.inclusive else "exclusive",
        "tax_breakdown": line_breakdown(one),
        "tax_code": one.item.code,
    }


@route("GET", "/v1/tax/calculations/{id}")
def retrieve(tx: Tx, id: str) -> TaxCalculation:
    """Retrieve a tax calculation."""
    return rows.find(tx, TaxCalculation, id)


@route("GET", "/v1/tax/calculations/{id}/line_items", listing.Paging)
def line_items(tx: Tx, id: str, wanted: listing.Paging) -> listing.Page:
    """List the line items of a tax calculation, in their order."""
    found = rows.find(tx, TaxCalculation, id)
    where = Where("calculation = %(calculation)s", calculation=found.id)
    return listing.below(tx, CalculationLineItem, where, wanted, f"/v1/tax/calculations/{id}/line_items")
