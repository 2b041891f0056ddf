"""Write the invoice of a one-time payment, where its checkout session asks for one."""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

from billow.api import rows
from billow.core import pricing
from billow.flows.billing import discounts, drafts, priced_items
from billow.flows.checkout import totals
from billow.flows.checkout.params import without_nulls
from billow.flows.invoices import finalize
from billow.flows.invoices.drafts import discount_owner
from billow.flows.invoices.shipping import LAST
from billow.flows.payments import paid_before
from billow.flows.quotes.lines import PricedLine, discount_params
from billow.resources.checkout_session import CheckoutSession
from billow.resources.customer import Customer
from billow.resources.invoice import RENDERING, Invoice
from billow.resources.invoice_item import InvoiceItem
from billow.resources.payment_intent import PaymentIntent
from billow.store.ids import new_id
from billow.store.tx import Tx

PASSED = ("account_tax_ids", "custom_fields", "description", "footer", "metadata")


def write(
    tx: Tx,
    session: CheckoutSession,
    customer: Customer,
    priced: Sequence[PricedLine],
    paid_by: PaymentIntent | None = None,
) -> Invoice:
    """Write and finalize the invoice of what a payment has paid, or of what costs nothing.

    The customer's balance is left as it is (§9.1).
    """
    id, currency = new_id(Invoice.prefix), session.currency or ""
    owner = discount_owner(customer, id, currency, session.amount_subtotal or 0)
    owner = replace(owner, redeemed="redeemed" in session.pending)
    said = settings(session)
    ids = discounts.redeem(tx, discount_params(tx, session.discount_ids), owner)
    items = rows.insert_many(tx, [item_of(tx, customer, one) for one in priced if one.item.quantity])
    sent = totals.taxed_shipping(tx, session)
    if sent:
        said["shipping_cost"] = {"shipping_rate": rate_of(session)}
    else:
        items += shipping_items(tx, session, customer)
    drafted = drafts.draft(
        tx,
        customer,
        [line.but(customer=customer.id) for line in sent],
        items,
        id=id,
        auto_advance=False,
        automatic_tax=drafts.tax_of(session.automatic_tax),
        billing_reason="manual",
        collection_method="charge_automatically",
        currency=currency,
        discounts=ids,
        period_end=tx.now,
        period_start=tx.now,
        **said,
    )
    drafted.lines = [line.but(position=LAST) if not line.listed else line for line in drafted.lines]
    [draft] = drafts.write(tx, [drafted])
    rows.update(tx, customer, currency=customer.currency or currency)
    [invoice] = finalize.finalize_many(
        tx, [draft.id], goes=lambda found: False, spares=lambda found: True, paid_by=paid_by
    )
    return paid_before.record(tx, invoice, paid_by) if paid_by else invoice


def settings(session: CheckoutSession) -> dict[str, Any]:
    """Return what stands on the invoice, as the session says it."""
    given = without_nulls((session.invoice_creation or {}).get("invoice_data") or {})
    named = {name: value for name, value in (given.get("rendering_options") or {}).items() if value}
    rendering = {"rendering": {**RENDERING, **named}} if named else {}
    return {**{name: given[name] for name in PASSED if given.get(name)}, **rendering}


def item_of(tx: Tx, customer: Customer, one: PricedLine) -> InvoiceItem:
    quantity, rate = Decimal(one.item.quantity or 0), priced_items.rate_of(one.price, one.item.currency)
    amount = pricing.amount(rate, quantity)
    return InvoiceItem(
        amount=amount,
        currency=one.item.currency,
        customer=customer.id,
        description=one.item.description,
        discountable=amount >= 0,
        metadata=one.item.metadata,
        period_end=tx.now,
        period_start=tx.now,
        price=one.price.id,
        product=one.price.product,
        quantity_decimal=quantity,
        tax_rates=one.item.tax_rates,
        test_clock=customer.test_clock,
        unit_amount_decimal=rate.unit_amount,
    )


def rate_of(session: CheckoutSession) -> str | None:
    return session.shipping_cost["shipping_rate"] if session.shipping_cost else None


def shipping_items(tx: Tx, session: CheckoutSession, customer: Customer) -> list[InvoiceItem]:
    """Return the item of the chosen shipping, which no discount and no tax rate applies to."""
    cost = (session.shipping_cost or {}).get("amount_total")
    if not cost:
        return []
    item = InvoiceItem(
        amount=cost,
        currency=session.currency or "",
        customer=customer.id,
        description="Shipping",
        discountable=False,
        period_end=tx.now,
        period_start=tx.now,
        quantity_decimal=Decimal(1),
        test_clock=customer.test_clock,
        unit_amount_decimal=Decimal(cost),
    )
    return rows.insert_many(tx, [item])
