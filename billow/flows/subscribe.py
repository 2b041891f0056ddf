"""A subscription begins: its items, its trial or its first invoice, and the first payment."""

from datetime import datetime, timedelta
from decimal import Decimal

from billow.api import fields as f
from billow.api import rows
from billow.api.fields import SHOWN, seconds
from billow.api.params import Params, merged
from billow.core import calendar, pricing
from billow.core.errors import Refused, require
from billow.flows import bill, collect, dun, finalize, methods, terms, trial
from billow.flows.bill import Part, Period
from billow.resources.customer import Customer
from billow.resources.invoice import Invoice
from billow.resources.payment_method import PaymentMethod
from billow.resources.price import Price
from billow.resources.subscription import FLEXIBLE, PaymentSettings, Subscription, TrialSettings
from billow.resources.subscription_item import SubscriptionItem
from billow.store import clocks, jobs
from billow.store.perform import Steps
from billow.store.tx import Tx


class Subscribe(Params):
    customer: str = f.ref("customer", required=True)
    items: list[terms.Item] = f.array(SHOWN, terms.Item, required=True, max=20)
    cancel_at_period_end: bool = f.boolean(default=False)
    collection_method: str = f.choice(
        SHOWN, "charge_automatically", "send_invoice", default="charge_automatically"
    )
    currency: str | None = f.currency()
    days_until_due: int | None = f.integer(min=0, max=3650)
    default_payment_method: str | None = f.ref("payment_method")
    description: str | None = f.text(max=500)
    metadata: dict[str, str] = f.metadata()
    off_session: bool = f.boolean(default=False)
    payment_behavior: str = f.choice(
        SHOWN, "allow_incomplete", "default_incomplete", default="allow_incomplete"
    )
    payment_settings: PaymentSettings | None = f.hash(shape=PaymentSettings)
    trial_end: datetime | str | None = f.timestamp(choices=("now",))
    trial_period_days: int | None = f.integer(min=1, max=730)
    trial_settings: TrialSettings | None = f.hash(shape=TrialSettings)


@Subscription.create(Subscribe)
def subscribe(tx: Tx, wanted: Subscribe) -> Steps:
    """Create a subscription. What is due at once is invoiced, and charged within the request."""
    customer = rows.lock(tx, Customer, wanted.customer, param="customer")
    tx = clocks.enter(tx, customer.test_clock)
    prices = prices_of(tx, wanted)
    check(tx, wanted, customer, prices)
    subscription, items = write(tx, wanted, customer, prices)
    invoice = first_invoice(tx, subscription, customer, bill.priced(tx, items))
    jobs.put(tx, "subscription.expire", subscription.id, tx.now + dun.INCOMPLETE)
    if invoice and invoice.status == "open" and wanted.payment_behavior == "allow_incomplete":
        tx = yield from collect.attempt_invoice(tx, invoice, automatic=False, off_session=wanted.off_session)
    return conclude(tx, subscription.id)


def prices_of(tx: Tx, wanted: Subscribe) -> dict[str, Price]:
    """The prices by id, each on one item, in one currency, in rhythm with each other."""
    require(wanted.items, "You must pass at least one item.", param="items")
    found: dict[str, Price] = {}
    for place, item in enumerate(wanted.items):
        price = terms.price_of(tx, item, f"items[{place}]")
        terms.check_quantity(item, price, f"items[{place}]")
        terms.check_new(price, found)
        found[price.id] = price
    terms.check_together(found.values())
    return found


def check(tx: Tx, wanted: Subscribe, customer: Customer, prices: dict[str, Price]) -> None:
    [currency] = {price.currency for price in prices.values()}
    require(
        wanted.currency in (None, currency),
        f"The price specified only supports `{currency}`.",
        param="currency",
    )
    bill.check_currency(customer, currency)
    sends = wanted.collection_method == "send_invoice"
    require(
        not sends or wanted.days_until_due is not None,
        "If you are using `collection_method=send_invoice`, you must pass `days_until_due`.",
        param="days_until_due",
        code="parameter_missing",
    )
    require(
        sends or wanted.days_until_due is None,
        "You can only set `days_until_due` if `collection_method` is `send_invoice`.",
        param="days_until_due",
    )
    require(
        not (wanted.given("trial_end") and wanted.given("trial_period_days")),
        "You may only specify one of these parameters: trial_end, trial_period_days.",
        param="trial_end",
        code="parameters_exclusive",
    )
    if isinstance(wanted.trial_end, datetime):
        require(
            wanted.trial_end > tx.now,
            "Invalid timestamp: must be an integer Unix timestamp in the future.",
            param="trial_end",
        )
        require(
            wanted.trial_end <= tx.now + timedelta(days=731),
            "Invalid timestamp: can be no more than two years in the future.",
            param="trial_end",
        )
    if wanted.default_payment_method:
        method = rows.find(tx, PaymentMethod, wanted.default_payment_method, param="default_payment_method")
        require(
            method.customer == customer.id,
            "The customer does not have a payment method with the ID"
            f" {method.id}. The payment method must be attached to the customer.",
            param="default_payment_method",
            code="resource_missing",
        )
    trial = trial_end(tx, wanted) is not None
    charged = (
        not sends and not trial and wanted.payment_behavior == "allow_incomplete" and costs(wanted, prices)
    )
    if charged and methods.method_id(customer) is None and wanted.default_payment_method is None:
        raise Refused(
            "This customer has no attached payment source or default payment method. Please consider adding"
            " a default payment method. For more information, visit"
            " https://docs.stripe.com/billing/subscriptions/payment-methods-setting#payment-method-priority.",
            code="resource_missing",
        )


def costs(wanted: Subscribe, prices: dict[str, Price]) -> bool:
    """Whether anything is due at once."""
    return any(
        pricing.amount(bill.rated(prices[item.price]), quantity(item))
        for item in wanted.items
        if bill.meter_of(prices[item.price]) is None
    )


def quantity(item: terms.Item) -> Decimal:
    return Decimal(1 if item.quantity is None else item.quantity)


def trial_end(tx: Tx, wanted: Subscribe) -> datetime | None:
    if wanted.trial_period_days:
        return tx.now.replace(microsecond=0) + timedelta(days=wanted.trial_period_days)
    return wanted.trial_end if isinstance(wanted.trial_end, datetime) else None


# ------------------------------------------------------------------------------------- rows


def write(
    tx: Tx, wanted: Subscribe, customer: Customer, prices: dict[str, Price]
) -> tuple[Subscription, list[SubscriptionItem]]:
    """The subscription and its items in their first period, with its timers; its creation is told later."""
    start = tx.now.replace(microsecond=0)
    ends = first_ends(tx, wanted, prices, start)
    due = min(ends.values())
    currency = next(iter(prices.values())).currency
    made = agreement(tx, wanted, start, due).but(customer=customer.id, currency=currency)
    subscription = rows.insert(tx, made.but(test_clock=customer.test_clock), event=None)
    items = [
        SubscriptionItem(
            current_period_start=start,
            current_period_end=ends[item.price],
            price=item.price,
            quantity=None if bill.meter_of(prices[item.price]) else int(quantity(item)),
            metadata=merged({}, item.metadata),
            subscription=subscription.id,
        )
        for item in wanted.items
    ]
    timer = "subscription.end" if wanted.cancel_at_period_end else "subscription.renew"
    jobs.put(tx, timer, subscription.id, due)
    trial.schedule_warning(tx, subscription)
    return subscription, rows.insert_many(tx, items)


def first_ends(tx: Tx, wanted: Subscribe, prices: dict[str, Price], start: datetime) -> dict[str, datetime]:
    """Where the first period of each price ends: with the trial, or one interval after the start."""
    until = trial_end(tx, wanted)
    found = {}
    for id, price in prices.items():
        assert price.recurring
        rhythm = price.recurring["interval"], price.recurring["interval_count"]
        found[id] = until or calendar.boundary(start, *rhythm, 1)
    return found


def agreement(tx: Tx, wanted: Subscribe, start: datetime, due: datetime) -> Subscription:
    """What was agreed; the settings of the noun where nothing was said."""
    until = trial_end(tx, wanted)
    ends = wanted.cancel_at_period_end
    subscription = Subscription(
        billing_cycle_anchor=until or start,
        billing_mode={**FLEXIBLE, "updated_at": seconds(start)},
        cancel_at_period_end=ends,
        cancel_at=due if ends else None,
        canceled_at=start if ends else None,
        collection_method=wanted.collection_method,
        days_until_due=wanted.days_until_due,
        default_payment_method=wanted.default_payment_method,
        description=wanted.description,
        metadata=merged({}, wanted.metadata),
        start_date=start,
        status="trialing" if until else "incomplete",
        trial_start=start if until else None,
        trial_end=until,
        told=False,
    )
    if wanted.payment_settings:
        subscription = subscription.but(payment_settings=wanted.payment_settings.shown())
    if wanted.trial_settings:
        subscription = subscription.but(trial_settings=wanted.trial_settings.shown())
    return subscription


# ------------------------------------------------------------------------------------- the first invoice


def first_invoice(
    tx: Tx, subscription: Subscription, customer: Customer, parts: list[Part]
) -> Invoice | None:
    """What is due at once. Metered parts are billed in arrears: with nothing else there is none (§4.6)."""
    trialing = subscription.status == "trialing"
    kind = "trial" if trialing else "licensed"
    periods = [
        Period(part, kind, part.item.current_period_start, part.item.current_period_end)
        for part in parts
        if not part.meter
    ]
    lines = [line for period in periods for line in bill.lines_of(period, customer.id, None)]
    items = bill.awaited(
        bill.pending_items(tx, [customer.id]), customer.id, subscription.id, subscription.currency
    )
    if not lines and not items:
        return None
    sends = subscription.collection_method == "send_invoice" and not trialing
    [invoice] = bill.write(
        tx,
        [
            bill.draft(
                tx,
                customer,
                lines,
                items,
                **bill.subscription_fields(subscription),
                billing_reason="subscription_create",
                auto_advance=sends,
                automatically_finalizes_at=tx.now + bill.GRACE if sends else None,
                period_start=subscription.start_date,
                period_end=subscription.start_date,
            )
        ],
    )
    rows.update(tx, subscription, event=None, latest_invoice=invoice.id)
    if sends:
        jobs.put(tx, "invoice.finalize", invoice.id, tx.now + bill.GRACE)
        return invoice
    return finalize.finalize_many(tx, [invoice.id])[0]


def conclude(tx: Tx, id: str) -> Subscription:
    """The status that the first invoice led to, and the word of the creation where it is not out yet."""
    subscription = rows.lock(tx, Subscription, id)
    tx = clocks.enter(tx, subscription.test_clock)
    if subscription.told and subscription.status != "incomplete":
        return subscription
    invoice = rows.find_many(tx, Invoice, [subscription.latest_invoice or ""]).get(
        subscription.latest_invoice or ""
    )
    waits = (
        invoice is not None
        and invoice.status == "open"
        and invoice.collection_method == "charge_automatically"
    )
    if not waits:
        jobs.cancel(tx, "subscription.expire", id)
    status = (
        "incomplete" if waits else "active" if subscription.status == "incomplete" else subscription.status
    )
    return dun.tell(tx, subscription, status=status)
