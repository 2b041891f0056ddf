"""What will the next invoice be, or that of a change? The deed is done, shown, and taken back (§7.8)."""

from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any

import psycopg

from billow.api import fields as f
from billow.api import render, rows
from billow.api.fields import SHOWN
from billow.api.params import Params, made
from billow.api.resource import route
from billow.core.errors import Refused, require
from billow.flows import (
    add_item,
    bill,
    cancel,
    change,
    discount,
    draft,
    enter,
    order,
    reckon,
    renew,
    reshape,
    resume,
    subscribe,
    terms,
)
from billow.flows import pause as stops
from billow.flows.amendment import BEHAVIORS, ENDS, Change
from billow.flows.discount import DiscountTerm
from billow.flows.pause import Pause
from billow.flows.reshape import ItemChange
from billow.resources.customer import Customer
from billow.resources.invoice import Invoice
from billow.resources.invoice_item import InvoiceItem
from billow.resources.invoice_line import InvoiceLine
from billow.resources.subscription import BillingMode, Subscription
from billow.resources.subscription_item import SubscriptionItem
from billow.resources.subscription_schedule import SubscriptionSchedule
from billow.store import clocks
from billow.store.ids import secret
from billow.store.tx import Tx


class Anchor(Params):
    timestamp: datetime | None = f.timestamp()
    type: str = f.choice(SHOWN, "now", "timestamp", "unchanged", required=True)


class Details(Params):
    """What the subscription would be changed to."""

    billing_cycle_anchor: Anchor | None = f.hash(shape=Anchor)
    billing_mode: BillingMode | None = f.hash(shape=BillingMode)
    cancel_at: datetime | str | None = f.timestamp(choices=ENDS, unset=True)
    cancel_at_period_end: bool | None = f.boolean()
    cancel_now: bool = f.boolean(default=False)
    default_tax_rates: list[str] | None = f.array(item=f.ref("tax_rate"), max=5, unset=True)
    items: list[ItemChange] = f.array(SHOWN, ItemChange, max=20, default=[])
    pause: Pause | None = f.hash(shape=Pause)
    proration_behavior: str = f.choice(SHOWN, *BEHAVIORS, default="create_prorations")
    proration_date: datetime | None = f.timestamp()
    resume_at: str | None = f.choice(SHOWN, "now")
    start_date: datetime | None = f.timestamp()
    trial_end: datetime | str | None = f.timestamp(choices=("now",))


#: What of it goes to which deed under the same name.
OF_A_CHANGE = (
    "cancel_at",
    "cancel_at_period_end",
    "default_tax_rates",
    "items",
    "proration_behavior",
    "proration_date",
    "trial_end",
)
OF_A_NEW_ONE = (
    "billing_mode",
    "cancel_at",
    "cancel_at_period_end",
    "default_tax_rates",
    "proration_behavior",
    "trial_end",
)


class ExtraItem(Params):
    """An invoice item that is not there yet."""

    amount: int | None = f.amount()
    currency: str | None = f.currency()
    description: str | None = f.text()
    discountable: bool | None = f.boolean()
    discounts: list[DiscountTerm] | None = f.array(SHOWN, DiscountTerm, max=20, unset=True)
    invoiceitem: str | None = f.ref("invoiceitem")
    metadata: dict[str, str] = f.metadata()
    period: add_item.ItemPeriod | None = f.hash(shape=add_item.ItemPeriod)
    price: str | None = f.ref("price")
    quantity: int | None = f.integer(min=0, max=10**12)
    tax_rates: list[str] | None = f.array(item=f.ref("tax_rate"), max=10, unset=True)
    unit_amount_decimal: Decimal | None = f.decimal()


#: What of an invoice item that is there may be other in a preview.
OF_AN_ITEM = ("amount", "description", "discountable", "discounts", "quantity", "tax_rates")


class Preview(Params):
    currency: str | None = f.currency()
    customer: str | None = f.ref("customer")
    discounts: list[DiscountTerm] | None = f.array(SHOWN, DiscountTerm, max=20, unset=True)
    invoice_items: list[ExtraItem] = f.array(SHOWN, ExtraItem, max=250, default=[])
    preview_mode: str = f.choice(SHOWN, "next", "recurring", default="next")
    subscription: str | None = f.ref("subscription")
    subscription_details: Details | None = f.hash(shape=Details)


@route("POST", "/v1/invoices/create_preview", Preview)
def create_preview(tx: Tx, wanted: Preview) -> dict[str, Any]:
    """Show the invoice that would be: the next one, or with `subscription_details` that of a change.

    It is made by the same functions as the real one, in a savepoint that is rolled back: nothing is kept,
    nothing is told, and no gateway is asked.
    """
    shown: dict[str, Any] = {}
    with tx.conn.transaction() as savepoint:
        shown.update(upcoming(replace(tx, notes=dict(tx.notes)), wanted))
        raise psycopg.Rollback(savepoint)
    return shown


def upcoming(tx: Tx, wanted: Preview) -> dict[str, Any]:
    customer, subscription = whose(tx, wanted)
    tx = clocks.enter(tx, customer.test_clock)
    add_extra(tx, wanted, customer, subscription)
    details = wanted.subscription_details
    if subscription is None and details and details.items:
        return as_upcoming(tx, first_invoice(tx, customer, details, wanted))
    if subscription is None:
        return as_upcoming(tx, discounted(tx, customer, wanted, of_customer(tx, customer, wanted)))
    if subscription.status in ("canceled", "incomplete_expired"):
        raise nothing()
    done = change.Done(subscription, None)
    if wanted.subscription_details:
        done = changed(
            tx, subscription, wanted.subscription_details, recurring=wanted.preview_mode == "recurring"
        )
    if wanted.preview_mode == "recurring":
        drop_one_offs(tx, subscription)
    elif done.invoice:
        return as_upcoming(tx, discounted(tx, customer, wanted, done.invoice))
    return as_upcoming(tx, discounted(tx, customer, wanted, next_invoice(tx, done.subscription)))


def discounted(tx: Tx, customer: Customer, wanted: Preview, invoice: Invoice) -> Invoice:
    """The draft with the discounts that are asked about, in place of those that it inherits."""
    if not wanted.given("discounts") or wanted.discounts == []:
        return invoice
    whose = draft.owner(customer, invoice.id, invoice.currency, invoice.subtotal, invoice.discounts)
    ids = discount.chosen(tx, wanted.discounts, whose, given=True)
    return reckon.again(tx, invoice, add_item.lines_of(tx, invoice), discounts=ids)


def whose(tx: Tx, wanted: Preview) -> tuple[Customer, Subscription | None]:
    """The customer, and the subscription whose invoice it is: the one named, or that renews first."""
    require(
        wanted.customer or wanted.subscription,
        "You must provide a customer or a subscription.",
        param="customer",
        code="parameter_missing",
    )
    if wanted.subscription:
        subscription = rows.lock(tx, Subscription, wanted.subscription, param="subscription")
        require(
            wanted.customer in (None, subscription.customer),
            "The subscription does not belong to the customer.",
            param="subscription",
        )
        return rows.find(tx, Customer, subscription.customer), subscription
    customer = rows.lock(tx, Customer, wanted.customer or "", param="customer")
    running = rows.select(
        tx,
        Subscription,
        "customer = %(id)s and status = any(%(running)s)",
        "order by (select min(current_period_end) from subscription_items"
        " where subscription = subscriptions.id)",
        id=customer.id,
        running=list(renew.RENEWING),
    )
    return customer, rows.lock(tx, Subscription, running[0].id) if running else None


def add_extra(tx: Tx, wanted: Preview, customer: Customer, subscription: Subscription | None) -> None:
    """The invoice items that are asked about, or changed for the asking."""
    for extra in wanted.invoice_items:
        sent = extra.sent()
        known, price = sent.pop("invoiceitem", None), sent.pop("price", None)
        if known:
            item = rows.find(tx, InvoiceItem, known, param="invoice_items[invoiceitem]")
            given = {name: value for name, value in sent.items() if name in OF_AN_ITEM}
            add_item.update_item(tx, item, made(add_item.UpdateItem, **given))
            continue
        if price:
            sent["pricing"] = made(add_item.Pricing, price=price)
        if subscription:
            sent["subscription"] = subscription.id
        add_item.create_item(tx, made(add_item.CreateItem, customer=customer.id, **sent))


def changed(tx: Tx, subscription: Subscription, details: Details, *, recurring: bool) -> change.Done:
    """Carry out what is asked about; the recurring view leaves out what a change costs once."""
    if details.cancel_now:
        cancel.stop(tx, subscription, invoice_now=True, prorates=details.proration_behavior != "none")
        ended = rows.find(tx, Subscription, subscription.id)
        return change.Done(ended, invoice_of(tx, ended.latest_invoice, subscription.latest_invoice))
    anchor = details.billing_cycle_anchor
    kept = made(reshape.Anchor, type=anchor.type) if anchor and anchor.type != "timestamp" else None
    if details.pause:
        return paused(tx, subscription, details.pause)
    if details.resume_at:
        return resumed(tx, subscription, details, kept)
    sent = {name: value for name, value in details.sent().items() if name in OF_A_CHANGE}
    if kept:
        sent["billing_cycle_anchor"] = kept
    if recurring:
        sent["proration_behavior"] = "none"
    return change.apply(tx, subscription, made(Change, **sent))


def paused(tx: Tx, subscription: Subscription, wanted: Pause) -> change.Done:
    now = stops.pause(tx, subscription, wanted)
    return change.Done(now, invoice_of(tx, now.latest_invoice, subscription.latest_invoice))


def resumed(
    tx: Tx, subscription: Subscription, details: Details, anchor: reshape.Anchor | None
) -> change.Done:
    wanted = made(resume.Resume, billing_cycle_anchor=anchor, proration_behavior=details.proration_behavior)
    return resume.carry_out(tx, subscription, resume.considered(tx, subscription, wanted), wanted)


def first_invoice(tx: Tx, customer: Customer, details: Details, wanted: Preview) -> Invoice:
    """The first invoice of a subscription that is not there yet, or where it has none, the next one."""
    sent = {name: value for name, value in details.sent().items() if name in OF_A_NEW_ONE}
    if details.start_date:
        sent["backdate_start_date"] = details.start_date
    if details.billing_cycle_anchor and details.billing_cycle_anchor.timestamp:
        sent["billing_cycle_anchor"] = details.billing_cycle_anchor.timestamp
    items = [made(terms.Item, **one.sent()) for one in details.items]
    if wanted.currency:
        sent["currency"] = wanted.currency
    if wanted.discounts:
        sent["discounts"] = wanted.discounts
    asked = made(order.Subscribe, customer=customer.id, **{**sent, "items": items})
    begun, invoice = subscribe.begin(tx, customer, asked, subscribe.prices_of(tx, asked))
    return invoice or next_invoice(tx, rows.find(tx, Subscription, begun.id).but(status="active"))


def invoice_of(tx: Tx, latest: str | None, before: str | None) -> Invoice | None:
    return rows.find(tx, Invoice, latest) if latest and latest != before else None


def drop_one_offs(tx: Tx, subscription: Subscription) -> None:
    tx.run(
        "delete from invoice_items where invoice is null and customer = %(customer)s",
        customer=subscription.customer,
    )


def next_invoice(tx: Tx, subscription: Subscription) -> Invoice:
    """The invoice of the next end of a period, as it would be with what is known now."""
    before = subscription.latest_invoice
    subscription = through_phases(tx, subscription)
    if subscription.latest_invoice != before:
        return rows.find(tx, Invoice, subscription.latest_invoice or "")
    due = period_end(tx, subscription)
    if due is None or subscription.status in ("canceled", "paused", "incomplete"):
        raise nothing()
    then = tx.at(tx.clock, max(due, tx.now))
    if subscription.cancel_at and subscription.cancel_at <= due:
        last = cancel.final_invoice(then, subscription, subscription.cancel_at, "subscription_cycle")
        if last is None:
            raise nothing()
        return last
    renew.renew(then, [subscription.id])
    latest = invoice_of(tx, rows.find(tx, Subscription, subscription.id).latest_invoice, before)
    if latest is None:
        raise nothing()
    return latest


def period_end(tx: Tx, subscription: Subscription) -> datetime | None:
    items = rows.select(tx, SubscriptionItem, "subscription = %(id)s", id=subscription.id)
    return min((item.current_period_end for item in items), default=None)


def through_phases(tx: Tx, subscription: Subscription) -> Subscription:
    """What a schedule makes of it until its period ends, or until a phase bills it."""
    found = rows.find_many(tx, SubscriptionSchedule, [subscription.schedule or ""])
    for schedule in found.values():
        step, due = enter.next_step(schedule), period_end(tx, subscription)
        if schedule.status == "active" and due and step <= max(due, tx.now):
            enter.go_on(tx.at(tx.clock, max(step, tx.now)), [schedule.id])
            changed = rows.find(tx, Subscription, subscription.id)
            done = changed.latest_invoice != subscription.latest_invoice
            return changed if done else through_phases(tx, changed)
    return subscription


def of_customer(tx: Tx, customer: Customer, wanted: Preview) -> Invoice:
    """The items that wait, on an invoice of their own."""
    pending = bill.pending_items(tx, [customer.id])
    currency = (
        wanted.currency
        or customer.currency
        or next((i.currency for i in pending.get(customer.id, [])), "usd")
    )
    items = bill.awaited(pending, customer.id, None, currency)
    if not items:
        raise nothing()
    made = bill.draft(tx, customer, [], items, currency=currency, period_start=tx.now, period_end=tx.now)
    return bill.write(tx, [made])[0]


def nothing() -> Refused:
    return Refused("No upcoming invoices for customer", code="invoice_upcoming_none", status=404)


# ------------------------------------------------------------------------------------- how it is shown


#: What no invoice says of itself before it is finalized, be it that the deed finalizes it at once.
NOT_YET: dict[str, Any] = {
    "attempted": False,
    "auto_advance": False,
    "automatically_finalizes_at": None,
    "billing_reason": "upcoming",
    "effective_at": None,
    "ending_balance": None,
    "hosted_invoice_url": None,
    "invoice_pdf": None,
    "number": None,
    "status": "draft",
}


def as_upcoming(tx: Tx, invoice: Invoice) -> dict[str, Any]:
    """The draft as a preview: ids of its own that lead nowhere, and all of its lines (§7.8)."""
    shown = render.one(tx, invoice)
    lines = render.show(tx, rows.select(tx, InvoiceLine, "invoice = %(id)s", id=invoice.id))
    id = f"upcoming_in_{secret('', 24)}"
    for line in lines:
        line.update(id=f"il_tmp_{line['id'].removeprefix('il_')}", invoice=id)
    shown.update(id=id, **NOT_YET)
    shown["status_transitions"] = dict.fromkeys(shown["status_transitions"])
    where = f"/v1/invoices/upcoming/lines?customer={invoice.customer}"
    shown["lines"].update(data=lines, has_more=False, url=where)
    return shown
