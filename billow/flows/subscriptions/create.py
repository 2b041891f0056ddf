"""Create a subscription: its items, its trial or first invoice, and the first payment."""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

from billow.api import rows
from billow.api.fields import seconds
from billow.api.params import merged
from billow.core import pricing
from billow.core.anchors import Course
from billow.core.errors import Refused
from billow.flows.billing import discounts, priced_items
from billow.flows.customers import payment_methods
from billow.flows.outside.outside import gateway
from billow.flows.payments import collect, pay_invoice
from billow.flows.subscription_status import pending_setup, transitions
from billow.flows.subscription_terms import (
    billing_schedules,
    dates,
    one_time_items,
    params,
    pending_item_invoices,
    timers,
    trial_offers,
)
from billow.flows.subscription_terms.items import billing_of, threshold_of
from billow.flows.subscription_terms.params import Subscribe
from billow.flows.subscriptions import first_invoice, incomplete
from billow.resources import tax_rate
from billow.resources.customer import Customer
from billow.resources.invoice import Invoice
from billow.resources.payment_intent import PaymentIntent
from billow.resources.price import Price
from billow.resources.subscription import Subscription
from billow.resources.subscription_item import SubscriptionItem
from billow.store import clocks, jobs
from billow.store.ids import new_id
from billow.store.perform import Steps
from billow.store.tx import Tx

CHARGED_AT_ONCE = ("allow_incomplete", "error_if_incomplete")
"""With these the first invoice is charged within the request (§5.3)."""
prices_of = params.prices_of


@Subscription.create(Subscribe)
def subscribe(tx: Tx, wanted: Subscribe) -> Steps:
    """Create a subscription. What is due at once is invoiced, and charged within the request."""
    customer = rows.lock(tx, Customer, wanted.customer, param="customer")
    tx = clocks.enter(tx, customer.test_clock)
    subscription, invoice = begin(tx, customer, wanted, prices_of(tx, wanted))
    if invoice and needs_payment(invoice) and wanted.payment_behavior in CHARGED_AT_ONCE:
        check_method(tx, customer, subscription, invoice)
        tx = yield from collect.attempt_invoice(tx, invoice, automatic=False, off_session=wanted.off_session)
        if subscription.provisional:
            return keep_if_paid(tx, subscription.id)
    return conclude(tx, subscription.id)


def begin(
    tx: Tx,
    customer: Customer,
    wanted: Subscribe,
    prices: Sequence[Price],
    *,
    later: bool = False,
    paid_by: PaymentIntent | None = None,
) -> tuple[Subscription, Invoice | None]:
    """Write a subscription with its items, its timers and its first invoice; nothing is collected yet.

    `conclude` emits its creation once the first payment is settled. `prices` are those of the items, in their
    order. With `later` the first invoice waits as a draft for an hour, like that of a renewal. An intent
    `paid_by` has paid it before.
    """
    params.check(tx, wanted, customer, prices)
    course = dates.course_of(tx, wanted, prices)
    subscription, items = write(tx, wanted, customer, prices, course)
    one_time_items.insert(
        tx, one_time_items.Recipient(customer, subscription, items), wanted.add_invoice_items
    )
    parts = priced_items.parts_of_items(tx, items)
    billing_schedules.check_new(tx, subscription, parts, wanted.proration_behavior)
    periods = [
        period
        for part in parts
        for period in [
            *first_invoice.periods_of(part, course, wanted.prorates),
            *billing_schedules.periods_ahead(part, course.anchor, part.item.current_period_end),
        ]
    ]
    kept = wanted.payment_behavior != "error_if_incomplete"
    when = "later" if later else "now" if kept else "provisionally"
    invoice = first_invoice.first_invoice(tx, subscription, customer, periods, when, paid_by)
    timers.replace(tx, subscription, items)
    pending_item_invoices.replace_timer(tx, subscription)
    jobs.put(tx, "subscription.expire", subscription.id, tx.now + transitions.FIRST_PAYMENT)
    open_now = invoice is not None and needs_payment(invoice)
    changes: dict[str, Any] = {"latest_invoice": invoice.id if invoice else None}
    if open_now:
        # A trial begins only when its first invoice is paid (§5.2).
        changes["status"] = "incomplete"
        changes["provisional"] = not kept
    return rows.update(tx, subscription, event=None, **changes), invoice


def needs_payment(invoice: Invoice) -> bool:
    """Return whether the subscription starts only when this invoice is paid."""
    return invoice.status == "open" and invoice.collection_method == "charge_automatically"


def check_method(tx: Tx, customer: Customer, subscription: Subscription, invoice: Invoice) -> None:
    """Refuse to charge at once where there is no gateway or no payment method."""
    gateway(tx)
    if payment_methods.method_id(customer, subscription, invoice) is None:
        raise Refused(
            "This customer has no attached payment source or default payment method. Please consider adding"
            " a default payment method. For more information, visit"
            " https://docs.stripe.com/billing/subscriptions/payment-methods-setting#payment-method-priority.",
            code="resource_missing",
        )


def write(
    tx: Tx, wanted: Subscribe, customer: Customer, prices: Sequence[Price], course: Course
) -> tuple[Subscription, list[SubscriptionItem]]:
    """Write a subscription and its items in their first period, without an event."""
    currency = params.currency_of(wanted, prices)
    id = new_id(Subscription.prefix)
    rates = wanted.default_tax_rates or []
    whole = owner(customer, wanted, prices, course, {"subscription": id})
    made = agreement(wanted, course).but(id=id, customer=customer.id, currency=currency)
    made = made.but(
        test_clock=customer.test_clock,
        discounts=discounts.redeem(tx, wanted.discounts or [], whole),
        default_tax_rates=tax_rate.check_usable(
            tx, rates, "default_tax_rates", rates if wanted.agreed else ()
        ),
    )
    subscription = rows.insert(tx, made, event=None)
    items = []
    for place, (item, price) in enumerate(zip(wanted.items, prices, strict=True)):
        own = new_id(SubscriptionItem.prefix)
        its = owner(customer, wanted, prices, course, {"subscription_item": own})
        its = replace(its, subtotal=None, present=made.discounts, param=f"items[{place}][discounts]")
        offer = trial_offers.find_offer(tx, item, f"items[{place}]")
        start, end = course.period(dates.rhythm_of(price))
        if offer:
            start, end = trial_offers.first_span(offer, price, currency, course.created)
            end = min(end, course.ends) if course.ends else end
        metered = priced_items.meter_of(price) is not None
        unbilled = metered and start < course.created and not wanted.prorates
        items.append(
            SubscriptionItem(
                id=own,
                **billing_of(tx, item, its),
                billed_until=None
                if metered
                else billing_schedules.billed_until(made.billing_schedules, price.id),
                current_period_start=start,
                current_period_end=end,
                metered_from=course.created if unbilled else None,
                current_trial=trial_offers.current_trial_of(offer, price, course.created) if offer else None,
                price=price.id,
                quantity=None if metered else 1 if item.quantity is None else item.quantity,
                metadata=merged({}, item.metadata),
                billing_thresholds=threshold_of(item),
                subscription=subscription.id,
            )
        )
    return subscription, rows.insert_many(tx, items)


def owner(
    customer: Customer, wanted: Subscribe, prices: Sequence[Price], course: Course, on: dict[str, str]
) -> discounts.Owner:
    """Return the owner of discounts; a code's minimum amount is compared with a full period of all items."""
    currency = params.currency_of(wanted, prices)
    subtotal = sum(
        pricing.amount(
            priced_items.rate_of(price, currency), Decimal(1 if item.quantity is None else item.quantity)
        )
        for item, price in zip(wanted.items, prices, strict=True)
        if priced_items.meter_of(price) is None
    )
    above = [customer.discount] if customer.discount else []
    found = discounts.Owner(customer, currency, on, above, subtotal, course.start)
    return replace(found, redeemed=wanted.redeemed)


def agreement(wanted: Subscribe, course: Course) -> Subscription:
    """Make the subscription from the params; where they are silent it has the defaults of the noun."""
    return Subscription(
        billing_cycle_anchor=course.anchor,
        billing_mode=params.mode_of(wanted.billing_mode, seconds(course.created)),
        billing_schedules=billing_schedules.schedules_after(
            wanted.billing_schedules or [], [], course.created
        ),
        cancel_at=course.ends,
        cancel_at_period_end=wanted.cancel_at_period_end,
        canceled_at=course.created if course.ends else None,
        collection_method=wanted.collection_method,
        days_until_due=wanted.days_until_due,
        metadata=merged({}, wanted.metadata),
        start_date=course.start,
        status="trialing" if course.trial else "incomplete",
        trial_start=course.created if course.trial else None,
        trial_end=course.trial,
        emitted=False,
        watched=bool(wanted.billing_thresholds or any(item.billing_thresholds for item in wanted.items)),
        **pending_item_invoices.interval_fields(
            wanted.pending_invoice_item_interval, course.anchor, course.created
        ),
        **params.settings_of(wanted),
    )


def conclude(tx: Tx, id: str) -> Subscription:
    """Set the status that the first invoice leads to, and emit the creation where that was not done yet."""
    subscription = rows.lock(tx, Subscription, id)
    tx = clocks.enter(tx, subscription.test_clock)
    if subscription.emitted and subscription.status != "incomplete":
        return subscription
    invoice = latest_invoice_of(tx, subscription)
    if invoice is None or not needs_payment(invoice):
        jobs.cancel(tx, "subscription.expire", id)
        begun = transitions.paid_status(subscription, tx.now) if subscription.status == "incomplete" else None
        status = begun or subscription.status
        waits: dict[str, Any] = {}
        if not subscription.emitted:
            customer = rows.find(tx, Customer, subscription.customer)
            waits = {"pending_setup_intent": pending_setup.await_method(tx, subscription, customer, status)}
        return transitions.emit_change(tx, subscription, status=status, **waits)
    return transitions.emit_change(tx, subscription, status="incomplete")


def latest_invoice_of(tx: Tx, subscription: Subscription) -> Invoice | None:
    """Load the latest invoice of a subscription, which is None where there is none."""
    id = subscription.latest_invoice or ""
    return rows.find_many(tx, Invoice, [id]).get(id)


def keep_if_paid(tx: Tx, id: str) -> Subscription | Refused:
    """Keep the subscription if its first payment succeeded, else remove it: `error_if_incomplete` (§5.3).

    A payment that the bank has not decided yet is no failure; the subscription then waits for it.
    """
    subscription = rows.lock(tx, Subscription, id)
    tx = clocks.enter(tx, subscription.test_clock)
    invoice = latest_invoice_of(tx, subscription)
    intent = rows.find(tx, PaymentIntent, (invoice and invoice.payment_intent) or "")
    if invoice and needs_payment(invoice) and intent.status != "processing":
        answer = pay_invoice.decline_error(tx, intent, "subscription")
        incomplete.remove_unpaid(tx, subscription)
        return answer
    transitions.keep(tx, [subscription])
    return conclude(tx, id)
