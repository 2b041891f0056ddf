"""Calculate the totals of a quote: upfront, and for each recurring interval."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from billow.api import render, rows
from billow.core import pricing
from billow.flows.billing import priced_items, totals
from billow.flows.billing.discounts import lapsed
from billow.flows.quotes.lines import Offered, currency_of
from billow.resources.customer import Customer
from billow.resources.invoice import Invoice
from billow.resources.invoice_line import InvoiceLine
from billow.resources.line_item import LineItem
from billow.resources.quote import Quote
from billow.resources.tax_rate import TaxRate
from billow.store.tx import Tx


@dataclass(frozen=True, slots=True)
class Share:
    """What one line comes to; discounts and taxes by their ids."""

    subtotal: int
    total: int
    discounts: dict[str, int]
    taxes: list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Sums:
    """What the lines of an imagined invoice come to."""

    shares: list[Share]
    invoice: Invoice

    @property
    def subtotal(self) -> int:
        return sum(share.subtotal for share in self.shares)


@dataclass(frozen=True, slots=True)
class Words:
    """Discounts and tax rates as they are shown, whole."""

    discounts: dict[str, dict[str, Any]]
    rates: dict[str, dict[str, Any]]


def reckoned(
    tx: Tx, quote: Quote, customer: Customer | None, offered: Sequence[Offered]
) -> tuple[Quote, list[LineItem]]:
    """The quote and its lines with their amounts: the same functions that reckon invoices, without one.

    `amount_…` and the lines are a full period of all that is offered; `upfront` is the first invoice, on
    which a trial is free; `recurring` are the items of the shortest interval, with what is taken off forever.
    """
    quote = quote.but(currency=currency_of(offered))
    draft, known = premises(tx, quote, customer, offered)
    words = words_of(tx, known)
    whole = sums(tx, draft, offered, known)
    first = whole
    if quote.subscription_data["trial_period_days"]:
        first = sums(tx, draft, offered, known, free=True)
    items = [shown_share(one.item, share, words) for one, share in zip(offered, whole.shares, strict=True)]
    upfront = [shown_share(one.item, share, words) for one, share in zip(offered, first.shares, strict=True)]
    return quote.but(
        amount_subtotal=whole.subtotal,
        amount_total=whole.invoice.total,
        computed={
            "recurring": recurring(tx, draft, offered, known, words),
            "upfront": {**shown_sums(first, words), "line_items": listed(tx, quote, upfront)},
        },
        labels=totals.labels(whole.invoice, known),
        total_details=details(whole, words),
    ), items


def upfront(tx: Tx, quote: Quote, customer: Customer | None, offered: Sequence[Offered]) -> list[LineItem]:
    """The lines as they will be on the first invoice."""
    draft, known = premises(tx, quote, customer, offered)
    words = words_of(tx, known)
    first = sums(tx, draft, offered, known, free=bool(quote.subscription_data["trial_period_days"]))
    return [shown_share(one.item, share, words) for one, share in zip(offered, first.shares, strict=True)]


def premises(
    tx: Tx, quote: Quote, customer: Customer | None, offered: Sequence[Offered]
) -> tuple[Invoice, totals.Terms]:
    """An invoice that nobody gets, and the terms that it and its lines name.

    Like a real one it has the customer's discount where it has none.
    """
    inherited = [customer.discount] if customer and customer.discount else []
    draft = Invoice(
        currency=quote.currency or "usd",
        customer_tax_exempt=customer.tax_exempt if customer else None,
        default_tax_rates=quote.default_tax_rates,
        discounts=quote.discounts or inherited,
    )
    known = totals.terms_of(tx, [draft], [line for one in offered for line in lines_of(tx, one)])
    over = lapsed(tx, known.discounts.values())
    # What is promised begins when the quote is accepted, so it cannot be over.
    return draft.but(
        discounts=[id for id in draft.discounts if id in quote.discounts or id not in over]
    ), known


def lines_of(tx: Tx, one: Offered, *, free: bool = False) -> list[InvoiceLine]:
    """The lines that it will be billed with: one for each tier of what recurs, as on an invoice (§2.3).

    Use is not known before it is measured.
    """
    quantity = Decimal(one.item.quantity or 0)
    rate = priced_items.rated(one.price)
    if one.metered or (free and one.recurs):
        amounts = [0]
    elif one.recurs:
        amounts = [charge.amount for charge in pricing.charges(rate, quantity)]
    else:
        amounts = [pricing.amount(rate, quantity)]
    return [
        InvoiceLine(
            amount=amount,
            currency=one.item.currency,
            discountable=amount >= 0,
            discounts=one.item.own_discounts,
            kind="item",
            period_end=tx.now,
            period_start=tx.now,
            product=one.product.id,
            tax_rates=one.item.tax_rates,
        )
        for amount in amounts
    ]


def sums(
    tx: Tx, draft: Invoice, offered: Sequence[Offered], known: totals.Terms, *, free: bool = False
) -> Sums:
    """What an invoice of these lines would come to; the lines stand in the order of a real one."""
    placed = [(place, line) for place in order(offered) for line in lines_of(tx, offered[place], free=free)]
    invoice, lines = totals.reckoned(draft, [line for _, line in placed], known)
    found: dict[int, list[InvoiceLine]] = {}
    for (place, _), line in zip(placed, lines, strict=True):
        found.setdefault(place, []).append(line)
    return Sums([share_of(found[place]) for place in range(len(offered))], invoice)


def order(offered: Sequence[Offered]) -> list[int]:
    """What is bought once stands before the items of a subscription, the last first (§7.6)."""
    once = [place for place, one in enumerate(offered) if not one.recurs]
    recurring = [place for place, one in enumerate(offered) if one.recurs]
    return [*reversed(once), *recurring] if recurring else once


def share_of(lines: Sequence[InvoiceLine]) -> Share:
    """A line of a quote from those of its tiers."""
    off: dict[str, int] = {}
    taxes: dict[str, dict[str, Any]] = {}
    for line in lines:
        for entry in line.discount_amounts:
            off[entry["discount"]] = off.get(entry["discount"], 0) + entry["amount"]
        for tax in line.taxes:
            rate = tax["tax_rate_details"]["tax_rate"]
            before = taxes.get(rate, {"amount": 0, "taxable_amount": 0})
            added = {name: before[name] + tax[name] for name in ("amount", "taxable_amount")}
            taxes[rate] = {**tax, **added}
    total = sum(line.net for line in lines) + sum(tax["amount"] for tax in taxes.values())
    return Share(sum(line.amount for line in lines), total, off, list(taxes.values()))


def recurring(
    tx: Tx, draft: Invoice, offered: Sequence[Offered], known: totals.Terms, words: Words
) -> dict[str, Any] | None:
    """What is charged each time that the shortest interval ends."""
    repeated = [one for one in offered if one.recurs]
    if not repeated:
        return None
    shortest = min((one.rhythm for one in repeated), key=days)
    for_ever = [
        replace(one, item=one.item.but(own_discounts=lasting(one.item.own_discounts, known)))
        for one in repeated
        if one.rhythm == shortest
    ]
    found = sums(tx, draft.but(discounts=lasting(draft.discounts, known)), for_ever, known)
    return {**shown_sums(found, words), "interval": shortest[0], "interval_count": shortest[1]}


def days(rhythm: tuple[str, int]) -> int:
    return {"day": 1, "week": 7, "month": 30, "year": 365}[rhythm[0]] * rhythm[1]


def lasting(ids: Sequence[str], known: totals.Terms) -> list[str]:
    return [id for id in ids if known.coupons[known.discounts[id].coupon].duration == "forever"]


def words_of(tx: Tx, known: totals.Terms) -> Words:
    rates = list(rows.find_many(tx, TaxRate, known.rates).values())
    shown = (*render.show(tx, list(known.discounts.values())), *render.show(tx, rates))
    by_id = {one["id"]: one for one in shown}
    return Words({id: by_id[id] for id in known.discounts}, {id: by_id[id] for id in known.rates})


def off_shown(amount: int, id: str, words: Words) -> dict[str, Any]:
    return {"amount": amount, "discount": words.discounts[id]}


def tax_shown(tax: dict[str, Any], words: Words) -> dict[str, Any]:
    """A tax as quotes show it; that the rate was set by hand is no reason of theirs."""
    reason = tax["taxability_reason"]
    return {
        "amount": tax["amount"],
        "rate": words.rates[tax["tax_rate_details"]["tax_rate"]],
        "taxability_reason": None if reason == "not_available" else reason,
        "taxable_amount": tax["taxable_amount"],
    }


def shown_share(item: LineItem, share: Share, words: Words) -> LineItem:
    return item.but(
        amount_discount=sum(share.discounts.values()),
        amount_subtotal=share.subtotal,
        amount_tax=sum(tax["amount"] for tax in share.taxes),
        amount_total=share.total,
        discounts=[off_shown(amount, id, words) for id, amount in share.discounts.items()],
        taxes=[tax_shown(tax, words) for tax in share.taxes],
    )


def shown_sums(found: Sums, words: Words) -> dict[str, Any]:
    return {
        "amount_subtotal": found.subtotal,
        "amount_total": found.invoice.total,
        "total_details": details(found, words),
    }


def details(found: Sums, words: Words) -> dict[str, Any]:
    return {
        "amount_discount": sum(entry["amount"] for entry in found.invoice.total_discount_amounts),
        "amount_shipping": 0,
        "amount_tax": sum(tax["amount"] for tax in found.invoice.total_taxes),
        "breakdown": {
            "discounts": [
                off_shown(entry["amount"], entry["discount"], words)
                for entry in found.invoice.total_discount_amounts
            ],
            "taxes": [tax_shown(tax, words) for tax in found.invoice.total_taxes],
        },
    }


def listed(tx: Tx, quote: Quote, items: Sequence[LineItem]) -> dict[str, Any]:
    url = f"/v1/quotes/{quote.id}/computed_upfront_line_items"
    return render.page(render.show(tx, items[: render.FIRST]), len(items) > render.FIRST, url)
