"""Preview the next invoice, or that of a change: make it, show it, and roll it back."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from typing import Any

from billow.api import rows
from billow.api.fields import seconds
from billow.api.params import made, specs
from billow.api.resource import route
from billow.core import lifecycle
from billow.core.errors import Refused, needed, require
from billow.flows.billing import discounts, totals
from billow.flows.billing.currency import check_customer_currency
from billow.flows.catalog import prices
from billow.flows.customers.locations import located
from billow.flows.customers.tax_ids import snapshots
from billow.flows.invoices import drafts, invoice_items
from billow.flows.invoices.item_amounts import Pricing
from billow.flows.previews import next_invoice
from billow.flows.previews.params import (
    Details,
    ExtraItem,
    Preview,
    ScheduleDetails,
    check,
    check_details,
    with_param_prefix,
)
from billow.flows.schedules import schedules
from billow.flows.subscription_changes import apply, pending_updates, sync_schedule
from billow.flows.subscription_changes.items import Anchor, ItemChange
from billow.flows.subscription_changes.params import Change, check_proration_date, check_proration_period
from billow.flows.subscription_terms import billing_schedules
from billow.flows.subscription_terms.items import Item, OfferedItem
from billow.flows.subscription_terms.params import Subscribe, mode_of
from billow.flows.subscriptions import cancel, create, pause, resume
from billow.flows.taxes import params as taxes
from billow.resources import customer as customers
from billow.resources import tax_id as tax_ids
from billow.resources.customer import Customer
from billow.resources.invoice import Invoice
from billow.resources.invoice_item import InvoiceItem
from billow.resources.subscription import BillingMode, Subscription
from billow.resources.subscription_schedule import SubscriptionSchedule
from billow.resources.tax_id import TaxId
from billow.store import clocks
from billow.store.tx import Tx

#: Which of the details an update, a creation or an item takes under the same name.
CHANGE_PARAMS = (
    "billing_schedules",
    "cancel_at",
    "cancel_at_period_end",
    "default_tax_rates",
    "items",
    "metadata",
    "proration_behavior",
    "proration_date",
    "trial_end",
)
CREATE_PARAMS = (
    "billing_mode",
    "billing_schedules",
    "cancel_at",
    "cancel_at_period_end",
    "default_tax_rates",
    "metadata",
    "proration_behavior",
    "trial_end",
)
ITEM_PARAMS = tuple(specs(OfferedItem))


@dataclass(frozen=True, slots=True)
class Subject:
    """The customer, and the subscription or schedule, whose invoice is previewed."""

    customer: Customer
    subscription: Subscription | None
    schedule: SubscriptionSchedule | None = None


@route("POST", "/v1/invoices/create_preview", Preview)
def create_preview(tx: Tx, wanted: Preview) -> dict[str, Any]:
    """Show the next invoice, or with details the invoice of a change.

    It is made by the same functions as the real one, in a savepoint that is rolled back: nothing is stored,
    no event is emitted, and no gateway is called.
    """
    check(tx, wanted)
    return next_invoice.dry_run(tx, lambda trial: preview(trial, wanted))


def preview(tx: Tx, wanted: Preview) -> dict[str, Any]:
    """Make the invoice of a preview in this transaction, and show it."""
    subject = subject_of(tx, wanted)
    tx = clocks.enter(tx, subject.customer.test_clock)
    check_currency(subject, wanted)
    add_invoice_items(tx, wanted, subject)
    invoice = with_discounts(tx, subject.customer, wanted, invoice_of(tx, subject, wanted))
    invoice = with_automatic_tax(tx, wanted, invoice)
    known = snapshots(tx, [subject.customer.id])
    invoice = invoice.but(customer_tax_ids=known.get(subject.customer.id, []))
    if wanted.given("on_behalf_of"):
        invoice = invoice.but(on_behalf_of=wanted.on_behalf_of)
    shown = next_invoice.show_upcoming(tx, invoice)
    named = wanted.customer or wanted.subscription or wanted.schedule
    return shown if named else {**shown, "customer": None}


def invoice_of(tx: Tx, subject: Subject, wanted: Preview) -> Invoice:
    """Write the invoice that a preview is about."""
    if subject.schedule:
        return of_schedule(tx, subject.schedule, wanted)
    if wanted.schedule_details:
        return of_new_schedule(tx, subject.customer, wanted.schedule_details, wanted)
    details = wanted.subscription_details
    if subject.subscription:
        return of_subscription(tx, subject.subscription, details, wanted)
    if details and details.items:
        return of_new_subscription(tx, subject.customer, details, wanted)
    return next_invoice.of_customer(tx, subject.customer, wanted.currency)


def subject_of(tx: Tx, wanted: Preview) -> Subject:
    """Return the customer and the subscription of a preview: the one named, or the one that renews first."""
    if wanted.schedule:
        planned = rows.lock(tx, SubscriptionSchedule, wanted.schedule, param="schedule")
        found = rows.find_many(tx, Subscription, [planned.subscription or ""])
        running = found.get(planned.subscription or "")
        return Subject(customer_of(tx, wanted, planned.customer, "schedule"), running, planned)
    if wanted.subscription:
        subscription = rows.lock(tx, Subscription, wanted.subscription, param="subscription")
        return Subject(customer_of(tx, wanted, subscription.customer, "subscription"), subscription)
    customer = customer_of(tx, wanted)
    details = wanted.subscription_details
    if wanted.schedule_details or (details and details.items):
        return Subject(customer, None)
    return Subject(customer, first_to_renew(tx, customer))


def customer_of(tx: Tx, wanted: Preview, owner: str | None = None, param: str = "customer") -> Customer:
    """Return the customer of what is named, or a new one, with the details of the preview."""
    require(
        owner is None or wanted.customer in (None, owner),
        f"The {param} does not belong to the customer.",
        param=param,
    )
    named = owner or wanted.customer
    if named is None:
        return with_details(tx, insert_blank_customer(tx), wanted)
    return with_details(tx, rows.lock(tx, Customer, named, param="customer"), wanted)


def insert_blank_customer(tx: Tx) -> Customer:
    """Insert a customer for the preview of somebody who is none yet."""
    blank = Customer()
    return rows.insert(tx, blank.but(**customers.fresh(tx, blank)), event=None)


def with_details(tx: Tx, customer: Customer, wanted: Preview) -> Customer:
    """Return the customer with the details of the preview: address, tax ids, tax exemption."""
    details = wanted.customer_details
    if details is None:
        return customer
    numbers = [
        tax_ids.drawn(tx, number, customer.id, f"customer_details[tax_ids][{place}][value]")
        for place, number in enumerate(details.tax_ids)
    ]
    if numbers:
        for old in rows.select(tx, TaxId, "customer = %(id)s", id=customer.id):
            rows.delete(tx, old, event=None)
        rows.insert_many(tx, numbers, event=None)
    names = [name for name in ("address", "shipping", "tax_exempt") if details.given(name)]
    given = {name: rows.plain_value(getattr(details, name)) for name in names}
    if "tax_exempt" in given:
        given["tax_exempt"] = details.tax_exempt or "none"
    if details.tax:
        given["tax"] = {**customer.tax, **details.tax.shown()}
    given["tax"] = located(tx, customer.but(**given))
    return rows.update(tx, customer, event=None, **given)


def first_to_renew(tx: Tx, customer: Customer) -> Subscription | None:
    """Return the customer's subscription that renews first, locked."""
    running = rows.select(
        tx,
        Subscription,
        "customer = %(id)s and status = any(%(running)s)",
        "order by (select min(current_period_end) from subscription_items"
        " where subscription = subscriptions.id)",
        id=customer.id,
        running=list(lifecycle.RENEWING),
    )
    return rows.lock(tx, Subscription, running[0].id) if running else None


def check_currency(subject: Subject, wanted: Preview) -> None:
    """Check that a preview has the currency of its subscription and of its customer."""
    if wanted.currency is None:
        return
    check_customer_currency(subject.customer, wanted.currency)
    running = subject.subscription
    require(
        running is None or running.currency == wanted.currency,
        f"The subscription is billed in {running.currency if running else ''}.",
        param="currency",
    )


def add_invoice_items(tx: Tx, wanted: Preview, subject: Subject) -> None:
    """Create or change the invoice items of a preview."""
    for place, extra in enumerate(wanted.invoice_items):
        put = partial(change_item if extra.invoiceitem else create_item, tx, subject, wanted, extra)
        with_param_prefix(f"invoice_items[{place}]", ExtraItem, put)


def change_item(tx: Tx, subject: Subject, wanted: Preview, extra: ExtraItem) -> None:
    """Change a pending invoice item for a preview."""
    item = rows.find(tx, InvoiceItem, extra.invoiceitem or "", param="invoiceitem")
    require(
        item.customer == subject.customer.id,
        "The invoice item belongs to another customer.",
        param="invoiceitem",
    )
    sent = {name: value for name, value in extra.sent().items() if name != "invoiceitem"}
    fixed = sorted(sent.keys() - specs(invoice_items.UpdateItem).keys())
    if fixed:
        raise Refused(f"You cannot change `{fixed[0]}` of an existing invoice item.", param=fixed[0])
    invoice_items.update_item(tx, item, made(invoice_items.UpdateItem, **sent))


def create_item(tx: Tx, subject: Subject, wanted: Preview, extra: ExtraItem) -> None:
    """Create an invoice item for a preview."""
    sent = extra.sent()
    forms = [name for name in ("price", "price_data", "unit_amount", "unit_amount_decimal") if name in sent]
    require(
        len(forms) < 2,
        f"You may only specify one of these parameters: {', '.join(forms)}.",
        param=max(forms, default=None),
        code="parameters_exclusive",
    )
    price, data, unit = (sent.pop(name, None) for name in ("price", "price_data", "unit_amount"))
    if data:
        inline = prices.create_inline(tx, data, "price_data")
        price = rows.update(tx, inline, event=None, active=True).id
    if price:
        sent["pricing"] = made(Pricing, price=price)
    if unit is not None:
        sent["unit_amount_decimal"] = Decimal(unit)
    if subject.subscription:
        sent["subscription"] = subject.subscription.id
    currency = subject.subscription.currency if subject.subscription else wanted.currency
    if currency and not price:
        sent.setdefault("currency", currency)
    try:
        invoice_items.create_item(tx, made(invoice_items.CreateItem, customer=subject.customer.id, **sent))
    except Refused as refused:
        refused.param = "price" if refused.param == "pricing[price]" else refused.param
        raise


def with_discounts(tx: Tx, customer: Customer, wanted: Preview, invoice: Invoice) -> Invoice:
    """Return the draft with the preview's discounts, in place of those that it inherits."""
    if not wanted.given("discounts") or wanted.discounts == []:
        return invoice
    whose = drafts.discount_owner(customer, invoice.id, invoice.currency, invoice.subtotal, invoice.discounts)
    ids = discounts.update_discounts(tx, wanted.discounts, whose, given=True)
    return totals.recalculate(tx, invoice, invoice_items.lines_of(tx, invoice), discounts=ids)


def with_automatic_tax(tx: Tx, wanted: Preview, invoice: Invoice) -> Invoice:
    """Return the draft with automatic tax as the preview wants it."""
    if wanted.automatic_tax is None or wanted.automatic_tax.enabled == invoice.automatic_tax["enabled"]:
        return invoice
    taxes.check_alone(wanted.automatic_tax.enabled, invoice.default_tax_rates)
    after = taxes.kept(invoice.automatic_tax, wanted.automatic_tax)
    return totals.recalculate(tx, invoice, invoice_items.lines_of(tx, invoice), automatic_tax=after)


def drop_pending_items(tx: Tx, customer: str) -> None:
    """Delete the customer's pending items, which a preview of recurring amounts leaves out."""
    rows.delete_where(tx, InvoiceItem, "invoice is null and customer = %(customer)s", customer=customer)


def of_subscription(tx: Tx, subscription: Subscription, details: Details | None, wanted: Preview) -> Invoice:
    """Write the invoice of a change that is billed at once, or otherwise the next invoice."""
    if subscription.status in lifecycle.ENDED:
        raise next_invoice.no_upcoming()
    done = apply.Applied(subscription, None)
    if details:
        check_details(details, new=False)
        do = partial(
            change_subscription, tx, pending_updates.withdraw(tx, subscription), details, wanted.recurring
        )
        done = with_param_prefix("subscription_details", Details, do)
        sync_schedule.sync_schedule(tx, done.subscription)
    if wanted.recurring:
        drop_pending_items(tx, subscription.customer)
        return next_invoice.next_invoice(tx, done.subscription)
    invoice = done.invoice or next_invoice.next_invoice(tx, done.subscription)
    return with_proration_date(tx, invoice, details) if details else invoice


def with_proration_date(tx: Tx, invoice: Invoice, details: Details) -> Invoice:
    """Return the invoice of a change with the time from which the change is prorated, if it is."""
    parent = needed(invoice.parent, "the parent of a subscription's invoice")
    known = parent["subscription_details"]["subscription_proration_date"]
    if known or not details.prorated or details.proration_behavior == "none":
        return invoice
    said = {"subscription_proration_date": seconds(details.proration_date or tx.now)}
    said = {**parent["subscription_details"], **said}
    return rows.update(tx, invoice, event=None, parent={**parent, "subscription_details": said})


def in_billing_mode(tx: Tx, subscription: Subscription, wanted: BillingMode | None) -> Subscription:
    """Return the subscription in the preview's billing mode; there is no way back to classic."""
    if wanted is None or wanted.type == subscription.billing_mode["type"]:
        return subscription
    require(
        wanted.type == "flexible",
        "You cannot move a subscription back to `billing_mode[type]=classic`.",
        param="billing_mode[type]",
    )
    return rows.update(tx, subscription, billing_mode=mode_of(wanted, seconds(tx.now)))


def change_subscription(
    tx: Tx, subscription: Subscription, details: Details, recurring: bool
) -> apply.Applied:
    """Carry out the change of a preview; with `recurring`, without what the change costs once."""
    subscription = in_billing_mode(tx, subscription, details.billing_mode)
    anchor = details.billing_cycle_anchor
    kept = made(Anchor, type=anchor.type) if anchor else None
    check_proration_date(details.proration_date, kept, details.proration_behavior)
    if details.cancel_now:
        return cancel_subscription(tx, subscription, details)
    if details.pause:
        pause.pause(tx, subscription, details.pause)
        return result_of(tx, subscription)
    if details.resume_at:
        return resume_subscription(tx, subscription, details, kept)
    sent = {name: value for name, value in details.sent().items() if name in CHANGE_PARAMS}
    if kept:
        sent["billing_cycle_anchor"] = kept
    if recurring:
        # This preview leaves out prorations, but billing in advance cannot be changed without them.
        ahead = details.billing_schedules or billing_schedules.any_billed_ahead(tx, subscription)
        sent["proration_behavior"] = "create_prorations" if ahead else "none"
    return apply.apply(tx, subscription, made(Change, **sent))


def cancel_subscription(tx: Tx, subscription: Subscription, details: Details) -> apply.Applied:
    """Cancel a subscription for a preview, and bill what is left."""
    check_proration_period(tx, subscription, details.proration_date)
    cancel.cancel_now(
        tx,
        subscription,
        invoice_now=True,
        prorates=details.proration_behavior != "none",
        unused_since=details.proration_date,
    )
    return result_of(tx, subscription)


def result_of(tx: Tx, before: Subscription) -> apply.Applied:
    """Return a subscription after a change, with the invoice that the change made, if any."""
    now = rows.find(tx, Subscription, before.id)
    return apply.Applied(now, next_invoice.newer_invoice(tx, now.latest_invoice, before.latest_invoice))


def resume_subscription(
    tx: Tx, subscription: Subscription, details: Details, anchor: Anchor | None
) -> apply.Applied:
    """Resume a paused subscription for a preview."""
    resume.check(subscription)
    wanted = made(
        resume.Resume,
        billing_cycle_anchor=anchor,
        proration_behavior=details.proration_behavior,
        proration_date=details.proration_date,
    )
    return resume.carry_out(tx, subscription, resume.plan_resumption(tx, subscription, wanted), wanted)


def of_new_subscription(tx: Tx, customer: Customer, details: Details, wanted: Preview) -> Invoice:
    """Write the first invoice of a new subscription, or where it has none, the next one."""
    check_details(details, new=True)
    start = details.start_date
    if start and start > tx.now:
        tx, start = tx.at(tx.clock, start), None
    sent = {name: value for name, value in details.sent().items() if name in CREATE_PARAMS}
    anchor = details.billing_cycle_anchor
    begins = {"backdate_start_date": start, "billing_cycle_anchor": anchor.timestamp if anchor else None}
    sent.update({name: at for name, at in begins.items() if at})
    sent.update({name: value for name in ("currency", "discounts") if (value := getattr(wanted, name))})
    do = partial(begin, tx, customer, sent, details.items)
    begun, invoice = with_param_prefix("subscription_details", Details, do)
    if wanted.recurring:
        return recurring_invoice(tx, begun)
    return invoice or next_invoice.next_invoice(tx, as_paid(tx, begun))


def begin(
    tx: Tx, customer: Customer, sent: dict[str, Any], items: Sequence[ItemChange]
) -> tuple[Subscription, Invoice | None]:
    """Create the subscription of a preview."""
    asked = made(Subscribe, customer=customer.id, **sent, items=new_items(items))
    return create.begin(tx, customer, asked, create.prices_of(tx, asked))


def new_items(wanted: Sequence[ItemChange]) -> list[Item]:
    """Return the items of a new subscription; none of them can be changed or deleted."""
    found: list[Item] = []
    for place, item in enumerate(wanted):
        if item.id or item.deleted:
            raise Refused(
                f"No such subscription_item: '{item.id or ''}'",
                param=f"items[{place}][id]",
                code="resource_missing",
            )
        sent = {name: value for name, value in item.sent().items() if name in ITEM_PARAMS}
        found.append(made(OfferedItem, **sent))
    return found


def as_paid(tx: Tx, begun: Subscription) -> Subscription:
    """Return the subscription as it is once its first payment has succeeded."""
    if begun.status != "incomplete":
        return begun
    return rows.update(tx, begun, event=None, status="active")


def recurring_invoice(tx: Tx, begun: Subscription) -> Invoice:
    """Write the next invoice without what is bought once."""
    drop_pending_items(tx, begun.customer)
    return next_invoice.next_invoice(tx, as_paid(tx, begun))


def of_schedule(tx: Tx, planned: SubscriptionSchedule, wanted: Preview) -> Invoice:
    """Write the next invoice of a schedule, as it is or as it would be changed."""
    next_invoice.check_runs(planned)
    details, before = wanted.schedule_details, latest_of(tx, planned)
    if details:
        require(
            details.billing_mode is None,
            "The billing mode of an existing schedule cannot be changed.",
            param="schedule_details[billing_mode]",
        )
        do = partial(schedules.carry_out, tx, planned, made(schedules.Update, **details.sent()))
        planned, _ = with_param_prefix("schedule_details", ScheduleDetails, do)
    return invoice_of_schedule(tx, planned, before, wanted)


def of_new_schedule(tx: Tx, customer: Customer, details: ScheduleDetails, wanted: Preview) -> Invoice:
    """Write the first invoice of a new schedule, which starts with its first phase."""
    names = ("billing_mode", "end_behavior", "phases")
    sent = {name: value for name, value in details.sent().items() if name in names}
    start = details.phases[0].start_date if details.phases else None
    asked = made(schedules.Create, customer=customer.id, start_date=start, **sent)
    do = partial(schedules.plan, tx, asked, customer)
    return invoice_of_schedule(tx, with_param_prefix("schedule_details", ScheduleDetails, do), None, wanted)


def invoice_of_schedule(
    tx: Tx, planned: SubscriptionSchedule, before: str | None, wanted: Preview
) -> Invoice:
    """Write what a schedule bills at once, or otherwise next; or only its recurring amounts."""
    if wanted.recurring:
        tx, begun = next_invoice.start_schedule(tx, planned)
        return recurring_invoice(tx, rows.find(tx, Subscription, begun.subscription or ""))
    return next_invoice.newer_invoice(tx, latest_of(tx, planned), before) or next_invoice.of_schedule(
        tx, planned
    )


def latest_of(tx: Tx, planned: SubscriptionSchedule) -> str | None:
    """Return the latest invoice of a schedule's subscription."""
    found = rows.find_many(tx, Subscription, [planned.subscription or ""])
    return next((subscription.latest_invoice for subscription in found.values()), None)
