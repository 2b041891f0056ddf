"""Begin a phase: create the subscription, or change it into what the phase describes."""

from dataclasses import replace
from datetime import datetime
from typing import Any

from billow.api import rows
from billow.api.fields import instant
from billow.api.params import made, read
from billow.core import calendar, introductory, lifecycle, timers
from billow.core.change import periods
from billow.core.change.items import Recurrence
from billow.core.errors import Inconsistent, Refused
from billow.core.schedule import Span
from billow.flows.billing import discounts, priced_items
from billow.flows.billing.discounts import DiscountTerm
from billow.flows.subscription_changes import apply, pending_updates, sync_schedule
from billow.flows.subscription_changes.apply import Applied
from billow.flows.subscription_changes.items import Anchor, ItemChange
from billow.flows.subscription_changes.params import Change
from billow.flows.subscription_status import schedule_end
from billow.flows.subscription_terms import one_time_items
from billow.flows.subscription_terms.params import Subscribe
from billow.flows.subscriptions import cancel, create
from billow.flows.taxes.params import AutomaticTax
from billow.resources.customer import Customer
from billow.resources.payment_method import PaymentMethod
from billow.resources.price import Price
from billow.resources.subscription import InvoiceSettings, Subscription
from billow.resources.subscription_item import SubscriptionItem, UsageThreshold
from billow.resources.subscription_schedule import LIVING, SubscriptionSchedule
from billow.store import jobs
from billow.store.jobs import job
from billow.store.tx import Tx

NOTICE = timers.SCHEDULE_NOTICE
"""How long before its end a schedule emits that it is expiring."""
COPIED = (
    "application_fee_percent",
    "billing_thresholds",
    "default_payment_method",
    "description",
    "on_behalf_of",
    "transfer_data",
)
"""The settings of a phase that the subscription stores as they are."""
ITEM = ("billing_thresholds", "discounts", "metadata", "price", "quantity", "tax_rates")
"""The fields of an item in a phase."""
Phase = dict[str, Any]


def spans(schedule: SubscriptionSchedule) -> list[Span]:
    """Return the dates of the phases."""
    return [span_of(phase) for phase in schedule.phases]


def span_of(phase: Phase) -> Span:
    """Return the dates of a phase."""
    start, end = instant(phase["start_date"]), instant(phase["end_date"])
    if start is None or end is None:
        raise Inconsistent("A phase has no dates.")
    return Span(start, end)


def with_defaults(schedule: SubscriptionSchedule, phase: Phase) -> Phase:
    """Return a phase with the schedule's default settings where it has none of its own."""
    common = schedule.default_settings
    found = {**phase, **{name: common[name] for name in common if phase.get(name) is None}}
    own, others = phase["invoice_settings"] or {}, common["invoice_settings"]
    found["invoice_settings"] = {
        **others,
        **{name: value for name, value in own.items() if value is not None},
    }
    return found


def planned_end(schedule: SubscriptionSchedule, place: int) -> datetime | None:
    """Return when the subscription ends: with the last phase, once that is the current one; else None."""
    last = place == len(schedule.phases) - 1
    return spans(schedule)[place].end if last and schedule.end_behavior == "cancel" else None


def begin(tx: Tx, schedule: SubscriptionSchedule) -> SubscriptionSchedule:
    """Create the subscription of a schedule; its first invoice waits as a draft for an hour (§6).

    Locks the customer.
    """
    customer = rows.lock(tx, Customer, schedule.customer)
    phase = with_redeemable_discounts(tx, customer, schedule.phases[0])
    planned = schedule.but(phases=[phase, *schedule.phases[1:]])
    wanted = replace(
        subscription_params(tx, planned, 0), add_invoice_items=one_time_items_of(phase), agreed=True
    )
    wanted = replace(wanted, items=[replace(item, agreed=True) for item in wanted.items])
    found = rows.find_many(tx, Price, [item["price"] for item in phase["items"]])
    prices = [found[item["price"]] for item in phase["items"]]
    subscription, _ = create.begin(tx, customer, wanted, prices, later=True)
    rows.update(tx, subscription, event=None, schedule=schedule.id)
    create.conclude(tx, subscription.id)
    return schedule.but(subscription=subscription.id, **current_phase_fields(schedule, 0))


def current_phase_fields(schedule: SubscriptionSchedule, place: int) -> dict[str, Any]:
    """Return the fields of a schedule while a phase is the current one."""
    phase = schedule.phases[place]
    begins = schedule.status == "not_started"
    status = lifecycle.after(lifecycle.SCHEDULE, schedule.status, "begin") if begins else schedule.status
    current = {"end_date": phase["end_date"], "start_date": phase["start_date"]}
    return {"current_phase": current, "status": status}


def subscription_params(tx: Tx, schedule: SubscriptionSchedule, place: int) -> Subscribe:
    """Return the params that create the subscription of a phase, without its one-time items."""
    phase, span = with_defaults(schedule, schedule.phases[place]), spans(schedule)[place]
    ends = planned_end(schedule, place)
    sends = phase["collection_method"] == "send_invoice"
    invoices = dict(phase["invoice_settings"])
    due = invoices.pop("days_until_due")
    mode = {name: schedule.billing_mode[name] for name in ("flexible", "type")}
    nested = {
        **{name: phase[name] for name in COPIED},
        "automatic_tax": {n: v for n, v in phase["automatic_tax"].items() if n != "disabled_reason"},
        "backdate_start_date": int(span.start.timestamp()) if span.start < whole_second(tx) else None,
        "billing_mode": mode,
        "cancel_at": int(ends.timestamp()) if ends else None,
        "collection_method": phase["collection_method"],
        "currency": phase["currency"],
        "customer": schedule.customer,
        "default_tax_rates": phase["default_tax_rates"],
        "days_until_due": due if sends else None,
        "invoice_settings": invoices,
        "discounts": phase["discounts"],
        "items": [{name: item[name] for name in ITEM} for item in phase["items"]],
        "metadata": phase["metadata"],
        "proration_behavior": phase["proration_behavior"],
        "trial_end": phase["trial_end"],
    }
    wanted: Subscribe = read(Subscribe, as_params(nested))
    return wanted


def whole_second(tx: Tx) -> datetime:
    """Return now without a fraction of a second."""
    return tx.now.replace(microsecond=0)


def as_params(value: Any) -> Any:
    """Return stored values as a request would send them: without nulls, and with numbers as text."""
    if isinstance(value, dict):
        return {name: as_params(inner) for name, inner in value.items() if inner is not None}
    if isinstance(value, list):
        return [as_params(inner) for inner in value]
    return str(value) if isinstance(value, float) else value


def with_redeemable_discounts(
    tx: Tx, customer: Customer, phase: Phase, subscription: Subscription | None = None
) -> Phase:
    """Return the phase without coupons that can no longer be redeemed since it was planned."""
    present = [*(subscription.discounts if subscription else []), customer.discount or ""]
    owner = discounts.Owner(customer, phase["currency"], present=present)

    def left(entry: dict[str, Any]) -> dict[str, Any]:
        usable: list[DiscountTerm] = []
        for term in entry["discounts"]:
            [wanted] = [read(DiscountTerm, as_params(term))]
            if are_redeemable(tx, [*usable, wanted], owner):
                usable.append(wanted)
        return {**entry, "discounts": [term.shown() for term in usable]}

    inner = {name: [left(entry) for entry in phase[name]] for name in ("items", "add_invoice_items")}
    return {**left(phase), **inner}


def are_redeemable(tx: Tx, wanted: list[DiscountTerm], owner: discounts.Owner) -> bool:
    """Return whether these discounts can be redeemed together."""
    try:
        discounts.redeemable(tx, wanted, owner)
    except Refused:
        return False
    return True


def one_time_items_of(phase: Phase) -> list[one_time_items.OneTimeItem]:
    """Return the one-time items of a phase, with the bounds of the phase as instants."""
    bounds = {"phase_start": phase["start_date"], "phase_end": phase["end_date"]}
    found = []
    for extra in phase["add_invoice_items"]:
        period = {}
        for side, bound in extra["period"].items():
            at = instant(bounds.get(bound["type"], bound["timestamp"]))
            kind = "timestamp" if bound["type"] in bounds else bound["type"]
            period[side] = made(getattr(one_time_items, side.title()), type=kind, timestamp=at)
        names = ("discountable", "metadata", "price", "quantity", "tax_rates")
        given = {name: extra[name] for name in names}
        given["discounts"] = discount_params(extra)
        found.append(
            made(one_time_items.OneTimeItem, period=made(one_time_items.Span, **period), agreed=True, **given)
        )
    return found


def discount_params(entry: dict[str, Any]) -> list[DiscountTerm]:
    """Return the discounts of a phase or item as params."""
    return [read(DiscountTerm, as_params(term)) for term in entry["discounts"]]


@job("schedule.phase", batch=1)
def begin_phase(tx: Tx, refs: list[str]) -> None:
    """Begin the phase that is due, or finish the schedule after the last one.

    A late job counts from when it was due. Locks the schedule.
    """
    [id] = refs
    schedule = rows.lock(tx, SubscriptionSchedule, id)
    if schedule.status not in LIVING:
        return
    due = next_due(schedule)
    if due > tx.now:
        return
    then = tx.at(tx.clock, due)
    place = next((n for n, span in enumerate(spans(schedule)) if span.start == due), None)
    if place is None:
        finish(then, schedule)
    elif schedule.subscription is None:
        write(then, schedule, begin(then, schedule))
    else:
        apply_phase(then, schedule, schedule, place, schedule.phases[place]["proration_behavior"])
        write(then, schedule, schedule.but(**current_phase_fields(schedule, place)))


def next_due(schedule: SubscriptionSchedule) -> datetime:
    """Return when the schedule has to run next: at its start, and at the end of each phase."""
    found = instant((schedule.current_phase or {}).get("end_date"))
    return found or spans(schedule)[0].start


def write(tx: Tx, before: SubscriptionSchedule, after: SubscriptionSchedule) -> SubscriptionSchedule:
    """Write the changes of a schedule, emit them, and replace its timers."""
    written = sync_schedule.write(tx, before, after)
    set_timers(tx, written, None if before is after else spans(before)[-1].end)
    return written


def set_timers(tx: Tx, schedule: SubscriptionSchedule, ended: datetime | None = None) -> None:
    """Set the timers of a schedule; `ended` is its end before, whose reminder is not set again."""
    end = spans(schedule)[-1].end
    jobs.put(tx, "schedule.phase", schedule.id, next_due(schedule))
    if end != ended:
        jobs.put(tx, "schedule.expiring", schedule.id, max(end - NOTICE, tx.now))


@job("schedule.expiring", batch=1)
def emit_expiring(tx: Tx, refs: list[str]) -> None:
    """Emit `subscription_schedule.expiring` for a schedule that still runs."""
    [schedule] = rows.find_all(tx, SubscriptionSchedule, refs).values()
    if schedule.status in LIVING:
        rows.emit(tx, [(schedule, None)], "subscription_schedule.expiring")


def finish(tx: Tx, schedule: SubscriptionSchedule) -> SubscriptionSchedule:
    """Release the subscription after the last phase, or cancel it. Locks the subscription."""
    if schedule.end_behavior != "cancel":
        return schedule_end.release(tx, schedule)
    done = schedule_end.end(tx, schedule, "complete", "completed", completed_at=tx.now)
    subscription = rows.lock(tx, Subscription, schedule.subscription or "")
    if subscription.cancel_at is None or subscription.cancel_at > tx.now:
        # The planned end was withdrawn from the subscription, but the schedule's end still applies.
        cancel.cancel_now(tx, subscription, invoice_now=True, prorates=True)
    return done


def apply_phase(
    tx: Tx,
    old: SubscriptionSchedule,
    new: SubscriptionSchedule,
    place: int,
    prorations: str,
    *,
    later: bool = True,
) -> Applied:
    """Change the subscription into what a phase describes. Locks the subscription.

    `old` is the schedule before, with its current phase. With `later` an invoice of the change waits as a
    draft for an hour, like that of a renewal. When the current phase was edited, only its edited fields are
    applied: other changes made to the subscription meanwhile remain (§6).
    """
    subscription = pending_updates.withdraw(tx, rows.lock(tx, Subscription, new.subscription or ""))
    phase, before = new.phases[place], sync_schedule.place_of(old)
    former = old.phases[before]
    edited = former["start_date"] == phase["start_date"]
    if not edited:
        phase = with_redeemable_discounts(tx, rows.find(tx, Customer, new.customer), phase, subscription)
    given = changes_of(tx, subscription, with_defaults(new, phase), with_defaults(old, former), edited=edited)
    begins = not edited and with_defaults(new, phase)["billing_cycle_anchor"] == "phase_start"
    if begins or ("items" in given and restarts_period(tx, subscription, phase)):
        given["billing_cycle_anchor"] = made(Anchor, type="now")
    if planned_end(new, place) != planned_end(old, before):
        given["cancel_at"] = planned_end(new, place)
    if not edited:
        insert_one_time_items(tx, subscription, phase, given)
    if not given:
        return Applied(subscription, None)
    wanted = made(Change, proration_behavior=prorations, agreed=True, **given)
    return apply.apply(tx, subscription, wanted, at=whole_second(tx), later=later)


def changes_of(
    tx: Tx, subscription: Subscription, phase: Phase, former: Phase, *, edited: bool
) -> dict[str, Any]:
    """Return the params of an update that changes the subscription into what the phase describes."""
    given: dict[str, Any] = {}
    if not edited or phase["items"] != former["items"]:
        given["items"] = item_changes(tx, subscription, phase, former)
    for name in ("default_tax_rates", "discounts"):
        if phase[name] != former[name] or (phase[name] and not edited):
            now = discount_params(phase) if name == "discounts" else phase[name]
            given[name] = now or None
    if phase["automatic_tax"]["enabled"] != subscription.automatic_tax["enabled"]:
        given["automatic_tax"] = made(AutomaticTax, enabled=phase["automatic_tax"]["enabled"])
    if phase["metadata"] and (not edited or phase["metadata"] != former["metadata"]):
        given["metadata"] = phase["metadata"]
    if phase["trial_end"] != former["trial_end"]:
        given.update(trial_of(subscription, phase, edited=edited))
    given.update(copied_changes(tx, subscription, phase, former, edited=edited))
    return given


def trial_of(subscription: Subscription, phase: Phase, *, edited: bool) -> dict[str, Any]:
    """Return the params of an update for the trial of a phase."""
    until = instant(phase["trial_end"])
    if until:
        return {"trial_end": until}
    return {"trial_end": "now"} if edited and subscription.status == "trialing" else {}


def copied_changes(
    tx: Tx, subscription: Subscription, phase: Phase, former: Phase, *, edited: bool
) -> dict[str, Any]:
    """Return the params of an update for payment and invoice settings.

    What the former phase set and this one does not is cleared; what neither sets stays as it is.
    """
    shaped = read(Change, as_params({name: phase[name] for name in COPIED}))
    given: dict[str, Any] = {}
    for name in COPIED:
        new, old = phase[name], former[name]
        if new != old or (new is not None and not edited):
            given[name] = getattr(shaped, name) if new is not None else None
    if not belongs_to_customer(tx, subscription, given.get("default_payment_method")):
        del given["default_payment_method"]
    if phase["invoice_settings"] != former["invoice_settings"]:
        own = {name: value for name, value in phase["invoice_settings"].items() if name != "days_until_due"}
        sent = read(InvoiceSettings, as_params(own)).sent()
        given["invoice_settings"] = made(InvoiceSettings, **{**dict.fromkeys(own), **sent})
    if (phase["collection_method"], phase["invoice_settings"]["days_until_due"]) != (
        subscription.collection_method,
        subscription.days_until_due,
    ):
        sends = phase["collection_method"] == "send_invoice"
        given["collection_method"] = phase["collection_method"]
        given["days_until_due"] = phase["invoice_settings"]["days_until_due"] if sends else None
    return given


def belongs_to_customer(tx: Tx, subscription: Subscription, method: str | None) -> bool:
    """Return whether a payment method is still attached to the customer; None counts as attached."""
    found = rows.find_many(tx, PaymentMethod, [method] if method else [])
    return method is None or (method in found and found[method].customer == subscription.customer)


def items_of(tx: Tx, subscription: Subscription) -> list[SubscriptionItem]:
    """Load the items of a subscription."""
    return rows.below(tx, SubscriptionItem, "subscription", [subscription.id])[subscription.id]


def item_changes(tx: Tx, subscription: Subscription, phase: Phase, former: Phase) -> list[ItemChange]:
    """Return the changes of items: those with a price of the phase stay, others go, the rest is added."""
    left = {item.price: item.id for item in items_of(tx, subscription)}
    before = {item["price"]: item for item in former["items"]}
    found = []
    for item in phase["items"]:
        given = {"metadata": item["metadata"]} if item["metadata"] else {}
        if item["quantity"] is not None:
            given["quantity"] = item["quantity"]
        old = before.get(item["price"], {})
        if item["discounts"] or old.get("discounts"):
            given["discounts"] = discount_params(item) or None
        if item["billing_thresholds"] != old.get("billing_thresholds"):
            sent = item["billing_thresholds"]
            given["billing_thresholds"] = sent and read(UsageThreshold, sent)
        if item["tax_rates"] or old.get("tax_rates"):
            given["tax_rates"] = item["tax_rates"]
        id = left.pop(item["price"], None)
        named = {"id": id} if id else {"price": item["price"]}
        found.append(made(ItemChange, agreed=True, **named, **given))
    return found + [made(ItemChange, id=id, deleted=True) for id in left.values()]


def restarts_period(tx: Tx, subscription: Subscription, phase: Phase) -> bool:
    """Return whether the items of a phase begin a new period by themselves, as in classic (§5.5)."""
    if subscription.billing_mode["type"] != "classic" or phase["trial_end"]:
        return False
    old = rows.find_many(tx, Price, [item.price for item in items_of(tx, subscription)])
    new = rows.find_many(tx, Price, [item["price"] for item in phase["items"]])
    before, after = ([recurrence_of(one, subscription) for one in some.values()] for some in (old, new))
    return periods.begins_by_itself(before, after)


def recurrence_of(price: Price, subscription: Subscription) -> Recurrence:
    """Return how often a price is billed, and whether it costs anything in the subscription's currency."""
    metered = priced_items.meter_of(price) is not None
    rate = priced_items.rate_of(price, subscription.currency)
    return Recurrence(rhythm_of(price), metered, introductory.free(rate))


def rhythm_of(price: Price) -> tuple[str, int]:
    """Return the interval of a recurring price."""
    if not price.recurring:
        raise Inconsistent(f"The price {price.id} of a phase is not recurring.")
    return price.recurring["interval"], price.recurring["interval_count"]


def insert_one_time_items(tx: Tx, subscription: Subscription, phase: Phase, given: dict[str, Any]) -> None:
    """Insert the one-time items of a phase as pending, for the periods that begin with it."""
    if not phase["add_invoice_items"]:
        return
    now = whole_second(tx)
    anchor = now if "billing_cycle_anchor" in given else subscription.billing_cycle_anchor
    found = rows.find_many(tx, Price, [item["price"] for item in phase["items"]])
    spans_of_items = [calendar.period_at(anchor, *rhythm_of(price), now) for price in found.values()]
    until = given.get("trial_end")
    if isinstance(until, datetime):
        spans_of_items = [(now, until)]
    items = [
        SubscriptionItem(current_period_start=start, current_period_end=end) for start, end in spans_of_items
    ]
    customer = rows.find(tx, Customer, subscription.customer)
    one_time_items.insert(
        tx, one_time_items.Recipient(customer, subscription, items), one_time_items_of(phase)
    )
