"""Write a customer's invoiced cost and usage in the FOCUS 1.2 format, for their FinOps tools.

Each line of an invoice is a charge, and so is each tax on it: the billed costs of an invoice are its total.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from billow.api import rows
from billow.core.errors import require
from billow.core.money import EXACT, minor_digits, round_half_away
from billow.flows.outside.seller import seller_of
from billow.reports import Table
from billow.resources.credit_grant import CreditGrant
from billow.resources.credit_note import CreditNote
from billow.resources.customer import Customer
from billow.resources.invoice import Invoice
from billow.resources.invoice_line import InvoiceLine
from billow.resources.price import Price
from billow.resources.product import Product
from billow.resources.subscription import Subscription
from billow.store.tx import Tx

COLUMNS = (
    "BilledCost", "BillingAccountId", "BillingAccountName", "BillingCurrency", "BillingPeriodStart",
    "BillingPeriodEnd", "ChargeCategory", "ChargeClass", "ChargeDescription", "ChargeFrequency",
    "ChargePeriodStart", "ChargePeriodEnd", "ConsumedQuantity", "ConsumedUnit", "ContractedCost",
    "EffectiveCost", "InvoiceId", "InvoiceIssuerName", "ListCost", "ListUnitPrice", "PricingQuantity",
    "PricingUnit", "ProviderName", "PublisherName", "ServiceCategory", "ServiceName", "ServiceSubcategory",
    "SkuId", "SkuMeter", "SkuPriceDetails", "SkuPriceId", "SubAccountId", "SubAccountName", "Tags",
    "x_InvoiceLineId",
)  # fmt: skip
CATEGORIES = (
    "AI and Machine Learning", "Analytics", "Business Applications", "Compute", "Databases",
    "Developer Tools",
    "Multicloud", "Identity", "Integration", "Internet of Things", "Management and Governance", "Media",
    "Migration", "Mobile", "Networking", "Security", "Storage", "Web", "Other",
)  # fmt: skip
CATEGORY_KEY = "focus_service_category"
"""The metadata of a product that names its service category."""
UNIT = "Units"
ISSUED = ("open", "paid", "uncollectible")
SECOND = timedelta(seconds=1)

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Known:
    """What the charges of a customer name."""

    customer: Customer
    seller: str
    products: Mapping[str, Product]
    prices: Mapping[str, Price]
    subscriptions: Mapping[str, Subscription]
    paid_grants: frozenset[str]


def export(tx: Tx, customer: str, since: datetime, until: datetime) -> Table:
    """Return the charges of what was issued to a customer in an interval: invoices and credit notes."""
    require(since < until, "An export begins before it ends.")
    who = rows.find(tx, Customer, customer, deleted=True)
    interval = {"customer": who.id, "since": since, "until": until}
    invoices = rows.select(
        tx,
        Invoice,
        "customer = %(customer)s and status = any(%(issued)s)"
        " and finalized_at >= %(since)s and finalized_at < %(until)s",
        "order by finalized_at, id",
        issued=list(ISSUED),
        **interval,
    )
    lines = rows.below(tx, InvoiceLine, "invoice", [one.id for one in invoices])
    known = known_of(tx, who, [line for some in lines.values() for line in some])
    charges = [
        charge for one in invoices for line in lines[one.id] for charge in charges_of(one, line, known)
    ]
    notes = rows.select(
        tx,
        CreditNote,
        "customer = %(customer)s and status = 'issued' and not voids"
        " and created >= %(since)s and created < %(until)s"
        " and invoice in (select id from invoices where status = any(%(issued)s))",
        "order by created, id",
        issued=list(ISSUED),
        **interval,
    )
    credited = rows.find_many(tx, Invoice, [one.invoice for one in notes])
    charges += [charge for one in notes for charge in corrections_of(one, credited[one.invoice], known)]
    return Table(COLUMNS, [[shown(charge.get(name)) for name in COLUMNS] for charge in charges])


def known_of(tx: Tx, customer: Customer, lines: Sequence[InvoiceLine]) -> Known:
    grants = rows.find_many(
        tx, CreditGrant, {used["grant"] for line in lines for used in line.applied_credits}
    )
    return Known(
        customer,
        seller_of(tx).name,
        rows.find_many(tx, Product, {line.product for line in lines if line.product}),
        rows.find_many(tx, Price, {line.price for line in lines if line.price}),
        rows.find_many(tx, Subscription, {line.subscription for line in lines if line.subscription}),
        frozenset(id for id, grant in grants.items() if grant.category == "paid"),
    )


# ------------------------------------------------------------------------------------- charges


def charges_of(invoice: Invoice, line: InvoiceLine, known: Known) -> list[Row]:
    """Return the charge of an invoice line without tax, and a charge for each tax on it."""
    issued = invoice.finalized_at or invoice.created
    common = {**shared(known, invoice.currency, issued), **period_of(line), "InvoiceId": invoice.number}
    common["x_InvoiceLineId"] = line.id
    net = main_unit(line.net, line.currency)
    charge = {
        **common,
        **priced(line, known),
        **service_of(known.products.get(line.product or "")),
        **account_of(known.subscriptions.get(line.subscription or "")),
        "BilledCost": net,
        "EffectiveCost": effective(line, known),
        "ChargeCategory": category_of(line),
        "ChargeDescription": line.description,
        "ChargeFrequency": frequency_of(line),
    }
    taxes = [tax_row(common, main_unit(tax["amount"], line.currency)) for tax in line.taxes]
    return [charge, *taxes]


def corrections_of(note: CreditNote, invoice: Invoice, known: Known) -> list[Row]:
    """Return the charges of a credit note, which correct those of an invoice of this month or before it."""
    issued = invoice.finalized_at or invoice.created
    billed = shared(known, note.currency, note.created)
    before = month_of(issued) != month_of(note.created)
    common = {
        **billed,
        "ChargePeriodStart": invoice.period_start,
        "ChargePeriodEnd": max(invoice.period_end, invoice.period_start + SECOND),
        "ChargeClass": "Correction" if before else None,
        "InvoiceId": note.number,
    }
    net = note.total if note.total_excluding_tax is None else note.total_excluding_tax
    amount = main_unit(-net, note.currency)
    costs = dict.fromkeys(("BilledCost", "ContractedCost", "EffectiveCost", "ListCost"), amount)
    found = {
        **common,
        **service_of(None),
        **costs,
        "ChargeCategory": "Credit",
        "ChargeDescription": f"Credit note {note.number} on invoice {invoice.number}",
        "ChargeFrequency": "One-Time",
    }
    if note.total == net:
        return [found]
    return [found, tax_row(common, main_unit(net - note.total, note.currency))]


def shared(known: Known, currency: str, issued: datetime) -> Row:
    start, end = month_of(issued)
    return {
        "BillingAccountId": known.customer.id,
        "BillingAccountName": known.customer.name or known.customer.email or known.customer.id,
        "BillingCurrency": currency.upper(),
        "BillingPeriodStart": start,
        "BillingPeriodEnd": end,
        "InvoiceIssuerName": known.seller,
        "ProviderName": known.seller,
        "PublisherName": known.seller,
    }


def month_of(instant: datetime) -> tuple[datetime, datetime]:
    """Return the month of an instant in UTC, in which it is billed."""
    first = instant.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return first, (first + timedelta(days=32)).replace(day=1)


def period_of(line: InvoiceLine) -> Row:
    """Return the period that a line is for; a sale at an instant has a second."""
    return {
        "ChargePeriodStart": line.period_start,
        "ChargePeriodEnd": max(line.period_end, line.period_start + SECOND),
    }


def tax_row(common: Row, amount: Decimal) -> Row:
    costs = dict.fromkeys(("BilledCost", "ContractedCost", "EffectiveCost", "ListCost"), amount)
    named = {"ServiceCategory": "Other", "ServiceName": "Tax", "ServiceSubcategory": "Other (Other)"}
    told = {"ChargeCategory": "Tax", "ChargeDescription": "Tax", "ChargeFrequency": "One-Time"}
    return {**common, **costs, **named, **told}


def category_of(line: InvoiceLine) -> str:
    """Return Usage for what was measured, Credit for what is given back, and Purchase for the rest."""
    if line.amount < 0:
        return "Credit"
    return "Usage" if line.kind == "metered" else "Purchase"


def frequency_of(line: InvoiceLine) -> str:
    if line.kind == "metered":
        return "Usage-Based"
    return "Recurring" if line.kind == "licensed" and not line.proration else "One-Time"


def effective(line: InvoiceLine, known: Known) -> Decimal:
    """Return what a line costs where its use is: nothing for credits bought, with them what they paid for."""
    if line.kind == "prepaid":
        return Decimal(0)
    bought = sum(used["amount"] for used in line.applied_credits if used["grant"] in known.paid_grants)
    return main_unit(line.net + bought, line.currency)


def priced(line: InvoiceLine, known: Known) -> Row:
    """Return quantity, unit price and list cost, whose product is the cost; of a tier's flat fee it is one.

    Costs are before discounts and credits, and without tax; a line whose price includes it is one unit. What
    is given back has no price.
    """
    quantity, unit = line.quantity_decimal or Decimal(1), line.unit_amount_decimal
    inclusive = any(tax.get("tax_behavior") == "inclusive" for tax in line.taxes)
    exact = EXACT.multiply(quantity, unit) if unit is not None else None
    if exact is None or inclusive or round_half_away(exact) != line.amount:
        off = sum(one["amount"] for one in (*line.discount_amounts, *line.applied_credits))
        quantity, exact = Decimal(1), Decimal(line.net + off if inclusive else line.amount)
        unit = exact
    cost, price = main_unit(exact, line.currency), main_unit(unit or Decimal(0), line.currency)
    if category_of(line) == "Credit":
        return {"ListCost": cost, "ContractedCost": cost}
    product = known.products.get(line.product or "")
    named = product.unit_label if product else None
    found = {
        "ListCost": cost,
        "ContractedCost": cost,
        "ListUnitPrice": price,
        "PricingQuantity": quantity,
        "PricingUnit": named or UNIT,
        "SkuId": line.product or line.id,
        "SkuPriceId": line.price or line.id,
        "SkuMeter": product.name if product else line.description,
    }
    if category_of(line) == "Usage":
        used = line.usage if line.usage is not None else quantity
        found |= {"ConsumedQuantity": used, "ConsumedUnit": named or UNIT}
    return found


def service_of(product: Product | None) -> Row:
    """Return the service of a product: its category is that of its metadata, if FOCUS has such a one."""
    wanted = (product.metadata or {}).get(CATEGORY_KEY, "") if product else ""
    category = wanted if wanted in CATEGORIES else "Other"
    return {
        "ServiceCategory": category,
        "ServiceName": product.name if product else "Other",
        "ServiceSubcategory": f"Other ({category})",
    }


def account_of(subscription: Subscription | None) -> Row:
    if subscription is None:
        return {}
    return {
        "SubAccountId": subscription.id,
        "SubAccountName": subscription.description or subscription.id,
        "Tags": json.dumps(subscription.metadata or {}, sort_keys=True),
    }


# ------------------------------------------------------------------------------------- texts


def main_unit(amount: int | Decimal, currency: str) -> Decimal:
    return Decimal(amount).scaleb(-minor_digits(currency), context=EXACT)


def shown(value: Any) -> str:
    """Write a value as FOCUS does: instants in UTC, decimals with a point, and nothing for null."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    if isinstance(value, Decimal):
        text = f"{value:f}"
        return text if "." in text else f"{text}.0"
    return str(value)
