"""Accept a quote: make its invoice, subscription or schedule."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from billow.api import rows
from billow.api.fields import instant
from billow.api.params import made, read
from billow.core import calendar, lifecycle, pricing
from billow.core.errors import require
from billow.flows.billing import discounts, priced_items
from billow.flows.billing.currency import check_customer_currency
from billow.flows.billing.drafts import GRACE, draft, write
from billow.flows.invoices.drafts import owner
from billow.flows.payments import collect
from billow.flows.quotes import lines, quotes
from billow.flows.quotes.lines import Offered
from billow.flows.schedules import phase_params, schedules
from billow.flows.subscription_terms import one_time_items
from billow.flows.subscription_terms.items import Item
from billow.flows.subscription_terms.params import Subscribe
from billow.flows.subscriptions import create
from billow.flows.subscriptions.renew import RENEWING
from billow.resources.customer import Customer
from billow.resources.invoice import Invoice
from billow.resources.invoice_item import InvoiceItem
from billow.resources.quote import LIVING, Quote
from billow.resources.subscription import BillingMode, InvoiceSettings, TransferData
from billow.store import clocks, jobs
from billow.store.ids import new_id
from billow.store.jobs import job
from billow.store.perform import Steps
from billow.store.tx import Tx


@Quote.action("accept")
def accept(tx: Tx, quote: Quote) -> Steps:
    """Turn an open quote into what it offers. What is due at once is charged, as for any new subscription."""
    lifecycle.after(lifecycle.QUOTE, quote.status, "accept")
    require(quote.expires_at > tx.now, "This quote has expired.", param="id")
    customer = rows.find(tx, Customer, quote.customer or "", param="customer")
    offered = lines.present(tx, quote)
    check_customer_currency(customer, quote.currency or "")
    if not any(one.recurs for one in offered):
        return tell(tx, taken(tx, quote, invoice=invoice_of(tx, quote, customer, offered).id).id)
    begins = begins_at(tx, quote)
    if begins:
        planned = schedules.create(tx, plan_of(tx, quote, offered, begins))
        return tell(tx, taken(tx, quote, subscription_schedule=planned.id).id)
    recurring = [one.price for one in offered if one.recurs]
    subscription, invoice = create.begin(tx, customer, order_of(tx, quote, offered), recurring)
    quote = taken(tx, quote, subscription=subscription.id)
    if invoice and create.waits(invoice):
        create.check_method(tx, customer, subscription, invoice)
        tx = yield from collect.attempt_invoice(tx, invoice, automatic=False)
    create.conclude(tx, subscription.id)
    return tell(tx, quote.id)


def taken(tx: Tx, chosen: Quote, **became: Any) -> Quote:
    """It is accepted, once; what it revised or what revised it can no longer be. It is told afterwards."""
    others = rows.select(
        tx,
        Quote,
        "series = %(series)s and id <> %(id)s and status = any(%(living)s)",
        "order by id for update",
        series=chosen.series,
        id=chosen.id,
        living=list(LIVING),
    )
    for other in others:
        quotes.cancel(tx, other)
    status = lifecycle.after(lifecycle.QUOTE, chosen.status, "accept")
    jobs.cancel(tx, "quote.expire", chosen.id)
    jobs.put(tx, "quote.tell", chosen.id, tx.now + GRACE)
    now = quotes.whole(tx)
    return rows.update(tx, chosen, event=None, accepted_at=now, status=status, told=False, **became)


def tell(tx: Tx, id: str) -> Quote:
    """The word of it comes after those of what it became (§7.12)."""
    found = rows.lock(tx, Quote, id)
    tx = clocks.enter(tx, found.test_clock)
    jobs.cancel(tx, "quote.tell", id)
    return rows.update(tx, found, event="accepted", told=True)


@job("quote.tell")
def tell_late(tx: Tx, refs: list[str]) -> None:
    """Who was to tell it has died meanwhile."""
    [id] = refs
    tell(tx, id)


def invoice_of(tx: Tx, quote: Quote, customer: Customer, offered: Sequence[Offered]) -> Invoice:
    """A draft of what is bought once: whoever sold it looks at it, and finalizes it (§7.1)."""
    id, currency = new_id(Invoice.prefix), quote.currency or ""
    whose = owner(customer, id, currency, quote.amount_subtotal)
    ids = discounts.redeem(tx, lines.wished(tx, quote.discounts), whose)
    items = rows.insert_many(tx, [item_of(tx, customer, one, ids) for one in offered])
    settings = {name: value for name, value in quote.invoice_settings.items() if value is not None}
    made_of = draft(
        tx,
        customer,
        [],
        items,
        id=id,
        billing_reason="quote_accept",
        collection_method=quote.collection_method,
        currency=currency,
        default_tax_rates=quote.default_tax_rates,
        on_behalf_of=quote.on_behalf_of,
        parent=parent_of(quote),
        period_start=tx.now,
        period_end=tx.now,
        **{name: value for name, value in settings.items() if name != "issuer"},
        **({"discounts": ids} if ids else {}),
    )
    [invoice] = write(tx, [made_of])
    rows.update(tx, customer, currency=customer.currency or currency)
    return invoice


def item_of(tx: Tx, customer: Customer, one: Offered, above: Sequence[str]) -> InvoiceItem:
    id, quantity, rate = (
        new_id(InvoiceItem.prefix),
        Decimal(one.item.quantity or 0),
        priced_items.rated(one.price),
    )
    whose = discounts.Owner(customer, one.item.currency, {"invoice_item": id}, above)
    amount = pricing.amount(rate, quantity)
    return InvoiceItem(
        id=id,
        amount=amount,
        currency=one.item.currency,
        customer=customer.id,
        description=one.item.description,
        discountable=amount >= 0,
        discounts=discounts.redeem(tx, lines.wished(tx, one.item.own_discounts), whose),
        period_end=tx.now,
        period_start=tx.now,
        price=one.price.id,
        product=one.price.product,
        quantity_decimal=quantity,
        tax_rates=one.item.tax_rates,
        test_clock=customer.test_clock,
        unit_amount_decimal=rate.unit_amount,
    )


def parent_of(quote: Quote) -> dict[str, Any]:
    return {"quote_details": {"quote": quote.id}, "subscription_details": None, "type": "quote_details"}


def order_of(tx: Tx, quote: Quote, offered: Sequence[Offered]) -> Subscribe:
    """The subscription as it would be asked for; its prices are agreed, whatever became of them since."""
    data, settings = quote.subscription_data, quote.invoice_settings
    return made(
        Subscribe,
        add_invoice_items=[extra_of(tx, one_time_items.Extra, one) for one in offered if not one.recurs],
        application_fee_percent=quote.application_fee_percent,
        billing_mode=mode_of(quote),
        collection_method=quote.collection_method,
        currency=quote.currency,
        customer=quote.customer,
        days_until_due=settings["days_until_due"],
        default_tax_rates=quote.default_tax_rates,
        description=data["description"],
        discounts=lines.wished(tx, quote.discounts),
        invoice_settings=settings_of(InvoiceSettings, quote),
        items=items_of(tx, offered),
        metadata=data["metadata"] or {},
        on_behalf_of=quote.on_behalf_of,
        transfer_data=transfer_of(quote),
        trial_period_days=data["trial_period_days"],
    )


def items_of(tx: Tx, offered: Sequence[Offered]) -> list[Item]:
    return [
        made(
            Item,
            agreed=True,
            discounts=lines.wished(tx, one.item.own_discounts),
            price=one.price.id,
            quantity=one.item.quantity,
            tax_rates=one.item.tax_rates,
        )
        for one in offered
        if one.recurs
    ]


def extra_of(tx: Tx, shape: Any, one: Offered) -> Any:
    return made(
        shape,
        agreed=True,
        discounts=lines.wished(tx, one.item.own_discounts),
        price=one.price.id,
        quantity=one.item.quantity,
        tax_rates=one.item.tax_rates,
    )


def mode_of(quote: Quote) -> BillingMode:
    mode: BillingMode = read(BillingMode, given(quote.subscription_data["billing_mode"]))
    return mode


def settings_of(shape: Any, quote: Quote, **more: Any) -> Any:
    names = ("custom_fields", "description", "footer")
    return read(shape, given({name: quote.invoice_settings[name] for name in names} | more))


def transfer_of(quote: Quote) -> TransferData | None:
    if quote.transfer_data is None:
        return None
    share, to = (quote.transfer_data[name] for name in ("amount_percent", "destination"))
    return made(TransferData, amount_percent=None if share is None else Decimal(str(share)), destination=to)


def given(hash: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in hash.items() if value is not None}


def begins_at(tx: Tx, quote: Quote) -> datetime | None:
    """When its subscription is to begin, where that is later than now.

    `current_period_end` is read as the first end of a period that the customer is in; who is in none begins
    at once.
    """
    if not quote.at_period_end:
        wished = instant(quote.subscription_data["effective_date"])
        return wished if wished and wished > tx.now else None
    row = tx.one(
        "select min(i.current_period_end) as ends from subscription_items i"
        " join subscriptions s on s.id = i.subscription"
        " where s.customer = %(customer)s and s.status = any(%(running)s) and i.current_period_end > %(now)s",
        customer=quote.customer,
        running=list(RENEWING),
        now=tx.now,
    )
    ends: datetime | None = row["ends"] if row else None
    return ends


def plan_of(tx: Tx, quote: Quote, offered: Sequence[Offered], begins: datetime) -> schedules.Create:
    """A schedule of one phase, which lets the subscription go on by itself when it is over."""
    data = quote.subscription_data
    trial = data["trial_period_days"]
    rhythms = [one.rhythm for one in offered if one.recurs]
    ends = min(calendar.boundary(begins, *rhythm, 1) for rhythm in rhythms)
    trial_end = begins + timedelta(days=trial) if trial else None
    phase = made(
        phase_params.NewPhase,
        add_invoice_items=[extra_of(tx, phase_params.PhaseExtra, one) for one in offered if not one.recurs],
        application_fee_percent=quote.application_fee_percent,
        collection_method=quote.collection_method,
        currency=quote.currency,
        default_tax_rates=quote.default_tax_rates,
        description=data["description"],
        discounts=lines.wished(tx, quote.discounts),
        end_date=max(ends, trial_end) if trial_end else ends,
        invoice_settings=settings_of(
            phase_params.ScheduleInvoiceSettings,
            quote,
            days_until_due=quote.invoice_settings["days_until_due"],
        ),
        items=items_of(tx, offered),
        metadata=data["metadata"] or {},
        on_behalf_of=quote.on_behalf_of,
        transfer_data=transfer_of(quote),
        trial_end=trial_end,
    )
    return made(
        schedules.Create,
        billing_mode=mode_of(quote),
        customer=quote.customer,
        phases=[phase],
        start_date=begins,
    )
