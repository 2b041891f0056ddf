"""Calculate what a checkout session comes to, with the functions that calculate invoices."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from billow.api import rows
from billow.core import anchors
from billow.flows.billing.totals import Terms
from billow.flows.checkout import agreement
from billow.flows.invoices import shipping
from billow.flows.quotes import totals as quote_totals
from billow.flows.quotes.lines import PricedLine
from billow.flows.subscription_terms import dates
from billow.resources.checkout_session import CheckoutSession
from billow.resources.customer import Customer
from billow.resources.invoice import Invoice
from billow.resources.invoice_line import InvoiceLine
from billow.resources.line_item import LineItem
from billow.resources.quote import Quote
from billow.resources.shipping_rate import ShippingRate
from billow.store.tx import Tx


@dataclass(frozen=True, slots=True)
class Sum:
    """What a session comes to: its amounts, and its lines with theirs."""

    changes: dict[str, Any]
    """The fields of the session that hold amounts."""
    items: list[LineItem]


def calculate(
    tx: Tx, session: CheckoutSession, customer: Customer | None, lines: Sequence[PricedLine]
) -> Sum:
    """Calculate the amounts that are due at once: during a trial, what recurs is free.

    Equal to the cent to the invoice that completing the session creates.
    """
    if session.mode == "setup":
        return Sum({}, [])
    lines = with_shares(tx, session, lines)
    sent = taxed_shipping(tx, session)
    draft, terms = unwritten_invoice(tx, session, customer, lines, sent)
    shown = quote_totals.shown_terms(tx, terms)
    found = quote_totals.calculate_invoice(
        tx, draft, lines, terms, in_trial=has_trial(session), shipping=sent
    )
    items = [
        quote_totals.with_totals(one.item, amounts, shown)
        for one, amounts in zip(lines, found.lines, strict=True)
    ]
    cost = session.shipping_cost
    if cost and sent:
        cost = {**cost, **(found.invoice.shipping_cost or {}), "shipping_rate": cost["shipping_rate"]}
    untaxed = 0 if sent or not cost else cost["amount_total"]
    details = quote_totals.total_details(found, shown)
    status = found.invoice.automatic_tax["status"]
    changes = {
        "automatic_tax": {**session.automatic_tax, "status": status},
        "amount_subtotal": found.subtotal,
        "amount_total": found.invoice.total + untaxed,
        "shipping_cost": cost,
        "total_details": {**details, "amount_shipping": found.invoice.amount_shipping + untaxed},
    }
    return Sum(changes, items)


def taxed_shipping(tx: Tx, session: CheckoutSession) -> list[InvoiceLine]:
    """Return the line of the chosen shipping where automatic tax is due on it, by its own tax code."""
    cost = session.shipping_cost
    if not cost or not session.automatic_tax["enabled"]:
        return []
    rate = rows.find(tx, ShippingRate, cost["shipping_rate"])
    return [shipping.line_of(tx, session.customer or "", session.currency or "", rate)]


def unwritten_invoice(
    tx: Tx,
    session: CheckoutSession,
    customer: Customer | None,
    lines: Sequence[PricedLine],
    sent: Sequence[InvoiceLine] = (),
) -> tuple[Invoice, Terms]:
    """Build the invoice that completing the session would write, and load its discounts and taxes."""
    data = session.data.get("subscription_data") or {}
    quote = Quote(
        automatic_tax=session.automatic_tax,
        currency=session.currency,
        default_tax_rates=data.get("default_tax_rates") or [],
        discounts=session.discount_ids,
    )
    if session.automatic_tax["enabled"]:
        return quote_totals.unwritten_invoice(tx, quote, taxed_buyer(session, customer), lines, sent)
    invoiced = customer if session.mode == "subscription" else None
    draft, terms = quote_totals.unwritten_invoice(tx, quote, invoiced, lines)
    if customer and not invoiced:
        draft = draft.but(customer_tax_exempt=customer.tax_exempt)
    return draft, terms


def taxed_buyer(session: CheckoutSession, customer: Customer | None) -> Customer:
    """Return who is taxed: the customer of the session, or whoever the page says, who is none yet."""
    said = session.customer_details or {}
    updates = session.data.get("customer_update") or {}
    shipping = (session.collected_information or {}).get("shipping_details")
    if customer is None:
        return Customer(
            address=said.get("address"),
            shipping=shipping,
            tax_exempt=said.get("tax_exempt") or "none",
            tax_id_data=said.get("tax_ids") or [],
        )
    if updates.get("address") == "auto" and said.get("address"):
        customer = customer.but(address=said["address"])
    if updates.get("shipping") == "auto" and shipping:
        customer = customer.but(shipping=shipping)
    return customer


def recurring(
    tx: Tx, session: CheckoutSession, customer: Customer | None, lines: Sequence[PricedLine]
) -> int | None:
    """Calculate what is charged each time that the interval ends, with its taxes and lasting discounts."""
    draft, terms = unwritten_invoice(tx, session, customer, lines)
    found = quote_totals.recurring_totals(tx, draft, lines, terms, quote_totals.shown_terms(tx, terms))
    return found["amount_total"] if found else None


def has_trial(session: CheckoutSession) -> bool:
    data = session.data.get("subscription_data") or {}
    return bool(data.get("trial_end") or data.get("trial_period_days"))


def with_shares(tx: Tx, session: CheckoutSession, lines: Sequence[PricedLine]) -> list[PricedLine]:
    """Return the lines with the share of their first period that is charged, up to the cycle's anchor."""
    recurring = [one for one in lines if one.recurs]
    data = session.data.get("subscription_data") or {}
    anchored = data.get("billing_cycle_anchor") or data.get("billing_cycle_anchor_config")
    if not recurring or not anchored or has_trial(session):
        return list(lines)
    wanted = agreement.subscription_params(session, lines, "")
    course = dates.course_of(tx, wanted, [one.price for one in recurring])

    def share(one: PricedLine) -> Fraction:
        if not one.recurs:
            return anchors.FULL
        if wanted.prorates:
            return course.current(one.rhythm).share
        return anchors.FULL if course.begins_a_period(one.rhythm) else Fraction(0)

    return [replace(one, share=share(one)) for one in lines]
