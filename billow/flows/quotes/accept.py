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
from billow.flows.billing.drafts import GRACE, draft, tax_of, write
from billow.flows.invoices.drafts import discount_owner
from billow.flows.payments import collect
from billow.flows.quotes import lines, quotes
from billow.flows.quotes.lines import PricedLine
from billow.flows.schedules import phase_params, schedules
from billow.flows.subscription_terms import one_time_items
from billow.flows.subscription_terms.items import Item
from billow.flows.subscription_terms.params import Subscribe
from billow.flows.subscriptions import create
from billow.flows.taxes.params import AutomaticTax
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
    """Accept an open quote: create its invoice, subscription or schedule, and charge what is due at once."""
    # Locks the other quotes of its series too. The events of what it creates come before `quote.accepted`.
    lifecycle.after(lifecycle.QUOTE, quote.status, "accept")
    require(quote.expires_at > tx.now, "This quote has expired.", param="id")
    customer = rows.find(tx, Customer, quote.customer or "", param="customer")
    priced = lines.lines_of(tx, quote)
    check_customer_currency(customer, quote.currency or "")
    if not any(one.recurs for one in priced):
        return emit_accepted(
            tx, mark_accepted(tx, quote, invoice=write_invoice(tx, quote, customer, priced).id).id
        )
    starts_at = start_date(tx, quote)
    if starts_at:
        schedule = schedules.create(tx, schedule_params(tx, quote, priced, starts_at))
        return emit_accepted(tx, mark_accepted(tx, quote, subscription_schedule=schedule.id).id)
    recurring = [one.price for one in priced if one.recurs]
    subscription, invoice = create.begin(tx, customer, subscription_params(tx, quote, priced), recurring)
    quote = mark_accepted(tx, quote, subscription=subscription.id)
    if invoice and create.needs_payment(invoice):
        create.check_method(tx, customer, subscription, invoice)
        tx = yield from collect.attempt_invoice(tx, invoice, automatic=False)
    create.conclude(tx, subscription.id)
    return emit_accepted(tx, quote.id)


def mark_accepted(tx: Tx, quote: Quote, **outcome: Any) -> Quote:
    """Mark a quote accepted and cancel the other quotes of its series; `quote.accepted` is emitted later.

    Locks the other quotes. The job `quote.emit_accepted` emits the event if this process dies before it does.
    """
    others = rows.select(
        tx,
        Quote,
        "series = %(series)s and id <> %(id)s and status = any(%(living)s)",
        "order by id for update",
        series=quote.series,
        id=quote.id,
        living=list(LIVING),
    )
    for other in others:
        quotes.cancel(tx, other)
    status = lifecycle.after(lifecycle.QUOTE, quote.status, "accept")
    jobs.cancel(tx, "quote.expire", quote.id)
    jobs.put(tx, "quote.emit_accepted", quote.id, tx.now + GRACE)
    now = quotes.whole_second(tx)
    return rows.update(tx, quote, event=None, accepted_at=now, status=status, emitted=False, **outcome)


def emit_accepted(tx: Tx, id: str) -> Quote:
    """Emit `quote.accepted`, after the events of what the quote created (§7.12). Locks the quote."""
    found = rows.lock(tx, Quote, id)
    tx = clocks.enter(tx, found.test_clock)
    jobs.cancel(tx, "quote.emit_accepted", id)
    return rows.update(tx, found, event="accepted", emitted=True)


@job("quote.emit_accepted")
def emit_accepted_late(tx: Tx, refs: list[str]) -> None:
    """Emit `quote.accepted` for a request that died before it could."""
    [id] = refs
    emit_accepted(tx, id)


def automatic_tax_of(quote: Quote) -> AutomaticTax | None:
    """Return the params of automatic tax for what a quote creates."""
    return made(AutomaticTax, enabled=True) if quote.automatic_tax["enabled"] else None


def write_invoice(tx: Tx, quote: Quote, customer: Customer, priced: Sequence[PricedLine]) -> Invoice:
    """Write the draft invoice of a quote without recurring lines; the seller finalizes it (§7.1)."""
    id, currency = new_id(Invoice.prefix), quote.currency or ""
    owner = discount_owner(customer, id, currency, quote.amount_subtotal)
    ids = discounts.redeem(tx, lines.discount_params(tx, quote.discounts), owner)
    items = rows.insert_many(tx, [invoice_item_of(tx, customer, one, ids) for one in priced])
    settings = {name: value for name, value in quote.invoice_settings.items() if value is not None}
    drafted = draft(
        tx,
        customer,
        [],
        items,
        id=id,
        billing_reason="quote_accept",
        collection_method=quote.collection_method,
        currency=currency,
        default_tax_rates=quote.default_tax_rates,
        automatic_tax=tax_of(quote.automatic_tax),
        on_behalf_of=quote.on_behalf_of,
        application_fee_amount=quote.application_fee_amount,
        transfer_data=share_of(quote),
        parent=parent_of(quote),
        period_start=tx.now,
        period_end=tx.now,
        **{name: value for name, value in settings.items() if name != "issuer"},
        **({"discounts": ids} if ids else {}),
    )
    [invoice] = write(tx, [drafted])
    rows.update(tx, customer, currency=customer.currency or currency)
    return invoice


def invoice_item_of(tx: Tx, customer: Customer, one: PricedLine, inherited: Sequence[str]) -> InvoiceItem:
    id, quantity, rate = (
        new_id(InvoiceItem.prefix),
        Decimal(one.item.quantity or 0),
        priced_items.rate_of(one.price),
    )
    owner = discounts.Owner(customer, one.item.currency, {"invoice_item": id}, inherited)
    amount = pricing.amount(rate, quantity)
    return InvoiceItem(
        id=id,
        amount=amount,
        currency=one.item.currency,
        customer=customer.id,
        description=one.item.description,
        discountable=amount >= 0,
        discounts=discounts.redeem(tx, lines.discount_params(tx, one.item.own_discounts), owner),
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


def subscription_params(tx: Tx, quote: Quote, priced: Sequence[PricedLine]) -> Subscribe:
    """Build the params that create the subscription; prices that were archived since then are accepted."""
    data, settings = quote.subscription_data, quote.invoice_settings
    return made(
        Subscribe,
        add_invoice_items=[
            one_time_item_params(tx, one_time_items.OneTimeItem, one) for one in priced if not one.recurs
        ],
        application_fee_percent=quote.application_fee_percent,
        automatic_tax=automatic_tax_of(quote),
        billing_mode=billing_mode_of(quote),
        collection_method=quote.collection_method,
        currency=quote.currency,
        customer=quote.customer,
        days_until_due=settings["days_until_due"],
        default_tax_rates=quote.default_tax_rates,
        description=data["description"],
        discounts=lines.discount_params(tx, quote.discounts),
        invoice_settings=invoice_settings_of(InvoiceSettings, quote),
        items=item_params(tx, priced),
        metadata=data["metadata"] or {},
        on_behalf_of=quote.on_behalf_of,
        transfer_data=transfer_data_of(quote),
        trial_period_days=data["trial_period_days"],
    )


def item_params(tx: Tx, priced: Sequence[PricedLine]) -> list[Item]:
    return [
        made(
            Item,
            agreed=True,
            discounts=lines.discount_params(tx, one.item.own_discounts),
            price=one.price.id,
            quantity=one.item.quantity,
            tax_rates=one.item.tax_rates,
        )
        for one in priced
        if one.recurs
    ]


def one_time_item_params(tx: Tx, params_type: Any, one: PricedLine) -> Any:
    return made(
        params_type,
        agreed=True,
        discounts=lines.discount_params(tx, one.item.own_discounts),
        price=one.price.id,
        quantity=one.item.quantity,
        tax_rates=one.item.tax_rates,
    )


def billing_mode_of(quote: Quote) -> BillingMode:
    mode: BillingMode = read(BillingMode, without_nulls(quote.subscription_data["billing_mode"]))
    return mode


def invoice_settings_of(params_type: Any, quote: Quote, **more: Any) -> Any:
    names = ("custom_fields", "description", "footer")
    return read(params_type, without_nulls({name: quote.invoice_settings[name] for name in names} | more))


def share_of(quote: Quote) -> dict[str, Any] | None:
    """Return whom the invoice of a quote without recurring lines is paid to, and how much of it."""
    given = quote.transfer_data
    return {name: given[name] for name in ("amount", "destination")} if given else None


def transfer_data_of(quote: Quote) -> TransferData | None:
    if quote.transfer_data is None:
        return None
    share, to = (quote.transfer_data[name] for name in ("amount_percent", "destination"))
    return made(TransferData, amount_percent=None if share is None else Decimal(str(share)), destination=to)


def without_nulls(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}


def start_date(tx: Tx, quote: Quote) -> datetime | None:
    """Return when the subscription starts, or None where it starts now.

    `current_period_end` means the earliest end among the current periods of the customer's subscriptions; a
    customer without any starts now.
    """
    if not quote.at_period_end:
        wanted = instant(quote.subscription_data["effective_date"])
        return wanted if wanted and wanted > tx.now else None
    row = tx.one(
        "select min(i.current_period_end) as ends from subscription_items i"
        " join subscriptions s on s.id = i.subscription"
        " where s.customer = %(customer)s and s.status = any(%(running)s) and i.current_period_end > %(now)s",
        customer=quote.customer,
        running=list(lifecycle.RENEWING),
        now=tx.now,
    )
    ends: datetime | None = row["ends"] if row else None
    return ends


def schedule_params(
    tx: Tx, quote: Quote, priced: Sequence[PricedLine], starts_at: datetime
) -> schedules.Create:
    """Build the params of a schedule of one phase. After it the subscription continues without a schedule."""
    data = quote.subscription_data
    trial = data["trial_period_days"]
    rhythms = [one.rhythm for one in priced if one.recurs]
    ends = min(calendar.boundary(starts_at, *rhythm, 1) for rhythm in rhythms)
    trial_end = starts_at + timedelta(days=trial) if trial else None
    phase = made(
        phase_params.NewPhase,
        add_invoice_items=[
            one_time_item_params(tx, phase_params.PhaseOneTimeItem, one) for one in priced if not one.recurs
        ],
        application_fee_percent=quote.application_fee_percent,
        automatic_tax=automatic_tax_of(quote),
        collection_method=quote.collection_method,
        currency=quote.currency,
        default_tax_rates=quote.default_tax_rates,
        description=data["description"],
        discounts=lines.discount_params(tx, quote.discounts),
        end_date=max(ends, trial_end) if trial_end else ends,
        invoice_settings=invoice_settings_of(
            phase_params.ScheduleInvoiceSettings,
            quote,
            days_until_due=quote.invoice_settings["days_until_due"],
        ),
        items=item_params(tx, priced),
        metadata=data["metadata"] or {},
        on_behalf_of=quote.on_behalf_of,
        transfer_data=transfer_data_of(quote),
        trial_end=trial_end,
    )
    return made(
        schedules.Create,
        billing_mode=billing_mode_of(quote),
        customer=quote.customer,
        phases=[phase],
        start_date=starts_at,
    )
