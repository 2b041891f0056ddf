"""Read what a form wants of a subscription: what it leads to and what does it are made of the same params."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from billow.api import rows
from billow.api.params import made
from billow.core.errors import Refused, require
from billow.flows.billing.discounts import DiscountTerm
from billow.flows.invoices.paused_collection import KEEP, PauseCollection
from billow.flows.previews import outcomes
from billow.flows.previews.outcomes import Outcome
from billow.flows.subscription_changes import update
from billow.flows.subscription_changes.items import Anchor, ItemChange
from billow.flows.subscription_changes.params import Change
from billow.flows.subscriptions import cancel, pause, resume
from billow.pages.dashboard import subscription_choices as choices
from billow.pages.dashboard import subscriptions
from billow.resources.price import Price
from billow.resources.subscription import FEEDBACK, CancellationDetails, Subscription
from billow.resources.subscription_item import SubscriptionItem
from billow.store.tx import Tx

ADDED = ("1", "2")
"""The rows of a form for new items."""
ENDS = (("now", "Now"), ("period_end", "At the end of the period"), ("date", "On a day"))
UNUSED = (("none", "Nothing is given back"), ("credit", "Credit what is paid and not used"))
PAUSES = (
    ("keep_as_draft", "Go on, but keep its invoices as drafts"),
    ("void", "Go on, but void its invoices"),
    ("mark_uncollectible", "Go on, but write its invoices off"),
    ("subscription", "Stop: no periods and no invoices"),
)
PERIODS = (("now", "A new period begins now"), ("unchanged", "The period goes on as before the pause"))
IF_UNPAID = (
    ("error_if_incomplete", "Nothing is changed"),
    ("allow_incomplete", "It is changed, and the invoice stays open"),
)
FEEDBACKS = (("", "Not said"), *((one, one.replace("_", " ").capitalize()) for one in FEEDBACK))


@dataclass(frozen=True, slots=True)
class Plan:
    """What a form wants: how it would end, how it is done, and what the audit log is told."""

    outcome: Callable[[Tx, Subscription], Outcome]
    carry_out: Callable[[Tx, Subscription], Any]
    told: dict[str, Any] = field(default_factory=dict)
    lets_go: bool = False
    """Whether invoices are voided or written off from then on."""


@dataclass(frozen=True, slots=True)
class Sent:
    """A form about a subscription, with the instant from which it counts and the seller's time zone."""

    form: Mapping[str, str]
    since: datetime
    zone: str

    def get(self, name: str) -> str:
        return self.form.get(name, "").strip()


def by_update(wanted: Change, **told: Any) -> Plan:
    """Return the plan of an update."""
    return Plan(
        lambda tx, one: outcomes.of_change(tx, one, wanted),
        lambda tx, one: update.update(tx, one, wanted),
        told,
    )


# ------------------------------------------------------------------------------------- change


def changed(tx: Tx, one: Subscription, sent: Sent) -> Plan:
    """Read a change of items, discounts, the trial and the billing day."""
    held = rows.below(tx, SubscriptionItem, "subscription", [one.id])[one.id]
    items = [*changed_items(tx, held, sent), *added_items(tx, sent)]
    params: dict[str, Any] = {"items": items} if items else {}
    dropped = [id for id in one.discounts if sent.get(f"drop-{id}")]
    if sent.get("code") or dropped:
        terms = [made(DiscountTerm, discount=id) for id in one.discounts if id not in dropped]
        terms += [choices.term(tx, sent.get("code"), one.customer)] if sent.get("code") else []
        params["discounts"] = terms or None
    if sent.get("anchor") == "now":
        params["billing_cycle_anchor"] = made(Anchor, type="now")
    if sent.get("trial") == "now":
        params["trial_end"] = "now"
    require(params, "Nothing is changed yet.")
    prorates = choices.chosen(sent.form, "proration", choices.PRORATIONS, "create_prorations")
    params["proration_behavior"] = prorates
    params["payment_behavior"] = choices.chosen(sent.form, "unpaid", IF_UNPAID, "error_if_incomplete")
    dated = items and prorates != "none" and not {"billing_cycle_anchor", "trial_end"} & params.keys()
    if dated and one.status != "trialing":
        params["proration_date"] = sent.since
    told = [name for name in ("items", "discounts", "billing_cycle_anchor", "trial_end") if name in params]
    return by_update(made(Change, **params), changed=told, proration=prorates)


def changed_items(tx: Tx, held: Sequence[SubscriptionItem], sent: Sent) -> list[ItemChange]:
    """Return the items that get another price or quantity, or are removed."""
    found = []
    for item in held:
        price, quantity = sent.get(f"price-{item.id}") or item.price, sent.get(f"quantity-{item.id}")
        if sent.get(f"remove-{item.id}"):
            found.append(made(ItemChange, id=item.id, deleted=True))
            continue
        count = choices.quantity(quantity) if quantity else item.quantity
        if price == item.price and count == item.quantity:
            continue
        params: dict[str, Any] = {"id": item.id}
        if price != item.price:
            params["price"] = price
        if not is_metered(tx, price):
            params["quantity"] = 1 if count is None else count
        found.append(made(ItemChange, **params))
    return found


def added_items(tx: Tx, sent: Sent) -> list[ItemChange]:
    """Return the items that are added."""
    found = []
    for row in ADDED:
        price, quantity = sent.get(f"add-price-{row}"), sent.get(f"add-quantity-{row}")
        if price:
            metered = is_metered(tx, price)
            params = {} if metered or not quantity else {"quantity": choices.quantity(quantity)}
            found.append(made(ItemChange, price=price, **params))
    return found


def is_metered(tx: Tx, id: str) -> bool:
    return (rows.find(tx, Price, id).recurring or {}).get("usage_type") == "metered"


# ------------------------------------------------------------------------------------- end, and not


def canceled(tx: Tx, one: Subscription, sent: Sent) -> Plan:
    """Read when a subscription ends, and what becomes of what is paid and of what is not billed yet."""
    at = choices.chosen(sent.form, "when", ENDS, "period_end")
    prorates = choices.chosen(sent.form, "unused", UNUSED, "none") == "credit"
    feedback = choices.chosen(sent.form, "feedback", FEEDBACKS, "")
    why = {name: text for name, text in (("feedback", feedback), ("comment", sent.get("reason"))) if text}
    told = {"when": at, "unused": "credit" if prorates else "none", **why}
    if at == "now":
        bills = bool(sent.get("bill"))
        since = sent.since if prorates else None
        return Plan(
            lambda tx, one: outcomes.of_cancellation(
                tx, one, invoice_now=bills, prorates=prorates, unused_since=since
            ),
            lambda tx, one: cancel.cancel_now(
                tx, one, invoice_now=bills, prorates=prorates, unused_since=since, **why
            ),
            {**told, "bill": bills},
        )
    params: dict[str, Any] = {"cancellation_details": made(CancellationDetails, **why)} if why else {}
    if at == "period_end":
        return by_update(made(Change, cancel_at_period_end=True, **params), **told)
    day = choices.instant_of(sent.get("date"), sent.zone)
    behavior = "create_prorations" if prorates else "none"
    return by_update(
        made(Change, cancel_at=day, proration_behavior=behavior, **params), **told, date=sent.get("date")
    )


def kept(tx: Tx, one: Subscription, sent: Sent) -> Plan:
    """Take back the planned end of a subscription."""
    if one.cancel_at_period_end:
        return by_update(made(Change, cancel_at_period_end=False))
    return by_update(made(Change, cancel_at=None))


# ------------------------------------------------------------------------------------- pause, and on


def paused(tx: Tx, one: Subscription, sent: Sent) -> Plan:
    """Read how a subscription is paused: its invoices alone, or its periods as well."""
    how = choices.chosen(sent.form, "how", PAUSES, "keep_as_draft")
    if how != "subscription":
        until = choices.instant_of(sent.get("until"), sent.zone) if sent.get("until") else None
        more = {"resumes_at": until} if until else {}
        collection = made(PauseCollection, behavior=how, **more)
        told = {"how": how, "until": sent.get("until") or None}
        return replace(by_update(made(Change, pause_collection=collection), **told), lets_go=how != KEEP)
    require(not sent.get("until"), "A subscription that stops is resumed by hand: leave the day empty.")
    credited = choices.chosen(sent.form, "unused", UNUSED, "none") == "credit"
    bills = made(
        pause.BillFor,
        unused_time_from=made(pause.UnusedTime, type="now" if credited else "none"),
        outstanding_usage_through=made(pause.OutstandingUsage, type="now"),
    )
    behavior = "invoice" if sent.get("bill") else "pending_invoice_item"
    wanted = made(pause.Pause, bill_for=bills, invoicing_behavior=behavior)
    return Plan(
        lambda tx, one: outcomes.of_pause(tx, one, wanted),
        lambda tx, one: pause.pause(tx, one, wanted),
        {"how": how, "unused": "credit" if credited else "none"},
    )


def resumed(tx: Tx, one: Subscription, sent: Sent) -> Plan:
    """Read how a subscription goes on."""
    if one.status != "paused":
        return by_update(made(Change, pause_collection=None))
    period = choices.chosen(sent.form, "period", PERIODS, "now")
    prorates = choices.chosen(sent.form, "proration", choices.PRORATIONS, "create_prorations")
    wanted = made(resume.Resume, billing_cycle_anchor=made(Anchor, type=period), proration_behavior=prorates)
    return Plan(
        lambda tx, one: outcomes.of_resumption(tx, one, wanted),
        lambda tx, one: resume.resume(tx, one, wanted),
        {"period": period, "proration": prorates},
    )


READERS: dict[str, Callable[[Tx, Subscription, Sent], Plan]] = {
    "change": changed,
    "cancel": canceled,
    "keep": kept,
    "pause": paused,
    "resume": resumed,
}


def read(tx: Tx, act: str, one: Subscription, sent: Sent) -> Plan:
    """Read the form of an act; refuse an act that the subscription does not allow in its state."""
    if act not in subscriptions.possible_acts(one):
        raise Refused("This can no longer be done: the subscription has changed.")
    return READERS[act](tx, one, sent)
