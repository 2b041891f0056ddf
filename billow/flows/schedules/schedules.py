"""Create, update, release and cancel subscription schedules."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from billow.api import fields as f
from billow.api import rows
from billow.api.fields import SHOWN, instant, seconds
from billow.api.params import Params, made, merged, missing, specs
from billow.core import lifecycle
from billow.core import schedule as core
from billow.core.errors import Refused, require
from billow.flows.schedules import phase_params, run_phase
from billow.flows.schedules.phase_params import NewPhase, Phase, PlanContext, Settings
from billow.flows.subscription_changes import apply, sync_schedule, update
from billow.flows.subscription_changes.params import Change
from billow.flows.subscription_status import schedule_end
from billow.flows.subscription_terms import billing_schedules, params
from billow.flows.subscriptions import cancel
from billow.flows.taxes import params as taxes
from billow.resources.customer import Customer
from billow.resources.invoice import Invoice
from billow.resources.subscription import BillingMode, Subscription
from billow.resources.subscription_item import SubscriptionItem
from billow.resources.subscription_schedule import DEFAULT_SETTINGS, LIVING, SubscriptionSchedule
from billow.store import clocks
from billow.store.perform import Steps
from billow.store.tx import Tx

END_BEHAVIORS = ("cancel", "release")


class Create(Params):
    billing_mode: BillingMode | None = f.nested(shape=BillingMode)
    customer: str | None = f.ref("customer")
    customer_account: str | None = f.text()
    default_settings: Settings | None = f.nested(shape=Settings)
    end_behavior: str = f.choice(SHOWN, *END_BEHAVIORS, default="release")
    from_subscription: str | None = f.ref("subscription")
    metadata: dict[str, str] = f.metadata()
    phases: list[NewPhase] = f.array(SHOWN, NewPhase, default=[])
    start_date: datetime | str | None = f.timestamp(choices=("now",))


class Update(Params):
    default_settings: Settings | None = f.nested(shape=Settings)
    end_behavior: str | None = f.choice(SHOWN, *END_BEHAVIORS)
    metadata: dict[str, str] = f.metadata()
    phases: list[Phase] = f.array(SHOWN, Phase, default=[])
    proration_behavior: str = f.choice(SHOWN, *params.PRORATIONS, default="create_prorations")


class Release(Params):
    preserve_cancel_date: bool = f.boolean(default=False)


class Cancel(Params):
    invoice_now: bool = f.boolean(default=True)
    prorate: bool = f.boolean(default=True)


@SubscriptionSchedule.create(Create)
def create(tx: Tx, wanted: Create) -> SubscriptionSchedule:
    """Create a schedule for a new subscription, or for an existing one with `from_subscription` alone."""
    if wanted.from_subscription:
        return create_from_subscription(tx, wanted)
    if wanted.customer is None:
        raise missing("customer")
    if wanted.customer_account is not None:
        raise Refused(
            f"No such account: '{wanted.customer_account}'", param="customer_account", code="resource_missing"
        )
    customer = rows.lock(tx, Customer, wanted.customer, param="customer")
    return plan(clocks.enter(tx, customer.test_clock), wanted, customer)


def plan(tx: Tx, wanted: Create, customer: Customer) -> SubscriptionSchedule:
    """Write a schedule and, where its first phase begins now, its subscription."""
    planned = schedule_of(tx, wanted, customer)
    begins = run_phase.spans(planned)[0].start <= run_phase.whole_second(tx)
    status = lifecycle.after(lifecycle.SCHEDULE, lifecycle.NEW, "plan")
    schedule = rows.born(tx, planned.but(status=status))
    if begins:
        schedule = run_phase.begin(tx, schedule)
    made_one = rows.insert(tx, schedule)
    run_phase.set_timers(tx, made_one)
    return made_one


def schedule_of(tx: Tx, wanted: Create, customer: Customer) -> SubscriptionSchedule:
    """Make the schedule of a request, with each phase checked as if it began now."""
    params.check_number(tx, customer)
    check_default_settings(tx, wanted.default_settings)
    now = run_phase.whole_second(tx)
    start = phase_params.instant_of(wanted.start_date, now) or now
    params.check_mode(wanted.billing_mode)
    mode = params.mode_of(wanted.billing_mode, seconds(now))
    priced = phase_params.price_phases(
        tx,
        PlanContext(customer, mode["type"] == "classic", present=existing_discounts(customer)),
        wanted.phases,
    )
    spans = core.chain(start, [phase_params.dates_of(phase, now) for phase in priced])
    require(spans[0].end > now, "The first phase must end in the future.", param="phases[0][end_date]")
    schedule = SubscriptionSchedule(
        billing_mode=mode,
        customer=customer.id,
        default_settings=default_settings(wanted.default_settings),
        end_behavior=wanted.end_behavior,
        metadata=merged({}, wanted.metadata),
        phases=[
            phase_params.stored_phase(phase, span, now) for phase, span in zip(priced, spans, strict=True)
        ],
        test_clock=customer.test_clock,
    )
    check(tx, schedule, customer)
    return schedule


def default_settings(wanted: Settings | None, old: dict[str, Any] = DEFAULT_SETTINGS) -> dict[str, Any]:
    """Return the default settings of all phases: those that were sent, over those before."""
    if wanted is None:
        return dict(old)
    sent = {name: phase_params.stored_settings(wanted)[name] for name in wanted.sent()}
    for name in ("invoice_settings", "automatic_tax"):
        if sent.get(name):
            given = {key: value for key, value in sent[name].items() if value is not None}
            sent[name] = {**old[name], **given}
    return {**old, **sent}


def check(tx: Tx, schedule: SubscriptionSchedule, customer: Customer, first: int = 0, sent: int = 0) -> None:
    """Check that the subscription of each phase could be created.

    Starts with the phase `first`, which the request has as its phase `sent`.
    """
    for place in range(first, len(schedule.phases)):
        at = f"phases[{place - first + sent}]"
        try:
            params.check(tx, run_phase.subscription_params(tx, schedule, place), customer, [])
        except Refused as refused:
            refused.param = param_of_phase(at, refused.param)
            raise


def check_default_settings(tx: Tx, wanted: Settings | None) -> None:
    """Check the default settings, even if every phase overrides them."""
    if wanted is None:
        return
    try:
        params.check_settings(tx, wanted.invoice_settings)
        taxes.check_automatic_tax(tx, wanted.automatic_tax)
    except Refused as refused:
        refused.param = param_of_phase("default_settings", refused.param)
        raise


def param_of_phase(at: str, param: str | None) -> str:
    """Return the name of a subscription's param in a phase."""
    if param == "days_until_due":
        return f"{at}[invoice_settings][days_until_due]"
    name, bracket, rest = (param or "items").partition("[")
    return f"{at}[{name}]{bracket}{rest}"


def create_from_subscription(tx: Tx, wanted: Create) -> SubscriptionSchedule:
    """Create a schedule of one phase that describes a subscription as it is, until its period ends (§6).

    Locks the subscription.
    """
    others = sorted(set(wanted.sent()) - {"from_subscription"})
    require(
        not others,
        f"You cannot set {others[0] if others else ''} if `from_subscription` is set.",
        param=others[0] if others else None,
    )
    subscription = rows.lock(tx, Subscription, wanted.from_subscription or "", param="from_subscription")
    tx = clocks.enter(tx, subscription.test_clock)
    require(
        subscription.schedule is None,
        "You cannot migrate a subscription that is already attached to a schedule:"
        f" `{subscription.schedule}`.",
        param="from_subscription",
    )
    billing_schedules.check_not_billed_ahead(tx, subscription)
    require(
        subscription.status not in ("canceled", "incomplete", "incomplete_expired", "paused"),
        f"You cannot migrate a subscription that is in the `{subscription.status}` status.",
        param="from_subscription",
    )
    items = run_phase.items_of(tx, subscription)
    require(
        not any(item.current_trial for item in items),
        "You cannot migrate a subscription while an item is in a trial offer.",
        param="from_subscription",
    )
    planned = mirror(subscription, items)
    current = {name: planned.phases[0][name] for name in ("end_date", "start_date")}
    status = lifecycle.after(lifecycle.SCHEDULE, lifecycle.NEW, "begin")
    schedule = rows.born(tx, planned.but(current_phase=current, status=status))
    rows.update(tx, subscription, schedule=schedule.id)
    made_one = rows.insert(tx, schedule)
    run_phase.set_timers(tx, made_one)
    return made_one


def mirror(subscription: Subscription, items: Sequence[SubscriptionItem]) -> SubscriptionSchedule:
    """Return the schedule that describes a subscription; it ends where the subscription is to be canceled."""
    start = max(item.current_period_start for item in items)
    end = subscription.cancel_at or min(item.current_period_end for item in items)
    trial = subscription.trial_end if subscription.status == "trialing" else None
    names = ("application_fee_percent", "collection_method", "default_payment_method", "description")
    common: dict[str, Any] = {name: getattr(subscription, name) for name in (*names, "on_behalf_of")}
    fee = Subscription.specs["application_fee_percent"].show(subscription.application_fee_percent)
    common.update(
        application_fee_percent=fee,
        billing_thresholds=subscription.billing_thresholds,
        invoice_settings={**subscription.invoice_settings, "days_until_due": subscription.days_until_due},
        transfer_data=subscription.transfer_data,
    )
    if subscription.automatic_tax["enabled"]:
        common["automatic_tax"] = subscription.automatic_tax
    phase = {
        **dict.fromkeys(specs(Settings)),
        "add_invoice_items": [],
        "currency": subscription.currency,
        "default_tax_rates": list(subscription.default_tax_rates),
        "discounts": sync_schedule.discounts_of(subscription.discounts),
        "end_date": seconds(end),
        "items": [sync_schedule.phase_item(item) for item in items],
        "metadata": dict(subscription.metadata),
        "proration_behavior": "create_prorations",
        "start_date": seconds(start),
        "trial": None,
        "trial_end": seconds(min(trial, end) if trial else None),
    }
    return SubscriptionSchedule(
        billing_mode=subscription.billing_mode,
        customer=subscription.customer,
        default_settings={**DEFAULT_SETTINGS, **common},
        end_behavior="cancel" if subscription.cancel_at else "release",
        phases=[phase],
        subscription=subscription.id,
        test_clock=subscription.test_clock,
    )


@SubscriptionSchedule.update(Update)
def revise(tx: Tx, schedule: SubscriptionSchedule, wanted: Update) -> Steps:
    """Update a schedule: replace the current phase and all later ones by those that are sent (§6)."""
    written, invoice = carry_out(tx, schedule, wanted)
    if invoice:
        tx = yield from update.collect_at_once(tx, invoice, made(Change))
    return rows.find(tx, SubscriptionSchedule, written.id)


def carry_out(
    tx: Tx, schedule: SubscriptionSchedule, wanted: Update
) -> tuple[SubscriptionSchedule, Invoice | None]:
    """Write an updated schedule, and the draft of what it bills at once. Nothing is collected."""
    check_living(schedule, "update")
    revised, place = revised_schedule(tx, schedule, wanted)
    if schedule.status == "not_started":
        if run_phase.spans(revised)[0].start <= run_phase.whole_second(tx):
            revised = run_phase.begin(tx, revised)
        return run_phase.write(tx, schedule, revised), None
    moved = revised.phases[place]["start_date"] != (schedule.current_phase or {})["start_date"]
    prorations = revised.phases[place]["proration_behavior"] if moved else wanted.proration_behavior
    done = run_phase.apply_phase(tx, schedule, revised, place, prorations, later=False)
    return run_phase.write(
        tx, schedule, revised.but(**run_phase.current_phase_fields(revised, place))
    ), done.invoice


def revised_schedule(
    tx: Tx, schedule: SubscriptionSchedule, wanted: Update
) -> tuple[SubscriptionSchedule, int]:
    """Return the schedule after an update, and the index of its current phase."""
    customer = rows.find(tx, Customer, schedule.customer)
    check_default_settings(tx, wanted.default_settings)
    changed = schedule.but(
        default_settings=default_settings(wanted.default_settings, schedule.default_settings),
        end_behavior=wanted.end_behavior or schedule.end_behavior,
        metadata=merged(schedule.metadata, wanted.metadata),
    )
    if not wanted.phases:
        place = 0 if schedule.status == "not_started" else sync_schedule.place_of(schedule)
        check(tx, changed, customer, place)
        return changed, place
    now = run_phase.whole_second(tx)
    priced = phase_params.price_phases(tx, context_of(tx, schedule, customer), wanted.phases)
    wishes = [phase_params.dates_of(phase, now) for phase in priced]
    plan = core.updated(run_phase.spans(schedule), wishes, now, anchor_of(tx, schedule))
    past = [past_phase(schedule, span) for span in plan.past]
    fresh = priced[plan.first :]
    new = [phase_params.stored_phase(phase, span, now) for phase, span in zip(fresh, plan.spans, strict=True)]
    changed = changed.but(phases=past + new)
    check(tx, changed, customer, len(past), plan.first)
    return changed, len(past)


def context_of(tx: Tx, schedule: SubscriptionSchedule, customer: Customer) -> PlanContext:
    """Return the context of the phases of an existing schedule; what they name may be archived by now."""
    items, once = (
        [entry for phase in schedule.phases for entry in phase[name]]
        for name in ("items", "add_invoice_items")
    )
    rates = [id for phase in schedule.phases for id in phase["default_tax_rates"]]
    running = rows.find_many(tx, Subscription, [schedule.subscription or ""]).values()
    return PlanContext(
        customer,
        schedule.billing_mode["type"] == "classic",
        {item["price"] for item in items},
        {extra["price"] for extra in once},
        {*rates, *(id for entry in items + once for id in entry["tax_rates"])},
        [term for entry in [*schedule.phases, *items, *once] for term in entry["discounts"]],
        existing_discounts(customer, *running),
    )


def existing_discounts(customer: Customer, *running: Subscription) -> list[str]:
    """Return the discounts of a customer and its subscriptions, which a phase may name."""
    own = [customer.discount] if customer.discount else []
    return own + [id for subscription in running for id in subscription.discounts]


def anchor_of(tx: Tx, schedule: SubscriptionSchedule) -> datetime | None:
    """Return the billing cycle anchor of a schedule's subscription."""
    found = rows.find_many(tx, Subscription, [schedule.subscription or ""])
    return next((subscription.billing_cycle_anchor for subscription in found.values()), None)


def past_phase(schedule: SubscriptionSchedule, span: core.Span) -> dict[str, Any]:
    """Return a phase that has ended; one that an update ends is shortened."""
    [phase] = [phase for phase in schedule.phases if instant(phase["start_date"]) == span.start]
    return sync_schedule.phase_until(phase, seconds(span.end) or 0)


def check_living(schedule: SubscriptionSchedule, verb: str) -> None:
    """Refuse a schedule that has ended, been released or been canceled."""
    require(
        schedule.status in LIVING,
        f"You cannot {verb} a subscription schedule that is currently in the `{schedule.status}` status. It"
        " must be `not_started` or `active`.",
    )


@SubscriptionSchedule.action("release", Release)
def release(tx: Tx, schedule: SubscriptionSchedule, wanted: Release) -> SubscriptionSchedule:
    """Release a schedule: its subscription continues without it, and without the end that it had planned."""
    check_living(schedule, "release")
    planned = schedule.status == "active" and run_phase.planned_end(
        schedule, sync_schedule.place_of(schedule)
    )
    if planned and not wanted.preserve_cancel_date:
        subscription = rows.lock(tx, Subscription, schedule.subscription or "")
        if subscription.cancel_at == planned:
            apply.apply(tx, subscription, made(Change, cancel_at=None), later=True)
    return schedule_end.release(tx, schedule)


@SubscriptionSchedule.action("cancel", Cancel)
def cancel_schedule(tx: Tx, schedule: SubscriptionSchedule, wanted: Cancel) -> SubscriptionSchedule:
    """Cancel a schedule and its subscription now; unused time that is paid is credited."""
    check_living(schedule, "cancel")
    if schedule.subscription is None:
        return schedule_end.cancel(tx, schedule)
    subscription = rows.lock(tx, Subscription, schedule.subscription)
    cancel.cancel_now(tx, subscription, invoice_now=wanted.invoice_now, prorates=wanted.prorate)
    return rows.find(tx, SubscriptionSchedule, schedule.id)
