"""Say what a change of plan costs now and later, by the functions that will make it."""

from typing import Any

from billow.api import rows
from billow.api.fields import instant
from billow.api.params import made
from billow.core.errors import Refused
from billow.flows.portal import choices
from billow.flows.portal.choices import Plan
from billow.flows.previews.create_preview import create_preview
from billow.flows.previews.params import Details, Preview
from billow.flows.subscription_changes.items import Anchor, ItemChange
from billow.pages import checkout_view, frame
from billow.pages.portal_entry import Entry
from billow.resources.subscription import Subscription
from billow.store import clocks
from billow.store.tx import Tx


def costs(tx: Tx, entry: Entry, plan: Plan) -> tuple[list[str], str | None]:
    """Return what is due now and with the next invoice, in words, and the amount that is paid now, if any."""
    words, subscription = entry.words, rows.find(tx, Subscription, plan.item.subscription)
    if choices.waits(tx, subscription, entry.updates, plan):
        return [words("change_nothing_now")], None
    try:
        shown = create_preview(tx, wanted(entry.updates, subscription, plan))
    except Refused:
        return [], None  # what is wrong is said when the change is made
    now = clocks.enter(tx, entry.customer.test_clock).now
    at, amount = instant(shown["created"]), frame.money(shown["amount_due"], shown["currency"], words)
    if at is not None and at > now:
        date = checkout_view.day(tx, at, words)
        return [words("change_nothing_now"), words("change_next", date=date, amount=amount)], None
    return [words("change_now", amount=amount)], amount if shown["amount_due"] > 0 else None


def wanted(feature: dict[str, Any], subscription: Subscription, plan: Plan) -> Preview:
    """Return the preview of the change as choices.switch makes it."""
    more: dict[str, Any] = {}
    if feature["billing_cycle_anchor"] == "now":
        more["billing_cycle_anchor"] = made(Anchor, type="now")
    if subscription.status == "trialing" and feature["trial_update_behavior"] == "end_trial":
        more["trial_end"] = "now"
    details = made(
        Details,
        items=[made(ItemChange, id=plan.item.id, price=plan.price, quantity=plan.quantity)],
        proration_behavior=feature["proration_behavior"],
        **more,
    )
    discounts = {"discounts": list(plan.discounts)} if plan.discounts else {}
    return made(Preview, subscription=subscription.id, subscription_details=details, **discounts)
