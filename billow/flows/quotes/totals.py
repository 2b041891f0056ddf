"""Calculate the totals of a quote: upfront, and for each recurring interval."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from billow.api import render, rows
from billow.core import pricing, proration
from billow.flows.billing import drafts, priced_items, totals
from billow.flows.billing.discounts import lapsed
from billow.flows.billing.exemption import exemption
from billow.flows.billing.labels import labels_of, language_of
from billow.flows.quotes.lines import PricedLine, currency_of
from billow.resources.customer import Customer
from billow.resources.invoice import Invoice
from billow.resources.invoice_line import InvoiceLine
from billow.resources.line_item import LineItem
from billow.resources.quote import Quote
from billow.resources.tax_rate import TaxRate
from billow.store.tx import Tx


@dataclass(frozen=True, slots=True)
class LineTotals:
    """The amounts of one line; discounts and taxes are keyed by id."""

    subtotal: int
    total: int
    discounts: dict[str, int]
    taxes: list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class InvoiceTotals:
    """The amounts of an invoice that is calculated and not written, and of its lines."""

    lines: list[LineTotals]
    invoice: Invoice

    @property
    def subtotal(self) -> int:
        return sum(line.subtotal for line in self.lines)


@dataclass(frozen=True, slots=True)
class ShownTerms:
    """Discounts and tax rates as the API shows them, expanded; by id."""

    discounts: dict[str, dict[str, Any]]
    rates: dict[str, dict[str, Any]]


def calculate(
    tx: Tx, quote: Quote, customer: Customer | None, lines: Sequence[PricedLine]
) -> tuple[Quote, list[LineItem]]:
    """Calculate the amounts of a quote and its lines, with the functions that calculate invoices.

    `amount_…` and the lines cover a full period of everything on the quote; `upfront` is the first invoice,
    on which a trial is free; `recurring` covers the items of the shortest interval, with only the discounts
    that last forever.
    """
    quote = quote.but(currency=currency_of(lines))
    draft, terms = unwritten_invoice(tx, quote, customer, lines)
    shown = shown_terms(tx, terms)
    whole = calculate_invoice(tx, draft, lines, terms)
    first = whole
    if quote.subscription_data["trial_period_days"]:
        first = calculate_invoice(tx, draft, lines, terms, in_trial=True)
    items = [with_totals(one.item, amounts, shown) for one, amounts in zip(lines, whole.lines, strict=True)]
    upfront_items = [
        with_totals(one.item, amounts, shown) for one, amounts in zip(lines, first.lines, strict=True)
    ]
    return quote.but(
        amount_subtotal=whole.subtotal,
        automatic_tax={**quote.automatic_tax, "status": whole.invoice.automatic_tax["status"]},
        amount_total=whole.invoice.total,
        computed={
            "recurring": recurring_totals(tx, draft, lines, terms, shown),
            "upfront": {**shown_totals(first, shown), "line_items": shown_list(tx, quote, upfront_items)},
        },
        labels=labels_of(whole.invoice, terms, language_of(tx, customer)),
        total_details=total_details(whole, shown),
    ), items


def upfront_lines(
    tx: Tx, quote: Quote, customer: Customer | None, lines: Sequence[PricedLine]
) -> list[LineItem]:
    """Return the lines with their amounts on the first invoice."""
    draft, terms = unwritten_invoice(tx, quote, customer, lines)
    shown = shown_terms(tx, terms)
    first = calculate_invoice(
        tx, draft, lines, terms, in_trial=bool(quote.subscription_data["trial_period_days"])
    )
    return [with_totals(one.item, amounts, shown) for one, amounts in zip(lines, first.lines, strict=True)]


def unwritten_invoice(
    tx: Tx,
    quote: Quote,
    customer: Customer | None,
    lines: Sequence[PricedLine],
    shipping: Sequence[InvoiceLine] = (),
) -> tuple[Invoice, totals.Terms]:
    """Build an invoice that is never written, and load the discounts and taxes of it and its lines.

    Like a real invoice, it takes the customer's discount unless it has discounts of its own.
    """
    inherited = [customer.discount] if customer and customer.discount else []
    draft = Invoice(
        currency=quote.currency or "usd",
        automatic_tax=drafts.tax_of(quote.automatic_tax),
        customer=customer.id if customer else "",
        customer_tax_exempt=exemption(tx, customer) if customer else None,
        default_tax_rates=quote.default_tax_rates,
        discounts=quote.discounts or inherited,
    )
    billed = [line for one in lines for line in invoice_lines_of(tx, one)]
    terms = totals.terms_of(tx, [draft], [*billed, *shipping], buyer=customer)
    over = lapsed(tx, terms.discounts.values())
    # A discount of the quote starts when the quote is accepted, so it cannot have ended before.
    return draft.but(
        discounts=[id for id in draft.discounts if id in quote.discounts or id not in over]
    ), terms


def invoice_lines_of(tx: Tx, one: PricedLine, *, in_trial: bool = False) -> list[InvoiceLine]:
    """Build the invoice lines of a line of the quote: one for each tier of a recurring price (§2.3).

    A metered price has the amount 0: its usage is not known yet.
    """
    quantity = Decimal(one.item.quantity or 0)
    rate = priced_items.rate_of(one.price, one.item.currency)
    if one.metered or (in_trial and one.recurs):
        amounts = [0]
    elif one.recurs:
        amounts = [charge.amount for charge in pricing.charges(rate, quantity)]
    else:
        amounts = [pricing.amount(rate, quantity)]
    return [
        InvoiceLine(
            amount=proration.portion(amount, one.share) if one.recurs else amount,
            currency=one.item.currency,
            discountable=amount >= 0,
            discounts=one.item.own_discounts,
            invoice="",
            kind="item",
            period_end=tx.now,
            period_start=tx.now,
            product=one.product.id,
            price=one.price.id,
            tax_rates=one.item.tax_rates,
        )
        for amount in amounts
    ]


def calculate_invoice(
    tx: Tx,
    draft: Invoice,
    lines: Sequence[PricedLine],
    terms: totals.Terms,
    *,
    in_trial: bool = False,
    shipping: Sequence[InvoiceLine] = (),
) -> InvoiceTotals:
    """Calculate an invoice of these lines, in the order that they have on a real invoice."""
    placed = [
        (place, line)
        for place in billing_order(lines)
        for line in invoice_lines_of(tx, lines[place], in_trial=in_trial)
    ]
    invoice, placed_lines = totals.calculate(draft, [*(line for _, line in placed), *shipping], terms)
    found: dict[int, list[InvoiceLine]] = {}
    for (place, _), line in zip(placed, placed_lines, strict=False):  # shipping comes last
        found.setdefault(place, []).append(line)
    return InvoiceTotals([line_totals(found[place]) for place in range(len(lines))], invoice)


def billing_order(lines: Sequence[PricedLine]) -> list[int]:
    """Return the positions of the lines in the order of an invoice: one-time lines first, reversed (§7.6)."""
    once = [place for place, one in enumerate(lines) if not one.recurs]
    repeated = [place for place, one in enumerate(lines) if one.recurs]
    return [*reversed(once), *repeated] if repeated else once


def line_totals(lines: Sequence[InvoiceLine]) -> LineTotals:
    """Add up the invoice lines of one line of the quote, which has one for each tier."""
    discounts: dict[str, int] = {}
    taxes: dict[str, dict[str, Any]] = {}
    for line in lines:
        for entry in line.discount_amounts:
            discounts[entry["discount"]] = discounts.get(entry["discount"], 0) + entry["amount"]
        for tax in line.taxes:
            rate = tax["tax_rate_details"]["tax_rate"]
            before = taxes.get(rate, {"amount": 0, "taxable_amount": 0})
            added = {name: before[name] + tax[name] for name in ("amount", "taxable_amount")}
            taxes[rate] = {**tax, **added}
    total = sum(line.net for line in lines) + sum(tax["amount"] for tax in taxes.values())
    return LineTotals(sum(line.amount for line in lines), total, discounts, list(taxes.values()))


def recurring_totals(
    tx: Tx, draft: Invoice, lines: Sequence[PricedLine], terms: totals.Terms, shown: ShownTerms
) -> dict[str, Any] | None:
    """Calculate what is charged each time that the shortest interval ends."""
    repeated = [one for one in lines if one.recurs]
    if not repeated:
        return None
    shortest = min((one.rhythm for one in repeated), key=approximate_days)
    shortest_lines = [
        replace(one, item=one.item.but(own_discounts=only_forever(one.item.own_discounts, terms)))
        for one in repeated
        if one.rhythm == shortest
    ]
    found = calculate_invoice(
        tx, draft.but(discounts=only_forever(draft.discounts, terms)), shortest_lines, terms
    )
    return {**shown_totals(found, shown), "interval": shortest[0], "interval_count": shortest[1]}


def approximate_days(rhythm: tuple[str, int]) -> int:
    return {"day": 1, "week": 7, "month": 30, "year": 365}[rhythm[0]] * rhythm[1]


def only_forever(ids: Sequence[str], terms: totals.Terms) -> list[str]:
    return [id for id in ids if terms.coupons[terms.discounts[id].coupon].duration == "forever"]


def shown_terms(tx: Tx, terms: totals.Terms) -> ShownTerms:
    rates = list(rows.find_many(tx, TaxRate, terms.rates).values())
    rendered = (*render.show(tx, list(terms.discounts.values())), *render.show(tx, rates))
    by_id = {one["id"]: one for one in rendered}
    return ShownTerms({id: by_id[id] for id in terms.discounts}, {id: by_id[id] for id in terms.rates})


def shown_discount(amount: int, id: str, shown: ShownTerms) -> dict[str, Any]:
    return {"amount": amount, "discount": shown.discounts[id]}


def shown_tax(tax: dict[str, Any], shown: ShownTerms) -> dict[str, Any]:
    """Show a tax as quotes do: without a taxability reason where the tax rate was set by hand."""
    reason = tax["taxability_reason"]
    return {
        "amount": tax["amount"],
        "rate": shown.rates[tax["tax_rate_details"]["tax_rate"]],
        "taxability_reason": None if reason == "not_available" else reason,
        "taxable_amount": tax["taxable_amount"],
    }


def with_totals(item: LineItem, amounts: LineTotals, shown: ShownTerms) -> LineItem:
    return item.but(
        amount_discount=sum(amounts.discounts.values()),
        amount_subtotal=amounts.subtotal,
        amount_tax=sum(tax["amount"] for tax in amounts.taxes),
        amount_total=amounts.total,
        discounts=[shown_discount(amount, id, shown) for id, amount in amounts.discounts.items()],
        taxes=[shown_tax(tax, shown) for tax in amounts.taxes],
    )


def shown_totals(found: InvoiceTotals, shown: ShownTerms) -> dict[str, Any]:
    return {
        "amount_subtotal": found.subtotal,
        "amount_total": found.invoice.total,
        "total_details": total_details(found, shown),
    }


def total_details(found: InvoiceTotals, shown: ShownTerms) -> dict[str, Any]:
    return {
        "amount_discount": sum(entry["amount"] for entry in found.invoice.total_discount_amounts),
        "amount_shipping": 0,
        "amount_tax": sum(tax["amount"] for tax in found.invoice.total_taxes),
        "breakdown": {
            "discounts": [
                shown_discount(entry["amount"], entry["discount"], shown)
                for entry in found.invoice.total_discount_amounts
            ],
            "taxes": [shown_tax(tax, shown) for tax in found.invoice.total_taxes],
        },
    }


def shown_list(tx: Tx, quote: Quote, items: Sequence[LineItem]) -> dict[str, Any]:
    url = f"/v1/quotes/{quote.id}/computed_upfront_line_items"
    return render.page(render.show(tx, items[: render.FIRST]), len(items) > render.FIRST, url)
